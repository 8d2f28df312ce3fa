"""Level 2 for tf.data: chains of image functions become a Pipeline, generators go through `to_dataset`."""

from __future__ import annotations

from dataclasses import replace

import libcst as cst

from augline.migrate.arguments import Arguments
from augline.migrate.chains import DIRECTORY, EXIF, Chain, Loader, chain_of, name_of
from augline.migrate.directories import directory, rewrite_other_half
from augline.migrate.flow_sources import RANGE
from augline.migrate.generators import FLOATS
from augline.migrate.image_ops import Image, Label
from augline.migrate.images import Reader
from augline.migrate.layout import Code, Group, gives_floats, is_fixed, laid_out, listed, prefixed
from augline.migrate.notes import Unclear
from augline.migrate.rules import RANDOM_LAYERS
from augline.migrate.scales import value_scale
from augline.migrate.script import Script
from augline.migrate.signature import signature

_FROM_GENERATOR = ("generator", "output_types", "output_shapes", "args", "output_signature", "name")
_SETTINGS = ("size", "batch_size", "seed", "shuffle", "drop_remainder")
_INFERRED = "shapes and types are those of the first element: signature= gives others, as output_types did"
_ARGS = "args= reach the generator as they are; from_generator made NumPy arrays of them"
_PER_IMAGE = "each image has draws of its own; a map behind batch() drew once for the whole batch"
_CACHE = "cache() is gone: images are read anew each epoch, so that every epoch augments them anew"
_REPEAT = (
    "repeat() stood before batch(), so that batches ran on from one epoch into the next; each epoch's last is shorter "
    "now, or left out with drop_remainder=True"
)
_GENERATED = (
    "its images are made in Python: al.to_dataset(generator, batch_size=32, augment=[...]) augments them with draws of "
    "their own (docs/cookbook/08_map_after_from_generator.py)"
)
_MODEL = (
    "Keras's random layers in the model stay; augline.keras.Augment({al}.translate(layer), value_range=(0, 255)) is "
    "one layer for a whole Sequential of them, with one resampling and draws per image (docs/training.md)"
)
_UNCLEAR = "where its data comes from is unclear, or it is used elsewhere too"


def rewrite_datasets(script: Script) -> None:
    """Rewrites from_generator, and the chains that are understood; the others are noted."""
    for call in script.all(cst.Call):
        if script.name(call.func) == "tf.data.Dataset.from_generator":
            _from_generator(script, call)
    done: set[cst.CSTNode] = set()
    reasons: dict[cst.CSTNode, str] = {}
    ends = [call for call in script.all(cst.Call) if _is_end(script, call)]
    for end in sorted(ends, key=lambda call: -script.span(call)[0]):
        chain = None if end in done else chain_of(script, end)
        maps = [step for step in chain.steps if name_of(step) == "map"] if chain else []
        if chain is None or not maps:
            continue
        try:
            _rewrite(script, end, chain)
            done |= {*chain.steps}
        except Unclear as reason:
            reasons = dict.fromkeys(maps, str(reason)) | reasons  # that of the longest chain
    for call in script.all(cst.Call):
        if name_of(call) == "map" and call not in done and _augments(script, call):
            why = reasons.get(call, _GENERATED if _is_generated(script, call) else _UNCLEAR)
            script.notes.add(script.line(call), f"the tf.data chain stays as it is: {why}", everywhere=True)
    _note_models(script)


def _is_generated(script: Script, node: cst.BaseExpression) -> bool:
    """Whether a chain begins with `from_generator`."""
    while isinstance(node, cst.Call | cst.Name):
        if isinstance(node, cst.Call):
            if script.name(node.func) == "tf.data.Dataset.from_generator":
                return True
            node = node.func.value if isinstance(node.func, cst.Attribute) else node.func
        elif (value := script.value(node)) is not None:
            node = value
        else:
            return False
    return False


def _augments(script: Script, step: cst.Call) -> bool:
    """Whether there is anything random in a map, or in what its function uses."""
    texts = [script.source(part_of) for part_of in script.reached(step.args)]
    return any(word in text for word in ("andom", *RANDOM_LAYERS) for text in texts)


def _note_models(script: Script) -> None:
    """Random layers that no map uses are part of a model."""
    maps = [call for call in script.all(cst.Call) if name_of(call) == "map"]
    mapped = {id(node) for call in maps for node in script.reached(call.args)}
    for layer in script.all(cst.Call):
        kind = script.name(layer.func) or ""
        random = kind.startswith("keras.layers.") and kind.rpartition(".")[2].startswith(("Random", *RANDOM_LAYERS))
        if random and not any(id(node) in mapped for node in (layer, *script.ancestors(layer))):
            script.notes.add(script.line(layer), _MODEL.format(al=script.al))


def _from_generator(script: Script, call: cst.Call) -> None:
    try:
        args = Arguments(script, call, _FROM_GENERATOR)
    except Unclear as reason:
        script.notes.add(script.line(call), f"from_generator stays as it is: {reason}")
        return
    generator = args.code("generator")
    if "args" in args:
        inner = args.given["args"]
        given = f"*{args.code('args')}"
        if isinstance(inner, cst.Tuple | cst.List):
            given = ", ".join(script.code(element.value) for element in inner.elements)
        generator = f"lambda: {generator}({given})"
        script.notes.add(script.line(call), _ARGS)
    items: list[Code] = [generator]
    if "output_signature" in args:
        items.append(f"signature={args.code('output_signature')}")
    else:
        try:
            items.append(prefixed("signature=", signature(script, args)))
        except Unclear:
            script.notes.add(script.line(call), _INFERRED)
    script.needs_augline = True
    new = Group(f"{script.al}.to_dataset(", items)
    start = script.span(call)[0]
    column = start - script.edits.line_start(start)
    script.edits.replace(script.span(call), laid_out(new, column, script.indent(call), script.unit, script.newline))


def _is_end(script: Script, call: cst.Call) -> bool:
    """The last call of a chain on a dataset: nothing more is called on it."""
    above = script.parent(call)
    return isinstance(call.func, cst.Attribute) and not (isinstance(above, cst.Attribute) and above.value is call)


def _rewrite(script: Script, end: cst.Call, chain: Chain) -> None:
    loader, source = _source(script, chain)
    for step in chain.steps:
        _step(script, loader, step)
    if all(is_fixed(text) for text in loader.image.transforms):
        return
    _as_floats(script, loader)
    if isinstance(source, list):
        source = _listed_source(script, loader, source)
    if not loader.batched:
        raise Unclear("it is not batched here")
    settings = {"size": loader.image.size, **loader.settings}
    rest = [f"{name}={settings[name]}" for name in _SETTINGS if settings.get(name) is not None]
    closing = ").to_tf()" + loader.repeat + _after(loader)
    new = Group(f"{script.al}.Pipeline(", [source, listed(loader.image.transforms), *rest], closing)
    script.needs_augline = True
    for line, text in loader.image.notes:
        script.notes.add(line, text)
    for text in loader.tail:
        script.notes.add(script.line(end), text)
    rewrite_other_half(script, loader)
    start = script.span(end)[0]
    first = script.edits.line_start(start)
    script.edits.replace(
        script.span(end), laid_out(new, start - first, script.indent(end), script.unit, script.newline)
    )
    for statement in chain.statements:
        script.remove(statement)


def _as_floats(script: Script, loader: Loader) -> None:
    """Where tf.data gave float32 pixels of 0 to 255, so does the Pipeline."""
    image = loader.image
    if (
        not any(gives_floats(text) for text in image.transforms)
        and (image.floats or (image.scale == 255 and not image.whole))
        and image.scale != 1
    ):
        loader.image = replace(image, transforms=(*image.transforms, f"{script.al}.Rescaling(1)"))
        loader.tail.append(FLOATS)


def _listed_source(script: Script, loader: Loader, columns: list[str]) -> Group:
    """Files, or arrays with what white is in them."""
    if loader.image.file:
        loader.tail.append(EXIF)
        return Group(f"{script.al}.Files(", columns)
    scale = loader.source_scale or loader.image.white
    if scale is None and not any(".Rescaling(" in text for text in loader.image.transforms):
        loader.tail.append(RANGE)
    return Group(f"{script.al}.Arrays(", [*columns, "value_range=(0, 255)"] if scale == 255 else columns)


def _after(loader: Loader) -> str:
    """What is done on the batches, behind the Pipeline."""
    label = loader.label.after
    return "" if label is None else f".map(lambda images, labels: (images, {label}))"


def _source(script: Script, chain: Chain) -> tuple[Loader, Code | list[str]]:
    call = chain.source
    if script.name(call.func) == DIRECTORY:
        return directory(script, chain)
    data = call.args[0].value if len(call.args) == 1 else None
    if isinstance(data, cst.Name) and isinstance(script.value(data), cst.Dict | cst.Tuple | cst.List):
        raise Unclear(f"{data.value} is several arrays")
    if isinstance(data, cst.Tuple) and len(data.elements) == 2:
        values = [element.value for element in data.elements]
    elif isinstance(data, cst.Name | cst.Attribute | cst.Call):
        values = [data]
    else:
        raise Unclear("its source is not (images, labels) or images")
    scale = value_scale(script, values[0])
    image = Image(scale=scale)
    loader = Loader(image, Label(), len(values) == 2, {"shuffle": "False"}, source_scale=scale)
    return loader, [script.code(value) for value in values]


def _step(script: Script, loader: Loader, step: cst.Call) -> None:
    name = name_of(step)
    args = Arguments(script, step, ("first", "second", "third"))
    if name == "map":
        if loader.batched:
            loader.tail.append(_PER_IMAGE)
        function = args.given.get("first", args.given.get("map_func"))
        if function is None:
            raise Unclear("a map without a function")
        reader = Reader(script, loader.labelled)
        loader.image, loader.label = reader.mapped(function, loader.image, loader.label)
    elif name == "shuffle":
        loader.settings.pop("shuffle", None)
        if args.value("seed") is not None:
            loader.settings["seed"] = args.code("seed")
    elif name == "batch":
        if loader.batched:
            raise Unclear("it is batched twice")
        loader.batched = True
        loader.settings["batch_size"] = args.code("first", args.code("batch_size", ""))
        if args.value("drop_remainder", args.value("second", False)) is not False:
            loader.settings["drop_remainder"] = args.code("drop_remainder", args.code("second"))
    elif name == "repeat":
        if not loader.batched:
            loader.tail.append(_REPEAT)
        loader.repeat = f".repeat({', '.join(script.source(arg) for arg in step.args)})"
    elif name == "cache":
        loader.tail.append(_CACHE)
    elif name != "prefetch":
        raise Unclear(f".{name}(...) on line {script.line(step)} has no counterpart in a Pipeline")

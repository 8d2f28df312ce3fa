"""Level 2 for tf.data: chains of image functions become a Pipeline, generators go through `to_dataset`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import libcst as cst

from augline.migrate.arguments import Arguments
from augline.migrate.generators import FLOATS, RANGE, as_tuple, value_scale
from augline.migrate.image_ops import RESIZE, Image, Label
from augline.migrate.images import Reader
from augline.migrate.layout import Code, Group, laid_out, listed, prefixed
from augline.migrate.notes import Unclear
from augline.migrate.script import Script
from augline.migrate.signature import signature

_FROM_GENERATOR = ("generator", "output_types", "output_shapes", "args", "output_signature", "name")
_FROM_DIRECTORY = (
    "directory", "labels", "label_mode", "class_names", "color_mode", "batch_size", "image_size", "shuffle", "seed",
    "validation_split", "subset", "interpolation", "follow_links", "crop_to_aspect_ratio", "pad_to_aspect_ratio",
)  # fmt: skip
_SOURCES = ("tf.data.Dataset.from_tensor_slices", "keras.utils.image_dataset_from_directory")
_SETTINGS = ("size", "batch_size", "seed", "shuffle", "drop_remainder")
_INFERRED = "shapes and types are those of the first element: signature= gives others, as output_types did"
_ARGS = "args= reach the generator as they are; from_generator made NumPy arrays of them"
_PER_IMAGE = "each image has draws of its own; a map behind batch() drew once for the whole batch"
_CACHE = "cache() is gone: images are read anew each epoch, so that every epoch augments them anew"
_EXIF = "images are turned upright by their EXIF orientation, which TensorFlow ignores; exif=False ignores it too"
_SPLIT = "another choice of validation files than image_dataset_from_directory's"


@dataclass
class Chain:
    """`source.op().op()`, written as one expression or over several assignments."""

    source: cst.Call
    steps: list[cst.Call]
    statements: list[cst.CSTNode] = field(default_factory=list)
    """What goes when the chain is rewritten at its end."""


@dataclass
class Loader:
    """What goes into the Pipeline."""

    image: Image
    label: Label
    labelled: bool
    settings: dict[str, str]
    repeat: str = ""
    batched: bool = False
    tail: list[str] = field(default_factory=list)
    source_scale: int | None = None
    """What white is in the arrays that go in."""
    other: tuple[cst.Call, Group] | None = None
    """The call that makes the other subset of the same data, and what it must become."""


def rewrite_datasets(script: Script) -> None:
    """Rewrites from_generator, and the chains that are understood; the others are noted."""
    for call in script.all(cst.Call):
        if script.name(call.func) == "tf.data.Dataset.from_generator":
            _from_generator(script, call)
    done: set[cst.CSTNode] = set()
    reasons: dict[cst.CSTNode, str] = {}
    ends = [call for call in script.all(cst.Call) if _is_end(script, call)]
    for end in sorted(ends, key=lambda call: -script.span(call)[0]):
        chain = None if end in done else _chain(script, end)
        maps = [step for step in chain.steps if _name(step) == "map"] if chain else []
        if chain is None or not maps:
            continue
        try:
            _rewrite(script, end, chain)
            done |= {*chain.steps}
        except Unclear as reason:
            reasons |= dict.fromkeys(maps, str(reason))
    for call in script.all(cst.Call):
        if _name(call) == "map" and call not in done and _augments(script, call):
            why = reasons.get(call, "where its data comes from is unclear, or it is used elsewhere too")
            script.notes.add(script.line(call), f"the tf.data chain stays as it is: {why}", everywhere=True)


def _augments(script: Script, step: cst.Call) -> bool:
    """Whether there is anything random in a map."""
    texts = [script.source(arg.value) for arg in step.args]
    for name in script.all(cst.Name):
        if not any(arg in script.ancestors(name) for arg in step.args):
            continue
        for binding in script.bindings(name):
            node = getattr(binding, "node", None)
            texts += [script.source(node)] if isinstance(node, cst.FunctionDef) else []
        value = script.value(name)
        texts += [script.source(value)] if isinstance(value, cst.Call) else []
    return any("andom" in text for text in texts)


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


def _name(call: cst.Call) -> str:
    return call.func.attr.value if isinstance(call.func, cst.Attribute) else ""


def _is_end(script: Script, call: cst.Call) -> bool:
    """The last call of a chain on a dataset: nothing more is called on it."""
    above = script.parent(call)
    return isinstance(call.func, cst.Attribute) and not (isinstance(above, cst.Attribute) and above.value is call)


def _chain(script: Script, end: cst.Call) -> Chain | None:
    steps: list[cst.Call] = []
    statements: list[cst.CSTNode] = []
    node: cst.BaseExpression = end
    while True:
        if isinstance(node, cst.Call) and script.name(node.func) in _SOURCES:
            return Chain(node, steps[::-1], statements)
        if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
            steps.append(node)
            node = node.func.value
        elif isinstance(node, cst.Name) and (assign := script.assignment(node)) is not None:
            uses = script.uses(assign)
            same_block = script.parent(script.statement(node)) is script.parent(script.statement(assign))
            if uses is None or len(uses) != 1 or not same_block:
                return None
            statements.append(script.statement(assign))
            node = assign.value
        else:
            return None


def _rewrite(script: Script, end: cst.Call, chain: Chain) -> None:
    loader, source = _source(script, chain.source)
    for step in chain.steps:
        _step(script, loader, step)
    random = [text for text in loader.image.transforms if ".Random" in text]
    if not random:
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
    if loader.other is not None:
        call, code = loader.other
        column = script.span(call)[0] - script.edits.line_start(script.span(call)[0])
        shown = laid_out(code, column, script.indent(call), script.unit, script.newline)
        script.edits.replace(script.span(call), shown)
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
    rescaled = any(".Rescaling(" in text or ".Normalize(" in text for text in image.transforms)
    if not rescaled and (image.floats or (image.scale == 255 and not image.whole)) and image.scale != 1:
        loader.image = replace(image, transforms=(*image.transforms, f"{script.al}.Rescaling(1)"))
        loader.tail.append(FLOATS)


def _listed_source(script: Script, loader: Loader, columns: list[str]) -> Group:
    """Files, or arrays with what white is in them."""
    if loader.image.file:
        loader.tail.append(_EXIF)
        return Group(f"{script.al}.Files(", columns)
    scale = loader.source_scale
    if scale is None and not any(".Rescaling(" in text for text in loader.image.transforms):
        loader.tail.append(RANGE)
    return Group(f"{script.al}.Arrays(", [*columns, "value_range=(0, 255)"] if scale == 255 else columns)


def _after(loader: Loader) -> str:
    """What is done on the batches, behind the Pipeline."""
    image, label = loader.image.after, loader.label.after
    if image is None and label is None:
        return ""
    if not loader.labelled:
        return f".map(lambda images: {image})"
    return f".map(lambda images, labels: ({image or 'images'}, {label or 'labels'}))"


def _source(script: Script, call: cst.Call) -> tuple[Loader, Code | list[str]]:
    if script.name(call.func) == _SOURCES[1]:
        return _directory(script, call)
    data = call.args[0].value if len(call.args) == 1 else None
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


def _directory(script: Script, call: cst.Call) -> tuple[Loader, Code]:
    al, args = script.al, Arguments(script, call, _FROM_DIRECTORY)
    if args.value("labels", "inferred") not in ("inferred", None):
        raise Unclear("labels= of image_dataset_from_directory is not 'inferred'")
    if args.value("batch_size", 32) is None:
        raise Unclear("batch_size=None")
    mode = None if args.value("labels", "inferred") is None else args.known("label_mode", "int")
    items: list[Code] = [args.code("directory")]
    items += [f'label_mode="{mode}"' if mode else "label_mode=None"] if mode != "int" else []
    for name, default in (("class_names", None), ("color_mode", "rgb"), ("follow_links", False)):
        if args.value(name, default) != default:
            items.append(f"{name}={args.code(name)}")
    closing = ")"
    loader = Loader(Image(scale=255), Label(), mode is not None, {}, batched=True, tail=[RESIZE, _EXIF])
    if args.value("subset") is not None:
        subset = args.known("subset")
        if subset not in ("training", "validation"):
            raise Unclear(f"subset={subset!r}")
        split = args.code("validation_split")
        closing = f").split({split})[{0 if subset == 'training' else 1}]"
        loader.other = _other_half(script, call, args, Group(f"{al}.Folder(", items, f").split({split})"), subset)
        loader.tail.append(_SPLIT)
    size = as_tuple(args.code("image_size", "(256, 256)"))
    if any(args.value(name, False) is not False for name in ("crop_to_aspect_ratio", "pad_to_aspect_ratio")):
        raise Unclear("crop_to_aspect_ratio or pad_to_aspect_ratio")
    value = args.value("image_size", (256, 256))
    pixels = (value[0], value[1]) if isinstance(value, tuple | list) else None
    loader.image = Image(scale=255, size=size, pixels=pixels)
    if args.value("batch_size", 32) != 32:
        loader.settings["batch_size"] = args.code("batch_size")
    if args.value("seed") is not None:
        loader.settings["seed"] = args.code("seed")
    if args.value("shuffle", True) is not True:
        loader.settings["shuffle"] = args.code("shuffle")
    return loader, Group(f"{al}.Folder(", items, closing)


def _other_half(script: Script, call: cst.Call, args: Arguments, split: Group, subset: str) -> tuple[cst.Call, Group]:
    """The other subset of a folder must be split by augline too: else a file could be in both."""
    others = []
    for other in script.all(cst.Call):
        if script.name(other.func) == _SOURCES[1] and other is not call:
            theirs = Arguments(script, other, _FROM_DIRECTORY)
            if all(theirs.code(name) == args.code(name) for name in ("directory", "validation_split")):
                others.append((other, theirs))
    wanted = "validation" if subset == "training" else "training"
    if len(others) != 1 or others[0][1].value("subset") != wanted:
        raise Unclear(f"the {wanted} subset of the folder is not made in this script, and both must be split alike")
    other, theirs = others[0]
    same = ("label_mode", "class_names", "color_mode", "image_size", "interpolation", "labels")
    if any(theirs.code(name, "") != args.code(name, "") for name in same):
        raise Unclear(f"the two subsets of the folder differ in their arguments (line {script.line(other)})")
    holder = script.parent(other)
    uses = script.uses(holder) if isinstance(holder, cst.Assign) else []
    if uses is None or any(_is_class_names(script, use) for use in uses):
        raise Unclear(f"class_names of the other subset is read (line {script.line(other)})")
    settings = {
        "size": as_tuple(args.code("image_size", "(256, 256)")),
        "batch_size": theirs.code("batch_size") if "batch_size" in theirs else None,
        "shuffle": theirs.code("shuffle") if theirs.value("shuffle", True) is not True else None,
    }
    rest = [f"{name}={text}" for name, text in settings.items() if text is not None]
    source = Group(split.opening, split.items, f"{split.closing}[{0 if wanted == 'training' else 1}]")
    return other, Group(f"{script.al}.Pipeline(", [source, f"[{script.al}.Rescaling(1)]", *rest], ").to_tf()")


def _is_class_names(script: Script, use: cst.CSTNode) -> bool:
    above = script.parent(use)
    return isinstance(above, cst.Attribute) and above.attr.value == "class_names"


def _step(script: Script, loader: Loader, step: cst.Call) -> None:
    name = _name(step)
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
        loader.repeat = f".repeat({', '.join(script.source(arg) for arg in step.args)})"
    elif name == "cache":
        loader.tail.append(_CACHE)
    elif name != "prefetch":
        raise Unclear(f".{name}(...) on line {script.line(step)} has no counterpart in a Pipeline")

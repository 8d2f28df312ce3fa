"""`image_dataset_from_directory`, and the two halves of a folder, as sources of a Pipeline."""

from __future__ import annotations

import libcst as cst

from augline.migrate.arguments import Arguments
from augline.migrate.chains import DIRECTORY, EXIF, Chain, Loader, is_class_names
from augline.migrate.image_ops import RESIZE, Image, Label
from augline.migrate.layout import Code, Group, as_tuple, laid_out, listed
from augline.migrate.notes import Unclear
from augline.migrate.script import Script

_FROM_DIRECTORY = (
    "directory", "labels", "label_mode", "class_names", "color_mode", "batch_size", "image_size", "shuffle", "seed",
    "validation_split", "subset", "interpolation", "follow_links", "crop_to_aspect_ratio", "pad_to_aspect_ratio",
)  # fmt: skip
_SPLIT = "another choice of validation files than image_dataset_from_directory's"


def directory(script: Script, chain: Chain) -> tuple[Loader, Code]:
    """`image_dataset_from_directory(...)`, or a half of it, as a source with its settings.

    Raises:
        Unclear: A Pipeline cannot do the same, or the other half would be split otherwise.
    """
    al, call = script.al, chain.source
    args = Arguments(script, call, _FROM_DIRECTORY)
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
    loader = Loader(Image(scale=255), Label(), mode is not None, {}, batched=True, tail=[RESIZE, EXIF])
    if args.value("subset") is not None:
        half = _half(chain, args)
        split = f").split({args.code('validation_split')})"
        closing = f"{split}[{half}]"
        whole = Group(f"{al}.Folder(", items, split)
        if chain.both is not None:
            loader.other = _second(script, chain.both, args, whole, loader)
        elif chain.shared:
            raise Unclear("the subset is used elsewhere too, and both must be split alike")
        else:
            loader.other = _other_half(script, call, args, whole, half, loader)
        loader.tail.append(_SPLIT)
    holder = script.parent(call)
    if isinstance(holder, cst.Assign) and not chain.shared:
        loader.named += [use for use in script.uses(holder) or () if is_class_names(script, use)]
    loader.folder = str(Group(f"{al}.Folder(", items))
    if loader.named and mode is None:
        raise Unclear("class_names of images without labels is read")
    _settings(al, args, loader)
    return loader, Group(f"{al}.Folder(", items, closing)


def _settings(al: str, args: Arguments, loader: Loader) -> None:
    """The size, and what a pipeline is told beside it."""
    size = as_tuple(args.code("image_size", "(256, 256)"))
    if any(args.value(name, False) is not False for name in ("crop_to_aspect_ratio", "pad_to_aspect_ratio")):
        raise Unclear("crop_to_aspect_ratio or pad_to_aspect_ratio")
    value = args.value("image_size", (256, 256))
    pixels = (value[0], value[1]) if isinstance(value, tuple | list) else None
    loader.image = Image(scale=255, size=size, pixels=pixels)
    if nearest := _nearest(al, args):
        loader.image = Image(scale=255, whole=True, transforms=nearest, pixels=pixels)  # Keras's stay uint8, too
    loader.settings |= args.feeding()


def _nearest(al: str, args: Arguments) -> tuple[str, ...]:
    """The resizing, where it is a transform of its own."""
    method = args.known("interpolation", "bilinear")
    if method not in ("bilinear", "nearest"):
        raise Unclear(f"interpolation={method!r}: a Pipeline resizes with bilinear or nearest")
    size = as_tuple(args.code("image_size", "(256, 256)"))
    sides = size[1:-1] if size.startswith("(") else f"*{size}"
    return () if method == "bilinear" else (f'{al}.Resizing({sides}, interpolation="nearest")',)


def _half(chain: Chain, args: Arguments) -> int:
    """0 for training, 1 for validation."""
    subset = args.known("subset")
    if (subset == "both") != (chain.both is not None) or subset not in ("training", "validation", "both"):
        raise Unclear(f"subset={subset!r}")
    return chain.both[1] if chain.both is not None else ("training", "validation").index(subset)


def _second(
    script: Script, both: tuple[cst.Assign, int], args: Arguments, split: Group, loader: Loader
) -> tuple[cst.CSTNode, Group]:
    """The other of `training, validation = ...(subset="both")`; the one that is augmented is made where it is used."""
    assign, half = both
    target = assign.targets[0].target
    assert isinstance(target, cst.Tuple)
    names = [script.source(element.value) for element in target.elements]
    found = [script.uses(assign, place) for place in range(len(names))]
    if len(names) != 2 or None in found:
        raise Unclear(f"what happens to what is made on line {script.line(assign)} is unclear")
    loader.named += [use for uses in found for use in uses or () if is_class_names(script, use)]
    if len([use for use in found[half] or () if use not in loader.named]) == 1:
        source = Group(split.opening, split.items, f"{split.closing}[{1 - half}]")
        return assign, _plain(script, args, args, source, f"{names[1 - half]} = ", ".to_tf()")
    pair = f"{', '.join(names)} = (half.to_tf() for half in "
    folder = Group(split.opening, split.items)
    return assign, _plain(script, args, args, folder, pair, f"{split.closing[1:]})")


def _plain(
    script: Script, args: Arguments, own: Arguments, source: Group, before: str = "", after: str = ".to_tf()"
) -> Group:
    """A pipeline that does nothing but resize."""
    nearest = _nearest(script.al, args)
    settings = {
        "size": None if nearest else as_tuple(args.code("image_size", "(256, 256)")),
        "batch_size": own.code("batch_size") if "batch_size" in own else None,
        "seed": own.code("seed") if before and own.value("seed") is not None else None,
        "shuffle": own.code("shuffle") if own.value("shuffle", True) is not True else None,
    }
    rest = [f"{name}={text}" for name, text in settings.items() if text is not None]
    transforms = listed(nearest or [f"{script.al}.Rescaling(1)"])
    return Group(f"{before}{script.al}.Pipeline(", [source, transforms, *rest], ")" + after)


def rewrite_other_half(script: Script, loader: Loader) -> None:
    """Writes the other half of a folder, which must be split alike, and where class names come from."""
    for name in loader.named:
        script.edits.replace(script.span(script.parent(name)), f"{loader.folder}.class_names")
    if loader.other is not None:
        node, code = loader.other
        column = script.span(node)[0] - script.edits.line_start(script.span(node)[0])
        shown = laid_out(code, column, script.indent(node), script.unit, script.newline)
        script.edits.replace(script.span(node), shown)


def _other_half(
    script: Script, call: cst.Call, args: Arguments, split: Group, half: int, loader: Loader
) -> tuple[cst.CSTNode, Group]:
    """The other subset of a folder must be split by augline too: else a file could be in both."""
    others = []
    for other in script.all(cst.Call):
        if script.name(other.func) == DIRECTORY and other is not call:
            theirs = Arguments(script, other, _FROM_DIRECTORY)
            if all(theirs.code(name) == args.code(name) for name in ("directory", "validation_split")):
                others.append((other, theirs))
    wanted = ("validation", "training")[half]
    if len(others) != 1 or others[0][1].value("subset") != wanted:
        raise Unclear(f"the {wanted} subset of the folder is not made in this script, and both must be split alike")
    other, theirs = others[0]
    same = ("label_mode", "class_names", "color_mode", "image_size", "interpolation", "labels")
    if any(theirs.code(name, "") != args.code(name, "") for name in same):
        raise Unclear(f"the two subsets of the folder differ in their arguments (line {script.line(other)})")
    holder = script.parent(other)
    uses = script.uses(holder) if isinstance(holder, cst.Assign) else []
    if uses is None:
        raise Unclear(f"what happens to the other subset is unclear (line {script.line(other)})")
    loader.named += [use for use in uses if is_class_names(script, use)]
    return other, _plain(script, args, theirs, Group(split.opening, split.items, f"{split.closing}[{1 - half}]"))

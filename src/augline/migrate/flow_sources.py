"""What `flow`, `flow_from_directory` and `flow_from_dataframe` read, as the source of a Pipeline."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import libcst as cst

from augline.migrate.arguments import Arguments
from augline.migrate.layout import Code, Group, as_tuple, is_fixed, listed
from augline.migrate.notes import Unclear
from augline.migrate.rules import FOLDER_MODES, TABLE_TASKS
from augline.migrate.scales import is_unit, value_scale
from augline.migrate.script import UNKNOWN, Script

_RESIZE = (
    "images are resized with antialiasing and turned upright by their EXIF orientation; ImageDataGenerator took the "
    "nearest pixel and ignored EXIF (Folder(exif=False) ignores it too)"
)
RANGE = "Arrays takes uint8 images, or floats in [0, 1]; for other floats add value_range=(black, white)"
_STRAYS = "without labels, images that lie in the folder itself count too, beside those of its sub-folders"
_BINARY = "class_mode='binary' gives labels of shape (N, 1) here, (N,) in ImageDataGenerator"


@dataclass
class Parts:
    """What goes into one Pipeline."""

    source: Code
    transforms: list[str]
    size: str | None
    settings: dict[str, str]
    split: str | None = None
    subset: str | None = None
    scale: int | None = None
    notes: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    @property
    def fixed(self) -> list[str]:
        """The transforms that are not random."""
        return [text for text in self.transforms if is_fixed(text)]

    def pipeline(self, al: str) -> Group:
        """The call."""
        named = {"size": self.size, **self.settings}
        rest = [f"{name}={text}" for name, text in named.items() if text is not None]
        return Group(f"{al}.Pipeline(", [self.source, listed(self.transforms), *rest])

    def of_subset(self) -> Parts:
        """The same with its part of the source split off by itself."""
        if self.subset is None:
            return self
        part_of = f".split({self.split})[{0 if self.subset == 'training' else 1}]"
        assert isinstance(self.source, Group)
        self.source = Group(self.source.opening, self.source.items, self.source.closing + part_of)
        return self


def _folder(script: Script, args: Arguments, ctor: Arguments) -> Parts:
    al = script.al
    mode = args.known("class_mode", "categorical")
    if mode not in FOLDER_MODES:
        raise Unclear(f"class_mode={mode!r} has no counterpart in a Pipeline")
    items: list[Code] = [args.code("directory") if mode is not None else _unlabelled(script, args)]
    if FOLDER_MODES[mode] != "int":
        items.append(f"label_mode={FOLDER_MODES[mode]!r}".replace("'", '"'))
    parts = Parts(Group(f"{al}.Folder(", items), [], *_sized(args, al))
    if mode == "binary":
        parts.notes.append(_BINARY)
    if mode is None:
        parts.notes.append(_STRAYS)
    if args.value("classes") is not None and mode is not None:
        items.append(f"class_names={args.code('classes')}")
    if args.value("color_mode", "rgb") != "rgb":
        items.append(f"color_mode={args.code('color_mode')}")
    if args.value("follow_links", False) is not False:
        items.append(f"follow_links={args.code('follow_links')}")
    _resizing(args, al, parts)
    return parts


def _unlabelled(script: Script, args: Arguments) -> str:
    """The folder of images without labels; `classes=["one"]` picks a sub-folder of it."""
    directory, classes = args.code("directory"), args.known("classes")
    if not classes:
        return directory
    if len(classes) != 1 or not isinstance(classes, list | tuple):
        raise Unclear("classes= without labels picks some of the sub-folders, which a Folder does only with labels")
    return f"{script.module_name('os')}.path.join({directory}, {json.dumps(classes[0])})"


def _table(script: Script, args: Arguments, ctor: Arguments) -> Parts:
    al = script.al
    mode = args.known("class_mode", "categorical")
    if mode is not None and mode not in TABLE_TASKS:
        raise Unclear(f"class_mode={mode!r} has no counterpart in a Pipeline")
    items: list[Code] = [args.code("dataframe"), "image=" + args.code("x_col", '"filename"')]
    if mode is not None:
        items.append("label=" + args.code("y_col", '"class"'))
        task = TABLE_TASKS[mode]
        if task is not None:
            items.append(f'task="{task}"')
    if args.value("directory") is not None:
        items.append(f"root={args.code('directory')}")
    if args.value("weight_col") is not None:
        items.append(f"weight={args.code('weight_col')}")
    if args.value("classes") is not None and mode is not None:
        items.append(f"class_names={args.code('classes')}")
    if args.value("color_mode", "rgb") != "rgb":
        items.append(f"color_mode={args.code('color_mode')}")
    parts = Parts(Group(f"{al}.Table(", items), [], *_sized(args, al))
    if mode == "categorical":
        parts.comments.append('task="multilabel" gives one-hot rows')
    if args.value("validate_filenames", True) is True:
        parts.notes.append("rows whose file is missing are an error now; flow_from_dataframe left them out")
    _resizing(args, al, parts)
    return parts


def _arrays(script: Script, args: Arguments, ctor: Arguments) -> Parts:
    if "ignore_class_split" in args:
        raise Unclear("ignore_class_split has no counterpart in a Pipeline")
    if isinstance(args.given.get("x"), cst.Tuple | cst.List):
        raise Unclear("flow of several inputs has no counterpart in a Pipeline")
    items: list[Code] = [args.code("x")]
    if args.value("y") is not None:
        items.append(args.code("y"))
    if args.value("sample_weight") is not None:
        items.append(f"weights={args.code('sample_weight')}")
    scale = value_scale(script, args.given["x"]) or _rescaled_from(ctor)
    parts = Parts(Group(f"{script.al}.Arrays(", items), [], None, {}, scale=scale)
    if scale == 255:
        items.append("value_range=(0, 255)")
    elif scale is None:
        parts.notes.append(RANGE)
    return parts


def _rescaled_from(ctor: Arguments) -> int | None:
    """255 where the generator brings pixels from 255 to 1."""
    rescale = ctor.value("rescale")
    return 255 if isinstance(rescale, float) and is_unit(rescale) else None


def _sized(args: Arguments, al: str) -> tuple[str | None, dict[str, str]]:
    size = as_tuple(args.code("target_size", "(256, 256)"))
    return (None if args.value("keep_aspect_ratio", False) is True else size), {}


def _resizing(args: Arguments, al: str, parts: Parts) -> None:
    if args.value("keep_aspect_ratio", False) is True:
        size = as_tuple(args.code("target_size", "(256, 256)"))
        pair = size[1:-1] if size.startswith("(") and size.endswith(")") else f"*{size}"
        parts.transforms.append(f"{al}.Resizing({pair}, crop_to_aspect_ratio=True)")
    elif args.value("keep_aspect_ratio", False) is UNKNOWN:
        raise Unclear("keep_aspect_ratio cannot be read off the script")
    parts.notes.append(_RESIZE)


FLOWS: dict[str, Callable[[Script, Arguments, Arguments], Parts]] = {
    "flow_from_directory": _folder, "flow_from_dataframe": _table, "flow": _arrays,
}  # fmt: skip
"""By the name of the method."""

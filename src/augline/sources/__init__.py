"""Data sets: where encoded images or arrays, and their targets, come from."""

from __future__ import annotations

from typing import Any

from augline.errors import SpecError
from augline.sources.arrays import Arrays
from augline.sources.base import Source, Subset, subset_from_config
from augline.sources.coco import Coco
from augline.sources.files import Files
from augline.sources.folder import Folder
from augline.sources.mask_folder import MaskFolder
from augline.sources.refusal import nearest, refusal
from augline.sources.table import Table
from augline.sources.targets import BOX_FORMATS, Targets
from augline.sources.tfrecords import TFRecords
from augline.sources.voc import Voc
from augline.sources.yolo import Yolo

__all__ = [
    "BOX_FORMATS", "Arrays", "Coco", "Files", "Folder", "MaskFolder", "Source", "Subset", "TFRecords", "Table",
    "Targets", "Voc", "Yolo", "from_config",
]  # fmt: skip

_SOURCES: dict[str, type[Source]] = {
    "Coco": Coco, "Files": Files, "Folder": Folder, "MaskFolder": MaskFolder, "TFRecords": TFRecords,
    "Table": Table, "Voc": Voc, "Yolo": Yolo,
}  # fmt: skip


def from_config(config: dict[str, Any]) -> Source:
    """The source that `source.config()` described.

    Raises:
        SpecError: no such source, or not such arguments.
        SourceError or ArgumentError: the files are not there any more.

    >>> from_config({"Folder": {"path": "photos"}})             # doctest: +SKIP
    Folder('photos', 200 images, 10 classes)
    """
    known = [*_SOURCES, "Subset"]
    name = next(iter(config)) if config else ""
    if name not in known or len(config) != 1:
        fix = f"{nearest(name, known)}Write e.g. {{'Folder': {{'path': 'photos'}}}}."
        raise refusal(SpecError, "source", f"it must be one of {', '.join(known)}", repr(config)[:200], fix)
    try:
        arguments = dict(config[name])
        if name == "Subset":
            return subset_from_config(from_config(arguments.pop("source")), arguments)
        return _SOURCES[name](**arguments)
    except (TypeError, KeyError) as error:
        raise refusal(
            SpecError, name, "it must have this source's arguments", str(error).rstrip("."), "Correct the file."
        ) from error

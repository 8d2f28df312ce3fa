"""Data sets laid out as YOLO's, with a text file of boxes or polygons beside each image."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from augline.errors import SourceError
from augline.names import with_known_arguments
from augline.sources import yolo_files
from augline.sources.base import FileSource
from augline.sources.boxes import ON_INVALID, SLACK, box_problems, kept
from augline.sources.columns import build
from augline.sources.files import check_exist
from augline.sources.labels import checked_names
from augline.sources.listing import absent
from augline.sources.polygons import corners_of
from augline.sources.refusal import check_choice, refusal, shown
from augline.sources.waiting import announced


class Yolo(FileSource):
    """Images annotated in YOLO's format: `images/a/b.jpg` goes with `labels/a/b.txt`.

    An image without such a file has no objects.

    Each line of a text file is an object: `class cx cy w h`, or `class x1 y1 x2 y2 x3 y3 ...` for an outline, whose
    tight box is taken; all relative to the image's size. Boxes are "rel_center_xywh", and where there are outlines,
    `targets.polygons` has them, relative too.

    Args:
        data: the `data.yaml`, or a folder, with or without one, in which `images/<split>` or `<split>/images` lies.
        split: "train", "val", "test", ...; a key of `data.yaml`, whose folders, lists of folders and text files of
            paths are taken. None for all of `images` in a folder without `data.yaml`.
        class_names: of the classes 0, 1, ...; by default the `names` in `data.yaml`.
        on_invalid: what to do with an object whose box has no area or lies out of its image by more than 1 % of its
            side: "raise", or "drop" the object. Lines that cannot be read are refused always.
        color_mode: Keras's "rgb", "rgba" or "grayscale".
        dtype: "uint8", or "uint16" to keep the depth of 16-bit files.
        exif: whether files are turned upright by their EXIF orientation.

    Raises:
        SourceError: files are missing, or a line cannot be read.
        ArgumentError: an argument that makes no sense.

    >>> Yolo("coco8/data.yaml", "val")                    # doctest: +SKIP
    Yolo('coco8/data.yaml', 'val', 4 images, 80 classes, 17 objects)
    """

    bounding_box_format = "rel_center_xywh"

    @with_known_arguments
    @announced
    def __init__(
        self,
        data: str | os.PathLike[str],
        split: str | None = "train",
        *,
        class_names: Sequence[str] | None = None,
        on_invalid: str = "raise",
        color_mode: str = "rgb",
        dtype: str = "uint8",
        exif: bool = True,
    ) -> None:
        self.data, self._split = os.fspath(data), split
        self._owner = f"Yolo({self.data!r}, {split!r})"
        self._decode_as(self._owner, color_mode, dtype, exif)
        self._arguments = {"on_invalid": on_invalid, "color_mode": color_mode}
        check_choice(self._owner, "on_invalid", on_invalid, ON_INVALID)
        self.paths, names = yolo_files.find(self._owner, self.data, split)
        check_exist(self._owner, self.paths)
        self.class_names = checked_names(self._owner, class_names) if class_names is not None else names
        labels = [yolo_files.label_path(path) for path in self.paths]
        without = {*absent(labels)}
        if len(without) == len(labels):
            rule, fix = "some images must have a label file", "Put labels/ beside images/, with the same names in it."
            raise refusal(SourceError, self._owner, rule, f"none, such as {shown(labels, 1)}", fix)
        classes = len(self.class_names) if self.class_names is not None else None
        files = enumerate(labels)
        self._take([[] if row in without else yolo_files.read(self._owner, path, classes) for row, path in files])

    def __repr__(self) -> str:
        classes = "" if self.class_names is None else f"{len(self.class_names)} classes, "
        dropped = f", {self.dropped} dropped" if self.dropped else ""
        return f"{self._owner[:-1]}, {len(self)} images, {classes}{self.objects} objects{dropped})"

    def config(self) -> dict[str, Any]:
        """The arguments, with the class list as found."""
        names = None if self.class_names is None else list(self.class_names)
        arguments = {"data": self.data, "split": self._split, "class_names": names, **self._arguments}
        return {"Yolo": {**arguments, "dtype": self.dtype, "exif": self.exif}}

    def _take(self, rows: list[list[yolo_files.Row]]) -> None:
        """Sets the targets from the rows of each image."""
        images = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        objects = [item for row in rows for item in row]
        corners = np.asarray([item.corners for item in objects], np.float64).reshape(-1, 4)
        problems = box_problems(corners, np.ones((len(objects), 2)), SLACK, "of its side")
        chosen = kept(
            self._owner, len(objects), problems,
            lambda row: f"{yolo_files.label_path(self.paths[images[row]])!r}, line {objects[row].line}",
            str(self._arguments["on_invalid"]),
        )  # fmt: skip
        self.objects, self.dropped = len(chosen), len(problems)
        ends = np.cumsum(np.bincount(images[chosen], minlength=len(rows)))[:-1]
        left = [objects[row] for row in chosen.tolist()]
        centres, sides = (corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]
        boxes = np.concatenate([centres, sides], axis=1)[chosen].astype(np.float32)
        self.targets, _ = build(
            self._owner, len(rows), class_names=self.class_names, bounding_box_format=self.bounding_box_format,
            boxes=np.split(boxes, ends),
            box_labels=np.split(np.asarray([item.label for item in left], np.int32), ends),
        )  # fmt: skip
        if any(item.polygon is not None for item in left):
            polygons = [corners_of(item.corners) if item.polygon is None else item.polygon for item in left]
            starts = [0, *ends.tolist()]
            grouped = [polygons[a:b] for a, b in zip(starts, [*starts[1:], len(polygons)], strict=True)]
            self.targets = replace(self.targets, polygons=grouped)

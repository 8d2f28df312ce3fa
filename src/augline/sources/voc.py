"""Data sets laid out as Pascal VOC."""

# A data set may list a million files: plain strings, no Path object for each.
# ruff: noqa: PTH112, PTH118, PTH120, PTH123, PTH208
from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline.errors import SourceError
from augline.names import with_known_arguments
from augline.sources import voc_file
from augline.sources.base import FileSource
from augline.sources.boxes import ON_INVALID, box_problems, kept
from augline.sources.columns import build
from augline.sources.listing import by_stem, check_folder, images_below
from augline.sources.refusal import check_choice, nearest, refusal, shown
from augline.sources.voc_file import Sheet
from augline.sources.waiting import announced

_FLAG = re.compile(r"\s+(?=-?[01]$)")
"""Between a name in a class's list and whether the class is there."""


class Voc(FileSource):
    """Images annotated as in Pascal VOC: `JPEGImages`, `Annotations/*.xml`, `ImageSets/Main/*.txt`, in order of name.

    VOC counts pixels from 1 and names a box's first and last ones; here boxes are "xyxy" from edge to edge, so
    `xmin - 1, ymin - 1, xmax, ymax`.

    Args:
        root: the folder that these lie in, such as `VOCdevkit/VOC2012`.
        split: "train", "val", ..., the name of a list in `ImageSets/Main`, of whose lines those marked -1 are left out;
            None for all annotated images.
        difficult: whether to take the objects marked so.
        masks: whether to give the masks in `SegmentationClass`, values kept: 0 is background, 255 a border, and with
            VOC's own classes 1 + the class index an object. The split is then a list in `ImageSets/Segmentation`, and
            None stands for all images with a mask.
        class_names: fixes the classes and their order; by default all names in `Annotations`, whatever the split,
            sorted.
        on_invalid: what to do with an object whose box has no area or lies more than 1 px out of its image: "raise", or
            "drop" the object.
        color_mode: Keras's "rgb", "rgba" or "grayscale".
        dtype: "uint8", or "uint16" to keep the depth of 16-bit files.
        exif: whether files are turned upright by their EXIF orientation.

    Raises:
        SourceError: files are missing, or do not hold what VOC's do; later, as other files that fail (`on_error`), an
            image of another size than its annotation says.
        ArgumentError: an argument that makes no sense, or an object whose class is not in `class_names`.

    >>> Voc("VOCdevkit/VOC2012", "train")                 # doctest: +SKIP
    Voc('VOCdevkit/VOC2012', 'train', 5717 images, 20 classes, 15774 objects)
    """

    bounding_box_format = "xyxy"

    @with_known_arguments
    @announced
    def __init__(
        self,
        root: str | os.PathLike[str],
        split: str | None = None,
        *,
        difficult: bool = True,
        masks: bool = False,
        class_names: Sequence[str] | None = None,
        on_invalid: str = "raise",
        color_mode: str = "rgb",
        dtype: str = "uint8",
        exif: bool = True,
    ) -> None:
        self.root, self._split = os.fspath(root), split
        self._owner = f"Voc({self.root!r}, {split!r})"
        self._decode_as(self._owner, color_mode, dtype, exif)
        self._arguments = {"difficult": difficult, "masks": masks, "on_invalid": on_invalid, "color_mode": color_mode}
        check_choice(self._owner, "on_invalid", on_invalid, ON_INVALID)
        for folder in ("", "JPEGImages", "Annotations", *(["SegmentationClass"] if masks else [])):
            check_folder(self._owner, folder or "root", self._path(folder))
        stems = self._stems(masks)
        self.paths = self._found("JPEGImages", stems)
        mask_paths = self._found("SegmentationClass", stems) if masks else None
        sheets = self._sheets(stems)
        if class_names is None:
            rest = self._sheets(sorted({*self._annotated()} - {*stems}))
            class_names = sorted({name for sheet in [*sheets, *rest] for name in sheet.names})
        self.annotated_sizes = np.asarray([sheet.size for sheet in sheets], np.float64)
        images, names, corners = self._objects(sheets, difficult, on_invalid)
        ends = np.cumsum(np.bincount(images, minlength=len(stems)))[:-1]
        self.targets, self.class_names = build(
            self._owner, len(stems), class_names=class_names, masks=mask_paths,
            boxes=np.split(corners, ends), box_labels=np.split(names, ends),
        )  # fmt: skip
        self.objects = len(names)

    def __repr__(self) -> str:
        dropped = f", {self.dropped} dropped" if self.dropped else ""
        counts = f"{len(self)} images, {len(self.class_names or ())} classes, {self.objects} objects{dropped}"
        return f"{self._owner[:-1]}, {counts})"

    def config(self) -> dict[str, Any]:
        """The arguments, with the class list as found."""
        arguments = {"root": self.root, "split": self._split, **self._arguments}
        arguments |= {"class_names": list(self.class_names or ()), "dtype": self.dtype, "exif": self.exif}
        return {"Voc": arguments}

    def _path(self, *names: str) -> str:
        return os.path.join(self.root, *names)

    def _annotated(self) -> list[str]:
        """The stems of all annotation files."""
        names = os.listdir(self._path("Annotations"))
        return sorted(name.removesuffix(".xml") for name in names if name.endswith(".xml") and name[0] != ".")

    def _stems(self, masks: bool) -> list[str]:
        """The samples, sorted."""
        if self._split is not None:
            return self._listed("Segmentation" if masks else "Main", self._split)
        if masks:
            return sorted(self._by_stem("SegmentationClass"))
        if not (stems := self._annotated()):
            fix = "Add some."
            raise refusal(SourceError, self._owner, "Annotations must hold .xml files", "none", fix)
        return stems

    def _listed(self, kind: str, split: str) -> list[str]:
        path = self._path("ImageSets", kind, f"{split}.txt")
        try:
            with open(path, encoding="utf-8-sig") as file:
                lines = [line.strip() for line in file if line.strip()]
        except (OSError, ValueError) as error:
            folder = os.path.dirname(path)
            there = [name.removesuffix(".txt") for name in os.listdir(folder)] if os.path.isdir(folder) else []
            fix = f"{nearest(split, there)}There are {shown(sorted(there), 8) or 'none'}."
            raise refusal(SourceError, self._owner, f"split must be a list in {folder!r}", str(error), fix) from error
        photos = self._by_stem("JPEGImages") if any(_FLAG.search(line) for line in lines) else {}
        entries = [[line] if line in photos else _FLAG.split(line) for line in lines]  # "photo 1" may be a name
        stems = sorted({entry[0] for entry in entries if entry[1:] != ["-1"]})
        if not stems:
            raise refusal(SourceError, self._owner, f"{path!r} must list images", "none", "Add some to the file.")
        return stems

    def _by_stem(self, folder: str) -> dict[str, str]:
        path = self._path(folder)
        return by_stem(self._owner, path, images_below(self._owner, path))

    def _found(self, folder: str, stems: list[str]) -> list[str]:
        """The images of these stems in a folder."""
        there = self._by_stem(folder)
        self._check_there(folder, stems, there)
        return [there[stem] for stem in stems]

    def _sheets(self, stems: list[str]) -> list[Sheet]:
        self._check_there("Annotations", stems, self._annotated())
        return [voc_file.read(self._owner, self._path("Annotations", f"{stem}.xml")) for stem in stems]

    def _check_there(self, folder: str, stems: list[str], there: Collection[str]) -> None:
        known = set(there)
        if missing := [stem for stem in stems if stem not in known]:
            rule = f"every image of the split must be in {self._path(folder)!r}"
            received = f"{len(missing)} of {len(stems)} that are not: {shown(missing)}"
            raise refusal(SourceError, self._owner, rule, received, "Add the files, or correct the list.")

    def _objects(
        self, sheets: list[Sheet], difficult: bool, on_invalid: str
    ) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[np.float32]]:
        """Image, class name and corners of each object to take; the rest is counted in `dropped`."""
        images = np.repeat(np.arange(len(sheets)), [len(sheet.names) for sheet in sheets])
        names = np.asarray([name for sheet in sheets for name in sheet.names], object)
        corners = np.concatenate([sheet.corners for sheet in sheets])
        taken = np.flatnonzero(difficult | ~np.concatenate([sheet.difficult for sheet in sheets]))
        images, names, corners = images[taken], names[taken], corners[taken]
        problems = box_problems(corners, np.asarray([sheet.size for sheet in sheets])[images], 1)
        rows = kept(self._owner, len(taken), problems, lambda row: self.paths[images[row]], on_invalid)
        self.dropped = len(problems)
        return images[rows], names[rows], corners[rows].astype(np.float32)

"""What TFRecord files hold beside images, under the keys that TensorFlow's Object Detection API made usual.

Sides of boxes and keypoints are lists of floats relative to the image's size, masks are PNG files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline.errors import SourceError
from augline.sources.boxes import from_xyxy
from augline.sources.refusal import refusal
from augline.sources.remote import read
from augline.sources.tfrecord_file import Feature

HEIGHT, WIDTH, WEIGHT = "image/height", "image/width", "image/weight"
BOX = tuple(f"image/object/bbox/{side}" for side in ("xmin", "ymin", "xmax", "ymax"))
BOX_LABEL = "image/object/class/label"
POINT = ("image/object/keypoint/x", "image/object/keypoint/y")
VISIBILITY = "image/object/keypoint/visibility"
MASK = "image/segmentation/{}/encoded"
"""Of the masks of a name; "class" for those without."""
UNNAMED = "class"
KINDS = ("weights", "boxes", "keypoints", "masks")

_NUMBERS = (HEIGHT, WIDTH, WEIGHT, *BOX, BOX_LABEL, *POINT, VISIBILITY)
_MASK = re.compile(re.escape(MASK).replace(r"\{\}", "(.+)") + "$")

Columns = Mapping[str, NDArray[Any]]
"""By feature: the numbers of all records one after the other, and under "count/..." how many each has; of masks, where
in its file each begins and ends."""


@dataclass(frozen=True, repr=False)
class RecordMask:
    """A mask (height, width[, channels]) that lies in a file as PNG; an array when read."""

    path: str
    start: int
    end: int

    def __repr__(self) -> str:
        return f"{os.path.basename(self.path)}@{self.start}-{self.end}"  # noqa: PTH119 - it may be no local file

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        from PIL import Image

        with Image.open(BytesIO(read(self.path, self.start, self.end))) as image:
            return np.asarray(image, dtype)


def row_of(found: Mapping[str, Feature]) -> dict[str, Any]:
    """What of a record is kept: numbers, and where masks lie."""
    kept: dict[str, Any] = {key: found[key].values for key in _NUMBERS if key in found}
    return kept | {key: feature.place for key, feature in found.items() if feature.place and _MASK.match(key)}


def columns_of(rows: Sequence[Mapping[str, Any]], offsets: Sequence[int]) -> dict[str, NDArray[Any]]:
    """The rows of all records, which begin at these offsets of their files, as few arrays."""
    columns: dict[str, NDArray[Any]] = {}
    for key in sorted({key for row in rows for key in row}):
        if _MASK.match(key):
            places = [row.get(key, (-1, -1)) for row in rows]
            columns[key] = np.asarray(places, np.int64) + np.asarray(offsets, np.int64)[:, None]
            columns[key][[place[0] < 0 for place in places]] = -1
        else:
            lists = [np.asarray(row.get(key, ()), np.float64) for row in rows]
            columns[key] = np.concatenate(lists)
            columns[f"count/{key}"] = np.asarray([len(row) for row in lists], np.int64)
    return columns


def joined(parts: Sequence[tuple[int, Columns]]) -> dict[str, NDArray[Any]]:
    """The columns of several files, each with the number of its records, as one; what a file lacks its records lack."""

    def column(key: str, count: int, columns: Columns) -> NDArray[Any]:
        if key in columns:
            return columns[key]
        if _MASK.match(key):
            return np.full((count, 2), -1, np.int64)
        return np.zeros(count, np.int64) if key.startswith("count/") else np.zeros(0)

    keys = sorted({key for _, columns in parts for key in columns})
    return {key: np.concatenate([column(key, *part) for part in parts]) for key in keys}


class RecordTargets:
    """The targets that records hold.

    Args:
        owner: For messages.
        columns: See `columns_of`.
        paths: Of each record's file.
    """

    def __init__(self, owner: str, columns: Columns, paths: Sequence[str]) -> None:
        self._owner, self._columns, self._paths = owner, columns, paths

    @property
    def kinds(self) -> tuple[str, ...]:
        """Which there are."""
        masks = any(_MASK.match(key) for key in self._columns)
        there = (WEIGHT in self._columns, BOX[0] in self._columns, POINT[0] in self._columns, masks)
        return tuple(kind for kind, is_there in zip(KINDS, there, strict=True) if is_there)

    def build(self, kinds: Iterable[str], box_format: str) -> dict[str, Any]:
        """The arguments of `sources.targets.build`.

        Raises:
            SourceError: Records lack something, or numbers do not match.
        """
        made = {"weights": self._weights, "boxes": lambda: self._boxes(box_format), "keypoints": self._points}
        made["masks"] = self._masks
        found = {kind: made[kind]() for kind in kinds}
        if "boxes" in found and BOX_LABEL in self._columns:
            found["box_labels"] = [row.astype(np.int64) for row in self._lists(BOX_LABEL)]
        return found

    def _weights(self) -> NDArray[np.float64]:
        return np.asarray(self._lists(WEIGHT, one=True))[:, 0]

    def _boxes(self, box_format: str) -> list[NDArray[np.float64]]:
        rows = self._table(BOX)
        if box_format.startswith("rel_"):
            return [from_xyxy(row, box_format, (1.0, 1.0)) for row in rows]
        pairs = zip(rows, self._sizes(f"boxes in {box_format!r}"), strict=True)
        return [from_xyxy(row * [*size[::-1], *size[::-1]], box_format, (1.0, 1.0)) for row, size in pairs]

    def _points(self) -> list[NDArray[np.float64]]:
        rows = self._table((*POINT, VISIBILITY) if VISIBILITY in self._columns else POINT)
        pairs = zip(rows, self._sizes("keypoints"), strict=True)
        return [row * [*size[::-1], 1.0][: row.shape[1]] for row, size in pairs]

    def _masks(self) -> Any:
        named = {match[1]: self._mask(key) for key in self._columns if (match := _MASK.match(key))}
        return named[UNNAMED] if [*named] == [UNNAMED] else named

    def _mask(self, key: str) -> list[RecordMask]:
        places = self._columns[key]
        if (places < 0).any():
            self._lack(key, int(np.flatnonzero(places[:, 0] < 0)[0]))
        return [RecordMask(path, *place) for path, place in zip(self._paths, places.tolist(), strict=True)]

    def _sizes(self, what: str) -> NDArray[np.float64]:
        """(N, 2): heights and widths."""
        if not {HEIGHT, WIDTH} <= {*self._columns}:
            fix = f"Write {HEIGHT!r} and {WIDTH!r}, or leave boxes relative: bounding_box_format='rel_xyxy'."
            raise refusal(SourceError, self._owner, f"{what} need the sizes of images", "none", fix)
        return np.concatenate([self._lists(HEIGHT, one=True), self._lists(WIDTH, one=True)], axis=1)

    def _table(self, keys: Sequence[str]) -> list[NDArray[np.float64]]:
        """(n, keys) for each record."""
        columns = [self._lists(key) for key in keys]
        for index, row in enumerate(zip(*columns, strict=True)):
            if len({len(part) for part in row}) > 1:
                counts = ", ".join(f"{len(part)} of {key!r}" for key, part in zip(keys, row, strict=True))
                rule = "a record must have equally many of each"
                raise refusal(SourceError, self._owner, rule, f"{counts} in record {index}", "Write them again.")
        return [np.stack(row, axis=1) for row in zip(*columns, strict=True)]

    def _lists(self, key: str, *, one: bool = False) -> list[NDArray[np.float64]]:
        """The numbers of each record."""
        if key not in self._columns:
            self._lack(key, 0)
        counts = self._columns[f"count/{key}"]
        if one and (counts != 1).any():
            self._lack(key, int(np.flatnonzero(counts != 1)[0]))
        return np.split(self._columns[key], np.cumsum(counts)[:-1])

    def _lack(self, key: str, index: int) -> None:
        fix = "Write it, or pass targets=() for images and labels alone."
        rule = f"every record must hold one {key!r}"
        raise refusal(SourceError, self._owner, rule, f"none or several in record {index}", fix)

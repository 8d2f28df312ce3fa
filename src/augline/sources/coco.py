"""COCO annotation files."""

# A data set may list a million files: plain strings, no Path object for each.
# ruff: noqa: PTH118
from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline.errors import ArgumentError, SourceError
from augline.names import with_known_arguments
from augline.sources import coco_file
from augline.sources.base import FileSource
from augline.sources.boxes import ON_INVALID, box_problems, kept
from augline.sources.coco_file import Document, Segment, left_and_right
from augline.sources.columns import build, check_swaps
from augline.sources.files import check_exist
from augline.sources.listing import check_folder
from augline.sources.polygons import Polygon, corners_of, outline, paint, tight_boxes
from augline.sources.refusal import check_choice, refusal
from augline.sources.rle import Runs
from augline.sources.targets import Targets
from augline.sources.waiting import announced


class Coco(FileSource):
    """Images annotated in COCO's format (https://cocodataset.org/#format-data), in the order of their file names.

    Categories become class indices in the order of their ids, which `category_ids` keeps; boxes stay "xywh". Outlines
    are kept with the boxes, in `targets.polygons`.

    Args:
        annotations: the JSON file.
        root: the folder that file names start from.
        boxes: whether to give boxes, with class indices.
        masks: whether to give a semantic mask: 0 is background, 1 + the class index an object; smaller objects lie over
            larger ones. A pixel belongs to a polygon if its centre does. uint8, or uint16 with more than 254 classes.
        keypoints: whether to give keypoints (k, 3): x, y and visibility (0 not labelled, 1 hidden, 2 visible), those of
            the first object, then those of the second, ... as in the boxes. To be of one shape, all images have room
            for as many objects as the fullest; what is not there is zero. `keypoint_names` has one object's names.
        keypoint_swaps: pairs of keypoints of one object, by number, that change places in a mirrored image; by default
            those whose names differ in "left" and "right". () for none.
        crowd: whether to take annotations with `iscrowd`; else these regions are background.
        keep_empty: whether to keep images without annotations.
        on_invalid: what to do with an object without a box, with a box without area or more than 1 px out of its image,
            or with an outline, mask or keypoints that cannot be: "raise", or "drop" the object.
        color_mode: Keras's "rgb", "rgba" or "grayscale".
        dtype: "uint8", or "uint16" to keep the depth of 16-bit files.
        exif: whether files are turned upright by their EXIF orientation.

    Raises:
        SourceError: the file is no such file, images are missing, or objects are invalid; later, as other files that
            fail (`on_error`), an image of another size than the file says, to which nothing in it applies.
        ArgumentError: an argument that makes no sense.

    >>> Coco("instances_val2017.json", "val2017", on_invalid="drop")     # doctest: +SKIP
    Coco('instances_val2017.json', 5000 images, 80 classes, 36335 objects)
    """

    bounding_box_format = "xywh"

    @with_known_arguments
    @announced
    def __init__(
        self,
        annotations: str | os.PathLike[str],
        root: str | os.PathLike[str],
        *,
        boxes: bool = True,
        masks: bool = False,
        keypoints: bool = False,
        keypoint_swaps: Sequence[tuple[int, int]] | None = None,
        crowd: bool = False,
        keep_empty: bool = True,
        on_invalid: str = "raise",
        color_mode: str = "rgb",
        dtype: str = "uint8",
        exif: bool = True,
    ) -> None:
        self.annotations, self.root = os.fspath(annotations), os.fspath(root)
        self._owner = f"Coco({self.annotations!r})"
        self._decode_as(self._owner, color_mode, dtype, exif)
        self._arguments: dict[str, Any] = {"boxes": boxes, "masks": masks, "keypoints": keypoints, "crowd": crowd}
        self._arguments |= {"keep_empty": keep_empty, "on_invalid": on_invalid, "color_mode": color_mode}
        check_choice(self._owner, "on_invalid", on_invalid, ON_INVALID)
        if not (boxes or masks or keypoints):
            fix = "Pass boxes=True, masks=True or keypoints=True; or use Folder(root, label_mode=None)."
            raise refusal(ArgumentError, self._owner, "something must be taken from the file", "all False", fix)
        check_folder(self._owner, "root", self.root)
        document = coco_file.read(self._owner, self.annotations, crowd)
        self.class_names, self.category_ids = document.class_names, document.category_ids
        self.keypoint_names = document.keypoint_names
        swaps = left_and_right(self.keypoint_names) if keypoint_swaps is None else tuple(keypoint_swaps)
        self._arguments["keypoint_swaps"] = keypoint_swaps
        columns = _Columns(self._owner, document, boxes, masks, keypoints, swaps, on_invalid)
        self.objects, self.dropped = len(columns.rows), len(document.objects) - len(columns.rows)
        chosen = np.arange(len(document.file_names)) if keep_empty else columns.filled()
        if not chosen.size:
            fix = "Pass keep_empty=True."
            raise refusal(SourceError, self._owner, "there must be images with annotations", "none", fix)
        self.paths = [os.path.join(self.root, document.file_names[row]) for row in chosen.tolist()]
        self.targets, self.annotated_sizes = columns.targets(chosen), document.sizes[chosen]
        check_exist(self._owner, self.paths)

    def __repr__(self) -> str:
        dropped = f", {self.dropped} dropped" if self.dropped else ""
        counts = f"{len(self)} images, {len(self.category_ids)} classes, {self.objects} objects{dropped}"
        return f"{self._owner[:-1]}, {counts})"

    def config(self) -> dict[str, Any]:
        """The arguments; the file is read anew."""
        files = {"annotations": self.annotations, "root": self.root}
        return {"Coco": {**files, **self._arguments, "dtype": self.dtype, "exif": self.exif}}


class _Columns:
    """The objects of a document that can be used, and the columns of targets they make."""

    def __init__(
        self, owner: str, document: Document, boxes: bool, masks: bool, keypoints: bool,
        swaps: Sequence[tuple[int, int]], on_invalid: str,
    ) -> None:  # fmt: skip
        self._swaps = swaps
        self._owner, self._document, self._wanted = owner, document, (boxes, masks, keypoints)
        self._boxes = document.boxes()
        self._segments = document.segments() if boxes or masks else []
        self._points = document.keypoints(owner) if keypoints else np.zeros((0, 0, 3), np.float32)
        corners = np.concatenate([self._boxes[:, :2], self._boxes[:, :2] + self._boxes[:, 2:]], axis=1)
        if boxes:
            document.problems |= box_problems(corners, document.sizes[document.images].astype(np.float64), 1)
        if masks:
            self._areas = _areas(self._segments)
            without = [row for row, segment in enumerate(self._segments) if segment is None]
            document.problems = dict.fromkeys(without, "no outline for its mask") | document.problems
        names = document.file_names
        self.rows = kept(owner, len(corners), document.problems, lambda row: names[document.images[row]], on_invalid)
        self._images = document.images[self.rows]

    def filled(self) -> NDArray[np.int64]:
        """The images that have objects."""
        return np.unique(self._images)

    def targets(self, chosen: NDArray[np.int64]) -> Targets:
        """The targets of these images."""
        boxes, masks, keypoints = self._wanted
        columns: dict[str, Any] = {}
        if boxes:
            columns["boxes"] = self._grouped(self._boxes[self.rows], chosen)
            columns["box_labels"] = self._grouped(self._document.classes[self.rows], chosen)
        if masks:
            columns["masks"] = [self._painting(image) for image in chosen.tolist()]
        names = self._document.class_names if boxes else None
        found, _ = build(
            self._owner, len(chosen), class_names=names, bounding_box_format=Coco.bounding_box_format, **columns
        )
        if boxes and any(segment is not None for segment in self._segments):
            polygons = [[self._polygon(row) for row in self._of(image)] for image in chosen.tolist()]
            found = replace(found, polygons=polygons)
        if keypoints:
            points = self._grouped(self._points[self.rows], chosen)
            most, count = max(1, max(map(len, points))), self._points.shape[1]
            checked = check_swaps(self._owner, self._swaps, count)
            swaps = tuple((at + one, at + other) for at in range(0, most * count, count) for one, other in checked)
            found = replace(found, keypoints=_Padded(points, most), keypoint_swaps=swaps)
        return found

    def _of(self, image: int) -> list[int]:
        """The objects of an image."""
        start, end = np.searchsorted(self._images, (image, image + 1))
        found: list[int] = self.rows[start:end].tolist()
        return found

    def _grouped(self, column: NDArray[Any], chosen: NDArray[np.int64]) -> list[NDArray[Any]]:
        starts, ends = np.searchsorted(self._images, chosen), np.searchsorted(self._images, chosen + 1)
        return [column[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]

    def _polygon(self, row: int) -> Polygon:
        """An object's outline; that of its box where there is no other."""
        segment = self._segments[row]
        if segment is None:
            return corners_of(np.concatenate([self._boxes[row, :2], self._boxes[row, :2] + self._boxes[row, 2:]]))
        return outline(segment.mask()) if isinstance(segment, Runs) else segment

    def _painting(self, image: int) -> Painting:
        height, width = self._document.sizes[image].tolist()
        rows = sorted(self._of(image), key=lambda row: self._areas[row], reverse=True)
        values = (self._document.classes[rows] + 1).tolist()
        dtype = "uint8" if len(self._document.category_ids) < 255 else "uint16"
        objects = zip(values, (self._segments[row] for row in rows), strict=True)
        return Painting((height, width), dtype, tuple(objects))


def _areas(segments: Sequence[Segment]) -> NDArray[np.float64]:
    """How large objects are, for an order among them: the pixels of a mask, the box around a polygon."""
    areas = [float(segment.lengths[1::2].sum()) if isinstance(segment, Runs) else 0.0 for segment in segments]
    result = np.asarray(areas, np.float64)
    polygons = {row: segment for row, segment in enumerate(segments) if isinstance(segment, np.ndarray)}
    boxes = tight_boxes(list(polygons.values()))
    result[list(polygons)] = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return result


@dataclass(frozen=True)
class Painting:
    """A semantic mask (height, width) that is painted when read, the first object undermost."""

    shape: tuple[int, int]
    dtype: str
    objects: tuple[tuple[int, Segment], ...]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        canvas = np.zeros(self.shape, self.dtype)
        for value, segment in self.objects:
            if isinstance(segment, Runs):
                canvas[segment.mask()] = value
            elif segment is not None:
                paint(canvas, segment, value)
        return canvas.astype(dtype or self.dtype, copy=False)


class _Padded(Sequence[NDArray[np.float32]]):
    """Points (objects, k, 3) of each image as (most * k, 3), the missing ones zero; made when asked for."""

    def __init__(self, rows: list[NDArray[np.float32]], most: int) -> None:
        self._rows, self._most = rows, most

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        row = self._rows[index]
        points = np.zeros((self._most, *row.shape[1:]), np.float32)
        points[: len(row)] = row
        return points.reshape(-1, 3)

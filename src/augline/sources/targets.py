"""What belongs to the images: columns over the whole data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline.errors import ArgumentError
from augline.sources.boxes import check_boxes, from_xyxy
from augline.sources.labels import encode, vocabulary
from augline.sources.polygons import tight_boxes
from augline.sources.refusal import check_choice, check_length, refusal, shown

BOX_FORMATS = (
    "xyxy", "rel_xyxy", "xywh", "rel_xywh", "center_xywh", "rel_center_xywh", "center_yxhw", "yxyx", "rel_yxyx",
)  # fmt: skip
"""Keras's names for the ways to write a bounding box."""


@dataclass(frozen=True)
class Targets:
    """The targets of a data set; each column is None where the data set has none.

    >>> Targets(labels=np.array([5, 6, 7])).take([2, 0])
    {'labels': array([7, 5])}
    """

    labels: NDArray[Any] | None = None
    """(N,) or (N, ...): class indices, numbers, or rows; see `one_hot`."""
    weights: NDArray[np.float32] | None = None
    """(N,)."""
    masks: Mapping[str, Sequence[Any]] | Sequence[Any] | NDArray[Any] | None = None
    """(N, height, width[, channels]), or N paths or arrays; or several such by name."""
    boxes: Sequence[NDArray[np.float32]] | None = None
    """N arrays (n, 4), in the source's `bounding_box_format`; of videos N lists with such an array per frame, as for
    `box_labels` and `polygons`."""
    box_labels: Sequence[NDArray[Any]] | None = None
    """N arrays (n,)."""
    keypoints: Sequence[NDArray[np.float32]] | None = None
    """N arrays (k, 2) or (k, 3): x, y and visibility."""
    polygons: Sequence[Sequence[NDArray[Any]]] | None = None
    """N lists of outlines (n, 2), one per box; in pixels between pixel edges, or relative where the boxes are."""
    keypoint_swaps: tuple[tuple[int, int], ...] = ()
    """Pairs of keypoints, by number, that change places in a mirrored image: left eye and right eye."""
    one_hot: int = 0
    """With a number of classes here, `labels` are indices that `take` makes into float32 rows of that width."""

    def take(self, indices: Sequence[int] | NDArray[np.integer[Any]]) -> dict[str, Any]:
        """The targets of some samples, only what is present: labels and weights stacked, the others as lists."""
        rows = np.asarray(indices, np.int64)
        taken: dict[str, Any] = {}
        if self.labels is not None:
            labels = self.labels[rows]
            taken["labels"] = _one_hot(labels, self.one_hot) if self.one_hot else labels
        if self.weights is not None:
            taken["weights"] = self.weights[rows]
        for name in _LISTS:
            column = getattr(self, name)
            if isinstance(column, Mapping):
                taken[name] = {key: [part[row] for row in rows.tolist()] for key, part in column.items()}
            elif column is not None:
                taken[name] = [column[row] for row in rows.tolist()]
        return taken

    def mask(self, row: int, name: str = "") -> Any:
        """The mask of one sample; that of a name where they have names."""
        assert self.masks is not None
        return (self.masks[name] if isinstance(self.masks, Mapping) else self.masks)[row]

    def select(self, indices: NDArray[np.int64]) -> Targets:
        """The targets of a subset; masks, boxes and points are not copied."""
        rows: dict[str, Any] = {
            name: column[indices] for name in _ARRAYS if (column := getattr(self, name)) is not None
        }
        for name in _LISTS:
            column = getattr(self, name)
            if isinstance(column, Mapping):
                rows[name] = {key: _Rows(part, indices) for key, part in column.items()}
            elif column is not None:
                rows[name] = _Rows(column, indices)
        return replace(self, **rows)

    @property
    def label_spec(self) -> tuple[tuple[int, ...], np.dtype[Any]] | None:
        """Shape and dtype of one sample's label as `take` gives it, or None without labels."""
        if self.labels is None:
            return None
        return ((self.one_hot,), np.dtype(np.float32)) if self.one_hot else (self.labels.shape[1:], self.labels.dtype)

    @property
    def class_indices(self) -> NDArray[np.int64] | None:
        """(N,) class of each sample, also of one-hot rows and of binary columns; None where labels are no classes."""
        labels = self.labels
        if labels is None or labels.ndim > 2:
            return None
        if labels.ndim == 1:
            return labels.astype(np.int64) if labels.dtype.kind in "iu" else None
        if not np.isin(labels, (0, 1)).all():
            return None
        if labels.shape[1] == 1:
            return labels[:, 0].astype(np.int64)
        return labels.argmax(axis=1).astype(np.int64) if (labels.sum(axis=1) == 1).all() else None


def _one_hot(indices: NDArray[Any], classes: int) -> NDArray[np.float32]:
    rows = np.zeros((len(indices), classes), np.float32)
    rows[np.arange(len(indices)), indices] = 1
    return rows


_ARRAYS = ("labels", "weights")
_LISTS = ("masks", "boxes", "box_labels", "keypoints", "polygons")


class _Rows(Sequence[Any]):
    """Some rows of a sequence, in an order, without a copy."""

    def __init__(self, rows: Sequence[Any], indices: NDArray[np.int64]) -> None:
        self._rows, self._indices = rows, indices

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: Any) -> Any:
        return self._rows[int(self._indices[index])]


def build(
    owner: str,
    images: int,
    *,
    labels: Any = None,
    class_names: Sequence[Any] | None = None,
    weights: Any = None,
    masks: Any = None,
    boxes: Any = None,
    box_labels: Any = None,
    bounding_box_format: str = "xyxy",
    polygons: Any = None,
    keypoints: Any = None,
    keypoint_swaps: Any = (),
    sizes: NDArray[np.int64] | None = None,
    lead: tuple[int, ...] = (),
) -> tuple[Targets, tuple[str, ...] | None]:
    """Checked columns for `images` samples, and the class names, from whatever the user has.

    `sizes` (images, 2), heights and widths, are for checks, where they are known; `lead` is (time,) for videos.
    """
    check_choice(owner, "bounding_box_format", bounding_box_format, BOX_FORMATS)
    columns = {"labels": labels, "weights": weights, "polygons": polygons}
    columns |= {"boxes": boxes, "box_labels": box_labels, "keypoints": keypoints}
    several = masks if isinstance(masks, Mapping) else {"": masks}
    columns |= {f"masks[{name!r}]" if name else "masks": part for name, part in several.items()}
    for name, column in columns.items():
        if column is not None:
            check_length(owner, name, len(column), images)
    encoded, names = _labels(owner, labels, class_names, alone=box_labels is None)
    columns = {"boxes": boxes, "box_labels": box_labels, "polygons": polygons}
    boxes, box_labels, polygons = (_checked_frames(owner, name, column, lead) for name, column in columns.items())
    outlines = None if polygons is None else _polygons(owner, polygons)
    box_rows = None if boxes is None else _rows(owner, "boxes", boxes, (4,))
    if outlines is not None:
        box_rows = _boxes_of(owner, outlines, box_rows, bounding_box_format)
    label_rows, names = _box_labels(owner, box_labels, box_rows, names)
    points = None if keypoints is None else _rows(owner, "keypoints", keypoints, (2, 3), lead)
    if sizes is not None:
        for column in several.values():
            _check_masks(owner, column, sizes, len(lead))
    if box_rows is not None:
        check_boxes(
            owner, box_rows, bounding_box_format, None if sizes is None else np.repeat(sizes, (*lead, 1)[0], axis=0)
        )
    swaps = check_swaps(owner, keypoint_swaps, min((row.shape[-2] for row in points or () if row.size), default=0))
    weighed = None if weights is None else _weights(owner, weights)
    boxes, box_labels, polygons = (by_sample(column, lead) for column in (box_rows, label_rows, outlines))
    return Targets(encoded, weighed, masks, boxes, box_labels, points, polygons, swaps), names


def by_frame(column: Any, lead: tuple[int, ...]) -> Any:
    """The entries of all frames one after the other, where samples are videos; else the column as it is.

    >>> by_frame([["a", "b"], ["c", "d"]], lead=(2,))
    ['a', 'b', 'c', 'd']
    """
    return [frame for row in column for frame in row] if lead else column


def by_sample(column: Any, lead: tuple[int, ...]) -> Any:
    """The inverse of `by_frame`."""
    if not lead or column is None:
        return column
    return [column[at : at + lead[0]] for at in range(0, len(column), lead[0])]


def _checked_frames(owner: str, name: str, column: Any, lead: tuple[int, ...]) -> Any:
    """`by_frame` of what a user gives for videos of one length."""
    for index, row in enumerate(column if lead and column is not None else ()):
        if not isinstance(row, (list, tuple, np.ndarray)) or len(row) != lead[0]:
            count = len(row) if isinstance(row, (list, tuple, np.ndarray)) else "no list"
            rule = f"{name} of a video must be one entry per frame"
            raise refusal(
                ArgumentError,
                owner,
                rule,
                f"{count} for {lead[0]} frames at {name}[{index}]",
                "Give each frame its own.",
            )
    return None if column is None else by_frame(column, lead)


def _check_masks(owner: str, masks: Any, sizes: NDArray[np.int64], lead: int) -> None:
    """Refuses masks in memory of another size than their images."""
    for index, (mask, size) in enumerate(zip(() if masks is None else masks, sizes.tolist(), strict=False)):
        if isinstance(mask, np.ndarray) and [*mask.shape[lead : lead + 2]] != size:
            received = f"shape {mask.shape} at masks[{index}] for an image of {size[0]} x {size[1]}"
            fix = "Resize them; or give images and masks their axes in the order (height, width, channels)."
            raise refusal(ArgumentError, owner, "masks must have the size of their images", received, fix)


def _labels(
    owner: str, labels: Any, class_names: Sequence[Any] | None, alone: bool
) -> tuple[NDArray[Any] | None, tuple[str, ...] | None]:
    names = None if class_names is None else tuple(str(name) for name in class_names)
    if labels is None:
        return None, names
    if alone:
        return encode(owner, labels, class_names)
    encoded, own_names = encode(owner, labels, None)  # the class names belong to the box labels then
    if own_names is not None:
        fix = "Pass class indices; class_names name the box_labels."
        raise refusal(ArgumentError, owner, "labels beside box_labels must be numbers", "strings", fix)
    return encoded, names


def _polygons(owner: str, polygons: Any) -> list[list[NDArray[np.float32]]]:
    """One list of float32 outlines (n, 2) per image."""
    rows = [[np.asarray(outline, np.float32) for outline in row] for row in polygons]
    for index, row in enumerate(rows):
        for outline in row:
            gaps = np.isnan(outline).all(axis=-1)
            if outline.ndim != 2 or outline.shape[1] != 2 or len(outline) < 3 or not np.isfinite(outline[~gaps]).all():
                rule = "polygons must be one list per image of arrays (n, 2), x and y of 3 or more corners"
                received = f"shape {outline.shape} at polygons[{index}]"
                raise refusal(ArgumentError, owner, rule, received, "Reshape COCO's flat lists to (-1, 2).")
    return rows


def _boxes_of(
    owner: str, polygons: list[list[NDArray[np.float32]]], boxes: list[NDArray[np.float32]] | None, box_format: str
) -> list[NDArray[np.float32]]:
    """The boxes as given, or those around the polygons."""
    if boxes is None:
        return [from_xyxy(tight_boxes(row), box_format, (1.0, 1.0)).astype(np.float32) for row in polygons]
    for index, (outlines, row) in enumerate(zip(polygons, boxes, strict=True)):
        if len(outlines) != len(row):
            received = f"{len(outlines)} for {len(row)} boxes at polygons[{index}]"
            fix = "Match them, or leave boxes out to take those around the polygons."
            raise refusal(ArgumentError, owner, "there must be one polygon per box", received, fix)
    return boxes


def check_swaps(owner: str, swaps: Sequence[Any], count: int) -> tuple[tuple[int, int], ...]:
    """Pairs of numbers of `count` keypoints; refused if one is no such number, or in two pairs."""
    pairs = [tuple(pair) if isinstance(pair, (tuple, list)) else (pair,) for pair in swaps]
    flat = [number for pair in pairs for number in pair]
    whole = all(isinstance(number, (int, np.integer)) and 0 <= number < count for number in flat)
    if any(len(pair) != 2 for pair in pairs) or not whole or len({*flat}) < len(flat):
        rule = "keypoint_swaps must be pairs of numbers of keypoints, each in one pair at most"
        raise refusal(
            ArgumentError,
            owner,
            rule,
            f"{list(swaps)} for {count} keypoints",
            "Write [(1, 2), (3, 4)], counted from 0.",
        )
    return tuple((int(one), int(other)) for one, other in pairs)


def _weights(owner: str, weights: Any) -> NDArray[np.float32]:
    array = np.asarray(weights, np.float32)
    if array.ndim != 1 or not np.isfinite(array).all() or (array < 0).any():
        received = f"shape {array.shape} from {array.min(initial=0)} to {array.max(initial=0)}"
        raise refusal(
            ArgumentError, owner, "weights must be one number of at least 0 per image", received, "Correct them."
        )
    return array


def _rows(
    owner: str, name: str, rows: Any, widths: tuple[int, ...], lead: tuple[int, ...] = ()
) -> list[NDArray[np.float32]]:
    """One float32 array (n, width) per image; an image with none may give an empty list."""
    wanted = " or ".join(str((*lead, "n", width)).replace("'", "") for width in widths)
    rule, result = f"{name} must be one array {wanted} per image", []
    if isinstance(rows, Mapping):
        fix = "Pass its boxes and its labels as arguments of their own."
        raise refusal(ArgumentError, owner, rule, f"a dict of {shown(rows)}", fix)
    for index, row in enumerate(rows):
        try:
            array = np.asarray(row, np.float32)
        except (TypeError, ValueError) as error:
            received = f"{row!r:.80} at {name}[{index}]"
            raise refusal(ArgumentError, owner, rule, received, "Give numbers, rows of one length.") from error
        if array.size == 0 and array.ndim < 2 + len(lead):
            array = array.reshape(*lead, 0, widths[0])
        if array.ndim != 2 + len(lead) or array.shape[:-2] != lead or array.shape[-1] not in widths:
            raise refusal(ArgumentError, owner, rule, f"shape {array.shape} at {name}[{index}]", "Reshape it.")
        if not np.isfinite(array).all():
            received = f"NaN or infinity at {name}[{index}]"
            fix = "Leave out what is not known; a keypoint with visibility 0 can stand for it."
            raise refusal(ArgumentError, owner, f"{name} must be finite numbers", received, fix)
        result.append(array)
    return result


def _box_labels(
    owner: str, box_labels: Any, boxes: list[NDArray[np.float32]] | None, names: tuple[str, ...] | None
) -> tuple[list[NDArray[Any]] | None, tuple[str, ...] | None]:
    if box_labels is None:
        return None, names
    if boxes is None:
        raise refusal(ArgumentError, owner, "box_labels need boxes", "boxes=None", "Pass boxes too.")
    rows = [np.asarray(row) for row in box_labels]
    counts = [len(row) for row in boxes]
    for index, (row, count) in enumerate(zip(rows, counts, strict=True)):
        if row.shape != (count,):
            received = f"shape {row.shape} for {count} boxes at box_labels[{index}]"
            raise refusal(ArgumentError, owner, "box_labels must be one per box", received, "Match them.")
    flat: NDArray[Any] = np.concatenate([row for row in rows if row.size] or [np.empty(0, np.int32)])
    if flat.dtype.kind in "USO":
        flat, names = vocabulary(owner, flat.astype(str).tolist(), names)
    else:
        flat, _ = encode(owner, flat, names)
    return list(np.split(flat, np.cumsum(counts)[:-1])), names

"""Checked columns of targets, from whatever the user has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline.errors import ArgumentError
from augline.sources.boxes import check_boxes, from_xyxy
from augline.sources.labels import encode, vocabulary
from augline.sources.polygons import tight_boxes
from augline.sources.refusal import check_choice, check_length, refusal, shown
from augline.sources.targets import BOX_FORMATS, Targets, by_frame, by_sample


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
    several = masks if isinstance(masks, Mapping) else {"": masks}
    given = {"labels": labels, "weights": weights, "boxes": boxes, "box_labels": box_labels, "polygons": polygons}
    given |= {"keypoints": keypoints, **{f"masks[{n!r}]" if n else "masks": part for n, part in several.items()}}
    for name, column in given.items():
        if column is not None:
            check_length(owner, name, len(column), images)
    encoded, names = _labels(owner, labels, class_names, alone=box_labels is None)
    weighed = None if weights is None else _weights(owner, weights)
    if sizes is not None:
        for part in several.values():
            _check_masks(owner, part, sizes, len(lead))
    framed = {name: _checked_frames(owner, name, given[name], lead) for name in ("boxes", "box_labels", "polygons")}
    boxes, box_labels, polygons, names = _objects(owner, **framed, box_format=bounding_box_format, names=names)
    if boxes is not None:
        known = None if sizes is None else np.repeat(sizes, (*lead, 1)[0], axis=0)
        check_boxes(owner, boxes, bounding_box_format, known)
    points = None if keypoints is None else _rows(owner, "keypoints", keypoints, (2, 3), lead)
    swaps = check_swaps(owner, keypoint_swaps, _least_count(points))
    boxes, box_labels, polygons = (by_sample(column, lead) for column in (boxes, box_labels, polygons))
    return Targets(encoded, weighed, masks, boxes, box_labels, points, polygons, swaps), names


def _objects(
    owner: str, boxes: Any, box_labels: Any, polygons: Any, box_format: str, names: tuple[str, ...] | None
) -> tuple[Any, Any, Any, tuple[str, ...] | None]:
    """Boxes, their labels and outlines, one entry per image or frame; and the class names."""
    rows = None if boxes is None else _rows(owner, "boxes", boxes, (4,))
    outlines = None if polygons is None else _polygons(owner, polygons)
    if outlines is not None:
        rows = _boxes_of(owner, outlines, rows, box_format)
    labels, names = _box_labels(owner, box_labels, rows, names)
    return rows, labels, outlines, names


def _least_count(points: list[NDArray[np.float32]] | None) -> int | None:
    """How many keypoints every image has that has any; None where none has."""
    return 0 if points is None else min((row.shape[-2] for row in points if row.size), default=None)


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


def check_swaps(owner: str, swaps: Sequence[Any], count: int | None) -> tuple[tuple[int, int], ...]:
    """Pairs of numbers of `count` keypoints, None for any; refused if one is no such number, or in two pairs."""
    pairs = [tuple(pair) if isinstance(pair, (tuple, list)) else (pair,) for pair in swaps]
    flat = [number for pair in pairs for number in pair]
    whole = all(isinstance(number, (int, np.integer)) and number >= 0 for number in flat)
    whole = whole and (count is None or all(number < count for number in flat))
    if any(len(pair) != 2 for pair in pairs) or not whole or len({*flat}) < len(flat):
        rule = "keypoint_swaps must be pairs of numbers of keypoints, each in one pair at most"
        raise refusal(
            ArgumentError,
            owner,
            rule,
            f"{list(swaps)}" if count is None else f"{list(swaps)} for {count} keypoints",
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

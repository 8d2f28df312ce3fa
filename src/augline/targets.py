"""What travels with an image: masks, boxes and keypoints, moved by the matrices that move its pixels.

Boxes are measured between pixel edges, so an image of width w covers 0 to w; keypoints between pixel centres, so its
first column lies at 0. Both go through the inverse of the plan's matrices, which read from output to input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline.errors import ArgumentError
from augline.plan import Output, Plan, Warp, matrices

Boxes = NDArray[np.float32]


def mask_plan(plan: Plan, channels: int, dtype: str) -> Plan:
    """The plan for segmentation masks: the same warps, read with "nearest", into the masks' own type."""
    warps = tuple(
        replace(stage, interpolation="nearest", fill=replace(stage.fill, value=(float(stage.fill.mask),)))
        for stage in plan.stages
        if isinstance(stage, Warp)
    )
    before = plan.before.with_(channels=channels, dtype=dtype, scale=(1.0,), offset=(0.0,))
    output = Output((1.0,) * channels, (0.0,) * channels, dtype)
    return Plan(warps, (None,) * len(warps), before, plan.extent, output)


def read_mask(mask: Any, size: tuple[int, int], name: str) -> NDArray[Any]:
    """A mask (height, width, channels) of its image's size, from an array or a file."""
    array = mask_array(mask)
    if array.shape[:2] != size:
        raise ArgumentError(
            f"mask of {name}: a mask must have the size of its image. Received {array.shape[0]} x {array.shape[1]} for "
            f"an image of {size[0]} x {size[1]} (height x width). Resize one of them."
        )
    return array


def mask_array(mask: Any) -> NDArray[Any]:
    """A mask (height, width, channels) from an array or a file; palette files give their indices."""
    if not hasattr(mask, "shape"):
        from PIL import Image

        with Image.open(mask) as file:
            mask = np.asarray(file)
    array = np.asarray(mask)
    return array[:, :, None] if array.ndim == 2 else array


def move_points(plan: Plan, points: Sequence[NDArray[Any]]) -> list[NDArray[np.float32]]:
    """Keypoints `(k, 2)` or `(k, 3)` per sample; a third column, visibility, becomes 0 where a point left the image."""
    moved = [np.array(p, np.float32) for p in points]
    inverses = _inverses(plan)
    extents = np.stack([plan.extent.width, plan.extent.height], axis=-1)
    for index, point in enumerate(moved):
        if not point.size:
            continue
        point[:, :2] = _through(inverses, index, point[:, :2].astype(np.float64))
        if point.shape[1] == 3:
            outside = (point[:, :2] < -0.5) | (point[:, :2] > extents[index] - 0.5)
            point[outside.any(axis=1), 2] = 0
    return moved


def move_boxes(
    plan: Plan, boxes: Sequence[Boxes], box_format: str, min_area: float = 1.0, min_visibility: float = 0.0
) -> tuple[list[Boxes], list[NDArray[np.int64]]]:
    """Boxes per sample, clipped to the image, and which of them are left.

    A moved box is the upright one around the four moved corners. It is left out if less than `min_area` square pixels
    or less than the share `min_visibility` of it can be seen.
    """
    inverses = _inverses(plan)
    moved, kept = [], []
    for index, rows in enumerate(boxes):
        before = (float(plan.before.height[index]), float(plan.before.width[index]))
        after = (float(plan.extent.height[index]), float(plan.extent.width[index]))
        x0, y0, x1, y1 = to_xyxy(np.asarray(rows, np.float64).reshape(-1, 4), box_format, before).T
        corners = np.stack([np.stack(c, axis=-1) for c in ((x0, y0), (x1, y0), (x0, y1), (x1, y1))], axis=1)
        placed = (_through(inverses, index, corners.reshape(-1, 2) - 0.5) + 0.5).reshape(-1, 4, 2)
        whole = np.concatenate([placed.min(axis=1), placed.max(axis=1)], axis=1)
        clipped = np.clip(whole, 0, [after[1], after[0]] * 2)
        seen, full = _area(clipped), _area(whole)
        keep = np.flatnonzero((seen >= min_area) & (seen >= min_visibility * full))
        moved.append(from_xyxy(clipped[keep], box_format, after).astype(np.float32))
        kept.append(keep)
    return moved, kept


def pad_boxes(boxes: Sequence[Boxes], labels: Sequence[NDArray[Any]], most: int) -> dict[str, NDArray[Any]]:
    """Keras's dense form: "boxes" `(batch, most, 4)` and "labels" `(batch, most)`, -1 where there is none."""
    dense = np.full((len(boxes), most, 4), -1, np.float32)
    classes = np.full((len(boxes), most), -1, np.int32)
    for index, (rows, names) in enumerate(zip(boxes, labels, strict=True)):
        dense[index, : len(rows)], classes[index, : len(rows)] = rows, names
    return {"boxes": dense, "labels": classes}


def to_xyxy(boxes: NDArray[Any], box_format: str, size: tuple[float, float]) -> NDArray[Any]:
    """Boxes `(n, 4)` of any of Keras's formats, in pixels as (left, top, right, bottom)."""
    columns = boxes.T
    a, b, c, d = columns[[1, 0, 3, 2]] if box_format.endswith(("yxyx", "yxhw")) else columns
    if box_format.endswith(("wh", "hw")):
        left, top = (a - c / 2, b - d / 2) if "center" in box_format else (a, b)
        a, b, c, d = left, top, left + c, top + d
    result = np.stack([a, b, c, d], axis=-1)
    return result * _unit(box_format, size)


def from_xyxy(boxes: NDArray[Any], box_format: str, size: tuple[float, float]) -> NDArray[Any]:
    """The inverse of `to_xyxy`."""
    a, b, c, d = (boxes / _unit(box_format, size)).T
    if box_format.endswith(("wh", "hw")):
        c, d = c - a, d - b
        a, b = (a + c / 2, b + d / 2) if "center" in box_format else (a, b)
    return np.stack([b, a, d, c] if box_format.endswith(("yxyx", "yxhw")) else [a, b, c, d], axis=-1)


def _unit(box_format: str, size: tuple[float, float]) -> NDArray[np.float64]:
    height, width = size if box_format.startswith("rel_") else (1.0, 1.0)
    return np.asarray([width, height, width, height])


def _inverses(plan: Plan) -> list[NDArray[np.float64]]:
    """Input to output, one `(batch, 3, 3)` per warp."""
    return [matrices.inverse(np, stage.matrix) for stage in plan.stages if isinstance(stage, Warp)]


def _through(inverses: list[NDArray[np.float64]], index: int, points: NDArray[np.float64]) -> NDArray[np.float64]:
    for inverse in inverses:
        points = matrices.transform_points(np, inverse[index : index + 1], points[None])[0]
    return points


def _area(boxes: NDArray[Any]) -> NDArray[Any]:
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))

"""What travels with an image: masks, boxes and keypoints, moved by the matrices that move its pixels.

Boxes are measured between pixel edges, so an image of width w covers 0 to w; keypoints between pixel centres, so its
first column lies at 0. Both go through the inverse of the plan's matrices, which read from output to input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline.errors import ArgumentError
from augline.paths import Paths, mirrors
from augline.plan import Call, Erase, Output, Plan, Stage, Warp
from augline.sources.polygons import moved as moved_polygons
from augline.sources.polygons import tight_boxes

Boxes = NDArray[np.float32]


def mask_plan(plan: Plan, channels: int, dtype: str) -> Plan:
    """The plan for segmentation masks: the same warps, read with "nearest", and holes, into the masks' own type."""
    stages = tuple(kept for stage in plan.stages if (kept := _for_masks(stage, dtype)) is not None)
    before = plan.before.with_(channels=channels, dtype=dtype, scale=(1.0,), offset=(0.0,))
    output = Output((1.0,) * channels, (0.0,) * channels, dtype)
    return Plan(stages, (None,) * len(stages), before, plan.extent, output)


def _for_masks(stage: Stage, dtype: str) -> Stage | None:
    if isinstance(stage, Call) and stage.spatial:
        return replace(stage, scale=(1.0,), offset=(0.0,), dtype=dtype)
    if isinstance(stage, Warp) and stage.moves:
        return replace(stage, interpolation="nearest", fill=replace(stage.fill, value=(float(stage.fill.mask),)))
    if isinstance(stage, Erase) and stage.mask is not None:
        return replace(stage, value=np.full((len(stage.boxes), 1), float(stage.mask)), noise=None)
    return None


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


def move_points(
    plan: Plan, points: Sequence[NDArray[Any]], swaps: Sequence[tuple[int, int]] = ()
) -> list[NDArray[np.float32]]:
    """Keypoints `(k, 2)` or `(k, 3)` per sample; a third column, visibility, becomes 0 where a point left the image.

    Args:
        plan: Of the batch.
        points: One array per sample.
        swaps: Pairs of rows that change places where the image was mirrored: left eye and right eye, and so on.
    """
    moved = [np.array(p, np.float32) for p in points]
    paths, mirrored = Paths(plan), mirrors(plan)
    extents = np.stack([plan.extent.width, plan.extent.height], axis=-1)
    for index, point in enumerate(moved):
        if not point.size:
            continue
        point[:, :2] = paths.forward(index, point[:, :2].astype(np.float64))
        if point.shape[1] == 3:
            outside = (point[:, :2] < -0.5) | (point[:, :2] > extents[index] - 0.5)
            point[outside.any(axis=1), 2] = 0
        if mirrored[index] and swaps:
            one, other = np.transpose(swaps)
            point[np.concatenate([one, other])] = point[np.concatenate([other, one])]
    return moved


def move_boxes(
    plan: Plan, boxes: Sequence[Boxes], box_format: str, min_area: float = 1.0, min_visibility: float = 0.0,
    polygons: Sequence[Sequence[NDArray[Any]]] | None = None,
) -> tuple[list[Boxes], list[NDArray[np.int64]]]:  # fmt: skip
    """Boxes per sample, clipped to the image, and which of them are left.

    A moved box is the upright one around its moved outline: the polygon where one is known, else its four sides. It is
    left out if less than `min_area` square pixels or less than the share `min_visibility` of it can be seen.
    """
    paths = Paths(plan)
    moved, kept = [], []
    for index, rows in enumerate(boxes):
        before = (float(plan.before.height[index]), float(plan.before.width[index]))
        after = (float(plan.extent.height[index]), float(plan.extent.width[index]))
        corners = to_xyxy(np.asarray(rows, np.float64).reshape(-1, 4), box_format, before)
        outlines = [outline(row, paths.bends) for row in corners]
        if polygons is not None:
            outlines = [np.asarray(p, np.float64) * _unit(box_format, before)[:2] for p in polygons[index]]
        placed = moved_polygons(outlines, partial(_placed, paths, index))
        whole = tight_boxes(placed).reshape(-1, 4)
        clipped = (
            tight_boxes(placed, size=after) if polygons is not None else np.clip(whole, 0, [after[1], after[0]] * 2)
        )
        seen, full = _area(clipped), _area(whole)
        keep = np.flatnonzero((seen >= min_area) & (seen >= min_visibility * full))
        moved.append(from_xyxy(clipped[keep], box_format, after).astype(np.float32))
        kept.append(keep)
    return moved, kept


def check_movable(plan: Plan) -> None:
    """Refuses a plan of which nobody knows where it moves boxes and keypoints.

    Raises:
        ArgumentError: That is so.
    """
    Paths(plan).forward(0, np.zeros((0, 2)))


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


def _placed(paths: Paths, index: int, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points between pixel edges, where they come out."""
    return paths.forward(index, edges - 0.5) + 0.5


def outline(box: NDArray[Any], bends: bool) -> NDArray[np.float64]:
    """Points on the four sides of a box, `(n, 2)`: its corners, and more where straight lines do not stay straight."""
    left, top, right, bottom = box
    share = np.linspace(0, 1, 9 if bends else 2)[:, None]
    corners = np.asarray([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)])
    return np.concatenate([a + share * (b - a) for a, b in pairwise(corners)])


def _area(boxes: NDArray[Any]) -> NDArray[Any]:
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))

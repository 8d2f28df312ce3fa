"""What travels with an image: masks, boxes and keypoints, moved by the matrices that move its pixels.

Boxes are measured between pixel edges, so an image of width w covers 0 to w; keypoints between pixel centres, so its
first column lies at 0. Both go through the inverse of the plan's matrices, which read from output to input.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline.box_filter import ANY_BOX, BoxFilter
from augline.errors import ArgumentError
from augline.paths import Paths, mirrors
from augline.plan import Call, Erase, MaskValue, Output, Plan, Stage, Warp
from augline.sources import remote
from augline.sources.boxes import from_xyxy as from_xyxy
from augline.sources.boxes import to_xyxy as to_xyxy
from augline.sources.boxes import unit
from augline.sources.polygons import clipped, finer, moved, tight_boxes
from augline.sources.rings import EDGE

Boxes = NDArray[np.float32]


def mask_plan(plan: Plan, channels: int, dtype: str, name: str = "") -> Plan:
    """The plan for segmentation masks: the same warps, read with "nearest", and holes, into the masks' own type.

    Args:
        plan: Of the images.
        channels: Of the masks.
        dtype: Of the masks.
        name: Of the masks where there are several, for fills that differ.

    Raises:
        ArgumentError: A transform fills masks with a value that the type does not have.
    """
    stages = tuple(kept for stage in plan.stages if (kept := _for_masks(stage, dtype, name)) is not None)
    before = plan.before.with_(channels=channels, dtype=dtype, scale=(1.0,), offset=(0.0,))
    output = Output((1.0,) * channels, (0.0,) * channels, dtype)
    return Plan(stages, (None,) * len(stages), before, plan.extent, output)


def _for_masks(stage: Stage, dtype: str, name: str) -> Stage | None:
    if isinstance(stage, Call) and stage.spatial:
        return replace(stage, scale=(1.0,), offset=(0.0,), dtype=dtype)
    if isinstance(stage, Warp) and stage.moves:
        value = _mask_value(stage.fill.mask, dtype, name, stage.origin)
        return replace(stage, interpolation="nearest", fill=replace(stage.fill, value=(value,)))
    if isinstance(stage, Erase) and stage.mask is not None:
        value = _mask_value(stage.mask, dtype, name, stage.origin)
        return replace(stage, value=0 * stage.value[:, :1] + value, noise=None)
    return None


def _mask_value(given: MaskValue, dtype: str, name: str, origin: tuple[str, ...]) -> float:
    if not isinstance(given, int) and name not in given:
        received = f"none for {name!r}" if name else "masks without names"
        raise ArgumentError(
            f"{', '.join(origin)}(mask_fill_value={given}): it must have a value for each of the masks. Received "
            f"{received}. Name all of them, or give one number for all."
        )
    value = given if isinstance(given, int) else given[name]
    if not fits(value, np.dtype(dtype)):
        raise ArgumentError(
            f"{', '.join(origin)}(mask_fill_value={value}): masks must be able to hold it. Received masks of {dtype}. "
            "Give a value of that type (255 is the usual one to ignore), or convert the masks: masks.astype('int16')."
        )
    return float(value)


def fits(value: float, dtype: np.dtype[Any]) -> bool:
    """Whether a type has a value."""
    if dtype.kind == "f":
        return True
    low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return bool(low <= value <= high and value == int(value))


def read_mask(mask: Any, size: tuple[int, int], name: str, lead: int = 0) -> NDArray[Any]:
    """A mask (height, width, channels) of its image's size, from an array or a file; a video's has `lead` 1."""
    array = mask_array(mask, lead)
    height, width = array.shape[lead : lead + 2]
    if (height, width) != size:
        raise ArgumentError(
            f"mask of {name}: a mask must have the size of its image. Received {height} x {width} for "
            f"an image of {size[0]} x {size[1]} (height x width). Resize one of them."
        )
    return array


def _pixels(path: str) -> NDArray[Any]:
    from PIL import Image

    with remote.opened(path) as data, Image.open(data) as file:
        return np.asarray(file)


def mask_array(mask: Any, lead: int = 0) -> NDArray[Any]:
    """A mask (height, width, channels) from an array or a file; palette files give their indices."""
    if not hasattr(mask, "__array__"):
        path = os.fspath(mask)
        mask = remote.patiently(lambda: _pixels(path))
    array = np.asarray(mask)
    if array.ndim not in (2 + lead, 3 + lead):
        raise ArgumentError(
            f"masks: each must be ({'time, ' * lead}height, width[, channels]). Received {array.shape}. Reshape it."
        )
    return array[..., None] if array.ndim == 2 + lead else array


def move_points(
    plan: Plan, points: Sequence[NDArray[Any]], swaps: Sequence[tuple[int, int]] = ()
) -> list[NDArray[np.float32]]:
    """Keypoints `(k, 2)` or `(k, 3)` per sample; see `Points`."""
    through = Points(plan, swaps)
    return [through(index, point) for index, point in enumerate(points)]


class Points:
    """Moves keypoints; a third column, visibility, becomes 0 where a point left the image.

    A point has left if it lay outside any frame on the way: nothing brings back what was cut off.

    Args:
        plan: Of the batch.
        swaps: Pairs of rows that change places where the image was mirrored: left eye and right eye, and so on.
    """

    def __init__(self, plan: Plan, swaps: Sequence[tuple[int, int]] = ()) -> None:
        self._paths, self._mirrored, self._swaps = Paths(plan), mirrors(plan), swaps

    def __call__(self, index: int, points: NDArray[Any]) -> NDArray[np.float32]:
        """Those of one sample, `(k, 2)` or `(k, 3)`, or of a video with time ahead of that."""
        result = np.array(points, np.float32)
        if not result.size:
            return result
        flat = result.reshape(-1, result.shape[-1])
        flat[:, :2], within = self._paths.forward_within(index, flat[:, :2].astype(np.float64))
        if flat.shape[1] == 3:
            flat[~within, 2] = 0
        if self._mirrored[index]:
            swap(result, self._swaps)
        return result


def swap(points: NDArray[Any], pairs: Sequence[tuple[int, int]]) -> None:
    """Lets rows of `(..., k, 2 or 3)` change places."""
    if len(pairs):
        one, other = np.transpose(pairs)
        points[..., np.concatenate([one, other]), :] = points[..., np.concatenate([other, one]), :]


def move_boxes(
    plan: Plan, boxes: Sequence[NDArray[Any]], box_format: str, box_filter: BoxFilter = ANY_BOX,
    polygons: Sequence[Sequence[NDArray[Any]]] | None = None, frames: int = 1,
) -> tuple[list[Boxes], list[NDArray[np.int64]]]:  # fmt: skip
    """Boxes per sample, clipped to the image, and which of them are left.

    A moved box is the upright one around what can be seen of its moved outline: the polygon where one is known, else
    its four sides; what is painted over cannot be seen. `box_filter` says how much that must be; a box that the plan
    drops is left out anyway. Of videos, `frames` long, there are boxes for each frame.
    """
    return move_shares(plan, boxes, box_format, box_filter, polygons, frames)[:2]


def move_shares(
    plan: Plan, boxes: Sequence[NDArray[Any]], box_format: str, box_filter: BoxFilter = ANY_BOX,
    polygons: Sequence[Sequence[NDArray[Any]]] | None = None, frames: int = 1,
    given: Sequence[NDArray[Any]] | None = None,
) -> tuple[list[Boxes], list[NDArray[np.int64]], list[NDArray[np.float64]]]:  # fmt: skip
    """As `move_boxes`, and which share of each box that is left can be seen.

    `given` says of which share of a thing each box is, if some of it is gone already.
    """
    paths = Paths(plan)
    result, kept, shares = [], [], []
    for number, rows in enumerate(boxes):
        index = number // frames
        before, after = _sizes(plan, index)
        corners = to_xyxy(np.asarray(rows, np.float64).reshape(-1, 4), box_format, before)
        if polygons is None:
            centred = [outline(row, paths.bends) - 0.5 for row in corners]
        else:
            centred = _in_pixels(polygons[number], box_format, before, paths.bends)
        placed = moved(centred, partial(paths.forward, index))
        whole = tight_boxes(placed).reshape(-1, 4)
        cut, bare = paths.forward_cut(index, centred, polygons is None) if paths.cuts else (placed, 1.0)
        left = [part + 0.5 for part in cut]
        # of a box without a polygon nobody knows where in it the thing is: what the image cuts off are its sides
        seen = tight_boxes(left, after) if polygons is not None else _clipped(tight_boxes(left), after)
        seen = np.nan_to_num(seen.reshape(-1, 4))
        left_of = box_filter.shares(np, seen, whole, bare, 1.0 if given is None else given[number])
        stays = left_of > 0
        if plan.dropped is not None:
            first = number % frames * (plan.dropped.shape[1] // frames)
            stays = stays & ~plan.dropped[index, first : first + len(stays)]
        keep = box_filter.fullest(stays, seen)
        result.append(from_xyxy(seen[keep], box_format, after).astype(np.float32))
        kept.append(keep)
        shares.append(left_of[keep])
    return result, kept, shares


def move_polygons(
    plan: Plan,
    polygons: Sequence[Sequence[NDArray[Any]]],
    kept: Sequence[NDArray[np.int64]],
    box_format: str,
    frames: int = 1,
) -> list[list[NDArray[np.float32]]]:
    """The polygons of the boxes that `move_boxes` kept, cut off at the image's edge, in the units of the boxes."""
    paths = Paths(plan)
    result = []
    for number, rows in enumerate(polygons):
        index = number // frames
        before, after = _sizes(plan, index)
        given = _in_pixels([rows[k] for k in kept[number].tolist()], box_format, before, paths.bends)
        left = clipped([part + 0.5 for part in paths.forward_cut(index, given)[0]], np.asarray(after[::-1]))
        result.append([(part / unit(box_format, after)[:2]).astype(np.float32) for part in left])
    return result


def _in_pixels(
    rows: Sequence[NDArray[Any]], box_format: str, size: tuple[float, float], bends: bool
) -> list[NDArray[np.float64]]:
    """Polygons between pixel centres, and points enough on their edges where these do not stay straight."""
    outlines = [np.asarray(row, np.float64) * unit(box_format, size)[:2] for row in rows]
    return [part - 0.5 for part in (finer(outlines, max(size) * EDGE) if bends else outlines)]


def _sizes(plan: Plan, index: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """(height, width) of a sample's image as it came and as it comes out."""
    before, after = plan.before, plan.extent
    return (
        (float(before.height[index]), float(before.width[index])),
        (float(after.height[index]), float(after.width[index])),
    )


def _clipped(boxes: NDArray[Any], size: tuple[float, float]) -> NDArray[Any]:
    return np.asarray(np.clip(boxes, 0, [size[1], size[0]] * 2))


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


def outline(box: NDArray[Any], bends: bool) -> NDArray[np.float64]:
    """Points on the four sides of a box, `(n, 2)`: its corners, and more where straight lines do not stay straight."""
    left, top, right, bottom = box
    share = np.linspace(0, 1, 9 if bends else 2)[:, None]
    corners = np.asarray([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)])
    return np.concatenate([a + share * (b - a) for a, b in pairwise(corners)])

"""Boxes in Keras's dense form through a plan, a whole batch at once in any array namespace: `targets.py` for graphs.

The shape of everything is known beforehand: `(batch, n)` boxes stay that many, with a mask of those that are left.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from augline.arrays import Array, Namespace, shape_of
from augline.box_filter import BoxFilter
from augline.dense_polygons import boxes_around, in_pixels
from augline.engines.portable.points import forward
from augline.plan import Plan, Warp
from augline.plan.mix import Mix
from augline.sources.boxes import from_xyxy, to_xyxy
from augline.sources.rings import Rings

_POINTS_A_SIDE = 8  # of outlines that bend
_MORE_CROSSINGS = 8  # points that a bent outline may gain at a straight edge


def move_boxes(
    xp: Namespace, plan: Plan, boxes: Array, there: Array, box_format: str, box_filter: BoxFilter,
    polygons: Rings | None = None,
) -> tuple[Array, Array]:  # fmt: skip
    """Boxes where they come out, clipped to the image, and which of them are left; as `targets.move_boxes`.

    Args:
        xp: Array namespace.
        plan: Of the batch; no function of the user's moves anything in it.
        boxes: `(batch, n, 4)`.
        there: `(batch, n)` bool: which are boxes.
        box_format: One of Keras's.
        box_filter: Which stay.
        polygons: Outlines in the units of the boxes, where they are known; that of box k of row i is object i * n + k.

    Returns:
        `(batch, n, 4)` float32 and `(batch, n)` bool.
    """
    before, after = ((extent.height[:, None], extent.width[:, None]) for extent in (plan.before.extent, plan.extent))
    moves = [stage for stage in plan.stages if isinstance(stage, Warp) and stage.moves]
    if polygons is None:
        corners = to_xyxy(xp.astype(boxes, xp.float64), box_format, before, xp)
        whole, seen = _of_sides(xp, moves, corners)
    else:
        n = int(there.shape[1])
        whole, seen = boxes_around(xp, plan, moves, in_pixels(xp, polygons, plan, box_format, n), n)
    seen = xp.minimum(xp.clip(seen, min=0.0), xp.stack([after[1], after[0], after[1], after[0]], axis=-1))
    there = there if plan.dropped is None else there & ~plan.dropped
    stays = _fullest(xp, there & box_filter.keeps(seen, whole), seen, box_filter.max_boxes)
    return xp.astype(from_xyxy(seen, box_format, after, xp), xp.float32), stays


def _of_sides(xp: Namespace, moves: list[Warp], corners: Array) -> tuple[Array, Array]:
    """The boxes around four moved sides, and around what the frames on the way leave of them."""
    points = outlines(xp, corners, any(stage.field is not None for stage in moves)) - 0.5
    none = xp.zeros_like(corners[..., 0]) > 0
    whole = _tight(xp, _through(xp, moves, points)[0], none) + 0.5
    if len(moves) < 2:
        return whole, whole
    left, none = _through(xp, moves, points, cut=True)
    return whole, xp.where(none[..., None], 0.0, _tight(xp, left, none) + 0.5)


def mix_boxes(xp: Namespace, mix: Mix, boxes: Array, there: Array, box_filter: BoxFilter) -> tuple[Array, Array]:
    """The boxes of samples and partners, as far as they show in what is mixed of them, and which of them are left.

    Args:
        xp: Array namespace.
        mix: Of `count` images each.
        boxes: `(batch * count, n, 4)` left, top, right, bottom in pixels.
        there: `(batch * count, n)` bool: which are boxes.
        box_filter: Which stay.

    Returns:
        `(batch, count * n, 4)` and `(batch, count * n)` bool.
    """
    batch, count = (int(side) for side in mix.shares.shape)
    boxes, there = xp.reshape(boxes, (batch, count, -1, 4)), xp.reshape(there, (batch, count, -1))
    top, left, bottom, right = (xp.astype(mix.boxes[:, :, k], boxes.dtype) for k in range(4))
    down, across = (xp.astype(mix.shifts[:, :, k], boxes.dtype) for k in range(2))
    placed = boxes + xp.stack([across, down, across, down], axis=-1)[:, :, None, :]
    low, high = (xp.stack(ends, axis=-1)[:, :, None, :] for ends in ([left, top] * 2, [right, bottom] * 2))
    shown = xp.minimum(xp.maximum(placed, low), high)
    covers = xp.astype(xp.take(mix.covers(xp), xp.asarray([1, 0, 3, 2]), axis=2), boxes.dtype)
    hidden: Array | float = 0.0
    for other in mix.over(0):
        over = covers[:, other, None, None, :]
        under = (xp.arange(count) < other)[None, :, None]
        shown = xp.where(under[..., None], left_over(xp, shown, over), shown)
        hidden = hidden + xp.where(under, shared_area(xp, shown, over), 0.0)
    stays = there & mix.used[:, :, None] & box_filter.keeps(shown, placed, hidden)
    return xp.reshape(shown, (batch, -1, 4)), xp.reshape(stays, (batch, -1))


def left_over(xp: Namespace, boxes: Array, over: Array) -> Array:
    """The upright box around what of boxes no box `over` hides, all `(..., 4)`; one of no area if nothing is left."""
    (left, top, right, bottom), (x0, y0, x1, y1) = ([each[..., k] for k in range(4)] for each in (boxes, over))
    wide, tall = (x0 <= left) & (x1 >= right), (y0 <= top) & (y1 >= bottom)
    new_left = xp.where(tall & (x0 <= left), xp.clip(x1, min=left, max=right), left)
    new_top = xp.where(wide & (y0 <= top), xp.clip(y1, min=top, max=bottom), top)
    new_right = xp.where(tall & (x1 >= right), xp.clip(x0, min=new_left, max=right), right)
    new_bottom = xp.where(wide & (y1 >= bottom), xp.clip(y0, min=new_top, max=bottom), bottom)
    return xp.stack([new_left, new_top, new_right, new_bottom], axis=-1)


def shared_area(xp: Namespace, boxes: Array, others: Array) -> Array:
    """The area that boxes `(..., 4)` have in common."""
    wide, tall = (
        xp.clip(xp.minimum(boxes[..., k + 2], others[..., k + 2]) - xp.maximum(boxes[..., k], others[..., k]), min=0.0)
        for k in (0, 1)
    )
    return wide * tall


def _fullest(xp: Namespace, stays: Array, seen: Array, most: int | None) -> Array:
    """Of the boxes that stay no more than there may be, the largest; see `BoxFilter.fullest`."""
    if most is None:
        return stays
    area = (seen[..., 2] - seen[..., 0]) * (seen[..., 3] - seen[..., 1])
    order = xp.argsort(xp.where(stays, -area, 1.0), axis=-1, stable=True)
    return stays & (xp.argsort(order, axis=-1, stable=True) < most)


def packed(xp: Namespace, stays: Array, columns: dict[str, Array]) -> dict[str, Array]:
    """Columns `(batch, n, ...)` with the rows that stay in front, and -1 in all places behind them."""
    order = xp.argsort(xp.astype(~stays, xp.int64), axis=-1, stable=True)
    some = chosen(xp, stays, order)
    result = {}
    for name, column in columns.items():
        picked = chosen(xp, column, order)
        keep = some if len(column.shape) == 2 else some[..., None]
        result[name] = xp.where(keep, picked, xp.zeros_like(picked) - 1)
    return result


def chosen(xp: Namespace, values: Array, order: Array) -> Array:
    """Per row of `(rows, n, ...)`, the elements at `order` `(rows, m)`."""
    shape = shape_of(xp, values)
    rows, wanted = shape_of(xp, order)
    places = order + xp.reshape(xp.arange(rows), (-1, 1)) * shape[1]
    flat = xp.reshape(values, (rows * shape[1], *shape[2:]))
    return xp.reshape(xp.take(flat, xp.reshape(places, (-1,)), axis=0), (rows, wanted, *shape[2:]))


def outlines(xp: Namespace, corners: Array, bends: bool) -> Array:
    """Points `(batch, n, points, 2)` around boxes `(batch, n, 4)`: corners, and more where straight lines will bend."""
    many = _POINTS_A_SIDE if bends else 1
    around = np.asarray([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)])
    share = np.arange(many)[:, None] / many
    at = np.concatenate([a + share * (b - a) for a, b in pairwise(around)])
    start, end = corners[..., None, :2], corners[..., None, 2:]
    return start + xp.asarray(at, dtype=xp.float64) * (end - start)


def _through(xp: Namespace, moves: list[Warp], points: Array, *, cut: bool = False) -> tuple[Array, Array]:
    """Outlines `(batch, n, points, 2)` behind the last step, cut at all frames but the last; and which are gone."""
    gone = xp.zeros_like(points[..., 0, 0]) > 0
    batch, n, _, _ = shape_of(xp, points)
    more = _MORE_CROSSINGS if any(stage.field is not None for stage in moves) else 1
    for number, stage in enumerate(moves):
        flat = forward(xp, stage, xp.reshape(points, (batch, n * shape_of(xp, points)[2], 2)))
        points = xp.reshape(flat, (batch, n, -1, 2))
        if cut and number < len(moves) - 1:
            points, outside = _clipped(xp, points + 0.5, (stage.extent.width, stage.extent.height), more)
            points, gone = points - 0.5, gone | outside
    return points, gone


def _clipped(xp: Namespace, points: Array, sides: tuple[Array, Array], more: int) -> tuple[Array, Array]:
    """What of outlines lies in frames of these sides, x and y, `(batch, n, points + 4 * more, 2)`; and which are gone.

    I. Sutherland and G. Hodgman (1974), in fixed shapes: places behind an outline's last point repeat its first.
    """
    batch, n, count, _ = shape_of(xp, points)
    flat = xp.reshape(points, (batch * n, count, 2))
    gone = xp.zeros_like(flat[:, 0, 0]) > 0
    for axis, side in enumerate(sides):
        end = xp.reshape(side[:, None] + xp.zeros_like(points[:, :, 0, 0]), (batch * n, 1))
        for start, sign in ((0.0, 1.0), (end, -1.0)):
            flat, outside = _half(xp, flat, start + sign * flat[..., axis], more)
            gone = gone | outside
    return xp.reshape(flat, (batch, n, count + 4 * more, 2)), xp.reshape(gone, (batch, n))


def _half(xp: Namespace, points: Array, depth: Array, more: int) -> tuple[Array, Array]:
    """Outlines `(rows, k, 2)` where `depth` `(rows, k)` is not negative, `(rows, k + more, 2)`; and which are gone."""
    then, depth_then = (xp.concat([v[:, 1:, ...], v[:, :1, ...]], axis=1) for v in (points, depth))
    inside, crosses = depth >= 0, (depth >= 0) != (depth_then >= 0)
    share = depth / xp.where(crosses, depth - depth_then, 1.0)
    cut = points + share[..., None] * (then - points)
    rows, k = shape_of(xp, depth)
    both = xp.reshape(xp.stack([points, cut], axis=2), (rows, 2 * k, 2))
    real = xp.reshape(xp.stack([inside, crosses], axis=2), (rows, 2 * k))
    order = xp.argsort(xp.astype(~real, xp.int64), axis=-1, stable=True)[:, : k + more]
    kept, some = chosen(xp, both, order), chosen(xp, real, order)
    return xp.where(some[..., None], kept, kept[:, :1, :]), ~xp.any(real, axis=1)


def _tight(xp: Namespace, points: Array, gone: Array) -> Array:
    """The upright box around each outline, `(batch, n, 4)`."""
    ends = (xp.min(points, axis=2), xp.max(points, axis=2))
    return xp.where(gone[..., None], 0.0, xp.concat(ends, axis=-1))

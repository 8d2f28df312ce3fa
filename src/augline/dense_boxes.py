"""Boxes in Keras's dense form through a plan, a whole batch at once in any array namespace: `targets.py` for graphs.

The shape of everything is known beforehand: `(batch, n)` boxes stay that many, with a mask of those that are left.
"""

from __future__ import annotations

from functools import reduce
from itertools import pairwise

import numpy as np

from augline.arrays import Array, Namespace, shape_of
from augline.box_filter import BoxFilter
from augline.dense_polygons import boxes_around, in_pixels
from augline.engines.portable.points import forward
from augline.plan import Plan, Warp
from augline.plan.mix import Mix
from augline.plan.moving import Holes, holes, steps
from augline.sources.boxes import from_xyxy, to_xyxy
from augline.sources.holes import left_of_pixels, left_over
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
    moved, shares = move_shares(xp, plan, boxes, xp.astype(there, xp.float64), box_format, box_filter, polygons)
    return moved, shares > 0


def move_shares(
    xp: Namespace, plan: Plan, boxes: Array, shares: Array, box_format: str, box_filter: BoxFilter,
    polygons: Rings | None = None,
) -> tuple[Array, Array]:  # fmt: skip
    """As `move_boxes`, with which share of each box can be seen, 0 of those that are none, in place of which are."""
    before, after = ((extent.height[:, None], extent.width[:, None]) for extent in (plan.before.extent, plan.extent))
    moves = [stage for stage in plan.stages if isinstance(stage, Warp) and stage.moves]
    if polygons is None:
        corners = to_xyxy(xp.astype(boxes, xp.float64), box_format, before, xp)
        whole, seen, bare = _of_sides(xp, plan, moves, corners)
    else:
        n = int(shares.shape[1])
        whole, seen, bare = boxes_around(xp, plan, moves, in_pixels(xp, polygons, plan, box_format, n), n)
    seen = xp.minimum(xp.clip(seen, min=0.0), xp.stack([after[1], after[0], after[1], after[0]], axis=-1))
    shares = box_filter.shares(xp, seen, whole, bare, shares)
    stays = shares > 0 if plan.dropped is None else (shares > 0) & ~plan.dropped
    shares = xp.where(_fullest(xp, stays, seen, box_filter.max_boxes), shares, 0.0)
    return xp.astype(from_xyxy(seen, box_format, after, xp), xp.float32), shares


def _of_sides(xp: Namespace, plan: Plan, moves: list[Warp], corners: Array) -> tuple[Array, Array, Array]:
    """The boxes around four moved sides; around what frames and holes leave of them; and how much of these is bare."""
    points = outlines(xp, corners, any(stage.field is not None for stage in moves)) - 0.5
    none, bare = xp.zeros_like(corners[..., 0]) > 0, xp.zeros_like(corners[..., 0]) + 1.0
    whole = reduce(lambda left, stage: _moved(xp, stage, left), moves, points)
    whole = _tight(xp, whole, none) + 0.5
    if len(moves) < 2 and not holes(plan):
        return whole, whole, bare
    left, gone, bare = _left(xp, plan, moves, points)
    return whole, xp.where(gone[..., None], 0.0, _tight(xp, left, none) + 0.5), bare


def mix_boxes(
    xp: Namespace, mix: Mix, boxes: Array, shares: Array, box_filter: BoxFilter, solid: Array | None = None
) -> tuple[Array, Array]:
    """The boxes of samples and partners, as far as they show in what is mixed of them, and which share of each does.

    Args:
        xp: Array namespace.
        mix: Of `count` images each.
        boxes: `(batch * count, n, 4)` left, top, right, bottom in pixels.
        shares: `(batch * count, n)`: of what the boxes are; 0 where there is none.
        box_filter: Which stay.
        solid: `(batch * count, height, width)` bool: where partners show, if only where their objects are, and of a
            single one.

    Returns:
        `(batch, count * n, 4)` and `(batch, count * n)`, 0 of those that do not stay.
    """
    batch, count = (int(side) for side in mix.shares.shape)
    boxes, shares = xp.reshape(boxes, (batch, count, -1, 4)), xp.reshape(shares, (batch, count, -1))
    top, left, bottom, right = (xp.astype(mix.boxes[:, :, k], boxes.dtype) for k in range(4))
    down, across = (xp.astype(mix.shifts[:, :, k], boxes.dtype) for k in range(2))
    placed = boxes + xp.stack([across, down, across, down], axis=-1)[:, :, None, :]
    low, high = (xp.stack(ends, axis=-1)[:, :, None, :] for ends in ([left, top] * 2, [right, bottom] * 2))
    shown = xp.minimum(xp.maximum(placed, low), high)
    covers = xp.astype(xp.take(mix.covers(xp), xp.asarray([1, 0, 3, 2]), axis=2), boxes.dtype)
    rest = [left_over(xp, shown[:, k], xp.take(covers, xp.asarray([*mix.over(k)], dtype=xp.int64), axis=1))
            for k in range(count)]  # fmt: skip
    if solid is not None:
        covered = xp.reshape(solid, (batch, count, *solid.shape[1:]))[:, -1, ...] & mix.used[:, -1, None, None]
        rest[0] = left_of_pixels(xp, rest[0][0], covered)
    shown, bare = (xp.stack(parts, axis=1) for parts in zip(*rest, strict=True))
    shares = box_filter.shares(xp, shown, placed, bare, shares)
    shares = xp.where(mix.used[:, :, None], shares, 0.0)
    return xp.reshape(shown, (batch, -1, 4)), xp.reshape(shares, (batch, -1))


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


def _left(xp: Namespace, plan: Plan, moves: list[Warp], points: Array) -> tuple[Array, Array, Array]:
    """What frames, but the last, and holes leave of outlines `(batch, n, points, 2)`; which are gone; how much is bare.

    See `augline.paths.Paths.forward_cut`.
    """
    more = _MORE_CROSSINGS if any(stage.field is not None for stage in moves) else 1
    gone, bare = xp.zeros_like(points[..., 0, 0]) > 0, xp.zeros_like(points[..., 0, 0]) + 1.0
    for stage, frame, painted in steps(plan, moves):
        if stage is not None:
            points = _moved(xp, stage, points)
        if frame is not None:
            points, outside = _clipped(xp, points + 0.5, (frame.width[:, None], frame.height[:, None]), more)
            points, gone = points - 0.5, gone | outside
        if painted is not None:
            points, share = _uncovered(xp, painted, points, more)
            gone, bare = gone | (share == 0), bare * share
    return points, gone, bare


def _moved(xp: Namespace, stage: Warp, points: Array) -> Array:
    """Outlines `(batch, n, points, 2)` behind a warp."""
    batch, n, count, _ = shape_of(xp, points)
    return xp.reshape(forward(xp, stage, xp.reshape(points, (batch, n * count, 2))), (batch, n, -1, 2))


def _uncovered(xp: Namespace, painted: Holes, points: Array, more: int) -> tuple[Array, Array]:
    """What of outlines `(batch, n, points, 2)` lies in the boxes that holes leave, and how much of those is bare.

    See `augline.sources.polygons.uncovered`.
    """
    around = _tight(xp, points, xp.zeros_like(points[..., 0, 0]) > 0) + 0.5
    frame = xp.stack([painted.extent.width, painted.extent.height] * 2, axis=-1)[:, None, :]
    boxes = xp.minimum(xp.clip(around, min=0.0), frame)
    left, bare = left_over(xp, boxes, painted.sides, painted.most)
    left = xp.where(xp.any(left != boxes, axis=-1)[..., None], left, around)
    start, size = left[..., None, :2], left[..., 2:] - left[..., :2]
    points, _ = _clipped(xp, points + 0.5 - start, (size[..., 0], size[..., 1]), more)
    return points + start - 0.5, bare


def _clipped(xp: Namespace, points: Array, sides: tuple[Array, Array], more: int) -> tuple[Array, Array]:
    """What of outlines lies in frames of these sides, x and y, `(batch, n, points + 4 * more, 2)`; and which are gone.

    Sides are `(batch, n)` or `(batch, 1)`.

    I. Sutherland and G. Hodgman (1974), in fixed shapes: places behind an outline's last point repeat its first.
    """
    batch, n, count, _ = shape_of(xp, points)
    flat = xp.reshape(points, (batch * n, count, 2))
    gone = xp.zeros_like(flat[:, 0, 0]) > 0
    for axis, side in enumerate(sides):
        end = xp.reshape(side + xp.zeros_like(points[:, :, 0, 0]), (batch * n, 1))
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

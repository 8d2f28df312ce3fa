"""Boxes around polygons through a plan, a whole batch at once in any array namespace; see `dense_boxes.py`."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

from augline.arrays import Array, Namespace, rows_of
from augline.engines.portable.points import forward
from augline.plan import Extent, Plan, Warp
from augline.plan.moving import holes, steps
from augline.sources.holes import left_over, outside
from augline.sources.rings import EDGE, Rings, bounds, clip, finer, seen


def in_pixels(xp: Namespace, polygons: Rings, plan: Plan, box_format: str, n: int) -> Rings:
    """Polygons of `n` objects per sample in pixels, where boxes are written relative to their image."""
    points = xp.astype(polygons.points, xp.float64)
    if box_format.startswith("rel_"):
        points = points * xp.take(_sides(xp, plan.before.extent), polygons.owner // n, axis=0)
    return replace(polygons, points=points)


def boxes_around(xp: Namespace, plan: Plan, moves: list[Warp], polygons: Rings, n: int) -> tuple[Array, Array, Array]:
    """The boxes `(batch, n, 4)` around moved polygons, and around what can be seen of them; zeros for none.

    Args:
        xp: Array namespace.
        plan: Of the batch.
        moves: The stages of it that move what is in the picture.
        polygons: Of `n` objects per sample, in pixels.
        n: See above.

    Returns:
        Both, and `(batch, n)` the share of the latter that is not painted over.
    """
    shape = rows_of(xp, plan.extent.height), n, 4
    if any(stage.field is not None for stage in moves):
        longer = xp.max(_of_each(xp, plan.before.extent, n), axis=1)
        polygons = finer(xp, polygons, xp.take(longer, polygons.owner) * EDGE)
    whole = reduce(lambda left, stage: _moved(xp, stage, left, n), moves, polygons)
    left, bare = whole, xp.ones(shape[:2], dtype=xp.float64)
    if len(moves) > 1 or holes(plan):
        left, bare = _left(xp, plan, moves, polygons, n)
    sides = _of_each(xp, plan.extent, n)
    boxes, around = (bounds(xp, rings, shape[0] * n) for rings in (whole, left))
    sticks_out = xp.any(around[:, :2] < 0, axis=1) | xp.any(around[:, 2:] > sides, axis=1)
    around = xp.where(sticks_out[:, None], seen(xp, left, sides), around)
    return xp.reshape(boxes, shape), xp.reshape(around, shape), bare


def _left(xp: Namespace, plan: Plan, moves: list[Warp], left: Rings, n: int) -> tuple[Rings, Array]:
    """What frames, but the last, and holes leave of polygons, and how much of the boxes around that is bare."""
    batch = rows_of(xp, plan.extent.height)
    bare = xp.ones((batch, n), dtype=xp.float64)
    for stage, frame, painted in steps(plan, moves):
        if stage is not None:
            left = _moved(xp, stage, left, n)
        if frame is not None:
            left = clip(xp, left, _of_each(xp, frame, n))
        if painted is not None:
            over = xp.take(painted.sides, xp.arange(batch * n) // n, axis=0)
            left = outside(xp, clip(xp, left, _of_each(xp, painted.extent, n)), over, painted.most)
            around = xp.reshape(bounds(xp, left, batch * n), (batch, n, 4))
            bare = bare * left_over(xp, around, painted.sides, painted.most)[1]
    return left, bare


def _moved(xp: Namespace, warp: Warp, polygons: Rings, n: int) -> Rings:
    """Polygons behind a warp: on the way each sample's points are a row, filled up with points that do not count."""
    batch, total = rows_of(xp, warp.matrix), rows_of(xp, polygons.owner)
    sample = polygons.owner // n
    starts = xp.searchsorted(sample, xp.arange(batch + 1))
    most = xp.max(starts[1:] - starts[:-1])
    rows = starts[:-1, None] + xp.arange(most)[None, :]
    rows = xp.reshape(xp.where(rows < total, rows, total - 1), (-1,))
    points = xp.reshape(xp.take(polygons.points, rows, axis=0), (batch, most, 2))
    points = xp.reshape(forward(xp, warp, points - 0.5) + 0.5, (-1, 2))
    place = sample * most + xp.arange(total) - xp.take(starts, sample)
    return replace(polygons, points=xp.take(points, place, axis=0))


def _of_each(xp: Namespace, extent: Extent, n: int) -> Array:
    """`(batch * n, 2)`: width and height of the image of each object."""
    sides = _sides(xp, extent)
    return xp.take(sides, xp.arange(rows_of(xp, sides) * n) // n, axis=0)


def _sides(xp: Namespace, extent: Extent) -> Array:
    return xp.stack([extent.width, extent.height], axis=-1)

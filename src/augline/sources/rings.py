"""Polygons of many objects at once, point behind point, in any array namespace: what images leave of them.

The parts of an object are rings, which close by themselves. How many points come out depends on where they lie.
"""

from __future__ import annotations

from dataclasses import dataclass

from augline.arrays import Array, Namespace, grouped, rows_of

EDGE = 1 / 64
"""How long an edge may be that is bent as if it were straight, as a share of the image's longer side."""


@dataclass(frozen=True, eq=False)
class Rings:
    """The parts of all objects, one behind the other.

    Attributes:
        points: `(n, 2)` x and y, measured between pixel edges; float64.
        ring: `(n,)`: the number of the part that each point belongs to; rising.
        owner: `(n,)`: the number of its object, from 0; rising.
    """

    points: Array
    ring: Array
    owner: Array


def bounds(xp: Namespace, rings: Rings, count: int) -> Array:
    """The upright boxes `(count, 4)` around `count` objects: left, top, right, bottom; zeros for one without points."""
    return _boxes(xp, *_ends(xp, rings.points, rings.owner, count))


def seen(xp: Namespace, rings: Rings, sides: Array) -> Array:
    """The upright boxes `(count, 4)` around what lies in images; zeros where nothing does.

    That may be less than the box of it all, clipped: it is around the edges cut off, and the image's corners inside.

    Args:
        xp: Array namespace.
        rings: Of `count` objects.
        sides: `(count, 2)`: width and height of the image of each.
    """
    owner, count = rings.owner, rows_of(xp, sides)
    start, end = rings.points, _then(xp, rings, rings.points)
    first, last, left = _cut(xp, start, end, xp.take(sides, owner, axis=0))
    low, high = _ends(xp, xp.concat([first, last]), xp.tile(xp.take(owner, left), (2,)), count)
    corners = xp.asarray([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]) * sides[:, None, :]
    crossed = _crossed(xp, start, end, xp.take(corners, owner, axis=0))
    inside = (grouped(xp, "sum", crossed, owner, count) % 2 == 1)[..., None]
    low = xp.minimum(low, xp.min(xp.where(inside, corners, xp.inf), axis=1))
    high = xp.maximum(high, xp.max(xp.where(inside, corners, -xp.inf), axis=1))
    return _boxes(xp, low, high)


def clip(xp: Namespace, rings: Rings, sides: Array) -> Rings:
    """What lies in images; parts that leave and come back stay joined along the edge.

    I. Sutherland and G. Hodgman (1974).

    Args:
        xp: Array namespace.
        rings: Of `count` objects.
        sides: `(count, 2)`: width and height of the image of each.
    """
    for axis in (0, 1):
        rings = _half(xp, rings, rings.points[:, axis])
        rings = _half(xp, rings, xp.take(sides[:, axis], rings.owner) - rings.points[:, axis])
    return _with_area(xp, rings)


def finer(xp: Namespace, rings: Rings, most: Array) -> Rings:
    """The same outlines with points on their edges, at most `most` `(n,)` apart along x and y: such as can be bent."""
    step = _then(xp, rings, rings.points) - rings.points
    parts = xp.astype(xp.clip(xp.ceil(xp.max(xp.abs(step), axis=1) / most), min=1.0), xp.int64)
    ends = xp.cumulative_sum(parts)
    place = xp.arange(xp.sum(parts))
    edge = xp.searchsorted(ends, place + 1)
    share = xp.astype(place - xp.take(ends - parts, edge), xp.float64) / xp.astype(xp.take(parts, edge), xp.float64)
    points = xp.take(rings.points, edge, axis=0) + share[:, None] * xp.take(step, edge, axis=0)
    return Rings(points, xp.take(rings.ring, edge), xp.take(rings.owner, edge))


def _with_area(xp: Namespace, rings: Rings) -> Rings:
    """Without the rings that are a line, as what only touches the edge of an image becomes."""
    first = xp.searchsorted(rings.ring, rings.ring)
    low, high = _ends(xp, rings.points, first, rows_of(xp, rings.ring))
    (kept,) = xp.nonzero(xp.take(xp.all(low < high, axis=1), first))
    return Rings(*(xp.take(values, kept, axis=0) for values in (rings.points, rings.ring, rings.owner)))


def _half(xp: Namespace, rings: Rings, depth: Array) -> Rings:
    """What lies where `depth` `(n,)`, a linear function of the place, given at the points, is positive.

    Points where it is 0 count as outside: they come back as crossings of the edges that lead inward, and an edge along
    the border, of what lies beyond it, leaves nothing.
    """
    points, depth_then = rings.points, _then(xp, rings, depth)
    inside, crosses = depth > 0, (depth > 0) != (depth_then > 0)
    share = depth / xp.where(crosses, depth - depth_then, 1.0)
    cut = points + share[:, None] * (_then(xp, rings, points) - points)
    (kept,) = xp.nonzero(xp.reshape(xp.stack([inside, crosses], axis=1), (-1,)))
    both = xp.reshape(xp.stack([points, cut], axis=1), (-1, 2))
    return Rings(xp.take(both, kept, axis=0), xp.take(rings.ring, kept // 2), xp.take(rings.owner, kept // 2))


def _then(xp: Namespace, rings: Rings, values: Array) -> Array:
    """Of values at the points, those at the next points of their rings."""
    ring, count = rings.ring, rows_of(xp, rings.ring)
    place = xp.arange(count)
    goes_on = (xp.concat([ring[1:], ring[:1]]) == ring) & (place < count - 1)
    return xp.take(values, xp.where(goes_on, place + 1, xp.searchsorted(ring, ring)), axis=0)


def _ends(xp: Namespace, points: Array, owner: Array, count: int) -> tuple[Array, Array]:
    """The least and the greatest x and y `(count, 2)` of each object."""
    return grouped(xp, "min", points, owner, count), -grouped(xp, "min", -points, owner, count)


def _boxes(xp: Namespace, low: Array, high: Array) -> Array:
    return xp.where(low[:, :1] <= high[:, :1], xp.concat([low, high], axis=1), 0.0)


def _cut(xp: Namespace, a: Array, b: Array, limit: Array) -> tuple[Array, Array, Array]:
    """The ends of what images leave of the segments from a to b, and of which (Liang and Barsky, 1984)."""
    step = b - a
    still, within = step == 0, (a >= 0) & (a <= limit)
    divisor = xp.where(still, 1.0, step)
    first = xp.where(still, xp.inf, -a / divisor)
    first = xp.where(still & within, -xp.inf, first)
    second = xp.where(still, xp.inf, (limit - a) / divisor)
    start = xp.clip(xp.max(xp.minimum(first, second), axis=1), min=0.0)
    end = xp.clip(xp.min(xp.maximum(first, second), axis=1), max=1.0)
    (left,) = xp.nonzero(start <= end)
    a, step, limit = (xp.take(values, left, axis=0) for values in (a, step, limit))
    ends = (a + xp.take(share, left)[:, None] * step for share in (start, end))
    first, last = (xp.minimum(xp.clip(end, min=0.0), limit) for end in ends)
    return first, last, left


def _crossed(xp: Namespace, a: Array, b: Array, corners: Array) -> Array:
    """`(n, 4)`, 0 or 1: whether rays to the left from `corners` `(n, 4, 2)` cross the segments from a to b."""
    ax, ay, bx, by = (end[:, None, k] for end in (a, b) for k in (0, 1))
    x, y = corners[..., 0], corners[..., 1]
    across = (ay <= y) != (by <= y)
    rise = xp.where(ay == by, 1.0, by - ay)
    return xp.astype(across & (ax + (y - ay) * (bx - ax) / rise < x), xp.int64)

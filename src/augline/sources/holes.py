"""What holes leave of boxes and outlines: rectangles (left, top, right, bottom) that are painted over.

The lines of all holes cut a box into cells, each of which lies in a hole or in none; so holes may overlap.
"""

from __future__ import annotations

from augline.arrays import Array, Namespace, rows_of
from augline.sources.rings import Rings, bounds, clip


def left_over(xp: Namespace, boxes: Array, holes: Array, side: int | None = None) -> tuple[Array, Array]:
    """The upright boxes around what holes leave of boxes, and how much of those no hole covers.

    Args:
        xp: Array namespace.
        boxes: `(batch, n, 4)` float64.
        holes: `(batch, m, 4)` float64.
        side: Of a square that all holes lie in, in whole pixels, where such a one is known.

    Returns:
        `(batch, n, 4)`, zeros where nothing is left, and `(batch, n)` 0 to 1.
    """
    lines = [_lines(xp, holes, k, side) for k in (0, 1)]
    return _rest(xp, boxes, lines, _hidden(xp, holes, lines))


def left_of_pixels(xp: Namespace, boxes: Array, hidden: Array) -> tuple[Array, Array]:
    """As `left_over`, of boxes inside images where pixels are `hidden`, `(batch, height, width)` bool."""
    lines = [xp.astype(xp.arange(int(hidden.shape[k]) + 1), xp.float64)[None, :] for k in (2, 1)]
    return _rest(xp, boxes, lines, hidden)


def _rest(xp: Namespace, boxes: Array, lines: list[Array], hidden: Array) -> tuple[Array, Array]:
    """See `left_over`; `hidden` `(batch, rows, columns)` says which cells between lines do not show."""
    bare = xp.astype(~hidden, xp.float64)
    (low_x, high_x), (low_y, high_y) = (_between(xp, lines[k][:, None, :], boxes[..., k::2]) for k in (0, 1))
    wide, tall = high_x - low_x, high_y - low_y
    # how high each column of cells shows in a box, and how wide each row
    down, across = xp.matmul(tall, bare), xp.matmul(wide, xp.matrix_transpose(bare))
    ends = []
    for low, high, shows in ((low_x, high_x, (wide > 0) & (down > 0)), (low_y, high_y, (tall > 0) & (across > 0))):
        ends += [xp.min(xp.where(shows, low, xp.inf), axis=-1), xp.max(xp.where(shows, high, -xp.inf), axis=-1)]
    area = xp.sum(down * wide, axis=-1)
    left = xp.where((area > 0)[..., None], xp.stack([ends[k] for k in (0, 2, 1, 3)], axis=-1), 0.0)
    whole = (left[..., 2] - left[..., 0]) * (left[..., 3] - left[..., 1])
    return left, area / xp.where(whole > 0, whole, 1.0)


def outside(xp: Namespace, rings: Rings, holes: Array, side: int | None = None) -> Rings:
    """What no hole covers of objects, in parts that meet along the lines of the holes.

    Args:
        xp: Array namespace.
        rings: Of `count` objects.
        holes: `(count, m, 4)` float64: those over each object.
        side: See `left_over`.
    """
    boxes, lines = bounds(xp, rings, rows_of(xp, holes)), [_lines(xp, holes, k, side) for k in (0, 1)]
    (left, right), (top, bottom) = (_between(xp, lines[k], boxes[:, k::2]) for k in (0, 1))
    bare = ~_hidden(xp, holes, lines) & (top < bottom)[:, :, None] & (left < right)[:, None, :]
    thing, row, column = xp.nonzero(bare)
    start, end = (
        xp.stack([_at(xp, x, thing, column), _at(xp, y, thing, row)], axis=-1)
        for x, y in ((left, top), (right, bottom))
    )
    copies = _copies(xp, rings, thing)
    moved = Rings(copies.points - xp.take(start, copies.owner, axis=0), copies.ring, copies.owner)
    cut = clip(xp, moved, end - start)
    return Rings(cut.points + xp.take(start, cut.owner, axis=0), cut.ring, xp.take(thing, cut.owner))


def _lines(xp: Namespace, holes: Array, axis: int, side: int | None) -> Array:
    """`(batch, k)`: where the sides of holes lie, rising, with infinity at both ends; or all there can be, if fewer."""
    ends = xp.concat([holes[..., axis], holes[..., axis + 2]], axis=-1)
    many = int(ends.shape[-1])
    if side is not None and side < many:
        ends = xp.broadcast_to(xp.astype(xp.arange(side + 1), xp.float64), (rows_of(xp, holes), side + 1))
    infinite = xp.ones((rows_of(xp, holes), 1), dtype=xp.float64) * xp.inf
    return xp.concat([-infinite, xp.sort(ends, axis=-1), infinite], axis=-1)


def _hidden(xp: Namespace, holes: Array, lines: list[Array]) -> Array:
    """`(batch, rows, columns)` bool: whether cells between lines lie in holes."""
    within = [
        (lines[k][:, None, :-1] >= holes[..., k, None]) & (lines[k][:, None, 1:] <= holes[..., k + 2, None])
        for k in (0, 1)
    ]
    across, down = (xp.astype(part, xp.float32) for part in within)
    return xp.matmul(xp.matrix_transpose(down), across) > 0.5


def _between(xp: Namespace, lines: Array, ends: Array) -> tuple[Array, Array]:
    """Start and end of cells as far as they lie between two ends `(..., 2)`."""
    at = xp.minimum(xp.maximum(lines, ends[..., :1]), ends[..., 1:])
    return at[..., :-1], at[..., 1:]


def _at(xp: Namespace, values: Array, row: Array, column: Array) -> Array:
    """Elements of `(rows, n)`."""
    return xp.take(xp.reshape(values, (-1,)), row * int(values.shape[1]) + column)


def _copies(xp: Namespace, rings: Rings, thing: Array) -> Rings:
    """The rings of objects, given by their numbers, each as often as it is named; copy k belongs to k."""
    first, end = (xp.searchsorted(rings.owner, thing + step) for step in (0, 1))
    ends = xp.cumulative_sum(end - first)
    place = xp.arange(xp.sum(end - first))
    copy = xp.searchsorted(ends, place + 1)
    source = place - xp.take(ends - end, copy)
    ring = xp.take(rings.ring, source)
    begins = (ring != xp.concat([ring[:1], ring[:-1]])) | (copy != xp.concat([copy[:1], copy[:-1]]))
    return Rings(xp.take(rings.points, source, axis=0), xp.cumulative_sum(xp.astype(begins, xp.int64)), copy)

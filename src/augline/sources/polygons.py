"""Polygons: the outlines of objects, for tight boxes and for masks.

A polygon is an array (n, 2) of x and y, measured between pixel edges as boxes are: an image of width w covers 0 to w.
It closes by itself. Between the parts of an object in several parts stands a row of NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Polygon: TypeAlias = NDArray[np.floating[Any]]
_Points: TypeAlias = NDArray[np.float64]


def joined(parts: Sequence[Any]) -> Polygon:
    """One polygon of the parts of an object, float32.

    >>> joined([[[0, 0], [2, 0], [2, 1]], [[5, 5], [6, 5], [6, 6]]])[2:5].tolist()
    [[2.0, 1.0], [nan, nan], [5.0, 5.0]]
    """
    gap = np.full((1, 2), np.nan, np.float32)
    rows = [array for part in parts for array in (gap, np.asarray(part, np.float32))]
    return np.concatenate(rows[1:])


def moved(polygons: Sequence[Polygon], move: Callable[[_Points], NDArray[Any]]) -> list[_Points]:
    """All polygons of a sample through a function of points (k, 2), called once; it never sees the NaN."""
    if not polygons:
        return []
    flat = np.concatenate(polygons).astype(np.float64)
    real = ~np.isnan(flat[:, 0])
    flat[real] = move(flat[real])
    return np.split(flat, np.cumsum([len(polygon) for polygon in polygons])[:-1])


def tight_boxes(polygons: Sequence[Polygon], size: tuple[float, float] | None = None) -> NDArray[Any]:
    """The upright box around each polygon: (n, 4), left, top, right, bottom.

    Args:
        polygons: of a sample.
        size: (height, width) of an image: the boxes are then those of what lies in it, and zeros where nothing does.
            That may be less than the box of the whole polygon, clipped.

    >>> diamond = np.float32([[2, 0], [4, 2], [2, 4], [0, 2]])
    >>> tight_boxes([diamond]).tolist(), tight_boxes([diamond], size=(1, 9)).tolist()
    ([[0.0, 0.0, 4.0, 4.0]], [[1.0, 0.0, 3.0, 1.0]])
    """
    if not polygons:
        return np.empty((0, 4), np.float32)
    lengths = np.asarray([len(polygon) for polygon in polygons])
    flat, starts = np.concatenate(polygons), np.cumsum(lengths) - lengths
    boxes = np.concatenate([np.fmin.reduceat(flat, starts), np.fmax.reduceat(flat, starts)], axis=1)
    if size is not None:
        limit = np.asarray([size[1], size[0]], np.float64)
        for row in np.flatnonzero((boxes[:, :2] < 0).any(axis=1) | (boxes[:, 2:] > limit).any(axis=1)).tolist():
            boxes[row] = _seen(polygons[row], limit)
    return boxes


def clipped(polygon: _Points, limit: NDArray[Any]) -> _Points:
    """What of a polygon lies between 0 and `limit`, (width, height); one row of NaN if nothing does.

    Parts that leave and come back stay joined along the edge (I. Sutherland and G. Hodgman, 1974).

    >>> clipped(np.array([[-2.0, 1], [2, 1], [2, 3], [-2, 3]]), np.array([4, 4])).tolist()
    [[0.0, 1.0], [2.0, 1.0], [2.0, 3.0], [0.0, 3.0]]
    """
    if ((polygon >= 0) & (polygon <= limit) | np.isnan(polygon)).all():
        return polygon
    gap, rows = np.full((1, 2), np.nan), []
    for part in _parts(polygon):
        for axis in (0, 1):
            part = _half(part, part[:, axis])
            part = _half(part, limit[axis] - part[:, axis])
        rows += [gap, part] if len(part) and np.ptp(part, axis=0).all() else []  # not what only touches the edge
    return np.concatenate(rows[1:] or [gap])


def within(polygon: _Points, box: Sequence[float] | NDArray[Any]) -> _Points:
    """What of a polygon lies in a box (left, top, right, bottom); one row of NaN if nothing does."""
    start, end = np.asarray(box[:2], np.float64), np.asarray(box[2:], np.float64)
    return clipped(polygon - start, end - start) + start


def without(polygon: _Points, box: Sequence[float] | NDArray[Any]) -> _Points:
    """What of a polygon lies outside a box, in up to four parts: above, left, right and below; or one row of NaN.

    >>> without(np.array([[0.0, 0], [4, 0], [4, 4], [0, 4]]), (2, -1, 9, 9)).tolist()
    [[0.0, 0.0], [2.0, 0.0], [2.0, 4.0], [0.0, 4.0]]
    """
    left, top, right, bottom = box
    (low_x, low_y), (high_x, high_y) = np.fmin.reduce(polygon), np.fmax.reduce(polygon)
    tall = max(low_y, top), min(high_y, bottom)
    bands = [
        (low_x, low_y, high_x, min(top, high_y)), (low_x, tall[0], min(left, high_x), tall[1]),
        (max(right, low_x), tall[0], high_x, tall[1]), (low_x, max(bottom, low_y), high_x, high_y),
    ]  # fmt: skip
    rest = [within(polygon, band) for band in bands if band[0] < band[2] and band[1] < band[3]]
    parts = [part for part in rest if not np.isnan(part).all()]
    return np.asarray(joined(parts), np.float64) if parts else np.full((1, 2), np.nan)


def corners_of(box: Sequence[float] | NDArray[Any]) -> Polygon:
    """The polygon of a box (left, top, right, bottom)."""
    left, top, right, bottom = box
    return np.asarray([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def paint(canvas: NDArray[Any], polygon: Polygon, value: int) -> None:
    """Writes a value into the pixels (height, width) whose centres lie in a polygon.

    A part that crosses itself is filled by the even-odd rule; overlapping parts are united. Half of the pixels that an
    edge runs through belong to it, so areas are true; OpenCV's and Pillow's polygons take all of them.
    """
    for part in _parts(polygon.astype(np.float64)):
        _paint_part(canvas, part, value)


def outline(mask: NDArray[np.bool_]) -> Polygon:
    """The convex hull of a mask's pixels, with their edges: its boxes are tight however it is turned."""
    columns = np.flatnonzero(mask.any(axis=0))
    top = mask.argmax(axis=0)[columns]
    bottom = len(mask) - mask[::-1].argmax(axis=0)[columns]
    x, y = np.tile(np.concatenate([columns, columns + 1]), 2), np.concatenate([top, top, bottom, bottom])
    points = sorted(set(zip(x.tolist(), y.tolist(), strict=True)))
    return np.asarray(_half_hull(points) + _half_hull(points[::-1]), np.float32)


def _half_hull(points: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """One side of the convex hull of sorted points, without its last one (Andrew's monotone chain, 1979)."""
    hull: list[tuple[int, int]] = []
    for point in points:
        while len(hull) > 1 and _turn(hull[-2], hull[-1], point) <= 0:
            hull.pop()
        hull.append(point)
    return hull[:-1]


def _turn(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> int:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _parts(polygon: _Points) -> list[_Points]:
    gaps = np.flatnonzero(np.isnan(polygon[:, 0]))
    starts, ends = [0, *(gaps + 1).tolist()], [*gaps.tolist(), len(polygon)]
    return [polygon[start:end] for start, end in zip(starts, ends, strict=True)]


def _half(part: _Points, depth: _Points) -> _Points:
    """The polygon where `depth`, a linear function of the place, given at its corners, is not negative."""
    then, depth_then = np.roll(part, -1, axis=0), np.roll(depth, -1)
    inside, crosses = depth >= 0, (depth >= 0) != (depth_then >= 0)
    share = depth / np.where(crosses, depth - depth_then, 1)
    cut = part + share[:, None] * (then - part)
    result: _Points = np.stack([part, cut], axis=1)[np.stack([inside, crosses], axis=1)]
    return result


def _paint_part(canvas: NDArray[Any], part: _Points, value: int) -> None:
    """Counts, along each row of pixel centres, the edges crossed so far: inside where the count is odd."""
    height, width = canvas.shape
    low = np.maximum(np.floor(part.min(axis=0)), 0).astype(np.int64)
    high = np.minimum(np.ceil(part.max(axis=0)), (width, height)).astype(np.int64)
    if (low >= high).any():
        return
    (left, top), (right, bottom) = low, high
    a, b = part, np.roll(part, -1, axis=0)
    centres = np.arange(top, bottom) + 0.5
    rows, edges = np.nonzero((a[:, 1] <= centres[:, None]) != (b[:, 1] <= centres[:, None]))
    (ax, ay), (bx, by) = a[edges].T, b[edges].T
    x = ax + (centres[rows] - ay) * (bx - ax) / (by - ay)
    crossed = np.zeros((bottom - top, right - left + 1), np.int64)
    np.add.at(crossed, (rows, np.clip(np.ceil(x - 0.5), left, right).astype(np.int64) - left), 1)
    canvas[top:bottom, left:right][np.cumsum(crossed, axis=1)[:, :-1] % 2 == 1] = value


def _seen(polygon: Polygon, limit: _Points) -> _Points:
    """The box of what lies between 0 and `limit`: around the edges cut off there, and the image's corners inside."""
    parts = _parts(polygon.astype(np.float64))
    a, b = np.concatenate(parts), np.concatenate([np.roll(part, -1, axis=0) for part in parts])
    corners = np.asarray([[0, 0], [1, 0], [0, 1], [1, 1]]) * limit
    points = np.concatenate([_cut(a, b, limit), corners[_inside(corners, a, b)]])
    return np.concatenate([points.min(axis=0), points.max(axis=0)]) if len(points) else np.zeros(4)


def _cut(a: _Points, b: _Points, limit: _Points) -> _Points:
    """The ends of what is left of the segments from a to b (Liang and Barsky, 1984)."""
    step = b - a
    still = step == 0
    divisor = np.where(still, 1.0, step)
    first, second = -a / divisor, (limit - a) / divisor
    within = (a >= 0) & (a <= limit)
    first = np.where(still, np.where(within, -np.inf, np.inf), first)
    second = np.where(still, np.where(within, np.inf, np.inf), second)
    start = np.maximum(np.minimum(first, second).max(axis=1), 0)
    end = np.minimum(np.maximum(first, second).min(axis=1), 1)
    left = start <= end
    a, step, start, end = a[left], step[left], start[left, None], end[left, None]
    ends: _Points = np.clip(np.concatenate([a + start * step, a + end * step]), 0, limit)
    return ends


def _inside(points: _Points, a: _Points, b: _Points) -> NDArray[np.bool_]:
    """Whether points lie in the polygon of these edges: a ray to the left crosses an odd number of them."""
    x, y = points[:, :1], points[:, 1:]
    across = (a[:, 1] <= y) != (b[:, 1] <= y)
    rise = np.where(a[:, 1] == b[:, 1], 1.0, b[:, 1] - a[:, 1])
    meets = a[:, 0] + (y - a[:, 1]) * (b[:, 0] - a[:, 0]) / rise
    return np.asarray((across & (meets < x)).sum(axis=1) % 2 == 1)

"""Polygons: the outlines of objects, for tight boxes and for masks.

A polygon is an array (n, 2) of x and y, measured between pixel edges as boxes are: an image of width w covers 0 to w.
It closes by itself. Between the parts of an object in several parts stands a row of NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from augline.sources.holes import left_over, outside
from augline.sources.rings import Rings, clip, seen
from augline.sources.rings import finer as finer_rings

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
        out = np.flatnonzero((boxes[:, :2] < 0).any(axis=1) | (boxes[:, 2:] > limit).any(axis=1))
        if out.size:
            boxes[out] = seen(np, rings_of([polygons[row] for row in out.tolist()]), np.tile(limit, (len(out), 1)))
    return boxes


def clipped(polygons: Sequence[_Points], limit: NDArray[Any]) -> list[_Points]:
    """What of each polygon lies between 0 and `limit`, (width, height), or one per polygon; a row of NaN for nothing.

    >>> clipped([np.array([[-2.0, 1], [2, 1], [2, 3], [-2, 3]])], np.array([4, 4]))[0].tolist()
    [[0.0, 1.0], [2.0, 1.0], [2.0, 3.0], [0.0, 3.0]]
    """
    limits = np.broadcast_to(limit, (len(polygons), 2))
    out = [k for k, points in enumerate(polygons) if ((points < 0) | (points > limits[k])).any()]
    if not out:
        return [*polygons]
    left = clip(np, rings_of([polygons[k] for k in out]), limits[out])
    changed = dict(zip(out, _polygons_of(left, len(out)), strict=True))
    return [changed.get(k, polygon) for k, polygon in enumerate(polygons)]


def finer(polygons: Sequence[_Points], most: float) -> list[_Points]:
    """The same polygons with more points on edges that are longer than `most`, along x or y."""
    if not polygons:
        return []
    rings = rings_of(polygons)
    return _polygons_of(finer_rings(np, rings, np.full(len(rings.points), most)), len(polygons))


def rings_of(polygons: Sequence[Polygon]) -> Rings:
    """The parts of polygons, each polygon an object."""
    flat = np.concatenate([np.empty((0, 2)), *polygons])
    owner = np.repeat(np.arange(len(polygons)), [len(polygon) for polygon in polygons])
    gaps = np.isnan(flat[:, 0])
    return Rings(flat[~gaps], (np.cumsum(gaps) + owner)[~gaps], owner[~gaps])


def _polygons_of(rings: Rings, count: int) -> list[_Points]:
    """The inverse of `rings_of`; one row of NaN for a polygon without points."""
    begins = np.flatnonzero(np.diff(rings.ring)) + 1
    gaps = begins[rings.owner[begins] == rings.owner[begins - 1]]
    points, owner = np.insert(rings.points, gaps, np.nan, axis=0), np.insert(rings.owner, gaps, rings.owner[gaps])
    rows = np.split(points, np.searchsorted(owner, np.arange(1, count)))
    return [part if len(part) else np.full((1, 2), np.nan) for part in rows]


def within(polygons: Sequence[_Points], boxes: Any) -> list[_Points]:
    """What of each polygon lies in a box (left, top, right, bottom), or in one of its own; a row of NaN for nothing."""
    boxes = np.broadcast_to(np.asarray(boxes, np.float64), (len(polygons), 4))
    start, end = boxes[:, :2], boxes[:, 2:]
    inside = clipped([one - corner for one, corner in zip(polygons, start, strict=True)], end - start)
    return [one + corner for one, corner in zip(inside, start, strict=True)]


def without(polygons: Sequence[_Points], holes: Any, side: int | None = None) -> list[_Points]:
    """What of each polygon no hole covers, in parts that meet along the lines of holes; one row of NaN if nothing.

    Args:
        polygons: Of a sample.
        holes: `(m, 4)` rectangles: left, top, right, bottom.
        side: See `augline.sources.holes.left_over`.

    >>> without([np.array([[0.0, 0], [4, 0], [4, 4], [0, 4]])], [(2, -1, 9, 9)])[0].tolist()
    [[2.0, 0.0], [2.0, 4.0], [0.0, 4.0], [0.0, 0.0]]
    """
    if not polygons or not len(holes):
        return [*polygons]
    over = np.tile(np.asarray(holes, np.float64), (len(polygons), 1, 1))
    return _polygons_of(outside(np, rings_of(polygons), over, side), len(polygons))


def uncovered(
    outlines: Sequence[_Points], holes: NDArray[np.float64], frame: NDArray[Any], boxes_alone: bool
) -> tuple[list[_Points], NDArray[np.float64]]:
    """Outlines without what holes cover of them, and `(n,)` how much of the box around that no hole covers, 0 to 1.

    Args:
        outlines: Of a sample.
        holes: `(m, 4)` rectangles: left, top, right, bottom.
        frame: (width, height) of the image that the holes are in, in whole pixels; what lies outside is gone.
        boxes_alone: Whether outlines are but the sides of boxes: what is left then is what lies in the box that is.
    """
    boxes = np.clip(np.nan_to_num(tight_boxes(outlines)), 0, np.tile(frame, 2)).astype(np.float64)
    low, high = np.maximum(boxes[:, None, :2], holes[:, :2]), np.minimum(boxes[:, None, 2:], holes[:, 2:])
    touched = np.flatnonzero((low < high).all(axis=2).any(axis=1))
    result, bare = [*outlines], np.ones(len(outlines))
    if not touched.size:
        return result, bare
    some, side = [result[k] for k in touched.tolist()], int(max(frame))
    rest = None if boxes_alone else without(clipped(some, frame), holes, side)
    around = boxes[touched] if rest is None else np.nan_to_num(tight_boxes(rest)).astype(np.float64)
    left, shares = left_over(np, around[None], holes[None], side)
    bare[touched] = shares[0]
    if rest is None:
        shrunk = (left[0] != around).any(axis=1)
        touched = touched[shrunk]
        rest = within([result[k] for k in touched.tolist()], left[0, shrunk])
    for k, part in zip(touched.tolist(), rest, strict=True):
        result[k] = part
    return result, bare


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

"""Keypoints of samples that are mixed: one block for the sample itself and one for each partner.

A block has as many places as the image of the data set with the most keypoints, so that a point keeps its number, the
block's first place plus the number it has in its own image. All have a visibility on the way, whatever users give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from augline.arrays import Array, Namespace
from augline.mixing.pixels import Part, opaque
from augline.plan.mix import Mix

Opaque = Callable[[int, Array, Array], Array]
"""`(number, y, x)`: whether these pixels of an image belong to its objects."""


def shape_of_block(rows: Iterable[NDArray[np.float32]]) -> tuple[int, int]:
    """(places, columns) for any image of a data set."""
    shapes = {row.shape[-2:] for row in rows}
    return max((count for count, _ in shapes), default=0), max((width for _, width in shapes), default=2)


def block(points: NDArray[np.float32], places: int) -> NDArray[np.float32]:
    """Points `([time, ]k, 2 or 3)` in so many places, with a visibility, which is 1 where none is given."""
    found = np.zeros((*points.shape[:-2], places, 3), np.float32)
    count, width = points.shape[-2:]
    found[..., :count, :width] = points
    if width == 2:
        found[..., :count, 2] = 1
    return found


def finished(xp: Namespace, points: Array, counts: Array, width: int) -> Array:
    """Points `(..., k, 3)` as users get them, in 2 or 3 columns.

    (-1, -1), visibility 0, stands in places that are not taken; and without a column of visibility for points that
    cannot be seen.
    """
    taken = counts if width == 3 else counts & (points[..., 2] > 0)
    nothing = xp.asarray((-1.0, -1.0, 0.0)[:width], dtype=points.dtype)
    return xp.where(taken[..., None], points[..., :width], nothing)


def in_blocks(swaps: Sequence[tuple[int, int]], places: int, blocks: int) -> tuple[tuple[int, int], ...]:
    """Pairs of points that change places, in each of several blocks."""
    return tuple((one + k * places, other + k * places) for k in range(blocks) for one, other in swaps)


def of_parts(
    mix: Mix, row: int, parts: Sequence[Part | None], size: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Points `([time, ]count * k, 3)` of a sample and its partners as `placed`, and `(count * k,)` which there are."""
    like = next(part for part in parts if part is not None).points
    assert like is not None
    lead, places = like.shape[:-2], like.shape[-2]
    nothing = np.zeros_like(like)
    rows = [nothing if part is None or part.points is None else part.points for part in parts]
    flat = np.stack(rows).reshape(len(parts), -1, 3)
    masks = {k: opaque(part) for k, part in enumerate(parts) if part is not None} if mix.objects else {}
    frame = np.arange(flat.shape[1]) // max(places, 1)

    def solid(k: int, y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[np.bool_]:
        mask = masks.get(k, np.zeros((*lead, *size), np.bool_))
        return np.asarray(mask.reshape(-1, *size)[frame if lead else 0, y, x])

    found = placed(np, mix, flat, size, row, solid if mix.objects else None)
    found = np.moveaxis(found.reshape(len(parts), *lead, places, 3), 0, -3).reshape(*lead, -1, 3)
    free = np.zeros(places, np.bool_)
    counts = [free if part is None or part.counts is None else part.counts for part in parts]
    return found, np.concatenate(counts)


def placed(
    xp: Namespace, mix: Mix, points: Array, size: tuple[int, int], row: int | None = None, solid: Opaque | None = None
) -> Array:
    """Points where they lie in what is mixed; visibility is 0 where they do not show, or lie under another image.

    Args:
        xp: Array namespace.
        mix: Of `count` images each.
        points: `([batch, ]count, k, 3)`.
        size: (height, width) of the images.
        row: The sample, if they are those of one.
        solid: Where partners show, if that is only where their objects are.
    """
    boxes, covers, shifts = (part if row is None else part[row] for part in (mix.boxes, mix.covers(xp), mix.shifts))
    y, x = (xp.astype(xp.floor(points[..., k] + 0.5), xp.int64) for k in (1, 0))
    y, x = (xp.clip(at, min=0, max=side - 1) for at, side in zip((y, x), size, strict=True))
    y, x = y + shifts[..., 0, None], x + shifts[..., 1, None]
    count = int(boxes.shape[-2])

    def shows(boxes: Array, k: int, y: Array, x: Array) -> Array:
        top, left, bottom, right = (boxes[..., k, side, None] for side in range(4))
        inside = (y >= top) & (y < bottom) & (x >= left) & (x < right)
        if solid is None or k == 0:
            return inside
        own = (xp.clip(at - shifts[..., k, axis, None], min=0, max=size[axis] - 1) for axis, at in enumerate((y, x)))
        return inside & solid(k, *own)

    seen = []
    for k in range(count):
        own = shows(boxes, k, y[..., k, :], x[..., k, :])
        for other in range(k + 1, count):
            own = own & ~shows(covers, other, y[..., k, :], x[..., k, :])
        seen.append(own)
    visible = xp.where(xp.stack(seen, axis=-2), points[..., 2], 0.0 * points[..., 2])
    moved = points[..., :2] + xp.astype(shifts[..., None, ::-1], points.dtype)
    return xp.concat([moved, visible[..., None]], axis=-1)

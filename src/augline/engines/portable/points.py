"""Where points go through a warp: the inverse of how it reads pixels."""

from __future__ import annotations

from collections.abc import Callable

from augline.arrays import Array, Namespace, repeated
from augline.engines.portable.warp import displacements, read
from augline.plan import Fill, Warp, matrices

ITERATIONS = 12
"""Of Newton's method; where it does not converge, a displacement folds the picture over."""
_STRIDE = 20.0  # pixels

Moved = Callable[[Array], Array]


def forward(xp: Namespace, warp: Warp, points: Array) -> Array:
    """Points `(batch, n, 2)`, as (x, y) between pixel centres, of the warp's input, in its output."""
    points = matrices.transform_points(xp, matrices.inverse(xp, warp.matrix), points)
    if warp.field is None:
        return points
    moved = displacing(xp, displacements(xp, warp.field))

    def step(places: Array) -> Array:
        return newton(xp, moved, places, places + moved(places) - points)

    places = repeated(xp, ITERATIONS, step, points - moved(points))
    return matrices.transform_points(xp, matrices.inverse(xp, warp.field.outer), places)


def displacing(xp: Namespace, field: Array) -> Moved:
    """The function from places `(batch, n, 2)` to how far a displacement `(batch, height, width, 2)` moves them."""

    def moved(places: Array) -> Array:
        x, y = (places[:, None, :, k] for k in (0, 1))
        return read(xp, field, x, y, "bilinear", Fill("nearest"))[:, 0, :, :]

    return moved


def newton(xp: Namespace, moved: Moved, places: Array, rest: Array) -> Array:
    """A step towards the places that a displacement moves `rest` less far; slopes are those over a pixel."""
    half = xp.asarray([0.5, 0.0], dtype=places.dtype), xp.asarray([0.0, 0.5], dtype=places.dtype)
    along_x, along_y = (moved(places + step) - moved(places - step) for step in half)
    a, b, c, d = 1 + along_x[..., 0], along_y[..., 0], along_x[..., 1], 1 + along_y[..., 1]
    determinant = a * d - b * c
    # where the picture folds over there is no way back; half steps keep such a place from running off
    solid = xp.abs(determinant) > 0.05
    safe = xp.where(solid, determinant, 1.0)
    change_x = xp.where(solid, (d * rest[..., 0] - b * rest[..., 1]) / safe, rest[..., 0] / 2)
    change_y = xp.where(solid, (a * rest[..., 1] - c * rest[..., 0]) / safe, rest[..., 1] / 2)
    return places - xp.clip(xp.stack([change_x, change_y], axis=-1), min=-_STRIDE, max=_STRIDE)


def painted_over(xp: Namespace, boxes: Array, points: Array) -> Array:
    """Whether any of the rectangles covers points, `(..., k)`.

    Args:
        xp: Array namespace.
        boxes: `(..., n, 4)` whole pixels: top, left, bottom, right, the last two not included.
        points: `(..., k, 2)` x and y between pixel centres.
    """
    top, left, bottom, right = (xp.astype(boxes[..., None, :, side], points.dtype) - 0.5 for side in range(4))
    x, y = points[..., 0, None], points[..., 1, None]
    return xp.any((x >= left) & (x < right) & (y >= top) & (y < bottom), axis=-1)

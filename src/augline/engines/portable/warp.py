"""Reading pixels through matrices, from an array of images of one size."""

from __future__ import annotations

from augline.arrays import Array, Namespace
from augline.plan.stages import Field, Fill, Interpolation


def shrink(xp: Namespace, images: Array, factor_y: int, factor_x: int) -> Array:
    """Means of `factor_y` x `factor_x` blocks from the top left; the last row and column are repeated to fill up.

    A small pixel's centre lies at `(x_small + 0.5) * factor - 0.5`.
    """
    _, height, width, _ = images.shape
    rows = xp.clip(xp.arange(-(-height // factor_y) * factor_y), max=height - 1)
    columns = xp.clip(xp.arange(-(-width // factor_x) * factor_x), max=width - 1)
    images = xp.take(xp.take(images, rows, axis=1), columns, axis=2)
    batch, height, width, channels = images.shape
    blocks = xp.reshape(images, (batch, height // factor_y, factor_y, width // factor_x, factor_x, channels))
    return xp.mean(blocks, axis=(2, 4))


def warp(xp: Namespace, images: Array, matrix: Array, size: tuple[int, int], interpolation: Interpolation,
         fill: Fill, field: Field | None = None) -> Array:  # fmt: skip
    """Every output pixel from the place its matrix says.

    Args:
        xp: Array namespace.
        images: `(batch, height, width, channels)` real numbers.
        matrix: `(batch, 3, 3)`, output pixel to input pixel; with a field, displaced place to input pixel.
        size: `(height, width)` to give.
        interpolation: "bilinear" weighs the four pixels around a place; "nearest" takes floor(x + 0.5), floor(y + 0.5).
        fill: What pixels beyond the images hold.
        field: A displacement before the matrix.
    """
    x, y = _grid(xp, matrix, size)
    if field is not None:
        x, y = _displaced(xp, *_transformed(xp, field.outer, x, y), field)
    x, y = _transformed(xp, matrix, x, y)
    # on a grid of 2**-20 of a pixel, so that a last-bit difference between machines cannot tip a floor
    x, y = (xp.round(t * 2.0**20) / 2.0**20 for t in (x, y))
    return read(xp, images, x, y, interpolation, fill)


def _grid(xp: Namespace, like: Array, size: tuple[int, int]) -> tuple[Array, Array]:
    """Coordinates x `(1, 1, width)` and y `(1, height, 1)`."""
    x, y = (xp.astype(xp.arange(n), like.dtype) for n in (size[1], size[0]))
    return x[None, None, :], y[None, :, None]


def _transformed(xp: Namespace, m: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """Places through each sample's matrix, `(batch, height, width)`."""
    u, v, w = (m[:, k, 0, None, None] * x + m[:, k, 1, None, None] * y + m[:, k, 2, None, None] for k in range(3))
    # a place behind a projective map's horizon is nowhere: far outside, where the fill rules
    seen = w > 1e-9
    w = xp.where(seen, w, 1.0)
    u, v = (xp.clip(xp.where(seen, t / w, -1e6), min=-1e6, max=1e6) for t in (u, v))
    return u, v


def _displaced(xp: Namespace, x: Array, y: Array, field: Field) -> tuple[Array, Array]:
    """Places moved by the displacement, read linearly between the centres of its frame's pixels."""
    here = read(xp, displacements(xp, field), x, y, "bilinear", Fill("nearest"))
    return x + here[..., 0], y + here[..., 1]


def displacements(xp: Namespace, field: Field) -> Array:
    """The displacement (dx, dy) of every pixel of its frame, `(batch, height, width, 2)`; all of one size."""
    size = field.extent.static or (int(field.extent.height[0]), int(field.extent.width[0]))
    batch = int(field.outer.shape[0])
    moved = field.function(xp, *_grid(xp, field.outer, size), *field.params)
    both = xp.stack([xp.broadcast_to(d, (batch, *size)) for d in moved], axis=-1)
    return both if field.active is None else xp.where(field.active[:, None, None, None], both, 0.0)


def read(xp: Namespace, images: Array, x: Array, y: Array, interpolation: Interpolation, fill: Fill) -> Array:
    """The images at places between their pixels."""
    if interpolation == "nearest":
        return _pixels(xp, images, xp.floor(y + 0.5), xp.floor(x + 0.5), fill)
    top, left = xp.floor(y), xp.floor(x)
    down, right = (y - top)[..., None], (x - left)[..., None]
    upper, lower = (
        _pixels(xp, images, row, left, fill) * (1 - right) + _pixels(xp, images, row, left + 1, fill) * right
        for row in (top, top + 1)
    )
    return upper * (1 - down) + lower * down


def _pixels(xp: Namespace, images: Array, y: Array, x: Array, fill: Fill) -> Array:
    """The pixels at whole coordinates, `(batch, h, w, channels)`; outside, what `fill` says."""
    batch, height, width, channels = images.shape
    y, x = xp.astype(y, xp.int64), xp.astype(x, xp.int64)
    row, column = fold(xp, y, height, fill.mode), fold(xp, x, width, fill.mode)
    sample = xp.reshape(xp.arange(batch) * (height * width), (batch, 1, 1))
    flat = xp.reshape(sample + row * width + column, (-1,))
    found = xp.reshape(xp.take(xp.reshape(images, (-1, channels)), flat, axis=0), (*row.shape, channels))
    if fill.mode != "constant":
        return found
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    return xp.where(inside[..., None], found, xp.asarray(fill.value, dtype=images.dtype))


def fold(xp: Namespace, i: Array, n: int, mode: str) -> Array:
    """Brings any whole coordinate into [0, n), as each fill mode continues the image.

    "reflect" d c b a | a b c d | d c b a, "mirror" d c b | a b c d | c b a, "wrap" a b c d | a b c d, and "nearest"
    a a | a b c d | d d.
    """
    if mode == "reflect":
        i = i % (2 * n)
        return xp.where(i < n, i, 2 * n - 1 - i)
    if mode == "mirror" and n > 1:
        i = i % (2 * n - 2)
        return xp.where(i < n, i, 2 * n - 2 - i)
    if mode == "wrap":
        return i % n
    return xp.clip(i, min=0, max=n - 1)

"""Reading pixels through matrices, from an array of images of one size."""

from __future__ import annotations

from augline.arrays import Array, Namespace
from augline.plan.stages import Fill, Interpolation


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
         fill: Fill) -> Array:  # fmt: skip
    """Every output pixel from the place its matrix says.

    Args:
        xp: Array namespace.
        images: `(batch, height, width, channels)` real numbers.
        matrix: `(batch, 3, 3)`, output pixel to input pixel.
        size: `(height, width)` to give.
        interpolation: "bilinear" weighs the four pixels around a place; "nearest" takes floor(x + 0.5), floor(y + 0.5).
        fill: What pixels beyond the images hold.
    """
    x, y = _places(xp, matrix, size)
    if interpolation == "nearest":
        return _pixels(xp, images, xp.floor(y + 0.5), xp.floor(x + 0.5), fill)
    top, left = xp.floor(y), xp.floor(x)
    down, right = (y - top)[..., None], (x - left)[..., None]
    upper = _pixels(xp, images, top, left, fill) * (1 - right) + _pixels(xp, images, top, left + 1, fill) * right
    lower = (
        _pixels(xp, images, top + 1, left, fill) * (1 - right) + _pixels(xp, images, top + 1, left + 1, fill) * right
    )
    return upper * (1 - down) + lower * down


def _places(xp: Namespace, m: Array, size: tuple[int, int]) -> tuple[Array, Array]:
    """Input coordinates x and y of each output pixel, each `(batch, height, width)`.

    Rounded to 2**-20 of a pixel, so that a last-bit difference between machines cannot tip a floor.
    """
    y = xp.astype(xp.arange(size[0]), m.dtype)[None, :, None]
    x = xp.astype(xp.arange(size[1]), m.dtype)[None, None, :]
    u, v, w = (m[:, k, 0, None, None] * x + m[:, k, 1, None, None] * y + m[:, k, 2, None, None] for k in range(3))
    grid = 2.0**20
    # a place behind a projective map's horizon is nowhere: far outside, where the fill rules
    u, v = (xp.clip(xp.where(w > 1e-9, t / xp.where(w > 1e-9, w, 1.0), -1e6), min=-1e6, max=1e6) for t in (u, v))
    return xp.round(u * grid) / grid, xp.round(v * grid) / grid


def _pixels(xp: Namespace, images: Array, y: Array, x: Array, fill: Fill) -> Array:
    """The pixels at whole coordinates, `(batch, h, w, channels)`; outside, what `fill` says."""
    batch, height, width, channels = images.shape
    y, x = xp.astype(y, xp.int64), xp.astype(x, xp.int64)
    row, column = _fold(xp, y, height, fill.mode), _fold(xp, x, width, fill.mode)
    sample = xp.reshape(xp.arange(batch) * (height * width), (batch, 1, 1))
    flat = xp.reshape(sample + row * width + column, (-1,))
    found = xp.reshape(xp.take(xp.reshape(images, (-1, channels)), flat, axis=0), (*row.shape, channels))
    if fill.mode != "constant":
        return found
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    return xp.where(inside[..., None], found, xp.asarray(fill.value, dtype=images.dtype))


def _fold(xp: Namespace, i: Array, n: int, mode: str) -> Array:
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

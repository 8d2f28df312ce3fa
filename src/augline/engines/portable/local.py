"""Filters, medians, noise and holes, on images of 0 to 1."""

from __future__ import annotations

from typing import Any

from augline.arrays import Array, Namespace, shape_of
from augline.engines.portable.warp import fold
from augline.plan.local import Erase, Filter, Median, Noise
from augline.random import NOISE_LENGTH, noise_table


def filtered(xp: Namespace, images: Array, stage: Filter) -> Array:
    """The sum of shifted images, each with its weight."""
    size = int(stage.kernel.shape[1])
    wide = padded(xp, images, size // 2, "mirror")
    _, height, width, _ = shape_of(xp, images)
    total = xp.zeros_like(images)
    for y in range(size):
        for x in range(size):
            total = total + stage.kernel[:, y, x, None, None, None] * wide[:, y : y + height, x : x + width, :]
    result = xp.clip(total, min=0.0, max=1.0)
    if stage.keeps_edge:
        inner = _within(xp, height, 1, height - 1)[:, None, None] & _within(xp, width, 1, width - 1)[None, :, None]
        result = xp.where(inner[None, ...], result, images)
    same = xp.all(stage.kernel == _delta(xp, size, stage.kernel.dtype), axis=(1, 2))
    return xp.where(same[:, None, None, None], images, result)


def median(xp: Namespace, images: Array, stage: Median) -> Array:
    """The middle one of the sorted neighbours, for each size that occurs."""
    _, height, width, _ = shape_of(xp, images)
    result = images
    for size in stage.sizes:
        wide = padded(xp, images, size // 2, "nearest")
        around = [wide[:, y : y + height, x : x + width, :] for y in range(size) for x in range(size)]
        middle = xp.sort(xp.stack(around), axis=0)[size * size // 2, ...]
        result = xp.where((stage.size == size)[:, None, None, None], middle, result)
    return result


def noisy(xp: Namespace, images: Array, stage: Noise) -> Array:
    """Plus a stretch of the noise table, row by row, times the standard deviation."""
    added = _noise(xp, stage.start, images) * stage.std[:, None, None, None]
    return xp.where((stage.std > 0)[:, None, None, None], xp.clip(images + added, min=0.0, max=1.0), images)


def erased(xp: Namespace, images: Array, stage: Erase) -> Array:
    """Rectangles of one value each image, or of noise about it."""
    _, height, width, _ = shape_of(xp, images)
    paint = stage.value[:, None, None, :]
    if stage.noise is not None:
        paint = xp.clip(paint + _noise(xp, stage.noise, images) * ERASE_STD, min=0.0, max=1.0)
    return xp.where(_covered(xp, stage.boxes, height, width)[..., None], paint, images)


ERASE_STD = 0.25
"""Standard deviation of the noise that holes are filled with, as a share of the value range."""


def _covered(xp: Namespace, boxes: Array, height: int, width: int) -> Array:
    """`(batch, height, width)`: whether a pixel lies in any of boxes `(batch, n, 4)`, counted in one product."""
    rows, columns = (
        xp.astype((at >= boxes[:, :, k, None]) & (at < boxes[:, :, k + 2, None]), xp.float32)
        for k, at in enumerate((xp.arange(height), xp.arange(width)))
    )
    return xp.matmul(xp.permute_dims(rows, (0, 2, 1)), columns) > 0.5


def padded(xp: Namespace, images: Array, border: int, mode: str) -> Array:
    """The images with a border on all sides, as a fill mode continues them."""
    _, height, width, _ = shape_of(xp, images)
    rows = fold(xp, xp.arange(-border, height + border), height, mode)
    columns = fold(xp, xp.arange(-border, width + border), width, mode)
    return xp.take(xp.take(images, rows, axis=1), columns, axis=2)


def _noise(xp: Namespace, start: Array, images: Array) -> Array:
    batch, height, width, channels = shape_of(xp, images)
    count = height * width * channels
    places = (start[:, None] + xp.arange(count)[None, :]) % NOISE_LENGTH
    table = xp.asarray(noise_table(), dtype=images.dtype)
    return xp.reshape(xp.take(table, xp.reshape(places, (-1,)), axis=0), (batch, height, width, channels))


def _within(xp: Namespace, n: int, low: int, high: int) -> Array:
    places = xp.arange(n)
    return (places >= low) & (places < high)


def _delta(xp: Namespace, size: int, dtype: Any) -> Array:
    """The kernel that changes nothing."""
    line = xp.astype(xp.arange(size) == size // 2, dtype)
    return line[:, None] * line[None, :]

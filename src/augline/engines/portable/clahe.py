"""Contrast-limited adaptive histogram equalization, step by step as OpenCV's `CLAHE` defines it for 8 bits."""

from __future__ import annotations

from augline.arrays import LEVELS, Array, Namespace, histograms, shape_of
from augline.engines.portable.warp import fold
from augline.plan.local import Clahe


def clahe(xp: Namespace, images: Array, stage: Clahe) -> Array:
    """Each pixel through the tables of the four tiles around it, weighed by distance; on 256 levels."""
    batch, height, width, channels = shape_of(xp, images)
    down, across = stage.grid
    levels = xp.astype(xp.round(xp.clip(images, min=0.0, max=1.0) * 255), xp.int64)
    # OpenCV fills up both sides as soon as one does not divide, by a whole row of tiles' pixels where the other does
    more = -(-(height % down + width % across) // (down + across))  # 1, or 0 where both divide
    tall, wide = height // down + more, width // across + more
    tables = _tables(xp, _tiles(xp, levels, tall, wide, stage.grid), stage.clip_limit, tall * wide)
    top, lower, fy = _between(xp, height, tall, down)
    left, right, fx = _between(xp, width, wide, across)
    fy, fx = (xp.astype(f, images.dtype) for f in (fy[None, :, None, None], fx[None, None, :, None]))

    def looked_up(rows: Array, columns: Array) -> Array:
        tile = (rows[:, None] * across + columns[None, :])[None, :, :, None]
        sample = xp.reshape(xp.arange(batch), (batch, 1, 1, 1))
        channel = xp.reshape(xp.arange(channels), (1, 1, 1, channels))
        place = ((sample * (down * across) + tile) * channels + channel) * 256 + levels
        return xp.reshape(xp.take(xp.reshape(tables, (-1,)), xp.reshape(place, (-1,))), shape_of(xp, levels))

    upper = looked_up(top, left) * (1 - fx) + looked_up(top, right) * fx
    under = looked_up(lower, left) * (1 - fx) + looked_up(lower, right) * fx
    result = xp.round(upper * (1 - fy) + under * fy) / 255
    return xp.where((stage.clip_limit > 0)[:, None, None, None], result, images)


def _tiles(xp: Namespace, levels: Array, tall: int, wide: int, grid: tuple[int, int]) -> Array:
    """`(batch, tiles, pixels, channels)`; what lacks to whole tiles is mirrored on."""
    batch, height, width, channels = shape_of(xp, levels)
    rows = fold(xp, xp.arange(tall * grid[0]), height, "mirror")
    columns = fold(xp, xp.arange(wide * grid[1]), width, "mirror")
    levels = xp.take(xp.take(levels, rows, axis=1), columns, axis=2)
    levels = xp.reshape(levels, (batch, grid[0], tall, grid[1], wide, channels))
    levels = xp.permute_dims(levels, (0, 1, 3, 2, 4, 5))
    return xp.reshape(levels, (batch, grid[0] * grid[1], tall * wide, channels))


def _tables(xp: Namespace, tiles: Array, clip_limit: Array, area: int) -> Array:
    """`(batch, tiles, channels, 256)` new levels: the clipped histogram, its excess spread evenly, summed up."""
    batch, count, _, channels = shape_of(xp, tiles)
    tile = xp.reshape(xp.arange(batch * count, dtype=xp.int32), (batch, count, 1, 1))
    group = tile * channels + xp.arange(channels, dtype=xp.int32)
    counts = histograms(xp, xp.astype(tiles, xp.int32), group, batch * count * channels)
    counts = xp.reshape(xp.astype(counts, xp.int64), (batch, count, channels, LEVELS))
    area = xp.asarray(area, dtype=clip_limit.dtype)
    limit = xp.clip(xp.astype(xp.floor(clip_limit * area / 256), xp.int64), min=1)[:, None, None, None]
    excess = xp.sum(xp.clip(counts - limit, min=0), axis=-1, keepdims=True)
    counts = xp.minimum(counts, limit) + excess // 256
    rest = excess % 256
    step = xp.clip(256 // xp.clip(rest, min=1), min=1)
    level = xp.arange(256)
    counts = counts + xp.astype((level % step == 0) & (level // step < rest), xp.int64)
    return xp.clip(
        xp.round(xp.astype(xp.cumulative_sum(counts, axis=-1), clip_limit.dtype) * (255 / area)), min=0.0, max=255.0
    )


def _between(xp: Namespace, size: int, tile: int, count: int) -> tuple[Array, Array, Array]:
    """The tiles before and behind each pixel along one axis, and the weight of the one behind."""
    place = xp.astype(xp.arange(size), xp.float64) / xp.asarray(tile, dtype=xp.float64) - 0.5
    before = xp.floor(place)
    first, second = (xp.clip(xp.astype(before + k, xp.int64), min=0, max=count - 1) for k in (0, 1))
    return first, second, place - before

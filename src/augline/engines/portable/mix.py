"""One image of several, a whole batch at once: what `augline.mixing` does sample by sample."""

from __future__ import annotations

from typing import TypeAlias

from augline.arrays import Array, Namespace, is_float
from augline.plan.mix import Mix

Images: TypeAlias = dict[str, Array]


def mixed(
    xp: Namespace, mix: Mix, images: Images, masks: Images, solid: Array | None, fill: float
) -> tuple[Images, Images]:
    """Images, and their masks, of samples and partners.

    Args:
        xp: Array namespace that may trace graphs.
        mix: Of `count` images each.
        images: `(batch * count, height, width, channels)` by name, each sample in front of its partners.
        masks: The same of their masks.
        solid: `(batch * count, height, width)` bool: the pixels of objects, where the mix pastes no others.
        fill: Pixel value where no image shows.

    Returns:
        `(batch, height, width, channels)` in the types that came in.
    """
    if mix.opacity is not None:
        decided = xp.astype(mix.opacity > 0.5, xp.float32)
        made = {name: _blended(xp, mix, xp.astype(mix.opacity, xp.float32), part) for name, part in images.items()}
        return made, {name: _blended(xp, mix, decided, mask) for name, mask in masks.items()}
    place = _places(xp, mix, next(iter(images.values())), solid)
    made = {name: _read(xp, part, place, fill) for name, part in images.items()}
    return made, {name: _read(xp, mask, place, 0) for name, mask in masks.items()}


def _blended(xp: Namespace, mix: Mix, opacity: Array, images: Array) -> Array:
    """Images, of which none is shifted, over one another."""
    batch, count = (int(side) for side in mix.shares.shape)
    height, width = (int(side) for side in images.shape[1:3])
    parts = xp.astype(xp.reshape(images, (batch, count, *images.shape[1:])), xp.float32)
    total = parts[:, 0]
    for k in range(1, count):
        shows = _within(mix.boxes[:, k], xp.arange(height)[None, :, None], xp.arange(width)[None, None, :])
        share = opacity[:, k, None, None, None]
        total = xp.where(shows[..., None], total * (1 - share) + parts[:, k] * share, total)
    return xp.astype(total if is_float(images) else xp.round(total), images.dtype)


def _within(box: Array, y: Array, x: Array) -> Array:
    top, left, bottom, right = (box[:, side, None, None] for side in range(4))
    return (y >= top) & (y < bottom) & (x >= left) & (x < right)


def _places(xp: Namespace, mix: Mix, images: Array, solid: Array | None) -> Array:
    """Which of all pixels each pixel shows, counted row by row, `(batch, height, width)`; -1 for none."""
    batch, count = (int(side) for side in mix.shares.shape)
    _, tall, wide, _ = (int(side or 1) for side in images.shape)
    assert mix.extent.static is not None
    height, width = mix.extent.static
    y, x = xp.arange(height)[None, :, None], xp.arange(width)[None, None, :]
    first = xp.arange(batch)[:, None, None] * (count * tall * wide)
    flat = None if solid is None else xp.reshape(solid, (-1,))
    place = first + 0 * (y + x) - 1 - first
    for k in range(count):
        down, across = (mix.shifts[:, k, side, None, None] for side in range(2))
        here = first + (k * tall + y - down) * wide + x - across
        shows = _within(mix.boxes[:, k], y, x)
        if flat is not None and k:
            inside = xp.reshape(xp.where(shows, here, 0), (-1,))
            shows = shows & xp.reshape(xp.take(flat, inside, axis=0), shows.shape)
        place = xp.where(shows, here, place)
    return place


def _read(xp: Namespace, images: Array, place: Array, value: float) -> Array:
    """The pixels at these places; a value elsewhere, as its type rounds it."""
    channels = images.shape[3]
    found = xp.take(xp.reshape(images, (-1, channels)), xp.reshape(xp.clip(place, min=0), (-1,)), axis=0)
    found = xp.reshape(found, (*place.shape, channels))
    return xp.where((place >= 0)[..., None], found, xp.astype(xp.asarray(value), images.dtype))

"""Pointwise work on images of 0 to 1: curves, colour matrices, hue and saturation, and the last step to values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from augline.arrays import LEVELS, Array, Namespace, histograms, over_image, remainder, shape_of
from augline.engines.portable.finish import finished
from augline.plan.stages import LUMA, Colour, Hsv, Output, Tone


def mean(xp: Namespace, images: Array) -> Array:
    """Each channel's mean over the image."""
    return over_image(xp, images, xp.mean)


def luma(xp: Namespace, images: Array) -> Array:
    """The mean of the luma of the first three channels, or of the only one."""
    means = mean(xp, images)
    if int(images.shape[-1]) < 3:
        return means[..., :1]
    return sum(weight * means[..., k : k + 1] for k, weight in enumerate(LUMA))


def extremes(xp: Namespace, images: Array) -> Array:
    """Each channel's lowest and highest value, on a leading axis of two."""
    return xp.stack([over_image(xp, images, xp.min), over_image(xp, images, xp.max)])


def histogram(xp: Namespace, images: Array) -> Array:
    """How many pixels of each channel lie at each of 256 levels, on a leading axis of 256."""
    batch, _, _, channels = shape_of(xp, images)
    levels = xp.astype(xp.round(xp.clip(images, min=0.0, max=1.0) * 255), xp.int32)
    sample = xp.reshape(xp.arange(batch, dtype=xp.int32), (-1, 1, 1, 1))
    counts = histograms(xp, levels, sample * channels + xp.arange(channels, dtype=xp.int32), batch * channels)
    counts = xp.reshape(xp.astype(counts, images.dtype), (batch, 1, 1, channels, LEVELS))
    return xp.permute_dims(counts, (4, 0, 1, 2, 3))


Measuring: TypeAlias = Callable[[Namespace, Array], Array]

MEASURES: dict[str, Measuring] = {
    "mean": mean,
    "luma": luma,
    "extremes": extremes,
    "histogram": histogram,
}
"""What a curve may ask of the image it meets; see `augline.plan.stages.Measure`."""


def tone(xp: Namespace, images: Array, stage: Tone, measures: Mapping[str, Measuring] = MEASURES) -> Array:
    """Each curve in turn; a curve that measures looks at the image as the curves before it left it."""
    for curve in stage.curves:
        params = [_per_pixel(p) for p in curve.params]
        if curve.measure is not None:
            params.insert(0, measures[curve.measure](xp, images))
        changed = curve.function(xp, images, *params)
        images = changed if curve.active is None else xp.where(curve.active[:, None, None, None], changed, images)
    return images


def colour(xp: Namespace, images: Array, stage: Colour) -> Array:
    """Every pixel's channels times its sample's matrix."""
    linear, constant = stage.matrix[:, :-1, :-1], stage.matrix[:, None, None, :-1, -1]
    # term by term: compilers make one loop of it, and of the work around it, which they do not of a matrix product
    terms = [images[..., k : k + 1] * linear[:, None, None, :, k] for k in range(int(images.shape[-1]))]
    mixed = sum(terms) + constant
    active = xp.any(stage.matrix != xp.eye(int(stage.matrix.shape[1]), dtype=stage.matrix.dtype), axis=(1, 2))
    return xp.where(active[:, None, None, None], xp.clip(mixed, min=0.0, max=1.0), images)


def hsv(xp: Namespace, images: Array, stage: Hsv) -> Array:
    """Hue turned, saturation and value changed, after A. R. Smith, Color Gamut Transform Pairs, SIGGRAPH 1978."""
    r, g, b = images[..., 0], images[..., 1], images[..., 2]
    value = xp.maximum(xp.maximum(r, g), b)
    chroma = value - xp.minimum(xp.minimum(r, g), b)
    over = xp.where(value == r, g - b, xp.where(value == g, b - r, r - g))
    first = xp.where(value == r, 0.0 * r, xp.where(value == g, 0.0 * r + 2, 4.0))
    sextant = first + over / xp.where(chroma > 0, chroma, 1.0) + 6 * stage.hue[:, None, None]
    saturation = _changed(xp, chroma / xp.where(value > 0, value, 1.0), stage.saturation)
    value = _changed(xp, value, stage.value)
    chroma = value * saturation
    shift = xp.asarray((5.0, 3.0, 1.0), dtype=images.dtype)
    turned = value[..., None] - chroma[..., None] * _ramp(xp, remainder(xp, sextant[..., None] + shift, 6))
    changed = xp.concat([turned, images[..., 3:]], axis=-1) if int(images.shape[-1]) > 3 else turned
    return xp.where(stage.active[:, None, None, None], changed, images)


def output(xp: Namespace, images: Array, stage: Output) -> Array:
    """From 0 to 1 to the values and the type the user asked for; integers are rounded half to even and clipped."""
    scale, offset = (xp.asarray(v, dtype=images.dtype) for v in (stage.scale, stage.offset))
    values = images * scale + offset
    for step in stage.finish:
        values = finished(xp, values, step)
    dtype = getattr(xp, stage.dtype)
    if stage.dtype.startswith("uint"):
        values = xp.clip(xp.round(values), min=0.0, max=float(xp.iinfo(dtype).max))
    return xp.astype(values, dtype)


def _changed(xp: Namespace, channel: Array, change: Array) -> Array:
    """A channel times a factor, plus an addition, clipped."""
    factor, addition = change[:, 0, None, None], change[:, 1, None, None]
    return xp.clip(channel * factor + addition, min=0.0, max=1.0)


def _ramp(xp: Namespace, k: Array) -> Array:
    """How far a channel falls below the value at `k` sixths of the hue circle: max(0, min(k, 4 - k, 1))."""
    return xp.clip(xp.minimum(k, 4 - k), min=0.0, max=1.0)


def _per_pixel(param: Array) -> Array:
    """`(batch,)` or `(batch, channels)` to the shape of a batch of images."""
    return param[:, None, None, None] if len(param.shape) == 1 else param[:, None, None, :]

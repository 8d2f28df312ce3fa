"""Colour and contrast in company: jitters that combine several changes, and curves that measure the image first."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Annotated

from augline.arrays import Array, Namespace, shape_of
from augline.plan.frame import Frame
from augline.plan.local import Clahe
from augline.plan.stages import Colour, Curve, Stage, Tone, affine, affine_about_mean
from augline.random import Draw
from augline.transforms.base import Expansion, Params, transform
from augline.transforms.colour import (
    Pointwise,
    RandomBrightness,
    RandomContrast,
    RandomHue,
    RandomSaturation,
    blend,
    has_colours,
    hsv,
)
from augline.transforms.compose import Sequential
from augline.transforms.epochs import always, each
from augline.transforms.fields import Fraction, Span, number, pair, span, symmetric
from augline.transforms.orders import in_order

_FLAT = 2.0**-18
"""A quarter of a level of 16 bits: what spans less is rounding."""


def stretched(xp: Namespace, u: Array, ends: Array) -> Array:
    """The lowest value to 0 and the highest to 1; a flat channel stays, also one that resampling has roughened."""
    low, high = ends[0, ...], ends[1, ...]
    flat = high - low < _FLAT
    return xp.where(flat, u, xp.clip((u - low) / xp.where(flat, 1.0, high - low), min=0.0, max=1.0))


def equalized(xp: Namespace, u: Array, counts: Array) -> Array:
    """Each of 256 levels to how many pixels lie below it, as Pillow counts them, spread over the range."""
    occurs = counts > 0
    above = xp.flip(xp.cumulative_sum(xp.flip(xp.astype(occurs, xp.int64), axis=0), axis=0), axis=0)
    last = xp.sum(xp.where(occurs & (above == 1), counts, 0.0), axis=0)
    step = xp.floor((xp.sum(counts, axis=0) - last) / 255)
    below = xp.cumulative_sum(counts, axis=0) - counts
    table = xp.floor((below + xp.floor(step / 2)) / xp.where(step > 0, step, 1.0))
    level = xp.astype(xp.round(xp.clip(u, min=0.0, max=1.0) * 255), xp.int64)
    table = xp.clip(table, min=0.0, max=255.0)[:, :, 0, 0, :]
    _, batch, channels = shape_of(xp, table)
    sample = xp.reshape(xp.arange(batch), (batch, 1, 1, 1))
    place = (level * batch + sample) * channels + xp.reshape(xp.arange(channels), (1, 1, 1, channels))
    found = xp.reshape(xp.take(xp.reshape(table, (-1,)), xp.reshape(place, (-1,))), shape_of(xp, place)) / 255
    return xp.where(step > 0, found, u)


def shifted_within(xp: Namespace, u: Array, ends: Array, shift: Array) -> Array:
    """Plus `shift`, but never beyond the image's own lowest and highest value."""
    return xp.clip(u + shift, min=ends[0, ...], max=ends[1, ...])


@transform
class AutoContrast(Pointwise):
    """Stretches each channel so that its lowest value becomes black and its highest white.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.asarray([[[[50], [90], [150]]]], "uint8"), [al.AutoContrast()]).ravel()
        array([  0, 102, 255], dtype=uint8)
    """

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        yield self.tone(frame, Curve(stretched, measure="extremes"))


@transform
class Equalization(Pointwise):
    """Spreads the levels of each channel so that all occur about as often, as Pillow's `equalize` does, on 256 levels.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((2, 8, 8, 3), "uint8"), [al.Equalization()]).shape
        (2, 8, 8, 3)
    """

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        yield self.tone(frame, Curve(equalized, measure="histogram"))


@transform
class CLAHE(Pointwise):
    """Equalizes each channel tile by tile, with limited contrast, on 256 levels.

    Args:
        clip_limit: How many times its even share a level may count: `f` draws from (1, f), or (low, high).
        tile_grid_size: Tiles (down, across).

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((2, 32, 32, 3), "uint8"), [al.CLAHE(4.0)]).shape
        (2, 32, 32, 3)
    """

    clip_limit: Annotated[Span, span(0.1, 1000, 4.0)] = 4.0
    tile_grid_size: tuple[
        Annotated[int, number(1, 64, 8, whole=True)], Annotated[int, number(1, 64, 8, whole=True)]
    ] = (8, 8)

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {
            "clip_limit": draw.uniform(
                "clip_limit", *pair(self.clip_limit, each(lambda top: min(1.0, top), _top(self.clip_limit)))
            )
        }

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        self.check_range(frame)
        yield Clahe(params["clip_limit"], self.tile_grid_size)


@transform
class RandomChannelShift(Pointwise):
    """Adds a number of its own to each channel.

    Args:
        factor: As a fraction of the range: `f` for (-f, f), or (low, high).
        within: Whether values stay between the lowest and the highest of their channel in the image, as
            ImageDataGenerator's `channel_shift_range` has it, rather than within the value range.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((2, 8, 8, 3), "uint8"), [al.RandomChannelShift(0.1)]).shape
        (2, 8, 8, 3)
    """

    factor: Annotated[Span, span(-1, 1, 0.1)]
    within: bool = dataclasses.field(default=False, kw_only=True)

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {"shift": draw.uniform("shift", *symmetric(self.factor), shape=(frame.channels,))}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        shift = params["shift"]
        plain = Curve(affine, (0.0 * shift + 1.0, shift))
        yield self.tone(frame, Curve(shifted_within, (shift,), measure="extremes") if self.within else plain)


@transform
class RandomChannelShuffle(Pointwise):
    """Puts the channels in a random order, alpha excepted.

    Example:
        >>> import augline as al, numpy as np
        >>> sorted(al.augment(np.asarray([[[[1, 2, 3]]]], "uint8"), [al.RandomChannelShuffle()]).ravel().tolist())
        [1, 2, 3]
    """

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {"order": draw.permutation("order", 3 if frame.channels == 4 else frame.channels)}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        xp = frame.xp
        yield Colour(_permutation(xp, params["order"], frame.channels + 1))


@transform
class RandomColorDegeneration(Pointwise):
    """Blends images with their grey version.

    Args:
        factor: 0 changes nothing, 1 is grey: `f` draws from (0, f), or (low, high).

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.asarray([[[[200, 100, 100]]]], "uint8"), [al.RandomColorDegeneration((1, 1))]).ravel()
        array([130, 130, 130], dtype=uint8)
    """

    factor: Annotated[Span, span(0, 1, 0.5)]

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {"grey": draw.uniform("grey", *pair(self.factor))}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        self.check_range(frame)
        if has_colours(self, frame):
            yield blend(frame, 1.0 - params["grey"])


@transform
class HueSaturationValue(Pointwise):
    """Changes hue, saturation and value in HSV.

    Args:
        hue_shift: In turns of the colour circle: `f` for (-f, f), or (low, high).
        saturation_shift: Added to saturation (0 to 1).
        value_shift: Added to value (0 to 1).
        saturation_gain: Saturation is multiplied by 1 plus this.
        value_gain: Value is multiplied by 1 plus this.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((2, 8, 8, 3), "uint8"), [al.HueSaturationValue(0.015, 0.0, 0.0, 0.7, 0.4)]).shape
        (2, 8, 8, 3)
    """

    hue_shift: Annotated[Span, span(-1, 1, 0.05)] = 0.05
    saturation_shift: Annotated[Span, span(-1, 1, 0.1)] = 0.1
    value_shift: Annotated[Span, span(-1, 1, 0.1)] = 0.1
    saturation_gain: Annotated[Span, span(-1, 10, 0.7)] = 0.0
    value_gain: Annotated[Span, span(-1, 10, 0.4)] = 0.0

    def sample(self, draw: Draw, frame: Frame) -> Params:
        names = ("hue_shift", "saturation_shift", "value_shift", "saturation_gain", "value_gain")
        return {name: draw.uniform(name, *symmetric(getattr(self, name))) for name in names}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        self.check_range(frame)
        if has_colours(self, frame):
            yield hsv(
                frame, hue=params["hue_shift"], saturation=1.0 + params["saturation_gain"],
                value=1.0 + params["value_gain"], saturation_shift=params["saturation_shift"],
                value_shift=params["value_shift"],
            )  # fmt: skip


@transform
class ColorJitter(Pointwise):
    """Changes brightness, contrast, saturation and hue, with torchvision's arguments and meaning.

    Brightness multiplies values; contrast spreads them about the mean luma of the image; saturation blends with grey;
    hue turns in HSV. `RandomColorJitter` has Keras's meaning of the four.

    Args:
        brightness: Factor from (max(0, 1 - f), 1 + f), or (low, high).
        contrast: The same.
        saturation: The same.
        hue: In turns: from (-f, f), or (low, high), between -0.5 and 0.5.
        shuffle: Whether each sample has an order of its own, as in torchvision; else the order is as above.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((2, 8, 8, 3), "uint8"), [al.ColorJitter(0.4, 0.4, 0.4, 0.1)]).shape
        (2, 8, 8, 3)
    """

    brightness: Annotated[Span, span(0, 10, 0.4)] = 0.0
    contrast: Annotated[Span, span(0, 10, 0.4)] = 0.0
    saturation: Annotated[Span, span(0, 10, 0.4)] = 0.0
    hue: Annotated[Span, span(-0.5, 0.5, 0.1)] = 0.0
    shuffle: bool = True

    def sample(self, draw: Draw, frame: Frame) -> Params:
        params = {
            name: draw.uniform(name, *factors(getattr(self, name))) for name in ("brightness", "contrast", "saturation")
        }
        params["hue"] = draw.uniform("hue", *symmetric(self.hue))
        return params | ({"order": draw.permutation("order", 4)} if self.shuffle else {})

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        self.check_range(frame)
        if any(self._changes[2:]):
            has_colours(self, frame)
        stages = {k: stage for k, stage in enumerate(jitters(frame, params)) if self._changes[k]}
        if not self.shuffle or len(stages) < 2:
            return [*stages.values()]
        # contrast measures the image and hue goes through HSV: both take longer than the others
        return in_order(frame, stages, params["order"], dear=(1, 3))

    @property
    def _changes(self) -> tuple[bool, ...]:
        """Which of the four change anything."""
        gains = (not always(1, factors(value)) for value in (self.brightness, self.contrast, self.saturation))
        return (*gains, not always(0, symmetric(self.hue)))


@transform
class RandomColorJitter(Pointwise):
    """Changes brightness, contrast, saturation and hue, with Keras's arguments and meaning, in this order.

    Args:
        brightness_factor: See RandomBrightness; None leaves it out.
        contrast_factor: See RandomContrast.
        saturation_factor: See RandomSaturation.
        hue_factor: See RandomHue.

    Example:
        >>> import augline as al, numpy as np
        >>> jitter = al.RandomColorJitter(brightness_factor=0.2, contrast_factor=0.2)
        >>> al.augment(np.zeros((2, 8, 8, 3), "uint8"), [jitter]).shape
        (2, 8, 8, 3)
    """

    brightness_factor: Annotated[Span, span(-1, 1, 0.2)] | None = dataclasses.field(default=None, kw_only=True)
    contrast_factor: Annotated[Span, span(0, 1, 0.2)] | None = dataclasses.field(default=None, kw_only=True)
    saturation_factor: Annotated[Span, span(0, 1, (0.4, 0.6))] | None = dataclasses.field(default=None, kw_only=True)
    hue_factor: Annotated[Span, span(0, 1, 0.1)] | None = dataclasses.field(default=None, kw_only=True)

    def expand(self, draw: Draw, frame: Frame, path: str, mask: Array | None) -> Expansion:
        return Sequential(self.parts, p=self.p, name=self.name).expand(draw, frame, path, mask)

    def evaluation(self) -> None:
        return None

    @property
    def parts(self) -> tuple[Pointwise, ...]:
        """The transforms it stands for."""
        parts = (
            (RandomBrightness, self.brightness_factor), (RandomContrast, self.contrast_factor),
            (RandomSaturation, self.saturation_factor), (RandomHue, self.hue_factor),
        )  # fmt: skip
        return tuple(kind(factor, value_range=self.value_range) for kind, factor in parts if factor is not None)


@transform
class PhotometricDistort(Pointwise):
    """The colour changes of the SSD detector: each with a chance, contrast before or after saturation and hue.

    Args:
        brightness: (low, high) factor.
        contrast: (low, high) factor, about the mean luma.
        saturation: (low, high) factor.
        hue: (low, high) in turns.
        chance: Of each change, and of a random order of the channels.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((2, 8, 8, 3), "uint8"), [al.PhotometricDistort()]).shape
        (2, 8, 8, 3)
    """

    brightness: Annotated[tuple[float, float], span(0, 10, (0.875, 1.125))] = (0.875, 1.125)
    contrast: Annotated[tuple[float, float], span(0, 10, (0.5, 1.5))] = (0.5, 1.5)
    saturation: Annotated[tuple[float, float], span(0, 10, (0.5, 1.5))] = (0.5, 1.5)
    hue: Annotated[tuple[float, float], span(-0.5, 0.5, (-0.05, 0.05))] = (-0.05, 0.05)
    chance: Fraction = 0.5

    def sample(self, draw: Draw, frame: Frame) -> Params:
        names = ("brightness", "contrast", "saturation", "hue")
        params = {name: draw.uniform(name, *getattr(self, name)) for name in names}
        params |= {f"{name}_on": draw.chance(f"{name}_on", self.chance) for name in (*names, "channels")}
        return params | {"contrast_first": draw.chance("contrast_first", 0.5), "order": draw.permutation("order", 3)}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        self.check_range(frame)
        coloured = has_colours(self, frame)
        brightness, contrast, saturation, hue = jitters(frame, params)
        first = params["contrast_first"]
        yield brightness.masked(params["brightness_on"], frame)
        yield contrast.masked(params["contrast_on"] & first, frame)
        yield saturation.masked(params["saturation_on"], frame)
        yield hue.masked(params["hue_on"], frame)
        yield contrast.masked(params["contrast_on"] & ~first, frame)
        if coloured:
            shuffled = Colour(_permutation(frame.xp, params["order"], frame.channels + 1))
            yield shuffled.masked(params["channels_on"], frame)


def factors(value: Span) -> tuple[float, float]:
    """The reading that torchvision has of a single number: from max(0, 1 - f) to 1 + f."""
    return value if isinstance(value, tuple) else (each(lambda f: max(0.0, 1.0 - f), value), 1.0 + value)


def jitters(frame: Frame, params: Params) -> list[Stage]:
    """Brightness, contrast, saturation and hue as torchvision means them; grey images have no colours to change."""
    gain = params["brightness"]
    stages: list[Stage] = [
        Tone((Curve(affine, (gain, 0.0 * gain)),)),
        Tone((Curve(affine_about_mean, (params["contrast"],), measure="luma"),)),
    ]
    if frame.channels not in (3, 4):
        same = Tone(())
        return [*stages, same, same]
    return [*stages, blend(frame, params["saturation"]), hsv(frame, hue=params["hue"])]


def _permutation(xp: Namespace, order: Array, size: int) -> Array:
    """`(batch, size, size)`: row k picks `order[k]`; what the order does not reach stays."""
    own = xp.arange(size)
    batch, reached = shape_of(xp, order)
    rest = xp.broadcast_to(own[reached:], (batch, size - reached))
    picked = xp.concat([xp.astype(order, own.dtype), rest], axis=1)
    return xp.astype(picked[:, :, None] == own[None, None, :], xp.float64)


def _top(value: Span) -> float:
    return value[1] if isinstance(value, tuple) else value

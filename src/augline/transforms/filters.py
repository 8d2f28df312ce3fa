"""Transforms that look at a pixel's neighbourhood: blurs, sharpness, lower resolution; and JPEG and noise."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated

from augline.arrays import Array
from augline.plan import matrices
from augline.plan.frame import Extent, Frame
from augline.plan.local import Codec, Filter, Median, Noise
from augline.plan.stages import Stage, Warp
from augline.random import NOISE_LENGTH, Draw
from augline.transforms.base import Params, Transform, transform
from augline.transforms.epochs import each, largest
from augline.transforms.fields import Span, odd, pair, span


@transform
class RandomGaussianBlur(Transform):
    """Blurs images with a bell-shaped kernel.

    Args:
        factor: Chance that an image is blurred: `f` draws the chance itself from (0, f), as Keras does; (f, f) sets it.
        kernel_size: Side of the kernel in pixels, odd; 0 for three times the largest sigma to each side.
        sigma: Standard deviation in pixels: `f` draws from (0, f), or (low, high).

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((2, 32, 32, 3), "uint8"), [al.RandomGaussianBlur((0.5, 0.5), 0, (0.1, 2.0))]).shape
        (2, 32, 32, 3)
    """

    factor: Annotated[Span, span(0, 1, (0.5, 0.5))] = 1.0
    kernel_size: Annotated[int, odd(0, 101, 3)] = 3
    sigma: Annotated[Span, span(0, 30, 1.0)] = 1.0

    def sample(self, draw: Draw, frame: Frame) -> Params:
        chance = draw.uniform("chance", *pair(self.factor))
        return {"blurred": draw.uniform("blurred") < chance, "sigma": draw.uniform("sigma", *pair(self.sigma))}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        xp = frame.xp
        top = self.sigma[1] if isinstance(self.sigma, tuple) else self.sigma
        half = self.kernel_size // 2 if self.kernel_size else each(lambda s: max(math.ceil(3 * s), 1), top)
        places = xp.astype(xp.arange(-largest(half), largest(half) + 1), xp.float64)
        sigma = xp.clip(params["sigma"], min=1e-3)[:, None]
        line = xp.where(xp.abs(places) <= half, xp.exp(-0.5 * (places / sigma) ** 2), 0.0)
        line = line / xp.sum(line, axis=1, keepdims=True)
        kernel = line[:, :, None] * line[:, None, :]
        yield Filter(kernel, separable=True).masked(params["blurred"], frame)


@transform
class RandomMedianBlur(Transform):
    """Gives every pixel the median of the square around it.

    Args:
        size: Largest side of the square, odd, 3 to 7; each odd side from 3 on is as likely.
        p: Chance that an image is blurred.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((2, 32, 32, 3), "uint8"), [al.RandomMedianBlur(5, p=0.5)]).shape
        (2, 32, 32, 3)
    """

    size: Annotated[int, odd(3, 7, 5)] = 5

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {"size": 1 + 2 * draw.integers("half", 1, self.size // 2 + 1)}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        yield Median(params["size"], tuple(range(3, self.size + 1, 2)))


@transform
class RandomMotionBlur(Transform):
    """Blurs images along a line, as a moving camera does.

    Args:
        length: Length of the line in pixels: `f` draws from (3, f), or (low, high).
        angle: Direction in degrees, 0 being sideways, counter-clockwise: (low, high).
        p: Chance that an image is blurred.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((2, 32, 32, 3), "uint8"), [al.RandomMotionBlur(9, p=0.5)]).shape
        (2, 32, 32, 3)
    """

    length: Annotated[Span, span(1, 51, 7)] = 7
    angle: Annotated[tuple[float, float], span(-360, 360, (0, 180))] = (0.0, 180.0)

    def sample(self, draw: Draw, frame: Frame) -> Params:
        low, high = (
            self.length if isinstance(self.length, tuple) else (each(lambda f: min(3.0, f), self.length), self.length)
        )
        return {"length": draw.uniform("length", low, high), "degrees": draw.uniform("degrees", *self.angle)}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        xp = frame.xp
        longest = self.length[1] if isinstance(self.length, tuple) else self.length
        half = max(math.ceil(largest(longest) / 2), 1)
        places = xp.astype(xp.arange(-half, half + 1), xp.float64)
        angle = params["degrees"][:, None, None] * (math.pi / 180)
        along = places[None, None, :] * xp.cos(angle) - places[None, :, None] * xp.sin(angle)
        across = places[None, None, :] * xp.sin(angle) + places[None, :, None] * xp.cos(angle)
        # a pixel counts as much of it as the line, one pixel thick and with soft ends, covers
        reach = xp.clip(params["length"][:, None, None] / 2 + 0.5 - xp.abs(along), min=0.0, max=1.0)
        kernel = reach * xp.clip(1.0 - xp.abs(across), min=0.0)
        yield Filter(kernel / xp.sum(kernel, axis=(1, 2), keepdims=True))


@transform
class RandomSharpness(Transform):
    """Makes images sharper or softer: a blend with a smoothed version, as Pillow's `ImageEnhance.Sharpness` is.

    Args:
        factor: 0 is smooth, 0.5 no change, 1 sharper: `f` draws from (0, f), or (low, high), as in Keras.
        value_range: Only for lists that come from Keras.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((2, 32, 32, 3), "uint8"), [al.RandomSharpness((0.3, 0.7))]).shape
        (2, 32, 32, 3)
    """

    factor: Annotated[Span, span(0, 5, (0.3, 0.7))]
    value_range: tuple[float, float] | None = None

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {"sharpness": 2.0 * draw.uniform("factor", *pair(self.factor))}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        yield sharpened(frame, params["sharpness"])


@transform
class RandomDownscale(Transform):
    """Loses detail: images are made smaller and brought back to their size.

    Args:
        scale: (low, high) of the smaller size as a fraction.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((2, 32, 32, 3), "uint8"), [al.RandomDownscale((0.25, 0.5))]).shape
        (2, 32, 32, 3)
    """

    scale: Annotated[tuple[float, float], span(0.01, 1, (0.25, 0.5))] = (0.25, 0.5)

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {"scale": draw.uniform("scale", *self.scale)}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        xp, batch, scale = frame.xp, frame.batch, params["scale"]
        height, width = (xp.clip(xp.round(side * scale), min=1.0) for side in (frame.height, frame.width))
        down = matrices.resized(xp, batch, frame.height / height, frame.width / width)
        up = matrices.resized(xp, batch, height / frame.height, width / frame.width)
        yield Warp(down, Extent(height, width, most=frame.extent.bound), "inside", fuses=False)
        yield Warp(up, frame.extent, "inside", fuses=False)


@transform
class RandomJpegCompression(Transform):
    """Leaves the marks of JPEG compression, chroma at half the resolution.

    Args:
        quality: (low, high), 1 to 100 as libjpeg counts it, both included.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((2, 32, 32, 3), "uint8"), [al.RandomJpegCompression((30, 90))]).shape
        (2, 32, 32, 3)
    """

    quality: Annotated[tuple[int, int], span(1, 100, (30, 90))] = (30, 90)

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {"quality": draw.integers("quality", self.quality[0], self.quality[1] + 1)}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        yield Codec(params["quality"])


@transform
class RandomGaussianNoise(Transform):
    """Adds grain: a normal number to every value of every pixel.

    Args:
        std: Standard deviation as a fraction of the value range: `f` draws from (0, f), or (low, high).

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((2, 32, 32, 3), "uint8"), [al.RandomGaussianNoise((0.02, 0.1))]).shape
        (2, 32, 32, 3)
    """

    std: Annotated[Span, span(0, 1, 0.1)] = 0.1

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {"std": draw.uniform("std", *pair(self.std)), "start": draw.integers("start", 0, NOISE_LENGTH)}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        yield Noise(params["std"], params["start"])


def sharpened(frame: Frame, sharpness: Array) -> Filter:
    """A blend with Pillow's SMOOTH filter: 0 is smooth, 1 no change; the outermost pixels stay."""
    xp = frame.xp
    smooth = xp.asarray([[1.0, 1.0, 1.0], [1.0, 5.0, 1.0], [1.0, 1.0, 1.0]], dtype=xp.float64) / 13
    same = xp.asarray([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]], dtype=xp.float64)
    share = sharpness[:, None, None]
    return Filter(same * share + smooth * (1 - share), keeps_edge=True)

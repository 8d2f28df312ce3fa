"""Transforms that give every image a size: resizing, crops, and the crop every ImageNet recipe starts with."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Literal

from augline.arrays import Array
from augline.errors import ArgumentError
from augline.plan import matrices
from augline.plan.frame import Extent, Frame
from augline.plan.stages import Fill, Interpolation, Reach, Stage, Warp
from augline.random import Draw
from augline.transforms.base import Params, Transform, transform
from augline.transforms.epochs import each
from augline.transforms.fields import FillValue, MaskFill, Pixels, span
from augline.transforms.filling import filling

SLACK = 1e-6
"""Where whole sides are divided and rounded: graphs that are served multiply by reciprocals, a last bit beside."""
Window = tuple[Array, Array, Array, Array]
"""(top, left, height, width) of a part of the image in whole pixels, each `(batch,)`."""


@transform
class Resizing(Transform):
    """Brings images to one size.

    Shrinking is antialiased: blocks of whole pixels are averaged until less than 2 input pixels are left to a step
    (JPEGs are decoded smaller to begin with), then pixels are interpolated.

    Args:
        height: Output height in pixels.
        width: Output width in pixels.
        interpolation: "bilinear" or "nearest".
        crop_to_aspect_ratio: Keep proportions, and cut off what sticks out, evenly.
        pad_to_aspect_ratio: Keep proportions, and fill what stays empty, evenly (letterbox).
        fill_mode: Only "constant".
        fill_value: Pixel value of the padding, or one per channel; None for grey, 114 of 255 of the range.
        mask_fill_value: What masks get there.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((8, 48, 64, 3), "uint8"), [al.Resizing(32, 32)]).shape
        (8, 32, 32, 3)
    """

    height: Pixels
    width: Pixels
    interpolation: Interpolation = "bilinear"
    crop_to_aspect_ratio: bool = False
    pad_to_aspect_ratio: bool = False
    fill_mode: Literal["constant"] = "constant"
    fill_value: FillValue = 0.0
    mask_fill_value: MaskFill = 0

    def __post_init__(self) -> None:
        if self.crop_to_aspect_ratio and self.pad_to_aspect_ratio:
            raise ArgumentError(
                f"{self!r}: an image is cropped or padded to its aspect ratio, not both. Received both. Keep one."
            )

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        whole = (0.0 * frame.height, 0.0 * frame.width, frame.height, frame.width)
        reach: Reach
        if self.crop_to_aspect_ratio:
            window, reach = largest_window(frame, self.height, self.width), "inside"
        elif self.pad_to_aspect_ratio:
            window, reach = smallest_around(frame, self.height, self.width), "anywhere"
        else:
            window, reach = whole, "inside"
        fill = Fill("constant", filling(self, frame, self.fill_value), self.mask_fill_value)
        yield resized_window(frame, window, self.height, self.width, reach, self.interpolation, fill)


@transform
class CenterCrop(Transform):
    """Cuts the middle out of images; one that is too small gives its largest window of that shape, enlarged.

    Args:
        height: Output height in pixels.
        width: Output width in pixels.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((8, 48, 64, 3), "uint8"), [al.CenterCrop(32, 32)]).shape
        (8, 32, 32, 3)
    """

    height: Pixels
    width: Pixels

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        half = 0.5 + 0.0 * frame.height
        yield _cut(frame, self.height, self.width, half, half, exact_middle=True)


@transform
class RandomCrop(Transform):
    """Cuts a window out of each image, at a place of its own.

    An image that is too small gives its largest window of that shape, enlarged. In `evaluation()` every image does.

    Args:
        height: Output height in pixels.
        width: Output width in pixels.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((8, 48, 64, 3), "uint8"), [al.RandomCrop(32, 32)]).shape
        (8, 32, 32, 3)
    """

    height: Pixels
    width: Pixels

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {"top": draw.uniform("top"), "left": draw.uniform("left")}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        yield _cut(frame, self.height, self.width, params["top"], params["left"])

    def evaluation(self) -> Transform:
        return Resizing(self.height, self.width, crop_to_aspect_ratio=True)


@transform
class RandomResizedCrop(Transform):
    """Cuts a window of random area and shape and brings it to one size: the Inception crop.

    Ten windows are drawn, the first that fits is taken; if none does, the largest of an allowed shape, from the middle.
    In `evaluation()` it is `Resizing(height, width, crop_to_aspect_ratio=True)`.

    Args:
        height: Output height in pixels.
        width: Output width in pixels.
        scale: (low, high) share of the image's area.
        ratio: (low, high) of width / height, drawn uniformly in its logarithm.
        interpolation: "bilinear" or "nearest".

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((8, 48, 64, 3), "uint8"), [al.RandomResizedCrop(32, 32)]).shape
        (8, 32, 32, 3)
    """

    height: Pixels
    width: Pixels
    scale: Annotated[tuple[float, float], span(0.0001, 1, (0.08, 1.0))] = (0.08, 1.0)
    ratio: Annotated[tuple[float, float], span(0.01, 100, (3 / 4, 4 / 3))] = (3 / 4, 4 / 3)
    interpolation: Interpolation = "bilinear"

    def sample(self, draw: Draw, frame: Frame) -> Params:
        low, high = (each(math.log, end) for end in self.ratio)
        return {
            "area": draw.uniform("area", *self.scale, shape=(10,)),
            "log_ratio": draw.uniform("log_ratio", low, high, shape=(10,)),
            "top": draw.uniform("top"),
            "left": draw.uniform("left"),
        }

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        xp, whole_h, whole_w = frame.xp, frame.height, frame.width
        area = params["area"] * (whole_h * whole_w)[:, None]
        ratio = xp.exp(params["log_ratio"])
        width, height = xp.round(xp.sqrt(area * ratio)), xp.round(xp.sqrt(area / ratio))
        fits = (width >= 1) & (height >= 1) & (width <= whole_w[:, None]) & (height <= whole_h[:, None])
        first = fits & (xp.cumulative_sum(xp.astype(fits, xp.int64), axis=1) == 1)
        height, width = (xp.sum(xp.where(first, side, 0.0), axis=1) for side in (height, width))
        found = xp.any(fits, axis=1)
        low, high = self.ratio
        fallback_h = xp.minimum(whole_h, xp.clip(xp.round(whole_w / low), min=1.0))
        fallback_w = xp.minimum(whole_w, xp.clip(xp.round(whole_h * high), min=1.0))
        height, width = xp.where(found, height, fallback_h), xp.where(found, width, fallback_w)
        top = xp.where(found, xp.floor(params["top"] * (whole_h - height + 1)), xp.floor((whole_h - height) / 2))
        left = xp.where(found, xp.floor(params["left"] * (whole_w - width + 1)), xp.floor((whole_w - width) / 2))
        window = (top, left, height, width)
        yield resized_window(frame, window, self.height, self.width, "inside", self.interpolation, Fill("nearest"))

    def evaluation(self) -> Transform:
        return Resizing(self.height, self.width, self.interpolation, crop_to_aspect_ratio=True)


def resized_window(frame: Frame, window: Window, height: int, width: int, reach: Reach,
          interpolation: Interpolation = "bilinear", fill: Fill | None = None) -> Warp:  # fmt: skip
    """A window of the image, brought to `height` x `width`."""
    top, left, tall, wide = window
    matrix = matrices.resized(frame.xp, frame.batch, tall / height, wide / width, top, left)
    fill = fill if fill and reach == "anywhere" else Fill("nearest")
    return Warp(matrix, Extent.of(frame.xp, frame.batch, height, width), reach, interpolation, fill)


def _cut(frame: Frame, height: int, width: int, down: Array, right: Array, exact_middle: bool = False) -> Warp:
    """A window of that size, `down` and `right` (0 to 1) on the way to its last place; small images: see RandomCrop."""
    xp = frame.xp
    spare_h, spare_w = frame.height - height, frame.width - width
    room = (spare_h >= 0) & (spare_w >= 0)
    one = 0.0 if exact_middle else 1.0
    places = (xp.floor(down * (spare_h + one)), xp.floor(right * (spare_w + one)), height, width)
    largest = largest_window(frame, height, width)
    top, left, tall, wide = (xp.where(room, a, b) for a, b in zip(places, largest, strict=True))
    static = frame.extent.static
    fits = static is not None and static[0] >= height and static[1] >= width
    return resized_window(frame, (top, left, tall, wide), height, width, "picks" if fits else "inside")


def largest_window(frame: Frame, height: int, width: int) -> Window:
    """The largest window of that shape in the middle, rounded down as Keras rounds."""
    xp = frame.xp
    tall = xp.clip(xp.floor(frame.width * height / width + SLACK), min=1.0)
    wide = xp.clip(xp.floor(frame.height * width / height + SLACK), min=1.0)
    tall, wide = xp.minimum(tall, frame.height), xp.minimum(wide, frame.width)
    return xp.floor((frame.height - tall) / 2), xp.floor((frame.width - wide) / 2), tall, wide


def smallest_around(frame: Frame, height: int, width: int) -> Window:
    """The smallest window of that shape around the whole image, rounded as Keras rounds."""
    xp = frame.xp
    tall = xp.maximum(xp.floor(frame.width * height / width + SLACK), frame.height)
    wide = xp.maximum(xp.floor(frame.height * width / height + SLACK), frame.width)
    return -xp.floor((tall - frame.height) / 2), -xp.floor((wide - frame.width) / 2), tall, wide

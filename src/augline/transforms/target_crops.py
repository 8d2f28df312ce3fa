"""Crops that look at the targets: what they cut depends on where boxes and masks lie in the image they meet."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator

from augline.arrays import Array, Namespace, shape_of
from augline.errors import ArgumentError
from augline.plan import matrices
from augline.plan.frame import Extent, Frame, Sight
from augline.plan.stages import Drop, Fill, Interpolation, Stage, Warp
from augline.random import Draw
from augline.transforms.base import Params, Transform, transform
from augline.transforms.fields import Fraction, Pixels, Refusal, is_number, number, plain
from augline.transforms.sizing import RandomCrop, Resizing, Window, resized_window

_GIVE = {
    "boxes": "Give boxes=, or a source with bounding boxes (Coco, Voc, Yolo, or Files and Arrays with boxes=)",
    "masks": "Give masks=, or a source with masks (MaskFolder, or Files and Arrays with masks=), and mix behind it",
}


def _options(value: Any) -> Any:
    values = tuple(map(plain, value)) if isinstance(value, (tuple, list)) else ()
    if not values or not all(is_number(v) and v >= 0 for v in values):
        raise Refusal("must be a list of numbers from 0, at least one", "Write (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)")
    return tuple(map(float, values))


Scale = Annotated[float, number(0.01, 1, 0.3)]
Ratio = Annotated[float, number(0.01, 100, 0.5)]


class TargetCrop(Transform):
    """Base of the crops that look at targets, of the kind `looks_at`."""

    looks_at: ClassVar[str]

    def sight(self, frame: Frame) -> Sight:
        """Where the targets lie in this frame.

        Raises:
            ArgumentError: There are none of that kind.
        """
        kind = self.looks_at
        if frame.sight is None or kind not in frame.sight.kinds:
            raise ArgumentError(f"{self!r}: it needs {kind}. Received images without. {_GIVE[kind]}.")
        return frame.sight


@transform
class RandomIoUCrop(TargetCrop):
    """Cuts a window that overlaps some box by at least a drawn amount: the crop of SSD (W. Liu et al., 2016).

    A lowest overlap is drawn from `sampler_options`, and the first of `trials` windows is taken that has an allowed
    shape, holds the centre of at least one box, and whose intersection over union with one of those boxes reaches it.
    If none does, the next option is drawn; an option of 1 or more leaves the image as it is, and so does running out of
    options. Boxes whose centre lies outside the window are left out; the others are clipped to it. This is what
    `RandomIoUCrop` of torchvision v2 does, which tries fresh windows for every option, without end.

    Images come out in sizes of their own: put `Resizing` behind it. Nothing is cut in `evaluation()`. Of a video one
    window is cut out of all frames; the boxes of all are looked at together.

    Args:
        min_scale: Smallest side of a window as a fraction of the image's.
        max_scale: Largest side of a window as a fraction of the image's.
        min_aspect_ratio: Smallest width / height of a window in pixels.
        max_aspect_ratio: Largest width / height of a window in pixels.
        sampler_options: Lowest overlaps to draw from; None for (0, 0.1, 0.3, 0.5, 0.7, 0.9, 1).
        trials: Windows to try.
        p: Chance for an image.

    Raises:
        ArgumentError: There are no boxes, or the smallest exceeds the largest.

    Example:
        >>> import augline as al, numpy as np
        >>> boxes = [np.float32([[8, 8, 30, 40]])]
        >>> list_ = [al.RandomIoUCrop(), al.Resizing(32, 32)]
        >>> out = al.augment(np.zeros((1, 48, 64, 3), "uint8"), list_, boxes=boxes)
        >>> out["images"].shape, out["boxes"][0].shape
        ((1, 32, 32, 3), (1, 4))
    """

    looks_at: ClassVar[str] = "boxes"

    min_scale: Scale = 0.3
    max_scale: Scale = 1.0
    min_aspect_ratio: Ratio = 0.5
    max_aspect_ratio: Ratio = 2.0
    sampler_options: Annotated[tuple[float, ...], BeforeValidator(_options)] | None = None
    trials: Annotated[int, number(1, 1000, 40, whole=True)] = 40

    def __post_init__(self) -> None:
        if self.min_scale > self.max_scale or self.min_aspect_ratio > self.max_aspect_ratio:
            raise ArgumentError(
                f"{self!r}: the smallest must not exceed the largest. Received scales {self.min_scale} to "
                f"{self.max_scale} and aspect ratios {self.min_aspect_ratio} to {self.max_aspect_ratio}. Swap them."
            )

    @property
    def overlaps(self) -> tuple[float, ...]:
        """The lowest overlaps to draw from."""
        return self.sampler_options or (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)

    def sample(self, draw: Draw, frame: Frame) -> Params:
        xp = frame.xp
        order = draw.permutation("order", len(self.overlaps))
        sides = draw.uniform("sides", self.min_scale, self.max_scale, shape=(self.trials, 2))
        windows = _windows(frame, sides, draw.uniform("place", shape=(self.trials, 2)))
        boxes, there = self.sight(frame).boxes()
        inside = _centres_inside(boxes, windows) & there[:, None, :]
        best = xp.max(xp.where(inside, _overlap(xp, boxes, windows), -1.0), axis=2)
        good = (best >= 0) & _shaped(xp, windows, self.min_aspect_ratio, self.max_aspect_ratio)
        least = xp.take(xp.asarray(self.overlaps, dtype=xp.float64), xp.reshape(order, (-1,)))
        least = xp.reshape(least, shape_of(xp, order))
        chosen = _first_window(xp, xp.where(good, best, -1.0), least)
        cut, kept = xp.any(chosen, axis=1), xp.any(inside & chosen[:, :, None], axis=1)
        window = xp.sum(xp.where(chosen[:, :, None], windows, 0.0), axis=1)
        return {"cut": cut, "window": window, "dropped": there & ~kept & cut[:, None]}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        left, top, right, bottom = (params["window"][:, k] for k in range(4))
        yield whole_pixels(frame, (top, left, bottom - top, right - left)).masked(params["cut"], frame)
        yield Drop(params["dropped"])


@transform
class BBoxSafeRandomCrop(TargetCrop):
    """Cuts a window that holds all boxes, as Albumentations' `BBoxSafeRandomCrop` and `RandomSizedBBoxSafeCrop` do.

    Each edge lies anywhere between the image's and the outermost box's. An image without boxes keeps its proportions
    and loses at most the share `erosion_rate` of its sides. The one window of a video holds the boxes of all frames.

    With `height` and `width` windows come out in that size; else in sizes of their own, so put `Resizing` behind it. In
    `evaluation()` it is `Resizing(height, width)`, or nothing without them.

    Args:
        height: Output height in pixels, or None.
        width: Output width in pixels, or None.
        erosion_rate: Share of the width and of the height of all boxes together that may be cut off, half of it on each
            side.
        interpolation: "bilinear" or "nearest".

    Raises:
        ArgumentError: There are no boxes, or only one of height and width is given.

    Example:
        >>> import augline as al, numpy as np
        >>> boxes = [np.float32([[8, 8, 30, 40], [50, 1, 60, 9]])]
        >>> out = al.augment(np.zeros((1, 48, 64, 3), "uint8"), [al.BBoxSafeRandomCrop(32, 32)], boxes=boxes)
        >>> out["images"].shape, out["boxes"][0].shape
        ((1, 32, 32, 3), (2, 4))
    """

    looks_at: ClassVar[str] = "boxes"

    height: Pixels | None = None
    width: Pixels | None = None
    erosion_rate: Annotated[float, number(0, 1, 0.1)] = 0.0
    interpolation: Interpolation = "bilinear"

    def __post_init__(self) -> None:
        if (self.height is None) != (self.width is None):
            raise ArgumentError(
                f"{self!r}: height and width go together. Received height={self.height} and width={self.width}. Give "
                "both, or none and Resizing behind it."
            )

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {name: draw.uniform(name) for name in ("left", "top", "right", "bottom", "side")}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        xp = frame.xp
        boxes, there = self.sight(frame).boxes()
        low = xp.min(xp.where(there[..., None], boxes[..., :2], math.inf), axis=1)
        high = xp.max(xp.where(there[..., None], boxes[..., 2:], -math.inf), axis=1)
        margin = xp.where(xp.isfinite(low), high - low, 0.0) * (self.erosion_rate / 2)
        low, high = low + margin, high - margin
        share = 1 - self.erosion_rate * params["side"]
        ends = (params["left"], params["right"]), (params["top"], params["bottom"])
        (left, wide), (top, tall) = (
            _around(xp, low[:, k], high[:, k], side, share, *ends[k])
            for k, side in enumerate((frame.width, frame.height))
        )
        window = (top, left, tall, wide)
        if self.height is None or self.width is None:
            yield whole_pixels(frame, window)
        else:
            yield resized_window(frame, window, self.height, self.width, "inside", self.interpolation, Fill("nearest"))

    def evaluation(self) -> Transform | None:
        if self.height is None or self.width is None:
            return None
        return Resizing(self.height, self.width, self.interpolation)


@transform
class CropNonEmptyMaskIfExists(TargetCrop):
    """Cuts a window out that holds a pixel where the mask is not 0, if there is one; else any window.

    The pixel is drawn from all of them, and lies anywhere in the window, save where that would leave the image. An
    image that is too small gives its largest window of that shape, enlarged, as with `RandomCrop`; so does every image
    in `evaluation()`. The pixel of a video is one of any frame. Named after Albumentations' transform of that meaning.

    Args:
        height: Output height in pixels.
        width: Output width in pixels.
        ignore_values: Mask values that count as empty, besides 0.
        ignore_channels: Channels of the mask that do not count.
        chance: Chance that the mask is looked at; 1/3 is how nnU-Net oversamples the foreground. (With `p` below 1
            some images would not be cut at all.)

    Raises:
        ArgumentError: There are no masks; or it stands behind a mixing, where masks come with the pixels only.

    Example:
        >>> import augline as al, numpy as np
        >>> masks = np.zeros((1, 48, 64), "uint8")
        >>> masks[:, 40, 60] = 1
        >>> item = al.CropNonEmptyMaskIfExists(16, 16)
        >>> al.augment(np.zeros((1, 48, 64, 3), "uint8"), [item], masks=masks)["masks"].max().item()
        1
    """

    looks_at: ClassVar[str] = "masks"

    height: Pixels
    width: Pixels
    ignore_values: tuple[int, ...] = ()
    ignore_channels: tuple[Annotated[int, number(0, 4096, 1, whole=True)], ...] = ()
    chance: Fraction = 1.0

    def sample(self, draw: Draw, frame: Frame) -> Params:
        pixel = frame.xp.where(draw.chance("looks", self.chance), draw.uniform("pixel"), math.nan)
        return {"pixel": pixel, "top": draw.uniform("top"), "left": draw.uniform("left")}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        xp = frame.xp
        pixel, some = self.sight(frame).filled(params["pixel"], self.ignore_values, self.ignore_channels)
        down = _holding(xp, pixel[:, 1], some, frame.height - self.height, self.height, params["top"])
        across = _holding(xp, pixel[:, 0], some, frame.width - self.width, self.width, params["left"])
        yield from RandomCrop(self.height, self.width).lower({"top": down, "left": across}, frame)

    def evaluation(self) -> Transform:
        return RandomCrop(self.height, self.width).evaluation()


def whole_pixels(frame: Frame, window: Window) -> Warp:
    """A window of each image as it is, in a size of its own."""
    top, left, tall, wide = window
    matrix = matrices.matrix(frame.xp, frame.batch, ((1, 0, left), (0, 1, top)))
    return Warp(matrix, Extent(tall, wide, most=frame.extent.bound), "picks")


def _windows(frame: Frame, sides: Array, place: Array) -> Array:
    """`(batch, trials, 4)` left, top, right, bottom in whole pixels, of `(batch, trials, 2)` numbers from 0 to 1."""
    xp = frame.xp
    size = xp.stack([frame.width, frame.height], axis=-1)[:, None, :]
    sides = xp.floor(size * sides)
    start = xp.floor((size - sides) * place)
    return xp.concat([start, start + sides], axis=-1)


def _shaped(xp: Namespace, windows: Array, low: float, high: float) -> Array:
    """Whether windows hold anything and have an allowed width / height."""
    wide, tall = windows[..., 2] - windows[..., 0], windows[..., 3] - windows[..., 1]
    ratio = wide / xp.clip(tall, min=1.0)
    return (wide >= 1) & (tall >= 1) & (ratio >= low) & (ratio <= high)


def _first_window(xp: Namespace, best: Array, least: Array) -> Array:
    """`(batch, trials)`: the first window whose overlap reaches the first of the options that any reaches.

    Args:
        xp: Array namespace.
        best: `(batch, trials)` overlaps, below 0 where a window cannot be taken.
        least: `(batch, options)` in the order in which they are tried; one from 1 on takes no window.
    """
    as_it_is = least >= 1
    passes = (best >= 0)[:, None, :] & (best[:, None, :] >= least[:, :, None]) & ~as_it_is[:, :, None]
    option = _first(xp, xp.any(passes, axis=2) | as_it_is)
    return _first(xp, xp.any(passes & option[:, :, None], axis=1))


def _around(
    xp: Namespace, low: Array, high: Array, side: Array, share: Array, start: Array, end: Array
) -> tuple[Array, Array]:
    """Start and length of a window around low to high, or, where low is infinite, of one of that share of the side."""
    some = xp.isfinite(low)
    low, high = xp.where(some, low, 0.0), xp.where(some, high, side)
    first, last = xp.floor(low * start), xp.ceil(high + (side - high) * end)
    alone = xp.clip(xp.round(side * share), min=1.0)
    return xp.where(some, first, xp.floor((side - alone + 1) * start)), xp.where(some, last - first, alone)


def _holding(xp: Namespace, pixel: Array, some: Array, last: Array, length: int, drawn: Array) -> Array:
    """How far on its way to the last place (0 to 1) a window begins that holds a pixel; `drawn` where there is none."""
    start = xp.minimum(xp.clip(pixel - xp.floor(drawn * length), min=0.0), last)
    return xp.where(some & (last >= 0), (start + 0.5) / xp.clip(last + 1, min=1.0), drawn)


def _first(xp: Namespace, flags: Array) -> Array:
    """The first flag of each row alone."""
    return flags & (xp.cumulative_sum(xp.astype(flags, xp.int64), axis=1) == 1)


def _centres_inside(boxes: Array, windows: Array) -> Array:
    """`(batch, windows, boxes)`: whether a box's centre lies in a window."""
    x, y = ((boxes[:, None, :, k] + boxes[:, None, :, k + 2]) / 2 for k in (0, 1))
    left, top, right, bottom = (windows[:, :, None, k] for k in range(4))
    return (left < x) & (x < right) & (top < y) & (y < bottom)


def _overlap(xp: Namespace, boxes: Array, windows: Array) -> Array:
    """`(batch, windows, boxes)`: intersection over union."""
    one, other = boxes[:, None, :, :], windows[:, :, None, :]
    sides = xp.minimum(one[..., 2:], other[..., 2:]) - xp.maximum(one[..., :2], other[..., :2])
    sides = xp.clip(sides, min=0.0)
    shared = sides[..., 0] * sides[..., 1]
    areas = [(a[..., 2] - a[..., 0]) * (a[..., 3] - a[..., 1]) for a in (one, other)]
    return shared / xp.clip(areas[0] + areas[1] - shared, min=1e-9)

"""Transforms that paint parts of images over: erasing, coarse dropout, grids.

What is painted over cannot be seen, as what lies outside the image or under CutMix's rectangle. A box is the one around
what of it, or of its polygon, is left: a side that is covered all along is cut off. The share that is covered counts as
hidden for `BoxFilter(min_visibility=)`, however many rectangles lie over one another, and a box of which nothing is
left is gone with its label. Keypoints get visibility 0. Masks keep what they have unless `mask_fill_value` says
otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated

import numpy as np

from augline.arrays import Array
from augline.plan.frame import Frame
from augline.plan.local import Erase
from augline.plan.stages import Stage
from augline.random import NOISE_LENGTH, Draw
from augline.transforms.base import Params, Transform, transform
from augline.transforms.epochs import each, largest
from augline.transforms.fields import FillValue, MaskFill, Span, number, pair, span
from augline.transforms.filling import filling


@transform
class RandomErasing(Transform):
    """Paints one rectangle over (Z. Zhong et al., Random Erasing Data Augmentation, 2017).

    Boxes lose sides that it covers all along, and are left out where it covers them altogether; keypoints under it get
    visibility 0. (In that paper's detectors, Keras and torchvision boxes stay, those of which nothing is left too.)

    Args:
        factor: Chance for an image: `f` draws the chance itself from (0, f), as Keras does; (f, f) sets it.
        scale: (low, high) share of the image's area.
        fill_value: Pixel value, or one per channel; None for noise about the middle of the range.
        ratio: (low, high) of width / height, drawn uniformly in its logarithm.
        mask_fill_value: What segmentation masks get there; None leaves them.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((2, 32, 32, 3), "uint8"), [al.RandomErasing((0.25, 0.25))]).shape
        (2, 32, 32, 3)
    """

    factor: Annotated[Span, span(0, 1, (0.25, 0.25))] = 1.0
    scale: Annotated[tuple[float, float], span(0, 1, (0.02, 0.33))] = (0.02, 0.33)
    fill_value: FillValue = None
    ratio: Annotated[tuple[float, float], span(0.01, 100, (0.3, 3.3))] = (0.3, 3.3)
    mask_fill_value: MaskFill | None = None

    def sample(self, draw: Draw, frame: Frame) -> Params:
        low, high = (each(math.log, end) for end in self.ratio)
        return {
            "erased": draw.uniform("erased") < draw.uniform("chance", *pair(self.factor)),
            "area": draw.uniform("area", *self.scale),
            "log_ratio": draw.uniform("log_ratio", low, high),
            "top": draw.uniform("top"),
            "left": draw.uniform("left"),
            "noise": draw.integers("noise", 0, NOISE_LENGTH),
        }

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        xp = frame.xp
        area, ratio = params["area"] * frame.height * frame.width, xp.exp(params["log_ratio"])
        height = xp.minimum(xp.round(xp.sqrt(area / ratio)), frame.height)
        width = xp.minimum(xp.round(xp.sqrt(area * ratio)), frame.width)
        top = xp.floor(params["top"] * (frame.height - height + 1))
        left = xp.floor(params["left"] * (frame.width - width + 1))
        box = xp.astype(xp.stack([top, left, top + height, left + width], axis=-1), xp.int64)
        yield painted(self, frame, box[:, None, :], self.fill_value, self.mask_fill_value, params["noise"]).masked(
            params["erased"], frame
        )


@transform
class CoarseDropout(Transform):
    """Paints several rectangles over.

    Boxes shrink to what the holes leave, and are left out where that is nothing; keypoints under one get visibility 0.

    Args:
        holes: How many, or (low, high), both included.
        hole_height: (low, high) as fractions of the image's height.
        hole_width: (low, high) as fractions of the image's width.
        fill_value: Pixel value, or one per channel; None for noise about the middle of the range.
        mask_fill_value: What segmentation masks get there; None leaves them.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((2, 32, 32, 3), "uint8"), [al.CoarseDropout((2, 8))]).shape
        (2, 32, 32, 3)
    """

    holes: Annotated[int | tuple[int, int], span(1, 200, (2, 8))] = (2, 8)
    hole_height: Annotated[tuple[float, float], span(0, 1, (0.05, 0.15))] = (0.05, 0.15)
    hole_width: Annotated[tuple[float, float], span(0, 1, (0.05, 0.15))] = (0.05, 0.15)
    fill_value: FillValue = 0.0
    mask_fill_value: MaskFill | None = None

    def sample(self, draw: Draw, frame: Frame) -> Params:
        low, high = self.holes if isinstance(self.holes, tuple) else (self.holes, self.holes)
        most = largest(high)
        return {
            "count": draw.integers("count", low, high + 1),
            "height": draw.uniform("height", *self.hole_height, shape=(most,)),
            "width": draw.uniform("width", *self.hole_width, shape=(most,)),
            "place": draw.uniform("place", shape=(most, 2)),
            "noise": draw.integers("noise", 0, NOISE_LENGTH),
        }

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        xp = frame.xp
        sides = xp.stack([frame.height, frame.width], axis=-1)[:, None, :]
        holes = xp.round(xp.stack([params["height"], params["width"]], axis=-1) * sides)
        start = xp.floor(params["place"] * (sides - holes + 1))
        used = xp.arange(int(holes.shape[1]))[None, :] < params["count"][:, None]
        end = xp.where(used[..., None], start + holes, start)
        boxes = xp.astype(xp.concat([start, end], axis=-1), xp.int64)
        yield painted(self, frame, boxes, self.fill_value, self.mask_fill_value, params["noise"])


@transform
class GridMask(Transform):
    """Paints a grid of squares over (P. Chen et al., GridMask Data Augmentation, 2020, without the turn).

    Boxes shrink to what the squares leave, and are left out where that is nothing; keypoints under one get visibility
    0. `BoxFilter(min_visibility=)` counts what is hidden: of large boxes about ratio ** 2.

    Args:
        units: (low, high) number of grid cells along the shorter side, both included.
        ratio: Side of a square as a fraction of its cell.
        fill_value: Pixel value, or one per channel; None for noise about the middle of the range.
        mask_fill_value: What segmentation masks get there; None leaves them.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((2, 32, 32, 3), "uint8"), [al.GridMask((3, 6), 0.5)]).shape
        (2, 32, 32, 3)
    """

    units: Annotated[tuple[int, int], span(1, 32, (3, 7))] = (3, 7)
    ratio: Annotated[float, number(0, 1, 0.5)] = 0.5
    fill_value: FillValue = 0.0
    mask_fill_value: MaskFill | None = None

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {
            "units": draw.integers("units", self.units[0], self.units[1] + 1),
            "offset": draw.uniform("offset", shape=(2,)),
            "noise": draw.integers("noise", 0, NOISE_LENGTH),
        }

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        xp = frame.xp
        sides = xp.stack([frame.height, frame.width], axis=-1)
        units = xp.astype(params["units"], xp.float64)
        cell = xp.clip(xp.round(xp.min(sides, axis=1) / units), min=2.0)[:, None]
        count = each(lambda top: _cells(frame, top), self.units[1])
        cells = xp.astype(xp.arange(largest(count)), xp.float64)
        starts = (cells[None, :, None] - 1 + params["offset"][:, None, :]) * cell[:, None, :]
        starts = xp.round(starts)
        ends = starts + xp.where((cells < count)[None, :, None], xp.round(cell * self.ratio)[:, None, :], 0.0)
        limit = sides[:, None, :]
        starts, ends = (xp.clip(xp.minimum(v, limit), min=0.0) for v in (starts, ends))
        boxes = _products(frame, starts, ends)
        yield painted(self, frame, boxes, self.fill_value, self.mask_fill_value, params["noise"])


def painted(
    item: Transform, frame: Frame, boxes: Array, fill_value: FillValue, mask: MaskFill | None, noise: Array
) -> Erase:
    """The stage that paints these boxes `(batch, n, 4)`."""
    xp = frame.xp
    value = (0.5,) if fill_value is None else filling(item, frame, fill_value)
    paint = xp.broadcast_to(xp.asarray(value, dtype=xp.float64), (frame.batch, len(value)))
    return Erase(boxes, paint, noise if fill_value is None else None, mask)


def _cells(frame: Frame, units: int) -> int:
    """Cells of the finest grid along the longer side; in a graph that does not know it, twice those along the other."""
    static = frame.extent.static
    if static is None and frame.xp is not np:
        return 2 * (units + 2)
    sides = np.asarray([static]) if static else np.stack([frame.height, frame.width], axis=-1)
    cell = np.maximum(np.round(sides.min(axis=1) / units), 2.0)
    return 1 + int(np.ceil(sides.max(axis=1) / cell).max(initial=0))


def _products(frame: Frame, starts: Array, ends: Array) -> Array:
    """Boxes of every interval down with every interval across, `(batch, n * n, 4)`."""
    xp = frame.xp
    n = int(starts.shape[1])
    sides = [
        xp.broadcast_to(v[:, :, None, 0] if down else v[:, None, :, 1], (frame.batch, n, n))
        for v in (starts, ends)
        for down in (True, False)
    ]
    return xp.astype(xp.reshape(xp.stack(sides, axis=-1), (frame.batch, n * n, 4)), xp.int64)

"""Transforms that change the frame around the picture: symmetric turns, edge-bound resizes, padding, zooming out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Annotated

import numpy as np

from augline.arrays import Array, Namespace
from augline.plan import matrices
from augline.plan.frame import Extent, Frame
from augline.plan.stages import Fill, FillMode, Interpolation, Stage, Warp
from augline.random import Draw
from augline.transforms.base import Params, Transform, transform
from augline.transforms.epochs import largest
from augline.transforms.fields import FillValue, MaskFill, Pixels, span
from augline.transforms.filling import filling
from augline.transforms.sizing import SLACK, Resizing


@transform
class D4(Transform):
    """One of the eight symmetries of the square, each as likely: quarter turns, flips, and both; pixels are only moved.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((8, 32, 32, 3), "uint8"), [al.D4()]).shape
        (8, 32, 32, 3)
    """

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {"symmetry": draw.integers("symmetry", 0, 8)}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        xp, k = frame.xp, params["symmetry"]
        swaps = k >= 4
        x, y = (1.0 - 2.0 * xp.astype((k // step) % 2, xp.float64) for step in (1, 2))
        keep = 1.0 - xp.astype(swaps, xp.float64)
        turned = frame.extent.turned.where(swaps, frame.extent, xp)
        # out -> in: swap the axes or not, then mirror about the old centre
        rows = ((x * keep, x * (1 - keep)), (y * (1 - keep), y * keep))
        old, new = frame.centre, ((turned.width - 1) / 2, (turned.height - 1) / 2)
        shift = [c - a * new[0] - b * new[1] for c, (a, b) in zip(old, rows, strict=True)]
        matrix = matrices.matrix(xp, frame.batch, [(*row, s) for row, s in zip(rows, shift, strict=True)])
        yield Warp(matrix, turned, "permutes")


@transform
class ResizeShortestEdge(Transform):
    """Brings the shorter side to a length and keeps proportions.

    Args:
        size: Length of the shorter side in pixels.
        max_size: What the longer side must not exceed; the shorter one gives way. None for no limit.
        interpolation: "bilinear" or "nearest".

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((2, 48, 64, 3), "uint8"), [al.ResizeShortestEdge(24)]).shape
        (2, 24, 32, 3)
    """

    size: Pixels
    max_size: Pixels | None = None
    interpolation: Interpolation = "bilinear"

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        yield scaled(frame, self._scale, self.interpolation, self.max_size)

    def _scale(self, xp: Namespace, height: Array, width: Array) -> Array:
        scale = self.size / xp.minimum(height, width)
        return scale if self.max_size is None else xp.minimum(scale, self.max_size / xp.maximum(height, width))


@transform
class ResizeLongestEdge(Transform):
    """Brings the longer side to a length and keeps proportions.

    Args:
        size: Length of the longer side in pixels.
        interpolation: "bilinear" or "nearest".

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((2, 48, 64, 3), "uint8"), [al.ResizeLongestEdge(32)]).shape
        (2, 24, 32, 3)
    """

    size: Pixels
    interpolation: Interpolation = "bilinear"

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        yield scaled(frame, self._scale, self.interpolation, self.size)

    def _scale(self, xp: Namespace, height: Array, width: Array) -> Array:
        return self.size / xp.maximum(height, width)


@transform
class LetterBox(Transform):
    """Fits whole images into a size, keeps proportions, and fills what stays empty, evenly, as YOLO does.

    The filling is added in whole pixels of the image and resized with it, as Keras does: the picture's edge is soft.

    Args:
        height: Output height in pixels.
        width: Output width in pixels.
        fill_value: Pixel value of the padding, or one per channel; None for YOLO's grey, 114 of 255 of the range.
        mask_fill_value: What segmentation masks get there.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((2, 48, 64, 3), "uint8"), [al.LetterBox(32, 32)]).shape
        (2, 32, 32, 3)
    """

    height: Pixels
    width: Pixels
    fill_value: FillValue = None
    mask_fill_value: MaskFill = 0

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        resizing = Resizing(
            self.height, self.width, pad_to_aspect_ratio=True, fill_value=self.fill_value,
            mask_fill_value=self.mask_fill_value,
        )  # fmt: skip
        return resizing.lower(params, frame)


@transform
class Padding(Transform):
    """Adds a border so that images are at least so large; the picture stays in the middle.

    Args:
        height: Smallest output height in pixels.
        width: Smallest output width in pixels.
        fill_mode: See RandomRotation.
        fill_value: The constant, as a pixel value, or one per channel; None for grey, 114 of 255 of the range.
        mask_fill_value: The constant of segmentation masks.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((2, 30, 40, 3), "uint8"), [al.Padding(32, 32)]).shape
        (2, 32, 40, 3)
    """

    height: Pixels
    width: Pixels
    fill_mode: FillMode = "constant"
    fill_value: FillValue = 0.0
    mask_fill_value: MaskFill = 0

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        xp = frame.xp
        height, width = (xp.clip(s, min=float(m)) for s, m in ((frame.height, self.height), (frame.width, self.width)))
        yield padded(self, frame, frame.extent.sized(height, width, self._padded))

    def _padded(self, height: int, width: int) -> tuple[int, int]:
        return max(height, self.height), max(width, self.width)


@transform
class PadToMultiple(Transform):
    """Adds a border so that both sides are multiples of a number; the picture stays in the middle.

    Args:
        multiple: The number, in pixels.
        fill_mode: See RandomRotation.
        fill_value: The constant, as a pixel value, or one per channel; None for grey, 114 of 255 of the range.
        mask_fill_value: The constant of segmentation masks.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((2, 30, 40, 3), "uint8"), [al.PadToMultiple(32)]).shape
        (2, 32, 64, 3)
    """

    multiple: Pixels
    fill_mode: FillMode = "constant"
    fill_value: FillValue = 0.0
    mask_fill_value: MaskFill = 0

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        xp, k = frame.xp, self.multiple
        height, width = (xp.ceil(side / k - SLACK) * k for side in (frame.height, frame.width))
        yield padded(self, frame, frame.extent.sized(height, width, lambda h, w: (-(-h // k) * k, -(-w // k) * k)))


@transform
class RandomZoomOut(Transform):
    """Puts images somewhere on a larger canvas, as the SSD detector does; the canvas is what comes out.

    Args:
        side_range: (low, high) of the canvas's sides relative to the image's, at least 1.
        fill_value: Pixel value of the canvas, or one per channel; None for grey, 114 of 255 of the range.
        mask_fill_value: What segmentation masks get there.
        p: Chance for an image.

    Example:
        >>> import augline as al, numpy as np
        >>> list_ = [al.RandomZoomOut((1, 4), p=0.5), al.Resizing(32, 32)]
        >>> al.augment(np.zeros((2, 48, 64, 3), "uint8"), list_).shape
        (2, 32, 32, 3)
    """

    side_range: Annotated[tuple[float, float], span(1, 100, (1.0, 4.0))] = (1.0, 4.0)
    fill_value: FillValue = 0.0
    mask_fill_value: MaskFill = 0

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {
            "sides": draw.uniform("sides", *self.side_range),
            "top": draw.uniform("top"),
            "left": draw.uniform("left"),
        }

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        xp = frame.xp
        height, width = (xp.floor(side * params["sides"]) for side in (frame.height, frame.width))
        top, left = xp.floor(params["top"] * (height - frame.height)), xp.floor(params["left"] * (width - frame.width))
        matrix = matrices.matrix(xp, frame.batch, ((1, 0, -left), (0, 1, -top)))
        fill = Fill("constant", filling(self, frame, self.fill_value), self.mask_fill_value)
        most = largest(self.side_range[1])
        bound = frame.extent.bound and (int(frame.extent.bound[0] * most), int(frame.extent.bound[1] * most))
        yield Warp(matrix, Extent(height, width, most=bound), "anywhere", "bilinear", fill)


@transform
class ScaleJitter(Transform):
    """Large-scale jitter: images are scaled at random, then cut, or filled up, to one size (G. Ghiasi et al., 2021).

    In `evaluation()` the scale is 1.

    Args:
        height: Output height in pixels.
        width: Output width in pixels.
        scale: (low, high): 1 fits the whole image into the output.
        fill_value: Pixel value of what stays empty, at the bottom and on the right, or one per channel; None for grey.
        mask_fill_value: What segmentation masks get there.
        interpolation: "bilinear" or "nearest".

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((2, 48, 64, 3), "uint8"), [al.ScaleJitter(32, 32)]).shape
        (2, 32, 32, 3)
    """

    height: Pixels
    width: Pixels
    scale: Annotated[tuple[float, float], span(0.01, 100, (0.1, 2.0))] = (0.1, 2.0)
    fill_value: FillValue = 0.0
    mask_fill_value: MaskFill = 0
    interpolation: Interpolation = "bilinear"

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {"scale": draw.uniform("scale", *self.scale), "top": draw.uniform("top"), "left": draw.uniform("left")}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        xp = frame.xp
        scale = params["scale"] * xp.minimum(self.height / frame.height, self.width / frame.width)
        tall, wide = (xp.clip(xp.round(side * scale), min=1.0) for side in (frame.height, frame.width))
        top = xp.floor(params["top"] * xp.clip(tall - self.height, min=0.0))
        left = xp.floor(params["left"] * xp.clip(wide - self.width, min=0.0))
        down, across = frame.height / tall, frame.width / wide
        matrix = matrices.resized(xp, frame.batch, down, across, top * down, left * across)
        fill = Fill("constant", filling(self, frame, self.fill_value), self.mask_fill_value)
        extent = Extent.of(xp, frame.batch, self.height, self.width)
        yield Warp(matrix, extent, "anywhere", self.interpolation, fill)

    def evaluation(self) -> Transform:
        return dataclasses.replace(self, scale=(1.0, 1.0), p=1.0)


def scaled(frame: Frame, scale: Callable[..., Array], interpolation: Interpolation, longest: int | None = None) -> Warp:
    """The whole image at the scale `(xp, height, width) -> scale`, sides rounded to whole pixels."""

    def sides(xp: Namespace, height: Array, width: Array) -> tuple[Array, Array]:
        tall, wide = (xp.clip(xp.round(side * scale(xp, height, width)), min=1.0) for side in (height, width))
        return tall, wide

    xp, known = frame.xp, frame.extent.static
    height, width = sides(xp, frame.height, frame.width)
    matrix = matrices.resized(xp, frame.batch, frame.height / height, frame.width / width)
    static = None
    if known is not None:
        tall, wide = sides(np, *np.asarray(known, np.float64)[:, None])
        static = int(tall[0]), int(wide[0])
    most = (longest, longest) if longest else None
    return Warp(matrix, Extent(height, width, static, most), "inside", interpolation)


def padded(item: Padding | PadToMultiple, frame: Frame, extent: Extent) -> Warp:
    """The image in the middle of a larger frame."""
    xp = frame.xp
    top, left = xp.floor((extent.height - frame.height) / 2), xp.floor((extent.width - frame.width) / 2)
    matrix = matrices.matrix(xp, frame.batch, ((1, 0, -left), (0, 1, -top)))
    constant = item.fill_mode == "constant"
    value, mask = (filling(item, frame, item.fill_value), item.mask_fill_value) if constant else ((0.0,), 0)
    return Warp(matrix, extent, "anywhere", "bilinear", Fill(item.fill_mode, value, mask))

"""Transforms that make one sample of several: MixUp, CutMix, either, Mosaic, CopyPaste.

Partners are drawn from the whole data set, each by (seed, epoch, sample id), and pass through the list up to here with
draws of their own; so they depend on no batch, thread or host. Such a transform stands at the top level of a pipeline's
list, where images have one size, and before Rescaling and Normalize.

All that belongs to the images is mixed by the same draw: extra images, every frame of a video, every one of several
masks. Boxes stay as far as they show, with tight sides where outlines are known. Keypoints keep their numbers: a sample
comes out with as many blocks of places as images are mixed, its own first, each with room for as many points as any
image of the data set has. What does not show, or lies under another image, has visibility 0 and keeps its place; a
place without a point holds (-1, -1, 0). Points without a column of visibility are (-1, -1) in both cases.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Annotated, ClassVar

from augline.arrays import Array
from augline.errors import ArgumentError
from augline.plan.frame import Extent, Frame
from augline.plan.mix import Mix
from augline.plan.stages import Stage
from augline.random import Draw
from augline.transforms.base import Params, Transform, transform
from augline.transforms.canvas import LetterBox
from augline.transforms.fields import Pixels, number, span
from augline.transforms.filling import filling


@transform
class Mixing(Transform):
    """Base of the transforms that mix samples.

    Args:
        until_epoch: From this epoch on nothing is mixed any more, as YOLO closes its mosaic; None for never.
    """

    partners: ClassVar[int] = 1
    soft_labels: ClassVar[bool] = True
    needs_masks: ClassVar[bool] = False
    until_epoch: Annotated[int, number(0, 2**24, 90, whole=True)] | None = dataclasses.field(default=None, kw_only=True)

    def gate(self, draw: Draw) -> Array | None:
        if self.until_epoch is None:
            return super().gate(draw)
        return draw.chance("p", self.p) & (draw.xp.asarray(draw.epoch) < self.until_epoch)

    def partner(self, draw: Draw) -> Array:
        """`(batch, partners)`: where in the data set each partner stands."""
        return draw.uniform("partner", shape=(self.partners,))

    def sized(self, frame: Frame) -> tuple[int, int]:
        """The one size of all images here."""
        if frame.extent.static is None:
            raise ArgumentError(
                f"{self!r}: images must have one size where they are mixed. Received images of sizes of their own. "
                "Put Resizing, RandomResizedCrop or the like before it, or give the pipeline size=(height, width)."
            )
        return frame.extent.static


@transform
class MixUp(Mixing):
    """Blends each image, and its label, with another (H. Zhang et al., 2018). Labels must be one-hot or soft.

    Masks come from the image that weighs more; boxes and keypoints of both are kept, the partner's behind its own.

    Args:
        alpha: The weight is drawn from Beta(alpha, alpha).

    Example:
        >>> import augline as al, numpy as np
        >>> source = al.Arrays(np.zeros((8, 32, 32, 3), "uint8"), labels=np.eye(8, dtype="float32"))
        >>> images, labels = al.Pipeline(source, [al.MixUp(0.2)], batch_size=8).batch(0, 0)
        >>> labels.sum(axis=1).tolist()
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """

    alpha: Annotated[float, number(0.01, 1000, 0.2)] = 0.2

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {"partner": self.partner(draw), "weight": draw.beta("weight", self.alpha, self.alpha)}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        yield _blended(params, frame, self.sized(frame))


@transform
class CutMix(Mixing):
    """Puts a rectangle of another image over each, and mixes labels by area (S. Yun et al., 2019).

    Labels must be one-hot or soft. Masks are cut alike. Boxes of both are kept as far as they show: what the rectangle
    covers over a whole side is cut off, and what it covers counts as hidden for `BoxFilter(min_visibility=)`. Keypoints
    under it have visibility 0; the partner's stand behind, visible inside it.

    Args:
        alpha: The share that is left is drawn from Beta(alpha, alpha).

    Example:
        >>> import augline as al, numpy as np
        >>> source = al.Arrays(np.zeros((8, 32, 32, 3), "uint8"), labels=np.eye(8, dtype="float32"))
        >>> al.Pipeline(source, [al.CutMix()], batch_size=8).batch(0, 0)[0].shape
        (8, 32, 32, 3)
    """

    alpha: Annotated[float, number(0.01, 1000, 1.0)] = 1.0

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {
            "partner": self.partner(draw), "left_over": draw.beta("left_over", self.alpha, self.alpha),
            "y": draw.uniform("y"), "x": draw.uniform("x"),
        }  # fmt: skip

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        yield _cut(params, frame, self.sized(frame))


@transform
class MixUpOrCutMix(Mixing):
    """MixUp or CutMix, one of the two for each image: timm's choice where both alphas are given.

    torchvision's recipes choose once for a batch. Partners are not mixed themselves. See `MixUp` and `CutMix` for what
    becomes of targets.

    Args:
        mixup_alpha: MixUp's weight is drawn from Beta(mixup_alpha, mixup_alpha).
        cutmix_alpha: The share that CutMix leaves is drawn from Beta(cutmix_alpha, cutmix_alpha).
        switch: How often it is CutMix.

    Example:
        >>> import augline as al, numpy as np
        >>> source = al.Arrays(np.zeros((8, 32, 32, 3), "uint8"), labels=np.eye(8, dtype="float32"))
        >>> al.Pipeline(source, [al.MixUpOrCutMix(0.8, 1.0)], batch_size=8).batch(0, 0)[0].shape
        (8, 32, 32, 3)
    """

    mixup_alpha: Annotated[float, number(0.01, 1000, 0.2)] = 0.2
    cutmix_alpha: Annotated[float, number(0.01, 1000, 1.0)] = 1.0
    switch: Annotated[float, number(0, 1, 0.5)] = 0.5

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {
            "partner": self.partner(draw), "cuts": draw.chance("cuts", self.switch),
            "weight": draw.beta("weight", self.mixup_alpha, self.mixup_alpha),
            "left_over": draw.beta("left_over", self.cutmix_alpha, self.cutmix_alpha),
            "y": draw.uniform("y"), "x": draw.uniform("x"),
        }  # fmt: skip

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        size = self.sized(frame)
        yield _cut(params, frame, size).where(params["cuts"], _blended(params, frame, size), frame)


@transform
class Mosaic(Mixing):
    """Puts four images around a random centre (A. Bochkovskiy et al., YOLOv4, 2020).

    Each shows the corner that touches the centre; labels, where there are any, are mixed by area. Boxes and keypoints
    of all four move with them: of n keypoints per image the first n are the sample's own, then follow n of each partner
    (top right, bottom left, bottom right), with visibility 0 where a point lies outside its image's quarter. In
    `evaluation()` it is `LetterBox(height, width)`, or nothing without them.

    Args:
        height: Output height in pixels; None for that of the images.
        width: Output width in pixels; None for that of the images.
        centre: (low, high) place of the centre as fractions of the output's sides.
        fill_value: Pixel value where no image reaches; None for YOLO's grey, 114 of 255 of the range.

    Example:
        >>> import augline as al, numpy as np
        >>> boxes = [np.array([[4, 4, 20, 20]], "float32")] * 8
        >>> source = al.Arrays(np.zeros((8, 32, 32, 3), "uint8"), boxes=boxes)
        >>> al.Pipeline(source, [al.Mosaic()], batch_size=8).batch(0, 0)["bounding_boxes"]["boxes"].shape
        (8, 4, 4)
    """

    partners: ClassVar[int] = 3
    height: Pixels | None = None
    width: Pixels | None = None
    centre: Annotated[tuple[float, float], span(0, 1, (0.25, 0.75))] = (0.25, 0.75)
    fill_value: Annotated[float, number(-1e30, 1e30, 114.0)] | None = None

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {"partner": self.partner(draw), "centre": draw.uniform("centre", *self.centre, shape=(2,))}

    def evaluation(self) -> Transform | None:
        if self.height is None or self.width is None:
            return None
        return LetterBox(self.height, self.width, self.fill_value)

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        xp, (tall, wide) = frame.xp, self.sized(frame)
        height, width = self.height or tall, self.width or wide
        y, x = xp.round(params["centre"][:, 0] * height), xp.round(params["centre"][:, 1] * width)
        zero = 0.0 * y
        shifts = ((y - tall, x - wide), (y - tall, x), (y, x - wide), (y, x))
        quarters = (
            (zero, zero, y, x),
            (zero, x, y, zero + width),
            (y, zero, zero + height, x),
            (y, x, zero + height, zero + width),
        )
        rows = [
            (xp.maximum(y0, dy), xp.maximum(x0, dx), xp.minimum(y1, dy + tall), xp.minimum(x1, dx + wide))
            for (y0, x0, y1, x1), (dy, dx) in zip(quarters, shifts, strict=True)
        ]
        boxes = _boxes(frame, rows)
        areas = xp.stack([(y1 - y0) * (x1 - x0) for y0, x0, y1, x1 in rows], axis=-1)
        shares = areas / xp.sum(areas, axis=1, keepdims=True)
        moved = xp.astype(xp.stack([xp.stack(shift, axis=-1) for shift in shifts], axis=1), xp.int64)
        extent = Extent.of(xp, frame.batch, height, width)
        yield Mix(params["partner"], None, boxes, moved, shares, extent, fill=filling(self, frame, self.fill_value)[0])


@transform
class CopyPaste(Mixing):
    """Copies the objects of another image onto each: the pixels where its mask is not 0 (G. Ghiasi et al., 2021).

    Needs segmentation masks; of several by name the first says what is an object. Boxes of both are kept as far as they
    show: a box of the image loses sides that pasted objects cover all along, as a polygon loses the pixels under them;
    what they cover counts as hidden for `BoxFilter(min_visibility=)` (0.1, say, leaves out what is nearly hidden), and
    a box that they cover altogether is gone. Labels stay those of the image itself. Keypoints under an object have
    visibility 0; the partner's stand behind, visible where they lie on one.

    Example:
        >>> import augline as al, numpy as np
        >>> images = np.zeros((8, 32, 32, 3), "uint8")
        >>> pipe = al.Pipeline(al.Arrays(images, masks=images[..., :1]), [al.CopyPaste(p=0.5)], batch_size=8)
        >>> pipe.batch(0, 0)["segmentation_masks"].shape
        (8, 32, 32, 1)
    """

    soft_labels: ClassVar[bool] = False
    needs_masks: ClassVar[bool] = True

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {"partner": self.partner(draw)}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        height, width = self.sized(frame)
        boxes = _boxes(frame, [(0, 0, height, width)] * 2)
        own = frame.xp.stack([0.0 * frame.height + 1.0, 0.0 * frame.height], axis=-1)
        yield Mix(params["partner"], None, boxes, boxes[:, :, :2] * 0, own, frame.extent, objects=True)


def _blended(params: Params, frame: Frame, size: tuple[int, int]) -> Mix:
    """The image with `weight`, over it the partner with the rest."""
    xp, weight = frame.xp, params["weight"]
    shares = xp.stack([weight, 1.0 - weight], axis=-1)
    opacity = xp.stack([0.0 * weight + 1.0, 1.0 - weight], axis=-1)
    boxes = _boxes(frame, [(0, 0, *size)] * 2)
    return Mix(params["partner"], opacity, boxes, boxes[:, :, :2] * 0, shares, frame.extent)


def _cut(params: Params, frame: Frame, size: tuple[int, int]) -> Mix:
    """A rectangle of the partner over the image: of all but `left_over` of its area, around (`y`, `x`)."""
    xp, (height, width) = frame.xp, size
    side = xp.sqrt(1.0 - params["left_over"]) / 2
    y, x = params["y"], params["x"]
    ends = ((y - side) * height, (x - side) * width, (y + side) * height, (x + side) * width)
    top, left, bottom, right = (
        xp.clip(xp.round(end), min=0.0, max=float(limit))
        for end, limit in zip(ends, (height, width, height, width), strict=True)
    )
    share = (bottom - top) * (right - left) / (height * width)
    boxes = _boxes(frame, [(0, 0, height, width), (top, left, bottom, right)])
    shares = xp.stack([1.0 - share, share], axis=-1)
    return Mix(params["partner"], None, boxes, boxes[:, :, :2] * 0, shares, frame.extent)


def _boxes(frame: Frame, rows: Iterable[tuple[Array | float, ...]]) -> Array:
    """Boxes `(batch, n, 4)` of rows of four numbers or `(batch,)` arrays."""
    xp, zero = frame.xp, 0.0 * frame.height
    return xp.astype(xp.stack([xp.stack([end + zero for end in row], axis=-1) for row in rows], axis=1), xp.int64)

"""What an ImageDataGenerator does to pixels before it standardises them: warp, channel shift, flips, brightness.

All in float32, as Keras does it. The fast way multiplies the flips into the matrix and lets OpenCV warp once, straight
into the sample's slot of the batch; the exact way is SciPy's, channel by channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augline.engines.opencv.channels import FOUR_ARE_FASTER, by_groups
from augline.errors import ArgumentError, EngineError
from augline.keras.legacy_geometry import scipy_form
from augline.keras.legacy_memory import as_floats, narrowed, scratch
from augline.keras.legacy_wrap import wrapped

Image = NDArray[Any]
"""(height, width, channels)."""

_BORDERS = {
    "nearest": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT,
    "grid-mirror": cv2.BORDER_REFLECT,
    "mirror": cv2.BORDER_REFLECT_101,
    "grid-wrap": cv2.BORDER_WRAP,
    "grid-constant": cv2.BORDER_CONSTANT,
}
FILL_MODES = ("constant", "nearest", "reflect", "wrap", *sorted(_BORDERS.keys() - {"nearest", "reflect"}))
"""Keras names the first four; the others reach SciPy through it all the same."""

_LARGEST = 32_767  # cv2 addresses the pixels it reads with signed 16-bit numbers
_WORTH_FOUR = 48 * 48  # pixels from which a fourth channel saves more time than adding it takes
_SLACK = 1e-9  # of a pixel: rounding that must not push the edge itself outside


@dataclass(frozen=True, slots=True)
class Resampling:
    """How images are read between and beyond their pixels.

    Args:
        fill_mode: One of `FILL_MODES`, with SciPy's meaning.
        cval: The value outside for "constant" and "grid-constant".
        order: Of the spline: 0 nearest, 1 bilinear; 2 to 5 always go through SciPy.
        exact: Whether SciPy does it all.
    """

    fill_mode: str
    cval: float
    order: int
    exact: bool

    @property
    def by_scipy(self) -> bool:
        """Whether the matrices must not have flips in them: those come after, as views."""
        return self.exact or self.order > 1

    @property
    def bounded(self) -> bool:
        """Whether no value comes out beyond 0 and 255 where none went in."""
        return self.order <= 1 and 0 <= self.cval <= 255

    def prefers_four(self, shape: tuple[int, int, int]) -> bool:
        """Whether images of that shape are warped sooner with a fourth channel."""
        height, width, channels = shape
        return FOUR_ARE_FASTER and channels == 3 and height * width >= _WORTH_FOUR and self._plain(shape)

    def warp_many(self, images: Image, matrices: NDArray[np.float64], outs: Image) -> None:
        """Images, uint8 or float32, through their matrices, each into its place, float32.

        Args:
            images: `(count, height, width, channels)`, with a fourth channel where `prefers_four`.
            matrices: One each.
            outs: Where they go.
        """
        images, wide = as_floats(images), images.shape[3] > outs.shape[3]
        if not wide and not self._plain(images.shape[1:]):
            for image, matrix, out in zip(images, matrices, outs, strict=True):
                self.warp(image, matrix, out)
            return
        places = scratch("warped", images.shape) if wide else outs
        if images.shape[3] == 1:  # cv2 drops a last axis of one channel
            self._warp_each(images[..., 0], matrices, places[..., 0])
        else:
            self._warp_each(images, matrices, places)
        if wide:
            narrowed(places, outs)
        if self.fill_mode == "constant":
            self._blank(matrices, outs)

    def _warp_each(self, images: Image, matrices: NDArray[np.float64], places: Image) -> None:
        height, width = images.shape[1:3]
        border, kind, size = self._border, self._kind, (width, height)
        if self.fill_mode == "wrap":
            for image, matrix, place in zip(images, matrices, places, strict=True):
                cv2.remap(image, *wrapped(matrix, height, width), kind, place, border)
            return
        flags, fill = kind | cv2.WARP_INVERSE_MAP, ((self.cval,) * 4,) if border == cv2.BORDER_CONSTANT else ()
        warp = cv2.warpAffine
        for image, matrix, place in zip(list(images), list(matrices), list(places), strict=True):
            warp(image, matrix, size, place, flags, border, *fill)

    def _plain(self, shape: tuple[int, ...]) -> bool:
        """Whether one call of OpenCV's does it."""
        height, width, channels = shape
        return not self.by_scipy and channels in (1, 3, 4) and max(height, width) <= _LARGEST

    def warp(self, image: Image, matrix: NDArray[np.float64], out: Image) -> None:
        """One image of any type through SciPy, or a float32 one through OpenCV."""
        if self.by_scipy or max(image.shape[:2]) > _LARGEST:
            self._scipy(image, matrix, out)
        else:
            self._opencv(image, matrix, out)
            if self.fill_mode == "constant":
                self._blank(matrix[None], out[None])

    def _blank(self, matrices: NDArray[np.float64], outs: Image) -> None:
        """SciPy's "constant": what is read beyond the outermost pixels is the value itself, not blended with them."""
        first, last = columns_within(matrices, *outs.shape[1:3])
        column = np.arange(outs.shape[2], dtype=np.int16)
        beyond = (column < first[:, :, None]) | (column > last[:, :, None])
        if outs.shape[3] <= 4 and outs.dtype == np.float32 and outs.flags.c_contiguous:  # forty times faster
            rows = outs.reshape(-1, *outs.shape[2:])
            cv2.copyTo(np.full(rows.shape, self.cval, np.float32), beyond.view(np.uint8).reshape(rows.shape[:2]), rows)
        else:
            outs[beyond] = self.cval

    @property
    def _border(self) -> int:
        """What OpenCV reads beyond the image."""
        return int(_BORDERS.get(self.fill_mode, cv2.BORDER_REPLICATE))

    @property
    def _kind(self) -> int:
        return int(cv2.INTER_LINEAR if self.order else cv2.INTER_NEAREST)

    def _opencv(self, image: Image, matrix: NDArray[np.float64], out: Image) -> None:
        by_groups(image, out, image.shape[1::-1], lambda part, dst, _: self._warped(part, matrix, dst))

    def _warped(self, part: Image, matrix: NDArray[np.float64], out: Image | None) -> Image:
        """One to four channels; of one, without the last axis."""
        place = np.empty_like(part) if out is None else out
        self._warp_each(part[None], matrix[None], place[None])
        return place

    def _scipy(self, image: Image, matrix: NDArray[np.float64], out: Image) -> None:
        ndimage = _ndimage()
        linear, offset = scipy_form(matrix)
        for channel in range(image.shape[2]):
            out[:, :, channel] = ndimage.affine_transform(
                image[:, :, channel], linear, offset, order=self.order, mode=self.fill_mode, cval=self.cval
            )


def _ndimage() -> Any:
    try:
        from scipy import ndimage  # type: ignore[import-untyped, unused-ignore]
    except ImportError as error:
        raise EngineError(
            "ImageDataGenerator(exact=True): it needs SciPy, and so does interpolation_order above 1. Received neither "
            "SciPy nor a fast way. Install it: pip install scipy; or leave exact=False and interpolation_order=1."
        ) from error
    return ndimage


def columns_within(matrices: NDArray[np.float64], height: int, width: int) -> tuple[Image, Image]:
    """The first and the last column of each row, `(count, height)`, that are read inside images of that size.

    All between them are, for an affine map reads a row along a line.
    """
    first, last = np.zeros((len(matrices), height)), np.full((len(matrices), height), width - 1.0)
    for axis, side in enumerate((width, height)):
        by_column, by_row, start = (matrices[:, axis, k, None] for k in range(3))
        row = by_row * np.arange(height) + start
        low, high = -_SLACK - row, side - 1 + _SLACK - row
        level = np.abs(by_column) < _SLACK / width  # such rows lie inside as a whole, or not at all
        one, other = (bound / np.where(level, 1, by_column) for bound in (low, high))
        outside = level & ((low > 0) | (high < 0))
        first = np.maximum(first, np.where(level, 0, np.ceil(np.minimum(one, other))))
        last = np.minimum(last, np.where(outside, -1, np.where(level, width, np.floor(np.maximum(one, other)))))
    return np.minimum(first, width).astype(np.int16), np.maximum(last, -1).astype(np.int16)


def flip(image: Image, horizontal: bool, vertical: bool) -> None:
    """Mirrors a float32 image where it lies."""
    if horizontal or vertical:
        code = -1 if horizontal and vertical else int(horizontal)
        if image.shape[2] <= 4:
            cv2.flip(image, code, dst=image if image.shape[2] > 1 else image[:, :, 0])
        else:
            image[:] = image[:: -1 if vertical else 1, :: -1 if horizontal else 1].copy()


_EACH = (1, 2, 3)


def shift_channels(images: Image, intensities: NDArray[np.float64]) -> None:
    """Adds a number to all channels of each image of a batch, and clips to the darkest and brightest value it had."""
    low, high = images.min(axis=_EACH, keepdims=True), images.max(axis=_EACH, keepdims=True)
    np.add(images, intensities[:, None, None, None].astype(images.dtype), out=images)
    np.clip(images, low, high, out=images)


def brighten(images: Image, factors: NDArray[np.float64], bounded: bool = False) -> None:
    """Multiplies the brightness of each image as Keras does: through 8 bits, which cuts off what follows the point.

    Images with values below 0 or above 255 are spread over 0 to 255 for it, and brought back after. Of four channels
    the last is alpha, which stays.

    Args:
        images: `(count, height, width, channels)`, float32; changed in place.
        factors: One each.
        bounded: Whether the values are known to lie from 0 to 255.
    """
    if images.shape[3] not in (1, 3, 4):
        raise ArgumentError(
            "ImageDataGenerator(brightness_range=...): images must have 1, 3 or 4 channels. Unsupported channel "
            f"number: {images.shape[3]}. Leave brightness_range out."
        )
    if not bounded and images.size and (images.min() < 0 or images.max() > 255):
        for number, image in enumerate(images):
            low, high = image.min(), image.max()
            spread = bool(low < 0 or high > 255)
            levels = _spread(image) if spread else image
            _brighten_levels(levels[None], factors[number : number + 1])
            image[:] = levels / 255 * (high - low) + low if spread else levels
    else:
        _brighten_levels(images, factors)


def _brighten_levels(images: Image, factors: NDArray[np.float64]) -> None:
    np.trunc(images, out=images)
    colour = images[..., :3]
    np.multiply(colour, factors[:, None, None, None].astype(np.float32), out=colour)
    if factors.min() < 0 or factors.max() > 1:
        np.clip(colour, 0, 255, out=colour)
    np.trunc(colour, out=colour)


def _spread(image: Image) -> Image:
    """The image's own range over 0 to 255."""
    levels: Image = image - image.min()
    most = levels.max()
    if most != 0:
        levels /= most
    levels *= 255
    return levels


def brighten_mended(images: Image, factors: NDArray[np.float64]) -> None:
    """Multiplies brightness without a detour through 8 bits, and clips to the range an image seems to have.

    That is 0 to 1 for an image with no value above 1, else 0 to 255; its own range where it leaves that.
    """
    for image, factor in zip(images, factors.tolist(), strict=True):
        low, high = image.min(), image.max()
        top = 1.0 if high <= 1 else 255.0
        if low < 0 or high > top:
            np.clip((image - low) * factor + low, low, high, out=image)
        else:
            np.clip(image * factor, 0, top, out=image)

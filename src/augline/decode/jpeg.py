"""JPEG through libjpeg-turbo: the hot path."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from augline.decode.header import Header
from augline.decode.scratch import Scratch

_CMYK_BANDS = 4


def read(
    data: bytes, header: Header, channels: int, shrink: int, scratch: Scratch | None, accurate: bool
) -> NDArray[np.uint8]:
    """The stored pixels, as RGB, grey or RGBA; the caller turns them upright.

    Grey of a colour photo is decoded as RGB: the luma of the clipped, rounded RGB is what Pillow and Keras give,
    and it can differ from the file's own Y by more than rounding.
    """
    if header.bands == _CMYK_BANDS:
        return _cmyk_to_rgb(_libjpeg(data, header, "CMYK", 4, shrink, None, accurate))
    if header.bands == 1 and channels == 1:
        return _libjpeg(data, header, "Gray", 1, shrink, scratch, accurate)
    if channels == 4:
        return _libjpeg(data, header, "RGBA", 4, shrink, scratch, accurate)
    return _libjpeg(data, header, "RGB", 3, shrink, scratch, accurate)


def _libjpeg(
    data: bytes, header: Header, colours: str, bands: int, shrink: int, scratch: Scratch | None, accurate: bool
) -> NDArray[np.uint8]:
    turned = header.orientation >= 5
    height, width = (header.width, header.height) if turned else (header.height, header.width)
    # simplejpeg takes the smallest of libjpeg's scales n/8 that is no smaller than these sides, which is 1/shrink
    # itself: `dct_shrink` keeps away the images so tiny that a still smaller scale has the same size.
    height, width = math.ceil(height / shrink), math.ceil(width / shrink)
    buffer = None if scratch is None else scratch.take(height * width * bands)
    pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(
        data,
        colours,
        fastdct=not accurate,
        fastupsample=not accurate,
        min_height=height if shrink > 1 else 0,
        min_width=width if shrink > 1 else 0,
        buffer=buffer,
        strict=True,
    )
    return pixels


def _cmyk_to_rgb(inks: NDArray[Any]) -> NDArray[np.uint8]:
    """As Pillow: every CMYK JPEG holds inverted inks, as Adobe's do, and no colour profile is applied."""
    from PIL import Image

    image = Image.frombuffer("CMYK", (inks.shape[1], inks.shape[0]), 255 - inks, "raw", "CMYK", 0, 1)
    return np.asarray(image.convert("RGB"))

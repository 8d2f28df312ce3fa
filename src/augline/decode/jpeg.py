"""JPEG through libjpeg-turbo: the hot path."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from augline.decode import cut
from augline.decode.header import Header
from augline.decode.scratch import Scratch

_CMYK_BANDS = 4
_FEWEST = 16  # rows of a file that is cut short: the sides of fewer might not tell DCT scales apart


def read(
    data: bytes, header: Header, channels: int, shrink: int, scratch: Scratch | None, accurate: bool, rows: int | None
) -> NDArray[np.uint8]:
    """The stored pixels, as RGB, grey or RGBA; the caller turns them upright. Below `rows` they may be anything.

    Grey of a colour photo is decoded as RGB: the luma of the clipped, rounded RGB is what Pillow and Keras give,
    and it can differ from the file's own Y by more than rounding.
    """
    if header.bands == _CMYK_BANDS:
        return _cmyk_to_rgb(_libjpeg(data, header, "CMYK", 4, shrink, None, accurate, None))
    colours, bands = "RGB", 3
    if header.bands == 1 and channels == 1:
        colours, bands = "Gray", 1
    elif channels == 4:
        colours, bands = "RGBA", 4
    return _libjpeg(data, header, colours, bands, shrink, scratch, accurate, rows)


def _libjpeg(
    data: bytes, header: Header, colours: str, bands: int, shrink: int, scratch: Scratch | None, accurate: bool,
    rows: int | None,
) -> NDArray[np.uint8]:  # fmt: skip
    turned = header.orientation >= 5
    height, width = (header.width, header.height) if turned else (header.height, header.width)
    # simplejpeg takes the smallest of libjpeg's scales n/8 that is no smaller than these sides, which is 1/shrink
    # itself: `dct_shrink` keeps away the images so tiny that a still smaller scale has the same size.
    height, width = math.ceil(height / shrink), math.ceil(width / shrink)
    size = height * width * bands
    place = np.empty(size, np.uint8) if scratch is None else scratch.take(size)

    def decoded(file: bytes | bytearray, tall: int) -> NDArray[np.uint8]:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(
            file,
            colours,
            fastdct=not accurate,
            fastupsample=not accurate,
            min_height=tall if shrink > 1 else 0,
            min_width=width if shrink > 1 else 0,
            buffer=place,
            strict=True,
        )
        return pixels

    if rows is not None:
        tall = max(rows + 1, _FEWEST // shrink)
        if cut.decodes(data, header, tall * shrink, lambda short: decoded(short, tall)):
            return place.reshape(height, width, bands)
    return decoded(data, height)


def _cmyk_to_rgb(inks: NDArray[Any]) -> NDArray[np.uint8]:
    """As Pillow: every CMYK JPEG holds inverted inks, as Adobe's do, and no colour profile is applied."""
    from PIL import Image

    image = Image.frombuffer("CMYK", (inks.shape[1], inks.shape[0]), 255 - inks, "raw", "CMYK", 0, 1)
    return np.asarray(image.convert("RGB"))

"""PNG, WebP, BMP, GIF and TIFF: exactness before speed.

PNG goes through OpenCV, which keeps 16 bits and, unlike Pillow, refuses a data stream that ends early. The rest goes
through Pillow; 16-bit colour TIFF, which Pillow would cut to 8 bits, through OpenCV once Pillow has found it whole.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from augline.decode import exif
from augline.decode.convert import INVERSE, turn
from augline.decode.header import Header, png_chunk
from augline.decode.refusal import refusal

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def read(data: bytes, header: Header, channels: int) -> NDArray[Any]:
    """The stored pixels as (height, width, bands), uint8 or uint16; the caller converts and turns them."""
    if header.format == "png":
        return _png(data, header, channels)
    if header.format == "tiff":
        return _tiff(data, header, channels)
    return _pillow(data, channels)


def _pillow(data: bytes, channels: int) -> NDArray[Any]:
    """The first frame. Grey of 16 bits stays so; anything else becomes 8 bits of the mode asked for."""
    with Image.open(BytesIO(data)) as image:
        image.load()
        if image.mode.startswith("I;16"):
            return np.asarray(image).astype(np.uint16)[..., None]
        if image.mode in ("I", "F", "I;16S"):
            raise refusal(
                "pixels must be of 8 or 16 bits", f"mode {image.mode!r} of Pillow", "Convert the file to 16 bits."
            )
        if channels == 2 and image.mode != "LA":
            received = f"{len(image.getbands())} channels"
            raise refusal("2 channels come only from grey with alpha", received, "Ask for 1, 3 or 4 channels.")
        mode = _MODES.get(channels, "RGB")
        # CMYK has no direct way to the other modes.
        pixels = np.asarray((image.convert("RGB") if image.mode == "CMYK" else image).convert(mode))
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _opencv(data: bytes) -> NDArray[Any]:
    """Grey, RGB or RGBA as OpenCV reads them, at the file's own depth."""
    pixels: NDArray[Any] | None = cv2.imdecode(
        np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    )
    if pixels is None:
        received = f"{len(data)} bytes that OpenCV cannot decode"
        raise refusal("the image data must be whole", received, "Replace or re-save the file.")
    if pixels.ndim == 2:
        return pixels[..., None]
    rgb: NDArray[Any] = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGBA)
    return rgb


_GREY, _RGB, _GREY_ALPHA = 0, 2, 4  # PNG colour types


def _png(data: bytes, header: Header, channels: int) -> NDArray[Any]:
    if png_chunk(data, b"acTL") is not None:  # animated: Pillow takes the still picture
        return _pillow(data, channels)
    pixels, colour = _opencv(data), data[25]
    if colour == _GREY_ALPHA and channels <= 2:
        return pixels[..., [0, 3]]
    key = png_chunk(data, b"tRNS") if channels == 4 and colour in (_GREY, _RGB) else None
    return pixels if key is None else _keyed_alpha(pixels, data[slice(*key)], header.bits)


def _keyed_alpha(pixels: NDArray[Any], key: bytes, bits: int) -> NDArray[Any]:
    """RGBA whose alpha is zero where the colour equals the file's one transparent colour."""
    top = np.iinfo(pixels.dtype).max
    wanted = np.frombuffer(key, ">u2").astype(np.uint32)
    wanted = wanted * (top // (2**bits - 1))  # grey of 1, 2 and 4 bits has been spread over 8
    colour = pixels[..., : wanted.size]
    result = np.empty((*pixels.shape[:2], 4), pixels.dtype)
    result[..., :3] = colour
    result[..., 3] = np.where((colour == wanted).all(axis=-1), 0, top)
    return result


def _tiff(data: bytes, header: Header, channels: int) -> NDArray[Any]:
    if header.bands == channels and channels not in (1, 3, 4):
        return _multiband(data)
    if header.bands > 4:
        rule = f"a file of {header.bands} channels is read only as such"
        raise refusal(rule, f"a request for {channels}", f"Ask for {header.bands} channels.")
    pixels = _pillow(data, channels)
    if header.bits == 16 and header.bands in (3, 4) and _photometric(data) == _TIFF_RGB:
        pixels = _opencv(data)
    # Both libraries have turned the image upright already; back to stored pixels, as from every other reader.
    turned = exif.orientation(data, 0, len(data))
    return pixels if turned == 1 else turn(pixels, INVERSE[turned])


_TIFF_PHOTOMETRIC, _TIFF_RGB = 262, 2


def _photometric(data: bytes) -> int:
    return exif.tags(data, 0, len(data), frozenset({_TIFF_PHOTOMETRIC})).get(_TIFF_PHOTOMETRIC, -1)


def _multiband(data: bytes) -> NDArray[Any]:
    """Two, or more than four, channels: neither Pillow nor OpenCV reads them."""
    try:
        import tifffile
    except ImportError as error:
        fix = "Install it: pip install tifffile."
        raise refusal("multiband TIFF needs the package tifffile", "a file of that kind", fix) from error
    with tifffile.TiffFile(BytesIO(data)) as file:
        page = file.pages[0]
        pixels = page.asarray()
        pixels = np.moveaxis(pixels, 0, -1) if page.axes.startswith("S") else pixels
    if pixels.dtype not in (np.uint8, np.uint16):
        raise refusal("pixels must be of 8 or 16 bits", f"{pixels.dtype}", "Convert the file to 16 bits.")
    return np.ascontiguousarray(pixels)

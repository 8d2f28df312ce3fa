"""Pixels to the channels, depth and orientation asked for."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augline.decode.refusal import refusal
from augline.decode.scratch import Scratch

Pixels = NDArray[Any]
"""(height, width, channels), uint8 or uint16."""


def to_channels(pixels: Pixels, channels: int) -> Pixels:
    """Grey, grey with alpha, RGB and RGBA into each other, as Pillow's `convert` does, at either depth."""
    bands = pixels.shape[2]
    if bands == channels:
        return pixels
    if bands > 4 or channels not in (1, 3, 4):
        rule = "other channels than 1, 3 and 4 come only from a file that holds exactly that many"
        raise refusal(rule, f"{bands} channels where {channels} were asked for", f"Ask for {bands} channels.")
    colour = pixels[..., :1] if bands < 3 else pixels[..., :3]
    if channels == 1:
        return colour if bands < 3 else _luma(colour)
    result = np.empty((*pixels.shape[:2], channels), pixels.dtype)
    result[..., :3] = colour
    if channels == 4:
        result[..., 3] = pixels[..., 1] if bands == 2 else np.iinfo(pixels.dtype).max
    return result


LUMA = (19595, 38470, 7471)
"""Weights of red, green and blue in the grey of Pillow's "L", of 65536: uint32 holds every sum of 16-bit values."""


def _luma(rgb: Pixels) -> Pixels:
    """ITU-R 601 in Pillow's 16-bit fixed point: OpenCV's own conversion differs from it by one level."""
    if rgb.dtype == np.uint8:
        from PIL import Image

        grey: Pixels = np.asarray(Image.fromarray(rgb).convert("L"))
        return grey[..., None]
    total = (rgb * np.array(LUMA, np.uint32)).sum(axis=-1, dtype=np.uint32, keepdims=True) + np.uint32(0x8000)
    luma: Pixels = (total >> np.uint32(16)).astype(np.uint16)
    return luma


def to_dtype(pixels: Pixels, dtype: str) -> Pixels:
    """Between 8 and 16 bits, full range to full range: v * 257 and round(v / 257)."""
    if pixels.dtype == dtype:
        return pixels
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint16) * np.uint16(257)
    # 257 is odd, so there are no ties and adding half of it rounds exactly.
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


_TURNS: dict[int, int] = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}
_FLIPS: dict[int, int] = {2: 1, 4: 0}  # OpenCV: 1 about the vertical axis, 0 about the horizontal
INVERSE = (1, 1, 2, 3, 4, 5, 8, 7, 6)
"""The orientation that undoes another one."""


def turn(pixels: Pixels, orientation: int, scratch: Scratch | None = None) -> Pixels:
    """Stored pixels to upright ones, for an EXIF orientation (Exif 2.32, tag 0x0112); contiguous."""
    height, width, channels = pixels.shape
    shape = (width, height, channels) if orientation >= 5 else (height, width, channels)
    memory = np.empty(pixels.nbytes, np.uint8) if scratch is None else scratch.take(pixels.nbytes, slot=1)
    out: Pixels = memory.view(pixels.dtype).reshape(shape)
    source = np.ascontiguousarray(pixels)
    if channels > 4:  # which OpenCV cannot transpose
        out[:] = _turned_view(source, orientation)
        return out
    if orientation in _TURNS:
        cv2.rotate(source, _TURNS[orientation], dst=out)
    elif orientation in _FLIPS:
        cv2.flip(source, _FLIPS[orientation], dst=out)
    elif orientation == 5:
        cv2.transpose(source, dst=out)
    else:  # 7: about the other diagonal
        cv2.flip(cv2.rotate(source, cv2.ROTATE_90_COUNTERCLOCKWISE), 1, dst=out)
    return out


def _turned_view(pixels: Pixels, orientation: int) -> Pixels:
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    rows, columns = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    return pixels[:: -1 if rows else 1, :: -1 if columns else 1]

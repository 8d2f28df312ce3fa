"""Bytes to pixels: formats, EXIF orientation, limits. One policy for every engine.

A file is read in two steps, so that a DCT scale can be chosen, and a monster refused, before anything is allocated::

    header = probe(data)
    pixels = decode(data, header, shrink=dct_shrink(header, 3), scratch=scratch)

Policy
    Orientation: EXIF orientation is applied by default, in every format that carries it; `probe(exif=False)` does not.
    Channels: 1, 3 and 4 mean grey, RGB and RGBA, and one becomes the other as Pillow's `convert` does: grey is the
    ITU-R 601 luma, alpha is dropped without blending (the colour under transparent pixels shows), and an opaque image
    has the highest alpha. Any other number of channels is read only from a file that holds exactly that many.
    Depth: 8 bits become 16 as `v * 257` and 16 become 8 as `round(v / 257)`, so both ends of the range stay.
    Damage: truncated or corrupt data is an error, never grey pixels; libjpeg's warnings count as damage.
        Of a JPEG of which only the upper rows are asked for, what lies below them is not looked at.
"""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import NDArray

from augline.decode.header import Header, probe
from augline.decode.refusal import MAX_PIXELS, refusal
from augline.decode.scratch import Scratch
from augline.errors import ArgumentError, DecodeError

__all__ = ["MAX_PIXELS", "SMALLEST_SHRUNK", "Header", "Scratch", "dct_shrink", "decode", "probe"]

SMALLEST_SHRUNK = 9
"""Below this side several DCT scales give the same size, and libjpeg could not be told which one is meant."""


def dct_shrink(header: Header, shrink: int) -> int:
    """The factor by which `decode` really shrinks when asked for `shrink`: 1, 2, 4 or 8.

    It is the largest power of two that is at most `shrink`; 1 for formats other than JPEG and for images of at most
    8 x 8 pixels. For a turned image the factor must also divide both sides: a partial last block, turned to the front,
    would shift the pixel grid.

    >>> dct_shrink(Header("jpeg", 375, 500, 1), 3)
    2
    """
    if header.format != "jpeg" or max(header.height, header.width) < SMALLEST_SHRUNK:
        return 1
    for factor in (8, 4, 2):
        whole = header.height % factor == 0 and header.width % factor == 0
        if factor <= shrink and (whole or header.orientation == 1):
            return factor
    return 1


def decode(
    data: bytes,
    header: Header,
    *,
    channels: int = 3,
    dtype: str = "uint8",
    shrink: int = 1,
    scratch: Scratch | None = None,
    accurate: bool = True,
    rows: int | None = None,
) -> NDArray[Any]:
    """The pixels of an encoded image, upright, as (height, width, channels).

    Args:
        data: the whole file.
        header: what `probe(data)` returned.
        channels: 1 (grey), 3 (RGB), 4 (RGBA), or exactly the number that the file holds.
        dtype: "uint8" or "uint16".
        shrink: a value that `dct_shrink(header, ...)` returned; each side becomes ceil(side / shrink).
        scratch: memory to reuse; the result may be a view of it, valid until the next decode with the same scratch.
        accurate: False takes libjpeg's fast DCT and plain chroma upsampling: a few levels off, about 5 % faster.
        rows: how many rows of the result are needed, from the top; what lies below may be anything. An upright,
            sequential JPEG is decoded no further, and damage below is not found. None for all of them.

    Raises:
        DecodeError: the data is damaged, or holds what cannot be given as `channels` and `dtype`.
        ArgumentError: `dtype` or `shrink` has no meaning.

    >>> import cv2, numpy
    >>> data = cv2.imencode(".png", numpy.zeros((4, 6, 3), numpy.uint8))[1].tobytes()
    >>> decode(data, probe(data), channels=1).shape
    (4, 6, 1)
    """
    # With the first image, not before: a bare `import augline` brings along neither OpenCV nor Pillow.
    from augline.decode import jpeg, other
    from augline.decode.convert import to_channels, to_dtype, turn

    if dtype not in ("uint8", "uint16"):
        rule = "dtype must be 'uint8' or 'uint16'"
        raise ArgumentError(
            f"decode(dtype={dtype!r}): {rule}. Received {dtype!r}. Convert to other types after decoding."
        )
    if shrink != 1 and dct_shrink(header, shrink) != shrink:
        fix = "Pass what dct_shrink(header, shrink) returns."
        raise ArgumentError(f"decode(shrink={shrink}): this image cannot shrink so. Received {header}. {fix}")
    try:
        if header.format == "jpeg":
            stored: NDArray[Any] = jpeg.read(data, header, channels, shrink, scratch, accurate, rows)
        else:
            stored = other.read(data, header, channels)
    except DecodeError:
        raise
    except Exception as error:  # a codec may raise nearly anything on damaged data, and none of it may escape
        raise _damaged(header, error) from error
    pixels: NDArray[Any] = to_dtype(to_channels(stored, channels), dtype)
    if header.orientation != 1:
        pixels = turn(pixels, header.orientation, scratch)
    _check_shape(pixels, header, channels, shrink)
    return pixels


def _damaged(header: Header, error: Exception) -> DecodeError:
    received = f"{header.format} of {header.width} x {header.height}: {type(error).__name__}: {error}"
    rule = "the image data must be whole and of a kind that can be read"
    return refusal(rule, received, "Replace or re-save the file.")


def _check_shape(pixels: NDArray[Any], header: Header, channels: int, shrink: int) -> None:
    expected = (math.ceil(header.height / shrink), math.ceil(header.width / shrink), channels)
    if pixels.shape != expected:
        rule = "the image data must have the size that the file's header promises"
        raise refusal(rule, f"{pixels.shape} where {expected} was promised", "Replace or re-save the file.")

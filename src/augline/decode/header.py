"""What a file says about itself in its first bytes: format, size, orientation. Nothing is decoded here.

JPEG, PNG, WebP and TIFF are walked by hand: a library call per image would cost more than the walk (a JPEG takes about
5 us), and a size must be known to be sane before a library sees the file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from augline.decode import exif as exif_block
from augline.decode.refusal import check_size, refusal
from augline.errors import DecodeError


@dataclass(frozen=True, slots=True)
class Header:
    """An image's format and upright size, known before decoding.

    >>> Header("jpeg", height=375, width=500, orientation=1).bands
    3
    """

    format: str
    """"jpeg", "png", "webp", "bmp", "gif" or "tiff"."""
    height: int
    """Of the upright image, in pixels."""
    width: int
    """Of the upright image, in pixels."""
    orientation: int
    """EXIF's 1 to 8; 1 when absent, damaged or not asked for."""
    bands: int = 3
    """Channels as stored, before palettes are looked up (JPEG, PNG and TIFF; 3 for the others)."""
    bits: int = 8
    """Bits of one stored channel (JPEG, PNG and TIFF; 8 for the others)."""


def probe(data: bytes, *, exif: bool = True) -> Header:
    """Read an image's header, about 5 us for a JPEG.

    Args:
        data: the whole file.
        exif: whether EXIF orientation counts; with False the size is that of the stored pixels.

    Raises:
        DecodeError: not an image of a known format, a damaged header, no pixels, or more than `MAX_PIXELS`.

    >>> import cv2, numpy
    >>> probe(cv2.imencode(".png", numpy.zeros((4, 6, 3), numpy.uint8))[1].tobytes())
    Header(format='png', height=4, width=6, orientation=1, bands=3, bits=8)
    """
    try:
        format_, height, width, orientation, bands, bits = _fields(data, exif)
    except (IndexError, struct.error) as error:
        rule = "the file must not end inside its header"
        raise refusal(rule, f"{len(data)} bytes", "Copy or download the file again.") from error
    check_size(height, width)
    if orientation >= 5:  # 5 to 8 swap the sides
        height, width = width, height
    return Header(format_, height, width, orientation, bands, bits)


_Fields = tuple[str, int, int, int, int, int]  # format, stored height, stored width, orientation, bands, bits


def format_of(data: bytes) -> str | None:
    """The format of a file by its first 12 bytes; None for such as nothing here decodes."""
    if data[:2] == b"\xff\xd8":
        return "jpeg"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[:4] in (b"II*\0", b"MM\0*"):
        return "tiff"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    return "bmp" if data[:2] == b"BM" else None


def _fields(data: bytes, exif: bool) -> _Fields:
    match format_of(data):
        case "jpeg":
            return _jpeg(data, exif)
        case "png":
            return _png(data, exif)
        case "webp":
            return _webp(data, exif)
        case "tiff":
            return _tiff(data, exif)
        case "gif" | "bmp":
            return _pillow(data)
    received = f"{len(data)} bytes that begin with {data[:8]!r}" if data else "an empty file"
    raise refusal("a file must be a JPEG, PNG, WebP, BMP, GIF or TIFF image", received, "Convert or remove the file.")


SOS, EOI, APP1 = 0xDA, 0xD9, 0xE1
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0..15, less DHT, JPG and DAC
ALONE = frozenset(range(0xD0, 0xD9)) | {0x01}  # RST, SOI, TEM: no length follows


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, place and end of each segment of a JPEG up to the first scan's header (ITU-T T.81, annex B)."""
    at, marker = 2, 0
    while marker != SOS and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker in ALONE:
            at += 2
        elif marker == EOI:
            return
        else:
            end = at + 2 + (data[at + 2] << 8 | data[at + 3])
            if end < at + 4:
                return
            yield marker, at, end
            at = end


def _jpeg(data: bytes, exif: bool) -> _Fields:
    """EXIF may stand before or after the frame header."""
    marker = at = frame = orientation = 0
    for marker, at, end in jpeg_segments(data):
        if marker == APP1:
            if exif and not orientation and data[at + 4 : at + 10] == b"Exif\0\0":
                orientation = exif_block.orientation(data, at + 4, end)
        elif marker in FRAMES and not frame:
            frame = at
    if not frame or marker != SOS:
        raise _damaged("JPEG", at)
    height, width = data[frame + 5] << 8 | data[frame + 6], data[frame + 7] << 8 | data[frame + 8]
    return "jpeg", height, width, orientation or 1, data[frame + 9], data[frame + 4]


_PNG_BANDS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}  # by colour type; a palette holds RGB


def _png(data: bytes, exif: bool) -> _Fields:
    width, height, bits, colour = struct.unpack_from(">IIBB", data, 16)
    if data[12:16] != b"IHDR" or colour not in _PNG_BANDS:
        raise _damaged("PNG", 12)
    orientation = 1
    if exif and (block := png_chunk(data, b"eXIf")) is not None:
        orientation = exif_block.orientation(data, *block)
    return "png", height, width, orientation, _PNG_BANDS[colour], bits


def png_chunk(data: bytes, wanted: bytes) -> tuple[int, int] | None:
    """Where the content of a PNG's first chunk of that kind lies, or None when there is none before IEND."""
    at, kind = 8, b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == wanted:
            return at + 8, at + 8 + length
        at += 12 + length
    return None


def _webp(data: bytes, exif: bool) -> _Fields:
    """Sizes as in the WebP container specification and, for VP8, RFC 6386 section 9.1."""
    kind, orientation = data[12:16], 1
    if kind == b"VP8X":
        width = 1 + int.from_bytes(data[24:27], "little")
        height = 1 + int.from_bytes(data[27:30], "little")
        if exif and data[20] & 0x08:
            orientation = _webp_orientation(data)
    elif kind == b"VP8L" and data[20] == 0x2F:
        sides = struct.unpack_from("<I", data, 21)[0]
        width, height = 1 + (sides & 0x3FFF), 1 + (sides >> 14 & 0x3FFF)
    elif kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    else:
        raise _damaged("WebP", 12)
    return "webp", height, width, orientation, 3, 8


def _webp_orientation(data: bytes) -> int:
    at = 12
    while at + 8 <= len(data):
        length = struct.unpack_from("<I", data, at + 4)[0]
        if data[at : at + 4] == b"EXIF":
            return exif_block.orientation(data, at + 8, at + 8 + length)
        at += 8 + length + length % 2  # chunks are padded to even lengths
    return 1


_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_BITS, _TIFF_BANDS = 256, 257, 258, 277
_TIFF_TAGS = frozenset({_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_BITS, _TIFF_BANDS})


def _tiff(data: bytes, exif: bool) -> _Fields:
    found = exif_block.tags(data, 0, len(data), _TIFF_TAGS)
    if _TIFF_WIDTH not in found or _TIFF_HEIGHT not in found:
        raise _damaged("TIFF", 0)
    orientation = exif_block.orientation(data, 0, len(data)) if exif else 1
    height, width = found[_TIFF_HEIGHT], found[_TIFF_WIDTH]
    return "tiff", height, width, orientation, found.get(_TIFF_BANDS, 1), found.get(_TIFF_BITS, 1)


def _pillow(data: bytes) -> _Fields:
    """BMP and GIF, which carry no EXIF: Pillow reads their headers, once the declared size is known to be sane."""
    from PIL import Image

    if data[:2] == b"BM":
        form = "<HH" if data[14] == 12 else "<ii"  # the OS/2 header is 12 bytes long; negative heights run top down
        width, height = struct.unpack_from(form, data, 18)
    else:
        width, height = struct.unpack_from("<HH", data, 6)
    check_size(abs(height), abs(width))
    try:
        with Image.open(BytesIO(data), formats=("BMP", "GIF")) as image:
            return str(image.format).lower(), image.height, image.width, 1, 3, 8
    except Exception as error:
        raise _damaged("BMP or GIF", 0) from error


def _damaged(format_: str, at: int) -> DecodeError:
    return refusal(f"the {format_} header must be whole", f"damage near byte {at}", "Copy or download the file again.")

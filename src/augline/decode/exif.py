"""The directory of tags that TIFF files and EXIF blocks share (TIFF 6.0, section 2)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, TypeAlias

_Unpack: TypeAlias = Callable[[bytes, int], tuple[Any, ...]]

ORIENTATION = 0x0112

_ORDERS: dict[bytes, tuple[_Unpack, _Unpack]] = {
    b"II*\0": (struct.Struct("<H").unpack_from, struct.Struct("<I").unpack_from),
    b"MM\0*": (struct.Struct(">H").unpack_from, struct.Struct(">I").unpack_from),
}
_BYTE, _SHORT, _LONG = 1, 3, 4


def tags(data: bytes, start: int, end: int, wanted: frozenset[int]) -> dict[int, int]:
    """The first value of each wanted integer tag in the directory that begins at data[start].

    Raises:
        struct.error or IndexError: an offset leads out of data[:end].
    """
    order = _ORDERS.get(data[start : start + 4])
    if order is None:
        return {}
    short, long = order
    directory = start + long(data, start + 4)[0]
    first = directory + 2
    last = min(first + 12 * short(data, directory)[0], end)
    return {
        tag: _value(data, start, entry, short, long)
        for entry in range(first, last - 11, 12)
        if (tag := short(data, entry)[0]) in wanted
    }


def _value(data: bytes, start: int, entry: int, short: _Unpack, long: _Unpack) -> int:
    kind = short(data, entry + 2)[0]
    width = {_BYTE: 1, _SHORT: 2, _LONG: 4}.get(kind, 0)
    # Values of up to four bytes stand in the entry itself, longer ones where it points.
    fits = width * long(data, entry + 4)[0] <= 4
    at = entry + 8 if fits else start + long(data, entry + 8)[0]
    if kind == _SHORT:
        return int(short(data, at)[0])
    if kind == _LONG:
        return int(long(data, at)[0])
    return data[at] if kind == _BYTE else 0


def orientation(data: bytes, start: int, end: int) -> int:
    """EXIF orientation, 1 to 8, of the block data[start:end]; 1 where it is absent or damaged."""
    if data[start : start + 6] == b"Exif\0\0":
        start += 6
    try:
        found = tags(data, start, min(end, len(data)), _ORIENTATION_ONLY).get(ORIENTATION, 1)
    except (struct.error, IndexError):
        return 1
    return found if 1 <= found <= 8 else 1


_ORIENTATION_ONLY = frozenset({ORIENTATION})

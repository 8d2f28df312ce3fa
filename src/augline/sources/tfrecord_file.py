"""TFRecord files read without TensorFlow: where records lie, and what a `tf.train.Example` holds.

A record is its length (8 bytes, little-endian), the masked CRC-32C of these, the data, and the masked CRC-32C of that.
An Example is a protocol buffer: features {1: entries {1: name, 2: bytes, floats or integers}}.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeAlias

import numpy as np

Span: TypeAlias = tuple[int, int]
"""Where something begins and ends."""

_POLYNOMIAL = 0x82F63B78  # CRC-32C, reflected


class BrokenRecordError(ValueError):
    """A file is no sequence of records, or a record no Example."""


@dataclass(frozen=True)
class Feature:
    """What an Example holds under a name: a list of one kind, and where in the data its only bytes lie."""

    values: Any
    place: Span | None = None


def records(file: BinaryIO, size: int) -> Iterator[tuple[int, bytes]]:
    """(offset, data) of all records of a file of `size` bytes.

    Raises:
        BrokenRecordError: The framing is damaged, or the file ends in mid-record.
    """
    at = 0
    while at < size:
        head = file.read(12)
        if len(head) < 12 or _masked(head[:8]) != struct.unpack("<I", head[8:])[0]:
            raise BrokenRecordError(f"no record begins at byte {at}")
        (length,) = struct.unpack("<Q", head[:8])
        if at + 16 + length > size:
            raise BrokenRecordError(f"the record at byte {at} needs {length} bytes, and the file ends before")
        data = file.read(length)
        file.read(4)
        yield at + 12, data
        at += 16 + length


def features(data: bytes) -> dict[str, Feature]:
    """The features of an Example.

    Raises:
        BrokenRecordError: It is none.
    """
    found = {}
    try:
        for inside in _parts(data, (0, len(data)), 1):
            for entry in _parts(data, inside, 1):
                place = {field: span for field, _, span in _fields(data, entry)}
                found[data[slice(*place[1])].decode()] = _feature(data, place[2])
    except (LookupError, ValueError, struct.error) as error:
        raise BrokenRecordError(f"it is no tf.train.Example ({error})") from error
    return found


def _feature(data: bytes, value: Span) -> Feature:
    for kind, _, inside in _fields(data, value):
        if read := _KINDS.get(kind):
            return read(data, inside)
    return Feature([])


def _bytes(data: bytes, inside: Span) -> Feature:
    places = _parts(data, inside, 1)
    return Feature([data[slice(*place)] for place in places], places[0] if len(places) == 1 else None)


def _floats(data: bytes, inside: Span) -> Feature:
    packed = b"".join(data[slice(*place)] for place in _parts(data, inside, 1))
    return Feature(np.frombuffer(packed, "<f4"))


def _integers(data: bytes, inside: Span) -> Feature:
    values = []
    for field, wire, place in _fields(data, inside):
        at, end = place
        while field == 1 and at < end:
            value, at = _varint(data, at)
            values.append(value - (1 << 64) * (value >> 63))
            if wire == 0:
                break
    return Feature(np.asarray(values, np.int64))


_KINDS = {1: _bytes, 2: _floats, 3: _integers}


def _parts(data: bytes, inside: Span, wanted: int) -> list[Span]:
    return [place for field, _, place in _fields(data, inside) if field == wanted]


def _fields(data: bytes, inside: Span) -> list[tuple[int, int, Span]]:
    """(number, wire type, place) of the fields of a message; a list, for it is asked for millions of times."""
    at, end = inside
    found = []
    while at < end:
        tag, start = (data[at], at + 1) if data[at] < 0x80 else _varint(data, at)
        at, wire = start, tag & 7
        if wire == 2:
            length, start = (data[at], at + 1) if data[at] < 0x80 else _varint(data, at)
            at = start + length
        elif wire == 0:
            _, at = _varint(data, at)
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if at > end:
            raise ValueError("a field reaches beyond its message")
        found.append((tag >> 3, wire, (start, at)))
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError("a number of more than 10 bytes")


def _table() -> list[int]:
    found = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        found.append(value)
    return found


_TABLE = _table()


def _masked(data: bytes) -> int:
    """The CRC as TFRecord writes it: turned by 15 bits, plus a constant."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF

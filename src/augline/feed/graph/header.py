"""What the first bytes of a file say, in TensorFlow: format, size, EXIF orientation; see `augline.decode.header`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from augline.arrays import Array

JPEG, PNG, GIF, BMP = range(4)
_MAGIC = ((JPEG, b"\xff\xd8"), (PNG, b"\x89PNG"), (GIF, b"GIF8"), (BMP, b"BM"))
_HEAD = 1 << 16  # bytes in which EXIF is looked for
_MOST_TAGS = 64


def probe(data: Array, path: Array, exif: bool) -> tuple[Array, Array, Array]:
    """Format, (height, width) as stored, and orientation of an encoded file; int32.

    EXIF is read from the application segments of a JPEG, where its standard puts it.
    """
    kind = tf.constant(-1)
    for number, magic in _MAGIC:
        kind = tf.where(tf.strings.substr(data, 0, len(magic)) == magic, number, kind)
    fix = "A graph reads no WebP and no TIFF: convert the file, or use engine='opencv'."
    message = tf.strings.join([path, f": a file must be a JPEG, PNG, GIF or BMP image. {fix}"])
    with tf.control_dependencies([tf.debugging.Assert(kind >= 0, [message])]):
        sizes: list[Callable[[], Array]] = [
            lambda: tf.image.extract_jpeg_shape(data)[:2],
            lambda: tf.stack([_big(data, 20, 4), _big(data, 16, 4)]),
            lambda: tf.stack([_little(data, 8, 2), _little(data, 6, 2)]),
            lambda: tf.abs(tf.stack([_little(data, 22, 4), _little(data, 18, 4)])),
        ]
        size = tf.switch_case(kind, sizes)
    turn = tf.cond(kind == JPEG, lambda: _orientation(data), lambda: 1) if exif else tf.constant(1)
    return kind, tf.ensure_shape(size, (2,)), turn


def _big(data: Array, at: int, count: int) -> Array:
    return _number(tf.strings.substr(data, at, count), count, big=True)


def _little(data: Array, at: int, count: int) -> Array:
    return _number(tf.strings.substr(data, at, count), count, big=False)


def _number(data: Array, count: int, *, big: bool) -> Array:
    places = [1 << (8 * (count - 1 - k if big else k)) for k in range(count)]
    values = tf.cast(tf.io.decode_raw(data, tf.uint8), tf.int64)
    return tf.cast(tf.reduce_sum(values * tf.constant(places, tf.int64)), tf.int32)


def _orientation(data: Array) -> Array:
    """The orientation that the first EXIF segment in front of the picture states, else 1."""
    head = tf.io.decode_raw(tf.strings.substr(data, 0, _HEAD), tf.uint8)
    last = tf.size(head) - 1

    def byte(at: Any) -> Array:
        return tf.cast(tf.gather(head, tf.clip_by_value(at, 0, last)), tf.int32)

    def is_segment(at: Array) -> Array:
        marker = byte(at + 1)
        return (byte(at) == 0xFF) & (((marker >= 0xE0) & (marker <= 0xEF)) | (marker == 0xFE)) & (at + 10 < last)

    def is_exif(at: Array) -> Array:
        return (byte(at + 1) == 0xE1) & tf.reduce_all(byte(at + tf.range(4, 10)) == [*b"Exif\0\0"])

    def step(at: Array) -> tuple[Array]:
        return (at + 2 + byte(at + 2) * 256 + byte(at + 3),)

    (at,) = tf.while_loop(lambda at: is_segment(at) & ~is_exif(at), step, (tf.constant(2),))
    return tf.cond(is_segment(at), lambda: _directory(byte, at + 10), lambda: 1)


def _directory(byte: Callable[[Any], Array], start: Array) -> Array:
    """The orientation in the directory of tags (TIFF 6.0, section 2) that begins at `start`."""
    little = byte(start) == 0x49

    def short(at: Array) -> Array:
        a, b = byte(at), byte(at + 1)
        return tf.where(little, a + b * 256, a * 256 + b)

    def long(at: Array) -> Array:
        a, b = short(at), short(at + 2)
        return tf.where(little, a + b * 65536, a * 65536 + b)

    directory = start + long(start + 4)
    entries = directory + 2 + 12 * tf.range(_MOST_TAGS)
    is_it = (short(entries) == 0x0112) & (tf.range(_MOST_TAGS) < short(directory))
    value = tf.reduce_max(tf.where(is_it, short(entries + 8), 0))
    return tf.where((value >= 1) & (value <= 8), value, 1)

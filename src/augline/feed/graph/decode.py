"""Bytes to pixels in TensorFlow, by the policy of `augline.decode`: accurate DCT, upright, the same grey and depth."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import tensorflow as tf

from augline.arrays import Array
from augline.decode.convert import LUMA
from augline.feed.graph.header import JPEG, PNG

SCALES = (1, 2, 4, 8)
"""By how much a JPEG can be decoded smaller."""


def decode(
    data: Array, kind: Array, orientation: Array, scale: Array, window: Array, channels: int, dtype: str
) -> Array:
    """The pixels of one file in a window, upright.

    Args:
        data: The file.
        kind: Its format; see `header`.
        orientation: EXIF's, 1 to 8.
        scale: Place in `SCALES`; 0 for all but JPEG.
        window: (top, left, height, width) in the shrunk image; the whole of it where the orientation is not 1.
        channels: 1, 3 or 4.
        dtype: "uint8" or "uint16".
    """
    stored = tf.where(orientation >= 5, tf.gather(window, (1, 0, 3, 2)), window)
    image = tf.cond(
        kind == JPEG,
        lambda: _jpeg(data, stored, scale, channels, dtype),
        lambda: _in_part(_other(data, kind, channels, dtype), orientation, window),
    )
    return tf.cond(orientation == 1, lambda: image, lambda: _turned(image, orientation))


_POLICY = {"channels": 3, "fancy_upscaling": True, "dct_method": "INTEGER_ACCURATE"}


def _jpeg(data: Array, window: Array, scale: Array, channels: int, dtype: str) -> Array:
    read = partial(tf.image.decode_and_crop_jpeg, data, window)
    image = tf.switch_case(scale, [partial(read, ratio=ratio, **_POLICY) for ratio in SCALES])
    return _depth(_channels(tf.ensure_shape(image, (None, None, 3)), channels, 255), dtype)


def _other(data: Array, kind: Array, channels: int, dtype: str) -> Array:
    """PNG, the first frame of GIF, and BMP."""
    formats: list[Callable[[], Array]] = [
        lambda: tf.zeros((0, 0, 4), tf.uint16),  # JPEG does not come here
        lambda: tf.io.decode_png(data, channels=4, dtype=tf.uint16),
        lambda: _opaque(tf.io.decode_gif(data)[0]),
        lambda: _opaque(tf.io.decode_bmp(data, channels=0)),
    ]
    image = tf.ensure_shape(tf.switch_case(kind, formats), (None, None, 4))
    if channels == 4:
        return _depth(tf.cond(kind == PNG, lambda: _filled(image, data), lambda: image), dtype)
    # grey is made at the depth of the file, as everywhere; a PNG's stands in byte 24
    deep = (kind == PNG) & (tf.strings.substr(data, 24, 1) == b"\x10")
    return tf.cond(
        deep,
        lambda: _depth(_channels(image[..., :3], channels, 65535), dtype),
        lambda: _depth(_channels(_depth(image[..., :3], "uint8"), channels, 255), dtype),
    )


def _filled(image: Array, data: Array) -> Array:
    """A PNG's alpha where it has none: TensorFlow takes the highest of 1, 2 or 4 bits for it, of 255."""
    bits = tf.cast(tf.io.decode_raw(tf.strings.substr(data, 24, 1), tf.uint8)[0], tf.int32)
    filler, alpha = tf.cast((2**bits - 1) * 257, tf.uint16), image[..., 3:]
    none = (bits < 8) & tf.reduce_all(alpha == filler)
    return tf.cond(none, lambda: tf.concat([image[..., :3], alpha | 65535], axis=-1), lambda: image)


def _opaque(image: Array) -> Array:
    """Grey or colour of 8 bits, and full alpha, as uint16."""
    wide = tf.cast(image[..., :3], tf.uint16) * 257
    wide = tf.broadcast_to(wide, tf.concat([tf.shape(wide)[:2], [3]], 0))
    return tf.concat([wide, tf.fill(tf.concat([tf.shape(wide)[:2], [1]], 0), tf.constant(65535, tf.uint16))], axis=-1)


def _channels(image: Array, channels: int, top: int) -> Array:
    """RGB as grey, RGB or opaque RGBA."""
    if channels == 1:
        parts = tf.cast(image, tf.int64) * tf.constant(LUMA, tf.int64)
        return tf.cast((tf.reduce_sum(parts, axis=-1, keepdims=True) + 32768) // 65536, image.dtype)
    if channels == 4:
        return tf.concat([image, tf.ones_like(image[..., :1]) * tf.constant(top, image.dtype)], axis=-1)
    return image


def _depth(image: Array, dtype: str) -> Array:
    """8 bits become 16 as v * 257, and 16 become 8 as round(v / 257)."""
    if image.dtype.name == dtype:
        return image
    if dtype == "uint16":
        return tf.cast(image, tf.uint16) * 257
    return tf.cast((tf.cast(image, tf.int32) + 128) // 257, tf.uint8)


def _in_part(image: Array, orientation: Array, window: Array) -> Array:
    """The window of an upright image; of one that has to be turned first, all."""
    top, left, height, width = tf.unstack(window)
    return tf.cond(orientation == 1, lambda: image[top : top + height, left : left + width], lambda: image)


def _turned(image: Array, orientation: Array) -> Array:
    """The stored image upright: a transposition, and flips of rows and columns (Exif 2.32, tag 0x0112)."""
    rows, columns = (tf.reduce_any(orientation == codes) for codes in ((3, 4, 7, 8), (2, 3, 6, 7)))
    turned = tf.transpose(image, tf.where(orientation >= 5, (1, 0, 2), (0, 1, 2)))
    return tf.ensure_shape(
        tf.raw_ops.Reverse(tensor=turned, dims=tf.stack([rows, columns, False])), (None, None, image.shape[2])
    )

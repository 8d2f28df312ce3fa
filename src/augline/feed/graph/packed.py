"""Colour images of 8 bits with each pixel in one number, as XLA wants them on CPUs.

It makes of a warp one loop over the numbers that come out. Over channels it would find each place three times and load
twelve numbers; over packed pixels it finds it once and loads four. (So it does as long as what is loaded has another
type than what is computed with; else it stores what it loads first, and takes three times as long.)
"""

from __future__ import annotations

import tensorflow as tf

from augline.arrays import Array
from augline.engines.arrays import tensorflow as xp
from augline.engines.portable.warp import Planes, View, places, read_planes
from augline.plan.stages import Warp

CHANNELS = 3
_BITS = 10
_LARGEST = 2**_BITS - 1
_QUARTERS = 4
_WHOLE = 2.0**23  # float32 from here to its double are the whole numbers, which stand in the lowest bits
UNITS = 255
"""In how many parts of a level a warp gives its colours. Odd: to round these is the same as to round once."""


def pack(pixels: Array) -> Array:
    """Levels `(..., 3)` from 0 to 255 as `(...)` uint32; real numbers to the nearest quarter, as means of four are."""
    levels = tf.round(tf.cast(pixels, tf.float32) * _QUARTERS)
    parts = (tf.cast(levels[..., k], tf.int32) * 2 ** (k * _BITS) for k in range(CHANNELS))
    return tf.cast(sum(parts), tf.uint32)


def warp(images: Array, stage: Warp, view: View | None) -> Array:
    """Every output pixel from the place its matrix says, `(batch, height, width)` complex64, for `unpacked`.

    Args:
        images: Packed pixels: `(batch, height, width)`, or `(pixels,)` of a strip.
        stage: With a static extent, and float32 numbers.
        view: Which part of its image each array shows; None where it is the image.
    """

    def split(found: Array) -> list[Array]:
        found = tf.cast(found, tf.int32)
        parts = (tf.bitwise.right_shift(found, k * _BITS) for k in range(CHANNELS))
        return [tf.cast(tf.bitwise.bitwise_and(part, _LARGEST), tf.float32) for part in parts]

    def outside(found: list[Array], inside: Array) -> list[Array]:
        values = stage.fill.value * (CHANNELS if len(stage.fill.value) == 1 else 1)
        return [tf.where(inside, part, value * 255 * _QUARTERS) for part, value in zip(found, values, strict=True)]

    assert stage.extent.static is not None
    x, y = places(xp, stage.matrix, stage.extent.static, stage.field)
    planes = read_planes(xp, images, x, y, stage.interpolation, stage.fill, view, Planes(split, outside))
    red, green, blue = (tf.bitcast(plane * (UNITS / _QUARTERS) + _WHOLE, tf.int32) & 0xFFFF for plane in planes)
    return tf.complex(tf.bitcast(red | tf.bitwise.left_shift(green, 16), tf.float32), tf.bitcast(blue, tf.float32))


def unpacked(warped: Array) -> Array:
    """What a warp has given, `(..., 4)` uint16 in `UNITS`, of which the last is idle; the same memory."""
    return tf.bitcast(warped, tf.uint16)

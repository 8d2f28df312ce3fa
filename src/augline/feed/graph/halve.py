"""Images averaged over pairs of rows or columns: what a decoder that shrinks both sides alike leaves to be done."""

from __future__ import annotations

import tensorflow as tf

from augline.arrays import Array

UNITS = 4
"""Values come out as whole numbers of a quarter: exact sums of four pixels, two, or one."""

_WIDER = {"uint8": tf.uint16, "uint16": tf.int32}


def halve(images: Array, shown: Array, rest: Array, *, compiled: bool = True) -> Array:
    """The images times `UNITS`, each side halved where `rest` is 2, in the top left corner of arrays as large.

    Args:
        images: `(batch, height, width, channels)` integers; height and width are even.
        shown: `(batch, 2)`: how many rows and columns of each array are image. An odd last one counts twice.
        rest: `(batch, 2)`: 1 or 2, in y and x.
        compiled: Whether by XLA.
    """
    run = tf.function(_halved, jit_compile=True, autograph=False) if compiled else _halved
    return run(images, shown, rest)


def _halved(images: Array, shown: Array, rest: Array) -> Array:
    wide = tf.cast(images, _WIDER[images.dtype.name])
    for axis in (1, 2):
        wide = _along(wide, axis, shown[:, axis - 1, None, None, None], rest[:, axis - 1, None, None, None] == 2)
    return wide


def _along(images: Array, axis: int, shown: Array, wanted: Array) -> Array:
    index = [slice(None)] * 4
    first, second = (images[(*index[:axis], slice(start, None, 2))] for start in (0, 1))
    place = tf.reshape(tf.range(tf.shape(first)[axis]), [-1 if k == axis else 1 for k in range(4)])
    sums = first + tf.where(2 * place + 1 < shown, second, first)
    return tf.where(wanted, tf.concat([sums, tf.zeros_like(sums)], axis), images * 2)

"""Images averaged over blocks of pixels: what a decoder that shrinks both sides alike leaves to be done."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from augline.arrays import Array

_LARGER = 4  # the way of blocks with a side above 2


def precision(dtype: str) -> tf.DType:
    """In which means stand. Of 8 bits those of two and four are exact, and take half the memory."""
    return tf.float16 if dtype == "uint8" else tf.float32


def way(block: Array) -> Array:
    """How `shrunk` goes about blocks `(..., 2)`: most often they are of 1 and 2, for which there are quick ways."""
    pairs = 2 * block[..., 0] + block[..., 1] - 3
    return tf.where(tf.reduce_any(block > 2, axis=-1), _LARGER, pairs)


def shrunk(image: Array, way: Array, block: Array) -> Array:
    """The means of the blocks of an image, in `precision`; of a block that stands out over the edge, of what it has.

    Args:
        image: `(height, width, channels)`.
        way: See there.
        block: `(2,)` whole numbers, in y and x.
    """
    values = tf.cast(image, tf.float32)
    ways = [
        lambda: values,
        lambda: _across(values),
        lambda: _down(values),
        lambda: _across(_down(values)),
        lambda: _means(values, block),
    ]
    means = tf.cast(tf.switch_case(way, ways), precision(image.dtype.name))
    return tf.ensure_shape(means, (None, None, image.shape[2]))


def _across(image: Array) -> Array:
    """The means of columns 0 and 1, 2 and 3, ..., as a product of matrices, for which TensorFlow is quick."""
    size, channels = tf.shape(image), image.shape[2]
    odd = size[1] % 2
    image = tf.cond(odd == 0, lambda: image, lambda: tf.concat([image, image[:, -1:]], axis=1))
    pairs = tf.constant(np.tile(np.eye(channels) / 2, (2, 1)), tf.float32)
    return tf.reshape(tf.reshape(image, (-1, 2 * channels)) @ pairs, (size[0], (size[1] + odd) // 2, channels))


def _down(image: Array) -> Array:
    """The means of rows 0 and 1, 2 and 3, ..."""
    rows = tf.shape(image)[0]
    upper = tf.range(0, rows, 2)
    return (tf.gather(image, upper) + tf.gather(image, tf.minimum(upper + 1, rows - 1))) * 0.5


def _means(image: Array, block: Array) -> Array:
    """The last row and column are repeated to fill up."""
    size, channels = tf.shape(image)[:2], image.shape[2]
    small = -(-size // block)
    for axis in (0, 1):
        image = tf.gather(image, tf.minimum(tf.range(small[axis] * block[axis]), size[axis] - 1), axis=axis)
    blocks = tf.reshape(image, (small[0], block[0], small[1], block[1], channels))
    return tf.reduce_mean(blocks, axis=(1, 3))

"""Images averaged over blocks of pixels: what a decoder that shrinks both sides alike leaves to be done."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from augline.arrays import Array

_PAIRS = ((1, 2), (2, 1), (2, 2))


def precision(dtype: str) -> tf.DType:
    """In which the means of integers stand. Of 8 bits those of two and four are exact, and take half the memory."""
    return {"uint8": tf.float16, "uint16": tf.float32}[dtype]


def way(block: Array) -> Array:
    """How `shrunk` goes about blocks `(..., 2)`: most often they are of 1 and 2, for which there are quick ways."""
    pairs = 2 * block[..., 0] + block[..., 1] - 3
    return tf.where(tf.reduce_any(block > 2, axis=-1), len(_PAIRS) + 1, pairs)


def shrunk(image: Array, way: Array, block: Array) -> Array:
    """The means of the blocks of an image, in `precision`; of a block that stands out over the edge, of what it has.

    Args:
        image: `(height, width, channels)` integers.
        way: See there.
        block: `(2,)` whole numbers, in y and x.
    """
    values = tf.cast(image, tf.float32)

    def pooled(size: tuple[int, int]) -> Callable[[], Array]:
        return lambda: tf.nn.avg_pool2d(values[None], size, size, "SAME")[0]

    ways = [lambda: values, *[pooled(size) for size in _PAIRS], lambda: _means(values, block)]
    means = tf.cast(tf.switch_case(way, ways), precision(image.dtype.name))
    return tf.ensure_shape(means, (None, None, image.shape[2]))


def _means(image: Array, block: Array) -> Array:
    """The last row and column are repeated to fill up."""
    size, channels = tf.shape(image)[:2], image.shape[2]
    small = -(-size // block)
    for axis in (0, 1):
        image = tf.gather(image, tf.minimum(tf.range(small[axis] * block[axis]), size[axis] - 1), axis=axis)
    blocks = tf.reshape(image, (small[0], block[0], small[1], block[1], channels))
    return tf.reduce_mean(blocks, axis=(1, 3))

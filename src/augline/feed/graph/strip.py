"""Images read one behind the other into one list of pixels, which is packed no looser for images of several sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from augline.arrays import Array
from augline.engines.portable.warp import Strip
from augline.feed.graph.shrink import precision, shrunk


@dataclass(frozen=True)
class Reading:
    """How images are read, `(batch,)`; see `decode`. Windows are `(batch, 4)`, blocks `(batch, 2)`.

    Attributes:
        image: Of (number, scale, window, channels, type) the pixels.
        block: In y and x, over which pixels are averaged.
        way: How; see `augline.feed.graph.shrink.way`.
    """

    image: Callable[..., Array]
    scale: Array
    window: Array
    block: Array
    way: Array


def read(how: Reading, number: Array, channels: int, dtype: str) -> Array:
    """The window of one of the images averaged over its blocks."""
    columns = (how.scale, how.window, how.way, how.block)
    scale, window, quickly, block = (tf.gather(column, number) for column in columns)
    return shrunk(how.image(number, scale, window, channels, dtype), quickly, block)


def in_strip(how: Reading, channels: int, dtype: str) -> tuple[Array, Strip]:
    """The windows of images averaged over their blocks, `(pixels, channels)`; and where each lies."""
    sides, rows = -(-how.window[:, 2:] // how.block), how.window.shape[0]
    counts = tf.reduce_prod(sides, axis=1)
    ends = tf.cumsum(counts)

    made = precision(dtype)
    parts = tf.TensorArray(made, rows + 1, infer_shape=False, element_shape=(None, channels))

    def one(number: Array, parts: tf.TensorArray) -> tuple[Array, tf.TensorArray]:
        image = read(how, number, channels, dtype)
        return number + 1, parts.write(number, tf.reshape(image, (-1, channels)))

    _, parts = tf.while_loop(lambda number, _: number < rows, one, (0, parts), parallel_iterations=1)
    room = tf.zeros((bucket(ends[-1]) - ends[-1], channels), made)
    return parts.write(rows, room).concat(), Strip(ends - counts, sides[:, 0], sides[:, 1])


_BUCKETS = np.array(sorted(part << k for k in range(2, 29) for part in (3, 4)), np.int32)


def bucket(size: Array) -> Array:
    """A size, or sizes, that few others round up to, for programs are compiled once for each: 2^k or 3 * 2^k."""
    return tf.reduce_min(tf.where(size[..., None] <= _BUCKETS, _BUCKETS, _BUCKETS[-1]), axis=-1)

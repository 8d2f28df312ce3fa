"""Files decoded one behind the other into one list of pixels, which is packed no looser for images of several sizes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from augline.arrays import Array
from augline.engines.portable.warp import Strip
from augline.feed.graph.decode import decode, upright_jpeg
from augline.feed.graph.header import JPEG
from augline.feed.graph.shrink import precision, shrunk, way


@dataclass(frozen=True)
class Reading:
    """Files and how each is read, `(batch,)`; see `decode`. Windows are `(batch, 4)`, blocks `(batch, 2)`.

    Attributes:
        block: In y and x, over which pixels are averaged.
    """

    data: Array
    kind: Array
    turn: Array
    scale: Array
    window: Array
    block: Array


def in_strip(files: Reading, channels: int, dtype: str) -> tuple[Array, Strip]:
    """The windows of images averaged over their blocks, `(pixels, channels)`; and where each lies."""
    sides = -(-files.window[:, 2:] // files.block)
    counts = tf.reduce_prod(sides, axis=1)
    ends = tf.cumsum(counts)

    def any_kind(at: Callable[[Array], Array]) -> Array:
        return decode(
            at(files.data), at(files.kind), at(files.turn), at(files.scale), at(files.window), channels, dtype
        )

    def plain(at: Callable[[Array], Array]) -> Array:
        return upright_jpeg(at(files.data), at(files.scale), at(files.window), channels, dtype)

    room = bucket(ends[-1]) - ends[-1]
    usual = tf.reduce_all((files.kind == JPEG) & (files.turn == 1))
    pixels = tf.cond(
        usual,
        lambda: _listed(files.block, room, plain, (None, channels), precision(dtype)),
        lambda: _listed(files.block, room, any_kind, (None, channels), precision(dtype)),
    )
    return pixels, Strip(ends - counts, sides[:, 0], sides[:, 1])


def _listed(
    block: Array, room: Array, read: Callable[[Callable[[Array], Array]], Array], shape: tuple[None, int],
    dtype: tf.DType,
) -> Array:  # fmt: skip
    """What is read of each file, and so many pixels more. A loop of few operations: each costs about a microsecond."""
    rows, ways = block.shape[0], way(block)
    parts = tf.TensorArray(dtype, rows + 1, infer_shape=False, element_shape=shape)

    def one(number: Array, parts: tf.TensorArray) -> tuple[Array, tf.TensorArray]:
        def at(column: Array) -> Array:
            return tf.gather(column, number)

        image = shrunk(read(at), at(ways), at(block))
        return number + 1, parts.write(number, tf.reshape(image, (-1, shape[1])))

    _, parts = tf.while_loop(lambda number, _: number < rows, one, (0, parts), parallel_iterations=1)
    return parts.write(rows, tf.zeros((room, shape[1]), dtype)).concat()


def bucket(size: Array) -> Array:
    """A size that few others round up to, for programs are compiled once for each: 2^k or 3 * 2^k, and even."""
    exponent = tf.math.ceil(tf.math.log(tf.cast(size, tf.float32)) / math.log(2.0) - 1e-4)
    power = tf.maximum(tf.cast(2.0**exponent, tf.int32), 16)
    return tf.where(size <= power // 4 * 3, power // 4 * 3, power)

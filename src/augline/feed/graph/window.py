"""Which part of each image the first warp of a plan reads: no more of it has to be decoded."""

from __future__ import annotations

import tensorflow as tf

from augline.arrays import Array
from augline.engines.arrays import tensorflow as xp
from augline.plan import Warp, matrices
from augline.plan.rows import lines_read, reached

_MARGIN = 3  # pixels: one, for engines round places, and two in which a partial decode is not exact


def windows(warp: Warp | None, sizes: Array, factors: Array, rest: Array, whole: Array) -> Array:
    """(top, left, height, width) for each sample, int32, in its image as the decoder shrinks it.

    Args:
        warp: The first stage, to one size; or None where images are needed whole.
        sizes: `(batch, 2)` heights and widths as decoded.
        factors: `(batch,)` by how much the decoder shrinks.
        rest: `(batch, 2)` by how much more, in y and x, the image is to be shrunk: windows hold whole blocks.
        whole: `(batch,)` bool: of these the whole image is needed anyway.
    """
    zero = tf.zeros_like(sizes)
    everything = tf.concat([zero, sizes], axis=1)
    if warp is None or warp.field is not None:
        return everything
    scale = 1 / tf.cast(factors, tf.float64)
    matrix = matrices.resized(xp, int(sizes.shape[0]), scale, scale) @ warp.matrix
    low, high, behind = reached(xp, matrix, warp.extent)
    block, sides = tf.cast(rest, tf.float64), tf.cast(sizes, tf.float64)
    last, more = tf.math.ceil(sides / block) - 1, tf.math.ceil(_MARGIN / block)
    first, end = lines_read(xp, low, high, block, last, warp.fill.mode)
    first = tf.clip_by_value(first - more, 0, last) * block
    end = tf.minimum((tf.clip_by_value(end + more, 0, last) + 1) * block, sides)
    part = tf.cast(tf.concat([first, end - first], axis=1), tf.int32)
    return tf.where((whole | behind)[:, None], everything, part)

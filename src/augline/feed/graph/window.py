"""Which part of each image the first warp of a plan reads: no more of it has to be decoded."""

from __future__ import annotations

import tensorflow as tf

from augline.arrays import Array
from augline.engines.arrays import tensorflow as xp
from augline.plan import Warp, matrices
from augline.plan.rows import reached

_MARGIN = 4  # pixels: two for interpolation between halved ones, two in which a partial decode is not exact


def windows(warp: Warp | None, sizes: Array, factors: Array, rest: Array, whole: Array) -> Array:
    """(top, left, height, width) for each sample, int32, in its image as the decoder shrinks it.

    Args:
        warp: The first stage, or None where something else comes first.
        sizes: `(batch, 2)` heights and widths as decoded.
        factors: `(batch,)` by how much the decoder shrinks.
        rest: `(batch, 2)` by how much more, in y and x, the image is to be shrunk: windows hold whole blocks.
        whole: `(batch,)` bool: of these the whole image is needed anyway.
    """
    zero = tf.zeros_like(sizes)
    everything = tf.concat([zero, sizes], axis=1)
    if warp is None or warp.field is not None or warp.extent.static is None:
        return everything
    scale = 1 / tf.cast(factors, tf.float64)
    matrix = matrices.resized(xp, int(sizes.shape[0]), scale, scale) @ warp.matrix
    low, high, behind = reached(xp, matrix, warp.extent)
    limit = tf.cast(sizes, tf.float64) - 1
    # what lies beyond the edge is read from inside: at the edge itself, or, mirrored, from anywhere
    folds = warp.reach == "anywhere" and warp.fill.mode in ("reflect", "mirror", "wrap")
    outside = tf.reduce_any((low < 0) | (high > limit), axis=1) if folds else tf.zeros_like(whole)
    block = tf.cast(rest, tf.float64)
    first = tf.floor(tf.clip_by_value(low - _MARGIN, 0, limit) / block) * block
    end = tf.math.ceil((tf.clip_by_value(high + _MARGIN, first, limit) + 1) / block) * block
    part = tf.cast(tf.concat([first, tf.minimum(end, limit + 1) - first], axis=1), tf.int32)
    return tf.where((whole | outside | behind)[:, None], everything, part)

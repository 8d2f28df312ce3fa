"""Which of several files cannot be decoded: TensorFlow's decoders say what is wrong, and not where."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from augline.arrays import Array
from augline.feed.graph.mapped import mapped, traced


def all_whole(read: Callable[[Array], Array], names: Array) -> tf.Operation:
    """Refuses the first file that cannot be decoded, by name.

    Args:
        read: Of the number of a file, int64, its pixels.
        names: `(files,)`.
    """
    files = names.shape[0]

    def decoded(number: Array) -> Array:
        return tf.identity_n([number, read(number)])[0]  # behind a mere control dependency a branch is left out

    numbers = mapped(tf.data.Dataset.range(files), traced(decoded, tf.TensorSpec((), tf.int64)), 1)
    good = numbers.ignore_errors(log_warning=True).reduce(
        tf.constant(0, tf.int64), lambda count, number: tf.where(number == count, count + 1, count)
    )
    first = tf.gather(names, tf.minimum(good, files - 1))
    message = tf.strings.join([first, ": TensorFlow's decoder finds it damaged. Copy or download the file again."])
    return tf.raw_ops.Assert(condition=good == files, data=[message])

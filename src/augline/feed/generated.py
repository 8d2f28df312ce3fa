"""Data sets of what Python gives, which keep it as long as they live and no longer."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from augline.errors import SourceError

if TYPE_CHECKING:
    import tensorflow as tf


def generated(passes: Callable[[], Iterator[Any]], signature: Any) -> tf.data.Dataset:
    """`tf.data.Dataset.from_generator`, which lets go of its function, and of the user's data behind that.

    TensorFlow (2.21) hangs each function that it calls in Python to the outermost graph, which outside of any graph
    lives until the process ends. So it gets one that holds nothing, and the data set keeps the rest: those made of it
    keep it in turn, and so do their iterators. In a graph, which keeps no data set in Python, all stays as it is.

    Args:
        passes: Called for each pass; an object or a function that the caller need not keep, but no bound method.
        signature: Of the elements.
    """
    import tensorflow as tf

    if not tf.executing_eagerly():
        return tf.data.Dataset.from_generator(passes, output_signature=signature)
    kept = weakref.ref(passes)

    def begun() -> Iterator[Any]:
        function = kept()
        if function is None:
            raise SourceError(
                "to_dataset(): a data set must be there while it is read. Received a read when no Python object held "
                "it, or one made of it, any more. Keep it in a variable."
            )
        return function()

    dataset = tf.data.Dataset.from_generator(begun, output_signature=signature)
    dataset.passes = passes
    return dataset

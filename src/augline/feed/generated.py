"""Data sets of what Python gives, which keep it as long as they live and no longer."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from augline.errors import SourceError

if TYPE_CHECKING:
    import tensorflow as tf

T = TypeVar("T")


def generated(passes: Callable[[], Iterator[Any]], signature: Any) -> tf.data.Dataset:
    """`tf.data.Dataset.from_generator`, which lets go of its function, and of the user's data behind that.

    Args:
        passes: Called for each pass; an object or a function that the caller need not keep, but no bound method.
        signature: Of the elements.
    """
    import tensorflow as tf

    begun = weakly(passes)
    dataset = tf.data.Dataset.from_generator(lambda: begun()(), output_signature=signature)
    dataset.passes = passes
    return dataset


def called(function: Callable[..., Any], numbers: Sequence[Any], signature: Any) -> Any:
    """What a function makes of whole numbers when a data set asks for it, as tensors of that signature."""
    import tensorflow as tf

    def flattened(*given: Any) -> Any:
        return tf.nest.flatten(function(*map(int, given)))

    flat = tf.nest.flatten(signature)
    found = tf.numpy_function(flattened, numbers, [spec.dtype for spec in flat])
    for tensor, spec in zip(found, flat, strict=True):
        tensor.set_shape(spec.shape)
    return tf.nest.pack_sequence_as(signature, found)


def weakly(thing: T) -> Callable[[], T]:
    """What gives a thing to functions that TensorFlow calls in Python; a data set's object must keep it.

    TensorFlow (2.21) hangs each such function to the outermost graph, which outside of any graph lives until the
    process ends. So the function holds nothing, and the data set all; those made of it keep it in turn, and so do their
    iterators. A data set made in a graph has no object in Python once that is traced: there the function holds it.
    """
    import tensorflow as tf

    if not tf.executing_eagerly():
        return lambda: thing
    kept = weakref.ref(thing)

    def found() -> T:
        result = kept()
        if result is None:
            raise SourceError(
                "A data set must be there while it is read. Received a read when no object in Python held it, or one "
                "made of it, any more. Keep it in a variable."
            )
        return result

    return found

"""`Dataset.map` whose iterators are there at once.

TensorFlow optimizes the function of a `map` anew for each iterator: for a graph of a few thousand operations that is
half a second at the start of every pass. It leaves alone what is for a single device, as an attribute can say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

_ATTRIBUTES = {"experimental_ints_on_device": True}


def traced(function: Callable[..., Any], *given: tf.TensorSpec) -> Any:
    """The graph of a function of tensors, for `mapped`."""
    return tf.function(function, given, autograph=False, experimental_attributes=_ATTRIBUTES).get_concrete_function()


def mapped(dataset: tf.data.Dataset, made: Any, workers: int, *, ordered: bool = True) -> tf.data.Dataset:
    """The elements of a data set through a function.

    Args:
        dataset: Of tensors.
        made: What `traced` gave.
        workers: Elements that are made at once.
        ordered: Whether the order stays.
    """
    spec = tf.nest.map_structure(tf.TensorSpec.from_tensor, made.structured_outputs)
    flat = tf.nest.flatten(spec)
    variant = tf.raw_ops.ParallelMapDatasetV2(
        input_dataset=tf.data.experimental.to_variant(dataset), other_arguments=made.captured_inputs, f=made,
        num_parallel_calls=tf.constant(workers, tf.int64), output_types=[part.dtype for part in flat],
        output_shapes=[part.shape for part in flat], deterministic=str(ordered).lower(),
    )  # fmt: skip
    found = tf.data.experimental.from_variant(variant, spec)
    found.function = made  # TensorFlow forgets a function that Python lets go of
    return found

"""Batches for TensorFlow: a `tf.data.Dataset` around the thread pool."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from augline.errors import ArgumentError

if TYPE_CHECKING:
    import tensorflow as tf

    from augline.pipeline import Pipeline


def to_tf(pipe: Pipeline, start: tuple[int, int]) -> tf.data.Dataset:
    """See `Pipeline.to_tf`."""
    import tensorflow as tf

    steps = len(pipe)
    epoch, step = start
    if epoch < 0 or not 0 <= step < steps:
        raise ArgumentError(
            f"Pipeline.to_tf(start={start}): start must be (epoch, step) with 0 <= step < {steps}. Received {start}. "
            "An epoch has len(pipe) steps."
        )
    passes = iter(_passes(start))

    def one_pass() -> Iterator[Any]:
        return pipe.epoch(*next(passes))

    dataset = tf.data.Dataset.from_generator(one_pass, output_signature=_signature(pipe))
    # the first pass of a resumed run is shorter than the others, so there its length cannot be promised
    return dataset if step else dataset.apply(tf.data.experimental.assert_cardinality(steps))


def _passes(start: tuple[int, int]) -> Iterator[tuple[int, int]]:
    epoch, step = start
    while True:
        yield epoch, step
        epoch, step = epoch + 1, 0


def _signature(pipe: Pipeline) -> Any:
    """Shapes and types as the first batch has them; the batch dimension is open where the last batch is shorter."""
    import tensorflow as tf

    rows = len(pipe.positions(0))
    fixed = len(pipe.positions(len(pipe) - 1)) == rows

    def spec(array: Any) -> tf.TensorSpec:
        return tf.TensorSpec((rows if fixed else None, *np.shape(array)[1:]), np.asarray(array).dtype)

    return tf.nest.map_structure(spec, pipe.batches.blank())

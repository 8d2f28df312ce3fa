"""Other samples in the places of those that fail: the same as `augline.replacement` takes.

A batch is made as always. Only where that fails its samples are read one by one, and it is made once more of those that
can be. So a batch in which nothing fails costs no more than one of `on_error="raise"`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from augline.arrays import Array
from augline.engines.arrays import tensorflow as xp
from augline.feed.graph.mapped import mapped, traced
from augline.feed.graph.mixed import MixedRows
from augline.feed.graph.rows import Rows
from augline.feed.numpy import default_workers
from augline.replacement import ATTEMPTS, substitutes
from augline.sources.base import Source

if TYPE_CHECKING:
    from augline.pipeline import Pipeline

_NUMBER = tf.TensorSpec((), tf.int64)


class StandIns:
    """Makes samples; where some fail, others stand in for them, as TensorFlow's log says.

    Args:
        pipe: Whose `on_error` is not "raise".
        make: Makes samples, or fails.
        rows: How many there are in a batch.
    """

    def __init__(self, pipe: Pipeline, make: Rows | MixedRows, rows: int) -> None:
        self._pipe, self._make, self._rows, self._workers = pipe, make, rows, pipe.workers or default_workers()
        places = tf.TensorSpec((rows,), tf.int64)
        self._made = traced(lambda epoch, _, indices: make(epoch, indices), _NUMBER, places, places)
        self._whole = traced(self._is_whole, _NUMBER, _NUMBER, _NUMBER)
        self._filled = traced(self._fill, _NUMBER, places, places)

    def __call__(self, epoch: Array, positions: Array, indices: Array) -> Any:
        """What comes out of samples `(batch,)`, which stand at these positions of an epoch."""
        places = tf.data.Dataset.from_tensors((epoch, positions, indices))
        at_once = mapped(places, self._made, 1).ignore_errors()
        filled = mapped(mapped(places, self._filled, 1), self._made, 1)
        return at_once.concatenate(filled).take(1).get_single_element()

    def _fill(self, epoch: Array, positions: Array, indices: Array) -> tuple[Array, Array, Array]:
        """The same places with samples that can be read."""

        def again(attempt: Array, found: Array, good: Array) -> tuple[Array, Array, Array]:
            others = substitutes(self._pipe, epoch, positions + attempt, xp)
            found = tf.where(good | (attempt == 0), found, others)
            return attempt + 1, found, good | self._good(epoch, found, ~good)

        def left(attempt: Array, _: Array, good: Array) -> Array:
            return (attempt <= ATTEMPTS) & ~tf.reduce_all(good)

        start = tf.constant(0, tf.int64), indices, tf.zeros(self._rows, tf.bool)
        _, found, good = tf.while_loop(left, again, start)
        with tf.control_dependencies([self._all(good, indices), self._log(epoch, positions, indices, found)]):
            return epoch, positions, tf.identity(found)

    def _good(self, epoch: Array, indices: Array, asked: Array) -> Array:
        """Which of the samples that are `asked` for can be read, `(batch,)`."""
        rows = tf.where(asked)[:, 0]
        samples = tf.data.Dataset.from_tensor_slices((tf.repeat(epoch, tf.size(rows)), tf.gather(indices, rows), rows))
        whole = mapped(samples, self._whole, self._workers).ignore_errors(log_warning=True)
        return whole.reduce(tf.zeros(self._rows, tf.bool), lambda found, row: found | (tf.range(self._rows) == row))

    def _is_whole(self, epoch: Array, index: Array, row: Array) -> Array:
        """Fails if the sample does; reads just what the batch reads of it."""
        with tf.control_dependencies(self._make.read(epoch, index[None])):
            return tf.cast(row, tf.int32)

    def _all(self, good: Array, indices: Array) -> tf.Operation:
        """Refuses samples for which nothing could stand in."""
        owner = f"Pipeline(on_error={self._pipe.on_error!r}): one of {ATTEMPTS} substitutes must be readable. "
        first = self._make.names(tf.gather(indices, tf.argmin(tf.cast(good, tf.int32))))
        message = tf.strings.join([owner, "Received failures for all of those of ", first, ". Check the data set."])
        return tf.raw_ops.Assert(condition=tf.reduce_all(good), data=[message])

    def _log(self, epoch: Array, positions: Array, indices: Array, found: Array) -> tf.Operation:
        """Tells which samples were replaced."""
        rows = tf.where(indices != found)[:, 0]
        places, names, others = (tf.gather(column, rows) for column in (positions, indices, found))
        names, others, text = self._make.names(names), self._make.names(others), tf.strings.as_string
        told = ["augline: epoch ", text(epoch), ", position ", text(places), ": ", others, " stands in for ", names]
        lines = tf.strings.reduce_join(
            tf.unique(tf.strings.join(told))[0], separator="\n"
        )  # rows that fill up come again
        return tf.cond(tf.size(rows) > 0, lambda: _print(lines), lambda: tf.no_op())


def _print(line: Array) -> tf.Operation:
    return tf.raw_ops.PrintV2(input=line, output_stream="log(warning)")


def reads_files(source: Source) -> bool:
    """Whether a sample of it may fail: none in memory does."""
    return source.size is None or source.targets.masks is not None

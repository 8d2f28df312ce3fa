"""What is done where samples fail: others stand in, the same as `augline.replacement` takes; or the error gets a name.

A batch is made as always. Only where that fails its samples are looked at one by one, and it is made once more. So a
batch in which nothing fails costs a hundredth more.
"""

from __future__ import annotations

from collections.abc import Callable
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


Places = tuple[Array, Array, Array]
"""An epoch, positions in it `(batch,)`, and the samples that are made for them `(batch,)`."""


class Twice:
    """Makes samples; where that fails, looks at them and makes them again.

    Args:
        make: Makes samples, or fails.
        rows: How many there are in a batch.
        look: Gives the samples to make in the second place, or fails with a better error.
    """

    def __init__(self, make: Rows | MixedRows, rows: int, look: Callable[..., Places]) -> None:
        places = tf.TensorSpec((rows,), tf.int64)
        self._made = traced(lambda epoch, _, indices: make(epoch, indices), _NUMBER, places, places)
        self._looked = traced(look, _NUMBER, places, places)

    def __call__(self, *places: Array) -> Any:
        """What comes out of samples: see `Places`."""
        given = tf.data.Dataset.from_tensors(places)
        at_once = mapped(given, self._made, 1).ignore_errors()
        again = mapped(mapped(given, self._looked, 1), self._made, 1)
        return at_once.concatenate(again).take(1).get_single_element()


class StandIns:
    """Other samples in the places of those that fail, as TensorFlow's log says.

    Args:
        pipe: Whose `on_error` is not "raise".
        make: Makes samples, or fails.
        rows: How many there are in a batch.
    """

    def __init__(self, pipe: Pipeline, make: Rows | MixedRows, rows: int) -> None:
        self._pipe, self._make, self._rows, self._workers = pipe, make, rows, pipe.workers or default_workers()
        self._whole = traced(self._is_whole, _NUMBER, _NUMBER, _NUMBER)

    def __call__(self, epoch: Array, positions: Array, indices: Array) -> Places:
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


def named(make: Rows | MixedRows) -> Callable[..., Places]:
    """The look at samples for images that no decoder reads, which are refused by name."""

    def look(epoch: Array, positions: Array, indices: Array) -> Places:
        with tf.control_dependencies(make.whole(epoch, indices)):
            return epoch, positions, tf.identity(indices)

    return look


def reads_files(source: Source) -> bool:
    """Whether a sample of it may fail: none in memory does."""
    return source.size is None or source.targets.masks is not None

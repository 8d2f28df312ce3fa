"""Batches for TensorFlow: a `tf.data.Dataset` around the thread pool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from augline.batches import Field
from augline.errors import ArgumentError

if TYPE_CHECKING:
    import tensorflow as tf

    from augline.pipeline import Pipeline


def to_tf(pipe: Pipeline, start: tuple[int, int]) -> tf.data.Dataset:
    """See `Pipeline.to_tf`. Nothing is copied: a tensor takes over the memory of its array, which is aligned for it."""
    import tensorflow as tf

    signature = _signature(pipe)
    dataset = tf.data.Dataset.from_generator(_Passes(pipe, start), output_signature=signature)
    # The length is declared, not asserted: `take` of what might go on for ever has a known length, and ends early where
    # there is less, as in the first pass of a resumed run. An asserted length would fail there, and with an unknown one
    # Keras cuts every later epoch to the length of the first.
    nothing = tf.data.Dataset.from_generator(tuple, output_signature=signature).repeat()
    return dataset.concatenate(nothing).take(len(pipe)).with_options(_options())


class _Passes:
    """Starts the passes, one after the other; the epoch counts on once a pass has given its last batch.

    A pass left early is begun again by the next: under a strategy Keras peeks into the data set before it trains, and
    no epoch may be lost to that.
    """

    def __init__(self, pipe: Pipeline, start: tuple[int, int]) -> None:
        self._pipe, self._place = pipe, start

    def __call__(self) -> Iterator[Any]:
        epoch, step = self._place
        for number, batch in enumerate(self._pipe.epoch(epoch, step), step + 1):
            if number == len(self._pipe):
                self._place = max(self._place, (epoch + 1, 0))
            yield batch


def _options() -> tf.data.Options:
    """The work happens in our threads, and each host has its shard already.

    There is nothing here to tune, and TensorFlow's tuner costs up to half a second at the start of every pass but the
    first. Operations added after this run with its default parallelism; `with_options` switches it on again.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    options.autotune.enabled = False
    return options


def _signature(pipe: Pipeline) -> Any:
    """Shapes and types, without reading a sample; the batch dimension is open where the last batch is shorter."""
    import tensorflow as tf

    fields = pipe.batches.fields()
    if fields.get("keypoints", ...) is None:
        raise ArgumentError(
            f"Pipeline({pipe.source!r}).to_tf(): all images must have equally many keypoints, for a tensor has one "
            "shape. Received different numbers. Pad them with points of visibility 0."
        )
    rows = len(pipe.positions(0))
    batch = rows if len(pipe.positions(len(pipe) - 1)) == rows else None

    def spec(field: Field | Mapping[str, Field | None] | None) -> Any:
        if isinstance(field, Field):
            return tf.TensorSpec((batch, *field.shape), field.dtype)
        return {name: spec(part) for name, part in (field or {}).items()}

    return pipe.batches.packed({name: spec(field) for name, field in fields.items()})

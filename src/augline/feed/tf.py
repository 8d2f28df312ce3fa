"""Batches for TensorFlow: a `tf.data.Dataset` around the thread pool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from augline.errors import ArgumentError
from augline.fields import Field

if TYPE_CHECKING:
    import tensorflow as tf

    from augline.pipeline import Pipeline


def to_tf(pipe: Pipeline, start: tuple[int, int]) -> tf.data.Dataset:
    """See `Pipeline.to_tf`. Nothing is copied: a tensor takes over the memory of its array, which is aligned for it."""
    import tensorflow as tf

    from augline.convert.distribute import scope_replicas

    # A strategy may come later, over all devices: rows that do not divide by them leave the batch dimension open.
    devices = max(len(tf.config.list_logical_devices(kind)) for kind in ("GPU", "CPU"))
    replicas = scope_replicas()
    rows = _rows(pipe, (replicas, devices))
    signature = _signature(pipe, rows)
    passes = _Passes(pipe, start, replicas, fixed=rows is not None)
    dataset = tf.data.Dataset.from_generator(passes, output_signature=signature)
    # The length is declared, not asserted: `take` of what might go on for ever has a known length, and ends early where
    # there is less, as in the first pass of a resumed run. An asserted length would fail there, and with an unknown one
    # Keras cuts every later epoch to the length of the first.
    nothing = tf.data.Dataset.from_generator(tuple, output_signature=signature).repeat()
    # Each host has its shard already.
    return dataset.concatenate(nothing).take(len(pipe)).with_options(options("OFF"))


class _Passes:
    """Starts the passes, one after the other; the epoch counts on once a pass has given its last batch.

    A pass left early is begun again by the next. Under a strategy Keras looks at a batch before it trains, which is no
    pass; what that and the replicas ask of batches whose rows are not `fixed` is in `convert.distribute`.
    """

    def __init__(self, pipe: Pipeline, start: tuple[int, int], replicas: int, *, fixed: bool) -> None:
        self._pipe, self._place, self._replicas, self._fixed = pipe, start, replicas, fixed

    def __call__(self) -> Iterator[Any]:
        from augline.convert.distribute import balanced, divisible, looking_replicas

        epoch, step = self._place
        if replicas := looking_replicas():
            self._replicas = max(self._replicas, replicas)
            yield divisible(self._pipe.batch(epoch, step), 1 if self._fixed else replicas)
            return
        batches = balanced(self._pipe.epoch(epoch, step), 1 if self._fixed else self._replicas)
        for number, batch in enumerate(batches, step + 1):
            if number == len(self._pipe):
                self._place = max(self._place, (epoch + 1, 0))
            yield batch


def options(sharding: str) -> tf.data.Options:
    """Options of a data set whose work happens in our threads; `sharding` names the policy, "OFF" or "DATA".

    There is nothing here to tune, and TensorFlow's tuner costs up to half a second at the start of every pass but the
    first. Operations added after this run with its default parallelism; `with_options` switches it on again.
    """
    import tensorflow as tf

    found = tf.data.Options()
    found.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy[sharding]
    found.autotune.enabled = False
    return found


def _rows(pipe: Pipeline, replicas: tuple[int, ...]) -> int | None:
    """Rows of every batch; None where the last is shorter, or where the rows have to be shared out unevenly."""
    rows = len(pipe.positions(0))
    alike = len(pipe.positions(len(pipe) - 1)) == rows
    return rows if alike and all(rows % count == 0 for count in replicas) else None


def _signature(pipe: Pipeline, batch: int | None) -> Any:
    """Shapes and types, without reading a sample."""
    import tensorflow as tf

    fields = pipe.batches.fields()
    if fields.get("keypoints", ...) is None:
        raise ArgumentError(
            f"Pipeline({pipe.source!r}).to_tf(): all images must have equally many keypoints, for a tensor has one "
            "shape. Received different numbers. Pad them with points of visibility 0."
        )

    def spec(field: Field | Mapping[str, Field | None] | None) -> Any:
        if isinstance(field, Field):
            return tf.TensorSpec((batch, *field.shape), field.dtype)
        return {name: spec(part) for name, part in (field or {}).items()}

    return pipe.batches.packed({name: spec(field) for name, field in fields.items()})

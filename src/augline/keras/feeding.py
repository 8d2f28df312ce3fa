"""An ImageDataGenerator's iterator as a `tf.data.Dataset`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator as Iterates
from typing import TYPE_CHECKING, Any

import numpy as np

from augline.convert.distribute import caller, logical_devices, scope_replicas
from augline.feed.balance import balanced, looked_at, rounded_up
from augline.feed.generated import generated
from augline.feed.tf import options, untuned

if TYPE_CHECKING:
    import tensorflow as tf

    from augline.keras.legacy_iterators import Iterator


def to_dataset(iterator: Iterator) -> tf.data.Dataset:
    """See `Iterator.to_dataset`."""
    import tensorflow as tf

    steps, passes, scope, devices = len(iterator), itertools.count(), scope_replicas(), logical_devices()

    def one_pass() -> Iterates[Any]:
        asked = caller()
        if asked.rehearses:
            rows = rounded_up(min(iterator.batch_size, iterator.n), asked.replicas)
            yield from itertools.repeat(tuples(iterator.blank(rows)), steps)
            return
        copy = iterator.restarted(next(passes) * steps)
        batches = (tuples(next(copy)) for _ in range(steps))
        replicas = max(scope, asked.replicas)
        evened = balanced(batches, replicas, devices=devices, samples=iterator.n, fills=asked.trains)
        yield from looked_at(evened, replicas, asked.uses)

    blank = iterator.blank(min(iterator.batch_size, max(iterator.n, 1)))
    fixed = iterator.n % iterator.batch_size == 0 and iterator.batch_size % devices == 0
    length = iterator.batch_size if fixed else None

    def spec(array: Any) -> tf.TensorSpec:
        return tf.TensorSpec((length, *np.shape(array)[1:]), np.asarray(array).dtype)

    dataset = generated(one_pass, tf.nest.map_structure(spec, tuples(blank)))
    return dataset.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(2).with_options(options("DATA"))


def untune(adapter: Any) -> None:
    """Has an adapter of Keras's, which makes a data set of what it is given, make one without TensorFlow's tuner."""
    make = adapter.get_tf_dataset
    adapter.get_tf_dataset = lambda: make().with_options(untuned())


def tuples(batch: Any) -> Any:
    """The same batch without lists, which TensorFlow would stack into one array."""
    return tuple(tuples(part) for part in batch) if isinstance(batch, (tuple, list)) else batch

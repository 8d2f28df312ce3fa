"""One batch as a graph: from (epoch, step) to pixels and targets."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from augline.arrays import Array
from augline.engines.arrays import tensorflow as xp
from augline.feed.class_weights import weighed
from augline.feed.graph.mixed import maker
from augline.feed.graph.standins import StandIns, reads_files
from augline.feed.parts import Parts, share


class GraphBatches:
    """Makes batches in a graph. All are made in one shape: short ones are filled up, and cut at the end.

    Args:
        parts: Of which pipeline, and how its batches are divided.

    Raises:
        EngineError: No graph can read the source, or move its targets.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts, self._pipe = parts, parts.pipe
        make, self._rows = maker(parts.pipe.batches), parts.rows or max(max(parts.sizes()), 1)
        stands_in = parts.pipe.on_error != "raise" and reads_files(parts.pipe.source)
        self._make = StandIns(parts.pipe, make, self._rows) if stands_in else lambda epoch, _, at: make(epoch, at)
        self._alike = parts.rows is not None or len(parts.sizes()) == 1

    def __call__(self, epoch: Array, number: Array) -> Any:
        """An element, as `Pipeline` gives a batch: numbered through the parts of each step."""
        positions, count = self._positions(number)
        return self._finished(self._make(epoch, positions, self._pipe.indices(epoch, positions, xp)), count)

    def _finished(self, batch: dict[str, Any], count: Array) -> Any:
        """What was filled up has weight 0, or is cut off."""
        if self._parts.weights:
            batch = weighed(xp, self._parts.weights, batch)
        if self._parts.rows is not None:
            weights = batch.get("weights", tf.ones((self._rows,)))
            batch = {**batch, "weights": tf.where(tf.range(self._rows, dtype=tf.int64) < count, weights, 0.0)}
        elif not self._alike:
            batch = tf.nest.map_structure(lambda column: column[:count], batch)
        return self._pipe.batches.packed(batch)

    def _positions(self, number: Array) -> tuple[Array, Array]:
        """At which positions of an epoch the samples of an element stand, filled up with its own; and how many."""
        pipe, parts, (host, hosts) = self._pipe, self._parts, self._pipe.shard
        samples = len(pipe.source)
        step, part = number // parts.count, host * parts.count + number % parts.count
        whole = tf.minimum(tf.cast(pipe.batch_size, tf.int64), samples - step * pipe.batch_size)
        start, end = share(whole, part, hosts * parts.count)
        places = tf.range(self._rows, dtype=tf.int64) % tf.maximum(end - start, 1)
        positions = tf.minimum(step * pipe.batch_size + start + places, samples - 1)
        return tf.ensure_shape(positions, (self._rows,)), end - start

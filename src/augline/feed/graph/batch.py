"""One batch as a graph: from (epoch, step) to pixels and targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from augline.arrays import Array
from augline.engines.arrays import tensorflow as xp
from augline.feed.graph.compiled import carry_out
from augline.feed.graph.files import carried, opened
from augline.feed.graph.source import Samples
from augline.order import shuffled
from augline.plan import Plan

if TYPE_CHECKING:
    from augline.pipeline import Pipeline


class GraphBatches:
    """Makes batches of a pipeline in a graph. All of one shape: short ones are filled up, and cut at the end.

    Args:
        pipe: The pipeline.
        samples: Its source as tensors.
    """

    def __init__(self, pipe: Pipeline, samples: Samples) -> None:
        self._pipe, self._samples = pipe, samples
        host, hosts = pipe.shard
        self._rows = max(-(-pipe.batch_size // hosts), 1)
        self._even = pipe.batch_size % hosts == 0 and len(pipe) * pipe.batch_size == len(pipe.source)
        self._even = self._even or (pipe.batch_size % hosts == 0 and pipe.drop_remainder)

    def __call__(self, epoch: Array, step: Array) -> Any:
        """The batch of a step, as `Pipeline` gives it."""
        source = self._pipe.source
        indices, count = self._indices(epoch, step)
        ids = tf.gather(self._samples.ids, indices)
        if self._samples.paths is None:
            images = self._samples.image(indices)
            plan = self._plan(epoch, ids, tf.constant([images.shape[1:3]] * self._rows))
            images = carry_out(plan, images)
        else:
            names = tf.gather(self._samples.paths, indices)
            files = opened(tf.map_fn(tf.io.read_file, names), names, source.exif)
            plan = self._plan(epoch, ids, files.sizes)
            images = carried(files, plan, source.channels, source.dtype)
        columns = {name: tf.gather(column, indices) for name, column in self._samples.columns.items()}
        batch = {"images": images, **columns}
        return self._pipe.batches.packed({k: value if self._even else value[:count] for k, value in batch.items()})

    def _indices(self, epoch: Array, step: Array) -> tuple[Array, Array]:
        """Which samples make up this host's slice of a batch, filled up with its last; and how many there are."""
        pipe, (host, hosts) = self._pipe, self._pipe.shard
        samples = len(pipe.source)
        first = step * pipe.batch_size
        rows = tf.minimum(tf.cast(pipe.batch_size, tf.int64), samples - first)
        start, end = first + rows * host // hosts, first + rows * (host + 1) // hosts
        positions = tf.minimum(start + tf.range(self._rows, dtype=tf.int64), samples - 1)
        indices = shuffled(positions, samples, pipe.seed, epoch, xp=xp) if pipe.shuffle else positions
        return tf.ensure_shape(indices, (self._rows,)), end - start

    def _plan(self, epoch: Array, ids: Array, sizes: Array) -> Plan:
        return self._pipe.program.plan(epoch, ids, tf.cast(sizes, tf.int64), xp=xp)[1]

"""Samples by their indices, through a program that mixes none: read, planned and carried out, with their targets."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from augline.arrays import Array
from augline.batches import Batches
from augline.engines.arrays import tensorflow as xp
from augline.feed.graph.compiled import carry_out
from augline.feed.graph.files import carried, opened
from augline.feed.graph.source import Samples
from augline.feed.graph.targets import Targets
from augline.plan import Plan
from augline.program import Program


class Rows:
    """Makes samples in a graph.

    Args:
        batches: Their source and program.

    Raises:
        EngineError: No graph can read the source, or move its targets.
    """

    def __init__(self, batches: Batches) -> None:
        self._batches, self._samples, self._targets = batches, Samples(batches.source), Targets(batches)

    def __call__(self, epoch: Array, indices: Array) -> dict[str, Any]:
        """What comes out of samples `(batch,)` of the source, by name."""
        source, samples = self._batches.source, self._samples
        if samples.paths is None:
            images = samples.image(indices)
            sizes = tf.constant([images.shape[1:3].as_list()] * indices.shape[0])
            names = tf.strings.join(["images[", tf.strings.as_string(indices), "]"])
            plan = self._plan(epoch, indices, sizes)
            images = carry_out(plan, images)
        else:
            names = tf.gather(samples.paths, indices)
            files = opened(samples.files(indices), names, source.exif)
            sizes = files.sizes
            plan = self._plan(epoch, indices, sizes)
            images = carried(files, plan, source.channels, source.dtype)
        return {"images": images, **self._targets.take(plan, indices, sizes, names)}

    def ids(self, indices: Array) -> Array:
        """Of samples, by their indices."""
        return tf.gather(self._samples.ids, indices)

    def _plan(self, epoch: Array, indices: Array, sizes: Array) -> Plan:
        return planned(self._batches.program, epoch, self.ids(indices), sizes)


def planned(program: Program, epoch: Array, ids: Array, sizes: Array) -> Plan:
    """The plan of a batch."""
    return program.plan(epoch, ids, tf.cast(sizes, tf.int64), xp=xp)[1]

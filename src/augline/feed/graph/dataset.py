"""A `tf.data.Dataset` that is nothing but a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import tensorflow as tf

from augline.arrays import Array
from augline.feed.graph.batch import GraphBatches
from augline.feed.graph.check import check
from augline.feed.graph.place import Place
from augline.feed.graph.source import Samples
from augline.feed.numpy import default_workers
from augline.feed.tf import options

if TYPE_CHECKING:
    from augline.pipeline import Pipeline

T = TypeVar("T", bound=Callable[..., Any])

_AHEAD = 2


def _as_it_is(function: T) -> T:
    """The function without autograph, which has no Python control flow to convert here, and takes seconds to see it."""
    kept: T = tf.autograph.experimental.do_not_convert(function)
    return kept


def to_tf(pipe: Pipeline, start: tuple[int, int]) -> tf.data.Dataset:
    """See `Pipeline.to_tf`: the same batches, without Python while they are made."""
    check(pipe)
    make, place, steps = GraphBatches(pipe, Samples(pipe.source)), Place(*start), len(pipe)

    @_as_it_is
    def steps_of(epoch: Array, first: Array) -> tf.data.Dataset:
        return tf.data.Dataset.range(first, steps).map(lambda step: (epoch, step))

    @_as_it_is
    def made(epoch: Array, step: Array) -> tuple[Array, Array, Any]:
        return epoch, step, make(epoch, step)

    @_as_it_is
    def given(epoch: Array, step: Array, batch: Any) -> Any:
        """The batch; with the last the pass is over."""
        with tf.control_dependencies([tf.cond(step == steps - 1, lambda: place.passed(epoch), tf.no_op)]):
            return tf.nest.map_structure(tf.identity, batch)

    workers = pipe.workers or default_workers()
    passes = tf.data.Dataset.range(1).map(lambda _: place.read()).flat_map(steps_of)
    dataset = passes.map(made, num_parallel_calls=workers, deterministic=True).prefetch(_AHEAD).map(given)
    # the length is declared, not asserted, for a first pass that begins late is shorter: see feed/tf.py
    return dataset.concatenate(dataset.take(0).repeat()).take(steps).with_options(options("OFF"))

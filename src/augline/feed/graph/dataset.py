"""A `tf.data.Dataset` that is nothing but a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import tensorflow as tf

from augline.arrays import Array
from augline.convert.distribute import logical_devices, scope_replicas
from augline.feed.graph.batch import GraphBatches
from augline.feed.graph.check import check
from augline.feed.graph.mapped import mapped, traced
from augline.feed.graph.place import Place
from augline.feed.numpy import default_workers
from augline.feed.parts import Parts
from augline.feed.tf import check_context, options, parts_of, shard_of, with_length
from augline.random import EPOCH_BITS

if TYPE_CHECKING:
    from augline.pipeline import Pipeline

T = TypeVar("T", bound=Callable[..., Any])

_AHEAD = 2


def _as_it_is(function: T) -> T:
    """The function without autograph, which has no Python control flow to convert here, and takes seconds to see it."""
    kept: T = tf.autograph.experimental.do_not_convert(function)
    return kept


def to_tf(
    pipe: Pipeline, start: tuple[int, int], last_batch: str | None, context: tf.distribute.InputContext | None,
    weights: tuple[float, ...],
) -> tf.data.Dataset:  # fmt: skip
    """See `Pipeline.to_tf`: the same batches, without Python while they are made."""
    check(pipe)
    check_context(context)
    parts = parts_under(pipe, last_batch, context, weights)
    make, workers = GraphBatches(parts), pipe.workers or default_workers()
    last = len(parts.pipe) * parts.count - 1

    @_as_it_is
    def numbers(epoch: Array, first: Array) -> tf.data.Dataset:
        return tf.data.Dataset.range(first * parts.count, last + 1).map(_as_it_is(lambda number: (epoch, number)))

    @_as_it_is
    def made(epoch: Array, number: Array) -> tuple[Array, Array, Any]:
        return epoch, number, make(epoch, number)

    @_as_it_is
    def given(element: tuple[Array, Array, Any], _: Array) -> Any:
        """The batch; with the last the pass is over."""
        epoch, number, batch = element
        with tf.control_dependencies([tf.cond(number == last, lambda: place.passed(epoch), tf.no_op)]):
            return tf.nest.map_structure(tf.identity, batch)

    if not tf.executing_eagerly():  # made on a worker of parameter servers, which has no passes: it takes what it needs
        epochs = tf.data.Dataset.range(start[0], 2**EPOCH_BITS)
        endless = epochs.flat_map(
            lambda epoch: numbers(epoch, tf.where(epoch == start[0], tf.cast(start[1], tf.int64), 0))
        )
        batches = endless.map(lambda *place: made(*place)[2], num_parallel_calls=workers, deterministic=True)
        return batches.prefetch(_AHEAD).with_options(options("OFF"))
    place = Place(*start)
    passes = tf.data.Dataset.range(1).map(_as_it_is(lambda _: place.read())).flat_map(numbers)
    ahead = mapped(passes, traced(made, *passes.element_spec), workers).prefetch(_AHEAD)
    dataset = tf.data.Dataset.zip(ahead, _held(place, parts)).map(given)
    rewritten = tf.distribute.has_strategy() or logical_devices() > 1
    return with_length(dataset.concatenate(dataset.take(0).repeat()), parts, rewritten=rewritten)


def _held(place: Place, parts: Parts) -> tf.data.Dataset:
    """The numbers of a pass. Nothing reads ahead of them, so an iterator holds its pass until the last is given."""

    @_as_it_is
    def numbers(epoch: Array, first: Array, name: Array) -> tf.data.Dataset:
        with tf.control_dependencies([place.held(epoch, name)]):
            return tf.data.Dataset.range(tf.identity(first) * parts.count, len(parts.pipe) * parts.count)

    return tf.data.Dataset.range(1).map(_as_it_is(lambda _: place.begin())).flat_map(numbers)


def parts_under(
    pipe: Pipeline, last_batch: str | None, context: tf.distribute.InputContext | None, weights: tuple[float, ...]
) -> Parts:
    """Under a strategy batches that do not divide are filled up: nothing can look at what becomes of them later."""
    replicas = 1 if context else scope_replicas()
    pipe = pipe.view(drop_remainder=True) if last_batch == "drop" else pipe
    pipe = pipe if context is None else pipe.view(shard=shard_of(pipe, context))
    parts = parts_of(pipe, last_batch, replicas, context, weights)
    uneven = last_batch is None and any(size % replicas for size in parts.sizes())
    return parts.padded(replicas) if uneven else parts

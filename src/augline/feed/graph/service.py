"""Batches made on a tf.data service: by workers that have TensorFlow and nothing of ours."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from augline.arrays import Array
from augline.errors import ArgumentError
from augline.feed.graph.batch import GraphBatches
from augline.feed.graph.check import check
from augline.feed.graph.dataset import parts_under
from augline.feed.graph.delivery import Counts, Delivery, Element
from augline.feed.tf import check_context, with_length
from augline.sources.refusal import refusal

if TYPE_CHECKING:
    from augline.feed.parts import Parts
    from augline.pipeline import Pipeline

_SECONDS_TO_ANSWER = 5.0
_AHEAD = 2


def to_tf(
    pipe: Pipeline, start: tuple[int, int], last_batch: str | None, context: tf.distribute.InputContext | None,
    address: str,
) -> tf.data.Dataset:  # fmt: skip
    """See `Pipeline.to_tf`: the same batches in the same order, made elsewhere. Its `report()` is a `ServiceReport`."""
    owner = f"Pipeline.to_tf(service={address!r})"
    if pipe.program.engine != "tensorflow":
        fix = "Write Pipeline(engine='tensorflow')."
        raise refusal(ArgumentError, owner, "workers run a graph", f"engine={pipe.program.engine!r}", fix)
    check(pipe)
    check_context(context)
    _check_answer(owner, address)
    parts = parts_under(pipe, last_batch, context)
    passes = _Passes(parts, start, address)
    dataset = tf.data.Dataset.from_generator(passes.next, output_signature=passes.signature).prefetch(_AHEAD)
    dataset = with_length(dataset.concatenate(dataset.take(0).repeat()), parts)
    dataset.report = passes.counts.report
    return dataset


class _Passes:
    """The passes over a data set: each is a job of its own on the service, for the numbers of its elements.

    What a worker is given is a pure function of (epoch, number): it is all one which worker makes it, and how often.
    """

    def __init__(self, parts: Parts, start: tuple[int, int], address: str) -> None:
        pipe = parts.pipe
        self._epoch, self._first = start[0], start[1] * parts.count
        self._end, self._address = len(pipe) * parts.count, address
        self._parallel = pipe.workers or tf.data.AUTOTUNE
        make, number = GraphBatches(parts), tf.TensorSpec((), tf.int64)

        def made(epoch: Array, number: Array) -> Any:
            return number, make(epoch, number)

        self._made = tf.function(made, [number, number], autograph=False).get_concrete_function()
        outputs = self._made.structured_outputs[1]
        self.signature = tf.nest.map_structure(lambda part: tf.TensorSpec(part.shape, part.dtype), outputs)
        self.counts = Counts()

    def next(self) -> Iterator[Any]:
        """The elements of the next pass; one that is left before its end is begun again."""
        epoch = self._epoch
        with Delivery(lambda numbers: self._served(epoch, numbers), self._first, self._end, self.counts) as elements:
            yield from elements
        if epoch == self._epoch:
            self._epoch, self._first = epoch + 1, 0

    def _served(self, epoch: int, numbers: list[int]) -> Iterator[Element]:
        service = tf.data.experimental.service
        asked = tf.data.Dataset.from_tensor_slices(tf.constant(numbers, tf.int64))
        made = asked.map(
            lambda number: self._made(tf.constant(epoch, tf.int64), number),
            num_parallel_calls=self._parallel,
            deterministic=False,
        )
        name = service.register_dataset(self._address, made, compression=None)
        mode = service.ShardingPolicy.DYNAMIC
        served = service.from_dataset_id(mode, self._address, name, element_spec=made.element_spec)
        for number, batch in served:
            yield int(number), tf.nest.map_structure(lambda part: part.numpy(), batch)


def _check_answer(owner: str, address: str) -> None:
    """Refuses an address at which nothing listens: TensorFlow would wait for hours."""
    protocol, _, place = str(address).partition("://")
    host, _, port = place.rpartition(":")
    if protocol != "grpc" or not host or not port.isdecimal() or int(port) > 65535:
        fix = "Write service='grpc://localhost:5050'."
        raise refusal(ArgumentError, owner, "the address must be grpc://host:port", repr(address), fix)
    try:
        socket.create_connection((host.strip("[]"), int(port)), _SECONDS_TO_ANSWER).close()
    except OSError as error:
        fix = f"Start one (augline serve dispatcher --port {port}), or correct the address."
        raise refusal(ArgumentError, owner, "a dispatcher must answer there", str(error), fix) from error

"""Batches made on a tf.data service: by workers that have TensorFlow and nothing of ours."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from augline.arrays import Array
from augline.errors import ArgumentError
from augline.feed.generated import called, generated, weakly
from augline.feed.graph.batch import GraphBatches
from augline.feed.graph.check import check
from augline.feed.graph.dataset import parts_under
from augline.feed.graph.delivery import Counts, Delivery, Element
from augline.feed.graph.mapped import mapped, traced
from augline.feed.tf import check_context, untuned, with_length
from augline.random import EPOCH_BITS
from augline.sources.refusal import refusal

if TYPE_CHECKING:
    from augline.feed.parts import Parts
    from augline.pipeline import Pipeline

_SECONDS_TO_ANSWER = 5.0
_IDLE = 600.0
"""Seconds that a job waits for another pass."""
_NOT_YET = -1
"""The token of a turn in which no batch came."""


def to_tf(
    pipe: Pipeline, start: tuple[int, int], last_batch: str | None, context: tf.distribute.InputContext | None,
    weights: tuple[float, ...], address: str,
) -> tf.data.Dataset:  # fmt: skip
    """See `Pipeline.to_tf`: the same batches in the same order, made elsewhere. Its `report()` is a `ServiceReport`."""
    owner = f"Pipeline.to_tf(service={address!r})"
    if pipe.program.engine != "tensorflow":
        fix = "Write Pipeline(engine='tensorflow')."
        raise refusal(ArgumentError, owner, "workers run a graph", f"engine={pipe.program.engine!r}", fix)
    check(pipe)
    check_context(context)
    _check_answer(owner, address)
    parts = parts_under(pipe, last_batch, context, weights)
    passes = _Passes(parts, start, address)
    tokens = generated(passes, tf.TensorSpec((), tf.int64))
    dataset = tokens.filter(lambda token: token != _NOT_YET).map(_taken(passes))
    dataset = with_length(dataset.concatenate(dataset.take(0).repeat()), parts)
    dataset.report = passes.counts.report
    return dataset


def _taken(passes: _Passes) -> Callable[[Array], Any]:
    """The function that gives the next batch of the pass that a token stands for."""
    signature, held = passes.signature, weakly(passes)

    def taken(token: Array) -> Any:
        return called(lambda token: held().take(token), [token], signature)

    return taken


class _Passes:
    """The passes over a data set. They share a job on the service, which makes batch after batch, of epoch after epoch.

    A worker compiles anew for each job, so there is a second one only where a pass was left before its end. What a
    worker makes of a number, counted through all epochs, is a pure function: it is all one which does, and how often.
    TensorFlow takes batches in two steps, by a token: the first can be broken off when it drops an iterator.
    """

    _waiting: tuple[Delivery, threading.Timer] | None = None
    """For the next pass; it may have been stopped."""

    def __init__(self, parts: Parts, start: tuple[int, int], address: str) -> None:
        self._length, self._jobs = len(parts.pipe) * parts.count, _Jobs(parts, address)
        self._start = start[0] * self._length + start[1] * parts.count
        self._running: dict[int, Delivery] = {}  # by the tokens of passes
        self._tokens, self._lock = itertools.count(), threading.Lock()
        self.signature, self.counts = self._jobs.signature, Counts()

    def __call__(self) -> Iterator[int]:
        """A token for each batch of the next pass, once it is here; one that is left early is begun again."""
        token = next(self._tokens)
        with self._lock:
            delivery = self._running[token] = self._delivery()
            end = (self._start // self._length + 1) * self._length
        try:
            while delivery.next < end and not delivery.stopped:
                yield token if delivery.ready() else _NOT_YET
        finally:
            if self._running.pop(token, None):  # left early
                delivery.stop()

    def take(self, token: int) -> Any:
        """The batch that a token was given for; with its last the pass is over."""
        delivery = self._running[token]
        batch = delivery.take()
        if delivery.next % self._length == 0:
            with self._lock:
                self._start = max(self._start, delivery.next)
                self._keep(self._running.pop(token))
        return batch

    def _delivery(self) -> Delivery:
        """From where the next pass begins: the one that waits there, if any."""
        waiting = self._kept()
        if waiting is not None and waiting.next == self._start and not waiting.stopped:
            return waiting
        if waiting is not None:
            waiting.stop()
        return Delivery(self._jobs.served, self._start, self._jobs.end, self.counts, self._jobs.trouble)

    def __del__(self) -> None:
        """Nothing waits any more when the data set is gone."""
        if self._waiting is not None:
            delivery, timer = self._waiting
            timer.cancel()
            delivery.stop()

    def _keep(self, delivery: Delivery) -> None:
        """It waits for the next pass, and none beside it; for a while, since workers keep what they make for it."""
        if (other := self._kept()) is not None:
            other.stop()
        timer = threading.Timer(_IDLE, delivery.stop)
        timer.daemon = True
        timer.start()
        self._waiting = delivery, timer

    def _kept(self) -> Delivery | None:
        """The one that waits, which may have been stopped, and waits no more."""
        if self._waiting is None:
            return None
        (delivery, timer), self._waiting = self._waiting, None
        timer.cancel()
        timer.join()
        return delivery


class _Jobs:
    """What workers are asked for: elements by their numbers, counted through all epochs."""

    def __init__(self, parts: Parts, address: str) -> None:
        self._address, self._parallel = address, parts.pipe.workers or tf.data.AUTOTUNE
        length = len(parts.pipe) * parts.count
        self.end = length << EPOCH_BITS
        """One past the last number."""
        make = GraphBatches(parts)

        def made(number: Array) -> Any:
            return number, make(number // length, number % length)

        self._made = traced(made, tf.TensorSpec((), tf.int64))
        outputs = self._made.structured_outputs[1]
        self.signature = tf.nest.map_structure(lambda part: tf.TensorSpec(part.shape, part.dtype), outputs)
        """Of an element."""

    def served(self, numbers: Sequence[int]) -> Iterator[Element]:
        """The elements of a job of its own, as workers give them."""
        service = tf.data.experimental.service
        if isinstance(numbers, range):
            asked = tf.data.Dataset.range(numbers.start, numbers.stop)
        else:
            asked = tf.data.Dataset.from_tensor_slices(tf.constant(numbers, tf.int64))
        made = mapped(asked, self._made, self._parallel, ordered=False)
        name = service.register_dataset(self._address, made, compression=None)
        mode = service.ShardingPolicy.DYNAMIC
        served = service.from_dataset_id(mode, self._address, name, element_spec=made.element_spec)
        for number, batch in served.with_options(untuned()):
            yield int(number), tf.nest.map_structure(lambda part: part.numpy(), batch)

    def trouble(self) -> str:
        """What is wrong if the dispatcher does not answer."""
        problem = _problem(self._address)
        return problem and f"the dispatcher at {self._address} does not answer ({problem})"


def _check_answer(owner: str, address: str) -> None:
    """Refuses an address at which nothing listens: TensorFlow would wait for hours."""
    protocol, _, place = str(address).partition("://")
    host, _, port = place.rpartition(":")
    if protocol != "grpc" or not host or not port.isdecimal() or int(port) > 65535:
        fix = "Write service='grpc://localhost:5050'."
        raise refusal(ArgumentError, owner, "the address must be grpc://host:port", repr(address), fix)
    if problem := _problem(address):
        fix = f"Start one (augline serve dispatcher --port {port}), or correct the address."
        raise refusal(ArgumentError, owner, "a dispatcher must answer there", problem, fix)


def _problem(address: str) -> str:
    """Why nobody answers at an address; nothing if somebody does."""
    host, _, port = address.removeprefix("grpc://").rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _SECONDS_TO_ANSWER).close()
    except OSError as error:
        return str(error)
    return ""

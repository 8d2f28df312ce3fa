"""The passes over a source: read ahead in order, held to the layout, gathered, augmented, evened out over replicas."""

from __future__ import annotations

import itertools
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from augline.buffers import Buffers
from augline.convert.augmented import Augmenter, counted
from augline.convert.distribute import caller, logical_devices, looking_replicas
from augline.convert.elements import Element, mapped, normalised, stacked
from augline.convert.infer import Layout
from augline.convert.pool import Idle, Pool, ordered
from augline.convert.processes import Outbox, Remote, Shipment
from augline.convert.recognise import Ended, Read, Reader
from augline.errors import SourceError
from augline.feed.balance import balanced, divisible, looked_at
from augline.feed.numpy import default_workers
from augline.order import shuffled


@dataclass(frozen=True, slots=True)
class Settings:
    """How a source is read.

    Attributes:
        workers: Threads or processes; 0 reads in the thread that asks.
        processes: Which of the two.
        seed: Of the order, of the workers' generators, and of the augmentation.
        shuffle: Whether an indexed source's elements come in an order of their own each pass.
        batch_size: Samples to gather in a batch; None where elements are given on as they are.
        raw: What is read looks so; None where only what comes out is held to a layout.
        out: What comes out looks so.
        augmenter: What happens in between.
    """

    workers: int
    processes: bool
    seed: int
    shuffle: bool
    batch_size: int | None
    raw: Layout | None
    out: Layout
    augmenter: Augmenter | None


class Here:
    """A worker without a process: the thread itself."""

    alive = True

    def __init__(self) -> None:
        self.buffers = Buffers()

    def close(self) -> None:
        """Nothing to close."""

    def read(self, read: Read, index: int) -> Element:
        """One element, in memory of its own: sources like to fill one array again and again."""
        return mapped(self._own, normalised(read(index)))

    def _own(self, array: Any) -> Any:
        if array.dtype == object or not array.size:
            return array.copy()
        place = self.buffers.take(array.shape, array.dtype.str)
        np.copyto(place, array)
        return place


class Passes:
    """Called for each pass over the data set; gives its elements.

    Args:
        reader: The source.
        settings: How to read it.
        replicas: Devices that share each batch, as far as known yet.
        first: Gives the first element that comes out, for those who only look.
    """

    def __init__(self, reader: Reader, settings: Settings, replicas: int, first: Callable[[], Element]) -> None:
        self.reader, self.settings, self.replicas, self._first = reader, settings, replicas, first
        self._lock, self._epoch = threading.Lock(), 0
        self._current: Pass | None = None
        self._looked: Element | None = None
        self._outbox = Outbox()
        self._pools: Idle[Any] = Idle(self._outbox.clear)
        self._helpers: Idle[Any] = Idle()
        for pools in (self._pools, self._helpers):
            weakref.finalize(self, pools.close)
        if settings.processes:
            self._warm_up(self._outbox.shipment(reader))

    def __call__(self) -> Iterator[Element]:
        replicas = looking_replicas()
        if replicas:
            self.replicas = max(self.replicas, replicas)
            self._looked = self._first() if self._looked is None else self._looked
            return itertools.repeat(divisible(self._looked, replicas))
        return self._elements()

    def reading(self, epoch: int, read: Read) -> Callable[[int], Callable[[Any], Element]]:
        """What a worker does for an index."""
        if not self.settings.processes:
            return lambda index: lambda worker: worker.read(read, index)
        seed, shipment = self.settings.seed, self._outbox.shipment(self.reader)
        return lambda index: lambda worker: worker.read(shipment, seed, epoch, index)

    def readers(self) -> Pool[Any]:
        """Workers that read, which no other pass uses."""
        settings = self.settings
        return self._pools.take(lambda: [Remote() if settings.processes else Here() for _ in range(settings.workers)])

    def helpers(self) -> Pool[Any]:
        """Threads that augment."""
        return self._helpers.take(lambda: [Here() for _ in range(default_workers())])

    def release(self, readers: Pool[Any] | None, helpers: Pool[Any] | None) -> None:
        """Takes workers back for the next pass."""
        for pools, pool in ((self._pools, readers), (self._helpers, helpers)):
            if pool is not None:
                pools.put(pool)

    def _warm_up(self, shipment: Shipment) -> None:
        """Starts the processes: they import what the source needs while the model is built."""
        pool = self.readers()
        for _ in range(len(pool)):
            pool.submit(lambda worker: worker.send(shipment))
        self._pools.put(pool)

    def _elements(self) -> Iterator[Element]:
        with self._lock:  # a pass that was left early may be torn down late: it ends before the next begins
            before, current = self._current, Pass(self, self._epoch)
            self._current, self._epoch = current, self._epoch + 1
        if before is not None:
            before.end()
        try:
            elements = current.elements()
            yield from self._balanced(elements) if self.settings.out.batched else elements
        finally:
            current.end()

    def _balanced(self, elements: Iterator[Element]) -> Iterator[Element]:
        size, length, asked = self.settings.batch_size, self.reader.length, caller()
        samples = None if size is None else length
        evened = balanced(
            elements, self.replicas, devices=logical_devices(), length=length, samples=samples, fills=asked.trains
        )  # fmt: skip
        return looked_at(evened, self.replicas, asked.uses)


class Pass:
    """One pass.

    Args:
        passes: The data set's.
        epoch: Its number, from 0.
    """

    def __init__(self, passes: Passes, epoch: int) -> None:
        self._passes, self._epoch = passes, epoch
        self._reader, self._settings = passes.reader, passes.settings
        self._readers: Pool[Any] | None = None
        self._helpers: Pool[Any] | None = None
        self._ended, self._begun, self._lock = False, False, threading.Lock()

    def elements(self) -> Iterator[Element]:
        """What comes out, in order."""
        settings = self._settings
        elements: Iterable[Any] = self._checked(self._read(), settings.raw)
        if settings.batch_size is not None:
            elements = _gathered(elements, settings.batch_size)
        if settings.augmenter is not None:
            elements = self._augmented(elements, settings.augmenter)
        elif settings.batch_size is not None:
            elements = map(stacked, elements)
        changed = settings.augmenter is not None or settings.batch_size is not None or settings.raw is None
        return self._checked(elements, settings.out if changed else None)

    def end(self) -> None:
        """Ends it, once; also one that was left early."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
        self._passes.release(self._readers, self._helpers)
        if self._begun and not sys.is_finalizing():
            self._reader.end()

    def _read(self) -> Iterator[Element]:
        read = self._reader.begin(self._epoch)
        self._begun = True
        task = self._passes.reading(self._epoch, read)
        if self._settings.workers:
            self._readers = self._passes.readers()
            results = ordered(self._readers, map(task, self._indices()), 2 * len(self._readers))
        else:
            here = Here()
            results = (task(index)(here) for index in self._indices())
        number = 0
        while True:
            try:
                element = next(results)
            except (StopIteration, Ended):
                return self._check_end(number)
            except Exception as error:
                raise self._failed(number, error) from error
            yield element
            number += 1

    def _indices(self) -> Iterable[int]:
        reader = self._reader
        if reader.length is None:
            return itertools.count()
        if not self._settings.shuffle:
            return range(reader.length)
        order = shuffled(np.arange(reader.length), reader.length, self._settings.seed, self._epoch)
        return map(int, np.asarray(order))

    def _check_end(self, number: int) -> None:
        length, name, number_of_pass = self._reader.length, self._reader.name, self._epoch + 1
        if length is not None and number < length:
            raise SourceError(
                f"to_dataset({name}): a pass must give {length} elements, as it promised. Received {number}, then the "
                f"end of pass {number_of_pass}. Correct __len__ or steps=, or let it go on."
            )
        if not number:
            raise SourceError(
                f"to_dataset({name}): a pass must give an element. Received none in pass {number_of_pass}. A generator "
                "function must make its iterators anew at each call."
            )

    def _failed(self, number: int, error: Exception) -> SourceError:
        return SourceError(
            f"to_dataset({self._reader.name}): every element must be readable. Received {type(error).__name__} at "
            f"element {number} of pass {self._epoch + 1}: {error}. The traceback above shows where."
        )

    def _checked(self, elements: Iterable[Element], layout: Layout | None) -> Iterator[Element]:
        for number, element in enumerate(elements):
            try:
                yield element if layout is None else layout.check(element)
            except SourceError as error:
                raise SourceError(
                    f"to_dataset({self._reader.name}): all elements must look alike. Received element {number} of pass "
                    f"{self._epoch + 1} with {error}. Mend the source, or pass signature= with None for axes that vary."
                ) from error

    def _augmented(self, elements: Iterable[Any], augmenter: Augmenter) -> Iterator[Element]:
        work = self._work(elements, augmenter)
        if self._settings.workers:
            self._helpers = self._passes.helpers()
            return ordered(self._helpers, work, 2 * len(self._helpers))
        return (task(None) for task in work)

    def _work(self, elements: Iterable[Any], augmenter: Augmenter) -> Iterator[Callable[[Any], Element]]:
        """One task per element; samples are numbered through, whatever the batches."""
        first = 0
        run: Callable[[Any, int, int], Element] = augmenter.sample if augmenter.samples else augmenter.batch
        if self._settings.batch_size is not None:
            run = augmenter.gathered
        for element in elements:
            yield partial(_run, run, element, self._epoch, first)
            gathered = isinstance(element, list)
            first += len(element) if gathered else 1 if augmenter.samples else counted(element)


def _run(run: Callable[[Any, int, int], Element], element: Any, epoch: int, first: int, worker: object) -> Element:
    return run(element, epoch, first)


def _gathered(samples: Iterable[Element], size: int) -> Iterator[list[Element]]:
    taken = iter(samples)
    while batch := list(itertools.islice(taken, size)):
        yield batch

"""The passes over a source: read ahead in order, held to the layout, gathered, augmented, evened out over replicas."""

from __future__ import annotations

import itertools
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from augline.buffers import Buffers
from augline.convert.augmented import Augmenter, counted
from augline.convert.distribute import balanced, divisible, looking_replicas
from augline.convert.elements import Element, mapped, normalised, stacked
from augline.convert.infer import Layout
from augline.convert.pool import Pool, ordered
from augline.convert.processes import Remote, Shipment
from augline.convert.recognise import Ended, Read, Reader
from augline.errors import SourceError
from augline.feed.numpy import default_workers
from augline.order import shuffled

_IDLE_SECONDS = 60.0  # after which the processes of a data set that nobody reads from are let go


@dataclass(frozen=True, slots=True)
class Settings:
    """How a source is read.

    Attributes:
        workers: Threads or processes; 0 reads in the thread that asks.
        processes: Which of the two.
        seed: Of the order, of the workers' generators, and of the augmentation.
        shuffle: Whether an indexed source's elements come in an order of their own each pass.
        batch_size: Samples to gather in a batch; None where elements are given on as they are.
        first: The raw first element, if it was looked at; and what all shall look like, before and after.
        raw: Layout of what is read; None where only what comes out is checked.
        out: Layout of what comes out.
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
        self._lock, self._epoch, self._number = threading.Lock(), 0, itertools.count(1)
        self._current: Pass | None = None
        self._shipment = Shipment()
        self._idle: list[Pool[Any]] = []
        self._looked: Element | None = None
        weakref.finalize(self, _close, self._idle, self._shipment)

    def __call__(self) -> Iterator[Element]:
        replicas = looking_replicas()
        if replicas:
            self.replicas = max(self.replicas, replicas)
            self._looked = self._first() if self._looked is None else self._looked
            return itertools.repeat(divisible(self._looked, replicas))
        return self._elements()

    def _elements(self) -> Iterator[Element]:
        with self._lock:  # a pass that was left early may be torn down late: it ends before the next begins
            if self._current is not None:
                self._current.end()
            current = self._current = Pass(self, self._epoch)
            self._epoch += 1
        try:
            elements = current.elements()
            yield from balanced(elements, self.replicas) if self.settings.out.batched else elements
        finally:
            current.end()

    def acquire(self) -> Pool[Any]:
        """A pool that no other pass uses."""
        settings = self.settings
        with self._lock:
            if settings.processes:
                self._shipment.update(self.reader)
            if self._idle:
                return self._idle.pop()
        made: Callable[[], Any] = Remote if settings.processes else Here
        return Pool([made() for _ in range(settings.workers)])

    def release(self, pool: Pool[Any]) -> None:
        """Takes a pool back for the next pass."""
        if self._idle or not all(getattr(worker, "alive", True) for worker in pool.workers):
            pool.close()
            return
        self._idle.append(pool)
        if self.settings.processes:
            timer = threading.Timer(_IDLE_SECONDS, _retire, (weakref.ref(self._idle.__class__), pool, self._idle))
            timer.daemon = True
            timer.start()

    def reading(self, number: int, epoch: int, read: Read) -> Callable[[int], Callable[[Any], Element]]:
        """What a worker of a pool does for an index."""
        if not self.settings.processes:
            return lambda index: lambda worker: worker.read(read, index)
        shipment, seed = self._shipment, self.settings.seed
        return lambda index: lambda worker: worker.read(shipment, number, seed, epoch, index)

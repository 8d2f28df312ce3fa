"""Elements that come in any order, twice or not at all, handed on in order, each once."""

from __future__ import annotations

import atexit
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias
from weakref import WeakSet

import tensorflow as tf

from augline.errors import EngineError

Element: TypeAlias = tuple[int, Any]
"""A number and what belongs to it."""
Ask: TypeAlias = Callable[[list[int]], Iterator[Element]]

WINDOW = 32
"""Elements that may wait for one before them."""
_FIRST_PATIENCE, _PATIENCE = 60.0, 8.0
"""Seconds without an element until what is missing is asked for again: of a pass that has yet to begin, and later."""
_GIVE_UP = 600.0
_PASSING = (
    tf.errors.UnavailableError, tf.errors.NotFoundError, tf.errors.AbortedError, tf.errors.CancelledError,
    tf.errors.DeadlineExceededError, tf.errors.FailedPreconditionError,
)  # fmt: skip
"""What goes wrong when a server is away, or has come back without its memory."""


_RUNNING: WeakSet[Delivery] = WeakSet()


@atexit.register
def _stop_all() -> None:
    for delivery in [*_RUNNING]:
        delivery.stop()


@dataclass(frozen=True)
class ServiceReport:
    """What a service was asked for and what became of it, over all passes so far.

    Attributes:
        delivered: Elements given, each once and in its place.
        asked_again: Elements that did not come in time, as after the loss of a worker, and were asked for once more.
        unused: Elements that came a second time and were thrown away.
        interruptions: Jobs that the service broke off.
    """

    delivered: int = 0
    asked_again: int = 0
    unused: int = 0
    interruptions: int = 0


class Counts:
    """Counts that go on; `report` gives them as they are now."""

    def __init__(self) -> None:
        self._now = {"delivered": 0, "asked_again": 0, "unused": 0, "interruptions": 0}

    def add(self, name: str, count: int = 1) -> None:
        """More of one of them."""
        self._now[name] += count

    def report(self) -> ServiceReport:
        """See `ServiceReport`."""
        return ServiceReport(**self._now)


class Delivery:
    """The elements first to end - 1, in order, of a service that promises no order and may lose some.

    A thread takes what the service makes; at most `WINDOW` elements wait for one before them. Where one is late, those
    that are missing are asked for again in a job of their own, which another worker will serve.

    Args:
        ask: Begins a job for some numbers.
        first: Number.
        end: One past the last number.
        counts: Of what happens.
    """

    def __init__(self, ask: Ask, first: int, end: int, counts: Counts) -> None:
        self._ask, self._first, self._end, self._counts = ask, first, end, counts
        self._came: SimpleQueue[tuple[Element | None, Exception | None, bool]] = SimpleQueue()
        self._kept: dict[int, tuple[Any, bool]] = {}  # with whether it takes up room
        self._asked: dict[int, float] = {}  # when a number was asked for again
        self._room, self._stopped = threading.Semaphore(WINDOW), threading.Event()
        self._jobs, self._next, self._highest, self._begun = 0, first, first, False

    def __enter__(self) -> Iterator[Any]:
        _RUNNING.add(self)
        return self._elements()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends it, and whoever waits for it: when a pass is over or left, and before Python ends."""
        if not self._stopped.is_set():
            self._stopped.set()
            self._room.release(WINDOW)
            self._came.put((None, None, False))

    def _elements(self) -> Iterator[Any]:
        if self._first < self._end:
            self._begin(list(range(self._first, self._end)), bounded=True)
        for number in range(self._first, self._end):
            self._next = number
            self._wait()
            if self._stopped.is_set():
                return
            self._counts.add("delivered")
            value, bounded = self._kept.pop(number)
            if bounded:
                self._room.release()
            yield value

    def _wait(self) -> None:
        """Until the next element is here."""
        since, patience, full = time.monotonic(), _PATIENCE if self._begun else _FIRST_PATIENCE, False
        while self._next not in self._kept and not self._stopped.is_set():
            if len(self._kept) >= WINDOW and not full:
                full = True
                self._ask_again(self._highest + 1)
            try:
                self._take(*self._came.get(timeout=patience))
            except Empty:
                if time.monotonic() - since > _GIVE_UP:
                    raise EngineError(
                        f"to_tf(service=...): workers must deliver. Received nothing for {_GIVE_UP:g} s, waiting for "
                        f"element {self._next}. See whether dispatcher and workers run and reach each other."
                    ) from None
                patience = min(2 * patience, 120.0)
                self._ask_again(min(self._next + WINDOW, self._end))

    def _take(self, element: Element | None, error: Exception | None, bounded: bool) -> None:
        if element is not None:
            self._keep(*element, bounded)
            return
        self._jobs -= 1
        if error is not None and not isinstance(error, _PASSING):
            raise error
        if error is not None:
            self._counts.add("interruptions")
            self._stopped.wait(1)
        if not self._jobs and not self._stopped.is_set() and self._next not in self._kept:
            missing = self._missing(self._end)
            self._counts.add("asked_again", len(missing))
            self._begin(missing, bounded=True)

    def _keep(self, number: int, value: Any, bounded: bool) -> None:
        self._begun, self._highest = True, max(self._highest, number)
        if number >= self._next and number not in self._kept:
            self._kept[number] = value, bounded
            return
        self._counts.add("unused")
        if bounded:
            self._room.release()

    def _missing(self, end: int) -> list[int]:
        return [number for number in range(self._next, end) if number not in self._kept]

    def _ask_again(self, end: int) -> None:
        """In a job beside, of which all may come: it is what the others wait for."""
        now = time.monotonic()
        missing = [number for number in self._missing(end) if now - self._asked.get(number, -math.inf) > _PATIENCE]
        if missing:
            self._asked |= dict.fromkeys(missing, now)
            self._counts.add("asked_again", len(missing))
            self._begin(missing, bounded=False)

    def _begin(self, numbers: list[int], *, bounded: bool) -> None:
        self._jobs += 1
        threading.Thread(target=self._pump, args=(numbers, bounded), name="augline-service", daemon=True).start()

    def _pump(self, numbers: list[int], bounded: bool) -> None:
        """Takes the elements of a job; where `bounded`, only as many as may wait."""
        error = None
        try:
            for element in self._ask(numbers):
                if bounded:
                    self._room.acquire()
                if self._stopped.is_set():
                    return
                self._came.put((element, None, bounded))
        except Exception as found:  # noqa: BLE001 - it is raised again where it is waited for
            error = found
        self._came.put((None, error, bounded))

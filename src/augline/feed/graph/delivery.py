"""Elements that come in any order, twice or not at all, handed on in order, each once."""

from __future__ import annotations

import atexit
import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias
from weakref import WeakSet

import tensorflow as tf

from augline.errors import EngineError

Element: TypeAlias = tuple[int, Any]
"""A number and what belongs to it."""
Ask: TypeAlias = Callable[[Sequence[int]], Iterator[Element]]

WINDOW = 32
"""Elements that may wait for one before them."""
_FIRST_PATIENCE, _PATIENCE = 60.0, 8.0
"""Seconds without an element until what is missing is asked for again: of a pass that has yet to begin, and later."""
_GIVE_UP, _GONE = 600.0, 180.0
"""Seconds without an element until there is no more hope: of workers, and of a dispatcher that does not answer."""
_TURN = 0.5
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
        asked_again: Elements that were asked for once more: they were late, or their job was broken off.
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
    """The elements from `first` on, in order, of a service that promises no order and may lose some.

    A thread takes what the service makes; at most `WINDOW` elements wait for one before them. Where one is late, those
    that are missing are asked for again in a job of their own, which another worker will serve.

    Args:
        ask: Begins a job for some numbers.
        first: Number.
        end: One past the last number.
        counts: Of what happens.
        trouble: What is wrong with the service as far as can be seen from outside, or nothing.
    """

    def __init__(self, ask: Ask, first: int, end: int, counts: Counts, trouble: Callable[[], str] = lambda: "") -> None:
        self.next, self._first, self._end = first, first, end
        """The number of the element that `take` gives."""
        self._ask, self._counts, self._trouble = ask, counts, trouble
        self._came: SimpleQueue[tuple[Element | None, Exception | None, bool]] = SimpleQueue()
        self._kept: dict[int, tuple[Any, bool]] = {}  # with whether it takes up room
        self._asked: dict[int, float] = {}  # when a number was asked for again
        self._room, self._stopped = threading.Semaphore(WINDOW), threading.Event()
        self._highest = first - 1
        self._waiting: _Wait | None = None  # for the next element, since somebody does
        _RUNNING.add(self)
        self._begin(range(first, end), bounded=True)

    @property
    def stopped(self) -> bool:
        """Whether nothing more will come."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Ends it, and whoever waits for it: when it is left, and before Python ends."""
        if not self.stopped:
            self._stopped.set()
            self._room.release(WINDOW)
            self._came.put((None, None, False))

    def ready(self) -> bool:
        """Whether the next element is here. It waits for it half a second at most, so that who asks can be stopped.

        Raises:
            EngineError: There is no hope that it will come.
        """
        end = time.monotonic() + _TURN
        while self.next not in self._kept:
            self._look_after()
            try:
                self._receive(*self._came.get(timeout=max(end - time.monotonic(), 0)))
            except Empty:
                return False
            if self.stopped:
                return False
        return True

    def take(self) -> Any:
        """The next element, which is here."""
        value, bounded = self._kept.pop(self.next)
        self._asked.pop(self.next, None)
        self.next, self._waiting = self.next + 1, None
        self._counts.add("delivered")
        if bounded:
            self._room.release()
        return value

    def _look_after(self) -> None:
        """Asks again for what is late."""
        now, begun = time.monotonic(), self._highest >= self._first
        wait = self._waiting = self._waiting or _Wait(_PATIENCE if begun else _FIRST_PATIENCE)
        if len(self._kept) >= WINDOW and not wait.full:
            wait.full = True
            self._ask_again(self._highest + 1)
        if now - wait.asked < wait.patience:
            return
        wait.asked, trouble = now, self._trouble()
        if now - wait.since > (_GONE if trouble else _GIVE_UP):
            raise EngineError(
                f"to_tf(service=...): workers must deliver. Received nothing for {now - wait.since:.0f} s, waiting for "
                f"batch {self.next}{trouble and f'; {trouble}'}. See whether dispatcher and workers run and reach each "
                "other and start them again, or train without service=."
            )
        if not trouble:
            wait.patience = min(2 * wait.patience, 120.0)
            self._ask_again(min(self.next + WINDOW, self._end))

    def _receive(self, element: Element | None, error: Exception | None, bounded: bool) -> None:
        if element is not None:
            self._keep(*element, bounded)
            return
        if error is not None and not isinstance(error, _PASSING):
            raise error
        if error is not None:
            self._counts.add("interruptions")
            self._stopped.wait(1)
        if bounded and not self.stopped and self._missing(self._end, 1):
            self._counts.add("asked_again", self._highest + 1 - self.next)
            self._begin(range(self.next, self._end), bounded=True)

    def _keep(self, number: int, value: Any, bounded: bool) -> None:
        self._highest = max(self._highest, number)
        if number >= self.next and number not in self._kept:
            self._kept[number] = value, bounded
            return
        self._counts.add("unused")
        if bounded:
            self._room.release()

    def _missing(self, end: int, most: int = WINDOW) -> list[int]:
        """The first numbers before `end` that have not come."""
        numbers = (number for number in range(self.next, end) if number not in self._kept)
        return list(itertools.islice(numbers, most))

    def _ask_again(self, end: int) -> None:
        """In a job beside, of which all may come: it is what the others wait for."""
        now = time.monotonic()
        missing = [number for number in self._missing(end) if now - self._asked.get(number, -math.inf) > _PATIENCE]
        if missing:
            self._asked |= dict.fromkeys(missing, now)
            self._counts.add("asked_again", len(missing))
            self._begin(missing, bounded=False)

    def _begin(self, numbers: Sequence[int], *, bounded: bool) -> None:
        job = threading.Thread(target=self._pump, args=(numbers, bounded), name="augline-service", daemon=True)
        job.start()

    def _pump(self, numbers: Sequence[int], bounded: bool) -> None:
        """Takes the elements of a job; where `bounded`, only as many as may wait."""
        error = None
        try:
            for element in self._ask(numbers):
                if bounded:
                    self._room.acquire()
                if self.stopped:
                    return
                self._came.put((element, None, bounded))
        except Exception as found:  # noqa: BLE001 - it is raised again where it is waited for
            error = found
        self._came.put((None, error, bounded))


class _Wait:
    """For one element: since when, when something was last done about it, and how long that may take."""

    def __init__(self, patience: float) -> None:
        self.since = self.asked = time.monotonic()
        self.patience, self.full = patience, False

"""Work ahead, in order: daemon threads, each with a worker of its own, and the window of what they have begun."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, Generic, Protocol, TypeVar

from augline.errors import SourceError
from augline.feed.threads import collecting

T = TypeVar("T")
W = TypeVar("W", bound="Worker")
_IDLE_SECONDS = 60.0
_POLL = 0.2  # seconds after which who waits for a result looks whether there still is someone to make it


class Worker(Protocol):
    """What a thread of a pool holds on to."""

    @property
    def alive(self) -> bool:
        """Whether it can work."""

    def close(self) -> None:
        """Lets go of it."""


class Pool(Generic[W]):
    """Threads that never keep the interpreter from ending: `concurrent.futures` would wait for a source that hangs.

    Args:
        workers: One per thread.
    """

    def __init__(self, workers: Sequence[W]) -> None:
        self.workers = list(workers)
        self._tasks: queue.SimpleQueue[tuple[Future[Any], Callable[[W], Any]] | None] = queue.SimpleQueue()
        self.closed = False
        for worker in self.workers:
            threading.Thread(target=self._serve, args=(self._tasks, worker), name="augline", daemon=True).start()

    def __len__(self) -> int:
        return len(self.workers)

    def submit(self, task: Callable[[W], T]) -> Future[T]:
        """The result of `task(worker)`, later."""
        future: Future[T] = Future()
        self._tasks.put((future, task))
        return future

    def wait(self, future: Future[T]) -> T:
        """The result, or an error if the pool is closed meanwhile."""
        while True:
            try:
                return future.result(_POLL)
            except TimeoutError:
                if future.done():  # just now, or with a TimeoutError of its own
                    return future.result()
                if self.closed:
                    raise SourceError("to_dataset: the workers were shut down while a batch was made") from None

    def close(self) -> None:
        """Ends the threads and their workers; what is under way is left."""
        if not self.closed:
            self.closed = True
            for worker in self.workers:
                self._tasks.put(None)
                worker.close()

    @staticmethod
    def _serve(tasks: queue.SimpleQueue[Any], worker: W) -> None:
        while (entry := tasks.get()) is not None:
            future, task = entry
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(task(worker))
                except BaseException as error:  # noqa: BLE001 - it is raised again where the result is taken
                    future.set_exception(error)
            del entry, future, task  # or the last batch would live until the next


def ordered(pool: Pool[W], tasks: Iterable[Callable[[W], T]], ahead: int) -> Iterator[T]:
    """Results in the order of their tasks, of which `ahead` are begun before they are asked for."""
    window: deque[Future[T]] = deque()
    try:
        for task in tasks:
            window.append(pool.submit(task))
            if len(window) > ahead:
                yield pool.wait(window.popleft())
        while window:
            yield pool.wait(window.popleft())
    finally:
        for future in window:
            future.cancel()


class Idle(Generic[W]):
    """Pools kept for the next who needs one, for a minute.

    Args:
        retired: Called when the minute is over.
    """

    def __init__(self, retired: Callable[[], object] = lambda: None) -> None:
        self._retired = retired
        self._lock = threading.RLock()  # the collector may give a pool back while one is taken
        self._all: list[Pool[W]] = []
        self._waiting: dict[int, threading.Timer] = {}

    def take(self, make: Callable[[], Sequence[W]]) -> Pool[W]:
        """A pool that nobody else has."""
        with self._lock:
            for pool in self._all:
                if (timer := self._waiting.pop(id(pool), None)) is not None:
                    timer.cancel()
                    return pool
        pool = Pool(make())
        with self._lock:
            self._all.append(pool)
        return pool

    def put(self, pool: Pool[W]) -> None:
        """Takes one back; not from the garbage collector, which may begin no thread to wait for its minute."""
        timer = threading.Timer(_IDLE_SECONDS, self._retire, (pool,))
        timer.daemon = True
        with self._lock:
            spare = bool(self._waiting) or collecting() or not all(worker.alive for worker in pool.workers)
            if not spare:
                self._waiting[id(pool)] = timer
                timer.start()
        if spare:
            self._drop(pool)

    def close(self) -> None:
        """Closes all there are, also those in use."""
        for pool in [*self._all]:
            self._drop(pool)

    def _retire(self, pool: Pool[W]) -> None:
        with self._lock:
            waiting = self._waiting.pop(id(pool), None)
        if waiting is not None:
            self._drop(pool)
            self._retired()

    def _drop(self, pool: Pool[W]) -> None:
        with self._lock:
            if (timer := self._waiting.pop(id(pool), None)) is not None:
                timer.cancel()
            if pool in self._all:
                self._all.remove(pool)
        pool.close()

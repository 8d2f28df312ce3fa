"""A stream of batches from a pool of threads, in order, a few ahead of the one who takes them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from augline.errors import EngineError
from augline.feed.threads import collecting, one_thread

T = TypeVar("T")
B = TypeVar("B")


def default_workers() -> int:
    """As many threads as this process may use cores."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def stream(
    steps: Iterable[T], prepare: Callable[[T], B], size: Callable[[B], int], run: Callable[[B, int, int], None],
    finish: Callable[[B], Any], workers: int, prefetch: int = 2,
) -> Iterator[Any]:  # fmt: skip
    """The batches of some steps, in their order; at most `prefetch` wait finished, and one more is planned.

    Left early, closed or failing, it waits for the samples in hand and leaves no thread behind. Where the garbage
    collector ends it, which may not wait, its threads end with the samples in hand.

    Args:
        steps: What to make batches of.
        prepare: Reads and plans one; runs in a thread.
        size: Number of samples of a prepared batch.
        run: Makes samples first to last (not included) of it; runs in a thread, others beside it.
        finish: The batch from what was prepared.
        workers: Threads.
        prefetch: Batches ahead.

    Raises:
        EngineError: It is gone on with in a forked process.
    """
    planned: deque[Future[B]] = deque()
    running: deque[tuple[B, list[Future[None]]]] = deque()
    process = os.getpid()
    with one_thread():
        pool = ThreadPoolExecutor(workers, thread_name_prefix="augline")
        try:
            for step in steps:
                planned.append(pool.submit(prepare, step))
                if len(planned) > 1:
                    running.append(_start(pool, planned.popleft().result(), size, run, workers))
                if len(running) > prefetch:
                    yield _done(*running.popleft(), finish)
                    _check_process(process)
            while planned or running:
                if planned:
                    running.append(_start(pool, planned.popleft().result(), size, run, workers))
                yield _done(*running.popleft(), finish)
                _check_process(process)
        finally:  # what has not begun is not begun any more
            pool.shutdown(wait=not collecting(), cancel_futures=True)


def _check_process(process: int) -> None:
    """Refuses to wait for threads of another process, which a fork leaves behind."""
    if os.getpid() != process:
        raise EngineError(
            "Pipeline: batches must be taken in the process that began to make them. Received a forked one, without "
            "their threads. Begin there: iterate over the pipeline, or pipe.epoch(epoch, start=step), in that process."
        )


def _start(
    pool: ThreadPoolExecutor, batch: B, size: Callable[[B], int], run: Callable[[B, int, int], None], workers: int
) -> tuple[B, list[Future[None]]]:
    """Hands the samples out in a few runs per thread: small enough to even out, large enough to cost nothing."""
    count = size(batch)
    length = max(1, -(-count // (4 * workers)))

    starts = range(0, count, length)
    return batch, [pool.submit(run, batch, first, min(first + length, count)) for first in starts]


def _done(batch: B, parts: list[Future[None]], finish: Callable[[B], Any]) -> Any:
    for part in parts:
        part.result()
    return finish(batch)

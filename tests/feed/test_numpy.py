from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import pytest

import augline as al
from augline.feed.numpy import stream
from augline.feed.threads import one_thread


class Work:
    """A batch of five samples that can be watched."""

    def __init__(self, step: int) -> None:
        self.step, self.done = step, [0] * 5


def squares(
    steps: int = 20, workers: int = 2, prefetch: int = 2, prepare: Callable[[int], Work] = Work,
    run: Callable[[Work, int], None] | None = None,
) -> Iterator[Any]:  # fmt: skip
    def square(work: Work, index: int) -> None:
        work.done[index] = (10 * work.step + index) ** 2

    def several(work: Work, first: int, last: int) -> None:
        for index in range(first, last):
            (run or square)(work, index)

    return stream(
        range(steps), prepare, lambda work: len(work.done), several, lambda work: work.done, workers, prefetch
    )


def threads() -> set[threading.Thread]:
    """Those that run; of earlier tests' some may end at any time."""
    return set(threading.enumerate())


def ended(those: set[threading.Thread]) -> None:
    for thread in those:
        thread.join(20)
        assert not thread.is_alive()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("prefetch", [0, 1, 2, 50])
@pytest.mark.parametrize("steps", [0, 1, 2, 3, 20])
def test_batches_come_whole_and_in_order(workers, prefetch, steps):
    got = list(squares(steps, workers, prefetch))
    assert got == [[(10 * step + index) ** 2 for index in range(5)] for step in range(steps)]


@pytest.mark.parametrize("prefetch", [0, 1, 2, 7])
def test_no_more_is_begun_than_was_asked_for(prefetch):
    alive: weakref.WeakSet[Work] = weakref.WeakSet()
    begun: list[int] = []

    def prepare(step: int) -> Work:
        work = Work(step)
        alive.add(work)
        begun.append(step)
        return work

    gc.freeze()  # what earlier tests left is not walked through thirty times
    for taken, _ in enumerate(squares(30, 2, prefetch, prepare)):
        time.sleep(0.002)  # let them run as far ahead as they may
        gc.collect()
        assert len(alive) <= prefetch + 1
        assert len(begun) <= taken + 1 + prefetch + 1


def test_leaving_early_leaves_nothing_behind():
    pipe = al.Pipeline(al.Arrays(np.zeros((40, 8, 9, 3), np.uint8)), [al.RandomRotation(0.1)], batch_size=4, workers=3)
    for _ in pipe:
        break
    before, files = threads(), descriptors()
    for _ in range(200):
        for _ in pipe:
            break
    assert threads() <= before
    assert descriptors() <= files


def test_a_closed_or_forgotten_stream_ends_its_threads():
    before = threads()
    closed, forgotten = squares(), squares()
    next(closed)
    next(forgotten)
    assert threads() - before
    closed.close()
    del forgotten
    gc.collect()
    assert threads() <= before


def test_a_stream_nobody_begins_has_no_threads():
    before = threads()
    _ = squares()
    assert threads() <= before


@pytest.mark.parametrize("where", ["prepare", "run"])
def test_a_failure_reaches_the_taker_with_its_traceback(where):
    before = threads()

    def fails(step: int) -> None:
        if step == 7:
            raise RuntimeError("step seven")

    def prepare(step: int) -> Work:
        if where == "prepare":
            fails(step)
        return Work(step)

    def run(work: Work, index: int) -> None:
        if where == "run" and index == 3:
            fails(work.step)

    got = []
    with pytest.raises(RuntimeError, match="step seven") as caught:
        got.extend(squares(20, 2, 2, prepare, run))
    assert "fails" in [entry.name for entry in caught.traceback]
    assert where != "run" or len(got) == 7
    assert threads() <= before


def test_an_interrupt_in_the_loop_ends_the_threads():
    before = threads()

    def loop() -> None:
        for _ in squares():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop()
    gc.collect()
    ended(threads() - before)


def test_the_garbage_collector_does_not_wait():
    """It runs in the midst of anything, as in a thread that begins, and may hold a lock that those waited for want."""
    before, begun, let = threads(), threading.Event(), threading.Event()

    def run(work: Work, index: int) -> None:
        if work.step == 2:
            begun.set()
            assert let.wait(20)

    batches = squares(run=run)
    next(batches)
    assert begun.wait(20)
    circle = [batches]
    circle.append(circle)
    del batches, circle
    collecting = threading.Thread(target=gc.collect)
    collecting.start()
    collecting.join(10)
    waits = collecting.is_alive()
    let.set()
    assert not waits
    ended(threads() - before)


def test_control_c_while_waiting_for_a_batch_ends_the_process():
    script = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background ignores it
from augline.feed.numpy import stream
print("ready", flush=True)
for _ in stream(range(1000), lambda s: s, lambda s: 4, lambda s, i, j: time.sleep(0.05 * (j - i)), lambda s: s, 2): pass
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert b"KeyboardInterrupt" in errors
    assert process.returncode != 0


def test_a_process_can_end_with_a_stream_half_taken():
    script = """
from augline.feed.numpy import stream
half = stream(range(1000), lambda s: s, lambda s: 4, lambda s, i, j: None, lambda s: s, 2)
next(half)
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30)


def test_workers_share_the_samples():
    seen, everyone = set(), threading.Barrier(3)

    def run(work: Work, index: int) -> None:
        if (me := threading.get_ident()) not in seen:
            seen.add(me)
            everyone.wait(20)

    list(squares(10, 3, 2, run=run))
    assert len(seen) == 3
    assert threading.get_ident() not in seen


# OpenCV's own threads


@pytest.fixture
def opencv_threads() -> Iterator[int]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    yield 2
    cv2.setNumThreads(before)


def test_opencv_works_in_our_threads_while_a_stream_runs(opencv_threads):
    one, other = squares(), squares()
    next(one)
    assert cv2.getNumThreads() == 1
    next(other)
    one.close()
    assert cv2.getNumThreads() == 1
    other.close()
    assert cv2.getNumThreads() == opencv_threads


def test_a_failing_stream_gives_opencv_its_threads_back(opencv_threads):
    with pytest.raises(ZeroDivisionError):
        list(squares(run=lambda work, index: 1 // 0))
    assert cv2.getNumThreads() == opencv_threads


def test_a_setting_made_meanwhile_stays(opencv_threads):
    with one_thread():
        cv2.setNumThreads(3)
    assert cv2.getNumThreads() == 3


def test_a_forked_process_is_refused_what_its_parent_began(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its threads are not there; it would wait for ever."""
    batches = squares()
    next(batches)
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(al.EngineError, match=r"Received a forked one.*pipe\.epoch"):
        next(batches)

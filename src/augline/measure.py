"""How fast a pipeline is, beside the bare decoding of the same files; where its time goes; what memory it takes."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from augline import engines
from augline.decode import Scratch, decode, probe
from augline.errors import ArgumentError, DecodeError, SourceError
from augline.feed.numpy import default_workers
from augline.mixing import MixedBatches

if TYPE_CHECKING:
    from augline.pipeline import Pipeline

Tick = Callable[[], None]
"""Called after each batch or round, for a progress bar."""

STEPS = ("read", "header", "draw and plan", "decode", "execute")
"""What a sample costs, in the order of the work."""


@dataclass(frozen=True)
class Speed:
    """Rounds of a pipeline and of bare decoding, in turn.

    Attributes:
        ours: Images/s of each round.
        roof: Images/s of bare decoding, as many rounds; empty where there are no files to decode.
        workers: Threads of both.
        images: Per round.
    """

    ours: tuple[float, ...]
    roof: tuple[float, ...]
    workers: int
    images: int

    @property
    def share(self) -> float | None:
        """Median over the rounds of ours / roof."""
        return median(a / b for a, b in zip(self.ours, self.roof, strict=True)) if self.roof else None


@dataclass(frozen=True)
class Memory:
    """Megabytes of the whole process: the most ever, after the first round, and at the end; None where unknown."""

    peak: float | None
    early: float | None
    late: float | None


def speed(pipe: Pipeline, *, batches: int, rounds: int = 5, tick: Tick = lambda: None) -> tuple[Speed, Memory]:
    """Measures a pipeline, round by round beside bare decoding, after one round of each that does not count.

    Args:
        pipe: The pipeline.
        batches: Per round; the last ones of an epoch, each round of the next epoch.
        rounds: How many count.
        tick: Called after each round.
    """
    workers = pipe.workers or default_workers()
    batches = min(batches, len(pipe))
    images = sum(len(pipe.positions(step)) for step in range(len(pipe) - batches, len(pipe)))
    encoded = isinstance(pipe.source.read(0), bytes)
    ours, roof, early = [], [], None
    for epoch in range(rounds + 1):
        if encoded:
            roof.append(images / _seconds(lambda e=epoch: decode_all(pipe, e, batches, workers)))  # type: ignore[misc]
        ours.append(images / _seconds(lambda e=epoch: _run(pipe, e, batches)))  # type: ignore[misc]
        early = early or resident()
        tick()
    return Speed(tuple(ours[1:]), tuple(roof[1:]), workers, images), Memory(peak(), early, resident())


def decode_all(pipe: Pipeline, epoch: int, batches: int, workers: int) -> None:
    """Reads and decodes the files of an epoch's last batches on some threads, and throws the pixels away."""
    positions = np.concatenate([pipe.positions(step) for step in range(len(pipe) - batches, len(pipe))])
    indices = pipe.indices(epoch, positions).tolist()
    local, source = threading.local(), pipe.source

    def some(part: Sequence[int]) -> None:
        scratch = local.__dict__.setdefault("scratch", Scratch())
        for index in part:
            try:
                data: Any = source.read(index)
                header = probe(data, exif=source.exif)
                decode(data, header, channels=source.channels, dtype=source.dtype, scratch=scratch)
            except DecodeError as error:
                if pipe.on_error == "raise":
                    raise pipe.batches.named(error, index) from error
            except SourceError:
                if pipe.on_error == "raise":
                    raise

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(some, [indices[first : first + 8] for first in range(0, len(indices), 8)]))


def stage_times(pipe: Pipeline, *, batches: int, tick: Tick = lambda: None) -> dict[str, float]:
    """Microseconds per image of each of `STEPS`, on one thread; the batches' own steps, taken one by one."""
    if mixes(pipe):
        raise ArgumentError(
            f"{pipe!r}: the time of each step is measured for lists that mix no samples. Received one that does. "
            "Leave the mixing out to see them."
        )
    totals, images = dict.fromkeys(STEPS, 0.0), 0
    scratch = Scratch()
    for step in range(min(batches, len(pipe))):
        images += _timed_batch(pipe, step, totals, scratch)
        tick()
    return {name: 1e6 * seconds / max(1, images) for name, seconds in totals.items()}


def mixes(pipe: Pipeline) -> bool:
    """Whether samples are mixed: the steps of such a list cannot be timed one by one."""
    return isinstance(pipe.batches, MixedBatches)


def _timed_batch(pipe: Pipeline, step: int, totals: dict[str, float], scratch: Scratch) -> int:
    source, program = pipe.source, pipe.program
    indices = pipe.indices(0, pipe.positions(step))
    job = pipe.batches.prepare(0, indices)  # not timed: the factors and places, and whether every file is good
    good = [number for number in range(len(indices)) if job.is_read(number)]
    with _added(totals, "read"):
        data = [source.read(job.indices[number]) for number in good]
    with _added(totals, "header"):
        headers = [probe(item, exif=source.exif) if isinstance(item, bytes) else None for item in data]
    sizes = np.asarray([job.record(n).size if job.is_read(n) else (1, 1) for n in range(len(indices))])
    decoded = np.repeat(np.asarray(job.shrinks, np.int64)[:, None], 2, axis=1)
    with _added(totals, "draw and plan"):
        _, plan = pipe.batches.plan(0, indices, sizes)
        sample = engines.prepare(program.engine, plan, decoded)
    done = 0
    for number, item, header in zip(good, data, headers, strict=True):
        image: Any = item
        if header is not None and isinstance(item, bytes):
            try:
                with _added(totals, "decode"):
                    image = decode(
                        item, header, channels=source.channels, dtype=source.dtype, shrink=job.shrinks[number],
                        scratch=scratch, accurate=pipe.batches.accurate, rows=job.rows[number],
                    )  # fmt: skip
            except DecodeError as error:
                if pipe.on_error == "raise":
                    raise pipe.batches.named(error, job.indices[number]) from error
                continue
        with _added(totals, "execute"):
            sample(number, image, job.images[number])
        done += 1
    return done


@contextmanager
def _added(totals: dict[str, float], name: str) -> Iterator[None]:
    start = perf_counter()
    yield
    totals[name] += perf_counter() - start


def _seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def _run(pipe: Pipeline, epoch: int, batches: int) -> None:
    for _ in pipe.epoch(epoch, len(pipe) - batches):
        pass


def resident() -> float | None:
    """Megabytes that this process holds now; None where the system does not say (only Linux does)."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6 if statm.exists() else None


def peak() -> float | None:
    """The most megabytes that this process ever held; None on Windows."""
    if sys.platform == "win32":
        return None
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6

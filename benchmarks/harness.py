"""What the benchmark scripts share: a question, its subjects and targets, and one measurement in a fresh process.

A script declares a `Question` and ends with `main(QUESTION)`. Called as

    python benchmarks/six_transforms.py --subject augline --data photos/ --images 960

it takes one measurement of one subject and prints it as one JSON line. `run.py` does the rest.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

THREADS = 2
BATCH = 32
FULL = 960
"""--images of a full run; counts that are not of photos scale with it."""
WARM_UP = 64
"""Images before the clock starts: tracing, compilation, first touches of memory."""

ENVIRONMENT = {
    **{f"{name}_NUM_THREADS": str(THREADS) for name in ("OMP", "OPENBLAS", "MKL")},
    **{f"TF_NUM_{kind}OP_THREADS": str(THREADS) for kind in ("INTRA", "INTER")},
    "CUDA_VISIBLE_DEVICES": "",  # nearly all are questions about CPUs
    "KERAS_BACKEND": "tensorflow",
    "NO_ALBUMENTATIONS_UPDATE": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}

Metrics = dict[str, float]
Build = Callable[["Task"], Callable[[], Iterable[Any]]]
"""Prepares a subject, untimed, and gives a function that starts one pass over all batches."""


class Skipped(Exception):  # noqa: N818 - not an error
    """A subject that cannot be measured here, and why."""


@dataclass(frozen=True)
class Task:
    """What to measure on.

    Args:
        data: Folder of JPEGs.
        images: How many, in whole batches.
    """

    data: Path
    images: int = FULL

    @cached_property
    def files(self) -> list[str]:
        """Paths, as many as images."""
        return photos(self.data, self.images)

    def scaled(self, count: int) -> int:
        """A count that a full run takes whole, and a smaller one in proportion."""
        return max(1, count * self.images // FULL)


@dataclass(frozen=True)
class Subject:
    """One row of a table.

    Args:
        measure: Takes one measurement: a few named numbers.
        threads: How it is kept to two threads.
        output: What comes out.
        requires: Modules without which it is skipped.
        note: What a reader has to know.
    """

    measure: Callable[[Task], Metrics]
    threads: str = ""
    output: str = ""
    requires: Sequence[str] = ()
    note: str = ""


@dataclass(frozen=True)
class Target:
    """A ratio between two subjects, round by round, and what is asked of its median; an absolute value without `to`.

    Args:
        metric: Which number.
        of: The subject in the numerator.
        to: The subject in the denominator; of several, the one with the better median.
        at_least: The bound, if there is one.
        at_most: The bound, if there is one.
    """

    metric: str
    of: str
    to: Sequence[str] = ()
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class Question:
    """What one script answers."""

    title: str
    subjects: Mapping[str, Subject]
    targets: Sequence[Target] = field(default=())
    device: bool = False
    """Whether a GPU is used where there is one."""

    @property
    def environment(self) -> dict[str, str]:
        """What must stand in the environment before Python starts."""
        return {name: value for name, value in ENVIRONMENT.items() if not self.device or name != "CUDA_VISIBLE_DEVICES"}


@dataclass(frozen=True)
class Output:
    """Batches that a subject has to give; all but the last are full."""

    dtype: str = "uint8"
    side: int = 224
    batch: int = BATCH

    def __str__(self) -> str:
        return f"{self.dtype} {self.batch}×{self.side}×{self.side}×3"

    def check(self, batch: Any) -> None:
        """Raises where a batch is something else, or is no picture."""
        import numpy as np

        array = np.asarray(batch)
        shape = (self.batch, self.side, self.side, 3)
        if array.shape != shape or array.dtype != self.dtype or array.std() == 0:
            raise ValueError(f"expected pictures, {self.dtype} {shape}; got {array.dtype} {array.shape}")


def photos(data: Path, count: int) -> list[str]:
    """`count` JPEGs below a folder, evenly picked; over again from the first where there are fewer."""
    found = sorted(str(path) for path in data.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    if not found:
        raise SystemExit(f"{data}: there must be JPEGs in the folder, or in folders below. Found none. Name another.")
    chosen = min(count, len(found))
    return [found[i % chosen * len(found) // chosen] for i in range(count)]


def throughput(
    build: Build, threads: str, output: Output | None = Output(), *, requires: Sequence[str] = (), note: str = "",
    per_image: bool = False, whole_warm_up: bool = False,
) -> Subject:  # fmt: skip
    """A subject measured in images per second, or in time per image; without `output` it only decodes.

    With `whole_warm_up` a whole pass comes first: programs for every shape of images are then compiled.
    """

    def measure(task: Task) -> Metrics:
        start = build(task)
        _warm_up(start, output, task.images if whole_warm_up else WARM_UP)
        return _timed(start, per_image)

    return Subject(measure, threads, str(output or "decoded, full size"), requires, note)


def _warm_up(start: Callable[[], Iterable[Any]], output: Output | None, images: int) -> None:
    seen = 0
    for batch in start():
        if output is not None and not seen:
            output.check(batch)
        seen += len(batch)
        if seen >= images:
            break


def _timed(start: Callable[[], Iterable[Any]], per_image: bool) -> Metrics:
    begin, begin_cpu = time.perf_counter(), time.process_time()
    images = sum(len(batch) for batch in start())
    wall, cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
    main_metric = {"µs/image": 1e6 * wall / images} if per_image else {"images/s": images / wall}
    return {**main_metric, "CPU ms/image": 1e3 * cpu / images}


def median_time(call: Callable[[], Any], repeats: int) -> float:
    """Seconds that a call takes, after one that does not count."""
    call()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return sorted(times)[len(times) // 2]


def main(question: Question) -> None:
    """One measurement of one subject, as one JSON line."""
    if any(os.environ.get(name) != value for name, value in question.environment.items()):
        # libraries read these when they are loaded, so they must stand before Python starts
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | question.environment)
    parser = argparse.ArgumentParser(description=question.title)
    parser.add_argument("--subject", required=True, choices=question.subjects)
    parser.add_argument("--data", required=True, type=Path, help="folder of JPEGs")
    parser.add_argument("--images", type=int, default=FULL, help="how many; rounded up to whole batches")
    arguments = parser.parse_args()
    _keep_to_cores()
    task = Task(arguments.data, -(-arguments.images // BATCH) * BATCH)
    print(json.dumps({"subject": arguments.subject, **_result(question.subjects[arguments.subject], task)}), flush=True)
    os._exit(0)  # a client of the tf.data service whose servers have gone may wait for them for minutes


def _result(subject: Subject, task: Task) -> dict[str, Any]:
    missing = [name for name in subject.requires if importlib.util.find_spec(name) is None]
    if missing:
        return {"skipped": f"{', '.join(missing)} not installed"}
    try:
        return {"metrics": subject.measure(task)}
    except Skipped as reason:
        return {"skipped": str(reason)}


def one_core() -> None:
    """Keeps the process on one of its cores, and OpenCV on one thread; for questions about one thread."""
    import cv2

    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _keep_to_cores() -> None:
    """Keeps the process on as many cores as it may have threads; on Linux, where that can be asked for."""
    if not hasattr(os, "sched_setaffinity"):
        return
    cores: dict[str, int] = {}  # one CPU of each core, so that two threads do not share one
    for cpu in sorted(os.sched_getaffinity(0)):
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        cores.setdefault(siblings.read_text() if siblings.exists() else str(cpu), cpu)
    chosen = [*cores.values(), *sorted(os.sched_getaffinity(0) - {*cores.values()})][:THREADS]
    os.sched_setaffinity(0, chosen)

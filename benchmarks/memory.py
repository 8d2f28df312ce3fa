"""Does a running pipeline's memory stay flat over 1,000 batches, and within what its batches and threads need?

The budget of a run from files, against which the peak over the start is held:

    (prefetch + 2) batches, each of its pixels and of its files' bytes
    + threads × (two decoding buffers, each 5/4 of the largest image, + one image of the output size)

A batch is in one of four states: read and planned, in work, waiting, with the user; `prefetch` counts those waiting.
While it is not done it holds the bytes of its files too, of the largest that a batch can have.

Flat means that the run ends less than one such batch above where it settled. The allocator keeps or returns pages in
steps of some MB, up and down, so that a slope says little; a hundredth of a batch leaked each time would show as six.
"""

from __future__ import annotations

import gc
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

from harness import BATCH, THREADS, Metrics, Question, Skipped, Subject, Target, Task, main
from subjects import POOL, our_pipeline

_BATCHES = 1000
_STATM = Path("/proc/self/statm")


def _resident() -> int:
    """Bytes of this process in memory."""
    if not _STATM.exists():
        raise Skipped("reads /proc: Linux only")
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _transforms(al: Any) -> list[Any]:
    return [al.RandomFlip("horizontal"), al.RandomRotation(0.05), al.RandomZoom(0.2), al.RandomBrightness(0.2)]


def _watched(pipe: Any, batches: int) -> tuple[int, list[int]]:
    """Bytes in memory before the first batch, and at each."""
    import numpy as np

    import augline as al

    al.augment([np.zeros((8, 8, 3), np.uint8)], _transforms(al))  # imports the engine
    gc.collect()
    start, sizes = _resident(), []
    while len(sizes) < batches:
        sizes.extend(_resident() for _batch in pipe)
    return start, sizes[:batches]


def _growth(sizes: list[int]) -> float:
    """Bytes that the last fifth of a run has over the second; in the first, buffers grow to their size."""
    fifth = max(1, len(sizes) // 5)
    return mean(sizes[-fifth:]) - mean(sizes[fifth : 2 * fifth] or sizes)


def _small(task: Task) -> Metrics:
    import numpy as np

    import augline as al

    batches = task.scaled(_BATCHES)
    images = np.random.default_rng(7).integers(0, 256, (batches * BATCH, 32, 32, 3), np.uint8)
    # Eight passes: batches this small are made in groups, whose buffers take some 2,000 batches to grow to their size.
    start, sizes = _watched(our_pipeline(al.Arrays(images), _transforms(al)), 8 * batches)
    return {"growth kB": _growth(sizes) / 1e3, "peak MB": (max(sizes) - start) / 1e6}


def _files(task: Task) -> Metrics:
    import augline as al

    pipe = our_pipeline(al.Files(task.files), _transforms(al), size=(224, 224))
    start, sizes = _watched(pipe, task.scaled(_BATCHES))
    batch, scratch = _needs(task.files)
    growth, peak, budget = _growth(sizes), max(sizes) - start, (_prefetch() + 2) * batch + scratch
    return {
        "growth kB": growth / 1e3,
        "growth / batch": growth / batch,
        "peak MB": peak / 1e6,
        "budget MB": budget / 1e6,
        "peak / budget": peak / budget,
    }


def _needs(files: list[str]) -> tuple[int, int]:
    """Bytes of a batch, and of all threads' scratch."""
    import simplejpeg

    data = [Path(path).read_bytes() for path in files]
    largest = max(3 * h * w for h, w, *_ in map(simplejpeg.decode_jpeg_header, data))
    output = 224 * 224 * 3
    encoded = sum(sorted(map(len, data))[-BATCH:])
    return BATCH * output + encoded, THREADS * (2 * largest * 5 // 4 + output)


def _prefetch() -> int:
    from augline.feed.numpy import stream

    default: int = inspect.signature(stream).parameters["prefetch"].default
    return default


def _subject(measure: Callable[[Task], Metrics], output: str, note: str) -> Subject:
    return Subject(measure, POOL, output, note=note)


QUESTION = Question(
    f"Memory over {_BATCHES:,} batches",
    {
        "small-arrays": _subject(_small, f"uint8 {BATCH}×32×32×3", "from an array"),
        "files-224": _subject(_files, f"uint8 {BATCH}×224×224×3", "from files; for the budget see memory.py"),
    },
    [
        Target("growth kB", "small-arrays", at_most=1000),
        Target("growth / batch", "files-224", at_most=1),
        Target("peak / budget", "files-224", at_most=1),
    ],
)

if __name__ == "__main__":
    main(QUESTION)

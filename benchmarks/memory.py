"""Does a running pipeline's memory stay flat over 1,000 batches, and within what its batches and threads need?

The budget of a run from files, against which the peak over the start is held:

    (prefetch + 2) batches, each of its pixels and of its files' bytes
    + threads × (two decoding buffers, each 5/4 of the largest image, + one image of the output size)

A batch is in one of four states: read and planned, in work, waiting, with the user; `prefetch` counts those waiting.
While it is not done it holds the bytes of its files too, of the largest that a batch can have.
"""

from __future__ import annotations

import gc
import inspect
import os
from collections.abc import Callable
from pathlib import Path
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
    import augline as al

    al.augment(pipe.batches.blank()[:1, :8, :8], _transforms(al))  # imports the engine
    gc.collect()
    start, sizes = _resident(), []
    while len(sizes) < batches:
        for _batch in pipe:
            sizes.append(_resident())
    return start, sizes[:batches]


def _growth(sizes: list[int]) -> float:
    """kB per 1,000 batches: a line through all but the first fifth, in which buffers grow to their size."""
    import numpy as np

    settled = sizes[len(sizes) // 5 :]
    return 1000 * float(np.polyfit(np.arange(len(settled)), settled, 1)[0]) / 1000 if len(settled) > 1 else 0.0


def _small(task: Task) -> Metrics:
    import augline as al
    import numpy as np

    batches = task.scaled(_BATCHES)
    images = np.random.default_rng(7).integers(0, 256, (batches * BATCH, 32, 32, 3), np.uint8)
    start, sizes = _watched(our_pipeline(al.Arrays(images), _transforms(al)), batches)
    return {"growth kB/1000": _growth(sizes), "peak MB": (max(sizes) - start) / 1e6}


def _files(task: Task) -> Metrics:
    import augline as al

    pipe = our_pipeline(al.Files(task.files), _transforms(al), size=(224, 224))
    start, sizes = _watched(pipe, task.scaled(_BATCHES))
    peak, budget = max(sizes) - start, _budget(task.files)
    return {
        "growth kB/1000": _growth(sizes),
        "peak MB": peak / 1e6,
        "budget MB": budget / 1e6,
        "peak / budget": peak / budget,
    }


def _budget(files: list[str]) -> int:
    import simplejpeg
    from augline.feed.numpy import stream

    prefetch = inspect.signature(stream).parameters["prefetch"].default
    data = [Path(path).read_bytes() for path in files]
    largest = max(3 * h * w for h, w, *_ in map(simplejpeg.decode_jpeg_header, data))
    output = 224 * 224 * 3
    encoded = sum(sorted(map(len, data))[-BATCH:])
    return (prefetch + 2) * (BATCH * output + encoded) + THREADS * (2 * largest * 5 // 4 + output)


def _subject(measure: Callable[[Task], Metrics], output: str, note: str) -> Subject:
    return Subject(measure, POOL, output, note=note)


QUESTION = Question(
    f"Memory over {_BATCHES:,} batches",
    {
        "small-arrays": _subject(_small, f"uint8 {BATCH}×32×32×3", "from an array"),
        "files-224": _subject(_files, f"uint8 {BATCH}×224×224×3", "from files; the budget's arithmetic: memory.py"),
    },
    [
        Target("growth kB/1000", "small-arrays", at_most=1000),
        Target("growth kB/1000", "files-224", at_most=1000),
        Target("peak / budget", "files-224", at_most=1),
    ],
)

if __name__ == "__main__":
    main(QUESTION)

"""Does the order of a data set cost more the larger the set is? A thousand, a million, a thousand million samples."""

from __future__ import annotations

import itertools
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

from harness import Metrics, Question, Subject, Target, Task, main, median_time
from subjects import TF_DATA, tensorflow

_FIRST = 1000
_REPEATS = 51


def _virtual(count: int) -> Any:
    """A data set of any length that is nowhere stored."""
    import numpy as np

    import augline as al
    from augline.sources import Targets

    class Virtual(al.Source):
        channels, dtype, value_range, size, class_names = 3, "uint8", (0.0, 255.0), (8, 8), None
        targets = Targets()
        image = np.zeros((8, 8, 3), np.uint8)

        def __len__(self) -> int:
            return count

        def read(self, index: int) -> Any:
            return self.image

        def name(self, index: int) -> str:
            return f"virtual[{index}]"

        def config(self) -> dict[str, Any]:
            return {}

    return Virtual()


def _measure(count: int) -> Callable[[Task], Metrics]:
    def measure(task: Task) -> Metrics:
        import numpy as np

        import augline as al
        from augline.order import shuffled

        first, middle, seeds = np.arange(_FIRST), np.asarray([count * 5 // 8]), itertools.count()

        def order() -> None:
            seed = next(seeds)  # a new one each time, so that its keys are made as well
            shuffled(middle, count, seed, 3)
            shuffled(first, count, seed, 3)

        def pipeline() -> None:
            pipe = al.Pipeline(_virtual(count), [al.RandomFlip("horizontal")], seed=next(seeds), workers=1)
            pipe.batch(epoch=3, step=len(pipe) * 5 // 8)
            pipe.indices(3, first)

        times = {"order µs": 1e6 * median_time(order, _REPEATS), "pipeline ms": 1e3 * median_time(pipeline, _REPEATS)}
        return {**times, "peak kB": _peak(order) / 1000, "pipeline peak kB": _peak(pipeline) / 1000}

    return measure


def _peak(call: Callable[[], None]) -> float:
    """Bytes that a call has allocated at most, after one that does not count."""
    tracemalloc.start()
    call()
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    call()
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return peak


def _tf_shuffle(count: int) -> Callable[[Task], Metrics]:
    def measure(task: Task) -> Metrics:
        tf = tensorflow()
        dataset = tf.data.Dataset.range(count).shuffle(count).take(_FIRST).batch(_FIRST)
        next(iter(tf.data.Dataset.range(64).shuffle(64).batch(64)))
        begin = time.perf_counter()
        next(iter(dataset))
        return {"order µs": 1e6 * (time.perf_counter() - begin)}

    return measure


_SIZES = {"1e3": 10**3, "1e6": 10**6, "1e9": 10**9}
_BOUNDS = {"order µs": 2, "pipeline ms": 2, "peak kB": 1.05, "pipeline peak kB": 1.05}

QUESTION = Question(
    f"Order of N samples: build, seek, first {_FIRST:,} ids; and a whole pipeline: build, one batch far in, first ids",
    {
        **{f"N={name}": Subject(_measure(count), "1", "sample ids") for name, count in _SIZES.items()},
        "tf.data-shuffle-1e6": Subject(
            _tf_shuffle(10**6), TF_DATA, "sample ids", ("tensorflow",), "for contrast: fills its buffer of ids first"
        ),
    },
    [
        Target(metric, f"N={name}", ["N=1e3"], at_most=bound)
        for metric, bound in _BOUNDS.items()
        for name in ("1e6", "1e9")
    ],
)

if __name__ == "__main__":
    main(QUESTION)

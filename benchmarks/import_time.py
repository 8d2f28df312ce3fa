"""How long does `import augline` take, and does it leave TensorFlow alone?"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence

from harness import Metrics, Question, Subject, Target, Task, main

_CODE = """
import sys, time
begin = time.perf_counter()
import {name}
print(time.perf_counter() - begin, 'tensorflow' in sys.modules or 'keras' in sys.modules)
"""
_REPEATS = 5


def _seconds(name: str) -> tuple[float, bool]:
    """Of the import alone, in a Python of its own; and whether TensorFlow or Keras came with it."""
    command = [sys.executable, "-c", _CODE.format(name=name)]
    seconds, loaded = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-2:]
    return float(seconds), loaded == "True"


def _measure(name: str, *, without_tensorflow: bool = False) -> Callable[[Task], Metrics]:
    def measure(task: Task) -> Metrics:
        _, loaded = _seconds(name)  # not counted: reads the files, writes the bytecode
        if loaded and without_tensorflow:
            raise AssertionError(f"import {name} loads TensorFlow or Keras")
        return {"seconds": sorted(_seconds(name)[0] for _ in range(_REPEATS))[_REPEATS // 2]}

    return measure


def _peer(name: str) -> Subject:
    requires: Sequence[str] = (name,)
    return Subject(_measure(name), "1", "a module", requires, "for scale")


QUESTION = Question(
    "Time to import",
    {
        "augline": Subject(
            _measure("augline", without_tensorflow=True), "1", "a module", note="fails if it loads TensorFlow or Keras"
        ),
        "numpy": _peer("numpy"),
        "albumentations": _peer("albumentations"),
        "tensorflow": _peer("tensorflow"),
    },
    [Target("seconds", "augline", at_most=0.3)],
)  # fmt: skip

if __name__ == "__main__":
    main(QUESTION)

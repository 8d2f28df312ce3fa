"""A tf.data service on the same machine: what no worker, one and two give, and so what the way through it costs.

By itself it takes one measurement; all of them, with the ratios, in about four minutes on two cores:

    python benchmarks/run.py photos/ --only service --rounds 2
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from harness import BATCH, THREADS, Metrics, Output, Question, Subject, Target, Task, main
from subjects import our_pipeline, tensorflow

SIX = "flip, rotation, zoom, translation, brightness, contrast"
_AHEAD = 64
"""Batches before the clock starts: more than may lie ready, which would be taken in no time."""
_LIMIT = 60.0
"""Seconds that a server may take to start."""
_SERVER = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()  # it ends with who started it
from augline.cli import main
main()
"""


def _dataset(task: Task, **options: Any) -> Any:
    import augline as al

    turn = [al.RandomFlip("horizontal"), al.RandomRotation(20 / 360), al.RandomZoom(0.2)]
    work = [*turn, al.RandomTranslation(0.1, 0.1), al.RandomBrightness(0.2), al.RandomContrast(0.2)]
    pipe = our_pipeline(al.Files(task.files), work, size=(224, 224), engine="tensorflow")
    return pipe.to_tf(**options)


def _measure(workers: int) -> Callable[[Task], Metrics]:
    def measure(task: Task) -> Metrics:
        tensorflow()
        with ExitStack() as servers:
            options = {}
            if workers:
                address = servers.enter_context(_server("dispatcher", "--port", "0"))
                for _ in range(workers):
                    servers.enter_context(_server("worker", "--dispatcher", address))
                options = {"service": f"grpc://{address}"}
            return _rate(_dataset(task, **options), task)

    return measure


def _rate(dataset: Any, task: Task) -> Metrics:
    """Of batches in the midst of a stream that no one interrupts: what lies ready was used up before."""
    batches = itertools.chain.from_iterable(itertools.repeat(dataset))
    for number in range(task.scaled(_AHEAD)):
        batch = next(batches)
        if not number:
            Output().check(batch)
    begin, begin_cpu = time.perf_counter(), time.process_time()
    for _ in range(task.images // BATCH):
        next(batches)
    wall, cpu = time.perf_counter() - begin, time.process_time() - begin_cpu
    return {"images/s": task.images / wall, "CPU ms/image": 1e3 * cpu / task.images}


@contextmanager
def _server(*command: str) -> Iterator[str]:
    """A server while it runs, and its host:port, if it says it."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-c", _SERVER, "serve", *command], text=True, **pipes) as process:
        late = threading.Timer(_LIMIT, process.kill)
        late.start()
        try:
            address = _address(process.stdout, command)
            late.cancel()
            yield address
        finally:
            late.cancel()
            process.kill()


def _address(said: Any, command: tuple[str, ...]) -> str:
    for line in said:
        if "listens at grpc://" in line:
            return line.split("grpc://")[1].split()[0].rstrip(".")
        if "makes batches" in line:
            return ""
    raise RuntimeError(f"augline serve {' '.join(command)} ended, or took more than {_LIMIT:g} s to start")


QUESTION = Question(
    f"The graph engine on a tf.data service of this machine: {SIX}",
    {
        name: Subject(
            _measure(workers),
            f"2 cores for all, {THREADS} calls per worker",
            str(Output()),
            requires=("tensorflow",),
            note="in the midst of a stream; CPU is the main process's alone",
        )
        for name, workers in (("none", 0), ("one", 1), ("two", 2))
    },
    [
        Target("images/s", "one", ["none"]),
        Target("images/s", "two", ["none"]),
        Target("images/s", "two", ["one"]),
    ],
)

if __name__ == "__main__":
    main(QUESTION)

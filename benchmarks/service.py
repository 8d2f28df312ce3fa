"""A tf.data service on the same machine: what no worker, one and two give, and so what the way through it costs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from harness import THREADS, Build, Question, Target, Task, main, throughput
from subjects import our_pipeline, tensorflow

SIX = "flip, rotation, zoom, translation, brightness, contrast"


def _dataset(task: Task, **options: Any) -> Any:
    import augline as al

    turn = [al.RandomFlip("horizontal"), al.RandomRotation(20 / 360), al.RandomZoom(0.2)]
    work = [*turn, al.RandomTranslation(0.1, 0.1), al.RandomBrightness(0.2), al.RandomContrast(0.2)]
    pipe = our_pipeline(al.Files(task.files), work, size=(224, 224), engine="tensorflow")
    return pipe.to_tf(**options)


def _build(workers: int) -> Build:
    def build(task: Task) -> Callable[[], Iterable[Any]]:
        tensorflow()
        if not workers:
            return _warm(_dataset(task), [])
        dispatcher, address = _server("dispatcher", "--port", "0")
        servers = [dispatcher, *(_server("worker", "--dispatcher", address)[0] for _ in range(workers))]
        return _warm(_dataset(task, service=f"grpc://{address}"), servers)

    return build


def _warm(dataset: Any, servers: list[subprocess.Popen[str]]) -> Callable[[], Iterable[Any]]:
    """After a whole pass, in which graphs are compiled; servers end with the clock's pass, which is the third."""
    for _ in dataset:
        pass
    passes = 0

    def start() -> Iterator[Any]:
        nonlocal passes
        passes += 1
        yield from dataset
        for server in servers if passes == 2 else ():
            server.terminate()

    return start


def _server(*command: str) -> tuple[subprocess.Popen[str], str]:
    """A running server and its host:port, if it says it."""
    code = "from augline.cli import main; main()"
    process = subprocess.Popen([sys.executable, "-c", code, "serve", *command], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if "listens at grpc://" in line:
            return process, line.split("grpc://")[1].split()[0].rstrip(".")
        if "makes batches" in line:
            return process, ""
    raise RuntimeError(f"augline serve {' '.join(command)} ended")


QUESTION = Question(
    f"The graph engine on a tf.data service of this machine: {SIX}",
    {
        name: throughput(
            _build(workers),
            f"2 cores for all, {THREADS} calls per worker",
            requires=("tensorflow",),
            note="CPU is the main process's alone; each pass compiles anew",
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

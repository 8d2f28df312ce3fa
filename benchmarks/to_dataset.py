"""A Sequence whose `__getitem__` is Python and NumPy: `to_dataset` and Keras's own adapter, each with two workers."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from harness import BATCH, THREADS, Build, Output, Question, Subject, Target, Task, main, throughput
from subjects import tensorflow


@dataclass(frozen=True)
class Load:
    """What `__getitem__` has to do.

    Args:
        side: Of the images.
        turns: Of a Python loop per image, as scripts have them around labels and file names.
        images: Of a full run.
    """

    side: int
    turns: int
    images: int


_LOADS = {"numpy-224": Load(224, 0, 1920), "python-64": Load(64, 2000, 7680)}


def _sequence(load: Load, task: Task, **settings: Any) -> Any:
    import keras

    class Batches(keras.utils.PyDataset):
        """Flips, shifts and brightens images one by one, as scripts do."""

        def __init__(self) -> None:
            super().__init__(**settings)
            self.count = -(-task.scaled(load.images) // BATCH)
            self.images = np.random.default_rng(7).integers(0, 256, (4 * BATCH, load.side, load.side, 3), np.uint8)
            self.vocabulary = {f"class {i}": i for i in range(10)}

        def __len__(self) -> int:
            return self.count

        def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
            images, labels = [], []
            for place in range(index * BATCH, (index + 1) * BATCH):
                image = self.images[place % len(self.images)]
                if random.random() < 0.5:
                    image = image[:, ::-1]
                image = np.roll(image, (random.randint(-4, 4), random.randint(-4, 4)), (0, 1)).astype("float32")
                images.append(np.clip(image * random.uniform(0.8, 1.2), 0, 255) / 255)
                total = 0
                for turn in range(load.turns):
                    total += turn * place
                labels.append(self.vocabulary[f"class {place % 10}"] + 0 * total)
            return np.stack(images), np.asarray(labels)

    return Batches()


def _keras(load: Load, **settings: Any) -> Build:
    """Passes as `fit` makes them."""

    def build(task: Task) -> Callable[[], Iterable[Any]]:
        tensorflow()
        from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter

        adapter = PyDatasetAdapter(_sequence(load, task, **settings))
        dataset = adapter.get_tf_dataset()

        def start() -> Iterator[Any]:
            adapter.on_epoch_begin()
            try:
                yield from (images for images, _ in dataset)
            finally:  # the warm-up breaks off
                adapter.on_epoch_end()

        return _warm(start)

    return build


def _augline(load: Load, **settings: Any) -> Build:
    def build(task: Task) -> Callable[[], Iterable[Any]]:
        tensorflow()
        import augline as al

        dataset = al.to_dataset(_sequence(load, task), **settings)
        return _warm(lambda: (images for images, _ in dataset))

    return build


def _warm(start: Callable[[], Iterable[Any]]) -> Callable[[], Iterable[Any]]:
    """After a whole pass: a process imports TensorFlow before it reads its first batch."""
    for _ in start():
        pass
    return start


def _subjects(name: str, load: Load) -> dict[str, Subject]:
    output, needs = Output("float32", load.side), ("tensorflow", "keras")
    ways = {
        "augline": (_augline(load, workers=THREADS), f"{THREADS} processes"),
        "augline-threads": (_augline(load, workers=THREADS, processes=False), f"{THREADS} threads read"),
        "keras": (_keras(load, workers=THREADS), f"{THREADS} threads read"),
        "keras-one": (_keras(load), "1 thread reads"),
    }
    return {
        f"{way}-{name}": throughput(build, threads, output, requires=needs, note="CPU is the main process's alone")
        for way, (build, threads) in ways.items()
    }


QUESTION = Question(
    "A Sequence in Python and NumPy, read by two workers: to_dataset and Keras's adapter",
    {subject: made for name, load in _LOADS.items() for subject, made in _subjects(name, load).items()},
    [Target("images/s", f"augline-{name}", [f"keras-{name}"], at_least=1.6) for name in _LOADS],
)

if __name__ == "__main__":
    main(QUESTION)

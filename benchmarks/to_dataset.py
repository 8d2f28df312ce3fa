"""A Sequence whose `__getitem__` is Python and NumPy: Keras's own adapter with two workers, and `to_dataset`.

    python benchmarks/to_dataset.py

Prints batches/s of whole passes once all have warmed up (the processes' start is given apart), the best and the median
of some rounds that take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import time
from collections.abc import Callable, Iterable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter

import keras

TARGET = 1.6


class Batches(keras.utils.PyDataset):
    """Flips, shifts and brightens images one by one, as scripts do, with a Python loop of `python` turns for each."""

    def __init__(self, count: int, batch: int, side: int, python: int, **settings: object) -> None:
        super().__init__(**settings)
        self.images = np.random.default_rng(7).integers(0, 256, (count * batch, side, side, 3), np.uint8)
        self.labels = [f"class {i % 10}" for i in range(count * batch)]
        self.vocabulary = {f"class {i}": i for i in range(10)}
        self.batch, self.python = batch, python

    def __len__(self) -> int:
        return len(self.images) // self.batch

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        images, labels = [], []
        for place in range(index * self.batch, (index + 1) * self.batch):
            image = self.images[place]
            if random.random() < 0.5:
                image = image[:, ::-1]
            image = np.roll(image, (random.randint(-4, 4), random.randint(-4, 4)), (0, 1)).astype("float32")
            image = np.clip(image * random.uniform(0.8, 1.2), 0, 255) / 255
            total = 0
            for turn in range(self.python):
                total += turn * place
            images.append(image)
            labels.append(self.vocabulary[self.labels[place]] + 0 * total)
        return np.stack(images), np.asarray(labels)


def keras_adapter(source: Batches) -> Callable[[], Iterable[object]]:
    """Passes as `fit` makes them."""
    adapter = PyDatasetAdapter(source)
    dataset = adapter.get_tf_dataset()

    def one_pass() -> Iterable[object]:
        adapter.on_epoch_begin()
        yield from dataset
        adapter.on_epoch_end()

    return one_pass


def ours(source: Batches, workers: int, processes: bool | None) -> Callable[[], Iterable[object]]:
    """Passes of `to_dataset`."""
    from augline.convert import to_dataset

    dataset = to_dataset(source, workers=workers, processes=processes)
    return lambda: dataset


def seconds(one_pass: Callable[[], Iterable[object]]) -> float:
    start = time.perf_counter()
    for _ in one_pass():
        pass
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=60)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--python", type=int, default=2000, help="turns of a Python loop per image")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()

    def source(**settings: object) -> Batches:
        return Batches(arguments.batches, arguments.batch, arguments.side, arguments.python, **settings)

    subjects = {
        "Keras, workers=1": keras_adapter(source()),
        "Keras, workers=2": keras_adapter(source(workers=2)),
        "to_dataset, workers=1": ours(source(), 1, None),
        "to_dataset, workers=2, threads": ours(source(), 2, False),
        "to_dataset, workers=2": ours(source(), 2, None),
    }
    first = {name: seconds(one_pass) for name, one_pass in subjects.items()}
    times: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(arguments.rounds):
        for name, one_pass in subjects.items():
            times[name].append(seconds(one_pass))
    print(f"{'':32}{'median':>10}{'best':>10}  batches/s   first pass")
    for name, taken in times.items():
        median, best = arguments.batches / statistics.median(taken), arguments.batches / min(taken)
        print(f"{name:32}{median:10.1f}{best:10.1f}{first[name]:20.1f} s")
    ratio = statistics.median(times["Keras, workers=2"]) / statistics.median(times["to_dataset, workers=2"])
    print(f"to_dataset, workers=2 against Keras, workers=2: {ratio:.2f}x (target {TARGET}x)")
    print(json.dumps({"arguments": vars(arguments), "seconds": times, "ratio": ratio}))


if __name__ == "__main__":
    main()

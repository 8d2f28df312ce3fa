"""Keep a Sequence class, and have two processes read it.

You have: a `keras.utils.Sequence` (a PyDataset) in pure Python, PIL and NumPy, which you would rather not rewrite.

What goes wrong: `workers=2` are two threads, which take turns at the interpreter's lock wherever the code is Python,
and draw from one global `np.random` in whichever order they come. With `use_multiprocessing=True` all processes begin
with the same copy of that state, in every epoch anew: the 32 batches of two epochs drew 13 different numbers between
them (Keras 3.15, two processes).

The new way: `al.to_dataset(sequence, workers=2)` has two processes, which keep the order, hand batches over in shared
memory, and seed `random` and `np.random` before each batch by (seed, pass, index): the same bytes for any number of
workers, no draw twice. `on_epoch_end` is called, the length is known, and any batch size trains under any strategy.

Measured: 418 images/s the old way, 660 the new way. README.md says on what.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import _data
import numpy as np
from PIL import Image

import augline as al
import keras


class Photos(keras.utils.Sequence):
    """What stays."""

    def __init__(self, photos: str, batch_size: int = 32, **options: Any) -> None:
        super().__init__(**options)
        self.paths, self.batch_size = sorted(Path(photos).glob("*/*.jpg")), batch_size
        self.vocabulary = {name: number for number, name in enumerate(_data.CLASSES)}

    def __len__(self) -> int:
        return -(-len(self.paths) // self.batch_size)

    def __getitem__(self, index: int) -> Any:
        chosen = self.paths[index * self.batch_size : (index + 1) * self.batch_size]
        labels = [self.vocabulary[path.parent.name] for path in chosen]
        return np.stack([self.load(path) for path in chosen]), np.asarray(labels)

    def load(self, path: Path) -> np.ndarray:
        image = np.asarray(Image.open(path).convert("RGB").resize((224, 224)), np.float32)
        if np.random.random() < 0.5:  # noqa: NPY002 - as people write it
            image = image[:, ::-1]
        gain, bias = np.random.uniform(0.8, 1.2), np.random.uniform(-20, 20)  # noqa: NPY002
        return np.clip(image * gain + bias, 0, 255) / 255

    def on_epoch_end(self) -> None:
        self.paths = self.paths[::-1]


def old(photos: str) -> Any:
    return Photos(photos, workers=2)


def new(photos: str) -> Any:
    return al.to_dataset(Photos(photos), workers=2, seed=7)


def check(photos: str) -> None:
    one, two = (al.to_dataset(Photos(photos, 8), workers=n, processes=True, seed=7) for n in (1, 2))
    assert len(two) == 7
    passes = []
    for _ in range(2):
        first, second = [*one], [*two]
        assert all((a == b).numpy().all() for (a, _), (b, _) in zip(first, second, strict=True))
        for images, labels in second:
            assert (_data.labels_seen(images) == labels.numpy()).all()
        passes.append(second)
    assert passes[0][0][1].numpy().tolist() != passes[1][0][1].numpy().tolist()  # on_epoch_end turned the list round


if __name__ == "__main__":
    _data.main(old, new, check, epoch=_data.training())

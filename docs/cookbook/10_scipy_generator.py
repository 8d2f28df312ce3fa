"""A NumPy generator with SciPy's rotate, zoom and shift, and labels out of the file names.

You have: a `while True` generator of batches for `fit(..., steps_per_epoch=...)`.

What goes wrong: three calls, three resamplings, each blurring the last, on one thread. `ndimage.zoom(image, 1.2)` of
a colour picture also zooms the channels, from 3 to 4, and changes the size, which somebody has to crop. The default
is a cubic spline, which overshoots: pictures of 0 to 1 come out below 0 and above 1. The class list is made of the
files at hand, so that a folder without one class numbers the others anew.

The new way: one warp for the three. The label is a pattern for the file name, and `class_names=` fixes the numbers.

Measured: 74 images/s the old way, 1,497 the new way. README.md says on what.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import _data
import numpy as np
from PIL import Image
from scipy import ndimage

import augline as al


def old(photos: str) -> Any:
    paths = sorted(Path(photos).rglob("*.jpg"))
    names = sorted({path.stem.split("_")[0] for path in paths})

    def load(path: Path) -> np.ndarray:
        image = np.asarray(Image.open(path).convert("RGB").resize((224, 224)), np.float32) / 255
        image = ndimage.rotate(image, random.uniform(-20, 20), reshape=False, order=1, mode="reflect")
        factor = random.uniform(1, 1.2)
        image = ndimage.zoom(image, (factor, factor, 1), order=1)
        top, left = (image.shape[0] - 224) // 2, (image.shape[1] - 224) // 2
        image = image[top : top + 224, left : left + 224]
        return ndimage.shift(image, (random.uniform(-22, 22), random.uniform(-22, 22), 0), order=1, mode="reflect")

    while True:
        random.shuffle(paths)
        for first in range(0, len(paths), 32):
            chosen = paths[first : first + 32]
            yield np.stack([load(path) for path in chosen]), [names.index(path.stem.split("_")[0]) for path in chosen]


def new(photos: str) -> Any:
    source = al.Folder(photos, label=r"([a-z]+)_\d+", class_names=_data.CLASSES)
    transforms = [
        al.RandomRotation(20 / 360),
        al.RandomZoom((-1 / 6, 0)),  # 1.2 times as large, at most
        al.RandomTranslation(0.1, 0.1),
        al.Rescaling(1 / 255),
    ]
    return al.Pipeline(source, transforms, size=(224, 224), batch_size=32, seed=7).to_tf()


def check(photos: str) -> None:
    picture = np.zeros((50, 50, 3), np.float32)
    picture[:, 25:] = 1
    assert ndimage.zoom(picture, 1.2).shape == (60, 60, 4)
    shifted = ndimage.shift(picture, (0, 0.5, 0))
    assert shifted.min() < -0.05
    assert shifted.max() > 1.05

    transforms = [al.RandomRotation(20 / 360), al.RandomZoom((-1 / 6, 0)), al.RandomTranslation(0.1, 0.1)]
    out = al.augment(picture[None], transforms)
    assert out.shape == (1, 50, 50, 3)
    assert out.min() >= 0
    assert out.max() <= 1
    batches = old(photos)
    for (images, labels), (again, _) in zip(new(photos), new(photos), strict=True):
        assert (images == again).numpy().all()
        assert (_data.labels_seen(images) == labels.numpy()).all()
        images, labels = next(batches)
        assert (_data.labels_seen(images) == labels).all()


if __name__ == "__main__":
    _data.main(old, new, check)

"""A Python generator that calls tf.image: brightness, contrast, flip.

You have: a `while True` generator that reads, resizes and augments one picture at a time with `tf.image`.

What goes wrong: `tf.image.resize` gives float32 from 0 to 255, and on those `random_brightness(image, 0.2)` moves
values by at most 0.2 of 255: nothing happens, and nobody says so. On pictures of 0 to 1 it works, and leaves that
range: values are not clipped. Each op is called by itself for each picture, on one thread.

The new way: brightness is a share of the value range, whatever the type; values stay in it; brightness, contrast and
rescaling become one curve.

Measured: 549 images/s the old way, 1,299 the new way. README.md says on what.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import _data
import numpy as np
import tensorflow as tf

import augline as al


def old(photos: str) -> Any:
    paths = sorted(Path(photos).glob("*/*.jpg"))

    def load(path: Path) -> Any:
        image = tf.io.decode_jpeg(tf.io.read_file(str(path)), channels=3)
        image = tf.image.resize(image, (224, 224)) / 255
        image = tf.image.random_brightness(image, 0.2)
        image = tf.image.random_contrast(image, 0.8, 1.2)
        return tf.image.random_flip_left_right(image)

    while True:
        random.shuffle(paths)
        for first in range(0, len(paths), 32):
            chosen = paths[first : first + 32]
            labels = [_data.CLASSES.index(path.parent.name) for path in chosen]
            yield np.stack([load(path) for path in chosen]), np.asarray(labels)


def new(photos: str) -> Any:
    transforms = [
        al.RandomBrightness(0.2),
        al.RandomContrast(0.2),
        al.RandomFlip("horizontal"),
        al.Rescaling(1 / 255),
    ]
    return al.Pipeline(al.Folder(photos), transforms, size=(224, 224), batch_size=32, seed=7).to_tf()


def check(photos: str) -> None:
    grey = np.full((4, 4, 3), 100, np.float32)
    assert np.abs(tf.image.adjust_brightness(grey, 0.2) - grey).max() < 0.21  # of 255
    assert tf.image.adjust_brightness(grey / 105, 0.2).numpy().max() > 1.1
    brighter = [al.RandomBrightness((0.2, 0.2))]
    assert al.augment(grey[None].astype(np.uint8), brighter).max() == 151
    assert al.augment(grey[None] / 105, brighter).max() == 1

    batches = old(photos)
    for (images, labels), (again, _) in zip(new(photos), new(photos), strict=True):
        assert (images == again).numpy().all()
        assert images.numpy().min() >= 0
        assert images.numpy().max() <= 1
        assert (_data.labels_seen(images) == labels.numpy()).all()
        images, labels = next(batches)
        assert (_data.labels_seen(images) == labels).all()


if __name__ == "__main__":
    _data.main(old, new, check)

"""tf.data with tf.image: flips and turns by 90 degrees.

You have: `list_files`, a `map` that decodes, resizes, flips and turns, `batch`, `prefetch`.

What goes wrong: `tf.image.resize` does not antialias unless told to, so that a photograph made smaller flickers with
patterns that it does not hold. `decode_jpeg` leaves out the EXIF orientation: pictures of a telephone lie on their
side. And the random ops of a parallel `map` share one state: with all seeds set, two runs agreed in only about 90 of
100 draws (TensorFlow 2.21, 8 parallel calls), so that no run can be repeated.

The new way: a declaration. What happens to a photograph depends on (seed, epoch, sample) alone, whatever the number
of threads; resize, flip and turn are one resampling, antialiased; orientation is applied.

Measured: 1,498 images/s the old way, 1,499 the new way. README.md says on what.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import _data
import numpy as np
import tensorflow as tf
from PIL import Image

import augline as al


def old(photos: str) -> Any:
    def load(path: Any) -> Any:
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        image = tf.image.resize(image, (224, 224)) / 255
        image = tf.image.random_flip_left_right(image)
        image = tf.image.rot90(image, tf.random.uniform((), 0, 4, tf.int32))
        return image, tf.argmax(tf.strings.split(path, "/")[-2] == _data.CLASSES)

    files = tf.data.Dataset.list_files(f"{photos}/*/*.jpg")
    return files.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(32).prefetch(tf.data.AUTOTUNE)


def new(photos: str) -> Any:
    transforms = [al.RandomFlip("horizontal"), al.RandomRotate90(), al.Rescaling(1 / 255)]
    return al.Pipeline(al.Folder(photos), transforms, size=(224, 224), batch_size=32, seed=7).to_tf()


def check(photos: str) -> None:
    stripes = (np.indices((300, 300)).sum(axis=0) % 2 * 255).astype(np.uint8)[None, ..., None].repeat(3, axis=3)
    assert tf.image.resize(stripes, (140, 140)).numpy().std() > 30  # an even grey, seen from afar
    assert al.augment(stripes, [al.Resizing(140, 140)]).std() < 3

    with tempfile.TemporaryDirectory() as folder:
        path, exif = Path(folder) / "telephone.jpg", Image.Exif()
        exif[0x0112] = 6  # lies on its side
        Image.new("RGB", (64, 48)).save(path, exif=exif)
        assert tf.io.decode_jpeg(tf.io.read_file(str(path))).shape == (48, 64, 3)
        assert al.Pipeline(al.Files([path]), size=(64, 48)).batch(0, 0).shape == (1, 64, 48, 3)

    source, transforms = al.Folder(photos), [al.RandomFlip("horizontal"), al.RandomRotate90(), al.Rescaling(1 / 255)]
    one, two = (al.Pipeline(source, transforms, size=(224, 224), seed=7, workers=n) for n in (1, 2))
    for (images, labels), (again, _) in zip(one.epoch(0), two.epoch(0), strict=True):
        assert (images == again).all()
        assert (_data.labels_seen(images) == labels).all()
    for images, labels in old(photos):
        assert (_data.labels_seen(images) == labels.numpy()).all()


if __name__ == "__main__":
    _data.main(old, new, check)

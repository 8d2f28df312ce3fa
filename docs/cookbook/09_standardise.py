"""Convert dtype -> resize -> per-image standardisation.

You have: a `map` with `convert_image_dtype`, `resize`, a flip and `per_image_standardization`.

What goes wrong: converting first makes the full picture, not the small one, four times as big in memory. The other
way round, `convert_image_dtype` does nothing without a word: `resize` gives float32 from 0 to 255, which is float
already. The resize does not antialias, and mean and deviation are those of the aliased picture.

The new way: decode, resize and flip stay in 8 bits and one antialiased resampling, and the standardisation is one of
the list. What the old way gains in time it gains by not antialiasing.

Measured: 1,608 images/s the old way, 1,395 the new way. README.md says on what.
"""

from __future__ import annotations

from typing import Any

import _data
import numpy as np
import tensorflow as tf

import augline as al


def old(photos: str) -> Any:
    def load(path: Any) -> Any:
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        image = tf.image.convert_image_dtype(image, tf.float32)
        image = tf.image.resize(image, (224, 224))
        image = tf.image.random_flip_left_right(image)
        image = tf.image.per_image_standardization(image)
        return image, tf.argmax(tf.strings.split(path, "/")[-2] == _data.CLASSES)

    files = tf.data.Dataset.list_files(f"{photos}/*/*.jpg")
    return files.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(32).prefetch(tf.data.AUTOTUNE)


def new(photos: str) -> Any:
    transforms = [al.RandomFlip("horizontal"), al.PerImageStandardization()]
    return al.Pipeline(al.Folder(photos), transforms, size=(224, 224), batch_size=32, seed=7).to_tf()


def check(photos: str) -> None:
    small = tf.image.resize(np.full((8, 8, 3), 200, np.uint8), (4, 4))
    assert float(tf.reduce_max(tf.image.convert_image_dtype(small, tf.float32))) == 200  # and not 200 / 255

    for way in (old, new):
        for images, labels in way(photos):
            assert np.abs(images.numpy().mean(axis=(1, 2, 3))).max() < 1e-3
            assert np.abs(images.numpy().std(axis=(1, 2, 3)) - 1).max() < 1e-3
            assert (_data.labels_seen(images) == labels.numpy()).all()
    assert all((a == b).numpy().all() for (a, _), (b, _) in zip(new(photos), new(photos), strict=True))


if __name__ == "__main__":
    _data.main(old, new, check)

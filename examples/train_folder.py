"""Train a Keras model on a folder with a sub-folder per class."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import augline as al
import keras


def make_photos(folder: Path) -> None:
    """Two classes to tell apart: reddish noise and bluish noise."""
    random = np.random.default_rng(0)
    for name, colour in {"red": (140, 40, 40), "blue": (40, 40, 140)}.items():
        (folder / name).mkdir()
        for number in range(40):
            pixels = random.integers(0, 100, (96, 128, 3)) + np.asarray(colour)
            Image.fromarray(pixels.astype("uint8")).save(folder / name / f"{number}.jpg")


with tempfile.TemporaryDirectory() as folder:
    make_photos(Path(folder))

    transforms = [
        al.RandomFlip("horizontal"),
        al.RandomRotation(20 / 360),
        al.RandomZoom(0.2),
        al.RandomBrightness(0.2),
        al.Rescaling(1 / 255),
    ]
    pipe = al.Pipeline(al.Folder(folder), transforms, size=(64, 64), batch_size=8, seed=7)
    training, validation = pipe.split(0.2)  # the validation part is not augmented

    model = keras.Sequential([
        keras.Input((64, 64, 3)),
        keras.layers.Conv2D(8, 3, strides=4, activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(2, activation="softmax"),
    ])  # fmt: skip
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(training.to_tf(), validation_data=validation.to_tf(), epochs=2, shuffle=False, verbose=2)

"""A small Keras model, trained through a pipeline."""

from __future__ import annotations

import importlib.util
import os
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import augline as al

SIDE = 128


def why_not(source: al.Source) -> str | None:
    """Why nothing can be trained here; None if it can."""
    if importlib.util.find_spec("tensorflow") is None:
        return 'TensorFlow is not installed. Run: pip install "augline[tensorflow]"'
    if source.class_names is None:
        return "the pictures have no classes. Put each class into a sub-folder of its own"
    if len(source.class_names) < 2:
        return f"there is one class only, {source.class_names[0]!r}. Add a sub-folder with another"
    if len(source) < 10:
        return f"there are {len(source)} pictures only. Add some"
    return None


def train(source: al.Source, transforms: list[al.Transform], epochs: int, path: Path) -> float:
    """Trains a few convolutions on four fifths of the data, and saves them; the accuracy on the last fifth."""
    keras = _keras()
    keras.utils.set_random_seed(7)
    everything = [*transforms, al.Rescaling(1 / 255)]
    pipe = al.Pipeline(source, everything, size=(SIDE, SIDE), batch_size=8, seed=7, on_error="skip")
    training, validation = pipe.split(0.2)
    model = _model(keras, source.channels, len(source.class_names or ()))
    bar = 1 if sys.stdout.isatty() else 2
    # the pipeline shuffles; Keras is not to try
    history = model.fit(training.to_tf(), epochs=epochs, validation_data=validation.to_tf(), shuffle=False, verbose=bar)
    model.save(path)
    return float(history.history["val_accuracy"][-1])


def _model(keras: Any, channels: int, classes: int) -> Any:
    layers = keras.layers
    blocks = (
        [
            layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.8),
            layers.ReLU(),
        ]
        for filters in (16, 32, 48, 64)
    )
    head = [layers.GlobalAveragePooling2D(), layers.Dense(classes, activation="softmax")]
    model = keras.Sequential([keras.Input((SIDE, SIDE, channels)), *chain.from_iterable(blocks), *head])
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _keras() -> Any:
    """Keras on TensorFlow, imported without the lines that TensorFlow writes to stderr from C++ while it starts."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        import tensorflow as tf

        import keras

        tf.zeros(())  # looks for devices, and says much about those there are not
    finally:
        os.dup2(kept, 2)
        os.close(kept)
    return keras

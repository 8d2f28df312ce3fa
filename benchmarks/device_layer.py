"""The six transforms as a layer on the device that trains: beside Keras's layers, and beside copying the images.

Runs on the GPU where there is one, in batches of 256, else on two threads of the CPU. Images lie on the device already.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from harness import BATCH, Metrics, Question, Subject, Target, Task, main
from six_transforms import six
from subjects import decoder

SIDE = 224
_LARGE_BATCH = 256
_RESIDENT = 4  # batches on the device, taken in turn
_SPACE = 30  # times as many images on a GPU, which is done with the others too soon to be measured

Layers = Callable[[], Sequence[Any]]


def _alone(layers_of: Layers) -> Callable[[Task], Metrics]:
    """Images per second through layers, or through none: a copy. One program, where all layers can be compiled."""

    def measure(task: Task) -> Metrics:
        import tensorflow as tf

        layers = layers_of()

        def through(images: Any) -> Any:
            for layer in layers:
                images = layer(images, training=True)
            return images if layers else images ^ 1

        jit = all(layer.supports_jit for layer in layers)
        step = tf.function(through, jit_compile=jit or None, autograph=False)
        speed = _timed(step, task, tf.constant)
        return {"images/s": speed, "compilations": float(step.experimental_get_tracing_count())}

    return measure


def _on_jax(task: Task) -> Metrics:
    """Images per second through our layer by itself on JAX."""
    os.environ["KERAS_BACKEND"] = "jax"
    import jax

    (layer,) = _ours()
    return {"images/s": _timed(lambda images: layer(images, training=True), task, jax.device_put)}


def _timed(step: Callable[[Any], Any], task: Task, put: Callable[[Any], Any]) -> float:
    """Images per second, after two batches that do not count."""
    parts, count = _batches(task, put)
    for part in parts[:2]:
        _wait(step(part))
    begin = time.perf_counter()
    for number in range(count):
        out = step(parts[number % _RESIDENT])
    _wait(out)
    return count * len(parts[0]) / (time.perf_counter() - begin)


def _in_a_model(layers_of: Layers) -> Callable[[Task], Metrics]:
    """Images per second of `model.fit` of a small network behind the layers."""

    def measure(task: Task) -> Metrics:
        import tensorflow as tf

        import keras

        parts, count = _batches(task, tf.constant)
        model = keras.Sequential([
            keras.Input((SIDE, SIDE, 3), dtype="uint8"), *layers_of(), keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(16, 7, strides=4), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(10),
        ])  # fmt: skip
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))  # jit_compile="auto"
        labels = tf.zeros((len(parts[0]),), tf.int64)
        data = tf.data.Dataset.range(count).map(lambda _: (parts[0], labels)).prefetch(2)
        model.fit(data.take(2), verbose=0)
        begin = time.perf_counter()
        model.fit(data, verbose=0)
        return {"images/s": count * len(parts[0]) / (time.perf_counter() - begin)}

    return measure


def _batches(task: Task, put: Callable[[Any], Any]) -> tuple[list[Any], int]:
    """A few batches of photos on the device, and how many to take in a measurement."""
    import cv2

    large = _has_gpu()
    rows = _LARGE_BATCH if large else BATCH
    decode = decoder()
    files = [task.files[k % len(task.files)] for k in range(rows)]
    images = np.stack([cv2.resize(decode(path), (SIDE, SIDE), interpolation=cv2.INTER_AREA) for path in files])
    parts = [put(np.roll(images, k, axis=0)) for k in range(_RESIDENT)]
    return parts, max(task.images * (_SPACE if large else 1) // rows, 1)


def _has_gpu() -> bool:
    if os.environ.get("KERAS_BACKEND") == "jax":
        import jax

        return any(device.platform == "gpu" for device in jax.devices())
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def _wait(out: Any) -> None:
    """Until the device is done: one number is fetched."""
    np.asarray(out[0, 0, 0])


def _ours() -> Sequence[Any]:
    import augline as al
    from augline.keras import Augment

    return [Augment(six(al), seed=7)]


def _one_geometric() -> Sequence[Any]:
    import augline as al
    from augline.keras import Augment

    return [Augment([al.RandomRotation(20 / 360)], seed=7)]


def _keras() -> Sequence[Any]:
    import keras

    return six(keras.layers)


_THREADS = "XLA's own; on the CPU, two cores"
QUESTION = Question(
    "Augmentation on the device, uint8 batches of 224 that lie there",
    {
        "layer": Subject(_alone(_ours), _THREADS, "uint8", ("tensorflow",)),
        "layer-rotation": Subject(_alone(_one_geometric), _THREADS, "uint8", ("tensorflow",), "rotation alone"),
        "keras": Subject(_alone(_keras), _THREADS, "float32", ("tensorflow",), "compiled if all six can be"),
        "copy": Subject(_alone(list), _THREADS, "uint8", ("tensorflow",), "every byte read and written once"),
        "fit-layer": Subject(_in_a_model(_ours), _THREADS, "", ("tensorflow",), "in a small model"),
        "fit-keras": Subject(_in_a_model(_keras), _THREADS, "", ("tensorflow",), "in the same model"),
        "fit-bare": Subject(_in_a_model(list), _THREADS, "", ("tensorflow",), "the model alone"),
        "layer-jax": Subject(_on_jax, _THREADS, "uint8", ("jax",)),
    },
    (
        Target("images/s", "layer", ["keras"]),
        Target("images/s", "layer", ["copy"]),
        Target("images/s", "fit-layer", ["fit-keras"]),
        Target("images/s", "fit-layer", ["fit-bare"]),
        Target("compilations", "layer", at_most=1),
    ),
    device=True,
)

if __name__ == "__main__":
    main(QUESTION)

"""An array of 50,000 images of 32×32: flip, translation and rotation, in batches of 32 and of 256."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from harness import THREADS, Build, Output, Question, Subject, Target, Task, main, throughput
from subjects import ONE_LOOP, POOL, TF_DATA, generator_epochs, keras_batches, our_epochs, our_pipeline, tensorflow

_IMAGES = 50_000
_BATCHES = (32, 256)


def _images(task: Task, batch: int) -> np.ndarray:
    count = -(-task.scaled(_IMAGES) // batch) * batch
    return np.random.default_rng(7).integers(0, 256, (count, 32, 32, 3), np.uint8)


def _three(library: Any) -> list[Any]:
    """With Keras's names and meanings, of Keras or of augline."""
    return [library.RandomFlip("horizontal"), library.RandomTranslation(0.1, 0.1), library.RandomRotation(20 / 360)]


def _augline(batch: int) -> Build:
    def build(task: Task) -> Callable[[], Iterable[Any]]:
        import augline as al

        return our_epochs(our_pipeline(al.Arrays(_images(task, batch)), _three(al), batch_size=batch))

    return build


def _keras(batch: int) -> Build:
    def build(task: Task) -> Callable[[], Iterable[Any]]:
        tf = tensorflow()
        import keras

        batches = tf.data.Dataset.from_tensor_slices(_images(task, batch)).batch(batch)
        return keras_batches(batches, _three(keras.layers))

    return build


def _image_data_generator(batch: int, threads: int) -> Build:
    def build(task: Task) -> Callable[[], Iterable[Any]]:
        from keras.src.legacy.preprocessing.image import ImageDataGenerator

        generator = ImageDataGenerator(
            rotation_range=20, width_shift_range=0.1, height_shift_range=0.1, horizontal_flip=True,
            fill_mode="reflect", dtype="uint8",
        )  # fmt: skip
        return generator_epochs(generator.flow(_images(task, batch), batch_size=batch), threads)

    return build


def _subjects(batch: int) -> dict[str, Subject]:
    output = Output(side=32, batch=batch)
    keras, idg = {"requires": ("tensorflow", "keras")}, {"requires": ("tensorflow", "keras", "scipy")}
    return {
        f"augline-{batch}": throughput(_augline(batch), POOL, output),
        f"keras-layers-{batch}": throughput(_keras(batch), TF_DATA, output, **keras, note="tf.data, whole batches"),
        f"imagedatagenerator-{batch}": throughput(_image_data_generator(batch, 1), ONE_LOOP, output, **idg),
        f"imagedatagenerator-threads-{batch}": throughput(
            _image_data_generator(batch, THREADS), f"pool of {THREADS}", output, **idg
        ),
    }


def _targets(batch: int) -> list[Target]:
    generators = [f"imagedatagenerator-{batch}", f"imagedatagenerator-threads-{batch}"]
    return [
        Target("images/s", f"augline-{batch}", [f"keras-layers-{batch}"], at_least=5),
        Target("images/s", f"augline-{batch}", generators, at_least=20),
        Target("images/s", f"augline-{batch}", generators[:1]),
    ]


QUESTION = Question(
    f"{_IMAGES:,} images of 32×32 in memory: flip, translation, rotation; batches of {_BATCHES[0]} and {_BATCHES[1]}",
    {name: subject for batch in _BATCHES for name, subject in _subjects(batch).items()},
    [target for batch in _BATCHES for target in _targets(batch)],
)

if __name__ == "__main__":
    main(QUESTION)

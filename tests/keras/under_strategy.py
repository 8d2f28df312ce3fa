"""Run by test_strategy.py: `model.fit` on one device and on two, with batches that divide and that do not."""

from __future__ import annotations

import faulthandler
import itertools
import random
from typing import Any

import numpy as np

from augline.keras import ImageDataGenerator

faulthandler.dump_traceback_later(240, exit=True)  # before the test's patience ends: where a script that hangs stands
ROWS = 65  # batches of 32 leave one, which is too few for two replicas
X = np.random.default_rng(0).integers(0, 256, (ROWS, 10, 10, 3)).astype("uint8")
Y = np.arange(ROWS) % 3
MOVING = {"rotation_range": 20, "rescale": 1 / 255, "horizontal_flip": True}
early = ImageDataGenerator(**MOVING).flow(X, Y, batch_size=25, seed=3)  # before anyone has imported Keras

import tensorflow as tf  # noqa: E402
from keras.src.legacy.preprocessing.image import ImageDataGenerator as Legacy  # noqa: E402

import keras  # noqa: E402
from calm import calm  # noqa: E402

calm()
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def model(distributed: bool) -> Any:
    keras.utils.set_random_seed(1)
    with strategy.scope() if distributed else tf.device("CPU:0"):
        layers = [keras.layers.Conv2D(2, 3), keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")]
        result = keras.Sequential(layers)
        result.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    random.seed(5)  # Keras shuffles the order of batches with it
    return result


def flow(rows: int, workers: int = 1, **more: Any) -> Any:
    generator = ImageDataGenerator(**MOVING, workers=workers)
    return generator.flow(X, Y, batch_size=rows, seed=3, **more)


def watched(iterator: Any) -> tuple[Any, list[Any]]:
    """The iterator, and a list of the batches that it will have made."""
    seen, make = [], iterator._batch

    def batch(first: int) -> Any:
        made = make(first)
        seen.append((first, made[0].tobytes(), made[1].tolist()))
        return made

    iterator._batch = batch
    return iterator, seen


def same_batches_on_one_and_two_devices(rows: int) -> None:
    runs = []
    for distributed, workers in ((False, 1), (True, 3)):
        iterator, seen = watched(flow(rows, workers))
        model(distributed).fit(iterator, epochs=2, verbose=0)
        steps = -(-ROWS // rows)
        assert len(seen) == min(2, steps) + 2 * steps, (rows, distributed, len(seen))
        assert sorted(first for first, _, _ in seen[-steps:]) == [*range(0, ROWS, rows)]
        assert sorted(label for _, _, labels in seen[-steps:] for label in labels) == sorted(Y)
        runs.append(seen)
    assert runs[0] == runs[1], rows


def everything_else(rows: int) -> None:
    trained = model(True)
    trained.fit(flow(rows).to_dataset(), epochs=1, verbose=0, validation_data=flow(rows, shuffle=False), shuffle=False)
    trained.fit(flow(rows), epochs=1, verbose=0, class_weight={0: 1.0, 1: 2.0, 2: 3.0})
    trained.fit(flow(rows), epochs=3, steps_per_epoch=2, verbose=0)
    plain = ImageDataGenerator(rescale=1 / 255)
    on_two = trained.predict(plain.flow(X, batch_size=rows, shuffle=False), verbose=0)
    assert on_two.shape == (ROWS, 3)
    np.testing.assert_allclose(on_two, trained(X.astype("float32") / 255).numpy(), atol=1e-5)
    loss = trained.evaluate(plain.flow(X, Y, batch_size=rows, shuffle=False), verbose=0, return_dict=True)
    assert np.isfinite(loss["loss"])
    with strategy.scope():  # which fails where a replica gets no row, as of the last batch of 65 in batches of 32
        strict = keras.Sequential([keras.layers.Conv2D(2, 3), keras.layers.BatchNormalization()])
    found = strict.predict(plain.flow(X, batch_size=32, shuffle=False), verbose=0)
    np.testing.assert_allclose(found, strict(X.astype("float32") / 255), atol=1e-5)
    trained.fit(early, verbose=0)


def the_same_training_as_with_keras() -> None:
    """On one device, from the same random state, the very same batches in the same order."""
    histories = []
    for make, more in ((ImageDataGenerator, {"exact": True}), (Legacy, {})):
        iterator = make(**MOVING, **more).flow(X, Y, batch_size=8, seed=3)
        histories.append(model(False).fit(iterator, epochs=3, verbose=0).history["loss"])
    np.testing.assert_allclose(*histories, rtol=1e-4)


def fit_fails(iterator: Any) -> bool:
    """The fit of Keras's own iterator, 25 rows to two replicas."""
    try:
        model(True).fit(iterator, verbose=0)
    except tf.errors.InvalidArgumentError as error:
        return "AddN" in str(error)
    return False


def datasets_are_what_next_gives() -> None:
    iterator = flow(8)
    dataset = iterator.to_dataset()
    assert dataset.cardinality() == len(iterator) == 9
    assert dataset.element_spec[0].shape.as_list() == [None, 10, 10, 3]
    assert flow(19).to_dataset().element_spec[0].shape.as_list() == [None, 10, 10, 3]  # 19 do not divide by 2 devices
    even = ImageDataGenerator().flow(X[:48], batch_size=8).to_dataset()
    assert even.element_spec.shape.as_list() == [8, 10, 10, 3]
    copy = flow(8)
    for _ in range(2):
        ours, theirs = ([*zip(*batches, strict=True)] for batches in (dataset, itertools.islice(copy, 9)))
        assert [len(labels) for labels in ours[1]] == [8] * 7 + [7, 2]  # for two devices, 8 and 1 in `theirs`
        for mine, other in zip(ours, theirs, strict=True):
            assert (np.concatenate(mine) == np.concatenate(other)).all()
    assert iterator.total_batches_seen == 0


if __name__ == "__main__":
    assert isinstance(early, keras.utils.PyDataset)
    for batch_size in (25, 32):
        same_batches_on_one_and_two_devices(batch_size)
    everything_else(25)
    datasets_are_what_next_gives()
    the_same_training_as_with_keras()
    assert fit_fails(Legacy(**MOVING).flow(X, Y, batch_size=25, seed=3))

"""Run by test_augment_layer.py: the layer on two virtual devices under MirroredStrategy. Prints what it saw as JSON."""

from __future__ import annotations

import json
import sys

import numpy as np
import tensorflow as tf

import augline as al
import keras
from augline.keras import Augment

LIST = [al.RandomFlip(), al.RandomRotation(0.1), al.RandomZoom(0.2)]
ROWS = 8


def main() -> None:
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    one = np.random.default_rng(0).integers(0, 256, (1, 40, 56, 3)).astype("uint8")
    images = np.repeat(one, ROWS, axis=0)
    with strategy.scope():
        layer = Augment(LIST, seed=7)
    data = strategy.experimental_distribute_dataset(tf.data.Dataset.from_tensor_slices(images).batch(ROWS).repeat(2))

    @tf.function
    def step(batch: tf.Tensor) -> tf.Tensor:
        return strategy.run(lambda part: layer(part, training=True), args=(batch,))

    for number, batch in enumerate(data):
        got = np.concatenate([part.numpy() for part in strategy.experimental_local_results(step(batch))])
        want = al.augment(images, LIST, seed=7, epoch=number, engine="reference")
        most = int(np.abs(got.astype(int) - want).max())
    steps = [int(value) for value in strategy.experimental_local_results(layer.step.value)]
    report = {"different": len({image.tobytes() for image in got}), "most": most, "steps": steps}
    sys.stdout.write(json.dumps(report | {"trained": trained(strategy, images)}) + "\n")


def trained(strategy: tf.distribute.Strategy, images: np.ndarray) -> int:
    """The step after three epochs of one batch. XLA has no second CPU, so there is no jit_compile."""
    with strategy.scope():
        layer = Augment([al.RandomFlip(), al.Rescaling(1 / 255)], seed=7)
        parts = [keras.Input(images.shape[1:], dtype="uint8"), layer, keras.layers.Flatten(), keras.layers.Dense(1)]
        model = keras.Sequential(parts)
        model.compile("sgd", "mse", jit_compile=False)
    model.fit(images, np.zeros(ROWS), batch_size=ROWS, epochs=3, verbose=0)
    return int(strategy.experimental_local_results(layer.step.value)[0])


if __name__ == "__main__":
    main()

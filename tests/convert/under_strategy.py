"""Run by test_strategies.py in a process of its own: the number of devices is fixed before TensorFlow starts.

python under_strategy.py REPLICAS BATCH COUNT [everything]
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
import numpy as np
import tensorflow as tf

import augline as al
import keras
from augline.convert import to_dataset
from augline.keras import ImageDataGenerator

REPLICAS, BATCH, COUNT = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
SEEN = []


class Batches(keras.utils.PyDataset):
    def __init__(self):
        super().__init__()
        self.begun = self.ended = 0

    def __len__(self):
        return -(-COUNT // BATCH)

    def __getitem__(self, index):
        ids = np.arange(index * BATCH, min((index + 1) * BATCH, COUNT))
        return np.stack([ids, ids % 7], axis=1).astype("float32") / COUNT, (ids % 3).astype("int32")

    def on_epoch_begin(self):
        self.begun += 1

    def on_epoch_end(self):
        self.ended += 1


def generator():
    source = Batches()
    for index in range(len(source)):
        yield source[index]


class Recorder(keras.layers.Layer):
    """Hands its input on, and keeps what it saw."""

    def call(self, x):
        tf.py_function(lambda rows: SEEN.append(np.rint(rows.numpy()[:, 0] * COUNT).astype(int)), [x], [])
        return x


def model(shape=(2,)):
    layers = [
        keras.Input(shape),
        Recorder() if shape == (2,) else keras.layers.Flatten(),
        keras.layers.Dense(8),
        keras.layers.BatchNormalization(),
        keras.layers.Dense(3),
    ]
    result = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    result.compile("sgd", loss, metrics=["accuracy"], run_eagerly=False)
    return result


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * REPLICAS)
    strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(REPLICAS)])
    source = Batches()
    with strategy.scope():
        net = model()
    for name, x, epochs in (("sequence", source, 2), ("function", generator, 2), ("object", generator(), 1)):
        SEEN.clear()
        history = net.fit(to_dataset(x), epochs=epochs, verbose=0, shuffle=False)
        assert np.isfinite(history.history["loss"]).all(), (name, history.history)
        assert all(np.isfinite(np.asarray(w)).all() for w in net.get_weights()), name
        seen = np.sort(np.concatenate(SEEN))
        assert seen.tolist() == np.sort(np.tile(np.arange(COUNT), epochs)).tolist(), (name, len(seen))
        assert all(len(rows) for rows in SEEN) or COUNT < REPLICAS, (name, [len(rows) for rows in SEEN])
    assert (source.begun, source.ended) == (2, 2), (source.begun, source.ended)
    if "everything" in sys.argv:
        assert np.isfinite(net.evaluate(to_dataset(source), verbose=0)).all()
        assert net.predict(to_dataset(source), verbose=0).shape == (COUNT, 3)
    images = np.arange(COUNT, dtype="float32").repeat(12).reshape(COUNT, 2, 2, 3) / COUNT
    flow = ImageDataGenerator().flow(images, np.arange(COUNT) % 3, batch_size=BATCH, seed=1)
    pipe = al.Pipeline(al.Arrays(images, np.arange(COUNT) % 3), [al.RandomFlip()], batch_size=BATCH)
    everything = {"outside": to_dataset(source), "drop-in outside": flow.to_dataset()}
    with strategy.scope():
        everything |= {"scope": to_dataset(source), "drop-in": flow.to_dataset(), "tf": pipe.to_tf()}
    for name, dataset in everything.items():
        loop_of_ones_own(strategy, name, dataset)
    if "everything" in sys.argv:
        every_kind(strategy, flow, pipe)


def every_kind(strategy, flow, pipe):
    """What the loops were given, through `fit`, `evaluate` and `predict`."""
    with strategy.scope():
        net = model((2, 2, 3))
    for name, x in {
        "flow": flow,
        "drop-in": flow.to_dataset(),
        "tf": pipe.to_tf(),
        "rebuilt": to_dataset(flow),
    }.items():
        history = net.fit(x, epochs=2, verbose=0, validation_data=x, validation_steps=1)
        assert np.isfinite(history.history["loss"]).all(), (name, history.history)
        assert all(np.isfinite(np.asarray(w)).all() for w in net.get_weights()), name
        assert np.isfinite(net.evaluate(x, verbose=0)).all(), name
        if name != "flow":  # a pass has begun, and its order is the epoch's
            assert net.predict(x, verbose=0).shape[0] == COUNT, name


def loop_of_ones_own(strategy, name, dataset):
    """Every replica gets rows, each sample once, in as many batches."""
    shared = strategy.experimental_distribute_dataset(dataset)
    for _ in range(2):
        rows = [[len(part) for part in strategy.experimental_local_results(x)] for x, _ in shared]
        assert sum(map(sum, rows)) == COUNT, (name, rows)
        assert len(rows) == -(-COUNT // BATCH), (name, rows)
        assert all(min(parts) for parts in rows), (name, rows)


main()

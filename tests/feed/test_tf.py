from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import warnings
import weakref

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import augline as al
import fresh
from augline.sources import Source, Targets

tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")

LIST = [al.RandomFlip("horizontal"), al.RandomRotation(0.1)]


def source(count: int = 50, **more) -> al.Arrays:
    images = np.random.default_rng(0).integers(0, 255, (count, 16, 24, 3), dtype=np.uint8)
    return al.Arrays(images, **{"labels": np.arange(count) % 3, **more})


class Recorded(al.Pipeline):
    """A pipeline that notes the passes begun and the batches taken."""

    def epoch(self, epoch, start=0):
        self.__dict__.setdefault("begun", []).append((epoch, start))
        for step, batch in enumerate(super().epoch(epoch, start), start):
            self.__dict__.setdefault("taken", []).append((epoch, step))
            yield batch


def model() -> keras.Model:
    layers = [keras.layers.Input((16, 24, 3)), keras.layers.Flatten(), keras.layers.Dense(3)]
    made = keras.Sequential(layers)
    made.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return made


def whole(epochs, steps=7):
    return [(epoch, step) for epoch in epochs for step in range(steps)]


# What TensorFlow is told


def test_shapes_types_and_length_are_known():
    uneven, even = (al.Pipeline(source(count), [*LIST, al.Rescaling(1 / 255)], batch_size=8) for count in (50, 48))
    images, labels = uneven.to_tf().element_spec
    assert (images.shape.as_list(), images.dtype) == ([None, 16, 24, 3], tf.float32)
    assert (labels.shape.as_list(), labels.dtype) == ([None], tf.int32)
    assert even.to_tf().element_spec[0].shape.as_list() == [8, 16, 24, 3]
    assert al.Pipeline(source(), batch_size=8, drop_remainder=True).to_tf().element_spec[1].shape.as_list() == [8]
    assert al.Pipeline(source(), batch_size=8, shard=(1, 2), drop_remainder=True).to_tf().element_spec[1].shape == [4]
    assert (len(uneven.to_tf()), len(even.to_tf())) == (7, 6)


@pytest.mark.parametrize(
    "targets",
    [
        {"labels": None},
        {"labels": np.linspace(0, 1, 10).astype(np.float32)},
        {"labels": np.eye(10, 4, dtype=np.float32)},
        {"weights": np.ones(10)},
        {"labels": None, "weights": np.ones(10)},
        {"masks": np.zeros((10, 16, 24), np.uint8)},
        {"masks": np.zeros((10, 16, 24, 2), np.int32)},
        {"boxes": [np.full((k % 3, 4), [1, 2, 8, 9]) for k in range(10)]},
        {"boxes": [np.ones((1, 4)) * [1, 1, 9, 9]] * 10, "box_labels": [[2]] * 10},
        {"labels": None, "boxes": [[]] * 10},
        {"keypoints": np.zeros((10, 5, 2))},
        {"keypoints": np.zeros((10, 5, 3))},
        {"labels": None, "keypoints": np.zeros((10, 1, 2)), "masks": np.zeros((10, 16, 24), np.uint8)},
    ],
)
def test_every_kind_of_batch_is_as_announced(targets):
    pipe = al.Pipeline(source(10, **targets), LIST, batch_size=4)
    dataset = pipe.to_tf()
    batches = list(dataset)
    assert len(batches) == 3
    for batch, same in zip(batches, pipe.epoch(0), strict=True):
        for spec, tensor, array in zip(*map(tf.nest.flatten, (dataset.element_spec, batch, same)), strict=True):
            assert spec.is_compatible_with(tensor)
            assert spec.dtype == array.dtype
            assert_array_equal(tensor.numpy(), array)


def test_keypoints_of_different_numbers_are_refused():
    pipe = al.Pipeline(source(4, keypoints=[np.zeros((1 + k, 2)) for k in range(4)]))
    with pytest.raises(al.ArgumentError, match=r"equally many keypoints.*Pad them"):
        pipe.to_tf()


@pytest.mark.parametrize("start", [(0, 7), (-1, 0), 3, (1, 2, 3), None, (0, 1.0)])
def test_places_that_are_not_there(start):
    with pytest.raises(al.ArgumentError, match=r"to_tf\(start="):
        al.Pipeline(source(), batch_size=8).to_tf(start=start)


# Passes


def test_each_pass_is_the_next_epoch():
    pipe = al.Pipeline(source(), LIST, batch_size=8, seed=4)
    dataset = pipe.to_tf()
    for epoch in range(3):
        for (images, labels), (same, numbers) in zip(dataset, pipe.epoch(epoch), strict=True):
            assert_array_equal(images.numpy(), same)
            assert_array_equal(labels.numpy(), numbers)


def test_data_sets_of_one_pipeline_count_on_their_own():
    pipe = Recorded(source(), batch_size=8)
    for _ in range(2):
        list(pipe.to_tf())
    assert pipe.begun == [(0, 0), (0, 0)]


def test_a_pass_left_early_is_begun_again():
    pipe = Recorded(source(), batch_size=8)
    dataset = pipe.to_tf()
    for _ in dataset.take(2):
        pass
    list(dataset)
    list(dataset)
    assert pipe.begun == [(0, 0), (0, 0), (1, 0)]


class Spy(Source):
    channels, dtype, value_range, size, class_names, targets = 3, "uint8", (0.0, 255.0), (8, 12), None, Targets()

    def __init__(self):
        self.seen = []

    def __len__(self):
        return 10**9

    def read(self, index):
        self.seen.append(index)
        return np.zeros((8, 12, 3), np.uint8)

    def name(self, index):
        return str(index)

    def config(self):
        return {}


def test_a_start_reads_nothing_before_it():
    spy = Spy()
    pipe = al.Pipeline(spy, batch_size=10)
    dataset = pipe.to_tf(start=(4, 10**7))
    assert spy.seen == []
    for _ in dataset.take(2):
        pass
    allowed = pipe.indices(4, np.arange(10**8, 10**8 + 10 * 7)).tolist()
    assert set(spy.seen) <= set(allowed)
    assert set(spy.seen) >= set(allowed[:20])


def test_the_first_pass_is_the_rest_and_the_others_are_whole():
    pipe = Recorded(source(), LIST, batch_size=8)
    dataset = pipe.to_tf(start=(3, 5))
    assert [len(list(dataset)) for _ in range(3)] == [2, 7, 7]
    assert pipe.taken == [(3, 5), (3, 6), *whole((4, 5))]


def test_fit_sees_every_epoch_whole():
    pipe = Recorded(source(), LIST, batch_size=8)
    model().fit(pipe.to_tf(), epochs=3, shuffle=False, verbose=0, validation_data=pipe.evaluation().to_tf())
    assert pipe.taken == whole((0, 1, 2))


def test_fit_goes_on_where_it_stopped():
    pipe = Recorded(source(), LIST, batch_size=8)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Your input ran out of data")  # Keras, of the first epoch
        model().fit(pipe.to_tf(start=(3, 4)), initial_epoch=3, epochs=6, shuffle=False, verbose=0)
    assert pipe.taken == [(3, 4), (3, 5), (3, 6), *whole((4, 5))]


def test_fit_goes_on_in_two_calls_without_a_warning():
    pipe = Recorded(source(), LIST, batch_size=8)
    trained, rest = model(), pipe.to_tf(start=(3, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained.fit(rest, initial_epoch=3, epochs=4, steps_per_epoch=len(pipe) - 4, shuffle=False, verbose=0)
        trained.fit(rest, initial_epoch=4, epochs=6, shuffle=False, verbose=0)
    assert pipe.taken == [(3, 4), (3, 5), (3, 6), *whole((4, 5))]


STRATEGY = """
import warnings, numpy as np, sys
import tensorflow as tf, keras
import augline as al
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
passes = []
class Recorded(al.Pipeline):
    def epoch(self, epoch, start=0):
        passes.append((epoch, start))
        return super().epoch(epoch, start)
images = np.random.default_rng(0).integers(0, 255, (93, 16, 24, 3), dtype=np.uint8)
pipe = Recorded(al.Arrays(images, labels=np.arange(93) % 3), [al.RandomFlip(), al.Rescaling(1 / 255)], batch_size=8)
assert len(pipe.batch(0, 11)[1]) == 5
seen = []
class Count(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None): seen.append((epoch, self.steps)); self.steps = 0
    def on_epoch_begin(self, epoch, logs=None): self.steps = 0
    def on_train_batch_end(self, batch, logs=None): self.steps += 1
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
with warnings.catch_warnings():
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    model.fit(pipe.to_tf(), epochs=3, shuffle=False, verbose=0, callbacks=[Count()])
    assert seen == [(0, 12), (1, 12), (2, 12)], seen
    assert passes == [(0, 0), (1, 0), (2, 0)], passes  # the look that Keras takes is none
    model.evaluate(pipe.evaluation().to_tf(), verbose=0)
    passes.clear(), seen.clear()
    warnings.filterwarnings("ignore", "Your input ran out of data")
    model.fit(pipe.to_tf(start=(3, 2)), initial_epoch=3, epochs=6, shuffle=False, verbose=0, callbacks=[Count()])
    assert passes == [(3, 2), (4, 0), (5, 0)], passes
    assert [steps for _, steps in seen][1:] == [12, 12], seen
even = al.Pipeline(al.Arrays(images[:72], labels=np.arange(72) % 3), [al.Rescaling(1 / 255)], batch_size=8)
model.fit(even.to_tf(), epochs=2, shuffle=False, verbose=0)
odd = al.Pipeline(al.Arrays(images[:75], labels=np.arange(75) % 3), [al.Rescaling(1 / 255)], batch_size=25)
model.fit(odd.to_tf(), epochs=2, shuffle=False, verbose=0)
model.evaluate(odd.to_tf(), verbose=0)
one = al.Pipeline(al.Arrays(images[:65], labels=np.arange(65) % 3), [al.Rescaling(1 / 255)], batch_size=16)
sizes = [len(labels) for _, labels in one.to_tf()]
assert sizes == [16, 16, 16, 16, 1], sizes
with strategy.scope():
    sizes = [len(labels) for _, labels in one.to_tf()]
    assert sizes == [16, 16, 16, 15, 2], sizes
    normal = keras.Sequential([keras.layers.BatchNormalization(), keras.layers.Flatten(), keras.layers.Dense(3)])
    normal.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
assert np.isfinite(normal.fit(one.to_tf(), epochs=3, shuffle=False, verbose=0).history["loss"]).all()
print("trained")
"""


@pytest.mark.slow
def test_fit_under_a_strategy(tmp_path):
    script = tmp_path / "trains.py"
    script.write_text(STRATEGY)
    done = fresh.run(script)
    assert done.stdout.endswith("trained\n"), done.stderr[-3000:]
    assert "sharding" not in done.stderr.lower(), done.stderr


# Memory


def addresses(pipe: al.Pipeline) -> list[range]:
    kept = pipe.batches._buffers._kept
    return [range(memory.ctypes.data, memory.ctypes.data + memory.size) for memory in kept]


def test_a_tensor_takes_over_the_memory_of_its_batch():
    pipe = al.Pipeline(source(400), LIST, batch_size=8)
    for images, _ in pipe.to_tf().take(3):
        place = np.asarray(memoryview(images)).__array_interface__["data"][0]
        assert any(place in memory for memory in addresses(pipe))


WAYS = {
    "plain": lambda dataset: dataset,
    "prefetch": lambda dataset: dataset.prefetch(4),
    "map": lambda dataset: dataset.map(lambda images, labels: (tf.identity(images), labels)),
    "parallel map": lambda dataset: dataset.map(lambda i, n: (i, n), num_parallel_calls=4, deterministic=True).prefetch(
        2
    ),
    "cache": lambda dataset: dataset.cache(),
    "unbatch": lambda dataset: dataset.unbatch().batch(8),
    "shuffle": lambda dataset: dataset.shuffle(20, seed=1),
    "zip": lambda dataset: tf.data.Dataset.zip((dataset, dataset)).map(lambda a, b: b),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_held_does_not_change_while_others_come(way):
    pipe = al.Pipeline(source(480), LIST, batch_size=8, seed=4)
    wanted = [images.tobytes() for images, _ in pipe.epoch(0)]
    held = [images for images, _ in WAYS[way](pipe.to_tf())]
    got = [images.numpy().tobytes() for images in held]
    assert sorted(got) == sorted(wanted) if way == "shuffle" else got == wanted


@pytest.mark.parametrize("how", ["tensor", "slice", "dlpack", "memoryview", "numpy"])
def test_one_batch_held_any_way_keeps_its_memory(how):
    pipe = al.Pipeline(source(480), LIST, batch_size=8, seed=4)
    run = iter(pipe.to_tf())
    tensor = next(run)[0]
    copy = np.array(tensor)
    if how == "slice":
        tensor, copy = tensor[2:5], copy[2:5]
    share = {"dlpack": np.from_dlpack, "memoryview": memoryview, "numpy": lambda tensor: tensor.numpy()}
    holder = share.get(how, lambda tensor: tensor)(tensor)
    del tensor
    assert sum(1 for _ in run) == 59
    assert_array_equal(np.asarray(holder), copy)


def test_training_sees_the_bytes_of_the_batches():
    pipe = al.Pipeline(source(480), [*LIST, al.Rescaling(1 / 255)], batch_size=8, seed=4)
    sums = []

    class Sum(keras.layers.Layer):
        def call(self, x):
            tf.numpy_function(lambda a: sums.append(float(a.astype(np.float64).sum())), [x], [])
            return x

    made = keras.Sequential([keras.layers.Input((16, 24, 3)), Sum(), keras.layers.Flatten(), keras.layers.Dense(3)])
    made.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    made.fit(pipe.to_tf().prefetch(3), epochs=2, shuffle=False, verbose=0)
    wanted = [float(images.astype(np.float64).sum()) for epoch in (0, 1) for images, _ in pipe.epoch(epoch)]
    np.testing.assert_allclose(sums[-len(wanted) :], wanted)


def test_leaving_early_leaves_no_thread_behind():
    before = {*threading.enumerate()}
    dataset = al.Pipeline(source(400), LIST, batch_size=8).to_tf()
    list(dataset.take(2))

    def ours() -> int:
        return sum(thread.name.startswith("augline") for thread in {*threading.enumerate()} - before)

    assert ours() == 0
    for _ in range(20):
        for _ in dataset:
            break
    assert ours() == 0


def test_a_file_that_fails_is_named(tmp_path):
    paths = []
    for number in range(8):
        paths.append(str(tmp_path / f"{number}.png"))
        keras.utils.save_img(paths[-1], np.zeros((9, 9, 3)), scale=False)
    pipe = al.Pipeline(al.Files(paths), size=(8, 8), batch_size=4, shuffle=False)
    (tmp_path / "6.png").write_text("no image")
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"6\.png \(sample 6\)"):
        list(pipe.to_tf())


def test_the_pipeline_alone_does_not_import_tensorflow():
    script = (
        "import sys, numpy as np, augline as al; list(al.Pipeline(al.Arrays(np.zeros((4, 8, 9, 3), 'uint8')))); "
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env=os.environ)


def test_a_source_is_let_go_with_its_data_set() -> None:
    images = np.zeros((8, 6, 5, 3), np.uint8)
    kept = weakref.ref(images)
    iterator = iter(al.Pipeline(al.Arrays(images), [], batch_size=4).to_tf().prefetch(1))
    del images
    gc.collect()
    assert len(list(iterator)) == 2
    del iterator
    gc.collect()
    assert kept() is None


def test_what_a_strategy_lets_go_of_was_looked_through():
    """TensorFlow may crash there otherwise; see `untuned`. Without a strategy the graph engine saves the time."""
    arrays = al.Arrays(np.zeros((4, 4, 4, 3), "uint8"))

    def looks(engine):
        dataset = al.Pipeline(arrays, [al.RandomFlip()], engine=engine).to_tf()
        return dataset.options().experimental_optimization.noop_elimination

    assert looks("opencv")
    assert not looks("tensorflow")
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        assert looks("tensorflow")

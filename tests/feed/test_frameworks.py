"""Batches in the hands of JAX, PyTorch, and Keras on their backends: shared memory, kept while it is held."""

from __future__ import annotations

import importlib.util
import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import augline as al
import fresh


def pipeline(**more) -> al.Pipeline:
    images = np.random.default_rng(0).integers(0, 255, (480, 16, 24, 3), dtype=np.uint8)
    source = al.Arrays(images, labels=np.arange(480) % 3)
    return al.Pipeline(source, [al.RandomFlip(), al.Rescaling(1 / 255)], **{"batch_size": 8, "seed": 4, **more})


def taken_over(framework: str, how: str):
    module = pytest.importorskip(framework)
    ways = {
        ("torch", "from_numpy"): lambda array: module.from_numpy(array),
        ("torch", "from_dlpack"): lambda array: module.from_dlpack(array),
        ("torch", "as_tensor"): lambda array: module.as_tensor(array),
        ("jax", "from_dlpack"): lambda array: module.dlpack.from_dlpack(array),
        ("jax", "asarray"): lambda array: module.numpy.asarray(array),
        ("numpy", "from_dlpack"): np.from_dlpack,
        ("numpy", "memoryview"): lambda array: memoryview(array),
    }
    return ways[framework, how]


WAYS = [("torch", "from_numpy"), ("torch", "from_dlpack"), ("torch", "as_tensor"), ("jax", "from_dlpack"),
        ("jax", "asarray"), ("numpy", "from_dlpack"), ("numpy", "memoryview")]  # fmt: skip


@pytest.mark.parametrize(("framework", "how"), WAYS)
def test_what_is_held_does_not_change_while_others_come(framework, how):
    take, pipe = taken_over(framework, how), pipeline()
    held = [take(images) for images, _ in pipe.epoch(0)]
    for tensor, (images, _) in zip(held, pipeline().epoch(0), strict=True):
        assert_array_equal(np.asarray(tensor), images)


@pytest.mark.parametrize(("framework", "how"), WAYS)
def test_one_batch_held_keeps_its_memory(framework, how):
    take, batches = taken_over(framework, how), pipeline().epoch(0)
    images = next(batches)[0]
    tensor, copy = take(images), images.copy()
    del images
    assert sum(1 for _ in batches) == 59
    assert_array_equal(np.asarray(tensor), copy)


@pytest.mark.parametrize(("framework", "how"), [way for way in WAYS if way != ("jax", "asarray")])  # that copies once
def test_nothing_is_copied(framework, how):
    take = taken_over(framework, how)
    images = pipeline().batch(0, 0)[0]
    assert images.ctypes.data % 64 == 0
    address = np.asarray(take(images)).ctypes.data
    assert address == images.ctypes.data


@pytest.mark.parametrize("start", [(0, 0), (3, 57)])
def test_a_stream_goes_through_the_epochs(start):
    pipe = pipeline()
    wanted = [*pipe.epoch(start[0], start[1]), *pipe.epoch(start[0] + 1)]
    for one, other in zip(itertools.islice(pipe.stream(start), len(wanted)), wanted, strict=True):
        assert_array_equal(one[0], other[0])
    with pytest.raises(al.ArgumentError, match=r"Pipeline.stream\(start=\(0, 60\)\)"):
        pipe.stream((0, 60))


TRAINING = """
import sys, tempfile, numpy as np, augline as al, keras
assert keras.backend.backend() == sys.argv[1]
images = np.random.default_rng(0).integers(0, 255, (42, 8, 8, 3), dtype=np.uint8)
pipe = al.Pipeline(al.Arrays(images, labels=np.arange(42) % 3), [al.RandomFlip(), al.Rescaling(1 / 255)], batch_size=8)
def model():
    keras.utils.set_random_seed(1)
    made = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])
    made.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return made
one, seen = model(), []
one.fit(pipe, epochs=2, verbose=0, validation_data=pipe.evaluation(), callbacks=[
    keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["val_loss"]))])
by_hand, streamed, wanted = model(), model(), []
for epoch in range(2):
    for images, labels in pipe.epoch(epoch):
        by_hand.train_on_batch(images, labels)
    parts = zip(*pipe.evaluation().epoch(0))
    wanted.append(by_hand.evaluate(*map(np.concatenate, parts), verbose=0))
np.testing.assert_allclose(seen, wanted, rtol=1e-5)
streamed.fit(pipe.stream(), steps_per_epoch=len(pipe), epochs=2, verbose=0)
for made in (by_hand, streamed):
    for a, b in zip(one.get_weights(), made.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
weighed, by_keras = model(), model()
weighed.fit(pipe.to_keras(class_weight={1: 3.0}), epochs=1, verbose=0)
for images, labels in pipe.epoch(0):
    by_keras.train_on_batch(images, labels, class_weight={1: 3.0})
for a, b in zip(weighed.get_weights(), by_keras.get_weights(), strict=True):
    np.testing.assert_allclose(a, b, atol=1e-6)
if sys.argv[2] == "to_tf":
    other = model()
    other.fit(pipe.to_tf(), epochs=2, verbose=0, shuffle=False)
    padded = model()
    padded.fit(pipe.to_tf(last_batch="pad"), epochs=2, verbose=0, shuffle=False)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
class Stop(keras.callbacks.Callback):
    left = 11  # one batch is left then, and the look that Keras takes before it trains is no pass
    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt
with tempfile.TemporaryDirectory() as folder:
    for stop in ([Stop()], []):
        made, resume = model(), al.keras.Resume(folder, pipe, every=1)
        try:
            made.fit(resume.dataset(), initial_epoch=resume.initial_epoch, epochs=3, shuffle=False, verbose=0,
                     callbacks=[resume, *stop])
        except KeyboardInterrupt:
            assert stop
one.fit(pipe, initial_epoch=2, epochs=3, verbose=0)  # counts on
for a, b in zip(one.get_weights(), made.get_weights(), strict=True):
    np.testing.assert_allclose(a, b, atol=1e-6)
print("trained")
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_keras_trains_on_each_backend(backend):
    for name in ("keras", backend):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    data = "to_tf" if importlib.util.find_spec("tensorflow") else "others"
    if backend == "tensorflow":
        done = fresh.run(TRAINING, backend, data)
    else:
        environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        done = subprocess.run(
            [sys.executable, "-c", TRAINING, backend, data], env=environment, capture_output=True, text=True,
            check=False, timeout=300,
        )  # fmt: skip
    assert done.stdout.endswith("trained\n"), done.stderr[-3000:]

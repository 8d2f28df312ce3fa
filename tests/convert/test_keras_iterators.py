"""Iterators of Keras's own ImageDataGenerator, wrapped."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from augline.convert import recognise, to_dataset  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def iterator(seed=3):
    images = np.random.default_rng(0).integers(0, 256, (10, 12, 12, 3)).astype("float32")
    generator = keras.src.legacy.preprocessing.image.ImageDataGenerator(rotation_range=30, horizontal_flip=True)
    return generator.flow(images, np.arange(10), batch_size=4, seed=seed)


def epochs(dataset, count=2):
    return [list(dataset.as_numpy_iterator()) for _ in range(count)]


@pytest.mark.parametrize("settings", [{}, {"workers": 2, "processes": True}])
def test_the_first_epoch_is_keras_own_batch_for_batch(settings):
    source = iterator()
    expected = [source[index] for index in range(len(source))]
    dataset = to_dataset(iterator(), native=False, **settings)
    assert dataset.cardinality() == 3
    first, second = epochs(dataset)
    for (x, y), (wanted, labels) in zip(first, expected, strict=True):
        np.testing.assert_array_equal(x, wanted)
        np.testing.assert_array_equal(y, labels)
    assert [len(x) for x, _ in second] == [4, 4, 2]
    order = [np.concatenate([y for _, y in epoch]).tolist() for epoch in (first, second)]
    assert order[0] != order[1]
    assert sorted(order[1]) == list(range(10))


def test_rebuild_is_asked_only_where_native_is_wished(monkeypatch):
    asked = []
    monkeypatch.setattr(recognise, "rebuild", lambda source: asked.append(source) or source)
    to_dataset(iterator(), native=False)
    assert not asked
    to_dataset(iterator())
    assert len(asked) == 1

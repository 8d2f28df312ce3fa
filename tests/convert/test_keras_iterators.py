"""Iterators of Keras's own ImageDataGenerator, rebuilt and wrapped."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from augline.convert import to_dataset  # noqa: E402
from augline.keras import ImageDataGenerator  # noqa: E402

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


def test_rebuilt_by_default_and_the_same_over_epochs_as_wrapped():
    native, wrapped = to_dataset(iterator()), to_dataset(iterator(), native=False)
    assert native.element_spec == wrapped.element_spec
    assert native.cardinality() == 3
    for ours, theirs in zip(epochs(native, 3), epochs(wrapped, 3), strict=True):
        for (x, y), (wanted, labels) in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(y, labels)
            assert 0 < np.abs(x - wanted).max() < 8  # OpenCV's warp beside SciPy's


def test_goes_on_where_the_iterator_stands_and_leaves_it_there():
    source, other = iterator(), iterator()
    for one in (source, other):
        list(itertools.islice(one, 3))
    labels = [y.tolist() for _, y in to_dataset(source).as_numpy_iterator()]
    assert source.total_batches_seen == 3
    assert labels == [other[index][1].tolist() for index in range(3)]


def test_our_own_iterator_gives_the_same_and_no_batch_is_lost_to_a_look():
    generator = ImageDataGenerator(rotation_range=30, horizontal_flip=True)
    images = np.random.default_rng(0).integers(0, 256, (10, 12, 12, 3)).astype("float32")
    flows = [generator.flow(images, np.arange(10), batch_size=4, seed=3) for _ in range(2)]
    dataset = to_dataset(flows[0], workers=2)
    assert flows[0].threads == 2
    for x, y in dataset.as_numpy_iterator():
        wanted, labels = next(flows[1])
        np.testing.assert_array_equal(x, wanted)
        np.testing.assert_array_equal(y, labels)


def test_a_pass_left_early_ends_and_the_next_repeats():
    runs = []
    for _ in range(2):
        dataset = to_dataset(iterator())
        first = [y.tolist() for _, y in dataset.take(1).as_numpy_iterator()]
        runs.append(first + [y.tolist() for _, y in dataset.as_numpy_iterator()])
    assert runs[0] == runs[1]
    assert sorted(label for labels in runs[0][1:] for label in labels) == list(range(10))


@pytest.mark.parametrize("settings", [{"native": False}, {"workers": 2, "processes": True}])
def test_wrapped_where_wished(settings, monkeypatch):
    def refuse(source):
        raise AssertionError

    monkeypatch.setattr("augline.keras.from_keras_iterator", refuse)
    assert to_dataset(iterator(), **settings).cardinality() == 3

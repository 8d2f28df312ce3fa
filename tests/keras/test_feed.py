"""What Keras is given of a pipeline: passes for every backend, and class weights."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import augline as al

pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")

from keras.src.trainers.data_adapters.data_adapter_utils import class_weight_to_sample_weights  # noqa: E402
from keras.src.trainers.epoch_iterator import EpochIterator  # noqa: E402

IMAGES = np.random.default_rng(0).integers(0, 255, (22, 8, 9, 3), dtype=np.uint8)
LABELS = np.arange(22) % 3
FLIP = (al.RandomFlip(),)
WEIGHTS = {0: 2.0, 2: 0.5}


def pipeline(labels=LABELS, transforms=FLIP, **more) -> al.Pipeline:
    return al.Pipeline(al.Arrays(IMAGES, labels=labels), transforms, **{"batch_size": 5, "seed": 3, **more})


def labels_of(batches) -> list[list[int]]:
    return [labels.tolist() for _, labels in batches]


def epochs(pipe: al.Pipeline, *numbers: int) -> list[list[int]]:
    return [labels for number in numbers for labels in labels_of(pipe.epoch(number))]


# Passes


def test_a_pipeline_is_data_for_keras_and_a_pipeline_still():
    pipe = pipeline()
    assert isinstance(pipe, al.Pipeline)
    for same in (pipe, copy.copy(pipe), pickle.loads(pickle.dumps(pipe)), pipe.view(batch_size=5)):
        iterator = EpochIterator(same)
        assert iterator.num_batches == 5
        assert [*map(len, labels_of(data[0] for _, _, data in iterator))] == [5, 5, 5, 5, 2]
        assert type(same) is al.Pipeline
    with pytest.raises(AttributeError, match="'Pipeline' object has no attribute 'get_dataset'"):
        pipe.get_dataset  # noqa: B018
    views = al.Views(pipe.source, [[al.RandomFlip()]] * 2, batch_size=11)
    assert [np.shape(images) for _, _, ((images, _),) in EpochIterator(views)] == [(2, 11, 8, 9, 3)] * 2
    pickle.dumps(views)


def test_keras_shuffles_nothing_and_half_a_pass_goes_on():
    pipe = pipeline(batch_size=4)
    for steps in (None, 3):
        iterator = EpochIterator(pipe.to_keras(), steps_per_epoch=steps, shuffle=True)
        seen = [labels for _ in range(4) for labels in labels_of(data[0] for _, _, data in iterator)]
        assert seen == epochs(pipe, *range(4))[: 4 * (steps or 6)]


def test_a_pass_left_early_is_begun_again_and_a_start_is_where_it_begins():
    pipe = pipeline()
    feed = pipe.to_keras((1, 3))
    assert len(feed) == 5
    for wanted in (epochs(pipe, 1)[3:], epochs(pipe, 2), epochs(pipe, 3)):
        next(iter(feed))
        assert labels_of(feed) == wanted
    with pytest.raises(al.ArgumentError, match=r"Pipeline.to_keras\(start=\(0, 5\)\)"):
        pipe.to_keras((0, 5))


def test_last_batches():
    pipe = pipeline()
    assert [*map(len, labels_of(pipe.to_keras(last_batch="drop")))] == [5, 5, 5, 5]
    *_, (images, labels, weights) = pipe.to_keras(last_batch="pad")
    assert (len(images), labels.tolist()) == (5, [*epochs(pipe, 0)[-1], *epochs(pipe, 0)[-1], epochs(pipe, 0)[-1][0]])
    assert weights.tolist() == [1, 1, 0, 0, 0]
    with pytest.raises(al.ArgumentError, match=r"Pipeline.to_keras\(last_batch=...\)"):
        pipe.to_keras(last_batch="fill")


def test_a_map_is_called_as_that_of_a_data_set():
    def turned(images, labels):
        return images[:, ::-1], labels + 1

    feed = pipeline().to_keras((0, 1)).map(turned)
    for ours, theirs, (images, labels) in zip(feed, feed.get_tf_dataset(), pipeline().epoch(0, 1), strict=False):
        for found in (ours, theirs):
            assert_array_equal(found[0], images[:, ::-1])
            assert_array_equal(found[1], labels + 1)
    masks = al.Pipeline(al.Arrays(IMAGES, masks=IMAGES[..., 0]), batch_size=5)
    (first, *_) = masks.to_keras().map(lambda batch: (batch["images"], batch["segmentation_masks"]))
    assert [part.shape for part in first] == [(5, 8, 9, 3), (5, 8, 9, 1)]


def test_what_keras_would_leave_out_is_refused():
    pipe, beside = pipeline(), {"y": LABELS, "sample_weight": LABELS, "class_weight": WEIGHTS}
    for data in (pipe, pipe.to_keras()):
        for name, value in beside.items():
            with pytest.raises(al.ArgumentError, match=rf"fit\({name}=...\)"):
                EpochIterator(data, **{name: value})


# Class weights


KINDS = {
    "numbers": LABELS,
    "floats": LABELS.astype(np.float32),
    "a column": LABELS[:, None],
    "one-hot": np.eye(3, dtype=np.float32)[LABELS],
    "shares": np.random.default_rng(1).dirichlet(np.ones(3), 22).astype(np.float32),
}


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_classes_are_kerass(kind):
    pipe = pipeline(KINDS[kind])
    for (_, labels, weights), (_, same) in zip(pipe.to_keras(class_weight=WEIGHTS), pipe.epoch(0), strict=True):
        assert_array_equal(labels, same)
        assert_array_equal(weights, class_weight_to_sample_weights(labels, WEIGHTS))
        assert weights.dtype == np.float32


@pytest.mark.parametrize("engine", ["auto", "tensorflow"])
def test_weights_of_classes_on_engines_with_weights_of_samples_padding_and_mixing(engine):
    own = np.linspace(0.5, 2, 22, dtype=np.float32)
    source = al.Arrays(IMAGES, labels=np.eye(3, dtype=np.float32)[LABELS], weights=own)
    pipe = al.Pipeline(source, [al.MixUp()], batch_size=8, engine=engine)
    batches = [*pipe.to_tf(class_weight=WEIGHTS, last_batch="pad")]
    for (_, labels, weights), (_, _, before) in zip(batches, pipe.epoch(0), strict=True):
        count = len(before)
        assert_allclose(weights[:count], before * class_weight_to_sample_weights(labels[:count], WEIGHTS), rtol=1e-6)
        assert weights[count:].numpy().tolist() == [0] * (8 - count)


def test_a_loss_with_class_weights_is_that_of_keras():
    def trained(data, **more):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((8, 9, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        losses = model.fit(data, epochs=2, verbose=0, shuffle=False, **more).history["loss"]
        return losses, model.get_weights()

    pipe = pipeline(transforms=[al.RandomFlip(), al.Rescaling(1 / 255)])
    wanted, found = trained(pipe.to_tf(), class_weight=WEIGHTS), trained(pipe.to_tf(class_weight=WEIGHTS))
    assert_allclose(found[0], wanted[0], rtol=1e-6)
    for one, other in zip(wanted[1], found[1], strict=True):
        assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("labels", "given", "message"),
    [
        (None, WEIGHTS, "labels must be classes.*without labels"),
        (np.linspace(0, 1, 22), WEIGHTS, "labels must be classes"),
        (np.ones((22, 3), np.float32), WEIGHTS, "labels must be classes"),
        (LABELS, {}, "weights of classes"),
        (LABELS, [1.0, 2.0], "weights of classes"),
        (LABELS, {"cat": 2.0}, "whole numbers from 0.*'cat'"),
        (LABELS, {0: -1.0}, "whole numbers from 0"),
        (LABELS, {0: float("nan")}, "whole numbers from 0"),
    ],
)
def test_class_weights_that_cannot_be(labels, given, message):
    for to in (pipeline(labels).to_keras, pipeline(labels).to_tf):
        with pytest.raises(al.ArgumentError, match=rf"Pipeline.{to.__name__}\(class_weight=...\): .*{message}"):
            to(class_weight=given)

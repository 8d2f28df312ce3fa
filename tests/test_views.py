"""Several views of each sample: the same samples, draws of their own."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import augline as al
from pictures import noisy

COUNT = 10
IMAGES = np.stack([noisy(24, 30, 3, "uint8", k) for k in range(COUNT)])
WORK = [al.RandomFlip(), al.RandomTranslation(0.3, 0.3), al.Rescaling(1 / 255)]


def source(**more: Any) -> al.Arrays:
    return al.Arrays(IMAGES, labels=np.arange(COUNT), **more)


def test_views_show_the_same_samples_in_ways_of_their_own() -> None:
    views = al.Views(source(), [WORK, WORK], batch_size=4, seed=3)
    plain = al.Pipeline(source(), [], batch_size=4, seed=3)
    for ((one, other), labels), (_, wanted) in zip(views.epoch(1), plain.epoch(1), strict=True):
        assert np.array_equal(labels, wanted)
        assert one.shape == other.shape == (len(labels), 24, 30, 3)
        assert all(not np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    assert len(views) == 3
    assert [len(labels) for _, labels in views] == [4, 4, 2]


def test_draws_of_two_views_are_independent() -> None:
    flips = al.Views(
        al.Arrays(np.tile(IMAGES[:1], (400, 1, 1, 1))), [[al.RandomFlip("horizontal")]] * 2, batch_size=400
    )
    one, other = ((view == IMAGES[0]).all(axis=(1, 2, 3)) for view in flips.batch(0, 0))
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.15


def test_a_view_depends_on_no_other_and_any_batch_can_be_had() -> None:
    settings = {"batch_size": 4, "seed": 3}
    two, three = (al.Views(source(), [WORK] * n, **settings) for n in (2, 3))
    for step, ((one, other), _) in enumerate(two.epoch(2)):
        again, _ = three.batch(2, step)
        assert np.array_equal(again[0], one)
        assert np.array_equal(again[1], other)
    rest = list(two.epoch(2, start=2))
    assert len(rest) == 1
    assert np.array_equal(rest[0][0][1], other)


def test_stacked_views_are_one_batch() -> None:
    given = source(masks=np.ones((COUNT, 24, 30), np.uint8), boxes=[[[2, 3, 20, 20]]] * COUNT)
    loose, stacked = (al.Views(given, [WORK] * 3, batch_size=4, stacked=s).batch(0, 1) for s in (False, True))
    assert stacked["images"].shape == (12, 24, 30, 3)
    assert np.array_equal(stacked["images"], np.concatenate(loose["images"]))
    assert np.array_equal(stacked["segmentation_masks"], np.concatenate(loose["segmentation_masks"]))
    assert np.array_equal(stacked["labels"], np.tile(loose["labels"], 3))
    boxes = [view["boxes"] for view in loose["bounding_boxes"]]
    assert np.array_equal(stacked["bounding_boxes"]["boxes"], np.concatenate(boxes))


def test_stacked_keypoints_of_different_numbers_are_one_list() -> None:
    images, points = np.zeros((3, 24, 30, 3), np.uint8), [np.ones((k, 2)) for k in range(3)]
    views = al.Views(al.Arrays(images, keypoints=points), [[], []], batch_size=3, stacked=True, shuffle=False)
    assert [row.shape for row in views.batch(0, 0)["keypoints"]] == [(0, 2), (1, 2), (2, 2)] * 2


def test_a_copy_goes_on_where_the_views_stand() -> None:
    views = al.Views(source(), [WORK, WORK], batch_size=4)
    next(iter(views))
    copied = pickle.loads(pickle.dumps(views))
    assert np.array_equal(next(iter(copied))[0][1], next(iter(views))[0][1])


@pytest.mark.parametrize("stacked", [False, True])
def test_for_tensorflow(stacked: bool) -> None:
    pytest.importorskip("tensorflow")
    views = al.Views(source(), [WORK, WORK], batch_size=5, stacked=stacked)
    dataset = views.to_tf(start=(0, 1))
    assert int(al.Views(source(), [WORK, WORK], batch_size=5, stacked=stacked).to_tf().cardinality()) == 2
    found = next(iter(dataset))
    images, labels = views.batch(0, 1)
    assert np.array_equal(found[1].numpy(), labels)
    for got, wanted in zip(*((x,) if stacked else x for x in (found[0], images)), strict=True):
        assert np.array_equal(got.numpy(), wanted)


def test_sizes_may_differ_unless_stacked() -> None:
    lists = [[al.RandomCrop(16, 16)], [al.RandomCrop(8, 9)]]
    (one, other), _ = al.Views(source(), lists, batch_size=4).batch(0, 0)
    assert (one.shape, other.shape) == ((4, 16, 16, 3), (4, 8, 9, 3))
    with pytest.raises(al.ArgumentError, match="one size and type"):
        al.Views(source(), lists, stacked=True)
    with pytest.raises(al.ArgumentError, match="there must be a view"):
        al.Views(source(), [])
    mixed = al.Arrays(IMAGES, labels=np.eye(COUNT, dtype=np.float32))
    with pytest.raises(al.ArgumentError, match="mixed at the top level"):
        al.Views(mixed, [[al.MixUp()], []])
    assert repr(al.Views(source(), lists)).startswith("Views(Arrays(")

"""Every number is Keras's: one by one, a batch at a time, and NumPy's global generator is left alone."""

# ruff: noqa: NPY002 - the legacy generator is what is tested
from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from augline.keras import ImageDataGenerator
from augline.keras.legacy_draws import draw, draw_one, fresh_seed, gather

RANGES = {
    "nothing": {},
    "rotation": {"rotation_range": 25},
    "fractions": {"width_shift_range": 0.2, "height_shift_range": 0.3},
    "pixels as floats": {"width_shift_range": 5.0, "height_shift_range": 1.0},
    "whole pixels": {"width_shift_range": 5, "height_shift_range": 1},
    "listed pixels": {"width_shift_range": [1, 4, 6], "height_shift_range": (2,)},
    "listed fractions": {"height_shift_range": [0.1, 0.2], "rotation_range": 5},
    "negative": {"width_shift_range": -3, "rotation_range": -10},
    "shear and zoom": {"shear_range": 12.5, "zoom_range": 0.3},
    "zoom pair": {"zoom_range": [0.5, 0.9]},
    "flips": {"horizontal_flip": True, "vertical_flip": True},
    "one flip": {"vertical_flip": True, "brightness_range": (0.2, 0.4)},
    "channels": {"channel_shift_range": 30.0, "brightness_range": [0.5, 2.0]},
    "all": {
        "rotation_range": 30, "width_shift_range": 0.1, "height_shift_range": 0.2, "shear_range": 5, "zoom_range": 0.2,
        "horizontal_flip": True, "vertical_flip": True, "channel_shift_range": 9.0, "brightness_range": (0.5, 1.5),
    },
}  # fmt: skip
ranges = pytest.mark.parametrize("arguments", RANGES.values(), ids=RANGES)


@ranges
def test_parameters_are_those_of_keras(arguments: dict[str, Any], legacy: Any) -> None:
    ours, theirs = ImageDataGenerator(**arguments), legacy(**arguments)
    for seed in range(12):
        assert ours.get_random_transform((20, 30, 3), seed) == theirs.get_random_transform((20, 30, 3), seed)
    drawn = [[make.get_random_transform((20, 30, 3), seed) for seed in (7, None, None)] for make in (theirs, ours)]
    assert drawn[0] == drawn[1]  # going on from the last seed
    drawn = []
    for make in (theirs, ours):
        np.random.seed(5)
        drawn.append([make.get_random_transform((20, 30, 3)) for _ in range(3)] + [np.random.random()])
    assert drawn[0] == drawn[1]  # two images by np.random.seed alike, and what else draws goes on behind them


@ranges
def test_a_batch_drawn_at_once_is_the_stream_drawn_one_by_one(arguments: dict[str, Any]) -> None:
    generator = ImageDataGenerator(**arguments)
    first, second = np.random.RandomState(5), np.random.RandomState(5)
    batch = draw(first, generator, 20, 30, 6)
    single = gather([draw_one(second, generator, 20, 30) for _ in range(6)])
    for name in batch.__slots__:
        np.testing.assert_array_equal(getattr(batch, name), getattr(single, name), err_msg=name)
    assert first.random_sample() == second.random_sample()


def test_mended_shifts_go_the_way_they_are_named() -> None:
    generator = ImageDataGenerator(height_shift_range=0.5, legacy_geometry=False)
    drawn = generator.get_random_transform((20, 30, 3), seed=1)
    assert drawn["tx"] == 0
    assert 0 < abs(drawn["ty"]) <= 10
    batch = draw(np.random.RandomState(1), generator, 20, 30, 1)
    assert batch.ty[0] == drawn["ty"]
    assert not batch.tx.any()


def test_the_global_generator_is_left_alone(images: np.ndarray, tmp_path: Any) -> None:
    before = np.random.get_state()[1].copy()
    generator = ImageDataGenerator(rotation_range=9, width_shift_range=[1, 2])
    flow = generator.flow(images, batch_size=4, save_to_dir=str(tmp_path), seed=1)
    next(flow), flow[1], flow.on_epoch_end(), generator.random_transform(images[0], seed=4)
    generator.flow(images)
    generator.fit(images, augment=True, seed=3)
    assert (np.random.get_state()[1] == before).all()


def test_a_fresh_seed_follows_the_global_generator_and_never_repeats() -> None:
    np.random.seed(11)
    first = [fresh_seed() for _ in range(3)]
    np.random.random()
    second = fresh_seed()
    assert len({*first, second}) == 4
    np.random.seed(11)
    assert fresh_seed() == first[0]
    assert all(0 <= seed < 2**31 for seed in first)


def test_no_seed_is_shown_and_repeats_when_given(images: np.ndarray) -> None:
    generator = ImageDataGenerator(rotation_range=30)
    flow = generator.flow(images, batch_size=4)
    assert flow.seed is None
    assert f"seed={flow.drawn_seed} (drawn)" in repr(flow)
    again = generator.flow(images, batch_size=4, seed=flow.drawn_seed)
    np.testing.assert_array_equal(next(flow), next(again))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_generators_can_be_copied(copied: Any) -> None:
    generator = ImageDataGenerator(rotation_range=25, featurewise_center=True)
    generator.fit(np.arange(48.0).reshape(2, 4, 2, 3))
    generator.random_transform(np.zeros((4, 4, 3)), seed=3)
    again = copied(generator)
    assert again.get_random_transform((4, 4, 3)) == copied(generator).get_random_transform((4, 4, 3))
    image = np.full((4, 2, 3), 9.0, np.float32)
    np.testing.assert_array_equal(again.standardize(image.copy()), generator.standardize(image.copy()))

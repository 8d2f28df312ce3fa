"""The special ways of the OpenCV engine give the pixels of the plain ones."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

import augline as al
from augline.engines.opencv.blocks import shrink
from pictures import noisy


@pytest.mark.parametrize("size", [(48, 80), (41, 67), (2, 9), (1, 5), (3, 1)])
@pytest.mark.parametrize("factors", [(2, 1), (1, 2), (2, 2), (4, 2)])
def test_four_channels_shrink_like_three(size: tuple[int, int], factors: tuple[int, int]) -> None:
    image = noisy(*size)
    four = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA)
    assert np.array_equal(shrink(four, *factors)[:, :, :3], shrink(image, *factors))


def test_halving_one_side_rounds_every_pair_of_levels_half_up() -> None:
    one, other = np.mgrid[:256, :256].astype(np.uint8)
    pairs = np.stack([one, other], axis=2)  # left and right neighbours, row by row
    image = np.repeat(pairs.reshape(256, 512, 1), 4, axis=2)
    wanted = (one.astype(int) + other + 1) // 2
    assert np.array_equal(shrink(image, 1, 2)[:, :, 1], wanted)
    tall = np.ascontiguousarray(image.transpose(1, 0, 2))
    assert np.array_equal(shrink(tall, 2, 1)[:, :, 3], wanted.T)


@pytest.mark.parametrize(
    "moves", [[al.RandomGamma((0.5, 2.0))], [al.RandomPosterization((2, 6)), al.RandomInvert(0.9)]]
)
def test_tables_made_together_are_those_of_each_sample(moves: list[al.Transform]) -> None:
    images = np.stack([noisy(20, 30)] * 12)
    assert np.array_equal(al.augment(images, moves, seed=3), al.augment(images, moves, seed=3, engine="reference"))


@pytest.mark.parametrize(("bent", "side", "most"), [(True, 32_767, 32_766), (False, 32_768, 32_767)])
def test_images_beyond_what_opencv_addresses_are_refused_by_name(bent: bool, side: int, most: int) -> None:
    work = al.RandomElasticTransform((1, 1), (0.1, 0.1)) if bent else al.RandomRotation((0.001, 0.001))
    image = np.zeros((1, 1, side, 1), np.uint8)
    with pytest.raises(al.EngineError, match=rf"at most {most} pixels a side. Received 1 x {side}\. Cut"):
        al.augment(image, [work], engine="opencv")
    assert al.augment(image[:, :, :most], [work], engine="opencv").shape == (1, 1, most, 1)

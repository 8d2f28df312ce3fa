"""The special ways of the OpenCV engine give the pixels of the plain ones."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

import augline as al
from augline import engines
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


def _write(folder: Path, size: tuple[int, int], number: int, grey: bool) -> str:
    smooth = cv2.GaussianBlur(np.random.default_rng(number).integers(0, 256, (*size, 3), np.uint8), (0, 0), 3)
    path = folder / f"{number}.jpg"
    cv2.imwrite(str(path), smooth[:, :, 0] if grey else smooth)
    return str(path)


@pytest.mark.parametrize("colours", ["rgb", "grayscale", "rgba"])
@pytest.mark.parametrize("fill_mode", ["reflect", "constant"])
def test_files_decoded_with_a_fourth_channel_give_the_same_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, colours: str, fill_mode: str
) -> None:
    sizes = [(97, 131), (131, 97), (64, 141), (141, 64), (60, 60), (300, 250)]
    files = [_write(tmp_path, size, number, grey=number == 4) for number, size in enumerate(sizes)]
    moves = [al.RandomFlip(), al.RandomRotation(0.1, fill_mode=fill_mode, fill_value=0.7), al.RandomContrast(0.2)]
    pipe = al.Pipeline(al.Files(files, color_mode=colours), moves, size=(60, 60), batch_size=6)
    asked = []

    def plainly(sample: engines.Sample, index: int, least: int) -> int:
        asked.append(index)
        return least

    four = pipe.batch(0, 0)
    monkeypatch.setattr(engines, "channels", plainly)
    assert np.array_equal(pipe.batch(0, 0), four)
    assert len(asked) == 6


@pytest.mark.parametrize(
    "moves", [[al.RandomGamma((0.5, 2.0))], [al.RandomPosterization((2, 6)), al.RandomInvert(0.9)]]
)
def test_tables_made_together_are_those_of_each_sample(moves: list[al.Transform]) -> None:
    images = np.stack([noisy(20, 30)] * 12)
    assert np.array_equal(al.augment(images, moves, seed=3), al.augment(images, moves, seed=3, engine="reference"))

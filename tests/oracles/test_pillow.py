"""Against Pillow where it defines the same thing, and NumPy where a transform only moves pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

import augline as al
from pictures import noisy

Photos = NDArray[Any]


def ours(photo: Photos, engine: str, *transforms: al.Transform) -> NDArray[np.int64]:
    return np.asarray(al.augment(photo[None], transforms, engine=engine)[0], np.int64)


def worst(a: Any, b: Any) -> int:
    return int(np.abs(np.asarray(a, np.int64) - np.asarray(b, np.int64)).max())


@pytest.mark.parametrize("bits", range(1, 9))
def test_posterize(photos: Photos, engine: str, bits: int) -> None:
    wanted = ImageOps.posterize(Image.fromarray(photos[0]), bits)
    assert worst(ours(photos[0], engine, al.RandomPosterization(bits)), wanted) == 0


@pytest.mark.parametrize("threshold", [0, 60, 128, 201, 255])
def test_solarize(photos: Photos, engine: str, threshold: int) -> None:
    wanted = ImageOps.solarize(Image.fromarray(photos[0]), threshold)
    assert worst(ours(photos[0], engine, al.Solarization(0.0, (threshold / 255, threshold / 255))), wanted) == 0


def test_invert(photos: Photos, engine: str) -> None:
    assert worst(ours(photos[0], engine, al.RandomInvert((1, 1))), ImageOps.invert(Image.fromarray(photos[0]))) == 0


def test_grayscale(photos: Photos, engine: str) -> None:
    grey = np.asarray(Image.fromarray(photos[0]).convert("L"))[..., None]
    assert worst(ours(photos[0], engine, al.RandomGrayscale(1.0)), np.repeat(grey, 3, axis=2)) <= 1


@pytest.mark.parametrize("factor", [0.2, 0.4, 0.55])
def test_saturation_in_yiq_is_image_enhance_color(photos: Photos, engine: str, factor: float) -> None:
    wanted = ImageEnhance.Color(Image.fromarray(photos[0])).enhance(factor / (1 - factor))
    assert worst(ours(photos[0], engine, al.RandomSaturation((factor, factor), space="yiq")), wanted) <= 2


def test_contrast_of_a_grey_image_is_image_enhance_contrast(engine: str, photos: Photos) -> None:
    """Pillow takes the rounded mean of the grey picture, Keras and we each channel's own: grey pictures agree."""
    grey = np.asarray(Image.fromarray(photos[1]).convert("L"))
    wanted = np.asarray(ImageEnhance.Contrast(Image.fromarray(grey)).enhance(1.3))
    assert worst(ours(grey[..., None], engine, al.RandomContrast((-0.3, 0.3)))[..., 0], wanted) <= 1


@pytest.mark.parametrize("factors", [(2, 2), (4, 2), (8, 4)])
def test_shrinking_by_powers_of_two_is_reduce(engine: str, factors: tuple[int, int]) -> None:
    image = noisy(64, 96)
    y, x = factors
    wanted = Image.fromarray(image).reduce((x, y))
    assert worst(ours(image, engine, al.Resizing(64 // y, 96 // x)), wanted) <= 1


@pytest.mark.parametrize("size", [(29, 101), (97, 31), (58, 90), (116, 270)])
def test_nearest_resizing_is_nearest(engine: str, size: tuple[int, int]) -> None:
    image = noisy(58, 90)  # to 29 x 101 every row, and a column, falls between two
    rows = np.floor((np.arange(size[0]) + 0.5) * 58 / size[0]).astype(int)
    columns = np.floor((np.arange(size[1]) + 0.5) * 90 / size[1]).astype(int)
    got = ours(image, engine, al.Resizing(*size, interpolation="nearest"))
    assert worst(got, image[rows][:, columns]) == 0
    pillow = np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.NEAREST))
    assert np.mean(got != pillow) < 0.03  # Pillow adds up its steps in floats: ties may fall either way


def test_flips_and_turns_are_numpys(engine: str) -> None:
    image = noisy(41, 67, 4)
    assert worst(ours(image, engine, al.RandomFlip("horizontal", p=1)), image[:, ::-1]) == 0
    assert worst(ours(image, engine, al.RandomFlip("vertical", p=1)), image[::-1]) == 0
    assert worst(ours(image, engine, al.RandomFlip(p=1)), image[::-1, ::-1]) == 0
    assert worst(ours(image, engine, al.Transpose()), image.transpose(1, 0, 2)) == 0
    assert worst(ours(image, engine, al.Transpose(), al.RandomFlip("vertical", p=1)), np.rot90(image)) == 0


def test_quarter_turns_are_rot90(engine: str) -> None:
    image = noisy(41, 67)
    turned = al.augment([image] * 24, [al.RandomRotate90()], engine=engine, seed=1)
    poses = [np.rot90(image, k) for k in range(4)]
    found = [next(k for k in range(4) if np.array_equal(poses[k], one)) for one in turned]
    assert {*found} == {0, 1, 2, 3}


def test_a_quarter_turn_is_a_rotation_by_a_quarter(engine: str) -> None:
    """The sign of RandomRotate90 is that of RandomRotation, and of np.rot90."""
    image = noisy(41, 41)
    assert worst(ours(image, engine, al.RandomRotation((0.25, 0.25))), np.rot90(image)) <= 1


def test_crops_are_slices(engine: str) -> None:
    image = noisy(41, 67)
    assert worst(ours(image, engine, al.CenterCrop(20, 30)), image[10:30, 18:48]) == 0
    crop = ours(image, engine, al.RandomCrop(20, 30))
    windows = [image[y : y + 20, x : x + 30] for y in range(22) for x in range(38)]
    assert sum(np.array_equal(crop, window) for window in windows) == 1


def test_whole_pixel_shifts_are_slices(engine: str) -> None:
    image = noisy(40, 60)
    item = al.RandomTranslation((0.1, 0.1), (-0.05, -0.05), fill_mode="constant", fill_value=9)
    wanted = np.full_like(image, 9)
    wanted[4:, :-3] = image[:-4, 3:]
    assert worst(ours(image, engine, item), wanted) <= 1
    wrapped = ours(image, engine, al.RandomTranslation((0.1, 0.1), (-0.05, -0.05), fill_mode="wrap"))
    assert worst(wrapped, np.roll(image, (4, -3), axis=(0, 1))) <= 1


def test_hue_turns_the_same_way_in_both_spaces(engine: str) -> None:
    """A third of a turn makes red green or blue, whichever the sense drawn; matrix and hexcone agree on which."""
    red = np.full((3, 4, 3), [200, 20, 30], np.uint8)
    third = {"factor": (2 / 3, 2 / 3)}
    senses = set()
    for seed in range(6):
        hsv, yiq = (
            al.augment(red[None], [al.RandomHue(**third, space=space)], engine=engine, seed=seed)[0, 0, 0]
            for space in ("hsv", "yiq")
        )
        assert hsv.argmax() == yiq.argmax() != 0
        senses.add(int(hsv.argmax()))
    assert senses == {1, 2}


def test_luma_survives_a_turn_in_yiq(photos: Photos, engine: str) -> None:
    dull = (photos[0] // 4 + 96).astype(np.uint8)
    turned = ours(dull, engine, al.RandomHue((0.7, 0.7), space="yiq"))
    weights = [0.299, 0.587, 0.114]
    assert np.abs(turned @ weights - dull @ np.asarray(weights)).max() < 1.1
    assert worst(turned, dull) > 5

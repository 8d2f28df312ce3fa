"""The faults of Keras's: kept, announced once where they matter, mended on request."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from augline.keras import ImageDataGenerator, LegacyQuirk, quirks

SQUARE, WIDE = np.zeros((3, 8, 8, 3), "uint8"), np.zeros((3, 8, 12, 3), "uint8")


def announced(monkeypatch: pytest.MonkeyPatch, images: np.ndarray, **arguments: Any) -> list[str]:
    monkeypatch.setattr(quirks, "_announced", set())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        generator = ImageDataGenerator(**arguments)
        generator.flow(images)
        generator.flow(images)
    assert all(issubclass(warning.category, LegacyQuirk) for warning in caught)
    assert all(warning.filename == __file__ for warning in caught)
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize(
    ("images", "arguments", "words"),
    [
        (SQUARE, {"rotation_range": 9, "zoom_range": 0.1, "shear_range": 3}, []),
        (SQUARE, {"width_shift_range": 0.1, "height_shift_range": 0.1}, []),
        (SQUARE, {"width_shift_range": 0.1}, ["sideways"]),
        (WIDE, {"width_shift_range": 0.1, "height_shift_range": 0.1}, ["sideways"]),
        (WIDE, {"rotation_range": 9}, ["centre"]),
        (WIDE, {"zoom_range": 0.1}, ["centre"]),
        (WIDE, {"horizontal_flip": True, "brightness_range": (0.5, 1)}, []),
        (SQUARE / 255, {"brightness_range": (0.5, 1)}, ["black"]),
        (WIDE, {"rotation_range": 9, "width_shift_range": 0.1, "legacy_geometry": False}, []),
    ],
)
def test_announced_once_where_they_matter(images: Any, arguments: Any, words: list[str], monkeypatch: Any) -> None:
    found = announced(monkeypatch, images, **arguments)
    assert len(found) == len(words)
    for text, word in zip(found, words, strict=True):
        assert word in text


@pytest.fixture
def dot() -> np.ndarray:
    image = np.zeros((21, 31, 1), "float32")
    image[10, 15] = 255
    return image


def centre(image: np.ndarray) -> tuple[float, float]:
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    total = image[..., 0].sum()
    return float((rows * image[..., 0]).sum() / total), float((columns * image[..., 0]).sum() / total)


def test_shifts_go_the_wrong_way_and_the_right_way(dot: np.ndarray) -> None:
    for legacy, axis in ((True, 1), (False, 0)):
        generator = ImageDataGenerator(height_shift_range=[3], legacy_geometry=legacy)
        moved = centre(generator.random_transform(dot, seed=1))
        assert abs(moved[axis] - (10, 15)[axis]) == pytest.approx(3)
        assert moved[1 - axis] == pytest.approx((10, 15)[1 - axis])


def test_the_centre_stays_where_it_is_once_mended(dot: np.ndarray) -> None:
    for legacy, stays in ((True, False), (False, True)):
        generator = ImageDataGenerator(rotation_range=45, shear_range=10, zoom_range=0.2, legacy_geometry=legacy)
        moved = centre(generator.random_transform(dot + 1e-3, seed=1))
        assert (np.hypot(moved[0] - 10, moved[1] - 15) < 0.2) == stays


def test_square_images_turn_alike_mended_or_not() -> None:
    image = np.random.default_rng(0).uniform(0, 255, (16, 16, 3)).astype("float32")
    generators = [ImageDataGenerator(rotation_range=30, legacy_geometry=flag) for flag in (True, False)]
    made = [generator.random_transform(image, 3) for generator in generators]
    np.testing.assert_array_equal(*made)


def test_brightness_of_unit_images() -> None:
    images = np.linspace(0.1, 1, 3 * 6 * 6 * 3, dtype="float32").reshape(3, 6, 6, 3)
    black = next(ImageDataGenerator(brightness_range=(0.5, 0.5)).flow(images, shuffle=False))
    assert black.max() <= 1  # only what was exactly 1 survives the cut to 8 bits, and is cut again
    assert (black == 0).mean() > 0.99
    mended = next(ImageDataGenerator(brightness_range=(0.5, 0.5), legacy_geometry=False).flow(images, shuffle=False))
    np.testing.assert_allclose(mended, images / 2, atol=1e-6)
    levels = next(ImageDataGenerator(brightness_range=(2, 2), legacy_geometry=False).flow(images * 200, shuffle=False))
    np.testing.assert_allclose(levels, np.minimum(images * 400, 255), rtol=1e-6)

"""`fill_mode="wrap"` beside SciPy's, far outside of the image and where its copies meet."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage

from augline.keras.legacy_pixels import Resampling
from augline.keras.legacy_wrap import wrapped

TURN = math.cos(math.radians(33)), math.sin(math.radians(33))
MATRICES = {
    "as it is": [[1, 0, 0], [0, 1, 0]],
    "whole pixels": [[1, 0, 5], [0, 1, -3]],
    "by a whole period": [[1, 0, 28], [0, 1, -18]],
    "by many periods": [[1, 0, 28 * 7 + 0.25], [0, 1, -18 * 5 + 0.5]],
    "between pixels": [[1, 0, 0.3], [0, 1, -0.6]],
    "mirrored": [[-1, 0, 28], [0, -1, 18]],
    "quarter": [[0, 1, 2], [-1, 0, 20]],
    "nearly a quarter": [[6e-17, 1, 2], [-1, 6e-17, 20]],
    "zoomed out": [[3.07, 0, -40], [0, 4.73, -33]],
    "twice": [[2, 0, 0], [0, 2, 0]],
    "turned": [[TURN[0], -TURN[1], 4.1], [TURN[1], TURN[0], -7.3]],
    "turned far out": [[2.6 * TURN[0], -2.6 * TURN[1], -90.2], [2.6 * TURN[1], 2.6 * TURN[0], 71.9]],
    "sheared": [[1, 0.31, -2.7], [0, 0.95, 0.21]],
    "all alike": [[0, 0, 3.5], [0, 0, -2.5]],
}


def scipys(image: np.ndarray, matrix: np.ndarray, order: int) -> np.ndarray:
    planes = [
        ndimage.affine_transform(plane, matrix[::-1, 1::-1], matrix[::-1, 2], order=order, mode="wrap")
        for plane in np.moveaxis(image, 2, 0)
    ]
    return np.stack(planes, axis=2)


@pytest.mark.parametrize("channels", [1, 3, 4, 6])
@pytest.mark.parametrize("name", MATRICES)
def test_the_same_pixels_as_scipys(name: str, channels: int) -> None:
    image = np.random.default_rng(1).uniform(0, 255, (19, 29, channels)).astype(np.float32)
    matrix = np.array(MATRICES[name], np.float64)
    one, many = np.empty_like(image), np.empty((2, *image.shape), np.float32)
    resampling = Resampling("wrap", 0.0, 1, False)
    resampling.warp(image, matrix, one)
    resampling.warp_many(np.stack([image, image[::-1]]), np.stack([matrix, matrix]), many)
    np.testing.assert_allclose(one, scipys(image, matrix, 1), atol=0.01)
    np.testing.assert_array_equal(many[0], one)
    np.testing.assert_allclose(many[1], scipys(image[::-1], matrix, 1), atol=0.01)


HALVES = {"all alike", "between pixels", "by many periods"}  # halves, which OpenCV rounds to even numbers


@pytest.mark.parametrize("name", sorted(MATRICES.keys() - HALVES))
def test_the_nearest_are_scipys_too(name: str) -> None:
    image = np.random.default_rng(2).uniform(0, 255, (19, 29, 3)).astype(np.float32)
    matrix, out = np.array(MATRICES[name], np.float64), np.empty_like(image)
    Resampling("wrap", 0.0, 0, False).warp(image, matrix, out)
    assert (out != scipys(image, matrix, 0)).any(axis=2).mean() < 0.01


@pytest.mark.parametrize("shape", [(1, 7), (7, 1), (2, 2), (300, 500)])
def test_places_of_all_sizes(shape: tuple[int, int]) -> None:
    matrix = np.array([[1.1037, -0.4171, -3.3019], [0.7093, 0.9011, 12.6007]])
    x, y = wrapped(matrix, *shape)
    column, row = np.arange(shape[1]), np.arange(shape[0])[:, None]
    for found, (a, b, c), side in ((x, matrix[0], shape[1]), (y, matrix[1], shape[0])):
        wanted = a * column + b * row + c
        outside = (wanted < 0) | (wanted > side - 1)
        wanted[outside] %= max(side - 1, 1)
        np.testing.assert_allclose(found if side > 1 else found * 0, wanted if side > 1 else wanted * 0, atol=4e-5)
        assert found.min() >= 0
        assert found.max() <= max(side - 1, 1)

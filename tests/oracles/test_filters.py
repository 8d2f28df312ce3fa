"""Blurs, lower resolution, JPEG and grain against OpenCV, SciPy, Pillow and arithmetic."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

import augline as al
from pictures import noisy, smooth

ON = (1.0, 1.0)


def ours(photo: NDArray[Any], engine: str, *transforms: al.Transform) -> NDArray[np.int64]:
    return np.asarray(al.augment(photo[None], transforms, engine=engine)[0], np.int64)


def apart(a: Any, b: Any) -> float:
    return float(np.abs(np.asarray(a, np.float64) - np.asarray(b, np.float64)).max())


@pytest.mark.parametrize(("size", "sigma"), [(3, 0.7), (7, 1.6), (11, 3.0)])
def test_gaussian_blur(engine: str, size: int, sigma: float) -> None:
    picture = noisy(31, 46)
    got = ours(picture, engine, al.RandomGaussianBlur(ON, size, (sigma, sigma)))
    assert apart(got, cv2.GaussianBlur(picture, (size, size), sigma, borderType=cv2.BORDER_REFLECT_101)) <= 1
    smoothed = ndimage.gaussian_filter(
        picture.astype(float), (sigma, sigma, 0), mode="mirror", radius=(size // 2,) * 2 + (0,)
    )
    assert apart(got, smoothed) <= 1


def test_size_zero_reaches_three_sigma(engine: str) -> None:
    picture = smooth(40, 52)
    smoothed = ndimage.gaussian_filter(picture.astype(float), (2.0, 2.0, 0), mode="mirror", truncate=3.0)
    assert apart(ours(picture, engine, al.RandomGaussianBlur(ON, 0, (2.0, 2.0))), smoothed) <= 1


def test_median_blur(engine: str) -> None:
    picture = noisy(23, 34)
    wanted = {size: ndimage.median_filter(picture, size=(size, size, 1), mode="nearest") for size in (3, 5, 7)}
    assert apart(ours(picture, engine, al.RandomMedianBlur(3)), wanted[3]) == 0
    out = al.augment(np.repeat(picture[None], 40, axis=0), [al.RandomMedianBlur(7)], engine=engine, seed=2)
    found = [next(size for size, other in wanted.items() if np.array_equal(image, other)) for image in out]
    assert {*found} == {3, 5, 7}


@pytest.mark.parametrize(("degrees", "axis"), [(0, 1), (90, 0), (180, 1)])
def test_motion_along_an_axis_is_a_mean(engine: str, degrees: float, axis: int) -> None:
    picture = noisy(25, 37)
    wanted = ndimage.uniform_filter1d(picture.astype(float), 5, axis=axis, mode="mirror")
    assert apart(ours(picture, engine, al.RandomMotionBlur((5, 5), (degrees, degrees))), wanted) <= 1


@pytest.mark.parametrize("degrees", [20, 70, 115, 160])
def test_motion_turns_counter_clockwise(engine: str, degrees: float) -> None:
    dot = np.zeros((41, 61, 1), np.uint8)
    dot[20, 30] = 255
    line = ours(dot, engine, al.RandomMotionBlur((15, 15), (degrees, degrees)))[..., 0]
    y, x = np.mgrid[:41, :61]
    across, up = (x - 30).ravel(), (20 - y).ravel()
    weights = line.ravel() / line.sum()
    spread = np.cov(np.stack([across, up]), aweights=weights)
    values, vectors = np.linalg.eigh(spread)
    angle = np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1])) % 180
    assert abs(angle - degrees) < 3
    assert values[1] == pytest.approx(15**2 / 12, rel=0.15)
    assert values[0] < 0.5


def test_half_the_resolution_is_means_of_four_and_back(engine: str) -> None:
    picture = noisy(24, 36)
    small = picture.reshape(12, 2, 18, 2, 3).astype(np.float32).mean(axis=(1, 3))
    wanted = cv2.resize(small, (36, 24), interpolation=cv2.INTER_LINEAR)
    assert apart(ours(picture, engine, al.RandomDownscale((0.5, 0.5))), wanted) <= (1 if engine != "opencv" else 4)


@pytest.mark.parametrize("quality", [15, 50, 90])
def test_jpeg_is_libjpegs(engine: str, quality: int) -> None:
    photo = smooth(64, 80)
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    wanted = np.asarray(Image.open(file), np.int64)
    got = ours(photo, engine, al.RandomJpegCompression((quality, quality)))
    # Pillow smooths the chroma that it enlarges
    assert np.abs(got - wanted).mean() < min(1.0, 0.45 * np.abs(photo - wanted).mean())


@pytest.mark.parametrize("std", [0.02, 0.1])
def test_grain_is_normal_and_independent(engine: str, std: float) -> None:
    grey = np.full((4, 60, 80, 3), 0.5, np.float32)
    grain = (al.augment(grey, [al.RandomGaussianNoise((std, std))], engine=engine) - 0.5).astype(np.float64)
    assert abs(grain.mean()) < 0.02 * std
    assert grain.std() == pytest.approx(std, rel=0.02)
    assert abs(np.corrcoef(grain[:, :-1].ravel(), grain[:, 1:].ravel())[0, 1]) < 0.03
    assert abs(np.corrcoef(grain[..., 0].ravel(), grain[..., 1].ravel())[0, 1]) < 0.03
    assert abs(np.corrcoef(grain[0].ravel(), grain[1].ravel())[0, 1]) < 0.03
    share = np.mean(np.abs(grain) < std)
    assert share == pytest.approx(0.6827, abs=0.01)

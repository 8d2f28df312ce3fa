"""Shrinking: how much is averaged, that the averages are right, and that JPEGs decoded small give the same picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import augline as al
from augline import engines
from augline.decode import decode, probe
from augline.engines import ENGINES
from augline.engines.opencv import blocks as opencv_blocks
from augline.engines.portable import warp as portable_warp
from augline.plan import Plan, Warp, matrices
from augline.program import Program
from pictures import noisy, smooth


def plan_of(transforms: Sequence[al.Transform], sizes: Sequence[tuple[int, int]]) -> Plan:
    program = Program(
        transforms, seed=1, channels=3, dtype="uint8", value_range=(0, 255), size=None, engine="reference"
    )
    return program.plan(0, np.arange(len(sizes)), np.asarray(sizes))[1]


@given(
    st.lists(st.tuples(st.integers(1, 3000), st.integers(1, 3000)), min_size=1, max_size=5),
    st.integers(1, 300),
    st.integers(1, 300),
    st.floats(-0.9, 1),
    st.floats(0, 1),
)
@settings(max_examples=150, deadline=None)
def test_what_is_left_to_a_step_is_under_two_pixels(
    sizes: list[tuple[int, int]], height: int, width: int, zoom: float, turn: float
) -> None:
    plan = plan_of([al.Resizing(height, width), al.RandomZoom((zoom, zoom)), al.RandomRotation((turn, turn))], sizes)
    (stage,), (shrinks,) = plan.stages, plan.shrinks
    assert isinstance(stage, Warp)
    assert shrinks is not None
    spans = matrices.minification(np, stage.matrix, stage.extent.height, stage.extent.width)
    rest = np.stack(spans, axis=-1) / shrinks
    assert (rest < 2 * (1 + 1e-6)).all()
    assert ((shrinks == 1) | (rest >= 1 - 1e-6)).all()  # and never more than it takes
    assert (np.log2(shrinks) % 1 == 0).all()


def test_exact_powers_of_two_are_averaged_whole() -> None:
    sizes = [(100, 80), (200, 160), (99, 79), (101, 400), (49, 39), (50, 40)]
    plan = plan_of([al.Resizing(50, 40)], sizes)
    assert plan.shrinks[0] is not None
    assert plan.shrinks[0].tolist() == [[2, 2], [4, 4], [1, 1], [2, 8], [1, 1], [1, 1]]


def test_nearest_and_moves_are_never_averaged() -> None:
    sizes = [(400, 300)]
    assert plan_of([al.Resizing(20, 20, interpolation="nearest")], sizes).shrinks == (None,)
    assert plan_of([al.RandomFlip(), al.CenterCrop(20, 20)], sizes).shrinks[-1] is not None  # may have to enlarge
    assert plan_of([al.RandomFlip(), al.Transpose()], sizes).shrinks == (None,)


SHRINKS = {
    "portable": lambda image, y, x: portable_warp.shrink(np, image[None].astype(float), y, x)[0],
    "opencv": opencv_blocks.shrink,
}


@pytest.mark.parametrize("size", [(48, 80), (41, 67), (7, 9), (1, 5), (3, 1)])
@pytest.mark.parametrize("factors", [(2, 2), (2, 1), (1, 4), (4, 2), (8, 8), (16, 2)])
@pytest.mark.parametrize("engine", SHRINKS)
def test_shrinking_is_the_mean_of_blocks(engine: str, factors: tuple[int, int], size: tuple[int, int]) -> None:
    image = noisy(*size)
    y, x = factors
    padded = np.pad(image, ((0, -size[0] % y), (0, -size[1] % x), (0, 0)), mode="edge").astype(float)
    wanted = padded.reshape(padded.shape[0] // y, y, padded.shape[1] // x, x, 3).mean(axis=(1, 3))
    got = SHRINKS[engine](image, y, x)
    assert got.shape == wanted.shape
    assert np.abs(got - wanted).max() <= (1e-9 if engine == "portable" else 1.0)
    assert abs(got.mean() - wanted.mean()) < (1e-9 if engine == "portable" else 0.5)


@pytest.mark.parametrize("engine", sorted(ENGINES))
@pytest.mark.parametrize("size", [(200, 300), (203, 301)])
def test_stripes_turn_grey_instead_of_aliasing(engine: str, size: tuple[int, int]) -> None:
    stripes = np.zeros((*size, 3), np.uint8)
    stripes[::2] = 255
    small = al.augment(stripes[None], [al.Resizing(31, 47)], engine=engine)[0]
    assert np.abs(small[:-1].astype(float) - 127.5).max() < 20
    assert abs(small.mean() - 127.5) < 2


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_an_antialiased_picture_stays_in_place(engine: str) -> None:
    """The half pixel of block centres: the middle of a soft spot is where the matrix says."""
    y, x = np.mgrid[:301, :403]
    spot = np.exp(-(((x - 250.3) ** 2 + (y - 97.8) ** 2) / (2 * 18.0**2)))[..., None]
    image = np.rint(250 * spot).astype(np.uint8)
    small = al.augment(image[None], [al.Resizing(43, 47)], engine=engine)[0, :, :, 0].astype(float)
    rows, columns = np.mgrid[:43, :47]
    middle = np.asarray([(columns * small).sum(), (rows * small).sum()]) / small.sum()
    wanted = [(250.3 + 0.5) * 47 / 403 - 0.5, (97.8 + 0.5) * 43 / 301 - 0.5]
    assert np.abs(middle - wanted).max() < 0.03


def sample(engine: str, plan: Plan, image: NDArray[Any], decoded: tuple[int, int]) -> NDArray[Any]:
    out = np.empty((int(plan.extent.height[0]), int(plan.extent.width[0]), 3), np.uint8)
    engines.prepare(engine, plan, np.asarray([decoded]))(0, image, out)
    return out


@pytest.mark.parametrize("engine", sorted(ENGINES))
@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("work", [
    [al.Resizing(47, 61)],
    [al.Resizing(60, 80), al.RandomRotation((0.06, 0.06)), al.RandomFlip("horizontal", p=1)],
    [al.RandomResizedCrop(41, 37, scale=(0.7, 0.9))],
], ids=str)  # fmt: skip
def test_an_image_decoded_small_gives_the_same_picture(work: list[al.Transform], factor: int, engine: str) -> None:
    full = cv2.resize(smooth(75, 100), (400, 300), interpolation=cv2.INTER_LINEAR)
    encoded = cv2.imencode(".jpg", full[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 97])[1].tobytes()
    header = probe(encoded)
    whole, small = decode(encoded, header), decode(encoded, header, shrink=factor)
    assert small.shape == (300 // factor, 400 // factor, 3)
    plan = plan_of(work, [(300, 400)])
    assert plan.shrinks[0] is not None
    assert (plan.shrinks[0] >= factor).all()
    a, b = sample(engine, plan, whole, (1, 1)), sample(engine, plan, small, (factor, factor))
    apart = np.abs(a.astype(float) - b)
    assert apart.mean() < 0.7
    assert apart.max() <= 8

"""How far down a plan reads: nothing below may matter to what comes out, on any engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import augline as al
from augline import engines
from augline.plan import Plan, rows_read
from augline.program import Program
from conformance.cases import CASES, Case
from pictures import noisy

HEIGHTS = ((41, 67), (58, 37), (33, 90), (130, 97), (301, 75))
IN_NUMPY = ("opencv", "reference")


def plan_of(transforms: Sequence[al.Transform], sizes: Any, epoch: int = 0, size: Any = None) -> Plan:
    program = Program(transforms, seed=1, channels=3, dtype="uint8", value_range=(0, 255), size=size)
    return program.plan(epoch, np.arange(len(sizes)), np.asarray(sizes))[1]


def rows_of(transforms: Sequence[al.Transform], *sizes: tuple[int, int], decoded: int = 1) -> list[int]:
    found: list[int] = rows_read(plan_of(transforms, sizes), np.full(len(sizes), decoded)).tolist()
    return found


def saved_without_a_trace(engine: str, plan: Plan, sizes: Any, factor: int) -> int:
    """Runs each sample of a plan with other pixels below the rows that it reads; how many rows those were in all."""
    smallest = [factors.min(axis=1) if factors is not None else 1 for factors in plan.shrinks[:1]]
    decoded = np.minimum(np.full(len(sizes), factor), smallest[0] if smallest else 1)
    rows, saved = rows_read(plan, decoded).tolist(), 0
    sample = engines.prepare(engine, plan, np.repeat(decoded[:, None], 2, axis=1))
    for index, ((height, width), small) in enumerate(zip(sizes, decoded.tolist(), strict=True)):
        image = noisy(-(-height // small), -(-width // small), seed=index)
        other = image.copy()
        other[rows[index] :] = noisy(*image.shape[:2], seed=99)[rows[index] :]
        size = (int(plan.extent.height[index]), int(plan.extent.width[index]), 3)
        wanted, got = (np.zeros(size, plan.output.dtype) for _ in range(2))
        engines.carry(sample, index, image, wanted)
        engines.carry(sample, index, other, got)
        assert np.array_equal(wanted, got), (index, rows[index], height)
        assert 1 <= rows[index] <= len(image)
        saved += len(image) - rows[index]
    return saved


@pytest.mark.parametrize("engine", IN_NUMPY)
@pytest.mark.parametrize("case", [case for case in CASES if 3 in case.channels], ids=lambda case: case.label)
def test_nothing_below_matters(case: Case, engine: str) -> None:
    saved_without_a_trace(engine, plan_of(case.transforms, HEIGHTS), HEIGHTS, 1)


@pytest.mark.parametrize("factor", [1, 2, 4])
@pytest.mark.parametrize("engine", IN_NUMPY)
def test_nothing_below_a_crop_matters_however_it_is_shrunk(engine: str, factor: int) -> None:
    saved = [0] * 6
    for epoch in range(8):
        for number, transforms in enumerate((
            [al.RandomResizedCrop(19, 23), al.RandomFlip("horizontal_and_vertical")],
            [al.RandomZoom((-0.8, -0.3), fill_mode="nearest"), al.RandomCrop(24, 30), al.RandomRotation(0.05)],
            [al.RandomPerspective(1, scale=0.5, fill_mode="constant"), al.RandomCrop(31, 24)],
            [al.RandomHue(0.2), al.RandomGamma(), al.RandomResizedCrop(19, 23)],
            [al.RandomTranslation((0.15, 0.6), 0.1), al.RandomRotation(0.1), al.RandomCrop(24, 30)],
            [al.RandomShear(0.2, 0.9, fill_mode="mirror"), al.Resizing(20, 30), al.RandomCrop(11, 24)],
        )):  # fmt: skip
            plan = plan_of(transforms, HEIGHTS, epoch)
            saved[number] += saved_without_a_trace(engine, plan, HEIGHTS, factor)
    assert min(saved) > 100


def test_rows_of_crops() -> None:
    """To the row below the last, which interpolation weighs, and one more."""
    assert rows_of([al.CenterCrop(21, 24)], (41, 67), (91, 30)) == [33, 58]
    assert rows_of([al.CenterCrop(21, 24), al.RandomFlip("vertical", p=1)], (41, 67)) == [33]


def test_rows_of_halved_images_are_whole_blocks() -> None:
    """Half of the middle square of 400 rows, from 100 on to 300: 200 rows in 100, so blocks of two."""
    half = [al.Resizing(200, 100), al.CenterCrop(100, 50)]
    assert rows_of(half, (400, 200)) == [304]
    assert rows_of(half, (400, 200), decoded=2) == [152]


@pytest.mark.parametrize("mode", ["reflect", "mirror", "wrap"])
def test_folds_bring_down_what_lies_as_far_below_the_edge_or_all_of_it(mode: str) -> None:
    up = [al.RandomTranslation((0.2, 0.2), (0, 0), fill_mode=mode), al.CenterCrop(20, 24)]
    assert rows_of(up, (41, 67)) == [23]  # from 1.8 to 20.8
    assert rows_of([*up[:1], al.CenterCrop(35, 24)], (41, 67)) == [41 if mode == "wrap" else 31]  # from -5.2 to 28.8
    far = [al.RandomTranslation((0.8, 0.8), (0, 0), fill_mode=mode), al.CenterCrop(20, 24)]
    assert rows_of(far, (41, 67)) == [41 if mode == "wrap" else 25]  # from -22.8 to -3.8
    kept = [al.RandomTranslation((0.2, 0.2), (0, 0), fill_mode="nearest"), al.CenterCrop(35, 24)]
    assert rows_of(kept, (41, 67)) == [31]


@pytest.mark.parametrize(
    "first", [al.RandomElasticTransform((1, 1), (1, 1)), al.RandomGaussianBlur(1.0, 5, 1.0), al.Equalization()]
)
def test_all_is_read_by_what_looks_around(first: al.Transform) -> None:
    assert rows_of([first, al.CenterCrop(21, 24)], (41, 67)) == [41]


def test_an_image_of_which_nothing_is_seen_keeps_a_row() -> None:
    beyond = al.RandomTranslation((1, 1), (0, 0), fill_mode="nearest")
    assert rows_of([beyond, al.CenterCrop(21, 24)], (41, 67)) == [1]
    assert rows_of([], (41, 67)) == [41]

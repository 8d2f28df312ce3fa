"""Fusion against the unfused plan: exact rules bit for bit, approximate ones within what they state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import augline as al
from augline import targets
from augline.augment import run
from augline.plan import APPROXIMATE, EXACT, Colour, Hsv, Plan, Tone, Warp, fuse, matrices
from augline.plan.fuse import (
    compose_tones,
    merge_colours,
    merge_permutation,
    merge_resampling,
    merge_whole_pixels,
    permute_first,
)
from augline.program import Program
from pictures import noisy, smooth

HEIGHT, WIDTH = 41, 67
MODES = ("constant", "nearest", "reflect", "mirror", "wrap")


def plan_of(
    transforms: Sequence[al.Transform],
    rules: Any = EXACT + APPROXIMATE,
    size: tuple[int, int] = (HEIGHT, WIDTH),
    batch: int = 4,
    dtype: str = "uint8",
) -> Plan:
    top = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}[dtype]
    program = Program(transforms, seed=9, channels=3, dtype=dtype, value_range=(0, top), size=size, engine="reference")
    return program.plan(2, np.arange(batch), np.asarray([size] * batch), rules)[1]


def kinds(transforms: Sequence[al.Transform], rules: Any = EXACT + APPROXIMATE) -> list[str]:
    return [type(stage).__name__ for stage in plan_of(transforms, rules).stages]


def outcome(transforms: Sequence[al.Transform], rules: Any, images: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    size = images[0].shape[:2]
    plan = plan_of([*transforms, al.Rescaling(1.0)], rules, (size[0], size[1]), len(images), images[0].dtype.name)
    return np.asarray(run("reference", plan, images), np.float64)


def warp(mode: str = "reflect", **options: Any) -> list[al.Transform]:
    return [
        al.RandomRotation((0.0713, 0.0713), fill_mode=mode, **options),
        al.RandomZoom((0.21, 0.21), (-0.13, -0.13), fill_mode=mode, **options),
        al.RandomTranslation((0.131, 0.131), (-0.217, -0.217), fill_mode=mode, **options),
    ]


WHOLE = [al.RandomFlip(), al.RandomFlip("vertical", p=1), al.Transpose(), al.RandomRotate90(), al.Transpose(p=0.5)]
CUTS = [al.CenterCrop(20, 31), al.RandomCrop(23, 30)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("item", [*WHOLE, *CUTS], ids=repr)
def test_whole_pixels_after_a_warp_are_exact(item: al.Transform, mode: str) -> None:
    ragged = isinstance(item, al.RandomRotate90) or item.p < 1  # on squares, or images come out in two sizes
    images = [noisy(HEIGHT, HEIGHT if ragged else WIDTH, seed=k) for k in range(4)]
    for first in warp(mode, fill_value=40 if mode == "constant" else 0):
        together = outcome([first, item], (merge_whole_pixels,), images)
        assert np.abs(together - outcome([first, item], (), images)).max() < 2e-4  # positions round to 2**-20 pixel
        assert kinds([first, item], (merge_whole_pixels,)) == ["Warp"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("item", WHOLE, ids=repr)
def test_flips_before_a_warp_are_exact(item: al.Transform, mode: str) -> None:
    images = [noisy(40, 40, seed=k) for k in range(4)]
    for then in warp(mode, fill_value=40 if mode == "constant" else 0):
        together = outcome([item, then], (merge_permutation,), images)
        assert np.abs(together - outcome([item, then], (), images)).max() < 2e-4
        plan = plan_of([item, then], (merge_permutation,), (40, 40))
        assert [type(stage).__name__ for stage in plan.stages] == ["Warp"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("chain", [
    [al.RandomFlip(), al.RandomFlip("vertical", p=1), al.CenterCrop(20, 31)],
    [al.CenterCrop(33, 51), al.RandomFlip(), al.RandomCrop(20, 31)],
    [al.Transpose(), al.RandomCrop(50, 30), al.RandomFlip(), al.Transpose()],
], ids=str)  # fmt: skip
def test_moves_and_nearest_warps_are_bit_for_bit(chain: list[al.Transform], mode: str) -> None:
    images = [noisy(HEIGHT, WIDTH, seed=k) for k in range(4)]
    assert np.array_equal(outcome(chain, EXACT, images), outcome(chain, (), images))
    for nearest in warp(mode, fill_value=40 if mode == "constant" else 0, interpolation="nearest"):
        assert np.array_equal(outcome([nearest, *chain], EXACT, images), outcome([nearest, *chain], (), images))
        flipped = [al.RandomFlip(), nearest, al.CenterCrop(20, 31)]
        assert np.array_equal(outcome(flipped, EXACT, images), outcome(flipped, (), images))


POINTWISE = [
    al.RandomBrightness(0.3),
    al.RandomContrast(0.4),
    al.RandomGamma((0.5, 2)),
    al.RandomHue(0.4),
    al.RandomSaturation((0.2, 0.7), space="yiq"),
    al.Solarization(0.0, (0.4, 0.6)),
    al.RandomInvert(0.5, p=0.5),
    al.RandomPosterization((2, 5)),
]


@pytest.mark.parametrize("move", [al.RandomFlip(), al.Transpose(), al.RandomCrop(20, 31)], ids=repr)
@pytest.mark.parametrize("item", POINTWISE, ids=repr)
def test_pointwise_work_does_not_care_where_pixels_sit(item: al.Transform, move: al.Transform) -> None:
    images = [noisy(HEIGHT, WIDTH, seed=k) for k in range(4)]
    wanted = outcome([item, move], (), images)
    got = outcome([item, move], (permute_first,), images)
    if isinstance(item, al.RandomContrast):  # the mean is summed in another order
        assert np.abs(got - wanted).max() < 1e-4
    else:
        assert np.array_equal(got, wanted)
    measured_crop = isinstance(item, al.RandomContrast) and isinstance(move, al.RandomCrop)
    assert (kinds([item, move], (permute_first,))[0] == "Warp") is not measured_crop


def test_tones_compose_exactly() -> None:
    images = [noisy(HEIGHT, WIDTH, seed=k) for k in range(4)]
    tones = [item for item in POINTWISE if kinds([item]) == ["Tone"]]
    assert kinds(tones, (compose_tones,)) == ["Tone"]
    assert np.array_equal(outcome(tones, (compose_tones,), images), outcome(tones, (), images))
    plan = plan_of(tones)
    assert [len(stage.curves) for stage in plan.stages if isinstance(stage, Tone)] == [len(tones)]


def test_colour_matrices_multiply_but_do_not_clip_between() -> None:
    gentle = [al.RandomSaturation((0.45, 0.45), space="yiq"), al.RandomHue((0.1, 0.1), space="yiq")]
    images = [smooth(HEIGHT, WIDTH, seed=k) for k in range(4)]
    assert kinds(gentle) == ["Colour"]
    assert np.abs(outcome(gentle, (merge_colours,), images) - outcome(gentle, (), images)).max() < 1e-4
    # order matters: what follows stands on the left
    order = [al.RandomGrayscale(1.0), al.RandomHue((0.5, 0.5), space="yiq")]
    assert np.abs(outcome(order, (merge_colours,), images) - outcome(order, (), images)).max() < 1e-3
    strong = [al.RandomSaturation((0.8, 0.8), space="yiq"), al.RandomSaturation((0.2, 0.2), space="yiq")]
    assert np.abs(outcome(strong, (merge_colours,), images) - images).max() < 0.1  # 4 times, then a quarter
    assert np.abs(outcome(strong, (), images) - images).max() > 5


GEOMETRY = [
    al.Resizing(61, 83),
    al.RandomCrop(50, 70),
    al.RandomFlip(),
    al.RandomRotation(0.1),
    al.RandomZoom(0.2),
    al.RandomTranslation(0.1, 0.1),
    al.RandomShear(0.1),
    al.RandomPerspective((1, 1), scale=0.2, fill_mode="reflect"),
    al.RandomAffine(10),
    al.CenterCrop(40, 50),
]


def test_the_whole_geometry_is_one_resampling() -> None:
    assert kinds(GEOMETRY) == ["Warp"]
    assert kinds([*GEOMETRY, al.RandomContrast(0.2), al.RandomBrightness(0.2), al.Rescaling(1 / 255)]) == [
        "Warp",
        "Tone",
    ]
    plan = plan_of(GEOMETRY)
    assert plan.stages[0].origin == (  # type: ignore[attr-defined]
        "Resizing", "RandomCrop", "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomShear",
        "RandomPerspective", "RandomAffine", "CenterCrop",
    )  # fmt: skip
    wanted = np.eye(3)
    for stage in plan_of(GEOMETRY, ()).stages:
        assert isinstance(stage, Warp)
        wanted = wanted @ stage.matrix[1]
    assert np.allclose(plan.stages[0].matrix[1], wanted)  # type: ignore[attr-defined]


def test_what_keeps_two_resamplings_apart() -> None:
    turn = al.RandomRotation(0.1, fill_mode="constant")
    assert kinds([turn, al.RandomZoom(0.2, fill_mode="reflect")]) == ["Warp", "Warp"]
    assert kinds([turn, al.RandomZoom(0.2, fill_mode="constant", fill_value=9)]) == ["Warp", "Warp"]
    assert kinds([turn, al.RandomZoom(0.2, fill_mode="constant", mask_fill_value=9)]) == ["Warp", "Warp"]
    assert kinds([turn, al.RandomZoom(0.2, fill_mode="constant", interpolation="nearest")]) == ["Warp", "Warp"]
    assert kinds([turn, al.RandomZoom(0.2, fill_mode="constant")]) == ["Warp"]
    assert kinds([al.Resizing(30, 30), turn]) == ["Warp"]
    assert kinds([turn, al.Resizing(30, 30)]) == ["Warp"]
    for item in POINTWISE:
        middle = kinds([item])
        assert kinds([turn, item, turn]) == ["Warp", *middle, "Warp"]
        assert kinds([turn, item, al.RandomFlip()]) == ["Warp", *middle]
    measured = al.RandomContrast(0.2)
    assert kinds([turn, measured, al.RandomCrop(20, 20)]) == ["Warp", "Tone", "Warp"]
    assert kinds([turn, al.RandomGamma(), al.RandomCrop(20, 20)]) == ["Warp", "Tone"]


def test_the_fill_of_the_product_is_that_of_the_step_that_looks_outside() -> None:
    turn = al.RandomRotation(0.1, fill_mode="constant", fill_value=51, mask_fill_value=3)
    for chain in (
        [al.Resizing(50, 60), turn],
        [turn, al.Resizing(50, 60)],
        [turn, al.RandomFlip()],
        [al.RandomFlip(), turn],
    ):
        (stage,) = plan_of(chain).stages
        assert isinstance(stage, Warp)
        assert (stage.fill.mode, stage.fill.mask, stage.reach) == ("constant", 3, "anywhere")
        assert np.allclose(stage.fill.value, 0.2)
    (stage,) = plan_of([al.Resizing(50, 60, interpolation="nearest"), al.RandomFlip()]).stages
    assert isinstance(stage, Warp)
    assert (stage.interpolation, stage.reach) == ("nearest", "inside")


def test_what_one_step_moved_out_can_come_back() -> None:
    """The documented meaning of `merge_resampling`: the edge of the frame is the edge of the first image."""
    there_and_back = [
        al.RandomTranslation((0.25, 0.25), (0, 0), fill_mode="constant"),
        al.RandomTranslation((-0.25, -0.25), (0, 0), fill_mode="constant"),
    ]
    image = noisy(40, 60)
    assert np.array_equal(outcome(there_and_back, EXACT + APPROXIMATE, [image])[0], image)
    lost = outcome(there_and_back, (), [image])[0]
    assert (lost[30:] == 0).all()
    assert np.array_equal(lost[:30], image[:30])


def test_fusion_is_idempotent() -> None:
    lists = [GEOMETRY, [*POINTWISE, *GEOMETRY], [x for pair in zip(GEOMETRY, POINTWISE, strict=False) for x in pair]]
    for chain in lists:
        once = plan_of(chain).stages
        twice = fuse(once)
        assert [s.origin for s in twice] == [s.origin for s in once]  # type: ignore[attr-defined]
        assert all(a is b for a, b in zip(once, twice, strict=True))


def test_no_rules_no_change() -> None:
    stages = plan_of([*GEOMETRY, *POINTWISE], ()).stages
    assert fuse(stages, ()) == stages
    assert len(stages) == len(GEOMETRY) + len(POINTWISE)


def test_rules_have_a_stated_meaning() -> None:
    assert {*EXACT, *APPROXIMATE} == {
        merge_whole_pixels, merge_permutation, permute_first, compose_tones, merge_resampling, merge_colours,
    }  # fmt: skip
    assert all(rule.__doc__ for rule in (*EXACT, *APPROXIMATE))
    assert not {*EXACT} & {merge_resampling, merge_colours}


def test_rules_leave_other_pairs_alone() -> None:
    tone, colour, hue = (plan_of([POINTWISE[k]]).stages[0] for k in (0, 4, 3))
    assert (type(tone), type(colour), type(hue)) == (Tone, Colour, Hsv)
    for rule in (*EXACT, *APPROXIMATE):
        assert rule(tone, colour) is None
        assert rule(colour, hue) is None
        assert rule(hue, tone) is None


_factor = st.floats(-0.12, 0.12).map(lambda f: round(f, 4))
_links = st.one_of(
    _factor.map(lambda f: al.RandomRotation((f, f))),
    _factor.map(lambda f: al.RandomZoom((f, f))),
    st.tuples(_factor, _factor).map(lambda f: al.RandomTranslation((f[0], f[0]), (f[1], f[1]))),
    _factor.map(lambda f: al.RandomShear((abs(f), abs(f)))),
    st.sampled_from([al.RandomFlip(), al.RandomFlip("horizontal", p=1), al.RandomFlip("vertical", p=1)]),
    st.sampled_from([al.Resizing(101, 133), al.Resizing(90, 150), al.CenterCrop(84, 110), al.RandomCrop(84, 110)]),
)
_chains = st.lists(_links, min_size=2, max_size=4)


def soft(height: int, width: int) -> NDArray[np.uint8]:
    """So smooth that a second interpolation blurs nothing away: 40 px waves."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin((x * np.cos(t) + y * np.sin(t)) * (2 * np.pi / 40) + t) for t in (0.3, 1.1, 2.2)]
    return np.rint(128 + 80 * np.stack(waves, axis=-1)).astype(np.uint8)


def tight(transforms: Sequence[al.Transform], plan: Plan, height: int, width: int) -> NDArray[np.bool_]:
    """Output pixels that every step of the unfused plan read from well inside its own input."""
    rows, columns = int(plan.extent.height[0]), int(plan.extent.width[0])
    y, x = np.mgrid[:rows, :columns]
    places = np.stack([x, y], axis=-1).reshape(1, -1, 2).astype(float)
    inside = np.ones(places.shape[1], bool)
    warps = [stage for stage in plan.stages if isinstance(stage, Warp)]
    sizes = [(height, width), *((int(w.extent.height[0]), int(w.extent.width[0])) for w in warps[:-1])]
    for stage, (tall, wide) in zip(reversed(warps), reversed(sizes), strict=True):
        places = matrices.transform_points(np, stage.matrix[:1], places)
        inside &= ((places[0] > 3) & (places[0] < np.asarray([wide, tall]) - 4)).all(axis=1)
    return inside.reshape(rows, columns)


@given(_chains)
@settings(max_examples=60, deadline=None)
def test_any_chain_is_near_its_unfused_self_inside(chain: list[al.Transform]) -> None:
    image = soft(96, 128)
    inside = tight(chain, plan_of(chain, (), (96, 128), 1), 96, 128)
    if inside.sum() < 100:
        return
    apart = np.abs(outcome(chain, EXACT + APPROXIMATE, [image]) - outcome(chain, (), [image]))[0][inside]
    assert apart.max() <= 4
    assert apart.mean() <= 0.5  # up to four resamplings against one


_moves = st.sampled_from(
    [al.RandomFlip(), al.RandomFlip("vertical", p=1), al.CenterCrop(30, 30), al.RandomCrop(30, 30)]
)


@given(st.lists(_moves, min_size=1, max_size=5), st.sampled_from(MODES), _factor, st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_moves_around_a_nearest_warp_are_exact(moves: list[al.Transform], mode: Any, factor: float, place: int) -> None:
    turn = al.RandomRotation((factor, factor), interpolation="nearest", fill_mode=mode)
    flips = [m for m in moves[:place] if isinstance(m, al.RandomFlip)]
    chain = [*flips, turn, *moves[place:]]
    images = [noisy(41, 67, seed=k) for k in range(2)]
    assert np.array_equal(outcome(chain, EXACT, images), outcome(chain, (), images))


@given(_chains)
@settings(max_examples=40, deadline=None)
def test_boxes_of_any_chain_are_those_of_the_unfused(chain: list[al.Transform]) -> None:
    points = [np.asarray([[30, 40], [70, 50], [64, 48]], float)]
    boxes = [np.asarray([[40, 30, 60, 50], [60, 44, 80, 66]], np.float32)]
    plans = [plan_of(chain, rules, (96, 128), 1) for rules in (EXACT + APPROXIMATE, ())]
    a, b = (targets.move_points(plan, points)[0] for plan in plans)
    assert np.abs(a - b).max() < 0.01
    moved = [targets.move_boxes(plan, boxes, "xyxy") for plan in plans]
    assert [kept[0].tolist() for _, kept in moved] == [moved[0][1][0].tolist()] * 2
    assert all(np.abs(a - b).max() < 0.01 for a, b in zip(*(rows for rows, _ in moved), strict=True) if len(a))

"""The numbers that transforms draw: ranges, means, chances, and that no draw knows of another."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

import augline as al
from augline.plan import Extent, Frame, Warp
from augline.random import Draw
from augline.transforms.base import Expansion, expand

N = 20_000
HEIGHT, WIDTH = 300, 400


def expansion(
    *transforms: al.Transform, n: int = N, size: tuple[int, int] = (HEIGHT, WIDTH), seed: int = 5
) -> Expansion:
    frame = Frame(np, Extent.of(np, n, *size), 3)
    return expand(transforms, Draw(seed, 0, np.arange(n)), frame)


def params(item: al.Transform) -> dict[str, NDArray[Any]]:
    return expansion(item).drawn[0].params


UNIFORM = [
    (al.RandomRotation(0.2), "turns", -0.2, 0.2),
    (al.RandomRotation((0.1, 0.3)), "turns", 0.1, 0.3),
    (al.RandomZoom(0.3), "zoom_y", 0.7, 1.3),
    (al.RandomZoom(0.3, (-0.1, 0.2)), "zoom_x", 0.9, 1.2),
    (al.RandomTranslation(0.1, 0.3), "shift_y", -0.1, 0.1),
    (al.RandomTranslation(0.1, 0.3), "shift_x", -0.3, 0.3),
    (al.RandomShear(0.2, 0.1), "shear_x", -0.2, 0.2),
    (al.RandomShear(0.2, 0.1), "shear_y", -0.1, 0.1),
    (al.RandomAffine(30), "degrees", -30, 30),
    (al.RandomAffine(scale=(0.8, 1.5)), "scale", 0.8, 1.5),
    (al.RandomAffine(translate=(0.1, 0.2)), "shift_x", -0.1, 0.1),
    (al.RandomAffine(translate=(0.1, 0.2)), "shift_y", -0.2, 0.2),
    (al.RandomAffine(shear=(-5, 20)), "shear", -5, 20),
    (al.RandomPerspective(scale=0.4), "corners", -0.2, 0.2),
    (al.RandomBrightness(-0.3), "delta", -0.3, 0.3),
    (al.RandomContrast((0.2, 0.4)), "contrast", 0.8, 1.4),
    (al.RandomContrast(0.3), "contrast", 0.7, 1.3),
    (al.RandomHue(0.4), "turns", -0.2, 0.2),
    (al.Solarization(0.2, (0.3, 0.9)), "addition", 0, 0.2),
    (al.Solarization(0.2, (0.3, 0.9)), "threshold", 0.3, 0.9),
]


@pytest.mark.parametrize(("item", "name", "low", "high"), UNIFORM, ids=str)
def test_uniform_draws_fill_their_range(item: al.Transform, name: str, low: float, high: float) -> None:
    values = np.ravel(params(item)[name])
    assert low <= values.min() < low + 0.002 * (high - low)
    assert high - 0.002 * (high - low) < values.max() <= high
    assert stats.kstest((values - low) / (high - low), "uniform").pvalue > 1e-4


def test_shear_of_a_pair_draws_its_sense() -> None:
    shear = params(al.RandomShear((0.1, 0.3), (0.1, 0.2)))
    assert abs((shear["shear_x"] > 0).mean() - 0.5) < 0.02
    assert np.array_equal(shear["shear_x"] > 0, shear["shear_y"] > 0)
    assert stats.kstest((np.abs(shear["shear_x"]) - 0.1) / 0.2, "uniform").pvalue > 1e-4


def test_gamma_is_uniform_in_its_logarithm() -> None:
    gamma = params(al.RandomGamma((0.5, 2.0)))["gamma"]
    assert stats.kstest((np.log(gamma) + math.log(2)) / math.log(4), "uniform").pvalue > 1e-4
    assert abs((gamma > 1).mean() - 0.5) < 0.02


def test_saturation_is_keras_ratio() -> None:
    ratio = params(al.RandomSaturation((0.3, 0.8)))["saturation"]
    factor = ratio / (1 + ratio)
    assert stats.kstest((factor - 0.3) / 0.5, "uniform").pvalue > 1e-4


def test_bits_include_both_ends() -> None:
    bits = Counter(params(al.RandomPosterization((3, 6)))["bits"].tolist())
    assert {*bits} == {3, 4, 5, 6}
    assert stats.chisquare([*bits.values()]).pvalue > 1e-4


def test_quarter_turns_are_alike() -> None:
    quarters = Counter(params(al.RandomRotate90())["quarters"].tolist())
    assert {*quarters} == {0, 1, 2, 3}
    assert stats.chisquare([*quarters.values()]).pvalue > 1e-4


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_chances(p: float) -> None:
    def share(values: Any) -> None:
        assert abs(np.mean(values) - p) < 0.012
        if p in (0.0, 1.0):
            assert np.mean(values) == p

    flips = params(al.RandomFlip(p=p))
    share(flips["flip_x"])
    share(flips["flip_y"])
    assert abs(np.corrcoef(flips["flip_x"], flips["flip_y"])[0, 1]) < 0.03 if 0 < p < 1 else True
    share(params(al.RandomGrayscale(p))["grey"])
    share(params(al.RandomInvert((p, p)))["inverted"])
    share(params(al.RandomPerspective((p, p)))["changed"])
    for item in (al.RandomRotation((0.1, 0.1), p=p), al.Sequential([al.RandomRotation((0.1, 0.1))], p=p)):
        (stage,) = expansion(item).stages
        assert isinstance(stage, Warp)
        share(np.abs(stage.matrix - np.eye(3)).max(axis=(1, 2)) > 1e-9)


def test_a_single_chance_is_drawn_itself_as_in_keras() -> None:
    assert abs(params(al.RandomInvert(0.8))["inverted"].mean() - 0.4) < 0.012
    assert abs(params(al.RandomPerspective(0.8))["changed"].mean() - 0.4) < 0.012


def test_a_coin_does_not_tell_of_the_numbers() -> None:
    """One key for coin and angle, as augmax has it, would bias the angles of those that turn."""
    done = expansion(al.RandomRotation(0.2, p=0.3), al.RandomInvert((0.5, 0.5)))
    turns, active = done.drawn[0].params["turns"], done.drawn[0].active
    assert stats.kstest((turns[active] + 0.2) / 0.4, "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(turns, active)[0, 1]) < 0.03
    assert abs(np.corrcoef(done.drawn[1].params["inverted"], active)[0, 1]) < 0.03


def test_one_of_follows_its_weights() -> None:
    items = [al.RandomFlip(), al.RandomRotation(0.1), al.RandomHue(0.1)]
    for weights, wanted in ((None, [1 / 3] * 3), ([1, 2, 5], [1 / 8, 2 / 8, 5 / 8]), ([0, 1, 0], [0, 1, 0])):
        choice = params(al.OneOf(items, weights=weights))["choice"]
        assert np.abs(np.bincount(choice, minlength=3) / N - wanted).max() < 0.012
        if weights and 0 in weights:
            assert {*choice.tolist()} == {1}
    done = expansion(al.OneOf(items, p=0.4))
    active = np.stack([d.active for d in done.drawn[1:]])  # type: ignore[misc]
    assert active.sum(axis=0).max() == 1
    assert abs(active.any(axis=0).mean() - 0.4) < 0.012


def test_some_of_takes_that_many_and_any() -> None:
    items = [al.RandomFlip(), al.RandomRotation(0.1), al.RandomHue(0.1), al.RandomGamma()]
    active = np.stack([d.active for d in expansion(al.SomeOf(items, n=(1, 3))).drawn[1:]])  # type: ignore[misc]
    counts = Counter(active.sum(axis=0).tolist())
    assert {*counts} == {1, 2, 3}
    assert stats.chisquare([*counts.values()]).pvalue > 1e-4
    assert np.abs(active.mean(axis=1) - 0.5).max() < 0.012
    pairs = np.stack([d.active for d in expansion(al.SomeOf(items, n=2)).drawn[1:]])  # type: ignore[misc]
    found = Counter(map(tuple, np.transpose(pairs).tolist()))
    assert len(found) == 6
    assert stats.chisquare([*found.values()]).pvalue > 1e-4


@pytest.mark.parametrize("alpha", [0.2, 0.4, 1.0, 8.0])
def test_mixing_weights_are_beta_and_partners_even(alpha: float) -> None:
    for item, name in ((al.MixUp(alpha), "weight"), (al.CutMix(alpha), "left_over")):
        drawn = params(item)
        weight, partner = drawn[name], drawn["partner"][:, 0]
        shares = np.linspace(0.05, 0.95, 19)
        found = (weight <= stats.beta(alpha, alpha).ppf(shares)[:, None]).mean(axis=1)
        assert np.abs(found - shares).max() < 0.012
        assert stats.kstest(partner, "uniform").statistic < 0.012
        assert abs(np.corrcoef(weight, partner)[0, 1]) < 0.03


def test_transforms_draw_independently() -> None:
    done = expansion(
        al.RandomRotation(0.1), al.RandomRotation(0.1), al.RandomZoom(0.1, 0.1), al.RandomTranslation(0.1, 0.1),
        al.RandomAffine(10, (0.1, 0.1), (0.8, 1.2), 5), al.RandomBrightness(0.1), al.RandomContrast(0.1),
        al.RandomHue(0.1),
    )  # fmt: skip
    columns = np.stack([values for drawn in done.drawn for values in drawn.params.values()])
    assert len(columns) == 14
    correlation = np.corrcoef(columns) - np.eye(len(columns))
    assert np.abs(correlation).max() < 5 / math.sqrt(N)


def test_neighbouring_samples_and_seeds_have_nothing_in_common() -> None:
    a, b = (expansion(al.RandomRotation(0.1), seed=seed).drawn[0].params["turns"] for seed in (5, 6))
    assert abs(np.corrcoef(a, b)[0, 1]) < 5 / math.sqrt(N)
    assert abs(np.corrcoef(a[1:], a[:-1])[0, 1]) < 5 / math.sqrt(N)


def draws(done: Expansion) -> dict[str, dict[str, NDArray[Any]]]:
    return {drawn.path: drawn.params for drawn in done.drawn}


def test_an_inserted_transform_leaves_the_draws_of_others_alone() -> None:
    work = [
        al.RandomRotation(0.1),
        al.OneOf([al.RandomZoom(0.1), al.RandomHue(0.2)]),
        al.RandomFlip(),
        al.RandomGamma(),
    ]
    before = draws(expansion(*work, n=50))
    for place in range(len(work) + 1):
        longer = [*work[:place], al.RandomContrast(0.3), *work[place:]]
        after = draws(expansion(*longer, n=50))
        for path, numbers in before.items():
            for name, values in numbers.items():
                assert np.array_equal(values, after[path][name]), (path, name)
    swapped = draws(expansion(*work[::-1], n=50))
    assert {*swapped} == {*before}
    for path, numbers in before.items():
        assert all(np.array_equal(values, swapped[path][name]) for name, values in numbers.items())


def test_a_name_keeps_the_draws_of_the_second_of_a_kind() -> None:
    mine = al.RandomRotation(0.1, name="mine")
    alone = draws(expansion(mine, n=50))["mine"]["turns"]
    second = draws(expansion(al.RandomRotation(0.1), mine, n=50))
    assert np.array_equal(second["mine"]["turns"], alone)
    assert not np.array_equal(second["RandomRotation"]["turns"], alone)


def test_a_transform_of_the_same_kind_inside_a_list_draws_its_own() -> None:
    done = draws(expansion(al.RandomRotation(0.1), al.Sequential([al.RandomRotation(0.1)]), n=50))
    assert {*done} == {"RandomRotation", "Sequential", "Sequential/RandomRotation"}
    assert not np.array_equal(done["RandomRotation"]["turns"], done["Sequential/RandomRotation"]["turns"])


def plain_crop(rng: Any, height: int, width: int, scale: Any, ratio: Any) -> tuple[int, int, int, int]:
    """The Inception crop, written once more: Szegedy et al. 2014, with torchvision's ten tries and fallback."""
    for _ in range(10):
        area = rng.uniform(*scale) * height * width
        aspect = math.exp(rng.uniform(math.log(ratio[0]), math.log(ratio[1])))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            return rng.integers(0, height - h + 1), rng.integers(0, width - w + 1), h, w
    if width / height < ratio[0]:
        w, h = width, min(round(width / ratio[0]), height)
    elif width / height > ratio[1]:
        w, h = min(round(height * ratio[1]), width), height
    else:
        w, h = width, height
    return (height - h) // 2, (width - w) // 2, h, w


def windows(item: al.RandomResizedCrop, size: tuple[int, int], n: int) -> NDArray[Any]:
    (stage,) = expansion(item, n=n, size=size).stages
    assert isinstance(stage, Warp)
    m = stage.matrix
    h, w = m[:, 1, 1] * item.height, m[:, 0, 0] * item.width
    top, left = m[:, 1, 2] + 0.5 - 0.5 * m[:, 1, 1], m[:, 0, 2] + 0.5 - 0.5 * m[:, 0, 0]
    return np.stack([top, left, h, w])


@pytest.mark.parametrize("size", [(300, 400), (400, 150), (90, 1000), (7, 5)])
@pytest.mark.parametrize(("scale", "ratio"), [((0.08, 1.0), (3 / 4, 4 / 3)), ((0.5, 0.9), (0.4, 1.1))])
def test_random_resized_crop_is_the_inception_crop(size: tuple[int, int], scale: Any, ratio: Any) -> None:
    item = al.RandomResizedCrop(64, 48, scale=scale, ratio=ratio)
    n = 4000
    mine = windows(item, size, n)
    assert np.abs(mine - np.round(mine)).max() < 1e-6  # whole pixels
    top, left, h, w = np.round(mine)
    assert (top >= 0).all()
    assert (left >= 0).all()
    assert (top + h <= size[0]).all()
    assert (left + w <= size[1]).all()
    rng = np.random.default_rng(0)
    plain = np.asarray([plain_crop(rng, *size, scale, ratio) for _ in range(n)], float).T
    theirs = {"top": plain[0], "left": plain[1], "area": plain[2] * plain[3], "aspect": plain[3] / plain[2]}
    ours = {"top": top, "left": left, "area": h * w, "aspect": w / h}
    for name, values in ours.items():
        assert stats.ks_2samp(values, theirs[name], method="asymp").pvalue > 1e-4, name


def test_random_crop_takes_every_window_as_often() -> None:
    (stage,) = expansion(al.RandomCrop(8, 8), size=(11, 12)).stages
    assert isinstance(stage, Warp)
    found = Counter(map(tuple, np.round(stage.matrix[:, [1, 0], 2]).astype(int).tolist()))
    assert {*found} == {(y, x) for y in range(4) for x in range(5)}
    assert stats.chisquare([*found.values()]).pvalue > 1e-4

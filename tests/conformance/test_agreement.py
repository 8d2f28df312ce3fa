"""Every transform on every engine, type and number of channels, against the reference."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

import augline as al
from augline.transforms import TRANSFORMS, Transform
from conformance.cases import AIMED, CASES, DRAWING, Case, aims
from pictures import SIZES, TOP, noisy, smooth


def used(transforms: Iterable[Transform]) -> set[str]:
    names = set()
    for item in transforms:
        names |= {type(item).__name__} | used(getattr(item, "transforms", ()))
    return names


def test_the_table_has_every_transform() -> None:
    # mixing needs other samples, whitening a fitted file: tests/test_mixing.py and tests/test_fitting.py
    elsewhere = {"MixUp", "CutMix", "MixUpOrCutMix", "Mosaic", "CopyPaste", "ZCAWhitening"}
    assert set().union(*(used(case.transforms) for case in CASES + AIMED)) == {*TRANSFORMS} - elsewhere


@pytest.mark.parametrize("dtype", sorted(TOP))
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_engines_give_what_the_reference_gives(
    case: Case, dtype: str, other: str, carry_out: Callable[..., Any], tolerance: Callable[..., dict[str, float]],
    numbers_of_channels: Callable[..., Any],
) -> None:  # fmt: skip
    stated = tolerance(other, case.kind, dtype)
    picture = noisy if stated["max"] == 0 else smooth
    for channels in numbers_of_channels(other, dtype, case.channels):
        images = [picture(*size, channels, dtype, seed) for seed, size in enumerate(SIZES)]
        wanted, level = carry_out("reference", case.transforms, images)
        got, _ = carry_out(other, case.transforms, images)
        for a, b in zip(wanted, got, strict=True):
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
            apart = np.abs(a.astype(np.float64) - b.astype(np.float64)) / level
            found = {"max": apart.max(), "mean": apart.mean(), "share": (apart > 0).mean()}
            assert all(found[k] <= stated[k] for k in found), (channels, a.shape, found, stated)


@pytest.mark.parametrize("dtype", sorted(TOP))
@pytest.mark.parametrize("case", AIMED, ids=lambda case: case.label)
def test_engines_look_at_the_same_targets(
    case: Case, dtype: str, other: str, tolerance: Callable[..., dict[str, float]],
    numbers_of_channels: Callable[..., Any],
) -> None:  # fmt: skip
    stated = tolerance(other, case.kind, dtype)
    for channels in numbers_of_channels(other, dtype, case.channels):
        images = [(noisy if stated["max"] == 0 else smooth)(*SIZES[k % 3], channels, dtype, k) for k in range(7)]
        outs = [al.augment(images, case.transforms, engine=e, seed=5, **aims(images)) for e in ("reference", other)]
        for wanted, got in zip(*(out["images"] for out in outs), strict=True):
            assert (wanted.shape, wanted.dtype) == (got.shape, got.dtype)
            apart = np.abs(wanted.astype(np.float64) - got.astype(np.float64)) / (TOP[dtype] / 255)
            assert (apart.max() <= stated["max"]) & (apart.mean() <= stated["mean"])
        for key in ("masks", "boxes"):
            assert all(np.array_equal(a, b) for a, b in zip(*(out[key] for out in outs), strict=True))


@pytest.mark.parametrize("dtype", sorted(TOP))
def test_a_sample_is_the_same_alone_and_in_any_batch(dtype: str, engine: str, carry_out: Callable[..., Any]) -> None:
    images = [smooth(*SIZES[k % 3], 3, dtype, k) for k in range(7)]
    together, _ = carry_out(engine, DRAWING, images)
    for index in range(7):
        alone, _ = carry_out(engine, DRAWING, images[index : index + 1], ids=[index])
        assert np.array_equal(alone[0], together[index])
    backwards, _ = carry_out(engine, DRAWING, images[::-1], ids=range(6, -1, -1))
    for a, b in zip(together, backwards[::-1], strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_every_transform_draws_the_same_alone_and_in_a_batch(
    case: Case, engine: str, carry_out: Callable[..., Any]
) -> None:
    channels = 3 if 3 in case.channels else 1
    images = [noisy(*SIZES[k % 3], channels, "uint8", k) for k in range(4)]
    together, _ = carry_out(engine, case.transforms, images)
    for index in (3, 1) if engine == "tensorflow" else (0, 3, 2):
        alone, _ = carry_out(engine, case.transforms, images[index : index + 1], ids=[index])
        assert np.array_equal(alone[0], together[index])


def test_samples_and_epochs_differ(engine: str) -> None:
    image = smooth(41, 67)
    outs = [al.augment([image] * 6, DRAWING, engine=engine, seed=3, epoch=epoch) for epoch in (0, 1)]
    flat = np.concatenate(outs).reshape(12, -1)
    assert len({row.tobytes() for row in flat}) == 12


@pytest.mark.parametrize("dtype", sorted(TOP))
def test_type_stays_until_a_rescaling(dtype: str, engine: str) -> None:
    images = smooth(41, 67, 3, dtype)[None]
    moved = [al.RandomRotation((0.1, 0.1)), al.RandomContrast((0.2, 0.2)), al.RandomHue((0.2, 0.2))]
    assert al.augment(images, moved, engine=engine).dtype == dtype
    for last in (al.Rescaling(1 / 255), al.Normalize()):
        assert al.augment(images, [*moved, last], engine=engine).dtype == np.float32
        assert al.augment(images, [last], engine=engine).dtype == np.float32


def test_rescaling_means_the_same_anywhere_in_the_list(engine: str, carry_out: Callable[..., Any]) -> None:
    images = [smooth(41, 67)]
    work = (al.RandomBrightness((0.1, 0.1)), al.RandomRotation((0.07, 0.07)), al.RandomContrast((0.2, 0.2)))
    rescaling = al.Rescaling(1 / 127.5, offset=-1)
    last, _ = carry_out(engine, (*work, rescaling), images)
    for place in range(3):
        there, _ = carry_out(engine, (*work[:place], rescaling, *work[place:]), images)
        assert np.abs(there[0] - last[0]).max() < 1e-5
    assert last[0].min() < -0.3
    assert last[0].max() > 0.3


def test_normalize_is_per_channel(engine: str) -> None:
    image = smooth(41, 67)
    mean, std = np.asarray([0.4, 0.5, 0.6]), np.asarray([0.2, 0.3, 0.5])
    got = al.augment(image[None], [al.Normalize(mean, std)], engine=engine)[0]
    assert np.abs(got - (image / 255 - mean) / std).max() < 1e-5
    turned = al.augment(image[None], [al.RandomFlip("horizontal", p=1), al.Normalize(mean, std)], engine=engine)[0]
    assert np.array_equal(turned, got[:, ::-1])


def test_a_fill_value_is_one_of_the_values_at_its_place_in_the_list(engine: str) -> None:
    """After Normalize a fill of 0 is the mean, another value inside the plan for every channel; seven are two calls."""
    image = smooth(41, 67, 7)
    mean = np.linspace(0.2, 0.8, 7)
    shift = al.RandomTranslation((20 / 41, 20 / 41), (0, 0), fill_mode="constant", fill_value=0.25)
    out = al.augment(image[None], [al.Normalize(mean, np.linspace(0.3, 0.6, 7)), shift], engine=engine)[0]
    assert np.abs(out[:20] - 0.25).max() < 0.01  # rounded to a level of uint8 on the way
    assert np.abs(out[20:] - (image[:21] / 255 - mean) / np.linspace(0.3, 0.6, 7)).max() < 0.01


def test_clipping_between_curves_and_colours_is_kept(engine: str) -> None:
    """Every stage ends in its range: what was clipped does not come back with the next."""
    image = smooth(41, 67, 3, "float32")
    work = [al.RandomBrightness((0.5, 0.5)), al.RandomBrightness((-0.5, -0.5))]
    assert np.abs(al.augment(image[None], work, engine=engine)[0] - np.minimum(image, 0.5)).max() < 1e-6
    vivid = al.augment(image[None], [al.RandomSaturation((0.9, 0.9), space="yiq")], engine=engine)[0]
    assert vivid.min() >= 0
    assert vivid.max() <= 1
    stronger = al.augment(image[None], [al.RandomSaturation((0.99, 0.99))], engine=engine)[0]
    assert stronger.min() >= 0
    assert np.abs(stronger.max(axis=2) - image.max(axis=2)).max() < 1e-6


@pytest.mark.parametrize("mode", ["constant", "wrap", "mirror", "reflect", "nearest"])
def test_what_lies_behind_the_edge_of_an_enlarged_window(mode: Any, other: str, carry_out: Callable[..., Any]) -> None:
    """Half a pixel beyond a window the picture goes on; beyond the image, its fill: a plain resize repeats the edge."""
    wide, tall = noisy(20, 60), noisy(60, 20)
    still = al.RandomZoom((0, 0), fill_mode=mode)
    lists = ((al.CenterCrop(40, 40),), (al.Resizing(140, 150), still), (al.CenterCrop(40, 40), still))
    for work, image in itertools.product(lists, (wide, tall)):
        wanted, _ = carry_out("reference", work, [image])
        got, _ = carry_out(other, work, [image])
        assert np.abs(wanted[0].astype(int) - got[0]).max() <= 12  # 1/64 pixel of noise, twice

"""Jitters, curves that measure, sharpness and CLAHE against Pillow, colorsys, OpenCV and NumPy."""

from __future__ import annotations

import colorsys
from itertools import permutations
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

import augline as al
from augline.random import Draw
from pictures import noisy, smooth

Photos = NDArray[Any]
CHANGES: dict[str, Any] = {
    "brightness": ImageEnhance.Brightness, "contrast": ImageEnhance.Contrast, "saturation": ImageEnhance.Color,
}  # fmt: skip


def ours(photo: Photos, engine: str, *transforms: al.Transform) -> NDArray[np.int64]:
    return np.asarray(al.augment(photo[None], transforms, engine=engine)[0], np.int64)


def apart(a: Any, b: Any) -> int:
    return int(np.abs(np.asarray(a, np.int64) - np.asarray(b, np.int64)).max())


def enhanced(photo: Photos, factors: dict[str, float]) -> Photos:
    """Pillow's enhancements one after the other, in this order."""
    image = Image.fromarray(photo)
    for name, factor in factors.items():
        image = CHANGES[name](image).enhance(factor)
    return np.asarray(image)


def test_autocontrast(photos: Photos, engine: str) -> None:
    low = (photos[0] * 0.6 + 20).astype(np.uint8)
    assert apart(ours(low, engine, al.AutoContrast()), ImageOps.autocontrast(Image.fromarray(low))) <= 1


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_flat_picture_stays_flat_under_autocontrast_after_resampling(engine: str, dtype: str) -> None:
    shades = np.random.default_rng(0).uniform(0.1, 0.9, (12, 1, 1, 1))
    flat = np.broadcast_to(shades * (255 if dtype == "uint8" else 1), (12, 20, 30, 1)).astype(dtype)
    work = [al.RandomRotation(0.05), al.RandomSharpness((0.7, 0.9)), al.AutoContrast()]
    out = al.augment(flat, work, engine=engine)
    np.testing.assert_allclose(out, flat, atol=1e-5)


def test_equalize(photos: Photos, engine: str) -> None:
    for photo in (photos[1], (photos[1] // 3 + 40).astype(np.uint8), np.full((9, 14, 3), 77, np.uint8)):
        assert apart(ours(photo, engine, al.Equalization()), ImageOps.equalize(Image.fromarray(photo))) == 0


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.0, 1.7])
def test_sharpness(photos: Photos, engine: str, factor: float) -> None:
    wanted = ImageEnhance.Sharpness(Image.fromarray(photos[2])).enhance(factor)
    assert apart(ours(photos[2], engine, al.RandomSharpness((factor / 2, factor / 2))), wanted) <= 1


@pytest.mark.parametrize("factor", [0.0, 0.3, 1.0])
def test_degeneration_is_image_enhance_color(photos: Photos, engine: str, factor: float) -> None:
    wanted = enhanced(photos[0], {"saturation": 1 - factor})
    assert apart(ours(photos[0], engine, al.RandomColorDegeneration((factor, factor))), wanted) <= 2


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("factor", [0.3, 1.6])
def test_each_jitter_is_pillows(photos: Photos, engine: str, name: str, factor: float) -> None:
    """Contrast is about the mean luma of the whole image, not about a constant."""
    got = ours(photos[1], engine, al.ColorJitter(**{name: (factor, factor)}))
    assert apart(got, enhanced(photos[1], {name: factor})) <= 2


@pytest.mark.parametrize("engine", ["opencv", "reference"])
def test_jitters_come_in_every_order(engine: str) -> None:
    photo, factors = smooth(24, 31), {"brightness": 1.7, "contrast": 1.6, "saturation": 1.8}
    count = 60
    item = al.ColorJitter(**{name: (factor, factor) for name, factor in factors.items()})
    chains = [enhanced(photo, {name: factors[name] for name in order}) for order in permutations(factors)]
    got = al.augment(np.repeat(photo[None], count, axis=0), [item], seed=3, engine=engine)
    off = np.asarray([[apart(image, chain) for chain in chains] for image in got])
    assert off.min(axis=1).max() <= 6  # Pillow rounds three times, and the later steps enlarge that
    assert {*off.argmin(axis=1).tolist()} == {*range(6)}
    fixed = al.augment(np.repeat(photo[None], 4, axis=0), [al.ColorJitter(**vars_of(item), shuffle=False)], seed=3)
    assert apart(fixed, np.repeat(chains[0][None], 4, axis=0)) <= 6


def test_all_orders_of_four_changes_are_taken() -> None:
    """With hue, whose turn no other change commutes with; each by the plan of its own order without shuffling."""
    photo = smooth(9, 7)
    item = al.ColorJitter((1.7, 1.7), (1.6, 1.6), (1.8, 1.8), (0.2, 0.2))
    one = {name: al.ColorJitter(**{name: (value, value)}) for name, value in
           {"brightness": 1.7, "contrast": 1.6, "saturation": 1.8, "hue": 0.2}.items()}  # fmt: skip
    chains = [
        al.augment(photo[None], [one[name] for name in order], engine="reference")[0] for order in permutations(one)
    ]
    got = al.augment(np.repeat(photo[None], 300, axis=0), [item], seed=3, engine="reference")
    off = np.asarray([[apart(image, chain) for chain in chains] for image in got])
    assert off.min(axis=1).max() <= 1
    assert {*off.argmin(axis=1).tolist()} == {*range(24)}


def vars_of(item: al.ColorJitter) -> dict[str, Any]:
    return {name: getattr(item, name) for name in CHANGES}


@pytest.mark.parametrize("turns", [-0.3, 0.12, 0.5])
def test_hue_of_a_jitter_turns_in_hsv(engine: str, turns: float) -> None:
    colours = noisy(5, 7)
    got = ours(colours, engine, al.ColorJitter(hue=(turns, turns)))
    assert apart(got, by_hsv(colours, lambda h, s, v: ((h + turns) % 1, s, v))) <= (1 if engine != "opencv" else 5)


def by_hsv(colours: Photos, change: Any) -> Photos:
    """Each pixel through colorsys."""
    flat = [
        colorsys.hsv_to_rgb(*np.clip(change(*colorsys.rgb_to_hsv(*pixel)), 0, 1))
        for pixel in colours.reshape(-1, 3) / 255
    ]
    return np.rint(np.asarray(flat).reshape(colours.shape) * 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("arguments", "change"),
    [
        ({"hue_shift": 0.2}, lambda h, s, v: ((h + 0.2) % 1, s, v)),
        ({"saturation_shift": -0.3}, lambda h, s, v: (h, s - 0.3, v)),
        ({"value_shift": 0.25}, lambda h, s, v: (h, s, v + 0.25)),
        ({"saturation_gain": 0.6}, lambda h, s, v: (h, s * 1.6, v)),
        ({"value_gain": -0.5}, lambda h, s, v: (h, s, v * 0.5)),
        (
            {"value_gain": 0.5, "value_shift": -0.2, "hue_shift": -0.1},
            lambda h, s, v: ((h - 0.1) % 1, s, v * 1.5 - 0.2),
        ),
    ],
)
def test_hue_saturation_value(engine: str, arguments: dict[str, float], change: Any) -> None:
    names = ("hue_shift", "saturation_shift", "value_shift")
    pairs = {name: (arguments.get(name, 0.0),) * 2 for name in (*names, *arguments)}
    colours = noisy(6, 9)
    got = ours(colours, engine, al.HueSaturationValue(**pairs))
    assert apart(got, by_hsv(colours, change)) <= (1 if engine != "opencv" else 5)


def test_keras_jitter_is_its_parts_in_order(engine: str) -> None:
    pictures = np.stack([smooth(20, 27, seed=k) for k in range(6)])
    jitter = al.RandomColorJitter(brightness_factor=0.3, contrast_factor=0.5, saturation_factor=0.7, hue_factor=0.4)
    parts = [al.RandomBrightness(0.3), al.RandomContrast(0.5), al.RandomSaturation(0.7), al.RandomHue(0.4)]
    listed = al.Sequential(parts, name="RandomColorJitter")
    got, wanted = (al.augment(pictures, [item], engine=engine) for item in (jitter, listed))
    assert apart(got, wanted) == 0
    assert apart(got, pictures) > 30


@pytest.mark.parametrize("engine", ["opencv", "reference"])
def test_photometric_distort_is_ssds(engine: str) -> None:
    """All with a chance of 1: brightness, contrast before or after saturation and hue, channels in any order."""
    photo, count = smooth(20, 27), 48
    item = al.PhotometricDistort((1.1, 1.1), (0.5, 0.5), (1.5, 1.5), (0.0, 0.0), chance=1.0)
    one = enhanced(photo, {"brightness": 1.1, "contrast": 0.5, "saturation": 1.5})
    other = enhanced(photo, {"brightness": 1.1, "saturation": 1.5, "contrast": 0.5})
    wanted = [image[..., order] for image in (one, other) for order in permutations(range(3))]
    got = al.augment(np.repeat(photo[None], count, axis=0), [item], seed=1, engine=engine)
    off = np.asarray([[apart(image, other) for other in wanted] for image in got])
    assert off.min(axis=1).max() <= 3
    assert len({*off.argmin(axis=1).tolist()}) > 9
    none = al.PhotometricDistort(chance=0.0)
    assert apart(ours(photo, engine, none), photo) == 0


@pytest.mark.parametrize("gamma", [0.5, 2.2])
def test_gamma_is_a_power_of_the_share_of_the_range(photos: Photos, engine: str, gamma: float) -> None:
    wanted = np.rint(255 * (photos[0] / 255) ** gamma)
    assert apart(ours(photos[0], engine, al.RandomGamma((gamma, gamma))), wanted) <= 1


@pytest.mark.parametrize("within", [False, True])
def test_channel_shift_adds_to_each_channel(photos: Photos, engine: str, within: bool) -> None:
    photo = (photos[0] * 0.7 + 30).astype(np.uint8)
    shift = Draw(0, 0, np.arange(1)).at("RandomChannelShift").uniform("shift", -0.4, 0.4, shape=(3,))[0] * 255
    ends = (photo.min(axis=(0, 1)), photo.max(axis=(0, 1))) if within else (0, 255)
    wanted = np.clip(photo + shift, *ends)
    assert np.abs(shift).min() > 1
    assert apart(ours(photo, engine, al.RandomChannelShift(0.4, within=within)), np.rint(wanted)) <= 1


@pytest.mark.parametrize("channels", [3, 4, 5])
def test_channels_are_shuffled_evenly_and_alpha_is_none(engine: str, channels: int) -> None:
    picture, count = np.arange(1, 1 + channels, dtype=np.uint8).reshape(1, 1, channels) * 20, 600
    out = al.augment(np.repeat(picture[None], count, axis=0), [al.RandomChannelShuffle()], engine=engine)[:, 0, 0] // 20
    if channels == 4:
        assert (out[:, 3] == 4).all()
    orders, times = np.unique(out, axis=0, return_counts=True)
    assert len(orders) == 6 if channels < 5 else len(orders) > 110
    assert (np.sort(orders, axis=1) == np.arange(1, 1 + channels)).all()
    assert channels == 5 or np.abs(times - count / 6).max() < 4 * np.sqrt(count / 6)


@pytest.mark.parametrize(("size", "grid"), [((96, 120), (4, 8)), ((97, 113), (8, 8)), ((60, 44), (3, 5))])
@pytest.mark.parametrize("limit", [1.5, 4.0])
def test_clahe_is_opencvs(size: tuple[int, int], grid: tuple[int, int], limit: float, engine: str) -> None:
    photo = smooth(*size)
    clahe = cv2.createCLAHE(limit, grid[::-1])  # tiles across, then down
    wanted = np.stack([clahe.apply(np.ascontiguousarray(photo[..., k])) for k in range(3)], axis=-1)
    assert apart(ours(photo, engine, al.CLAHE((limit, limit), grid)), wanted) <= 1

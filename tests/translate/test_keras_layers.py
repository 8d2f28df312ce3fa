"""Keras's layers, and ours in their place, with ranges collapsed to one value."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import numpy as np
import pytest

import augline as al
from pictures import smooth

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")
L = keras.layers

PHOTOS = np.stack([smooth(90, 121, seed=k) for k in range(2)])
FLIPS = {"flips": np.ones((2, 1, 1, 1), bool), "input_shape": PHOTOS.shape}


def theirs(layer: Any, explicit: Any = None) -> Any:
    floats = tf.constant(PHOTOS, tf.float32)
    out = layer(floats, training=True) if explicit is None else layer.transform_images(floats, explicit, training=True)
    return np.asarray(out, np.float64)


def ours(*items: al.Transform) -> Any:
    ends = any(isinstance(item, (al.Rescaling, al.Normalize)) for item in items)
    return np.asarray(al.augment(PHOTOS, [*items, *([] if ends else [al.Rescaling(1.0)])], engine="reference"))


@pytest.mark.parametrize("layer", [
    L.RandomRotation((0.05, 0.05), fill_mode="constant", fill_value=30), L.RandomRotation((-0.2, -0.2)),
    L.RandomZoom((0.2, 0.2), (-0.1, -0.1), fill_mode="nearest"), L.RandomZoom((0.2, 0.2)),
    L.RandomTranslation((0.1, 0.1), (-0.13, -0.13)), L.Resizing(60, 70), L.Resizing(60, 70, interpolation="nearest"),
    L.Resizing(60, 70, crop_to_aspect_ratio=True), L.CenterCrop(50, 61), L.Rescaling(1 / 127.5, -1),
    L.Rescaling([0.1, 0.2, 0.3], [1.0, 2.0, 3.0]), L.Normalization(mean=[120.0, 100, 80], variance=[900.0, 400, 100]),
    L.Normalization(mean=100.0, variance=16.0, axis=None), L.RandomBrightness((0.2, 0.2)), L.RandomGrayscale(1.0),
    L.RandomColorDegeneration((0.6, 0.6)), L.RandomInvert((1, 1)), L.RandomPosterization((3, 3)), L.AutoContrast(),
    L.RandomColorJitter(brightness_factor=(0.1, 0.1)),
], ids=lambda layer: type(layer).__name__)  # fmt: skip
def test_pixels_are_those_of_the_layer(layer: Any) -> None:
    got, wanted = ours(*al.translate(layer).transforms), theirs(layer)
    assert got.shape == wanted.shape
    assert np.abs(got - wanted).mean() < 0.01


def test_flip() -> None:
    (flip,) = al.translate(L.RandomFlip("horizontal")).transforms
    assert flip == al.RandomFlip("horizontal")
    assert np.array_equal(ours(dataclasses.replace(flip, p=1.0)), theirs(L.RandomFlip("horizontal"), FLIPS))


@pytest.mark.parametrize("layer", [
    L.RandomSharpness((0.9, 0.9)), L.RandomSharpness((0.1, 0.1)), L.RandomGaussianBlur((1, 1), 7, (0.9, 0.9)),
], ids=repr)  # fmt: skip
def test_what_differs_at_the_border_agrees_within(layer: Any) -> None:
    made = al.translate(layer)
    inside = (slice(None), slice(4, -4), slice(4, -4))
    assert np.abs(ours(*made.transforms)[inside] - theirs(layer)[inside]).mean() < 0.05
    assert made.differences


@pytest.mark.parametrize(("layer", "wanted", "words"), [
    (L.RandomFlip(), al.RandomFlip(), "one coin"),
    (L.RandomContrast(0.2), al.RandomContrast(0.2, value_range=(0, 255)), "only strengthens"),
    (L.RandomContrast((0.1, 0.2)), al.RandomContrast((0.1, 0.2), value_range=(0, 255)), None),
    (L.RandomSaturation(0.3, value_range=(0, 1)), al.RandomSaturation(0.3, value_range=(0, 1)), "half of all images"),
    (L.RandomSaturation((0.2, 0.3)), al.RandomSaturation((0.2, 0.3), value_range=(0, 255)), "negative"),
    (L.RandomColorDegeneration(0.3), al.RandomColorDegeneration(0.3, value_range=(0, 255)), "stronger"),
    (L.RandomHue(0.1), al.RandomHue(0.1, value_range=(0, 255)), None),
    (L.RandomPosterization(4), al.RandomPosterization(4, value_range=(0, 255)), "draws from 1 to 3"),
    (L.RandomPosterization((2, 4)), al.RandomPosterization((2, 4), value_range=(0, 255)), "never draws high"),
    (L.RandomShear(0.2, (0.1, 0.3)), al.RandomShear(0.2, (0.1, 0.3)), None),
    (L.RandomPerspective(0.5, 0.3), al.RandomPerspective(0.5, 0.3), None),
    (L.RandomPerspective((1, 1), 0.3), al.RandomPerspective((1, 1), 0.3), None),
    (L.RandomCrop(8, 9), al.RandomCrop(8, 9), "one window"),
    (L.Resizing(8, 9, "bicubic"), al.Resizing(8, 9), "bicubic"),
    (L.Resizing(8, 9, pad_to_aspect_ratio=True), al.Resizing(8, 9, pad_to_aspect_ratio=True), "rounded down"),
    (L.RandomRotation(0.1, fill_mode="wrap"), al.RandomRotation(0.1, fill_mode="wrap"), "last column"),
    (L.RandomInvert(0.5, value_range=(-1, 1)), al.RandomInvert(0.5, value_range=(-1, 1)), "leaves a range"),
    (L.RandomErasing(0.5, (0.1, 0.2), 7), al.RandomErasing(0.5, (0.1, 0.2), 7), "square root"),
    (L.RandomElasticTransform(0.5, 0.3), al.RandomElasticTransform(0.5, 0.3), "how smooth"),
    (L.Solarization(0.1, (0.5, 0.6)), al.Solarization(0.1, (0.5, 0.6), value_range=(0, 255)), "only the upper end"),
    (L.Solarization(0.0, 0.5), al.Solarization(0.0, 0.5, value_range=(0, 255)), None),
    (L.ContrastLimitedAdaptiveHistogramEqualization(clip_limit=3.0, tile_grid_size=(4, 6)),
     al.CLAHE((3.0, 3.0), (4, 6), value_range=(0, 255)), "lowest level"),
    (L.Equalization(), al.Equalization(value_range=(0, 255)), "one table"),
    (L.RandomGaussianBlur(0.5, 5, 0.7), al.RandomGaussianBlur(0.5, 5, 0.7), "apart for width"),
    (L.RandomSharpness(0.7), al.RandomSharpness(0.7, (0, 255)), "black lies outside"),
    (L.RandAugment(num_ops=3, factor=0.4),
     al.RandAugment(3, factor=0.4), "out of 11"),
    (L.AugMix(num_chains=2, chain_depth=1, factor=0.3, alpha=0.5), al.AugMix(4, 2, 1, 0.5), "torchvision"),
    (L.RandomColorJitter(contrast_factor=0.2, hue_factor=0.1),
     al.RandomColorJitter(contrast_factor=0.2, hue_factor=0.1, value_range=(0, 255)), "single contrast_factor"),
], ids=lambda value: type(value).__name__)  # fmt: skip
def test_arguments_and_differences(layer: Any, wanted: al.Transform, words: str | None) -> None:
    made = al.translate(layer)
    assert made.transforms == (wanted,)
    own = [d for d in made.differences if d.transform != "all"]
    assert (words is None) == (not own), made
    assert words is None or any(words in d.theirs or words in d.ours for d in own), made


def test_contrast_and_solarization_with_fixed_draws() -> None:
    contrast = {"contrast_factor": np.full((2, 1, 1, 1), 1.2, np.float32)}
    layer = L.RandomContrast((0.1, 0.2))
    assert al.translate(layer).transforms[0].bounds == (0.1, 0.2)
    assert np.abs(ours(al.RandomContrast((-0.2, 0.2))) - theirs(layer, contrast)).mean() < 0.01
    same = np.full((2, 1, 1, 1), 127.5, np.float32)
    (item,) = al.translate(L.Solarization(0.0, (0.5, 0.5))).transforms
    explicit = {"additions": 0 * same, "thresholds": same}
    assert np.abs(ours(item) - theirs(L.Solarization(), explicit)).mean() < 0.01


def test_normalization_that_was_adapted() -> None:
    layer = L.Normalization()
    layer.adapt(PHOTOS.astype(np.float32))
    assert np.abs(ours(*al.translate(layer).transforms) - theirs(layer)).mean() < 1e-3
    assert np.abs(ours(al.Rescaling(1 / 255), *al.translate(L.Normalization(mean=0.5, variance=0.04)).transforms)
                  - (PHOTOS / 255 - 0.5) / 0.2).max() < 1e-5  # fmt: skip
    with pytest.raises(al.ArgumentError, match=r"layer\.adapt"):
        al.translate(L.Normalization())
    with pytest.raises(al.ArgumentError, match="invert=False"):
        al.translate(L.Normalization(mean=0.5, variance=0.04, invert=True))


def test_sequential_and_pipeline_are_opened() -> None:
    inner = L.Pipeline([L.RandomZoom(0.1), L.RandomFlip("vertical")])
    model = keras.Sequential([keras.Input((90, 121, 3)), L.RandomRotation(0.1), inner, L.Rescaling(1 / 255)])
    wanted = (al.RandomRotation(0.1), al.RandomZoom(0.1), al.RandomFlip("vertical"), al.Rescaling(1 / 255))
    assert al.translate(model).transforms == wanted
    assert al.translate([L.RandomRotation(0.1), inner, L.Rescaling(1 / 255)]).transforms == wanted


def test_layers_are_taken_in_any_list_of_transforms() -> None:
    mixed = [L.RandomRotation(0.1), al.OneOf([L.RandomFlip("horizontal"), al.RandomZoom(0.2)]), L.Rescaling(1 / 255)]
    plain = [al.RandomRotation(0.1), al.OneOf([al.RandomFlip("horizontal"), al.RandomZoom(0.2)]),
             al.Rescaling(1 / 255)]  # fmt: skip
    assert np.array_equal(al.augment(PHOTOS, mixed, seed=3), al.augment(PHOTOS, plain, seed=3))
    pipe = al.Pipeline(al.Arrays(PHOTOS), mixed, batch_size=2)
    assert list(pipe.transforms) == plain
    assert "RandomRotation" in pipe.to_yaml()


def test_value_ranges_are_checked() -> None:
    assert al.augment(PHOTOS, [L.RandomBrightness(0.2)]).dtype == np.uint8
    unit = L.RandomBrightness(0.2, value_range=(0, 1))
    al.augment(PHOTOS, [L.Rescaling(1 / 255), unit])
    with pytest.raises(al.ArgumentError, match="value_range must be the range"):
        al.augment(PHOTOS, [unit])


def test_layers_of_other_kinds_are_refused() -> None:
    with pytest.raises(al.ArgumentError, match=r"translate\(Dense\): Keras's Dense must have a counterpart"):
        al.augment(PHOTOS, [L.Dense(3)])

    class Own(L.RandomFlip):  # type: ignore[misc]
        pass

    with pytest.raises(al.ArgumentError, match="Own"):
        al.translate(Own())
    assert al.Sequential(keras.Sequential([keras.layers.RandomFlip()])).transforms == (al.RandomFlip(),)
    with pytest.raises(al.ArgumentError, match="must hold augline transforms; number 0"):
        al.augment(PHOTOS, [Own()])


@pytest.mark.parametrize("name", ["MixUp", "CutMix"])
def test_what_has_no_counterpart_yet_is_refused_by_name(name: str) -> None:
    from augline.transforms import TRANSFORMS

    layer = getattr(L, name)()
    if name in TRANSFORMS:
        assert type(al.translate(layer).transforms[0]) is TRANSFORMS[name]
    else:
        with pytest.raises(al.ArgumentError, match=rf"translate\({name}\)"):
            al.translate(layer)


def test_every_image_layer_of_the_installed_keras_has_a_rule() -> None:
    from augline.translate.keras_layers import RULES

    base: type = L.RandomFlip.__mro__[1]
    found = {name for name, value in vars(L).items() if isinstance(value, type) and issubclass(value, base)}
    assert found - {*RULES} <= {"STFTSpectrogram"}
    with pytest.raises(al.ArgumentError, match=r"Leave it out, and give box_filter=al\.BoxFilter\(max_boxes=5\)"):
        al.Sequential([L.MaxNumBoundingBoxes(5)])

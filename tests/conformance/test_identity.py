"""Parameters that stand for no change change no bit; images of any layout, size and values are left as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import augline as al
from augline.transforms import TRANSFORMS
from conformance.cases import CASES, Case
from pictures import TOP, noisy, smooth

NOTHING = (
    al.RandomFlip(p=0),
    al.Transpose(p=0),
    al.RandomRotate90(p=0),
    al.RandomRotation((0, 0)),
    al.RandomRotation(0.3, p=0),
    al.RandomZoom((0, 0)),
    al.RandomZoom((0, 0), (0, 0), fill_mode="constant"),
    al.RandomTranslation((0, 0), (0, 0), fill_mode="wrap"),
    al.RandomShear(),
    al.RandomAffine(),
    al.RandomPerspective((0, 0)),
    al.RandomPerspective((1, 1), scale=0),
    al.Resizing(41, 67),
    al.Resizing(41, 67, pad_to_aspect_ratio=True),
    al.Resizing(41, 67, interpolation="nearest"),
    al.CenterCrop(41, 67),
    al.RandomCrop(41, 67),
    al.RandomResizedCrop(41, 67, scale=(1, 1), ratio=(67 / 41, 67 / 41)),
    al.RandomBrightness((0, 0)),
    al.RandomContrast((0, 0)),
    al.RandomGamma((1, 1)),
    al.RandomInvert((0, 0)),
    al.RandomPosterization(8),
    al.RandomHue((0, 0)),
    al.RandomHue((0, 0), space="yiq"),
    al.RandomGrayscale(0.0),
    al.RandomSaturation((0.2, 0.9), p=0),
    al.Solarization(0.3, p=0),
    al.Sequential([al.RandomRotation(0.2), al.RandomInvert()], p=0),
    al.OneOf([al.RandomRotation(0.2)], p=0),
    al.SomeOf([al.RandomRotation(0.2), al.RandomFlip(p=1)], n=0),
    al.D4(p=0),
    al.Padding(30, 67),
    al.PadToMultiple(1),
    al.RandomZoomOut((1.0, 1.0)),
    al.LetterBox(41, 67),
    al.ResizeShortestEdge(41),
    al.ResizeLongestEdge(67),
    al.ScaleJitter(41, 67, (1.0, 1.0)),
    al.RandomElasticTransform((0, 0)),
    al.RandomElasticTransform((1, 1), (0, 0)),
    al.GridDistortion(4, (0, 0)),
    al.OpticalDistortion((0, 0)),
    al.RandomIoUCrop(p=0),
    al.BBoxSafeRandomCrop(p=0),
    al.CropNonEmptyMaskIfExists(41, 67),
    al.RandomChannelShift(0.0),
    al.RandomChannelShuffle(p=0),
    al.RandomColorDegeneration((0, 0)),
    al.HueSaturationValue((0, 0), (0, 0), (0, 0)),
    al.ColorJitter(),
    al.RandomColorJitter(),
    al.PhotometricDistort(p=0),
    al.AutoContrast(p=0),
    al.Equalization(p=0),
    al.CLAHE(p=0),
    al.RandomGaussianBlur((0, 0)),
    al.RandomMedianBlur(p=0),
    al.RandomMotionBlur((3, 5), p=0),
    al.RandomSharpness((0.5, 0.5)),
    al.RandomDownscale((1, 1)),
    al.RandomJpegCompression(p=0),
    al.RandomGaussianNoise((0, 0)),
    al.RandomErasing((0, 0)),
    al.CoarseDropout(p=0),
    al.GridMask(p=0),
    al.RandAugment(p=0),
    al.TrivialAugmentWide(p=0),
    al.AutoAugment(p=0),
    al.AugMix(p=0),
    al.ThreeAugment(p=0),
    al.Map("conformance: lifted", draws={"floor": (0.0, 0.0)}),
)


def test_every_transform_can_stand_for_no_change() -> None:
    # mixing needs other samples, and values that come out are always changed
    apart = {"augline.transforms.mix", "augline.transforms.values", "augline.transforms.whitening"}
    wanted = {name for name, cls in TRANSFORMS.items() if cls.__module__ not in apart}
    assert {type(item).__name__ for item in NOTHING} == wanted


@pytest.mark.parametrize("dtype", sorted(TOP))
@pytest.mark.parametrize("item", NOTHING, ids=repr)
def test_nothing_changes_nothing(item: al.Transform, dtype: str, engine: str) -> None:
    image = noisy(41, 67, 3, dtype)
    if isinstance(item, al.RandomPosterization) and dtype != "uint8":
        image = (image // 257 * 257) if dtype == "uint16" else np.rint(image * 255) / np.float32(255)  # of 256 levels
    mask = np.random.default_rng(3).integers(0, 5, (41, 67)).astype(np.uint8)
    boxes, points = np.asarray([[3, 4, 30, 22], [0, 0, 67, 41]], np.float32), np.asarray([[0, 0, 2], [66, 40, 1]])
    out = al.augment(image[None], [item], masks=mask[None], boxes=[boxes], keypoints=[points], engine=engine)
    assert np.array_equal(out["masks"][0], mask)
    assert np.abs(out["boxes"][0] - boxes).max() < 1e-4
    assert np.abs(out["keypoints"][0] - points).max() < 1e-4
    got = out["images"][0]
    if dtype == "float32" and isinstance(item, (al.RandomPosterization, al.RandomContrast)):
        assert np.abs(got - image).max() < 2e-7  # u * 255 / 255 and (u - mean) + mean round
    else:
        assert np.array_equal(got, image)


def test_saturation_of_one_half_is_within_one_level(engine: str) -> None:
    # Keras's factor / (1 - factor + 1e-7) at 0.5 is not quite 1
    image = noisy(41, 67)
    for space in ("hsv", "yiq"):
        got = al.augment(image[None], [al.RandomSaturation((0.5, 0.5), space=space)], engine=engine)[0]
        assert np.abs(got.astype(int) - image).max() <= (8 if space == "hsv" and engine == "opencv" else 1)


@pytest.mark.parametrize("dtype", sorted(TOP))
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_what_comes_in_is_never_written_to(case: Case, dtype: str, engine: str) -> None:
    image = noisy(41, 67, 3, dtype) if 3 in case.channels else noisy(41, 67, 1, dtype)
    kept = image.copy()
    image.flags.writeable = False
    out = al.augment(image[None], case.transforms, engine=engine, seed=5)
    assert not np.may_share_memory(out, image)
    assert np.array_equal(image, kept)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_layout_in_memory_makes_no_difference(case: Case, engine: str) -> None:
    whole = noisy(41, 67, 3)
    wide = np.zeros((41, 134, 6), np.uint8)
    wide[:, ::2, 1:4] = whole
    views: list[Any] = [
        wide[:, ::2, 1:4],
        np.asfortranarray(whole),
        np.ascontiguousarray(whole[::-1])[::-1],
        np.ascontiguousarray(whole[:, ::-1])[:, ::-1],
        np.ascontiguousarray(whole[..., ::-1])[..., ::-1],
        np.ascontiguousarray(whole.transpose(1, 2, 0)).transpose(2, 0, 1),
    ]
    assert all(np.array_equal(view, whole) for view in views)
    if engine == "tensorflow":  # which has the array copied into a tensor, whatever follows
        del views[2:4], views[-1]
    (wanted,) = al.augment([whole], case.transforms, engine=engine, seed=5)
    outs = al.augment(views, case.transforms, engine=engine, seed=5, ids=[0] * len(views))
    for number, got in enumerate(outs):
        assert np.array_equal(got, wanted), number


@pytest.mark.parametrize("size", [(1, 1), (1, 23), (19, 1), (2, 2)])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_tiny_images(case: Case, size: tuple[int, int], other: str) -> None:
    one = ("uint8" if size == (19, 1) else "float32",)  # TensorFlow's engine shares the reference's code
    for dtype in one if other == "tensorflow" else TOP:
        image = smooth(*size, 3, dtype) if size != (1, 1) else np.full((1, 1, 3), TOP[dtype] / 2).astype(dtype)
        wanted = al.augment(image[None], case.transforms, engine="reference", seed=5)
        got = al.augment(image[None], case.transforms, engine=other, seed=5)
        assert got.shape == wanted.shape
        assert np.isfinite(got).all()
        assert np.isfinite(wanted).all()
        if case.kind == "moves" and "Crop" not in case.label:  # crops enlarge what is too small
            assert np.array_equal(got, wanted)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 1), (2, 3)])
def test_tiny_outputs(size: tuple[int, int], engine: str) -> None:
    image = smooth(41, 67)
    for item in (al.Resizing(*size), al.CenterCrop(*size), al.RandomCrop(*size), al.RandomResizedCrop(*size)):
        got = al.augment(image[None], [item, al.RandomRotation((0.1, 0.1))], engine=engine)
        assert got.shape == (1, *size, 3)
    mean = al.augment(image[None], [al.Resizing(1, 1)], engine="reference")[0, 0, 0]
    shrunk = al.augment(image[None], [al.Resizing(1, 1)], engine=engine)[0, 0, 0]
    assert np.abs(shrunk.astype(int) - mean).max() <= 2


MOVING = [c for c in CASES if c.kind in ("moves", "nearest", "bilinear") and "constant" not in c.label]


@pytest.mark.parametrize("case", MOVING, ids=lambda case: case.label)
def test_floats_beyond_their_range_survive_geometry(case: Case, other: str, carry_out: Callable[..., Any]) -> None:
    image = (smooth(41, 67, 3, "float32") - np.float32(0.5)) * 8
    got, wanted = (np.asarray(carry_out(name, case.transforms, [image])[0]) for name in (other, "reference"))
    assert max(got.min(), wanted.min()) < -1
    assert min(got.max(), wanted.max()) > 1.2
    assert np.median(np.abs(got - wanted)) < 0.02


def test_declared_range_of_floats(engine: str) -> None:
    image = smooth(41, 67, 3, "float32")
    work = [al.RandomBrightness((0.1, 0.1)), al.RandomContrast((0.2, 0.2)), al.Solarization(0, (0.5, 0.5))]
    unit = al.augment(image[None], work, engine=engine)
    signed = al.augment(image[None] * 2 - 1, work, engine=engine, value_range=(-1.0, 1.0))
    assert np.abs(signed - (unit * 2 - 1)).max() < 1e-4

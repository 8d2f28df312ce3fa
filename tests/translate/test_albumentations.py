"""Albumentations's transforms, and ours in their place, with ranges collapsed to one value."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import augline as al
from pictures import smooth

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    A = pytest.importorskip("albumentations", minversion="2.0.5")

PHOTO = smooth(90, 121, seed=1)
MIRROR = {"border_mode": 4, "p": 1}
FIXED = [
    A.HorizontalFlip(p=1), A.VerticalFlip(p=1), A.Transpose(p=1),
    A.Rotate((17, 17), **MIRROR), A.Rotate((17, 17), border_mode=0, fill=(50, 60, 70), p=1),
    A.Rotate((-33, -33), border_mode=1, p=1), A.Rotate((-33, -33), border_mode=2, p=1),
    A.Rotate((-33, -33), border_mode=3, p=1), A.Rotate((17, 17), interpolation=0, **MIRROR),
    A.Affine(rotate=(20, 20), scale=(1.2, 1.2), **MIRROR),
    A.Affine(scale={"x": (1.2, 1.2), "y": (0.8, 0.8)}, rotate=(13, 13), **MIRROR),
    A.Affine(translate_percent={"x": (10 / 121, 10 / 121), "y": (-0.2, -0.2)}, **MIRROR),
    A.Affine(shear={"x": (12, 12), "y": (0, 0)}, **MIRROR), A.Affine(shear={"x": (0, 0), "y": (12, 12)}, **MIRROR),
    A.Affine(shear={"x": (12, 12), "y": (0, 0)}, rotate=(20, 20), **MIRROR),
    A.Affine(shear={"x": (0, 0), "y": (-9, -9)}, rotate=(-20, -20), scale=(1.1, 1.1), **MIRROR),
    A.Affine(shear={"x": (4, 4), "y": (5, 5)}, rotate=(20, 20), **MIRROR),
    A.CenterCrop(40, 51), A.CenterCrop(100, 51, pad_if_needed=True, fill=7), A.Resize(60, 80), A.Resize(130, 180),
    A.SmallestMaxSize(60), A.LongestMaxSize(80),
    A.PadIfNeeded(101, 130, border_mode=0, fill=9), A.PadIfNeeded(101, 130, border_mode=4),
    A.PadIfNeeded(min_height=None, min_width=None, pad_height_divisor=32, pad_width_divisor=32),
    A.RandomBrightnessContrast((0.2, 0.2), (0, 0), p=1), A.RandomBrightnessContrast((0, 0), (0.1, 0.1), p=1),
    A.RandomBrightnessContrast((0.2, 0.2), (-0.3, -0.3), p=1),
    A.ColorJitter((1.2, 1.2), (1, 1), (1, 1), (0, 0), p=1), A.ColorJitter((1, 1), (1.4, 1.4), (1, 1), (0, 0), p=1),
    A.ColorJitter((1, 1), (1, 1), (1.4, 1.4), (0, 0), p=1), A.ColorJitter((1, 1), (1, 1), (1, 1), (0.1, 0.1), p=1),
    A.HueSaturationValue((10, 10), (0, 0), (0, 0), p=1), A.HueSaturationValue((0, 0), (20, 20), (0, 0), p=1),
    A.HueSaturationValue((0, 0), (-20, -20), (0, 0), p=1), A.HueSaturationValue((0, 0), (0, 0), (20, 20), p=1),
    A.RGBShift((20, 20), (20, 20), (20, 20), p=1), A.RandomGamma((150, 150), p=1), A.AutoContrast(method="pil", p=1),
    A.Posterize((3, 3), p=1), A.Solarize((0.4, 0.4), p=1), A.InvertImg(p=1), A.ToGray(p=1),
    A.GaussianBlur((0, 0), (1.5, 1.5), p=1), A.GaussianBlur((7, 7), (1.5, 1.5), p=1), A.MedianBlur((3, 3), p=1),
    A.MotionBlur((9, 9), angle_range=(30, 30), direction_range=(0, 0), allow_shifted=False, p=1),
    A.Normalize(), A.Normalize(mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.1), max_pixel_value=100.0), A.ToFloat(),
    A.Normalize(normalization="image"), A.Normalize(normalization="image_per_channel"), A.NoOp(),
]  # fmt: skip


@pytest.mark.parametrize("engine", ["reference", "opencv"])
@pytest.mark.parametrize("theirs", FIXED, ids=lambda item: type(item).__name__)
def test_pixels_are_those_of_the_original(theirs: Any, engine: str) -> None:
    wanted = theirs(image=PHOTO)["image"].astype(float)
    got = np.asarray(al.augment(PHOTO[None], al.translate(theirs), engine=engine)[0], float)
    assert got.shape == wanted.shape
    assert np.abs(got - wanted).mean() < 1


def test_rotation_and_shear_the_other_way_are_far_off() -> None:
    for theirs in (A.Rotate((17, 17), **MIRROR), A.Affine(shear={"x": (12, 12), "y": (0, 0)}, **MIRROR)):
        wanted = theirs(image=PHOTO)["image"].astype(float)
        (item,) = al.translate(theirs).transforms
        name = "factor" if isinstance(item, al.RandomRotation) else "shear"
        low, high = getattr(item, name)
        other = type(item)(**{name: (-high, -low), "fill_mode": "mirror"})
        assert np.abs(al.augment(PHOTO[None], [other])[0] - wanted).mean() > 5


@pytest.mark.parametrize(("theirs", "wanted", "words"), [
    (A.RandomRotate90(p=0.5), al.RandomRotate90(p=0.5), None),
    (A.D4(p=1), al.D4(), None),
    (A.Rotate(36), al.RandomRotation(0.1, fill_mode="constant", p=0.5), None),
    (A.RandomResizedCrop((8, 9)), al.RandomResizedCrop(8, 9), "masks take the pixel up"),
    (A.Resize(8, 9, interpolation=0), al.Resizing(8, 9, "nearest"), "up and to the left"),
    (A.ToFloat(), al.ConvertDtype("float32"), None),
    (A.BBoxSafeRandomCrop(p=0.5), al.BBoxSafeRandomCrop(p=0.5), None),
    (A.BBoxSafeRandomCrop(0.2), al.BBoxSafeRandomCrop(erosion_rate=0.2), "only box"),
    (A.RandomSizedBBoxSafeCrop(8, 9), al.BBoxSafeRandomCrop(8, 9), "antialiasing"),
    (A.CropNonEmptyMaskIfExists(8, 9, [2], [1]), al.CropNonEmptyMaskIfExists(8, 9, (2,), (1,)), "too small"),
    (A.RandomCrop(8, 9), al.RandomCrop(8, 9), "too small"),
    (A.Perspective((0.05, 0.1)), al.RandomPerspective((1.0, 1.0), 0.2, p=0.5), "inwards"),
    (A.RandomGamma(), al.RandomGamma((0.8, 1.2), p=0.5), "drawn evenly"),
    (A.CLAHE(tile_grid_size=(4, 6)), al.CLAHE((1.0, 4.0), (6, 4), p=0.5), "Lab"),
    (A.Equalize(), al.Equalization(p=0.5), "Pillow"),
    (A.AutoContrast(), al.AutoContrast(p=0.5), "cdf"),
    (A.ChannelShuffle(), al.RandomChannelShuffle(p=0.5), None),
    (A.MedianBlur(5), al.RandomMedianBlur(5, p=0.5), None),
    (A.OneOrOther(A.HorizontalFlip(p=0.2), A.NoOp(), p=0.3),
     al.OneOf([al.RandomFlip("horizontal", p=1.0), al.Sequential([])], (0.3, 0.7)), None),
    (A.OneOf([A.OneOrOther(A.InvertImg(), A.VerticalFlip(), p=0.3), A.HorizontalFlip(p=0.3)], p=1),
     al.OneOf([al.OneOf([al.RandomInvert((1.0, 1.0)), al.RandomFlip("vertical", p=1.0)], (0.3, 0.7)),
               al.RandomFlip("horizontal", p=1.0)]), None),
    (A.Rotate(36, rotate_method="ellipse", border_mode=4), al.RandomRotation(0.1, fill_mode="mirror", p=0.5),
     "ellipses"),
    (A.GaussNoise(std_range=(0.1, 0.2)), al.RandomGaussianNoise((0.1, 0.2), p=0.5), None),
    (A.GaussNoise(std_range=(0.1, 0.2), per_channel=False), al.RandomGaussianNoise((0.1, 0.2), p=0.5), "one number"),
    (A.ImageCompression(quality_range=(50, 90)), al.RandomJpegCompression((50, 90), p=0.5), "red and blue"),
    (A.Downscale(scale_range=(0.3, 0.5)), al.RandomDownscale((0.3, 0.5), p=0.5), "repeated"),
    (A.CoarseDropout((1, 3), (0.1, 0.2), (0.2, 0.3), fill=7, fill_mask=1),
     al.CoarseDropout((1, 3), (0.1, 0.2), (0.2, 0.3), 7.0, 1, p=0.5), "counts as hidden"),
    (A.CoarseDropout((1, 3), (0.1, 0.2), (0.2, 0.3), fill="random"),
     al.CoarseDropout((1, 3), (0.1, 0.2), (0.2, 0.3), None, p=0.5), "even noise"),
    (A.Erasing((0.1, 0.2), (0.5, 3.0)),
     al.RandomErasing((1.0, 1.0), (0.1, 0.2), 0.0, (0.5, 3.0), p=0.5), "counts as hidden"),
    (A.GridDropout(ratio=0.4, holes_number_xy=(5, 5)), al.GridMask((5, 5), 0.4, p=0.5), "place of its own"),
    (A.GridDistortion(6, 0.2, border_mode=4), al.GridDistortion(6, 0.2, fill_mode="mirror", p=0.5), "one more column"),
    (A.OpticalDistortion(0.2, mode="fisheye", border_mode=2), al.OpticalDistortion(0.1, p=0.5), "corners"),
    (A.RGBShift(51, 51, 51), al.RandomChannelShift(0.2, p=0.5), None),
    (A.SmallestMaxSize([8, 9]), al.OneOf([al.ResizeShortestEdge(8), al.ResizeShortestEdge(9)]), "antialiasing"),
    (A.Rotate(36, interpolation=2, fill=(1, 2, 3)),
     al.RandomRotation(0.1, fill_mode="constant", fill_value=(1.0, 2.0, 3.0), p=0.5), "cubic"),
], ids=lambda value: type(value).__name__)  # fmt: skip
def test_arguments_and_differences(theirs: Any, wanted: al.Transform, words: str | None) -> None:
    made = al.translate(theirs)
    assert made.transforms == (wanted,)
    assert (words is None) == (not made.differences), made
    assert words is None or any(words in d.theirs or words in d.ours for d in made.differences), made


def test_floats_become_integers() -> None:
    image = smooth(9, 11, 3, "float32")
    for dtype in ("uint8", "uint16"):
        theirs = A.FromFloat(dtype)
        got = al.augment(image[None], al.translate(theirs))[0]
        assert got.dtype == dtype
        assert np.abs(got.astype(int) - theirs(image=image)["image"].astype(int)).max() <= 1
    with pytest.raises(al.ArgumentError, match="dtype='uint8' or 'uint16'"):
        al.translate(A.FromFloat("uint32"))


def test_elastic_moves_pixels_about_as_far() -> None:
    photo = smooth(256, 256, seed=2)
    theirs = A.ElasticTransform(alpha=120, sigma=8, border_mode=4, p=1)
    made = al.translate(theirs)
    far = np.mean([np.abs(theirs(image=photo)["image"].astype(float) - photo).mean() for _ in range(4)])
    ours = np.abs(al.augment(np.stack([photo] * 4), made).astype(float) - photo).mean()
    assert 0.6 < ours / far < 1.6
    assert "alpha=120 and sigma=8" in made.differences[0].theirs


@pytest.mark.filterwarnings("ignore:ShiftScaleRotate:UserWarning")
def test_shift_scale_rotate() -> None:
    theirs = A.ShiftScaleRotate((10 / 121, 10 / 121), (0.2, 0.2), (20, 20), shift_limit_y=(0.1, 0.1), **MIRROR)
    wanted = theirs(image=PHOTO)["image"].astype(float)
    assert np.abs(al.augment(PHOTO[None], al.translate(theirs))[0] - wanted).mean() < 1
    drawn = al.translate(A.ShiftScaleRotate(0.1, 0.2, 20, p=0.5, border_mode=4))
    assert drawn.transforms[0].p == 0.5
    assert [type(item).__name__ for item in drawn.transforms[0].transforms] == ["RandomZoom", "RandomAffine"]
    assert any("scale is drawn evenly" in d.theirs for d in drawn.differences)


def test_containers() -> None:
    flips = [A.HorizontalFlip(p=0.6), A.VerticalFlip(p=0.2), A.NoOp(p=0.2)]
    made = al.translate(A.Compose([A.OneOf(flips, p=0.3), A.SomeOf([A.D4(), A.InvertImg(p=0.5)], n=1)]))
    either = al.OneOf([al.RandomFlip("horizontal", p=1.0), al.RandomFlip("vertical", p=1.0), al.Sequential([])],
                      weights=(0.6, 0.2, 0.2), p=0.3)  # fmt: skip
    assert made.transforms == (either, al.SomeOf([al.D4(), al.RandomInvert((1.0, 1.0), p=0.5)], 1))
    half = al.translate(A.Compose([A.Sequential([A.D4(), A.InvertImg(p=1)], p=0.4)], p=0.7))
    assert half.transforms == (al.Sequential([al.Sequential([al.D4(), al.RandomInvert((1.0, 1.0))], p=0.4)], p=0.7),)
    some = al.translate(A.SomeOf([A.D4(), A.InvertImg(p=1)], n=3, replace=True))
    assert some.transforms == (al.OneOf([al.D4(), al.RandomInvert((1.0, 1.0))]),) * 3
    ordered = al.translate(A.RandomOrder([A.D4(), A.InvertImg(p=1)], n=2))
    assert isinstance(ordered.transforms[0], al.SomeOf)
    assert ordered.differences[0].theirs == "in a random order"


def test_one_of_forces_what_is_inside_but_not_some_of() -> None:
    inner = A.SomeOf([A.D4(), A.InvertImg(p=1)], n=1, p=0.5)
    (either,) = al.translate(A.OneOf([A.Sequential([A.D4(p=0.3)], p=0.5), inner], p=1)).transforms
    assert either.transforms == (al.D4(p=0.3), al.SomeOf([al.D4(), al.RandomInvert((1.0, 1.0))], 1, p=0.5))
    assert either.weights is None


def test_what_is_said_of_targets_names_where_it_is_said_here() -> None:
    theirs = A.Compose(
        [A.HorizontalFlip()], A.BboxParams("coco", min_area=20, min_visibility=0.3, label_fields=["names"]),
        A.KeypointParams("xy"), {"right": "image"},
    )  # fmt: skip
    said = [d.ours for d in al.translate(theirs).differences]
    assert any("'xywh'" in ours and "al.BoxFilter(min_area=20, min_visibility=0.3)" in ours for ours in said)
    assert any("visibility, which becomes 0" in ours for ours in said)
    assert any("extra_images={...}" in ours for ours in said)
    assert not al.translate(A.Compose([A.HorizontalFlip()])).differences


def test_files_and_texts(tmp_path: Path) -> None:
    theirs = A.Compose([A.Rotate(20), A.OneOf([A.D4(), A.HueSaturationValue()])], bbox_params=A.BboxParams("coco"))
    wanted = al.translate(theirs)
    assert any("bbox_params" in d.theirs for d in wanted.differences)
    described = theirs.to_dict()
    A.save(theirs, tmp_path / "a.json")
    A.save(theirs, tmp_path / "a.yaml", data_format="yaml")
    for x in (described, described["transform"], json.dumps(described), tmp_path / "a.json", str(tmp_path / "a.yaml")):
        assert al.translate(x).transforms == wanted.transforms


@pytest.mark.parametrize(("theirs", "words"), [
    (A.SafeRotate(), "nearest in augline is RandomRotation"),
    (A.Lambda(), "to_dict"),
    (A.Affine(translate_px=5), "translate_percent"),
    (A.Affine(fit_output=True), "fit_output=False"),
    (A.CoarseDropout(hole_height_range=(5, 9), hole_width_range=(5, 9)), "parts of the side"),
    (A.PadIfNeeded(min_height=None, min_width=None, pad_height_divisor=8, pad_width_divisor=9), "one divisor"),
    (A.Normalize(normalization="min_max"), "normalization='standard'"),
    (A.Posterize([(3, 4), (3, 4), (3, 4)]), "one range for all channels"),
    (A.Rotate(crop_border=True), "crop_border=False"),
], ids=lambda value: type(value).__name__)  # fmt: skip
def test_what_has_no_counterpart(theirs: Any, words: str) -> None:
    with pytest.raises(al.ArgumentError, match=rf"translate\({type(theirs).__name__}\): Albumentations's .*{words}"):
        al.translate(theirs)


def test_a_list_that_was_not_translated() -> None:
    with pytest.raises(al.ArgumentError, match=r"number 0 is a .*Write al\.translate"):
        al.Sequential([A.HorizontalFlip()])

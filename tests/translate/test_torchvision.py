"""torchvision's transforms, as stand-ins of the same names and attributes: it is not installed where tests run."""

from __future__ import annotations

import enum
import math
from typing import Any

import cv2
import numpy as np
import pytest

import augline as al
from augline.translate.torchvision import RULES
from pictures import smooth

PHOTO = smooth(90, 121, seed=3)


class Mode(enum.Enum):
    NEAREST = "nearest"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"


class Policy(enum.Enum):
    CIFAR10 = "cifar10"


def tv(name: str, **attributes: Any) -> Any:
    """An object of a class of that name in torchvision, with these attributes."""
    made = type(name, (), {"__module__": "torchvision.transforms.v2._geometry"})()
    vars(made).update(attributes, training=True, _parameters={})
    return made


class Image:
    """A type of target there."""


class Mask:
    """Another."""


def v1(name: str, **attributes: Any) -> Any:
    """Of torchvision's older transforms, which know images alone."""
    made = tv(name, **attributes)
    type(made).__module__ = "torchvision.transforms.transforms"
    return made


FILLED = {"interpolation": Mode.BILINEAR, "fill": 0}
AFFINE = {"translate": None, "scale": None, "shear": None, "center": None, **FILLED}


@pytest.mark.parametrize(("theirs", "wanted"), [
    (tv("RandomHorizontalFlip", p=0.3), al.RandomFlip("horizontal", p=0.3)),
    (tv("RandomVerticalFlip", p=1.0), al.RandomFlip("vertical", p=1.0)),
    (tv("Resize", size=[8], max_size=None, interpolation=Mode.BILINEAR, antialias=True), al.ResizeShortestEdge(8)),
    (tv("Resize", size=[8], max_size=20, interpolation=Mode.NEAREST), al.ResizeShortestEdge(8, 20, "nearest")),
    (tv("Resize", size=(8, 9), max_size=None, interpolation=Mode.BICUBIC), al.Resizing(8, 9)),
    (tv("CenterCrop", size=(8, 9)), al.CenterCrop(8, 9)),
    (tv("RandomCrop", size=(8, 9), padding=None, pad_if_needed=False), al.RandomCrop(8, 9)),
    (tv("RandomResizedCrop", size=(8, 8), scale=(0.1, 1.0), ratio=(0.5, 2), interpolation=Mode.BILINEAR),
     al.RandomResizedCrop(8, 8, (0.1, 1.0), (0.5, 2.0))),
    (tv("RandomRotation", degrees=[-36.0, 36.0], expand=False, center=None, **FILLED),
     al.RandomRotation(0.1, fill_mode="constant")),
    (tv("RandomRotation", degrees=[0.0, 36.0], expand=False, center=None, interpolation=Mode.NEAREST, fill=(7, 8, 9)),
     al.RandomRotation((0.0, 0.1), fill_mode="constant", fill_value=(7.0, 8.0, 9.0), interpolation="nearest")),
    (tv("RandomAffine", degrees=[-10.0, 20.0], **AFFINE | {"translate": (0.1, 0.2), "scale": (0.8, 1.2)}),
     al.RandomAffine((-20.0, 10.0), (0.1, 0.2), (0.8, 1.2), fill_mode="constant")),
    (tv("RandomIoUCrop", min_scale=0.3, max_scale=1.0, min_aspect_ratio=0.5, max_aspect_ratio=2.0, trials=40,
        options=[0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0]), al.RandomIoUCrop()),
    (tv("RandomIoUCrop", min_scale=0.2, max_scale=0.9, min_aspect_ratio=0.4, max_aspect_ratio=3.0, trials=9,
        options=[0.5]), al.RandomIoUCrop(0.2, 0.9, 0.4, 3.0, (0.5,), 9)),
    (tv("RandomPerspective", p=0.5, distortion_scale=0.4, **FILLED),
     al.RandomPerspective((1.0, 1.0), 0.4, p=0.5, fill_mode="constant")),
    (tv("ColorJitter", brightness=(0.6, 1.4), contrast=None, saturation=(0.5, 1.5), hue=(-0.1, 0.1)),
     al.ColorJitter((0.6, 1.4), saturation=(0.5, 1.5), hue=(-0.1, 0.1))),
    (tv("RandomGrayscale", p=0.2), al.RandomGrayscale(0.2)),
    (tv("GaussianBlur", kernel_size=(9, 9), sigma=[0.1, 2.0]), al.RandomGaussianBlur((1.0, 1.0), 9, (0.1, 2.0))),
    (tv("RandomErasing", p=0.25, scale=(0.02, 0.33), ratio=(0.5, 4.0), value=[0.0], inplace=False),
     al.RandomErasing((0.25, 0.25), (0.02, 0.33), 0.0, (0.25, 2.0))),
    (tv("RandomErasing", p=0.25, scale=(0.02, 0.33), ratio=(0.5, 2.0), value=None, inplace=False),
     al.RandomErasing((0.25, 0.25), (0.02, 0.33), None, (0.5, 2.0))),
    (tv("RandomInvert", p=0.5), al.RandomInvert((1.0, 1.0), p=0.5)),
    (tv("RandomPosterize", bits=3, p=0.5), al.RandomPosterization(3, p=0.5)),
    (tv("RandomSolarize", threshold=128, p=0.5), al.Solarization(0.0, (128 / 255, 128 / 255), p=0.5)),
    (tv("RandomSolarize", threshold=0.5, p=0.5), al.Solarization(0.0, (0.5, 0.5), p=0.5)),
    (tv("RandomAdjustSharpness", sharpness_factor=1.6, p=0.5), al.RandomSharpness((0.8, 0.8), p=0.5)),
    (tv("RandomAutocontrast", p=0.5), al.AutoContrast(p=0.5)),
    (tv("RandomEqualize", p=0.5), al.Equalization(p=0.5)),
    (tv("RandomChannelPermutation"), al.RandomChannelShuffle()),
    (tv("JPEG", quality=(30, 60)), al.RandomJpegCompression((30, 60))),
    (tv("RandAugment", num_ops=2, magnitude=9, num_magnitude_bins=31, interpolation=Mode.NEAREST, fill=None),
     al.RandAugment(interpolation="nearest")),
    (tv("AutoAugment", policy=Policy.CIFAR10, interpolation=Mode.BILINEAR, fill={"others": 7}),
     al.AutoAugment("cifar10", fill_value=7.0)),
    (tv("TrivialAugmentWide", num_magnitude_bins=31, fill=None), al.TrivialAugmentWide()),
    (tv("AutoAugment", policy=Policy.CIFAR10, fill=None), al.AutoAugment("cifar10")),
    (tv("AugMix", severity=3, mixture_width=3, chain_depth=-1, alpha=1.0, all_ops=True, fill=None), al.AugMix()),
    (tv("Normalize", mean=[0.5], std=[0.2], inplace=False), al.Normalize(0.5, 0.2)),
    (tv("ToTensor"), al.ConvertDtype("float32")),
    (tv("ToDtype", dtype="torch.float32", scale=True), al.ConvertDtype("float32")),
    (tv("ToDtype", dtype="torch.float32", scale=False), al.ConvertDtype("float32", False)),
    (tv("ToDtype", dtype="torch.uint8", scale=False), al.ConvertDtype("uint8", False)),
    (tv("ConvertImageDtype", dtype="torch.float32"), al.ConvertDtype("float32")),
    (tv("RandomPhotometricDistort", brightness=(0.9, 1.1), contrast=(0.5, 1.5), saturation=(0.5, 1.5),
        hue=(-0.05, 0.05), p=0.4), al.PhotometricDistort((0.9, 1.1), chance=0.4)),
    (tv("RandomZoomOut", side_range=(1.0, 3.0), fill=9, p=0.4), al.RandomZoomOut((1.0, 3.0), 9.0, 9, p=0.4)),
    (tv("RandomZoomOut", side_range=(1.0, 3.0), fill={Image: [9, 8, 7], Mask: 2, "others": 5}, p=0.4),
     al.RandomZoomOut((1.0, 3.0), (9.0, 8.0, 7.0), 2, p=0.4)),
    (tv("RandomAffine", degrees=[-10.0, 10.0], **AFFINE | {"fill": 5}),
     al.RandomAffine(10.0, fill_mode="constant", fill_value=5.0, mask_fill_value=5)),
    (v1("RandomRotation", degrees=[-36.0, 36.0], expand=False, center=None, **FILLED | {"fill": 5}),
     al.RandomRotation(0.1, fill_mode="constant", fill_value=5.0)),
    (tv("ScaleJitter", target_size=(64, 80), scale_range=(0.5, 2.0), interpolation=Mode.BILINEAR, antialias=True),
     al.ScaleJitter(80, 64, (0.5, 2.0))),
    (tv("RandomShortestSize", min_size=[8, 9], max_size=20, interpolation=Mode.BILINEAR),
     al.OneOf([al.ResizeShortestEdge(8, 20), al.ResizeShortestEdge(9, 20)])),
    (tv("RandomChoice", transforms=[tv("RandomInvert", p=1.0), tv("RandomEqualize", p=1.0)], p=[0.25, 0.75]),
     al.OneOf([al.RandomInvert((1.0, 1.0)), al.Equalization()], weights=(0.25, 0.75))),
    (tv("RandomChoice", transforms=[tv("CutMix", alpha=1.0), tv("MixUp", alpha=0.2)], p=[1, 3]),
     al.MixUpOrCutMix(0.2, 1.0, 0.25)),
    (tv("RandomApply", transforms=[tv("ColorJitter", brightness=(0.6, 1.4))], p=0.8),
     al.ColorJitter((0.6, 1.4), p=0.8)),
    (tv("RandomApply", transforms=[tv("RandomInvert", p=0.5), tv("ToTensor")], p=0.8),
     al.Sequential([al.RandomInvert((1.0, 1.0), p=0.5), al.ConvertDtype("float32")], p=0.8)),
    (tv("RandomOrder", transforms=[tv("RandomInvert", p=1.0), tv("RandomEqualize", p=1.0)]),
     al.SomeOf([al.RandomInvert((1.0, 1.0)), al.Equalization()], 2)),
], ids=lambda value: type(value).__name__)  # fmt: skip
def test_attributes(theirs: Any, wanted: al.Transform) -> None:
    assert al.translate(theirs).transforms == (wanted,)


def test_lists_in_lists() -> None:
    inner = tv("Compose", transforms=[tv("RandomGrayscale", p=0.2), tv("ToImage")])
    made = al.translate(tv("Compose", transforms=[inner, tv("ToDtype", dtype="torch.float32", scale=True)]))
    assert made.transforms == (al.RandomGrayscale(0.2), al.ConvertDtype("float32"))
    assert al.translate([inner, tv("ToTensor")]).transforms == made.transforms

    class Module(list):  # type: ignore[type-arg]
        __module__ = "torch.nn.modules.container"

    Module.__name__ = "Sequential"
    sequence = Module([inner, tv("ToTensor")])
    assert al.translate(sequence).transforms == made.transforms


def test_the_cifar_recipe() -> None:
    made = al.translate(tv("RandomCrop", size=(32, 32), padding=[4, 4, 4, 4], pad_if_needed=False, fill=0))
    assert made.transforms == (al.Padding(40, 40), al.RandomCrop(32, 32))
    assert "images of that size" in made.differences[0].ours


def rss(degrees: float, scale: float, shear: tuple[float, float], shift: tuple[float, float]) -> Any:
    """M = T C R S SHy SHx C⁻¹ of torchvision's documentation, input to output; angles are clockwise on the screen."""
    a, sx, sy = (math.radians(v) for v in (degrees, *shear))
    turn = np.array([[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0], [0, 0, 1]])
    down = np.array([[1, 0, 0], [-math.tan(sy), 1, 0], [0, 0, 1]])
    across = np.array([[1, -math.tan(sx), 0], [0, 1, 0], [0, 0, 1]])
    centre = np.array([[1, 0, 60.0], [0, 1, 44.5], [0, 0, 1]])
    moved = np.array([[1, 0, shift[0]], [0, 1, shift[1]], [0, 0, 1]])
    return moved @ centre @ turn @ np.diag([scale, scale, 1]) @ down @ across @ np.linalg.inv(centre)


@pytest.mark.parametrize("degrees", [0.0, 20.0, -35.0])
@pytest.mark.parametrize("scale", [1.0, 1.3])
@pytest.mark.parametrize("shear", [(0.0, 0.0), (15.0, 0.0), (0.0, 15.0), (10.0, -12.0)])
def test_affine_maps_are_those_of_the_documented_matrix(
    degrees: float, scale: float, shear: tuple[float, float]
) -> None:
    four = [shear[0], shear[0], shear[1], shear[1]]
    theirs = tv("RandomAffine", degrees=[degrees] * 2, **AFFINE | {"scale": (scale, scale), "shear": four})
    got = al.augment(PHOTO[None], al.translate(theirs))[0].astype(float)
    wanted = cv2.warpAffine(PHOTO, rss(degrees, scale, shear, (0, 0))[:2], (121, 90)).astype(float)
    assert np.abs(got - wanted).mean() < 0.6


@pytest.mark.parametrize(("theirs", "words"), [
    (tv("RandomRotation", degrees=[-9, 9], expand=True, center=None, **FILLED), "expand=False"),
    (tv("RandomRotation", degrees=[-9, 9], expand=False, center=[0, 0], **FILLED), "center=None"),
    (tv("RandomCrop", size=(8, 8), padding=[1, 2, 3, 4]), "one padding"),
    (tv("FiveCrop", size=(8, 8)), "must have a counterpart"),
    (tv("Lambda", lambd=len), "must have a counterpart"),
    (tv("Resize", size=None, max_size=9, interpolation=Mode.BILINEAR), "size"),
], ids=lambda value: type(value).__name__)  # fmt: skip
def test_what_has_no_counterpart(theirs: Any, words: str) -> None:
    with pytest.raises(al.ArgumentError, match=rf"translate\({type(theirs).__name__}\): torchvision's .*{words}"):
        al.translate(theirs)


@pytest.mark.parametrize(("theirs", "words"), [
    (tv("ElasticTransform", alpha=[50.0, 50.0], sigma=[5.0, 5.0], **FILLED), "half pixels"),
    (tv("RandomPerspective", p=0.5, distortion_scale=0.4, **FILLED), "inwards"),
    (tv("RandomErasing", p=1.0, scale=(0.1, 0.2), ratio=(1, 1), value=None), "normal noise"),
    (tv("RandomRotation", degrees=[-9, 9], expand=False, center=None, interpolation=Mode.BICUBIC, fill=(1, 2, 3)),
     "bicubic"),
    (tv("ElasticTransform", alpha=[10.0, 50.0], sigma=[5.0, 5.0], **FILLED), "x and y apart"),
    (tv("GaussianNoise", mean=0.2, sigma=0.1, clip=True), "the mean is 0.2"),
    (tv("GaussianNoise", mean=0.0, sigma=0.1, clip=False), "values beyond the range stay"),
    (tv("Grayscale", num_output_channels=1), "one channel"),
    (tv("Resize", size=[8], max_size=None, interpolation=Mode.BILINEAR, antialias=True), "rounded down"),
    (tv("Resize", size=(8, 9), interpolation=Mode.NEAREST), "nearest takes the pixel up"),
    (tv("RandomResizedCrop", size=(8, 8), scale=(0.1, 1.0), ratio=(0.5, 2)), "masks take the pixel up"),
    (tv("RandomShortestSize", min_size=[8], max_size=20, interpolation=Mode.BILINEAR), "rounded down"),
    (tv("ScaleJitter", target_size=(64, 80), scale_range=(0.5, 2.0)), "keep the size"),
    (tv("CenterCrop", size=(8, 9)), "even one"),
    (tv("RandomAffine", degrees=[0, 0], **AFFINE | {"fill": 114.5}), "masks get 114.5"),
    (tv("RandomOrder", transforms=[]), "random order"),
], ids=lambda value: type(value).__name__)  # fmt: skip
def test_differences_are_listed(theirs: Any, words: str) -> None:
    assert any(words in difference.theirs for difference in al.translate(theirs).differences)


def test_own_classes_are_refused() -> None:
    class Own(type(tv("RandomInvert"))):  # type: ignore[misc]
        pass

    with pytest.raises(al.ArgumentError, match="Own must have a counterpart"):
        al.translate(Own())


def test_names_are_those_of_torchvision() -> None:
    assert len(RULES) > 45
    assert all(name[0].isupper() for name in RULES)

"""One table of everything that transforms do; every row runs on every engine, type and number of channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import augline as al
from augline.transforms import Transform

ALL = (1, 3, 4, 7)
COLOURED = (1, 3, 4)


@dataclass(frozen=True)
class Case:
    """A list of transforms and what its pixels go through.

    Attributes:
        label: Name of the test.
        kind: The row of `divergences.toml` that applies.
        transforms: Arguments collapse to one value, or draw: engines see the same draws.
        channels: Numbers of channels it works on.
        size: Whether all images come out in one size.
    """

    label: str
    kind: str
    transforms: tuple[Transform, ...]
    channels: Sequence[int] = ALL


def case(kind: str, *transforms: Transform, channels: Sequence[int] = ALL) -> Case:
    return Case(" ".join(map(repr, transforms)), kind, transforms, channels)


@al.register("conformance: lifted")
def lifted(image: NDArray[Any], floor: float) -> NDArray[Any]:
    """Nothing darker than a floor."""
    top = 1 if image.dtype.kind == "f" else np.iinfo(image.dtype).max
    return np.maximum(image, np.asarray(floor * top).astype(image.dtype))


CASES = (
    case("moves", al.RandomFlip("horizontal", p=1)),
    case("moves", al.RandomFlip("vertical", p=1)),
    case("moves", al.RandomFlip("horizontal_and_vertical", p=0.5)),
    case("moves", al.Transpose()),
    case("moves", al.Transpose(p=0.5), al.RandomFlip("horizontal")),
    case("moves", al.RandomRotate90()),
    case("moves", al.RandomRotate90(), al.CenterCrop(20, 24)),
    case("moves", al.CenterCrop(21, 24)),
    case("moves", al.RandomCrop(24, 21)),
    case("moves", al.RandomTranslation((2 / 41, 2 / 41), (-3 / 67, -3 / 67), interpolation="nearest")),
    *(
        case("bilinear", al.RandomRotation((0.09, 0.09), fill_mode=mode, fill_value=0.4))
        for mode in ("reflect", "nearest", "mirror", "wrap", "constant")
    ),
    case("nearest", al.RandomRotation((-0.07, -0.07), interpolation="nearest")),
    case("nearest", al.RandomZoom((-0.3, 0.4), (0.1, 0.2), interpolation="nearest", fill_mode="wrap")),
    case("bilinear", al.RandomZoom((0.3, 0.3))),
    case("bilinear", al.RandomZoom((-0.4, -0.4), (0.25, 0.25), fill_mode="constant")),
    case("bilinear", al.RandomTranslation((0.137, 0.137), (-0.211, -0.211), fill_mode="wrap")),
    case("bilinear", al.RandomShear((0.2, 0.2), (0.1, 0.1))),
    case("bilinear", al.RandomAffine((17, 17), translate=(0.1, 0.2), scale=(0.8, 1.2), shear=(9, 9))),
    case("bilinear", al.RandomPerspective((1, 1), scale=0.4)),
    case("bilinear", al.RandomPerspective((1, 1), scale=0.3, fill_mode="reflect")),
    case("nearest", al.RandomPerspective((1, 1), scale=0.3, interpolation="nearest")),
    case("bilinear", al.Resizing(29, 31)),
    case("bilinear", al.Resizing(77, 83)),
    case("bilinear", al.Resizing(9, 7)),
    case("bilinear", al.Resizing(30, 44, crop_to_aspect_ratio=True)),
    case("edge", al.Resizing(60, 44, pad_to_aspect_ratio=True, fill_value=0)),
    case("nearest", al.Resizing(29, 101, interpolation="nearest")),
    case("bilinear", al.CenterCrop(70, 50)),
    case("bilinear", al.RandomCrop(70, 50)),
    case("bilinear", al.RandomResizedCrop(31, 26)),
    case("bilinear", al.RandomResizedCrop(64, 80, scale=(0.2, 0.5))),
    case("tone", al.RandomBrightness((0.21, 0.21))),
    case("tone", al.RandomBrightness(0.5)),
    case("contrast", al.RandomContrast(0.5)),
    case("contrast", al.RandomBrightness(0.2), al.RandomContrast((0.3, 0.3)), al.RandomGamma((0.7, 1.4))),
    case("contrast", al.RandomContrast((0.3, 0.3), about=0.5)),
    case("tone", al.RandomGamma((0.5, 2.0))),
    case("tone", al.RandomInvert(0.5)),
    case("tone", al.Solarization((0.05, 0.1), (0.4, 0.6))),
    case("steps", al.RandomPosterization((1, 7))),
    case("hsv", al.RandomSaturation((0.6, 0.7)), channels=COLOURED),
    case("hsv", al.RandomSaturation((0.2, 0.4)), channels=COLOURED),
    case("matrix", al.RandomSaturation((0.2, 0.7), space="yiq"), channels=COLOURED),
    case("hsv", al.RandomHue((0.3, 0.3)), channels=COLOURED),
    case("matrix", al.RandomHue((0.4, 0.5), space="yiq"), channels=COLOURED),
    case("matrix", al.RandomGrayscale(0.5), channels=COLOURED),
    case("matrix", al.RandomGrayscale(1.0), al.RandomHue((0.1, 0.2), space="yiq"), channels=COLOURED),
    case("values", al.Rescaling(1 / 127.5, offset=-1)),
    case("values", al.Normalize(0.4, 0.3)),
    *(case("converted", al.ConvertDtype(dtype)) for dtype in ("uint8", "uint16", "float32")),
    case("converted", al.RandomBrightness((0.21, 0.21)), al.ConvertDtype("uint8")),
    case("converted", al.Rescaling(0.7, offset=-1), al.ConvertDtype("uint8", scale=False)),
    case("values", al.RandomFlip(), al.PerImageStandardization()),
    case("values", al.PerImageStandardization(epsilon=1e-6, per_channel=True), al.Rescaling(0.5, offset=(0.1,))),
    case("values", al.PerImageStandardization(center=False)),
    case("moves", al.D4()),
    case("bilinear", al.ResizeShortestEdge(23)),
    case("bilinear", al.ResizeShortestEdge(60, max_size=70)),
    case("bilinear", al.ResizeLongestEdge(53)),
    case("edge", al.LetterBox(50, 61)),
    case("moves", al.Padding(51, 70, fill_mode="reflect")),
    case("moves", al.PadToMultiple(16)),
    case("moves", al.RandomZoomOut((1.0, 2.0))),
    case("edge", al.ScaleJitter(40, 50, (0.5, 2.0))),
    case("bilinear", al.RandomElasticTransform((1, 1), (1, 1))),
    case("bilinear", al.RandomElasticTransform((1, 1), (1, 1), cells=3), al.RandomRotation((0.07, 0.07))),
    case("bilinear", al.RandomRotation((0.07, 0.07)), al.RandomElasticTransform((1, 1), (1, 1)), al.RandomFlip()),
    case("nearest", al.RandomElasticTransform((1, 1), (1, 1), interpolation="nearest")),
    case("bilinear", al.GridDistortion(4, (-0.3, 0.4))),
    case("edge", al.OpticalDistortion((0.1, 0.1), fill_mode="constant")),
    case("bilinear", al.OpticalDistortion((-0.1, -0.1))),
    case("tone", al.AutoContrast()),
    case("equalized", al.Equalization()),
    case("clahe", al.CLAHE((2, 4), (3, 4))),
    case("tone", al.RandomChannelShift(0.2)),
    case("tone", al.RandomChannelShift(0.2, within=True)),
    case("channels", al.RandomChannelShuffle()),
    case("matrix", al.RandomColorDegeneration(1.0), channels=COLOURED),
    case("hsv", al.HueSaturationValue(0.1, 0.1, 0.1, 0.3, 0.3), channels=COLOURED),
    case("jitter", al.ColorJitter(0.4, 0.4, 0.4, 0.1), channels=COLOURED),
    case("jitter", al.ColorJitter(0.4, 0.4, 0.4, 0.1, shuffle=False), channels=COLOURED),
    case("jitter", al.RandomColorJitter(brightness_factor=0.2, hue_factor=0.2), channels=COLOURED),
    case("jitter", al.PhotometricDistort(), channels=COLOURED),
    case("filter", al.RandomGaussianBlur((1, 1), 0, (0.3, 2.0))),
    case("filter", al.RandomGaussianBlur(1.0, 5, 1.0)),
    case("filter", al.RandomMotionBlur((3, 9))),
    case("filter", al.RandomSharpness((0.0, 1.0))),
    case("median", al.RandomMedianBlur(7)),
    case("bilinear", al.RandomDownscale((0.3, 0.7))),
    case("noise", al.RandomGaussianNoise((0.05, 0.1))),
    case("policy", al.RandAugment()),
    case("policy", al.RandAugment(3, factor=(0.5, 1.0), fill_mode="reflect", interpolation="nearest")),
    case("policy", al.TrivialAugmentWide()),
    case("policy", al.AutoAugment()),
    case("policy", al.AutoAugment("cifar10")),
    case("policy", al.AutoAugment("svhn")),
    case("policy", al.AugMix(5)),
    case("policy", al.ThreeAugment(), channels=COLOURED),
    case("jpeg", al.RandomJpegCompression((40, 95))),
    case("erased", al.RandomErasing((1, 1))),
    case("erased", al.CoarseDropout((1, 5), fill_value=0.3)),
    case("erased", al.GridMask((2, 4), fill_value=0)),
    case("own", al.Map("conformance: lifted", draws={"floor": (0.3, 0.6)})),
    case("own", al.RandomFlip(), al.Map("conformance: lifted", draws={"floor": (0.3, 0.6)}, p=0.5)),
    case("bilinear", al.RandomRotation((0.05, 0.05)), al.RandomFlip("vertical", p=0.5), al.RandomZoom(0.2)),
    case("bilinear", al.Sequential([al.RandomRotation((0.04, 0.04)), al.Resizing(40, 30)])),
    case("bilinear", al.OneOf([al.RandomRotation((0.1, 0.1)), al.RandomZoom((0.2, 0.2)), al.RandomFlip(p=1)])),
    case("bilinear", al.SomeOf([al.RandomFlip(p=1), al.RandomRotation((0.1, 0.1)), al.RandomShear(0.2)], n=(1, 2))),
    case("contrast", al.RandomContrast(0.3), al.RandomRotation((0.06, 0.06)), al.Normalize(0.4, 0.3)),
)

AIMED = (
    case("moves", al.RandomIoUCrop(sampler_options=(0.1, 0.3))),
    case("moves", al.RandomFlip(), al.RandomIoUCrop(p=0.5), al.RandomRotate90()),
    case("moves", al.BBoxSafeRandomCrop()),
    case("bilinear", al.RandomRotation((0.03, 0.03)), al.BBoxSafeRandomCrop(29, 31, erosion_rate=0.2)),
    case("moves", al.CropNonEmptyMaskIfExists(21, 24)),
    case("moves", al.RandomRotate90(), al.CropNonEmptyMaskIfExists(15, 12, ignore_values=(2,))),
)
"""Crops that look at boxes and masks; see `aims`."""


def aims(images: Sequence[NDArray[Any]]) -> dict[str, Any]:
    """Two boxes, and a mask of two spots, for each image."""
    masks, boxes = [], []
    for image in images:
        height, width = image.shape[:2]
        mask = np.zeros((height, width), np.uint8)
        mask[height // 3, width // 4], mask[-height // 5 :, -width // 6 :] = 1, 2
        masks.append(mask)
        boxes.append(np.asarray([[0.1, 0.2, 0.5, 0.6], [0.6, 0.5, 0.8, 0.9]]) * [width, height, width, height])
    return {"masks": masks, "boxes": [np.asarray(rows, np.float32) for rows in boxes]}


DRAWING = (
    al.Resizing(40, 50),
    al.RandomFlip(),
    al.RandomRotation(0.1),
    al.RandomZoom(0.2),
    al.OneOf([al.RandomTranslation(0.2, 0.2), al.RandomPerspective(1.0, scale=0.3)]),
    al.RandomBrightness(0.2, p=0.7),
    al.RandomContrast(0.3),
    al.SomeOf([al.RandomInvert(0.5), al.RandomGamma(), al.RandomHue(0.3)], n=(0, 2)),
    al.RandomGrayscale(0.3),
)
"""A list in which every sample draws numbers of its own."""

"""Everything that may happen to a sample, declared."""

from augline.transforms.base import Transform, transform
from augline.transforms.canvas import (
    D4,
    LetterBox,
    Padding,
    PadToMultiple,
    RandomZoomOut,
    ResizeLongestEdge,
    ResizeShortestEdge,
    ScaleJitter,
)
from augline.transforms.colour import (
    RandomBrightness,
    RandomContrast,
    RandomGamma,
    RandomGrayscale,
    RandomHue,
    RandomInvert,
    RandomPosterization,
    RandomSaturation,
    Solarization,
)
from augline.transforms.compose import OneOf, Sequential, SomeOf
from augline.transforms.cutting import CoarseDropout, GridMask, RandomErasing
from augline.transforms.distortion import GridDistortion, OpticalDistortion, RandomElasticTransform
from augline.transforms.enhance import (
    CLAHE,
    AutoContrast,
    ColorJitter,
    Equalization,
    HueSaturationValue,
    PhotometricDistort,
    RandomChannelShift,
    RandomChannelShuffle,
    RandomColorDegeneration,
    RandomColorJitter,
)
from augline.transforms.filters import (
    RandomDownscale,
    RandomGaussianBlur,
    RandomGaussianNoise,
    RandomJpegCompression,
    RandomMedianBlur,
    RandomMotionBlur,
    RandomSharpness,
)
from augline.transforms.geometric import (
    RandomAffine,
    RandomFlip,
    RandomPerspective,
    RandomRotate90,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
    Transpose,
)
from augline.transforms.mix import CopyPaste, CutMix, MixUp, MixUpOrCutMix, Mosaic
from augline.transforms.own import Map, register
from augline.transforms.policies import AugMix, AutoAugment, RandAugment, ThreeAugment, TrivialAugmentWide
from augline.transforms.sizing import CenterCrop, RandomCrop, RandomResizedCrop, Resizing
from augline.transforms.target_crops import BBoxSafeRandomCrop, CropNonEmptyMaskIfExists, RandomIoUCrop
from augline.transforms.values import ConvertDtype, Normalize, PerImageStandardization, Rescaling
from augline.transforms.whitening import ZCAWhitening

TRANSFORMS: dict[str, type[Transform]] = {
    cls.__name__: cls
    for cls in (
        RandomFlip, Transpose, RandomRotate90, RandomRotation, RandomZoom, RandomTranslation, RandomShear,
        RandomAffine, RandomPerspective, Resizing, CenterCrop, RandomCrop, RandomResizedCrop, RandomBrightness,
        RandomContrast, RandomGamma, RandomInvert, Solarization, RandomPosterization, RandomSaturation, RandomHue,
        RandomGrayscale, D4, LetterBox, Padding, PadToMultiple, RandomZoomOut, ResizeLongestEdge, ResizeShortestEdge,
        ScaleJitter, RandomIoUCrop, BBoxSafeRandomCrop, CropNonEmptyMaskIfExists, CoarseDropout, GridMask,
        RandomErasing, GridDistortion, OpticalDistortion, RandomElasticTransform, CLAHE, AutoContrast, ColorJitter,
        Equalization, HueSaturationValue, PhotometricDistort, RandomChannelShift, RandomChannelShuffle,
        RandomColorDegeneration, RandomColorJitter, RandomDownscale, RandomGaussianBlur, RandomGaussianNoise,
        RandomJpegCompression, RandomMedianBlur, RandomMotionBlur, RandomSharpness, MixUp, CutMix, MixUpOrCutMix,
        Mosaic, CopyPaste, Rescaling, Normalize, ConvertDtype, PerImageStandardization, ZCAWhitening, Map, Sequential,
        OneOf, SomeOf, RandAugment, TrivialAugmentWide, AutoAugment, AugMix, ThreeAugment,
    )
}  # fmt: skip
"""Every transform by the name it has in a configuration file; nothing else can be named there."""

__all__ = [
    "CLAHE",
    "D4",
    "TRANSFORMS",
    "AugMix",
    "AutoAugment",
    "AutoContrast",
    "BBoxSafeRandomCrop",
    "CenterCrop",
    "CoarseDropout",
    "ColorJitter",
    "ConvertDtype",
    "CopyPaste",
    "CropNonEmptyMaskIfExists",
    "CutMix",
    "Equalization",
    "GridDistortion",
    "GridMask",
    "HueSaturationValue",
    "LetterBox",
    "Map",
    "MixUp",
    "MixUpOrCutMix",
    "Mosaic",
    "Normalize",
    "OneOf",
    "OpticalDistortion",
    "PadToMultiple",
    "Padding",
    "PerImageStandardization",
    "PhotometricDistort",
    "RandAugment",
    "RandomAffine",
    "RandomBrightness",
    "RandomChannelShift",
    "RandomChannelShuffle",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomCrop",
    "RandomDownscale",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomGamma",
    "RandomGaussianBlur",
    "RandomGaussianNoise",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomIoUCrop",
    "RandomJpegCompression",
    "RandomMedianBlur",
    "RandomMotionBlur",
    "RandomPerspective",
    "RandomPosterization",
    "RandomResizedCrop",
    "RandomRotate90",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "RandomZoomOut",
    "Rescaling",
    "ResizeLongestEdge",
    "ResizeShortestEdge",
    "Resizing",
    "ScaleJitter",
    "Sequential",
    "Solarization",
    "SomeOf",
    "ThreeAugment",
    "Transform",
    "Transpose",
    "TrivialAugmentWide",
    "ZCAWhitening",
    "register",
    "transform",
]

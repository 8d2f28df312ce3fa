"""Everything that may happen to a sample, declared."""

from augline.transforms.base import Transform
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
from augline.transforms.sizing import CenterCrop, RandomCrop, RandomResizedCrop, Resizing
from augline.transforms.values import Normalize, Rescaling

TRANSFORMS: dict[str, type[Transform]] = {
    cls.__name__: cls
    for cls in (
        RandomFlip, Transpose, RandomRotate90, RandomRotation, RandomZoom, RandomTranslation, RandomShear, RandomAffine,
        RandomPerspective, Resizing, CenterCrop, RandomCrop, RandomResizedCrop, RandomBrightness, RandomContrast,
        RandomGamma, RandomInvert, Solarization, RandomPosterization, RandomSaturation, RandomHue, RandomGrayscale,
        Rescaling, Normalize, Sequential, OneOf, SomeOf,
    )
}  # fmt: skip
"""Every transform by the name it has in a configuration file; nothing else can be named there."""

__all__ = [
    "TRANSFORMS",
    "CenterCrop",
    "Normalize",
    "OneOf",
    "RandomAffine",
    "RandomBrightness",
    "RandomContrast",
    "RandomCrop",
    "RandomFlip",
    "RandomGamma",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomResizedCrop",
    "RandomRotate90",
    "RandomRotation",
    "RandomSaturation",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "Rescaling",
    "Resizing",
    "Sequential",
    "Solarization",
    "SomeOf",
    "Transform",
    "Transpose",
]

"""augline: an image augmentation input pipeline for Keras and TensorFlow.

import augline as al

pipe = al.Pipeline(al.Folder("photos/"), [al.RandomFlip("horizontal"), al.RandomRotation(0.05)], size=(224, 224))
model.fit(pipe.to_tf(), epochs=10)
"""

from augline.augment import augment
from augline.errors import ArgumentError, AuglineError, DecodeError, EngineError, SourceError, SpecError
from augline.pipeline import Pipeline
from augline.sources import Arrays, Files, Folder, Source, Table
from augline.transforms import (
    CenterCrop,
    Normalize,
    OneOf,
    RandomAffine,
    RandomBrightness,
    RandomContrast,
    RandomCrop,
    RandomFlip,
    RandomGamma,
    RandomGrayscale,
    RandomHue,
    RandomInvert,
    RandomPerspective,
    RandomPosterization,
    RandomResizedCrop,
    RandomRotate90,
    RandomRotation,
    RandomSaturation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
    Rescaling,
    Resizing,
    Sequential,
    Solarization,
    SomeOf,
    Transform,
    Transpose,
)

__version__ = "0.1.0"

__all__ = [
    "ArgumentError",
    "Arrays",
    "AuglineError",
    "CenterCrop",
    "DecodeError",
    "EngineError",
    "Files",
    "Folder",
    "Normalize",
    "OneOf",
    "Pipeline",
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
    "Source",
    "SourceError",
    "SpecError",
    "Table",
    "Transform",
    "Transpose",
    "augment",
]

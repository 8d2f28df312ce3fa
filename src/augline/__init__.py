"""augline: an image augmentation input pipeline for Keras and TensorFlow.

import augline as al

pipe = al.Pipeline(al.Folder("photos/"), [al.RandomFlip("horizontal"), al.RandomRotation(0.05)], size=(224, 224))
model.fit(pipe.to_tf(), epochs=10)
"""

import typing

from augline import presets
from augline.augment import augment
from augline.box_filter import BoxFilter
from augline.convert import to_dataset
from augline.convert.tfrecords import write_tfrecords
from augline.errors import ArgumentError, AuglineError, DecodeError, EngineError, SourceError, SpecError
from augline.fitting import fit
from augline.pipeline import Pipeline
from augline.sources import Arrays, Coco, Files, Folder, MaskFolder, Source, Table, TFRecords, Voc, Yolo
from augline.transforms import (
    CLAHE,
    D4,
    AugMix,
    AutoAugment,
    AutoContrast,
    BBoxSafeRandomCrop,
    CenterCrop,
    CoarseDropout,
    ColorJitter,
    ConvertDtype,
    CopyPaste,
    CropNonEmptyMaskIfExists,
    CutMix,
    Equalization,
    GridDistortion,
    GridMask,
    HueSaturationValue,
    LetterBox,
    Map,
    MixUp,
    MixUpOrCutMix,
    Mosaic,
    Normalize,
    OneOf,
    OpticalDistortion,
    Padding,
    PadToMultiple,
    PerImageStandardization,
    PhotometricDistort,
    RandAugment,
    RandomAffine,
    RandomBrightness,
    RandomChannelShift,
    RandomChannelShuffle,
    RandomColorDegeneration,
    RandomColorJitter,
    RandomContrast,
    RandomCrop,
    RandomDownscale,
    RandomElasticTransform,
    RandomErasing,
    RandomFlip,
    RandomGamma,
    RandomGaussianBlur,
    RandomGaussianNoise,
    RandomGrayscale,
    RandomHue,
    RandomInvert,
    RandomIoUCrop,
    RandomJpegCompression,
    RandomMedianBlur,
    RandomMotionBlur,
    RandomPerspective,
    RandomPosterization,
    RandomResizedCrop,
    RandomRotate90,
    RandomRotation,
    RandomSaturation,
    RandomSharpness,
    RandomShear,
    RandomTranslation,
    RandomZoom,
    RandomZoomOut,
    Rescaling,
    ResizeLongestEdge,
    ResizeShortestEdge,
    Resizing,
    ScaleJitter,
    Sequential,
    Solarization,
    SomeOf,
    ThreeAugment,
    Transform,
    Transpose,
    TrivialAugmentWide,
    ZCAWhitening,
    register,
)
from augline.transforms.schedules import Schedule, cosine, linear, steps
from augline.translate import Difference, Translation, translate
from augline.tta import tta
from augline.undo import Trace, trace
from augline.views import Views

__version__ = "0.1.0"

if typing.TYPE_CHECKING:
    from augline import keras
else:

    def __getattr__(name: str) -> typing.Any:
        """`augline.keras`, once it is asked for: it knows files and pictures, which a bare import does without."""
        if name != "keras":
            from augline.names import called_here

            known = called_here(name)
            raise AttributeError(f"module 'augline' has no attribute {name!r}{f'. {known}' if known else ''}")
        import augline.keras

        return augline.keras


__all__ = [
    "CLAHE",
    "D4",
    "ArgumentError",
    "Arrays",
    "AugMix",
    "AuglineError",
    "AutoAugment",
    "AutoContrast",
    "BBoxSafeRandomCrop",
    "BoxFilter",
    "CenterCrop",
    "CoarseDropout",
    "Coco",
    "ColorJitter",
    "ConvertDtype",
    "CopyPaste",
    "CropNonEmptyMaskIfExists",
    "CutMix",
    "DecodeError",
    "Difference",
    "EngineError",
    "Equalization",
    "Files",
    "Folder",
    "GridDistortion",
    "GridMask",
    "HueSaturationValue",
    "LetterBox",
    "Map",
    "MaskFolder",
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
    "Pipeline",
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
    "Schedule",
    "Sequential",
    "Solarization",
    "SomeOf",
    "Source",
    "SourceError",
    "SpecError",
    "TFRecords",
    "Table",
    "ThreeAugment",
    "Trace",
    "Transform",
    "Translation",
    "Transpose",
    "TrivialAugmentWide",
    "Views",
    "Voc",
    "Yolo",
    "ZCAWhitening",
    "augment",
    "cosine",
    "fit",
    "keras",
    "linear",
    "presets",
    "register",
    "steps",
    "to_dataset",
    "trace",
    "translate",
    "tta",
    "write_tfrecords",
]

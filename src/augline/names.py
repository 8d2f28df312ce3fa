"""What things of other libraries are called here, for whoever writes `al.HorizontalFlip` out of habit."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec

from augline.errors import UnknownArgumentError, described

P = ParamSpec("P")

NAMES: dict[str, dict[str, str]] = {
    "Albumentations": {
        "Affine": "al.RandomAffine(15, (0.1, 0.1), (0.8, 1.2), shear=5)",
        "Compose": "al.Sequential([al.RandomFlip(), al.RandomRotation(0.05)])",
        "Downscale": "al.RandomDownscale((0.25, 0.5))",
        "ElasticTransform": "al.RandomElasticTransform()",
        "Equalize": "al.Equalization()",
        "GaussNoise": "al.RandomGaussianNoise((0.05, 0.2))",
        "GaussianBlur": "al.RandomGaussianBlur(kernel_size=5, sigma=(0.5, 2.0))",
        "GridDropout": "al.GridMask()",
        "HorizontalFlip": 'al.RandomFlip("horizontal", p=0.5)',
        "ImageCompression": "al.RandomJpegCompression((30, 90))",
        "InvertImg": "al.RandomInvert((1.0, 1.0), p=0.5)",
        "Lambda": "al.Map(function)",
        "LongestMaxSize": "al.ResizeLongestEdge(512)",
        "MedianBlur": "al.RandomMedianBlur(5)",
        "MotionBlur": "al.RandomMotionBlur(7)",
        "PadIfNeeded": "al.Padding(512, 512)",
        "Perspective": "al.RandomPerspective(0.5, 0.5)",
        "Posterize": "al.RandomPosterization(4)",
        "RandomBrightnessContrast": "al.Sequential([al.RandomBrightness(0.2), al.RandomContrast(0.2)], p=0.5)",
        "RandomCropFromBorders": "al.RandomResizedCrop(224, 224, scale=(0.8, 1.0))",
        "RandomSizedBBoxSafeCrop": "al.BBoxSafeRandomCrop(224, 224)",
        "Resize": "al.Resizing(224, 224)",
        "RGBShift": "al.RandomChannelShift(0.1)",
        "Rotate": "al.RandomRotation(20 / 360)",
        "ShiftScaleRotate": "al.RandomAffine(45, (0.06, 0.06), (0.9, 1.1))",
        "SmallestMaxSize": "al.ResizeShortestEdge(256)",
        "Solarize": "al.Solarization(threshold_factor=(0.5, 0.5))",
        "SquareSymmetry": "al.D4()",
        "ToFloat": "al.Rescaling(1 / 255)",
        "ToGray": "al.RandomGrayscale(1.0)",
        "VerticalFlip": 'al.RandomFlip("vertical", p=0.5)',
    },
    "torchvision": {
        "ElasticTransform": "al.RandomElasticTransform()",
        "Grayscale": "al.RandomGrayscale(1.0)",
        "JPEG": "al.RandomJpegCompression((30, 90))",
        "Pad": "al.Padding(256, 256)",
        "RandomAdjustSharpness": "al.RandomSharpness((0.3, 0.7), p=0.5)",
        "RandomApply": "al.Sequential([al.RandomFlip()], p=0.5)",
        "RandomAutocontrast": "al.AutoContrast(p=0.5)",
        "RandomChoice": "al.OneOf([al.RandomFlip(), al.RandomRotation(0.05)])",
        "RandomEqualize": "al.Equalization(p=0.5)",
        "RandomHorizontalFlip": 'al.RandomFlip("horizontal", p=0.5)',
        "RandomPhotometricDistort": "al.PhotometricDistort()",
        "RandomPosterize": "al.RandomPosterization(4, p=0.5)",
        "RandomShortestSize": "al.ResizeShortestEdge(800)",
        "RandomSolarize": "al.Solarization(threshold_factor=(0.5, 0.5), p=0.5)",
        "RandomVerticalFlip": 'al.RandomFlip("vertical", p=0.5)',
        "ToTensor": "al.Rescaling(1 / 255)",
    },
    "Keras": {
        "ContrastLimitedAdaptiveHistogramEqualization": "al.CLAHE()",
        "ImageDataGenerator": "al.keras.ImageDataGenerator()",
        "Normalization": "al.Normalize()",
        "RandomCutout": "al.RandomErasing()",
        "RandomHeight": "al.RandomAffine(scale=(0.8, 1.2))",
        "RandomWidth": "al.RandomAffine(scale=(0.8, 1.2))",
        "RandomlyZoomedCrop": "al.RandomResizedCrop(224, 224)",
        "image_dataset_from_directory": 'al.Pipeline(al.Folder("photos"), size=(256, 256))',
    },
}
"""By library: its name, and what might stand for it here."""

_SIZE = "Write size=(height, width) in the Pipeline"
_AHEAD = "Leave it out: threads make batches ahead, workers= of them"
_SPLIT = "Write pipe.split(0.2), which gives both parts"
ARGUMENTS = {
    "target_size": _SIZE, "image_size": _SIZE, "img_size": _SIZE, "input_size": _SIZE,
    "num_workers": "It is workers here", "num_parallel_calls": "It is workers here", "prefetch": _AHEAD,
    "class_mode": "It is label_mode of Folder, and task of Table", "classes": "It is class_names here",
    "x_col": "It is image here", "y_col": "It is label here", "directory": "It is root here",
    "x": "It is images here", "y": "It is labels here", "sample_weight": "It is weights here",
    "validation_split": _SPLIT, "subset": _SPLIT, "transform": "It is transforms here, a list",
    "augment": "It is transforms here, a list", "rescale": "Write Rescaling(1 / 255) into the list",
    "buffer_size": "Leave it out: shuffle=True is a true shuffle, without a buffer",
}  # fmt: skip
"""What other libraries call arguments of pipelines and sources, and what to write instead."""


def with_known_arguments(init: Callable[P, None]) -> Callable[P, None]:
    """A constructor that refuses arguments it does not have in the words of all errors."""
    known = list(inspect.signature(init).parameters)[1:]

    @functools.wraps(init)
    def checked(*args: P.args, **kwargs: P.kwargs) -> None:
        for name, value in kwargs.items():
            if name not in known:
                owner, close = type(args[0]).__name__, difflib.get_close_matches(name, known, n=1)
                fix = f"Did you mean {close[0]}" if close else f"The arguments are {', '.join(known)}"
                raise UnknownArgumentError(
                    f"{owner}({name}=...): there is no argument {name}. Received {name}={described(value)}. "
                    f"{ARGUMENTS.get(name, fix)}."
                )
        init(*args, **kwargs)

    return checked


def called_here(name: str) -> str | None:
    """A sentence on what a name of another library is here; None if it is no such name."""
    for library, names in NAMES.items():
        if name in names:
            return f"What {library} calls {name} is here {names[name]}, with numbers of your own."
    return None

"""One transform at a time on 224×224 uint8 images in memory, on one thread: augline and the peers that have it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness import BATCH, Metrics, Question, Subject, Target, Task, main, one_core
from subjects import pictures

_ENOUGH = 0.2  # seconds a transform is run for, in a full run
_PASS = 8 * BATCH  # images in a pass, of ours because starting one is not what is asked for, of others to be alike
_METRIC = "images/s"

Make = Callable[[Any], Any]
"""A transform of a library, from its module."""


@dataclass(frozen=True)
class Row:
    """One transform in the libraries that have it, with arguments that make each do the same work on every image."""

    augline: Make
    albumentations: Make | None = None
    torchvision: Make | None = None
    keras: Make | None = None


_KERAS_FILL = {"fill_mode": "reflect"}
_REFLECT = {"border_mode": 2, "p": 1.0}  # cv2.BORDER_REFLECT

ROWS: Mapping[str, Row] = {
    "flip": Row(
        lambda al: al.RandomFlip("horizontal", p=1), lambda a: a.HorizontalFlip(p=1),
        lambda v2: v2.RandomHorizontalFlip(1.0), lambda k: k.RandomFlip("horizontal"),
    ),
    "rotate 90": Row(lambda al: al.RandomRotate90(), lambda a: a.RandomRotate90(p=1)),
    "rotation": Row(
        lambda al: al.RandomRotation(20 / 360), lambda a: a.Rotate(20, **_REFLECT),
        lambda v2: v2.RandomRotation(20, v2.InterpolationMode.BILINEAR),
        lambda k: k.RandomRotation(20 / 360, **_KERAS_FILL),
    ),
    "affine": Row(
        lambda al: al.RandomAffine(20, (0.1, 0.1), (0.8, 1.2), 10),
        lambda a: a.Affine((0.8, 1.2), (-0.1, 0.1), None, (-20, 20), (-10, 10), **_REFLECT),
        lambda v2: v2.RandomAffine(20, (0.1, 0.1), (0.8, 1.2), 10, v2.InterpolationMode.BILINEAR),
    ),
    "perspective": Row(
        lambda al: al.RandomPerspective((1, 1), 0.3), lambda a: a.Perspective((0.05, 0.15), p=1),
        lambda v2: v2.RandomPerspective(0.3, 1.0), lambda k: k.RandomPerspective((1.0, 1.0), 0.3),
    ),
    "resize to 160": Row(
        lambda al: al.Resizing(160, 160), lambda a: a.Resize(160, 160), lambda v2: v2.Resize((160, 160)),
        lambda k: k.Resizing(160, 160),
    ),
    "random crop 160": Row(
        lambda al: al.RandomCrop(160, 160), lambda a: a.RandomCrop(160, 160), lambda v2: v2.RandomCrop(160),
        lambda k: k.RandomCrop(160, 160),
    ),
    "resized crop": Row(
        lambda al: al.RandomResizedCrop(224, 224), lambda a: a.RandomResizedCrop((224, 224)),
        lambda v2: v2.RandomResizedCrop(224),
    ),
    "elastic": Row(
        lambda al: al.RandomElasticTransform((1, 1), (1, 1)), lambda a: a.ElasticTransform(120, 8, p=1),
        lambda v2: v2.ElasticTransform(50.0, 8.0), lambda k: k.RandomElasticTransform((1.0, 1.0), (1.0, 1.0)),
    ),
    "grid distortion": Row(lambda al: al.GridDistortion(5, 0.3), lambda a: a.GridDistortion(5, (-0.3, 0.3), p=1)),
    "optical distortion": Row(lambda al: al.OpticalDistortion(0.1), lambda a: a.OpticalDistortion((-0.2, 0.2), p=1)),
    "brightness": Row(
        lambda al: al.RandomBrightness(0.2), lambda a: a.RandomBrightnessContrast(0.2, 0.0, p=1),
        lambda v2: v2.ColorJitter(brightness=0.2), lambda k: k.RandomBrightness(0.2),
    ),
    "contrast": Row(
        lambda al: al.RandomContrast(0.2), lambda a: a.RandomBrightnessContrast(0.0, 0.2, p=1),
        lambda v2: v2.ColorJitter(contrast=0.2), lambda k: k.RandomContrast(0.2),
    ),
    "gamma": Row(lambda al: al.RandomGamma((0.8, 1.25)), lambda a: a.RandomGamma((80, 125), p=1)),
    "hue (HSV)": Row(
        lambda al: al.RandomHue(0.2), lambda a: a.HueSaturationValue(20, 0, 0, p=1),
        lambda v2: v2.ColorJitter(hue=0.1), lambda k: k.RandomHue(0.2),
    ),
    "colour jitter": Row(
        lambda al: al.ColorJitter(0.4, 0.4, 0.4, 0.1),
        lambda a: a.ColorJitter((0.6, 1.4), (0.6, 1.4), (0.6, 1.4), (-0.1, 0.1), p=1),
        lambda v2: v2.ColorJitter(0.4, 0.4, 0.4, 0.1),
        lambda k: k.RandomColorJitter((0, 255), 0.4, 0.4, (0.3, 0.6), 0.1),
    ),
    "grey": Row(
        lambda al: al.RandomGrayscale(1.0), lambda a: a.ToGray(p=1), lambda v2: v2.RandomGrayscale(1.0),
        lambda k: k.RandomGrayscale(1.0),
    ),
    "invert": Row(
        lambda al: al.RandomInvert((1, 1)), lambda a: a.InvertImg(p=1), lambda v2: v2.RandomInvert(1.0),
        lambda k: k.RandomInvert((1.0, 1.0)),
    ),
    "solarize": Row(
        lambda al: al.Solarization(0.0, 0.5), lambda a: a.Solarize((0.3, 0.7), p=1),
        lambda v2: v2.RandomSolarize(128, 1.0), lambda k: k.Solarization(0.0, 0.5),
    ),
    "posterize": Row(
        lambda al: al.RandomPosterization((2, 6)), lambda a: a.Posterize((2, 6), p=1),
        lambda v2: v2.RandomPosterize(4, 1.0), lambda k: k.RandomPosterization((2, 6)),
    ),
    "autocontrast": Row(
        lambda al: al.AutoContrast(), lambda a: a.AutoContrast(p=1), lambda v2: v2.RandomAutocontrast(1.0),
        lambda k: k.AutoContrast(),
    ),
    "equalize": Row(
        lambda al: al.Equalization(), lambda a: a.Equalize(p=1), lambda v2: v2.RandomEqualize(1.0),
        lambda k: k.Equalization(),
    ),
    "CLAHE": Row(lambda al: al.CLAHE((1, 4)), lambda a: a.CLAHE((1, 4), p=1)),
    "gaussian blur": Row(
        lambda al: al.RandomGaussianBlur((1, 1), 7, (0.5, 2.0)), lambda a: a.GaussianBlur((7, 7), (0.5, 2.0), p=1),
        lambda v2: v2.GaussianBlur(7, (0.5, 2.0)), lambda k: k.RandomGaussianBlur((1.0, 1.0), 7, 1.0),
    ),
    "median blur": Row(lambda al: al.RandomMedianBlur(5), lambda a: a.MedianBlur((5, 5), p=1)),
    "motion blur": Row(lambda al: al.RandomMotionBlur((7, 7)), lambda a: a.MotionBlur((7, 7), p=1)),
    "sharpness": Row(
        lambda al: al.RandomSharpness((0.6, 1.0)), lambda a: a.Sharpen(p=1),
        lambda v2: v2.RandomAdjustSharpness(1.6, 1.0), lambda k: k.RandomSharpness((0.6, 1.0)),
    ),
    "gaussian noise": Row(
        lambda al: al.RandomGaussianNoise((0.05, 0.1)), lambda a: a.GaussNoise((0.05, 0.1), p=1)
    ),
    "JPEG": Row(
        lambda al: al.RandomJpegCompression((50, 90)), lambda a: a.ImageCompression(quality_range=(50, 90), p=1),
        lambda v2: v2.JPEG((50, 90)),
    ),
    "downscale": Row(lambda al: al.RandomDownscale((0.3, 0.7)), lambda a: a.Downscale((0.3, 0.7), p=1)),
    "erasing": Row(
        lambda al: al.RandomErasing((1, 1), fill_value=0.0), lambda a: a.Erasing(fill=0, p=1),
        lambda v2: v2.RandomErasing(1.0), lambda k: k.RandomErasing((1.0, 1.0), fill_value=0.0),
    ),
    "coarse dropout": Row(
        lambda al: al.CoarseDropout((8, 8), (0.1, 0.1), (0.1, 0.1)),
        lambda a: a.CoarseDropout((8, 8), (0.1, 0.1), (0.1, 0.1), p=1),
    ),
    "grid mask": Row(lambda al: al.GridMask((5, 5), 0.5), lambda a: a.GridDropout(0.5, holes_number_xy=(5, 5), p=1)),
    "RandAugment": Row(
        lambda al: al.RandAugment(2, 9), None, lambda v2: v2.RandAugment(2, 9), lambda k: k.RandAugment(num_ops=2)
    ),
    "normalize": Row(
        lambda al: al.Normalize(), lambda a: a.Normalize(),
        lambda v2: v2.Compose([v2.ToDtype(_float(), scale=True), v2.Normalize((0.4, 0.4, 0.4), (0.2, 0.2, 0.2))]),
        lambda k: k.Normalization(mean=(100.0, 110.0, 120.0), variance=(3000.0, 3000.0, 3000.0)),
    ),
}  # fmt: skip


def _float() -> Any:
    import torch

    return torch.float32


def _augline(task: Task) -> Metrics:
    import augline as al

    source = al.Arrays(pictures(task, _PASS))

    def runner(make: Make) -> Callable[[], int]:
        pipe = al.Pipeline(source, [make(al)], batch_size=BATCH, workers=1, seed=7)
        return lambda: sum(len(batch) for batch in pipe)

    return _all("augline", runner, task)


def _albumentations(task: Task) -> Metrics:
    import albumentations
    import numpy as np

    batches = np.split(pictures(task, _PASS), _PASS // BATCH)

    def runner(make: Make) -> Callable[[], int]:
        compose = albumentations.Compose([make(albumentations)])

        def batch(images: Any) -> int:
            return len(np.stack([compose(image=image)["image"] for image in images]))

        return lambda: sum(map(batch, batches))

    return _all("albumentations", runner, task)


def _torchvision(task: Task) -> Metrics:
    import torch
    from torchvision.transforms import v2

    torch.set_num_threads(1)
    images = torch.from_numpy(pictures(task, _PASS)).permute(0, 3, 1, 2).contiguous()

    def runner(make: Make) -> Callable[[], int]:
        item = make(v2)
        return lambda: sum(len(torch.stack([item(image) for image in batch])) for batch in images.split(BATCH))

    return _all("torchvision", runner, task)


def _keras(task: Task) -> Metrics:
    import tensorflow as tf

    for setting in ("intra", "inter"):
        getattr(tf.config.threading, f"set_{setting}_op_parallelism_threads")(1)
    import numpy as np

    import keras

    batches = [tf.constant(batch) for batch in np.split(pictures(task, _PASS), _PASS // BATCH)]

    def runner(make: Make) -> Callable[[], int]:
        layer = make(keras.layers)
        call = tf.function(lambda x: layer(x, training=True))
        return lambda: sum(len(call(batch).numpy()) for batch in batches)

    return _all("keras", runner, task)


def _all(library: str, runner: Callable[[Make], Callable[[], int]], task: Task) -> Metrics:
    """Images per second of each transform that a library has, on one core."""
    one_core()
    seconds = _ENOUGH * task.scaled(1000) / 1000
    makes = {name: getattr(row, library) for name, row in ROWS.items()}
    return {name: _rate(runner(make), seconds) for name, make in makes.items() if make is not None}


def _rate(call: Callable[[], int], seconds: float) -> float:
    """Images per second of calls that say how many they were."""
    call()
    call()  # a second time for what is traced or touched only then
    count, begin = 0, time.perf_counter()
    while not count or time.perf_counter() - begin < seconds:
        count += call()
    return count / (time.perf_counter() - begin)


def _subject(measure: Callable[[Task], Metrics], requires: Sequence[str] = (), note: str = "") -> Subject:
    return Subject(measure, "1", f"{_METRIC}, {BATCH}×224×224×3 uint8 in", requires, note)


_PEERS = ("albumentations", "torchvision", "keras")

QUESTION = Question(
    f"One transform at a time, on one thread ({_METRIC})",
    {
        "augline": _subject(_augline, note="a pipeline of arrays, with drawing and planning"),
        "albumentations": _subject(_albumentations, ("albumentations",), "image by image"),
        "torchvision": _subject(_torchvision, ("torch", "torchvision"), "v2, tensors, image by image"),
        "keras": _subject(_keras, ("tensorflow", "keras"), "whole batches in a tf.function, float32 out"),
    },
    [
        Target(name, "augline", [peer for peer in _PEERS if getattr(row, peer) is not None])
        for name, row in ROWS.items()
    ],
)

if __name__ == "__main__":
    main(QUESTION)

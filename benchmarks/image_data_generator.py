"""The drop-in beside Keras's ImageDataGenerator: the same arguments, files and arrays; from JPEGs, at 224 and at 32."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from harness import BATCH, THREADS, Build, Output, Question, Subject, Target, Task, main, throughput
from subjects import ONE_LOOP, generator_epochs, link_folder

_MOVING = {
    "rotation_range": 20, "width_shift_range": 0.1, "height_shift_range": 0.1, "zoom_range": 0.1,
    "horizontal_flip": True, "brightness_range": (0.8, 1.2), "rescale": 1 / 255,
}  # fmt: skip
_COUNTS = {224: 960, 32: 50_000}
"""Images in memory of a full run, by side."""


def _keras() -> Any:
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    return ImageDataGenerator(**_MOVING)


def _augline() -> Any:
    import cv2

    from augline.keras import ImageDataGenerator

    cv2.setNumThreads(1)
    return ImageDataGenerator(**_MOVING, workers=THREADS)


def _files(make: Callable[[], Any]) -> Build:
    def build(task: Task) -> Callable[[], Iterable[Any]]:
        folder = link_folder(task.files)
        with contextlib.redirect_stdout(sys.stderr):  # "Found 960 images"
            iterator = make().flow_from_directory(folder.name, (224, 224), class_mode=None, batch_size=BATCH, seed=7)
        iterator.folder = folder  # lives as long as who reads it
        return generator_epochs(iterator, 1)

    return build


def _arrays(make: Callable[[], Any], side: int, dtype: str) -> Build:
    def build(task: Task) -> Callable[[], Iterable[Any]]:
        count = -(-task.scaled(_COUNTS[side]) // BATCH) * BATCH
        images = np.random.default_rng(7).integers(0, 256, (count, side, side, 3), np.uint8).astype(dtype)
        return generator_epochs(make().flow(images, batch_size=BATCH, seed=7), 1)

    return build


def _subjects() -> dict[str, Subject]:
    pool = f"{THREADS} within a batch"
    builds = {"jpeg-224": (224, lambda make: _files(make))}
    for side in _COUNTS:
        builds[f"memory-{side}"] = (side, lambda make, side=side: _arrays(make, side, "uint8"))
        builds[f"memory-float-{side}"] = (side, lambda make, side=side: _arrays(make, side, "float32"))
    result = {}
    for name, (side, build) in builds.items():
        output = Output("float32", side)
        result[f"augline-{name}"] = throughput(build(_augline), pool, output)
        result[f"keras-{name}"] = throughput(build(_keras), ONE_LOOP, output, requires=("tensorflow", "keras", "scipy"))
    return result


def _target(name: str, at_least: float) -> Target:
    return Target("images/s", f"augline-{name}", [f"keras-{name}"], at_least=at_least)


QUESTION = Question(
    "Drop-in ImageDataGenerator: rotation, shifts, zoom, flip, brightness, rescale; from JPEGs to 224, and from memory",
    _subjects(),
    [
        _target("jpeg-224", 8), _target("memory-224", 15), _target("memory-32", 15),
        _target("memory-float-224", 15), _target("memory-float-32", 15),
    ],
)  # fmt: skip

if __name__ == "__main__":
    main(QUESTION)

"""Image and mask augmented together.

You have: two ImageDataGenerators with the same arguments and the same seed, one for images and one for masks, zipped.

What goes wrong: the masks are interpolated like photographs. At the border between classes 0 and 3 they hold 1 and 2,
which are other classes, and fractions, which are none. Every argument counts for both, so that a brightness range for
the images would shift the classes of the masks. The zip has no length, and does all work on one thread.

The new way: one draw moves both. Masks are read at the nearest pixel, keep their integer type, and have a fill of
their own; colour never touches them.

Measured: 180 images/s the old way, 1,037 the new way. README.md says on what.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import _data
import numpy as np
import tensorflow as tf

import augline as al


def old(data: tuple[str, str]) -> Any:
    photos, masks = data
    moves = {"rotation_range": 20, "zoom_range": 0.2, "horizontal_flip": True}
    flow = {"target_size": (224, 224), "class_mode": None, "batch_size": 32, "seed": 7}
    generator = tf.keras.preprocessing.image.ImageDataGenerator
    return zip(
        generator(**moves, rescale=1 / 255).flow_from_directory(photos, **flow),
        generator(**moves).flow_from_directory(masks, color_mode="grayscale", **flow),
        strict=False,
    )


def new(data: tuple[str, str]) -> Any:
    photos, masks = data
    paths = sorted(Path(photos).rglob("*.jpg"))
    beside = [Path(masks) / path.parent.name / f"{path.stem}.png" for path in paths]
    transforms = [al.RandomFlip("horizontal"), al.RandomRotation(20 / 360), al.RandomZoom(0.2), al.Rescaling(1 / 255)]
    pipe = al.Pipeline(al.Files(paths, masks=beside), transforms, size=(224, 224), batch_size=32, seed=7)
    return pipe.to_tf().map(lambda batch: (batch["images"], batch["segmentation_masks"]))


def check(data: tuple[str, str]) -> None:
    _, masks = next(old(data))
    assert masks.dtype == np.float32
    assert ((masks > 0) & (masks < _data.DISC_ID)).any()  # classes that are not there

    for images, masks in new(data):
        assert masks.dtype == tf.uint8
        assert {*np.unique(masks)} == {0, _data.DISC_ID}
        white, disc = images.numpy().min(axis=3) > 0.8, masks.numpy()[..., 0] == _data.DISC_ID
        assert (white & disc).sum() > 0.95 * (white | disc).sum()  # the mask lies where the disc is


if __name__ == "__main__":
    _data.main(old, new, check, data=_data.masked)

"""What a layer takes: lists that a device can carry out, and data of the right keys, shapes and types."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

import keras
from augline.errors import ArgumentError, EngineError
from augline.sources.arrays import checked_range
from augline.sources.refusal import check_channels_last, nearest, refusal
from augline.transforms.base import Transform
from augline.transforms.compose import schedules
from augline.transforms.mix import Mixing
from augline.transforms.own import Map
from augline.transforms.target_crops import BBoxSafeRandomCrop, CropNonEmptyMaskIfExists, RandomIoUCrop

KEYS = ("images", "segmentation_masks", "bounding_boxes", "labels", "weights", "sample_weights")
INTEGERS = ("uint8", "uint16")
FLOATS = ("float16", "bfloat16", "float32", "float64")
_PIPELINE = "Leave it out here, and do it in a Pipeline."


class Images(NamedTuple):
    """What is known of images before they are there."""

    height: int
    width: int
    channels: int
    dtype: str


def check_transforms(transforms: Sequence[Transform], steps_per_epoch: int | None) -> None:
    """Refuses a list that no layer can carry out.

    Raises:
        EngineError: It is one.
        ArgumentError: It has schedules, and nobody knows how long an epoch is.
    """
    steps: object = steps_per_epoch
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 1):
        rule, fix = "steps_per_epoch must be a whole number from 1", "Write steps_per_epoch=len(dataset)."
        raise refusal(ArgumentError, "Augment", rule, f"steps_per_epoch={steps!r}", fix)
    for item, name, value in schedules(transforms) if steps is None else ():
        owner, rule = f"Augment({type(item).__name__}({name}=...))", "a layer counts steps and knows no epochs"
        raise refusal(ArgumentError, owner, rule, repr(value), "Pass steps_per_epoch=len(dataset) beside the list.")
    _check_kinds(transforms)


def _check_kinds(transforms: Iterable[Transform]) -> None:
    for item in transforms:
        for kinds, rule in _REFUSED.items():
            if isinstance(item, kinds):
                raise refusal(EngineError, "Augment", rule, repr(item), _PIPELINE)
        _check_kinds(getattr(item, "transforms", ()))


_REFUSED: dict[tuple[type[Transform], ...], str] = {
    (Map,): "a function of your own runs in Python, on the host",
    (Mixing,): "a layer does not mix samples; partners come from the whole data set",
    (RandomIoUCrop, BBoxSafeRandomCrop, CropNonEmptyMaskIfExists): "a layer's transforms do not look at targets",
}


def check_data(data: Mapping[str, Any]) -> None:
    """Refuses what is no images with their targets.

    Raises:
        ArgumentError: It is not.
    """
    for key in data:
        if key not in KEYS:
            fix = f"{nearest(key, KEYS)}The keys are {', '.join(KEYS)}."
            raise refusal(ArgumentError, "Augment", f"there is no key {key!r}", repr([*data]), fix)
    if "images" not in data:
        raise refusal(ArgumentError, "Augment", "there must be images", repr([*data]), 'Pass {"images": ...}.')
    spec = image_spec(data["images"])
    for mask in keras.tree.flatten(data.get("segmentation_masks", ())):
        if len(mask.shape) not in (3, 4) or tuple(mask.shape[1:3]) != (spec.height, spec.width):
            rule = "masks must be (batch, height, width[, channels]) of their images' size"
            received = f"{tuple(mask.shape)} for images {tuple(data['images'].shape)}"
            raise refusal(ArgumentError, "Augment(segmentation_masks)", rule, received, "Resize one of them.")
    if "bounding_boxes" in data:
        _check_boxes(data["bounding_boxes"])


def check_values(images: Any, value_range: tuple[float, float] | None) -> None:
    """Refuses floating-point images that are there and leave their range.

    Raises:
        ArgumentError: They do.
    """
    if image_spec(images).dtype in FLOATS:
        found = np.asarray(keras.ops.convert_to_numpy(images), np.float32)
        if found.size:
            checked_range("Augment", found, "float32", value_range)


def warn_of_floats(images: Any) -> None:
    """Says how floating-point images will be read, of which a model's program cannot see the values."""
    if image_spec(images).dtype in FLOATS:
        warnings.warn(
            f"Augment: images of {images.dtype} are taken to range from 0 to 1, and others would be cut off. Pass "
            "value_range=(0, 1) or (0, 255), or feed uint8: keras.Input(..., dtype='uint8').", stacklevel=2,
        )  # fmt: skip


def _check_boxes(boxes: Any) -> None:
    owner, fix = "Augment(bounding_boxes)", "Pad them with -1, as Pipeline and KerasCV do."
    if not isinstance(boxes, Mapping) or not {"boxes", "labels"} <= {*boxes}:
        received = repr([*boxes]) if isinstance(boxes, Mapping) else type(boxes).__name__
        raise refusal(ArgumentError, owner, "they must be a dict of boxes and labels", received, fix)
    shapes = tuple(boxes["boxes"].shape), tuple(boxes["labels"].shape)
    if len(shapes[0]) != 3 or shapes[0][2] != 4 or shapes[0][1] is None or shapes[1][:2] != shapes[0][:2]:
        rule = "boxes must be (batch, n, 4) and labels (batch, n)"
        raise refusal(ArgumentError, owner, rule, f"{shapes[0]} and {shapes[1]}", fix)


def image_spec(images: Any) -> Images:
    """Size, channels and type of a batch of images.

    Raises:
        ArgumentError: There is no such batch, or its size is not known.
    """
    shape, dtype = tuple(images.shape), keras.backend.standardize_dtype(images.dtype)
    if dtype not in (*INTEGERS, *FLOATS):
        fix = "Convert them: images.astype('uint8'), if they range from 0 to 255."
        raise refusal(ArgumentError, "Augment", "images must be uint8, uint16 or floating point", dtype, fix)
    if len(shape) != 4:
        fix = "Add the missing axis: images[None], images[..., None]."
        raise refusal(ArgumentError, "Augment", "images must be (batch, height, width, channels)", f"{shape}", fix)
    height, width, channels = shape[1:]
    if height is None or width is None or channels is None:
        rule = "the size of images must be known, for one program is compiled for each"
        fix = "Resize them in front of the layer, and declare Input((height, width, channels))."
        raise refusal(ArgumentError, "Augment", rule, f"{shape}", fix)
    check_channels_last("Augment", shape)
    return Images(height, width, channels, dtype)

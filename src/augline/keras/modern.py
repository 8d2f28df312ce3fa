"""An ImageDataGenerator's iterator as an augline Pipeline: the same data and ranges, in the form to go on with.

What differs, on purpose: draws are a pure function of (seed, epoch, sample); shifts, centre and brightness are mended;
files are resized in one resampling with the transforms, bilinear and antialiased; pixel shifts are drawn as fractions
of the side; "wrap" repeats whole images; `channel_shift_range` clips at the ends of the value range rather than of the
image's own; images are channels last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from augline.errors import ArgumentError
from augline.keras.legacy_arrays import NumpyArrayIterator
from augline.keras.legacy_folders import FileIterator
from augline.pipeline import Pipeline
from augline.sources import Arrays, Files, Source
from augline.transforms import (
    ColorJitter,
    Normalize,
    PerImageStandardization,
    RandomAffine,
    RandomBrightness,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    Rescaling,
    Resizing,
)
from augline.transforms.base import Transform

if TYPE_CHECKING:
    from augline.keras.image_data_generator import ImageDataGenerator
    from augline.keras.legacy_iterators import Iterator

_FILL_MODES = {"grid-mirror": "reflect", "grid-wrap": "wrap", "grid-constant": "constant"}
_LACKING = {
    "preprocessing_function": "write it as a transform (al.Map), or map it over pipe.to_tf()",
    "zca_whitening": "measure the source with al.fit(al.ZCAWhitening, source, path=...)",
}


def to_pipeline(iterator: Iterator) -> Pipeline:
    """See `Iterator.to_pipeline`."""
    generator: ImageDataGenerator = iterator.image_data_generator
    for name, instead in _LACKING.items():
        if getattr(generator, name):
            raise _refused(name, getattr(generator, name), f"Leave it out, and {instead}")
    source, size = _source(iterator)
    first: list[Transform] = []
    if isinstance(iterator, FileIterator):
        first = [Resizing(*iterator.target_size, crop_to_aspect_ratio=iterator.keep_aspect_ratio)]
    high = source.value_range[1]
    return Pipeline(
        source, [*first, *_moves(generator, size), *_values(generator, high)], batch_size=iterator.batch_size,
        seed=iterator.drawn_seed, shuffle=bool(iterator.shuffle), workers=iterator.threads,
    )  # fmt: skip


def _moves(generator: ImageDataGenerator, size: tuple[int, int]) -> list[Transform]:
    mode: Any = _FILL_MODES.get(generator.fill_mode, generator.fill_mode)
    fill: dict[str, Any] = {"fill_mode": mode, "fill_value": float(generator.cval)}
    fill["interpolation"] = "bilinear" if generator.interpolation_order else "nearest"
    moves: list[Transform] = []
    if generator.rotation_range:
        moves.append(RandomRotation(generator.rotation_range / 360, **fill))
    shifts = generator.height_shift_range, generator.width_shift_range
    if any(np.max(shift) for shift in shifts):
        moves.append(RandomTranslation(*(_fraction(s, side) for s, side in zip(shifts, size, strict=True)), **fill))
    if generator.shear_range:
        moves.append(RandomAffine(shear=generator.shear_range, **fill))
    low, high = (bound - 1 for bound in generator.zoom_range)
    if low or high:
        moves.append(RandomZoom((low, high), (low, high), **fill))
    flips = {(True, True): "horizontal_and_vertical", (True, False): "horizontal", (False, True): "vertical"}
    mirrored: Any = flips.get((bool(generator.horizontal_flip), bool(generator.vertical_flip)))
    return [*moves, RandomFlip(mirrored)] if mirrored else moves


def _fraction(shift: Any, side: int) -> float:
    """The largest shift as a fraction of the side; a whole number n draws up to n - 1 pixels."""
    most = float(np.max(np.abs(shift)))
    if isinstance(shift, (int, np.integer)):
        most -= 1
    return most if np.max(shift) < 1 else min(most / side, 1.0)


def _values(generator: ImageDataGenerator, high: float) -> list[Transform]:
    values: list[Transform] = []
    if generator.channel_shift_range:
        values.append(RandomBrightness(min(generator.channel_shift_range / high, 1.0)))
    if generator.brightness_range is not None:
        values.append(ColorJitter((generator.brightness_range[0], generator.brightness_range[1]), shuffle=False))
    scale = float(generator.rescale or 1.0)
    values.append(Rescaling(scale))
    if generator.samplewise_center:
        scale = bool(generator.samplewise_std_normalization)
        values.append(PerImageStandardization(scale=scale, epsilon=1e-6 if scale else None))
    if generator.featurewise_center and generator.mean is not None:
        mean, std = np.ravel(generator.mean), np.ones(1) if generator.std is None else np.ravel(generator.std) + 1e-6
        values.append(Normalize(tuple(map(float, mean)), tuple(map(float, std))))
    return values


def _source(iterator: Iterator) -> tuple[Source, tuple[int, int]]:
    if isinstance(iterator, NumpyArrayIterator):
        if iterator.x_misc:
            raise _refused("x", "a tuple", "Leave the other inputs out, and zip them to pipe.to_tf()")
        images = iterator.source_images
        unit = images.dtype != np.uint8 and float(images.max()) <= 1
        value_range = None if images.dtype == np.uint8 else (0.0, 1.0 if unit else 255.0)
        arrays = Arrays(images, iterator.y, weights=iterator.sample_weight, value_range=value_range)
        return arrays, (images.shape[1], images.shape[2])
    assert isinstance(iterator, FileIterator)
    labels, names = _labels(iterator)
    files = Files(
        iterator.filepaths, labels, weights=iterator.sample_weight, color_mode=iterator.color_mode, exif=False,
        class_names=names,
    )  # fmt: skip
    return files, iterator.target_size


def _labels(iterator: FileIterator) -> tuple[Any, list[str] | None]:
    """(labels, class names)."""
    mode = iterator.class_mode
    if mode is None:
        return None, None
    if mode == "sparse":
        return np.asarray(iterator.classes), list(iterator.class_indices)
    if mode == "raw":
        return np.asarray(iterator.labels), None
    if mode in ("categorical", "binary"):
        return iterator.targets(np.empty(0), np.arange(iterator.n)), None
    raise _refused("class_mode", mode, "Use 'sparse', 'categorical', 'binary', 'raw' or None")


def _refused(name: str, value: Any, fix: str) -> ArgumentError:
    return ArgumentError(f"to_pipeline(): a Pipeline has nothing like {name}. Received {name}={value!r}. {fix}.")

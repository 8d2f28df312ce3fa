"""The iterator of `ImageDataGenerator.flow`: images in memory."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline.errors import ArgumentError
from augline.keras.legacy_iterators import Iterator
from augline.keras.legacy_samples import ArraySamples
from augline.keras.quirks import announce

Array = NDArray[Any]


class NumpyArrayIterator(Iterator):
    """Batches of images in memory, with what belongs to them.

    uint8 images stay as they are and become floats sample by sample; `x` gives all of them as floats, as Keras does.

    Args:
        x: Images, or (images, other inputs).
        y: Targets.
        generator: The ImageDataGenerator.
        sample_weight: One per image.
        subset: "training" or "validation".
        ignore_class_split: Whether the two subsets may have different classes.
        batch_size: Samples per batch.
        shuffle: Whether each epoch has an order of its own.
        seed: Of order and draws.
        save: (folder, prefix, format).
    """

    def __init__(
        self, x: Any, y: Any, generator: Any, *, sample_weight: Any, subset: str | None, ignore_class_split: bool,
        batch_size: int, shuffle: bool, seed: int | None, save: tuple[Any, str, str],
    ) -> None:  # fmt: skip
        images, others = _inputs(x)
        for name, column in (("y", y), ("sample_weight", sample_weight)):
            if column is not None and len(column) != len(images):
                raise ArgumentError(
                    f"`x` (images tensor) and `{name}` should have the same length. Found: x.shape = "
                    f"{np.shape(images)}, {name}.shape = {np.shape(column)}"
                )
        part = _part(len(images), y, generator, subset, ignore_class_split)
        images = images[part]
        self.x_misc = [other[part] for other in others]
        self.y = None if y is None else np.asarray(y[part])
        # Keras splits images and targets, but not the weights; that is a fault with no use, so ours go along.
        self.sample_weight = None if sample_weight is None else np.asarray(sample_weight[part])
        self._x = _checked(np.asarray(images), generator)
        samples = ArraySamples(self._x, generator.data_format == "channels_first")
        super().__init__(
            len(self._x), batch_size, shuffle, seed, generator=generator, samples=samples, dtype=generator.dtype,
            save=save, most_hash=10_000,
        )  # fmt: skip
        height, width, _ = samples.shape
        announce(generator, height, width, generator.brightness_range is not None and _unit(self._x), stacklevel=3)

    @property
    def x(self) -> Array:
        """The images, as floats."""
        return np.asarray(self._x, self.dtype)

    @property
    def source_images(self) -> Array:
        """The images as they are kept, channels last."""
        return self._x if self.data_format == "channels_last" else self._x.transpose(0, 2, 3, 1)

    def _working_dtype(self) -> Any:
        return np.dtype(self.dtype).type

    def _read(self, row: int) -> Array:
        return np.array(self._x[row], self.dtype)

    def _output(self, images: Array, rows: NDArray[np.int64]) -> Any:
        inputs: Any = [images, *(other[rows] for other in self.x_misc)] if self.x_misc else images
        if self.y is None:
            return inputs
        targets = (self.y[rows],)
        return (inputs, *targets) if self.sample_weight is None else (inputs, *targets, self.sample_weight[rows])


def _inputs(x: Any) -> tuple[Any, list[Array]]:
    """(images, the other inputs)."""
    if not isinstance(x, (tuple, list)):
        return x, []
    others = [np.asarray(other) for other in (x[1] if isinstance(x[1], list) else [x[1]])]
    for other in others:
        if len(other) != len(x[0]):
            raise ArgumentError(
                "All of the arrays in `x` should have the same length. Found a pair with: "
                f"len(x[0]) = {len(x[0])}, len(x[?]) = {len(other)}"
            )
    return x[0], others


def _part(count: int, y: Any, generator: Any, subset: str | None, ignore_class_split: bool) -> slice:
    if subset is None:
        return slice(None)
    if subset not in ("training", "validation"):
        raise ArgumentError(f'Invalid subset name: {subset}; expected "training" or "validation".')
    split = int(count * generator.validation_split)
    if y is not None and not ignore_class_split and not np.array_equal(np.unique(y[:split]), np.unique(y[split:])):
        raise ArgumentError(
            "Training and validation subsets have different number of classes after the split. If your numpy arrays "
            "are sorted by the label, you might want to shuffle them."
        )
    return slice(0, split) if subset == "validation" else slice(split, None)


def _checked(images: Array, generator: Any) -> Array:
    quick = images.dtype == np.uint8 and np.dtype(generator.dtype) in (np.float32, np.float64)
    images = images if quick else np.asarray(images, generator.dtype)
    if images.ndim != 4:
        raise ArgumentError(
            f"Input data in `NumpyArrayIterator` should have rank 4. You passed an array with shape {images.shape}"
        )
    axis = generator.channel_axis
    if images.shape[axis] not in (1, 3, 4):
        warnings.warn(
            f"NumpyArrayIterator is set to use the data format convention {generator.data_format!r} (channels on axis "
            f"{axis}), i.e. expected either 1, 3, or 4 channels on axis {axis}. However, it was passed an array with "
            f"shape {images.shape} ({images.shape[axis]} channels).",
            stacklevel=5,
        )
    return images


def _unit(images: Array) -> bool:
    return images.dtype != np.uint8 and images.size > 0 and bool(images.max() <= 1) and bool(images.min() >= 0)

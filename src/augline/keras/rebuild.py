"""Iterators of Keras's own ImageDataGenerator as ours: the same files, order, place and numbers to draw."""

from __future__ import annotations

from typing import Any

import numpy as np

from augline.errors import ArgumentError
from augline.keras.image_data_generator import ImageDataGenerator
from augline.keras.legacy_arrays import NumpyArrayIterator
from augline.keras.legacy_folders import DataFrameIterator, DirectoryIterator, FileIterator
from augline.keras.legacy_iterators import Iterator

_MODULE = "keras.src.legacy.preprocessing.image"
_ARGUMENTS = (
    "featurewise_center", "samplewise_center", "featurewise_std_normalization", "samplewise_std_normalization",
    "zca_whitening", "zca_epsilon", "rotation_range", "width_shift_range", "height_shift_range", "brightness_range",
    "shear_range", "zoom_range", "channel_shift_range", "fill_mode", "cval", "horizontal_flip", "vertical_flip",
    "rescale", "preprocessing_function", "data_format", "interpolation_order", "dtype",
)  # fmt: skip
_STATISTICS = ("mean", "std", "zca_whitening_matrix")
_PLACE = ("batch_index", "total_batches_seen", "index_array")
_METHODS = ("get_random_transform", "apply_transform", "random_transform", "standardize", "__getitem__")
_LISTED = (
    "target_size", "color_mode", "batch_size", "shuffle", "seed", "save_to_dir", "save_prefix", "save_format",
    "subset", "interpolation", "keep_aspect_ratio",
)  # fmt: skip


def from_keras_iterator(iterator: Any) -> Iterator | None:
    """The same batches from augline's drop-in, from the batch on that the iterator would give next.

    Args:
        iterator: What `flow`, `flow_from_directory` or `flow_from_dataframe` of Keras's ImageDataGenerator gave. It
            stays as it is; its arrays and lists are shared.

    Returns:
        An iterator with the same batches in the same order; see `ImageDataGenerator` for how near pixels are. None for
        anything else: another class, a subclass (whose methods only it knows), methods or layouts put in from outside,
        and what the drop-in means to do otherwise (weights of a subset).

    Example:
        >>> import numpy as np
        >>> from augline.keras import ImageDataGenerator, from_keras_iterator
        >>> from_keras_iterator(np.zeros((2, 8, 8, 3))) is None
        True
    """
    kind = type(iterator)
    make = _KINDS.get(kind.__name__) if kind.__module__ == _MODULE else None
    if make is None or _altered(iterator):
        return None
    try:
        generator = _generator(iterator.image_data_generator)
        rebuilt = None if generator is None else make(iterator, generator)
    except ArgumentError:  # what Keras takes, and then does something of its own with
        return None
    if rebuilt is None or (rebuilt.data_format, rebuilt.dtype) != (iterator.data_format, iterator.dtype):
        return None
    for name in _PLACE:
        setattr(rebuilt, name, getattr(iterator, name))
    return rebuilt


def _generator(theirs: Any) -> ImageDataGenerator | None:
    kind = type(theirs)
    if (kind.__module__, kind.__name__) != (_MODULE, "ImageDataGenerator") or _altered(theirs):
        return None
    ours = ImageDataGenerator(**{name: getattr(theirs, name) for name in _ARGUMENTS})
    ours.validation_split = theirs._validation_split
    for name in _STATISTICS:
        setattr(ours, name, getattr(theirs, name))
    return ours


def _altered(theirs: Any) -> bool:
    """Whether somebody has put methods of their own into the object."""
    return any(name in vars(theirs) for name in _METHODS)


def _arrays(theirs: Any, generator: ImageDataGenerator) -> NumpyArrayIterator | None:
    weights = theirs.sample_weight
    if weights is not None and len(weights) != len(theirs.x):  # Keras splits images for a subset, but not the weights
        return None
    return NumpyArrayIterator(
        (theirs.x, list(theirs.x_misc)) if theirs.x_misc else theirs.x, theirs.y, generator, sample_weight=weights,
        subset=None, ignore_class_split=True, batch_size=theirs.batch_size, shuffle=theirs.shuffle, seed=theirs.seed,
        save=(theirs.save_to_dir, theirs.save_prefix, theirs.save_format),
    )  # fmt: skip


def _folder(theirs: Any, generator: ImageDataGenerator) -> FileIterator | None:
    ours = object.__new__(DirectoryIterator)
    ours.num_classes, ours.class_indices, ours.classes = theirs.num_classes, theirs.class_indices, theirs.classes
    return _files(theirs, ours, generator)


def _table(theirs: Any, generator: ImageDataGenerator) -> FileIterator | None:
    ours = object.__new__(DataFrameIterator)
    for name in ("class_indices", "classes"):
        if hasattr(theirs, name):
            setattr(ours, name, getattr(theirs, name))
    if theirs.class_mode in ("multi_output", "raw"):
        ours._outputs = theirs._targets
    weights = theirs.sample_weight
    ours.sample_weight = None if weights is None else np.asarray(weights)
    return _files(theirs, ours, generator)


def _files(theirs: Any, ours: Any, generator: ImageDataGenerator) -> FileIterator | None:
    ours.class_mode, ours.split = theirs.class_mode, theirs.split
    options = {name: getattr(theirs, name) for name in _LISTED}
    FileIterator.__init__(ours, list(theirs.filenames), theirs.directory, generator, options)
    return ours if ours.filepaths == list(theirs.filepaths) else None


_KINDS = {"NumpyArrayIterator": _arrays, "DirectoryIterator": _folder, "DataFrameIterator": _table}

"""The last step of an ImageDataGenerator: rescaling and centring, and the statistics that it needs."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline.engines.portable.finish import whitened
from augline.statistics import whitening

Array = NDArray[Any]
_EPSILON = 1e-6  # Keras's, so that flat images are not divided by zero


def standardize(settings: Any, x: Array, axes: tuple[int, ...] | None = None) -> Array:
    """Applies what is switched on, in Keras's order, in place as far as that goes.

    Args:
        settings: An ImageDataGenerator.
        x: One image, or a batch.
        axes: What "the sample" is: all of x by default, as in Keras; (1, 2, 3) for each image of a batch.
    """
    if settings.preprocessing_function:
        x = settings.preprocessing_function(x)
    if settings.rescale:
        x *= settings.rescale
    if settings.samplewise_center:
        x -= np.mean(x, axis=axes, keepdims=True)
    if settings.samplewise_std_normalization:
        x /= np.std(x, axis=axes, keepdims=True) + _EPSILON
    if settings.featurewise_center and settings.mean is not None:
        x -= settings.mean
    if settings.featurewise_std_normalization and settings.std is not None:
        x /= settings.std + _EPSILON
    if settings.zca_whitening and settings.zca_whitening_matrix is not None:
        x = whitened(np, x, settings.zca_whitening_matrix)
    return x


def warn_unfitted(settings: Any, stacklevel: int) -> None:
    """Says what is switched on but has no statistics yet, and is left out for that reason."""
    statistics = ("mean", "std", "zca_whitening_matrix")
    arguments = ("featurewise_center", "featurewise_std_normalization", "zca_whitening")
    for argument, statistic in zip(arguments, statistics, strict=True):
        if getattr(settings, argument) and getattr(settings, statistic) is None:
            warnings.warn(
                f"This ImageDataGenerator specifies `{argument}`, but it hasn't been fit on any training data, so that "
                "this step is left out. Call `.fit(images)` first.",
                stacklevel=stacklevel + 1,
            )


def measure(settings: Any, x: Array) -> None:
    """Sets mean, std and ZCA matrix from images that have been rescaled, which it overwrites."""
    axes = (0, settings.row_axis, settings.col_axis)
    shape = [1, 1, 1]
    shape[settings.channel_axis - 1] = x.shape[settings.channel_axis]
    if settings.featurewise_center:
        settings.mean = np.mean(x, axis=axes).reshape(shape)
        x -= settings.mean
    if settings.featurewise_std_normalization:
        settings.std = np.std(x, axis=axes).reshape(shape)
        x /= settings.std + _EPSILON
    if settings.zca_whitening:
        flat = x.reshape(len(x), -1)
        axes_of_data, singular, _ = np.linalg.svd(flat.T, full_matrices=False)
        settings.zca_whitening_matrix = whitening(axes_of_data, singular, len(x), settings.zca_epsilon)

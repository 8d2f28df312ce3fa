"""`fit`: statistics of a data set, measured in one pass over it, as a transform that applies them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from augline.errors import ArgumentError
from augline.pipeline import Pipeline
from augline.sources import Source
from augline.statistics import Moments, whitening
from augline.transforms.values import Normalize
from augline.transforms.whitening import MOST_FEATURES, ZCAWhitening

_LEAST = 1e-7  # Keras's bound for the deviation of a channel that never changes
_ROWS = 256

Fitted = TypeVar("Fitted", Normalize, ZCAWhitening)


def fit(
    transform: type[Fitted], data: Source | Pipeline, *, size: tuple[int, int] | None = None, per_channel: bool = True,
    path: str | Path | None = None, epsilon: float = 1e-6, center: bool = True,
) -> Fitted:  # fmt: skip
    """Measures a data set in one pass, and gives the transform that its statistics make.

    Images are read as `Pipeline` reads them and looked at one batch at a time, so memory does not grow with the data.
    Given a pipeline, what comes out of it in epoch 0 is measured: put the result behind its list.

    - `Normalize`: mean and standard deviation of each channel, over all pixels. This is what ImageDataGenerator's
      `fit` measures for `featurewise_center` and `featurewise_std_normalization`, and Keras's `Normalization.adapt`.
      For integer images they are on the scale of 0 to 1, as `Normalize` takes them.
    - `ZCAWhitening`: the mean image, and the matrix that whitens, written to `path`. Images may have 4096 values.

    Args:
        transform: The class `Normalize` or `ZCAWhitening`.
        data: A source, or a pipeline.
        size: (height, width) that a source's images are brought to; needed where they differ.
        per_channel: Of `Normalize`: whether each channel has a mean of its own, or one holds for all.
        path: Of `ZCAWhitening`: the file to write, an .npz of two arrays.
        epsilon: Of `ZCAWhitening`: added to the singular values (√n times the deviation along each axis).
        center: Of `ZCAWhitening`: whether the mean image is taken off. ImageDataGenerator takes off the mean of each
            channel instead: that is a `Normalize(mean, 1)` in front, and `center=False` here.

    Raises:
        ArgumentError: The transform cannot be fitted, or images are too large for ZCA whitening.

    Example:
        >>> import augline as al, numpy as np
        >>> images = np.zeros((10, 8, 8, 3), "uint8")
        >>> images[:5] = 255, 51, 0
        >>> fitted = al.fit(al.Normalize, al.Arrays(images))
        >>> np.round(fitted.mean, 4).tolist(), np.round(fitted.std, 4).tolist()
        ([0.5, 0.1, 0.0], [0.5, 0.1, 0.0])
    """
    if transform not in (Normalize, ZCAWhitening):
        raise ArgumentError(
            f"fit({transform!r}): it must be a transform with statistics of a data set. Received {transform!r}. Write "
            "al.fit(al.Normalize, source) or al.fit(al.ZCAWhitening, source, path=...)."
        )
    pipe = data if isinstance(data, Pipeline) else Pipeline(data, size=size, shuffle=False)
    if data is pipe and size is not None:
        raise ArgumentError(
            f"fit({transform.__name__}, size=...): a pipeline has its size. Received size={size}. Leave it out."
        )
    if transform is Normalize:
        return transform(*_normalize(pipe, per_channel))
    if path is None:
        raise ArgumentError("fit(ZCAWhitening): path must be given. Received nothing. Write path='zca.npz'.")
    return transform(*_zca(pipe, path, epsilon, center))


def _normalize(pipe: Pipeline, per_channel: bool) -> tuple[Any, Any]:
    """Mean and deviation of each channel."""
    channels = pipe.program.output_channels if per_channel else 1
    moments = Moments(channels)
    for images in _batches(pipe):
        for image in images:
            moments.add(image.reshape(-1, channels))
    dtype = pipe.program.output_dtype
    full = float(np.iinfo(dtype).max) if dtype.startswith("uint") else 1.0
    deviation = np.maximum(np.sqrt(moments.variance) / full, _LEAST)
    return tuple((moments.mean / full).tolist()), tuple(deviation.tolist())


def _zca(pipe: Pipeline, path: str | Path, epsilon: float, center: bool) -> tuple[Any, Any]:
    """The file written, and its digest."""
    shape = (*pipe.program.common_size(), pipe.program.output_channels)
    features = int(np.prod(shape))
    if features > MOST_FEATURES or not epsilon > 0:
        raise ArgumentError(
            f"fit(ZCAWhitening, epsilon={epsilon!r}): images may have {MOST_FEATURES} values, and epsilon must be "
            f"above 0. Received images of {' x '.join(map(str, shape))} = {features} values. Give a smaller size=, or "
            "epsilon=1e-6."
        )
    moments = Moments(features, together=True)
    for images in _batches(pipe):
        for start in range(0, len(images), _ROWS):
            moments.add(images[start : start + _ROWS].reshape(-1, features).astype(np.float64))
    mean, scatter = moments.mean, moments.scatter
    if not center:
        scatter, mean = scatter + moments.count * np.outer(mean, mean), np.zeros(features)
    spread, axes = np.linalg.eigh(scatter)
    real = spread > spread[-1] * features * np.finfo(np.float64).eps  # the rest is rounding, not data
    matrix = whitening(axes[:, real], np.sqrt(spread[real]), moments.count, epsilon)
    file = Path(path)
    with file.open("wb") as stream:
        np.savez(stream, mean=mean.reshape(shape).astype(np.float32), matrix=matrix.astype(np.float32))
    return str(path), hashlib.sha256(file.read_bytes()).hexdigest()


def _batches(pipe: Pipeline) -> Iterator[NDArray[Any]]:
    for step, batch in enumerate(pipe.epoch(0)):
        images = np.asarray(
            batch["images"] if isinstance(batch, dict) else batch[0] if isinstance(batch, tuple) else batch
        )
        if images.dtype.kind == "f" and not np.isfinite(images).all():
            row = int(np.isfinite(images.reshape(len(images), -1)).all(axis=1).argmin())
            index = pipe.indices(0, np.array([step * pipe.batch_size + row])).item()
            raise ArgumentError(
                f"fit({pipe.source!r}): all values must be finite. Received NaN or infinity in sample {index}. Fill "
                "them, with np.nan_to_num(image) for example."
            )
        yield images

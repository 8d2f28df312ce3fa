"""What is done to finished images: standardised by their own statistics, whitened by a fitted matrix."""

from __future__ import annotations

from augline.arrays import Array, Namespace, over_image, shape_of
from augline.plan.finish import Standardize, Whiten
from augline.plan.stages import Rescale, Stage


def finished(xp: Namespace, images: Array, stage: Stage) -> Array:
    """Images `(batch, height, width, channels)` of the values that come out, after one more step."""
    if isinstance(stage, Standardize):
        return standardized(xp, images, stage)
    if isinstance(stage, Whiten):
        return whitened(xp, images, stage.whitening.matrix, stage.whitening.mean)
    assert isinstance(stage, Rescale)
    scale, offset = (xp.asarray(v, dtype=images.dtype) for v in (stage.scale, stage.offset))
    return images * scale + offset


def standardized(xp: Namespace, images: Array, stage: Standardize) -> Array:
    """Each image by its own mean and standard deviation."""

    def average(values: Array) -> Array:
        means = over_image(xp, values, xp.mean)
        return means if stage.per_channel else xp.mean(means, axis=3, keepdims=True)

    mean = average(images)
    if stage.scales:
        images = images - mean
        deviation = xp.sqrt(average(images * images))
        values = images.shape[1] * images.shape[2] * (1 if stage.per_channel else images.shape[3])
        bound = xp.clip(deviation, min=values**-0.5) if stage.epsilon is None else deviation + stage.epsilon
        return images / bound if stage.centers else (images + mean) / bound
    return images - mean if stage.centers else images


def whitened(xp: Namespace, images: Array, matrix: Array, mean: Array | None = None) -> Array:
    """Images `(..., height, width, channels)` flattened, less a mean, times a matrix; in the matrix's precision."""
    features = int(matrix.shape[0])
    flat = xp.astype(xp.reshape(images, (-1, features)), matrix.dtype)
    flat = flat if mean is None else flat - mean
    return xp.reshape(xp.matmul(flat, matrix), shape_of(xp, images))

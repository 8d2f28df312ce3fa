"""What is done to finished images, in their slots: float32, in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augline.engines.portable.finish import whitened
from augline.plan.finish import Standardize, Whiten
from augline.plan.stages import Rescale, Stage

Image = NDArray[Any]


def finish_step(stage: Stage) -> Callable[[Image], None]:
    """A function that changes an image `(height, width, channels)` in place."""
    if isinstance(stage, Standardize):
        return _standardize(stage)
    if isinstance(stage, Whiten):
        matrix, mean = stage.whitening.matrix, stage.whitening.mean
        return lambda image: np.copyto(image, whitened(np, image, matrix, mean))
    assert isinstance(stage, Rescale)
    scale, offset = (np.asarray(v, np.float32) for v in (stage.scale, stage.offset))

    def rescale(image: Image) -> None:
        np.multiply(image, scale, out=image)
        np.add(image, offset, out=image)

    return rescale


def _standardize(stage: Standardize) -> Callable[[Image], None]:
    def step(image: Image) -> None:
        mean, deviation = _moments(image, stage.per_channel)
        values = image.size // len(mean)
        bound = np.maximum(deviation, values**-0.5) if stage.epsilon is None else deviation + stage.epsilon
        # whole rows at a time: numpy's inner loop over three channels would be the slow one
        rows, times = image.reshape(len(image), -1), image.shape[1] if stage.per_channel else 1
        if stage.centers:
            np.subtract(rows, np.tile(mean, times).astype(np.float32), out=rows)
        if stage.scales:
            np.multiply(rows, np.tile(1 / bound, times).astype(np.float32), out=rows)

    return step


def _moments(image: Image, per_channel: bool) -> tuple[Image, Image]:
    """Mean and standard deviation of all values, or of each channel, in float64."""
    if not per_channel:
        mean, deviation = cv2.meanStdDev(image.reshape(len(image), -1))
        return mean[:, 0], deviation[:, 0]
    parts = [cv2.meanStdDev(np.ascontiguousarray(image[:, :, c])) for c in range(image.shape[2])]
    return np.asarray([m[0, 0] for m, _ in parts]), np.asarray([d[0, 0] for _, d in parts])

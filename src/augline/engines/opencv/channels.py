"""How many channels of an image go through an OpenCV kernel together, and memory for those that go with a fourth."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[Any]

FOUR_ARE_FASTER = int(cv2.__version__.split(".")[0]) >= 5
"""OpenCV 5.0 warps four channels (8 bits, float32) in 0.6 of the time it takes for three; there and back costs 0.15."""

_local = threading.local()
_NOTHING = np.empty(0, np.uint8)


def by_groups(image: Image, out: Image | None, size: tuple[int, int],
              kernel: Callable[[Image, Image | None, int], Any], most: int = 4) -> Image:  # fmt: skip
    """Runs a cv2 kernel of at most `most` channels on an image of any number; writes into `out` where given.

    cv2 drops a last axis of one channel, so such images go in and come out two-dimensional.
    """
    channels = image.shape[2]
    if channels == 1:
        result = kernel(image[:, :, 0], None if out is None else out[:, :, 0], 0)
        return np.asarray(result)[:, :, None] if out is None else out
    groups = passes(channels, most)
    if len(groups) == 1:
        return np.asarray(kernel(image, out, 0))
    result = np.empty((size[1], size[0], channels), image.dtype) if out is None else out
    for first, count in groups:
        part = np.ascontiguousarray(image[:, :, first] if count == 1 else image[:, :, first : first + count])
        result[:, :, first : first + count] = np.asarray(kernel(part, None, first)).reshape(size[1], size[0], count)
    return result


def most_channels(dtype: np.dtype[Any], projective: bool) -> int:
    """Channels a warp takes at once: OpenCV 4.13 gives wrong pixels, without a word, for more of uint16."""
    return (1 if projective else 3) if dtype == np.uint16 else 4


@cache
def passes(channels: int, most: int) -> list[tuple[int, int]]:
    """(first, count) of the channels that go through a kernel together.

    Never two: OpenCV 5.0 warps those on a coarse grid, 4 levels off.
    """
    rest = channels % most
    starts = [*range(0, channels - rest, most)]
    tail = [(channels - rest + k, 1) for k in range(rest)] if rest == 2 else [(channels - rest, rest)] * (rest > 0)
    return [(start, most) for start in starts] + tail


def scratch(slot: int, size: tuple[int, ...]) -> Image:
    """A four-channel 8-bit image of this size, one per thread and slot; it lies in memory that grows to the largest."""
    kept = _local.__dict__.get(str(slot), _NOTHING)
    count = size[0] * size[1] * 4
    if kept.size < count:
        kept = _local.__dict__[str(slot)] = np.empty(count, np.uint8)
    return np.asarray(kept[:count].reshape(size[0], size[1], 4))

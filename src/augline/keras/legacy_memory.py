"""Memory that each thread uses over and over, and images laid out for OpenCV in it."""

from __future__ import annotations

import math
import threading
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_local = threading.local()


def scratch(name: str, shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
    """Memory of this thread, for as long as nothing else asks for the same name."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory: Array | None = _local.__dict__.get(name)
    if memory is None or memory.size < size:
        memory = np.empty(size, np.uint8)
        setattr(_local, name, memory)
    result: Array = memory[:size].view(dtype).reshape(shape)
    return result


def widened(images: Array) -> Array:
    """Images of three channels with a fourth."""
    result = scratch("wide", (*images.shape[:3], 4), images.dtype)
    cv2.cvtColor(_rows(images), cv2.COLOR_RGB2RGBA, _rows(result))
    return result


def narrowed(images: Array, out: Array) -> None:
    """Images of four channels without the fourth."""
    cv2.cvtColor(_rows(images), cv2.COLOR_RGBA2RGB, _rows(out))


def as_floats(images: Array) -> Array:
    """The same in float32."""
    if images.dtype == np.float32:
        return images
    result = scratch("floats", images.shape)
    np.copyto(result, images)
    return result


def _rows(images: Array) -> Array:
    """Images one below the other."""
    return images.reshape(-1, *images.shape[2:])

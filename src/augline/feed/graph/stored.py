"""Images of several sizes in memory, to be read as files are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from augline.arrays import Array

_NO_FORMAT = -1


@dataclass(frozen=True, eq=False)
class Stored:
    """The images of a batch, or the frames of its videos; see `augline.feed.graph.files.Opened`.

    Attributes:
        pixels: `(pixels, channels)` of all images there are, row by row, one behind the other.
        start: `(batch,)` int64: where each begins.
        sizes: `(batch, 2)` int32, heights and widths.
    """

    pixels: Array
    start: Array
    sizes: Array

    @property
    def kind(self) -> Array:
        """No format, `(batch,)`: pixels are not decoded smaller."""
        return tf.fill(self.start.shape, _NO_FORMAT)

    @property
    def turn(self) -> Array:
        """1 for each, `(batch,)`: they are upright."""
        return tf.ones(self.start.shape, tf.int32)

    def image(self, number: Array, scale: Array, window: Array, *_: Any) -> Array:
        """The pixels of one in a window."""
        top, left, height, width = tf.unstack(window)
        wide = self.sizes[number, 1]
        first = self.start[number] + tf.cast(top * wide, tf.int64)
        rows = self.pixels[first : first + tf.cast(height * wide, tf.int64)]  # the same memory
        return tf.reshape(rows, (height, wide, self.pixels.shape[1]))[:, left : left + width]


class Store:
    """Images of several sizes as tensors, to be gathered from.

    Args:
        arrays: `([time, ]height, width, channels)` each.
    """

    def __init__(self, arrays: Iterable[NDArray[Any]]) -> None:
        arrays = [*arrays]
        frames = int(np.prod(arrays[0].shape[:-3]))
        sizes = np.repeat([array.shape[-3:-1] for array in arrays], frames, axis=0)
        ends = np.cumsum(np.prod(sizes, axis=1, dtype=np.int64))
        self._pixels = tf.constant(np.concatenate([array.reshape(-1, array.shape[-1]) for array in arrays]))
        self._starts, self._sizes = tf.constant(np.append(0, ends[:-1])), tf.constant(sizes, tf.int32)

    def take(self, indices: Array) -> Stored:
        """Those of some images, or frames of all videos, by their numbers `(batch,)`."""
        return Stored(self._pixels, tf.gather(self._starts, indices), tf.gather(self._sizes, indices))

"""Polygons as tensors, to be gathered from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from augline.arrays import Array
from augline.sources.polygons import rings_of
from augline.sources.rings import Rings


class Polygons:
    """The polygons of all images, and of all frames where samples are videos.

    Args:
        rows: One list of outlines per image.
    """

    def __init__(self, rows: Sequence[Sequence[NDArray[Any]]]) -> None:
        rings = rings_of([*chain.from_iterable(rows)])
        begins = np.flatnonzero(np.diff(rings.ring, prepend=-1))
        objects = np.cumsum([0, *map(len, rows)])
        parts = np.searchsorted(rings.owner[begins], np.arange(objects[-1] + 1))
        splits = [objects, parts, np.append(begins, len(rings.ring))]
        points = tf.constant(rings.points, tf.float32)
        self._points = tf.RaggedTensor.from_nested_row_splits(points, [tf.constant(s, tf.int64) for s in splits])

    def take(self, indices: Array, room: int) -> Rings:
        """Those of some images, `(batch,)`; outline k of image i is object i * room + k."""
        found = tf.gather(self._points, indices)
        image, thing, ring = found.nested_value_rowids()
        place = image * room + tf.range(tf.size(image, tf.int64)) - tf.gather(found.row_starts(), image)
        return Rings(found.flat_values, ring, tf.gather(place, tf.gather(thing, ring)))

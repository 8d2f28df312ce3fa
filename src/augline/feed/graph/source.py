"""What of a source a graph needs: paths or pixels, and ids, as tensors."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from augline.arrays import Array
from augline.feed.graph.formats import START, check_formats
from augline.feed.graph.refuse import refused
from augline.sources.arrays import Arrays
from augline.sources.base import FileSource, Source, Subset, read_file
from augline.sources.remote import read, state
from augline.sources.tfrecords import TFRecords


class Samples:
    """The samples of a source as tensors, to be gathered from.

    Args:
        source: Files, or arrays of one size.

    Raises:
        EngineError: No graph can read it.
    """

    def __init__(self, source: Source) -> None:
        whole, indices = _whole(source)
        self.paths: Array | None = None
        self.images: Array | None = None
        self._parts: Parts | None = None
        if isinstance(whole, FileSource):
            paths = [whole.paths[k] for k in indices.tolist()]
            check_formats(paths, lambda number: read_file(repr(source), paths[number], START))
            self.paths = tf.constant([os.fsencode(path) for path in paths])  # names need not be UTF-8
        elif isinstance(whole, TFRecords):
            names = [whole.name(k) for k in indices.tolist()]
            self.paths, self._parts = tf.constant(names), Parts(whole.shards, whole.places[indices])
            check_formats(names, self._parts.start)
        elif isinstance(whole, Arrays) and whole.size is not None:
            self.images = tf.constant(np.asarray(whole.images))
        else:
            rule = "it must be a source of files or TFRecords, or images of one size in memory"
            raise refused(repr(source), rule, repr(whole))
        if self.images is None and source.channels not in (1, 3, 4):
            raise refused(repr(source), "images of files must have 1, 3 or 4 channels", f"{source.channels}")
        self.indices = None if indices.size == len(whole) else tf.constant(indices)
        self.ids = tf.constant(source.ids(np.arange(len(source))))

    def files(self, indices: Array) -> Array:
        """The encoded files of samples, `(batch,)`."""
        if self._parts is None:
            return tf.map_fn(tf.io.read_file, tf.gather(self.paths, indices))
        return self._parts.read(indices)

    def image(self, indices: Array) -> Array:
        """The images `(batch[, time], height, width, channels)` of samples that lie in memory."""
        return tf.gather(self.images, indices if self.indices is None else tf.gather(self.indices, indices))


class Parts:
    """Parts of a few large files as tensors.

    Args:
        files: Paths.
        places: `(n, 3)`: of each part its file, and where in it the part begins and ends.
    """

    def __init__(self, files: Sequence[str], places: np.ndarray[Any, Any]) -> None:
        self._where = files, places
        self._files, self._places = tf.constant(files), tf.constant(places)
        self._sizes = tf.constant([state(path)[1] for path in files], tf.int64)

    def start(self, number: int) -> bytes:
        """The first bytes of a part, in Python."""
        files, places = self._where
        file, start, _ = places[number].tolist()
        return read(files[file], start, start + START)

    def read(self, indices: Array) -> Array:
        """The bytes of parts `(batch,)`."""
        return tf.map_fn(self._read, tf.gather(self._places, indices), fn_output_signature=tf.string)

    def _read(self, place: Array) -> Array:
        number, start, end = tf.unstack(place)
        path, size = tf.gather(self._files, number), tf.gather(self._sizes, number)
        found = tf.data.FixedLengthRecordDataset(path, end - start, start, size - end)
        return found.get_single_element()


def _whole(source: Source) -> tuple[Source, np.ndarray[Any, Any]]:
    """The source that a part was taken from, and which of its samples."""
    indices = np.arange(len(source))
    while isinstance(source, Subset):
        indices, source = source.indices[indices], source.source
    return source, indices

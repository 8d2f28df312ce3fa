"""What of a source a graph needs: paths or pixels, and ids, as tensors."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from augline.arrays import Array
from augline.feed.graph.files import Opened, opened
from augline.feed.graph.formats import START, check_formats
from augline.feed.graph.frames import frames_of
from augline.feed.graph.refuse import refused
from augline.feed.graph.stored import Store, Stored
from augline.sources.arrays import Arrays
from augline.sources.base import FileSource, Source, Subset, read_file
from augline.sources.remote import read, state
from augline.sources.tfrecords import TFRecords


class Samples:
    """The samples of a source as tensors, to be gathered from.

    Args:
        source: Files, or arrays.

    Raises:
        EngineError: No graph can read it.
    """

    def __init__(self, source: Source) -> None:
        whole, indices = _whole(source)
        self.paths: Array | None = None
        self.images: Array | None = None
        self._parts: Parts | None = None
        self._store: Store | None = None
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
        elif isinstance(whole, Arrays):
            self._store, self._lead = Store(whole.images), whole.lead
        else:
            rule = "it must be a source of files or TFRecords, or images in memory"
            raise refused(repr(source), rule, repr(whole))
        if self.paths is not None and source.channels not in (1, 3, 4):
            raise refused(repr(source), "images of files must have 1, 3 or 4 channels", f"{source.channels}")
        self._indices = None if indices.size == len(whole) else tf.constant(indices)
        self.ids, self._exif = tf.constant(source.ids(np.arange(len(source)))), source.exif

    def names(self, indices: Array) -> Array:
        """What to call samples in messages."""
        if self.paths is not None:
            return tf.gather(self.paths, indices)
        return tf.strings.join(["images[", tf.strings.as_string(self._of_whole(indices)), "]"])

    def opened(self, indices: Array) -> Opened | Stored:
        """Images of several sizes, or the frames of such videos, ready to be read."""
        if self._store is not None:
            return self._store.take(frames_of(self._of_whole(indices), self._lead))
        return opened(self._files(indices), self.names(indices), self._exif)

    def image(self, indices: Array) -> Array:
        """The images `(batch[, time], height, width, channels)` of samples that lie in memory in one size."""
        return tf.gather(self.images, self._of_whole(indices))

    def _of_whole(self, indices: Array) -> Array:
        """The indices of samples in the source that this one is a part of."""
        return indices if self._indices is None else tf.gather(self._indices, indices)

    def _files(self, indices: Array) -> Array:
        """The encoded files of samples, `(batch,)`."""
        if self._parts is None:
            return tf.map_fn(tf.io.read_file, tf.gather(self.paths, indices))
        return self._parts.read(indices)


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

"""What of a source a graph needs: paths or pixels, and ids, as tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from augline.arrays import Array
from augline.feed.graph.refuse import refused
from augline.sources.arrays import Arrays
from augline.sources.base import FileSource, Source, Subset
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
        self._places: Array | None = None
        if isinstance(whole, FileSource):
            self.paths = tf.constant([whole.paths[k] for k in indices.tolist()])
        elif isinstance(whole, TFRecords):
            self.paths = tf.constant([whole.name(k) for k in indices.tolist()])
            self._shards, self._places = tf.constant(whole.shards), tf.constant(whole.places[indices])
            self._sizes = tf.constant([Path(shard).stat().st_size for shard in whole.shards], tf.int64)
        elif isinstance(whole, Arrays) and isinstance(whole.images, np.ndarray):
            self.images = tf.constant(whole.images)
        else:
            rule = "it must be a source of files or TFRecords, or an array of images of one size"
            raise refused(repr(source), rule, type(whole).__name__)
        self.indices = None if indices.size == len(whole) else tf.constant(indices)
        self.ids = tf.constant(source.ids(np.arange(len(source))))

    def files(self, indices: Array) -> Array:
        """The encoded files of samples, `(batch,)`."""
        if self._places is None:
            return tf.map_fn(tf.io.read_file, tf.gather(self.paths, indices))
        return tf.map_fn(self._part, tf.gather(self._places, indices), fn_output_signature=tf.string)

    def _part(self, place: Array) -> Array:
        """The bytes of a shard between two places."""
        shard, start, end = tf.unstack(place)
        path, size = tf.gather(self._shards, shard), tf.gather(self._sizes, shard)
        found = tf.data.FixedLengthRecordDataset(path, end - start, start, size - end)
        return found.get_single_element()

    def image(self, indices: Array) -> Array:
        """The images `(batch[, time], height, width, channels)` of samples that lie in memory."""
        return tf.gather(self.images, indices if self.indices is None else tf.gather(self.indices, indices))


def _whole(source: Source) -> tuple[Source, np.ndarray[Any, Any]]:
    """The source that a part was taken from, and which of its samples."""
    indices = np.arange(len(source))
    while isinstance(source, Subset):
        indices, source = source.indices[indices], source.source
    return source, indices

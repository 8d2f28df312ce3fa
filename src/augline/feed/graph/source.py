"""What of a source a graph needs: paths or pixels, and ids, as tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from augline.arrays import Array
from augline.feed.graph.refuse import refused
from augline.sources.arrays import Arrays
from augline.sources.base import FileSource, Source, Subset


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
        if isinstance(whole, FileSource):
            self.paths = tf.constant([whole.paths[k] for k in indices.tolist()])
        elif isinstance(whole, Arrays) and isinstance(whole.images, np.ndarray):
            self.images = tf.constant(whole.images)
        else:
            raise refused(
                repr(source), "it must be a source of files, or an array of images of one size", type(whole).__name__
            )
        self.indices = None if indices.size == len(whole) else tf.constant(indices)
        self.ids = tf.constant(source.ids(np.arange(len(source))))

    def image(self, indices: Array) -> Array:
        """The images `(batch, height, width, channels)` of samples that lie in memory."""
        return tf.gather(self.images, indices if self.indices is None else tf.gather(self.indices, indices))


def _whole(source: Source) -> tuple[Source, np.ndarray[Any, Any]]:
    """The source that a part was taken from, and which of its samples."""
    indices = np.arange(len(source))
    while isinstance(source, Subset):
        indices, source = source.indices[indices], source.source
    return source, indices

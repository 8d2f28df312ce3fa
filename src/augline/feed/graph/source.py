"""What of a source a graph needs: paths or pixels, and the columns of its targets, as tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from augline.arrays import Array
from augline.errors import EngineError
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
        self.columns = {name: tf.constant(column) for name, column in _columns(source).items()}

    def take(self, indices: Array) -> dict[str, Array]:
        """Labels and weights of samples."""
        return {name: tf.gather(column, indices) for name, column in self.columns.items()}

    def image(self, indices: Array) -> Array:
        """The images `(batch, height, width, channels)` of samples that lie in memory."""
        return tf.gather(self.images, indices if self.indices is None else tf.gather(self.indices, indices))


def _whole(source: Source) -> tuple[Source, np.ndarray[Any, Any]]:
    """The source that a part was taken from, and which of its samples."""
    indices = np.arange(len(source))
    while isinstance(source, Subset):
        indices, source = source.indices[indices], source.source
    return source, indices


def _columns(source: Source) -> dict[str, Any]:
    taken = source.targets.take(np.arange(len(source)))
    return {name: taken[name] for name in ("labels", "weights") if name in taken}


def refused(owner: str, rule: str, received: str) -> EngineError:
    """The error for what a graph cannot do."""
    return EngineError(
        f"engine='tensorflow' with {owner}: {rule}. Received {received}. Use engine='opencv', whose to_tf() gives the "
        "same batches from NumPy."
    )

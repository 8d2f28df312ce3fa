"""Several views of each sample, for TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from augline.views import combined

if TYPE_CHECKING:
    import tensorflow as tf


def zipped(datasets: Sequence[tf.data.Dataset], stacked: bool) -> tf.data.Dataset:
    """One data set of several with the same samples; see `Views.to_tf`."""
    import tensorflow as tf

    def together(*parts: Any) -> Any:
        return combined(parts, stacked, partial(tf.concat, axis=0))

    return tf.data.Dataset.zip(tuple(datasets)).map(together)

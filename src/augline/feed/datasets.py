"""What a pipeline becomes for `fit`, once what is asked of it has been looked at."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from augline.errors import ArgumentError
from augline.feed.class_weights import class_weights
from augline.feed.parts import Parts

if TYPE_CHECKING:
    import tensorflow as tf

    from augline.keras.feed import Feed
    from augline.pipeline import Pipeline

_LAST_BATCH = (None, "keep", "pad", "drop")


def for_tensorflow(
    pipe: Pipeline, start: tuple[int, int], last_batch: str | None, class_weight: Mapping[int, float] | None,
    context: tf.distribute.InputContext | None = None, service: str | None = None,
) -> tf.data.Dataset:  # fmt: skip
    """See `Pipeline.to_tf`."""
    weights = _weights("Pipeline.to_tf", pipe, last_batch, class_weight)
    if service is not None:
        from augline.feed.graph import service as served

        return served.to_tf(pipe, start, last_batch, context, weights, service)
    if pipe.program.engine == "tensorflow":
        from augline.feed.graph.dataset import to_tf
    else:
        from augline.feed.tf import to_tf
    return to_tf(pipe, start, last_batch, context, weights)


def for_keras(
    pipe: Pipeline, start: tuple[int, int], last_batch: str | None, class_weight: Mapping[int, float] | None
) -> Feed:
    """See `Pipeline.to_keras`."""
    from augline.keras.feed import Feed

    weights = _weights("Pipeline.to_keras", pipe, last_batch, class_weight)
    kept = pipe.view(drop_remainder=True) if last_batch == "drop" else pipe
    parts = Parts(kept, weights=weights)
    parts = parts.padded() if last_batch == "pad" else parts
    parts.fields()

    def batches(epoch: int, step: int) -> Any:
        for number, batch in enumerate(parts.epoch(epoch, step), step):
            yield parts.of(batch, number, 0)

    return Feed(len(kept), start, batches, partial(for_tensorflow, pipe, start, last_batch, class_weight))


def _weights(
    owner: str, pipe: Pipeline, last_batch: str | None, class_weight: Mapping[int, float] | None
) -> tuple[float, ...]:
    if last_batch not in _LAST_BATCH:
        raise ArgumentError(
            f"{owner}(last_batch=...): it must be 'keep', 'pad' or 'drop'. Received last_batch={last_batch!r}. "
            "Choose one."
        )
    return class_weights(owner, pipe.source, class_weight)

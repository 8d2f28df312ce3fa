"""Whether Keras is only asking for shapes, on behalf of how many replicas.

Before it trains or evaluates under a `tf.distribute` strategy, Keras 3 takes one batch to build the model by, and adds
up what each replica got of it. That fails when the batch does not divide evenly, for arrays and tf.data as for
anything else (Keras 3.15: "AddN ... must have the same size"). Only that one batch has to divide: training itself
splits a batch as it likes. So the one who feeds Keras gives it a blank batch of a length that divides, which costs
no sample and no draw. Keras tells nobody what it is asking for; the frame of the method that asks is how we know.
"""

from __future__ import annotations

import sys
from types import FrameType

_ASKING = "_maybe_symbolic_build"  # keras.src.backend.tensorflow.trainer.TensorFlowTrainer


def replicas_rehearsing() -> int:
    """For how many replicas Keras wants to know shapes right now, in any thread; 0 when it wants to train."""
    for frame in sys._current_frames().values():
        if count := _asked_by(frame):
            return count
    return 0


def evenly(rows: int, replicas: int) -> int:
    """The length of a batch of `rows` that divides among the replicas, rounded up."""
    return max(1, -(-rows // replicas)) * replicas


def _asked_by(frame: FrameType | None) -> int:
    while frame is not None:
        if frame.f_code.co_name == _ASKING:
            strategy = getattr(frame.f_locals.get("self"), "distribute_strategy", None)
            return int(getattr(strategy, "num_replicas_in_sync", 1))
        frame = frame.f_back
    return 0

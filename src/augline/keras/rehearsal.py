"""Which of Keras's methods asks for batches, and for how many replicas: what it takes to work under a strategy.

Two things fail in Keras 3.15 and TensorFlow 2.21 under a `tf.distribute` strategy, for arrays and tf.data as for
anything else:

- Before it trains or evaluates, Keras takes one batch to build the model by, and adds up what each replica got of it,
  which needs a batch that divides evenly ("AddN ... must have the same size"). Training itself needs no such thing. So
  for this rehearsal it is given a blank batch that divides; that costs no sample and no draw.
- TensorFlow gives the first replicas `ceil(rows / replicas)` rows each, and the last ones may get none, of which some
  kernels cannot compute a gradient. So such a batch, mostly the last of an epoch, is filled up with its first rows.

Keras says neither who asks nor for how many; the frame of the method that does is how we know.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np

_REHEARSAL = "_maybe_symbolic_build"  # of keras.src.backend.tensorflow.trainer.TensorFlowTrainer, as are the others
_METHODS = frozenset({_REHEARSAL, "fit", "evaluate", "predict"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who wants batches.

    Args:
        rehearses: Whether only their shapes matter.
        trains: Whether gradients are computed.
        replicas: Among how many a batch is divided.
    """

    rehearses: bool = False
    trains: bool = False
    replicas: int = 1


def caller() -> Caller:
    """The method of Keras's that runs right now, in any thread."""
    for frame in sys._current_frames().values():
        if (found := _above(frame)) is not None:
            return found
    return Caller()


def evenly(rows: int, replicas: int) -> int:
    """The length of a batch that divides among the replicas, `rows` rounded up."""
    return max(1, -(-rows // replicas)) * replicas


def filled(batch: Any, replicas: int) -> Any:
    """The batch with as many of its first rows once more as it takes for each replica to get one."""
    rows = len(_first(batch))
    wanted = rows
    while 0 < wanted <= (replicas - 1) * -(-wanted // replicas):
        wanted += 1
    return batch if wanted == rows else _each(batch, np.arange(wanted) % rows)


def _each(batch: Any, index: Any) -> Any:
    return type(batch)(_each(part, index) for part in batch) if isinstance(batch, (tuple, list)) else batch[index]


def _first(batch: Any) -> Any:
    return _first(batch[0]) if isinstance(batch, (tuple, list)) else batch


def _above(frame: FrameType | None) -> Caller | None:
    while frame is not None:
        name = frame.f_code.co_name
        if name in _METHODS:
            strategy = getattr(frame.f_locals.get("self"), "distribute_strategy", None)
            if strategy is not None:
                return Caller(name == _REHEARSAL, name == "fit", int(strategy.num_replicas_in_sync))
        frame = frame.f_back
    return None

"""Who asks for batches: which of Keras's methods, and for how many replicas. What these need is in `feed/balance.py`.

`fit` and `evaluate` (Keras 3.15) take one batch only to learn its shapes, and average it over the replicas. A batch of
25 rows is 13 and 12 of them, which cannot be averaged, so training fails before it starts; and a pass is spent that
trains nothing. Such a look is recognised here and gets a copy of the first batch whose rows divide. With
`validation_steps`, it is the batch behind those evaluated that the next look takes, out of the pass before.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

_REHEARSAL = "_maybe_symbolic_build"  # of keras.src.backend.tensorflow.trainer.TensorFlowTrainer, as are the others
_METHODS = frozenset({_REHEARSAL, "fit", "evaluate", "predict"})
_looks = threading.RLock()


@dataclass(frozen=True, slots=True)
class Caller:
    """Which of Keras's methods wants batches; Keras tells nobody, but the method's frame is on some thread's stack.

    Args:
        rehearses: Whether only their shapes matter.
        trains: Whether gradients are computed.
        replicas: Among how many a batch is divided.
        uses: How many batches of a pass are more than looked at, where Keras was told so.
    """

    rehearses: bool = False
    trains: bool = False
    replicas: int = 1
    uses: int | None = None


def caller() -> Caller:
    """The method of Keras's that runs right now, in any thread."""
    return next(_callers(), Caller())


def looking_replicas() -> int:
    """Replicas of a Keras trainer that takes a batch just now, only to learn its shapes; 0 if none does.

    A look waits for its first batch, so a pass that begins for it begins while its function is on some thread's stack.
    """
    return next((found.replicas for found in _callers() if found.rehearses), 0)


def _callers() -> Iterator[Caller]:
    """Of each thread the innermost."""
    for top in _innermost():
        frame: FrameType | None = top
        while frame is not None:
            name = frame.f_code.co_name
            strategy = getattr(frame.f_locals.get("self"), "distribute_strategy", None) if name in _METHODS else None
            if strategy is not None:
                uses = _uses(frame.f_locals.get("epoch_iterator")) if name == "evaluate" else None
                yield Caller(name == _REHEARSAL, name == "fit", int(strategy.num_replicas_in_sync), uses)
                break
            frame = frame.f_back


def _uses(iterator: Any) -> int | None:
    """How many batches Keras's EpochIterator takes, as many at once as run in one go; None for all."""
    steps, together = getattr(iterator, "steps_per_epoch", None), getattr(iterator, "steps_per_execution", 1)
    return -(-steps // together) * together if steps else None


def _innermost() -> list[FrameType]:
    """The frame in which each thread stands.

    Frames are objects, so Python 3.11 may collect garbage while it gathers them under a lock of the interpreter. It
    then hangs for ever if the garbage wants that lock, as a `threading.local` does, or waits for a thread that does. So
    nothing is collected meanwhile.
    """
    with _looks:  # or the first of two threads to have done would switch collections on for the other
        collects = gc.isenabled()
        try:
            gc.disable()
            return [*sys._current_frames().values()]
        finally:
            if collects:
                gc.enable()


def scope_replicas() -> int:
    """Replicas of the strategy in whose scope this runs; 1 without one."""
    import tensorflow as tf

    return int(tf.distribute.get_strategy().num_replicas_in_sync)


def logical_devices() -> int:
    """How many replicas there could be, whatever strategy comes later."""
    import tensorflow as tf

    return max(len(tf.config.list_logical_devices(kind)) for kind in ("CPU", "GPU", "TPU"))

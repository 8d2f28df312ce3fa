"""Batches of any size under `tf.distribute`: what Keras and TensorFlow do with them, and what that asks of us.

Two things go wrong with a plain `tf.data.Dataset` (Keras 3.15, TensorFlow 2.21):

- `fit` and `evaluate` take one batch only to learn its shapes, and average it over the replicas. A batch of 25 rows is
  13 and 12 of them, which cannot be averaged, so training fails before it starts; and a pass is spent that trains
  nothing. Such a look is recognised here and gets a copy of the first batch whose rows divide.
- A batch is cut into pieces of ceil(rows / replicas) rows, so that the last replicas may get none: [3, 3, 3, 0] for 9
  rows and 4 replicas. BatchNormalization's mean of no rows is NaN, and the whole model after it. Rows are moved from
  the batch before, so that each replica has some; no sample is given twice or left out, the number of batches stays.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import FrameType

import numpy as np

from augline.convert.elements import Element, mapped, rows

_REHEARSAL = "_maybe_symbolic_build"  # of keras.src.backend.tensorflow.trainer.TensorFlowTrainer, as are the others
_METHODS = frozenset({_REHEARSAL, "fit", "evaluate", "predict"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Which of Keras's methods wants batches; Keras tells nobody, but the method's frame is on some thread's stack.

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
    return next(_callers(), Caller())


def looking_replicas() -> int:
    """Replicas of a Keras trainer that takes a batch just now, only to learn its shapes; 0 if none does.

    A look waits for its first batch, so a pass that begins for it begins while its function is on some thread's stack.
    """
    return next((found.replicas for found in _callers() if found.rehearses), 0)


def _callers() -> Iterator[Caller]:
    """Of each thread the innermost."""
    for top in sys._current_frames().values():
        frame: FrameType | None = top
        while frame is not None:
            name = frame.f_code.co_name
            strategy = getattr(frame.f_locals.get("self"), "distribute_strategy", None) if name in _METHODS else None
            if strategy is not None:
                yield Caller(name == _REHEARSAL, name == "fit", int(strategy.num_replicas_in_sync))
                break
            frame = frame.f_back


def scope_replicas() -> int:
    """Replicas of the strategy in whose scope this runs; 1 without one."""
    import tensorflow as tf

    return int(tf.distribute.get_strategy().num_replicas_in_sync)


def divisible(element: Element, replicas: int) -> Element:
    """A batch to look at, with rows repeated until they divide."""
    count = rows(element) or 0
    if not count or count % replicas == 0:
        return element
    places = np.arange(-(-count // replicas) * replicas) % count
    return mapped(lambda array: array[places], element)


def balanced(batches: Iterable[Element], replicas: int) -> Iterator[Element]:
    """The same number of batches of the same samples, none of which leaves a replica without rows where that can be.

    With 2 or 4 replicas and batches of 12 rows or more it always can, but for a source with a single small batch.
    """
    if replicas <= 1:
        yield from batches
        return
    held: Element = None
    for batch in batches:
        current = batch
        if held is not None:
            held, current = _evened(held, batch, replicas)
            yield held
        held = current
    if held is not None:
        yield held


def feeds_all(count: int, replicas: int) -> bool:
    """Whether each replica gets a row of so many."""
    return count > (replicas - 1) * -(-count // replicas)


def _evened(before: Element, batch: Element, replicas: int) -> tuple[Element, Element]:
    """Two neighbours, with as few rows moved from the first to the second as do."""
    first, second = rows(before), rows(batch)
    if first is None or second is None:
        return before, batch
    cuts = [cut for cut in range(first, 0, -1) if feeds_all(cut, replicas)]
    both = [cut for cut in cuts if feeds_all(second + first - cut, replicas)]
    cut = (both or cuts or [first])[0]  # where not both can be, the second may pass rows on to the one after it
    if cut == first or (not both and feeds_all(first, replicas)):
        return before, batch
    filled = mapped(lambda a, b: np.concatenate([a[cut:], b]), before, batch)
    return mapped(lambda array: array[:cut], before), filled

"""Objects between processes: arrays through shared memory, the rest pickled.

Memory is an unlinked file in RAM that its descriptors and mappings alone keep alive, so none can be left behind, not
even by a process that is killed.
"""

from __future__ import annotations

import mmap
import os
import pickle
import tempfile
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ALIGNMENT = 64  # TensorFlow takes over memory aligned so without a copy
_RAM = "/dev/shm"
Spans = list[tuple[int, int]]
"""(start, length) of the arrays' bytes in a memory."""


@dataclass(frozen=True, slots=True)
class Packed:
    """An object taken apart: its pickle without arrays, and where the bytes of each array go."""

    pickled: bytes
    buffers: list[memoryview]
    spans: Spans
    size: int

    def write(self, memory: mmap.mmap) -> None:
        """Copies the arrays' bytes."""
        target = np.frombuffer(memory, np.uint8)
        for buffer, (start, length) in zip(self.buffers, self.spans, strict=True):
            target[start : start + length] = np.frombuffer(buffer, np.uint8)

    def equals(self, pickled: bytes, memory: mmap.mmap | None) -> bool:
        """Whether an object packed before, whose bytes lie in `memory`, was the same."""
        if pickled != self.pickled or (memory is None) != (not self.size):
            return False
        known = np.frombuffer(memory, np.uint8) if memory is not None else np.empty(0, np.uint8)
        return all(
            np.array_equal(np.frombuffer(buffer, np.uint8), known[start : start + length])
            for buffer, (start, length) in zip(self.buffers, self.spans, strict=True)
        )


def pack(value: Any, *, code: bool = False) -> Packed:
    """Takes an object apart.

    Args:
        value: Anything that can be pickled.
        code: Whether classes and functions of the main script go along as such.
    """
    buffers: list[memoryview] = []

    def keep(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes:
            buffers.append(raw)
        return not raw.nbytes  # true: stays in the pickle

    pickled = _dumps(code)(value, protocol=5, buffer_callback=keep)
    spans, end = [], 0
    for buffer in buffers:
        start = -(-end // _ALIGNMENT) * _ALIGNMENT
        spans.append((start, buffer.nbytes))
        end = start + buffer.nbytes
    return Packed(pickled, buffers, spans, end)


def unpack(pickled: bytes, spans: Spans, memory: NDArray[np.uint8] | None) -> Any:
    """Puts an object together; its arrays are views of the memory."""
    views: Sequence[Any] = [] if memory is None else [memory[start : start + length] for start, length in spans]
    return pickle.loads(pickled, buffers=views)


def create(size: int) -> int:
    """A descriptor of new memory."""
    with tempfile.TemporaryFile(dir=_RAM if Path(_RAM).is_dir() else None) as file:
        os.truncate(file.fileno(), size)
        return os.dup(file.fileno())


def shared(descriptor: int, size: int) -> mmap.mmap:
    """The memory, for all to see."""
    return mmap.mmap(descriptor, size)


def private(descriptor: int, size: int) -> NDArray[np.uint8]:
    """The memory as an array whose changes nobody else sees; unchanged pages are shared."""
    return np.frombuffer(mmap.mmap(descriptor, size, access=mmap.ACCESS_COPY), np.uint8)


class _Lent:
    """Memory on loan: arrays made from it keep it, and with the last of them it is given back."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._memory = memory
        self.__array_interface__ = np.frombuffer(memory, np.uint8).__array_interface__


def lent(memory: mmap.mmap, give_back: Callable[[], object]) -> NDArray[np.uint8]:
    """The memory as an array; `give_back` is called when neither it nor a view of it is left."""
    loan = _Lent(memory)
    weakref.finalize(loan, give_back).atexit = False
    return np.asarray(loan)


def _dumps(code: bool) -> Callable[..., bytes]:
    if not code:
        return pickle.dumps
    import cloudpickle

    dumps: Callable[..., bytes] = cloudpickle.dumps
    return dumps

"""Memory for batches: aligned, and used again once nobody holds the batch any more.

A fresh batch costs a page fault every 4 kB, a few per cent of a pipeline's time. A buffer is free again when the only
reference left is the one kept here: arrays handed out are views, and whatever shares a view's memory (NumPy, a
TensorFlow tensor, DLPack) keeps a reference to its owner.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

_KEPT = 8
_ALIGNMENT = 64  # TensorFlow takes over memory aligned so without a copy
_COUNTS_ARE_EXACT = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()


class Buffers:
    """Hands out arrays; safe to use from several threads."""

    def __init__(self) -> None:
        self._kept: list[NDArray[np.uint8]] = []
        self._lock = threading.Lock()

    def take(self, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
        """An array with undefined contents, aligned to 64 bytes."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        with self._lock:
            memory = self._free(size + _ALIGNMENT)
            start = -memory.ctypes.data % _ALIGNMENT
            return memory[start : start + size].view(dtype).reshape(shape)

    def _free(self, size: int) -> NDArray[np.uint8]:
        for index in range(len(self._kept)):
            # two references: the list's, and the argument of getrefcount
            if _COUNTS_ARE_EXACT and self._kept[index].size == size and sys.getrefcount(self._kept[index]) == 2:
                return self._kept[index]
        memory = np.empty(size, np.uint8)
        self._kept = [*self._kept, memory][-_KEPT:]
        return memory

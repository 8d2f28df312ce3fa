"""Memory that one thread decodes into, again and again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Scratch:
    """One thread's reusable decode memory; it grows to the largest image met.

    Where the allocator hands pages back, faulting in a fresh array costs up to a fifth of a decode. What
    `decode` returns may be a view of this memory and is valid until the next decode with the same scratch; never share
    one between threads.

    >>> Scratch().take(600).size
    600
    """

    __slots__ = ("_buffers",)

    def __init__(self) -> None:
        self._buffers = [np.empty(0, np.uint8), np.empty(0, np.uint8)]

    def take(self, size: int, slot: int = 0) -> NDArray[np.uint8]:
        """`size` bytes; slot 0 is for decoding, slot 1 for turning what lies in slot 0."""
        if self._buffers[slot].size < size:
            # A quarter more than asked, so that slowly growing photos do not allocate each time.
            self._buffers[slot] = np.empty(size + size // 4, np.uint8)
        return self._buffers[slot][:size]

"""Philox4x32-10: random words as a pure function of a counter and a key."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from augline.arrays import Array, Namespace

Words: TypeAlias = tuple[Array, Array, Array, Array]
"""Four uint64 arrays that hold 32-bit words; their shapes broadcast."""

WORD = 0xFFFFFFFF
"""The bits of a word."""
_MULTIPLIERS = np.asarray([0xD2511F53, 0xCD9E8D57], dtype=np.uint64)
_STEPS = np.arange(10, dtype=np.uint64)[:, None] * np.asarray([0x9E3779B9, 0xBB67AE85], dtype=np.uint64)
"""What is added to the key in each of the ten rounds."""


def philox4x32(xp: Namespace, counter: Words, key: tuple[int, int]) -> Words:
    """Four random 32-bit words for each counter: Philox4x32-10.

    Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011; the constants are
    those of the authors' Random123 library.

    Args:
        xp: The array namespace.
        counter: Four uint64 arrays of 32-bit values whose shapes broadcast.
        key: Two 32-bit values.

    Returns:
        Four uint64 arrays of 32-bit values, each of the broadcast shape.
    """
    c0, c1, c2, c3 = counter
    room = (c0 | c1 | c2 | c3) & 0  # of the broadcast shape
    even, odd = xp.stack([c0 | room, c2 | room]), xp.stack([c1 | room, c3 | room])
    lanes = (2, *(1 for _ in room.shape))
    multipliers, mask = xp.reshape(xp.asarray(_MULTIPLIERS), lanes), xp.asarray(np.uint64(WORD))
    keys = (np.asarray(key, dtype=np.uint64) + _STEPS) & np.uint64(WORD)
    for round_key in xp.unstack(xp.asarray(keys.reshape(-1, *lanes))):
        low = xp.flip(even * multipliers, axis=0)
        # The upper halves of `odd` are left dirty: they only ever meet the mask.
        even, odd = (xp.bitwise_right_shift(low, 32) ^ odd ^ round_key) & mask, low
    (c0, c2), (c1, c3) = xp.unstack(even), xp.unstack(odd & mask)
    return c0, c1, c2, c3

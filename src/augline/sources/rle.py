"""COCO's run-length encoded masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Runs:
    """A mask as the lengths of its runs, down the columns from the left; the first run is background.

    >>> Runs(np.array([1, 2, 3]), (2, 3)).mask().astype(int)
    array([[0, 1, 0],
           [1, 0, 0]])
    """

    lengths: NDArray[np.int64]
    size: tuple[int, int]
    """(height, width)."""

    def mask(self) -> NDArray[np.bool_]:
        """(height, width), True where the object is."""
        inside = np.arange(len(self.lengths)) % 2 == 1
        return np.repeat(inside, self.lengths).reshape(self.size[::-1]).T


def runs(encoded: dict[str, Any], size: tuple[int, int]) -> Runs:
    """The mask in a COCO annotation: `{"size": [height, width], "counts": list or string}`.

    Raises:
        ValueError: it is no such mask, or not one of an image of this size.
    """
    if encoded.get("size") != list(size):
        raise ValueError(f"a mask of size {encoded.get('size')} for an image of {list(size)}")
    counts = encoded.get("counts")
    if isinstance(counts, str):
        lengths = _uncompressed(counts)
    elif isinstance(counts, list) and all(type(count) is int and 0 <= count < 2**40 for count in counts):
        lengths = np.asarray(counts, np.int64)
    else:
        raise ValueError("a mask whose counts are neither whole numbers from 0 nor a string")
    if (lengths < 0).any() or lengths.sum() != size[0] * size[1]:
        raise ValueError(f"a mask whose counts make {lengths.sum()} pixels for an image of {size[0] * size[1]}")
    return Runs(lengths, size)


def _uncompressed(text: str) -> NDArray[np.int64]:
    """The lengths in a string of pycocotools' `rleToString` (maskApi.c).

    Each is a signed number in groups of 5 bits, lowest first, a character of 48 + bits each; bit 5 says that another
    group follows, bit 4 of the last is the sign. From the fourth on they are differences to the last but one.
    """
    codes = np.frombuffer(text.encode("utf-8"), np.uint8).astype(np.int64) - 48
    last = (codes & 32) == 0
    if codes.size == 0 or ((codes < 0) | (codes > 63)).any() or not last[-1]:
        raise ValueError("a mask whose counts are no run-length string")
    starts = np.concatenate([[0], np.flatnonzero(last)[:-1] + 1])
    widths = np.flatnonzero(last) - starts + 1
    if widths.max() > 8:
        raise ValueError("a mask whose counts are no run-length string")
    place = np.arange(codes.size) - np.repeat(starts, widths)
    numbers = np.add.reduceat((codes & 31) << (5 * place), starts)
    numbers -= np.where(codes[last] & 16, 1 << (5 * widths), 0)
    numbers[1::2], numbers[2::2] = np.cumsum(numbers[1::2]), np.cumsum(numbers[2::2])
    return numbers

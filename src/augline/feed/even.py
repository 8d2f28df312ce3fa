"""Rows moved between the last batches of an epoch, so that no replica of a strategy stands empty.

TensorFlow cuts a batch into pieces of ceil(rows / replicas) rows: [3, 3, 3, 0] for 9 rows and 4 replicas. How many rows
each batch has instead is arithmetic, so an epoch can be begun at any step.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np

from augline.convert.balance import feeds_all
from augline.convert.elements import mapped, rows


def tail_sizes(steps: int, full: int, last: int, replicas: int) -> list[int]:
    """The rows of the last batches, from the first that has others than it would have; none where nothing is moved.

    As few rows as do are moved, each from one batch to the next; no sample is given twice or left out.

    >>> tail_sizes(steps=6, full=8, last=2, replicas=4)
    [7, 7, 4]
    """
    sizes: list[int] = []
    left = last
    while len(sizes) < steps - 1 and not (left == full and feeds_all(left, replicas) and sizes):
        size = next(size for size in itertools.count(left) if feeds_all(size, replicas))
        if size == left == last and not sizes and feeds_all(full, replicas):
            return []
        sizes.append(size)
        left = full - (size - left)
        if left < 1:
            return []  # too few rows for so many replicas
    if len(sizes) == steps - 1:
        sizes.append(left)
    return sizes[::-1]


def evened(
    batches: Callable[[int], Iterator[Any]], step: int, steps: int, full: int, sizes: list[int]
) -> Generator[Any]:
    """The batches of an epoch from `step` on, of which the last have other sizes.

    Args:
        batches: The batches of the epoch from a step on, as they are.
        step: The first to give.
        steps: Of an epoch.
        full: Rows of a batch, as they are.
        sizes: Rows of the last batches.
    """
    plain = steps - len(sizes)
    before = plain * full + sum(sizes[: max(step - plain, 0)])  # rows of the epoch before the first of the moved ones
    first, skipped = (step, 0) if step < plain else divmod(before, full)
    source = batches(first)
    yield from itertools.islice(source, max(plain - step, 0))
    held: list[Any] = [mapped(lambda array: array[skipped:], next(source))] if sizes else []
    for size in sizes[max(step - plain, 0) :]:
        while sum(_rows(part) for part in held) < size:
            held.append(next(source))
        whole = mapped(lambda *parts: np.concatenate(parts), *held) if len(held) > 1 else held[0]
        yield mapped(lambda array, size=size: array[:size], whole)
        held = [mapped(lambda array, size=size: array[size:], whole)]


def _rows(element: Any) -> int:
    return rows(element) or 0

"""Rows of batches and the replicas they go to.

TensorFlow cuts a batch into pieces of ceil(rows / replicas) rows, so that the last replicas may get none: [3, 3, 3, 0]
for 9 rows and 4 replicas. BatchNormalization's mean of no rows is NaN, and the whole model after it. So rows move from
one batch to a neighbour: no sample is left out or given twice, and the number of batches stays.

How many rows each batch gets is arithmetic (`even_sizes`). Where all lengths are known it is done beforehand, and an
epoch can be begun at any batch (`evened`); of a stream the last batches wait until the end is seen (`balanced`).

Nobody can be helped whose samples are too few: 13 of them in two batches cannot feed 4 replicas twice. While gradients
are computed, such a batch is filled up with its own first rows, of weight 0 where there are weights.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import cache
from typing import TypeAlias

import numpy as np

from augline.convert.elements import Element, leaves, mapped, rows

Shares: TypeAlias = Sequence[int]
"""The numbers of replicas among which each batch may be divided."""

_HELD = 3
"""Batches of a stream that wait for its end: 21 rows are 7, 7, 7 for 4 replicas, but 13 are nothing in two."""


def feeds_all(count: int, replicas: int) -> bool:
    """Whether each replica gets a row of so many."""
    return count > (replicas - 1) * -(-count // replicas)


def even_sizes(counts: Iterable[int], shares: Shares, most: int, length: int | None = None) -> Iterator[int]:
    """As many sizes of the same sum, none of which leaves a replica without rows where that can be.

    Rows move among the last batches, among as few as will do; among all where even full batches do not feed everyone.

    Args:
        counts: Rows of each batch as it is; all are equal but the last.
        shares: Among how many replicas they are divided.
        most: Batches at the end to look at. As many as there are replicas suffice where anything does; four times as
            many where full batches do not feed everyone.
        length: How many counts there are, if known: sizes of all but the last are then given at once.

    >>> list(even_sizes([8, 8, 8, 8, 2], [4], most=4))
    [8, 8, 7, 7, 4]
    """
    held: list[int] = []
    largest = 0
    for number, count in enumerate(counts):
        held.append(count)
        largest = max(largest, count)
        early = length is not None and number < length - most
        while len(held) > most or (early and held and _fed(held[0], shares)):
            yield _released(held, shares)
    planned = _planned(held, largest + max(shares), shares)
    while planned is None and len(held) > 1:
        yield _released(held, shares)
    yield from held if planned is None else planned


def evened(
    batches: Callable[[int], Iterator[Element]], step: int, counts: tuple[int, int, int], replicas: int
) -> Generator[Element]:
    """The batches of an epoch from `step` on, with rows moved where replicas would stand empty.

    Args:
        batches: The batches of the epoch from a step on, as they are.
        step: The first to give.
        counts: How many batches an epoch has, and the rows, as they are, of each and of the last.
        replicas: Among how many they are divided.
    """
    steps, full, last = counts
    plain = max(steps - replicas, 0) if feeds_all(full, replicas) else 0  # so many keep their rows
    sizes = [*even_sizes([full] * (steps - plain - 1) + [last], [replicas], most=4 * replicas)]
    first, skipped = step, 0
    if step > plain:
        first, skipped = divmod(plain * full + sum(sizes[: step - plain]), full)
    source = batches(first)
    yield from itertools.islice(source, max(plain - step, 0))
    yield from recut(source, sizes[max(step - plain, 0) :], skipped)


def balanced(
    batches: Iterable[Element], replicas: int, *, devices: int = 1, length: int | None = None,
    samples: int | None = None, fills: bool = False,
) -> Iterator[Element]:  # fmt: skip
    """The same samples in as many batches, none of which leaves a replica without rows where that can be.

    Args:
        batches: All of them equally long but for the last.
        replicas: Among how many each is divided, if known; else 1.
        devices: There are so many: where `replicas` are unknown, any number of them may share the batches. Only the end
            of a pass changes then, and nothing where full batches could not feed them anyway.
        length: How many batches, if known: all but the last few are given on at once.
        samples: How many rows they have together, if known: all are given on at once.
        fills: Whether a batch that cannot be helped is filled up.
    """
    source = iter(batches)
    first = next(source, None)
    full = 0 if first is None else rows(first) or 0
    shares = _shared_by(full, replicas, devices)
    if not shares:
        yield from () if first is None else itertools.chain([first], source)
        return
    ours, theirs = itertools.tee(itertools.chain([first], source))
    if samples is None:
        sizes = even_sizes((rows(batch) or 0 for batch in theirs), shares, _HELD, length)
    else:
        del theirs
        steps = -(-samples // full)
        counts = itertools.chain(itertools.repeat(full, steps - 1), [samples - (steps - 1) * full])
        sizes = even_sizes(counts, shares, 4 * max(shares), steps)
    yield from (filled(batch, shares) if fills else batch for batch in recut(ours, sizes))


def recut(batches: Iterator[Element], sizes: Iterable[int], skipped: int = 0) -> Iterator[Element]:
    """The rows of the batches, without the first `skipped`, in batches of those sizes."""
    held: list[Element] = []
    count = 0
    for size in sizes:
        while count < skipped + size:
            batch = next(batches, None)
            if batch is None:  # the source is shorter than it said, which others tell
                return
            held.append(batch)
            count += rows(batch) or 0
        whole = held[0] if len(held) == 1 else mapped(lambda *parts: np.concatenate(parts), *held)
        yield _part(whole, skipped, skipped + size)
        held, count, skipped = [_part(whole, skipped + size, count)], count - skipped - size, 0


def filled(element: Element, shares: Shares) -> Element:
    """The batch with as many of its first rows once more as it takes; of (inputs, targets, weights) with weight 0."""
    count = rows(element)
    if not count or _fed(count, shares):
        return element
    result = _repeated(element, next(wanted for wanted in itertools.count(count) if _fed(wanted, shares)))
    if isinstance(result, tuple) and len(result) == 3:
        for _, weights in leaves(result[2]):
            weights[count:] = 0  # a copy, as `_repeated` makes them
    return result


def divisible(element: Element, replicas: int) -> Element:
    """A batch to look at, with rows repeated until they divide."""
    count = rows(element)
    return _repeated(element, rounded_up(count, replicas)) if count else element


def looked_at(batches: Iterator[Element], replicas: int, after: int | None) -> Iterator[Element]:
    """The batches; of those behind the first `after`, which are only looked at, the rows divide."""
    if after is None:
        return batches
    return (batch if number < after else divisible(batch, replicas) for number, batch in enumerate(batches))


def rounded_up(count: int, replicas: int) -> int:
    """The least number of rows, as many or more, that divides among the replicas; one for each at least."""
    return max(1, -(-count // replicas)) * replicas


def _fed(count: int, shares: Shares) -> bool:
    return all(feeds_all(count, share) for share in shares)


def _shared_by(count: int, replicas: int, devices: int) -> Shares:
    """The numbers of replicas to think of."""
    if not count or replicas > 1:
        return [replicas] if count else []
    return [share for share in range(2, devices + 1) if feeds_all(count, share)]


def _released(held: list[int], shares: Shares) -> int:
    """The first size held, or as much of it as feeds all; the rest goes to the one after it."""
    count = held.pop(0)
    size = next((size for size in range(count, 0, -1) if _fed(size, shares)), count)
    if size < count:
        held[0] += count - size
    return size


def _planned(counts: list[int], most: int, shares: Shares) -> list[int] | None:
    """As many sizes up to `most` that feed all, the first unchanged as far as can be; None if there are none."""

    @cache
    def rest(place: int, total: int) -> tuple[int, ...] | None:
        left, count = len(counts) - place, counts[place]
        if left == 1:
            return (total,) if total <= most and _fed(total, shares) else None
        if not left <= total <= left * most:
            return None
        for size in (*range(min(count, total - 1), 0, -1), *range(count + 1, most + 1)):
            if _fed(size, shares) and (others := rest(place + 1, total - size)) is not None:
                return (size, *others)
        return None

    found = rest(0, sum(counts)) if counts else ()
    return None if found is None else [*found]


def _repeated(element: Element, wanted: int) -> Element:
    count = rows(element) or 0
    if wanted == count:
        return element
    places = np.arange(wanted) % count
    return mapped(lambda array: array[places], element)


def _part(batch: Element, start: int, stop: int) -> Element:
    return batch if (start, stop) == (0, rows(batch)) else mapped(lambda array: array[start:stop], batch)

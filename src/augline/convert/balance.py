"""Rows of batches and the replicas they go to.

TensorFlow cuts a batch into pieces of ceil(rows / replicas) rows, so that the last replicas may get none: [3, 3, 3, 0]
for 9 rows and 4 replicas. BatchNormalization's mean of no rows is NaN, and the whole model after it. So rows move from
one batch to a neighbour: no sample is left out or given twice, and the number of batches stays.

Nobody can be helped whose samples are too few: 13 of them in two batches cannot feed 4 replicas twice. While gradients
are computed, such a batch is filled up with its own first rows, of weight 0 where there are weights.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from augline.convert.elements import Element, leaves, mapped, rows

_MOVABLE = 3
"""Batches at the end of a pass whose rows may move: 21 rows are 7, 7, 7 for 4 replicas, but 13 are nothing in two."""

Fed = Callable[[int], bool]
"""Whether so many rows give each replica one."""


def balanced(
    batches: Iterable[Element], replicas: int, *, devices: int = 1, length: int | None = None, fills: bool = False
) -> Iterator[Element]:
    """The same samples in as many batches, none of which leaves a replica without rows where that can be.

    Args:
        batches: All of them equally long but for the last.
        replicas: Among how many each is divided, if known; else 1.
        devices: There are so many: where `replicas` are unknown, any number of them may share the batches. Only the end
            of a pass changes then, and nothing where full batches could not feed them anyway.
        length: How many batches, if known: all but the last few are given on at once.
        fills: Whether a batch that cannot be helped is filled up.
    """
    source = iter(batches)
    first = next(source, None)
    shared = _shared_by(rows(first), replicas, devices) if first is not None else []
    if first is None or not shared:
        yield from () if first is None else itertools.chain([first], source)
        return

    def fed(count: int) -> bool:
        return all(feeds_all(count, share) for share in shared)

    held: list[Element] = []
    for number, batch in enumerate(itertools.chain([first], source)):
        held.append(batch)
        early = length is not None and number < length - _MOVABLE
        while len(held) > _MOVABLE or (early and held and fed(rows(held[0]) or 0)):
            yield _released(held, fed)
    for batch in _shared_out(held, fed, max(shared)):
        yield filled(batch, fed) if fills else batch


def divisible(element: Element, replicas: int) -> Element:
    """A batch to look at, with rows repeated until they divide."""
    count = rows(element) or 0
    return _repeated(element, -(-count // replicas) * replicas)


def filled(element: Element, fed: Fed) -> Element:
    """The batch with as many of its first rows once more as it takes; of (inputs, targets, weights) with weight 0."""
    count = rows(element)
    if not count or fed(count):
        return element
    result = _repeated(element, next(wanted for wanted in itertools.count(count) if fed(wanted)))
    if isinstance(result, tuple) and len(result) == 3:
        for _, weights in leaves(result[2]):
            weights[count:] = 0  # a copy, as `_repeated` makes them
    return result


def feeds_all(count: int, replicas: int) -> bool:
    """Whether each replica gets a row of so many."""
    return count > (replicas - 1) * -(-count // replicas)


def _shared_by(count: int | None, replicas: int, devices: int) -> list[int]:
    """The numbers of replicas to think of."""
    if count is None:
        return []
    if replicas > 1:
        return [replicas]
    return [share for share in range(2, devices + 1) if feeds_all(count, share)]


def _released(held: list[Element], fed: Fed) -> Element:
    """The first batch held, or as much of it as feeds all; the rest goes to the one after it."""
    head = held.pop(0)
    count = rows(head) or 0
    cut = next((cut for cut in range(count, 0, -1) if fed(cut)), count)
    if cut < count:
        held[0] = _joined([_part(head, cut, count), held[0]])
    return _part(head, 0, cut)


def _shared_out(held: list[Element], fed: Fed, growth: int) -> Iterator[Element]:
    """The last batches, as many, with rows moved where they have to; by `growth` larger at most than the largest."""
    counts = [rows(batch) or 0 for batch in held]
    sizes = _sizes(counts, sum(counts), max(counts, default=0) + growth, fed)
    if sizes == counts:
        yield from held
    elif sizes is None:
        while len(held) > 1:
            yield _released(held, fed)
        yield from held
    else:
        everything, ends = _joined(held), np.cumsum(sizes).tolist()
        yield from (_part(everything, end - size, end) for size, end in zip(sizes, ends, strict=True))


def _sizes(counts: Sequence[int], total: int, most: int, fed: Fed) -> list[int] | None:
    """As many sizes that feed all and come to `total`, as few rows moved as can be; None if there are none."""
    if len(counts) < 2:
        return [total] * len(counts) if total <= most and fed(total) else None
    first, others = counts[0], counts[1:]
    for size in (*range(first, 0, -1), *range(first + 1, most + 1)):
        if fed(size) and (rest := _sizes(others, total - size, most, fed)) is not None:
            return [size, *rest]
    return None


def _repeated(element: Element, wanted: int) -> Element:
    count = rows(element) or 0
    if wanted == count:
        return element
    places = np.arange(wanted) % count
    return mapped(lambda array: array[places], element)


def _joined(batches: list[Element]) -> Element:
    return mapped(lambda *parts: np.concatenate(parts), *batches)


def _part(batch: Element, start: int, stop: int) -> Element:
    return batch if (start, stop) == (0, rows(batch)) else mapped(lambda array: array[start:stop], batch)

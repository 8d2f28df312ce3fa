"""Stages in an order of each sample's own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from augline.arrays import Array
from augline.plan.frame import Frame
from augline.plan.stages import Stage


def in_order(frame: Frame, stages: Mapping[int, Stage], order: Array, dear: Collection[int]) -> Iterator[Stage]:
    """A series of stages that holds every order of those given, of which each sample takes its own and skips the rest.

    Args:
        frame: Where they stand.
        stages: By number.
        order: `(batch, n)`: numbers, among them those of the stages.
        dear: Which stages, two at the most, the series repeats as seldom as that can be.
    """
    xp = frame.xp
    place = {k: xp.sum(xp.astype(order == k, xp.int64) * xp.arange(order.shape[1]), axis=1) for k in stages}
    done = 0 * place[next(iter(stages))]
    before = {k: sum((xp.astype(place[other] < place[k], done.dtype) for other in stages), start=done) for k in stages}
    for k in series([k for k in stages if k not in dear], [k for k in stages if k in dear]):
        now = before[k] == done
        yield stages[k].masked(now, frame)
        done = done + xp.astype(now, done.dtype)


def series(cheap: list[int], dear: list[int]) -> list[int]:
    """Numbers in which all those given occur in every order; up to two of each kind.

    Between any two of the dear ones all of the cheap ones can come, in either order.

    >>> series([0, 2], [1, 3])
    [0, 2, 0, 1, 0, 2, 0, 3, 0, 2, 0, 1, 0, 2, 0]
    """
    result = between = cheap + cheap[:-1]
    for k in dear + dear[:-1]:
        result = [*result, k, *between]
    return result

"""Series of stages of which each sample takes those in its own order."""

from __future__ import annotations

from itertools import chain, combinations, permutations

import numpy as np
import pytest

from augline.plan.frame import Extent, Frame
from augline.plan.stages import Curve, Tone, affine
from augline.transforms.orders import in_order, series

CHEAP, DEAR = (0, 2), (1, 3)
SUBSETS = [*chain.from_iterable(combinations(range(4), count) for count in range(1, 5))]


@pytest.mark.parametrize("numbers", SUBSETS, ids=str)
def test_a_series_holds_every_order(numbers: tuple[int, ...]) -> None:
    found = series([k for k in CHEAP if k in numbers], [k for k in DEAR if k in numbers])
    for order in permutations(numbers):
        rest = iter(found)
        assert all(k in rest for k in order), order


@pytest.mark.parametrize("numbers", SUBSETS, ids=str)
def test_each_sample_takes_its_own_order(numbers: tuple[int, ...]) -> None:
    orders = np.array([*permutations(range(4))])
    frame = Frame(np, Extent.of(np, len(orders), 5, 5), 3)
    one, none = np.ones(len(orders)), np.zeros(len(orders))
    stages = {k: Tone((Curve(affine, (one, none + k)),)) for k in numbers}
    taken: list[list[int]] = [[] for _ in orders]
    for stage in in_order(frame, stages, orders, DEAR):
        (curve,) = stage.curves
        for sample in np.flatnonzero(curve.active):
            taken[sample].append(int(curve.params[1][sample]))
    assert taken == [[k for k in order if k in numbers] for order in orders.tolist()]

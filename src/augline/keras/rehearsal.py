"""Batches of the drop-in generators that suit replicas; why that is needed: see `augline.convert.balance`.

For the look that Keras takes before it trains, a generator gives a blank batch that divides: that costs no sample and
no draw. A batch of which some replica would get nothing is filled up with its first rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from augline.convert.balance import feeds_all


def evenly(rows: int, replicas: int) -> int:
    """The length of a batch that divides among the replicas, `rows` rounded up."""
    return max(1, -(-rows // replicas)) * replicas


def filled(batch: Any, replicas: int) -> Any:
    """The batch with as many of its first rows once more as it takes for each replica to get one.

    Of weight 0 where there are weights.
    """
    rows = len(_first(batch))
    wanted = rows
    while wanted and not feeds_all(wanted, replicas):
        wanted += 1
    if wanted == rows:
        return batch
    result = _each(batch, np.arange(wanted) % rows)
    if isinstance(result, tuple) and len(result) == 3:
        result[2][rows:] = 0
    return result


def _each(batch: Any, index: Any) -> Any:
    return type(batch)(_each(part, index) for part in batch) if isinstance(batch, (tuple, list)) else batch[index]


def _first(batch: Any) -> Any:
    return _first(batch[0]) if isinstance(batch, (tuple, list)) else batch

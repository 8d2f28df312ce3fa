"""Which samples are held out: a keyed order, the same in every version of NumPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_Indices = NDArray[np.int64]


def held_out(ids: _Indices, classes: _Indices | None, fraction: float, seed: int) -> NDArray[np.bool_]:
    """True for the samples of the validation part: about `fraction` of all, and of each class where classes are given.

    Whether a sample is held out depends on the ids present, never on their order.
    """
    order = keyed(ids, seed)
    groups = np.zeros(ids.size, np.int64) if classes is None else np.unique(classes, return_inverse=True)[1]
    counts = np.bincount(groups)
    by_group = np.lexsort((order, groups))
    starts = np.cumsum(counts) - counts
    rank = np.empty(ids.size, np.int64)
    rank[by_group] = np.arange(ids.size) - np.repeat(starts, counts)
    return np.asarray(rank < _quotas(counts, fraction)[groups])


def _quotas(counts: _Indices, fraction: float) -> _Indices:
    """How many of each class to hold out: largest remainders, and of a class with two samples one on each side."""
    exact = counts * fraction
    most = np.maximum(counts - 1, 0)
    quotas: _Indices = np.clip(np.floor(exact).astype(np.int64), np.minimum(1, most), most)
    missing = round(float(counts.sum()) * fraction) - int(quotas.sum())
    by_remainder = np.argsort(quotas - exact, kind="stable")
    able = by_remainder[(quotas < most)[by_remainder]]
    quotas[able[: max(missing, 0)]] += 1
    return quotas


def keyed(ids: _Indices, seed: int) -> NDArray[np.uint64]:
    """A 64-bit hash of (seed, id): SplitMix64 (Steele, Lea, Flood 2014), started at a hash of the seed."""
    start = _splitmix(np.array([seed % 2**64], np.uint64))
    return _splitmix(start ^ ids.astype(np.uint64))


def _splitmix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = state + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))

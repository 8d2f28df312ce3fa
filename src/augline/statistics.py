"""Statistics of more values than fit into memory: mean, deviation and covariance, merged block by block."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Moments:
    """Mean and spread of rows that come block by block.

    Blocks are merged as T. F. Chan, G. H. Golub and R. J. LeVeque, Updating Formulae and a Pairwise Algorithm for
    Computing Sample Variances, 1979, do it: no sum of squares is ever taken off another, so nothing cancels.

    Args:
        features: Numbers in a row.
        together: Whether the products of all pairs are kept (for a covariance), or only squares (for variances).

    >>> moments = Moments(1)
    >>> for block in ([1e9, 1e9 + 2], [1e9 + 4]):
    ...     moments.add(np.asarray(block)[:, None])
    >>> moments.mean.item() - 1e9, moments.variance.item()
    (2.0, 2.6666666666666665)
    """

    def __init__(self, features: int, together: bool = False) -> None:
        self.count = 0
        self.mean: Array = np.zeros(features)
        self.scatter: Array = np.zeros((features, features) if together else features)

    def add(self, rows: Array) -> None:
        """Takes a block `(n, features)` in."""
        if not len(rows):
            return
        mean = rows.mean(axis=0, dtype=np.float64)
        rest = rows - mean
        before, self.count = self.count, self.count + len(rows)
        away = mean - self.mean
        together = self.scatter.ndim == 2
        self.scatter += rest.T @ rest if together else np.einsum("nf,nf->f", rest, rest)
        self.scatter += (np.outer(away, away) if together else away * away) * (before * len(rows) / self.count)
        self.mean += away * (len(rows) / self.count)

    @property
    def variance(self) -> Array:
        """`(features,)`, or the covariance `(features, features)`: sums over all rows, divided by their number."""
        return self.scatter / self.count


def whitening(vectors: Array, deviations: Array, count: int, epsilon: float) -> Array:
    """The ZCA matrix U · diag(√n / (s + ε)) · Uᵀ, as Keras's ImageDataGenerator has it.

    Args:
        vectors: `(features, k)` U, principal axes.
        deviations: `(k,)` s, singular values of the data along them.
        count: n, how many rows they come from.
        epsilon: ε; the larger, the less is made of axes along which little varies.
    """
    return np.asarray((vectors * (np.sqrt(count) / (deviations + epsilon))) @ vectors.T)

"""The inverse cumulative distribution function of Beta(a, b), as a table of equal intervals to interpolate in."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from augline.arrays import Array

INTERVALS = 4096


@lru_cache(maxsize=64)
def beta_table(a: float, b: float) -> tuple[Array, Array]:
    """Start and width of the 4,096 intervals of the inverse CDF, float64 (4096,) each.

    Values are multiples of 2**-24, so that start + width · fraction rounds nowhere, and a math library whose last bit
    differs still gives the same table. Beta(b, a) gives 1 minus the same, in reverse order.
    """
    half = np.arange(INTERVALS // 2 + 1) / INTERVALS
    low, high = _quantiles(half, a, b), _quantiles(half, b, a)
    knots = np.concatenate([low, 1.0 - high[-2::-1]])
    # the two ways to the middle may differ in the last bit before rounding; their mean is as good from either side
    knots[INTERVALS // 2] = (low[-1] + 1.0 - high[-1]) / 2
    rounded = np.round(knots * 2.0**24) * 2.0**-24
    return rounded[:-1], np.diff(rounded)


def _quantiles(p: Array, a: float, b: float) -> Array:
    """Where the CDF is `p`, by halving an interval of log2(x).

    The first, for p = 0, is placed so that the mean of the first interval is that of Beta(a, b) there: a tail that
    reached to 0 would be too long.
    """
    low, high = np.full_like(p, -60.0), np.zeros_like(p)
    for _ in range(50):
        middle = (low + high) / 2
        below = beta_cdf(2.0**middle, a, b) < p
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    found: Array = 2.0**high
    mean = a / (a + b) * beta_cdf(found[1:2], a + 1, b)[0] / p[1]
    found[0] = max(2 * mean - found[1], 0.0)
    return found


def beta_cdf(x: Array, a: float, b: float) -> Array:
    """The regularised incomplete beta function I_x(a, b), for x in [0, 1].

    From whichever side of the mean the continued fraction converges fast; DLMF 8.17.4 and 8.17.22.
    """
    turned = x > (a + 1) / (a + b + 2)
    y = np.where(turned, 1 - x, x)
    p, q = np.where(turned, b, a), np.where(turned, a, b)
    with np.errstate(divide="ignore"):
        log_front = p * np.log(y) + q * np.log1p(-y) + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    tail = np.exp(log_front) / p / _continued_fraction(y, p, q)
    return np.where(turned, 1 - tail, tail)


def _continued_fraction(x: Array, p: Array, q: Array) -> Array:
    """1 + d1 / (1 + d2 / (1 + ...)) by Lentz's method as I. J. Thompson and A. R. Barnett changed it (1986)."""
    value = upper = np.ones_like(x)
    lower = np.zeros_like(x)
    for k in range(1, 400):
        m = k // 2
        if k % 2:
            term = -(p + m) * (p + q + m) * x / ((p + 2 * m) * (p + 2 * m + 1))
        else:
            term = m * (q - m) * x / ((p + 2 * m - 1) * (p + 2 * m))
        lower = 1 / _nonzero(1 + term * lower)
        upper = _nonzero(1 + term / upper)
        change = upper * lower
        value = value * change
        if np.abs(change - 1).max() < 1e-15:
            break
    return value


def _nonzero(x: Array) -> Array:
    return np.where(np.abs(x) < 1e-300, 1e-300, x)

"""Beta numbers: the table against SciPy, and the draw against the distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from augline.errors import ArgumentError
from augline.quantiles import INTERVALS, beta_cdf, beta_table
from augline.random import Draw

PAIRS = [
    (1.0, 1.0), (0.2, 0.2), (0.4, 0.4), (0.05, 0.05), (1.0, 2.0), (0.5, 1.5), (5.0, 2.0), (32.0, 32.0), (100.0, 0.5),
    (1000.0, 1000.0), (0.01, 0.01),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_cdf_is_that_of_scipy(a: float, b: float) -> None:
    x = np.concatenate([np.linspace(0, 1, 501), 10.0 ** np.linspace(-12, -1, 40)])
    assert np.abs(beta_cdf(x, a, b) - stats.beta(a, b).cdf(x)).max() < 1e-11


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_table_has_the_quantiles_and_the_moments(a: float, b: float) -> None:
    start, width = beta_table(a, b)
    knots = np.append(start, start[-1] + width[-1])
    truth = stats.beta(a, b)
    assert np.abs(knots[1:-1] - truth.ppf(np.arange(1, INTERVALS) / INTERVALS)).max() <= 2.0**-25 * 1.01
    assert (width >= 0).all()
    assert knots[0] >= 0
    assert knots[-1] <= 1
    mean = (knots[:-1] + knots[1:]).mean() / 2
    square = (knots[:-1] ** 2 + knots[1:] ** 2 + knots[:-1] * knots[1:]).mean() / 3
    assert abs(mean - truth.mean()) < 2e-6
    assert abs((square - mean**2) / truth.var() - 1) < 2e-4


def test_tables_are_exact_and_mirror_images() -> None:
    for a, b in PAIRS:
        start, width = beta_table(a, b)
        assert np.array_equal(np.round(start * 2.0**24), start * 2.0**24)
        knots, other = (np.append(s, s[-1] + w[-1]) for s, w in (beta_table(a, b), beta_table(b, a)))
        assert np.array_equal(knots, 1 - other[::-1])
        assert width.sum() + start[0] <= 1


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_draws_are_beta(a: float, b: float) -> None:
    drawn = Draw(11, 0, np.arange(20_000)).beta("x", a, b, shape=(3,)).ravel()
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    # where SciPy's own CDF jumps within one step of the table, the steps are compared
    truth = stats.beta(a, b)
    counts = np.histogram(drawn, np.unique(np.round(truth.ppf(np.linspace(0, 1, 17)) * 2.0**24) * 2.0**-24))[0]
    if len(counts) == 16:
        assert stats.chisquare(counts).pvalue > 1e-4
    assert abs(drawn.mean() - truth.mean()) < 5 * truth.std() / np.sqrt(drawn.size)


def test_draws_do_not_depend_on_the_batch() -> None:
    many = Draw(11, 2, np.arange(50)).at("here").beta("x", 0.4, 0.4)
    assert np.array_equal(Draw(11, 2, np.asarray([17])).at("here").beta("x", 0.4, 0.4), many[17:18])
    assert many.shape == (50,)


def test_parameters_have_bounds() -> None:
    for a in (0.0, -1.0, 2000.0, float("nan")):
        with pytest.raises(ArgumentError, match=r"Draw.beta\('x'\): a and b must lie between"):
            Draw(0, 0, np.arange(2)).beta("x", a, 1.0)

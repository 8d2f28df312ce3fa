"""The order is a bijection for every n, has random access, and shows no structure."""

from __future__ import annotations

import itertools
from typing import Any

import array_api_strict
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from augline.errors import ArgumentError
from augline.order import position_of, shuffled

POWERS = [2**k + d for k in (4, 10, 16) for d in (-1, 0, 1)]


def order(n: int, seed: int = 7, epoch: int = 0) -> np.ndarray:
    return np.asarray(shuffled(np.arange(n), n, seed, epoch))


@pytest.mark.parametrize("n", [1, 2, 3, 5, 7, 8, 9, *POWERS, 1_000_000])
def test_every_epoch_visits_every_sample_once(n: int) -> None:
    for seed, epoch in [(7, 0), (7, 1), (2**64 - 1, 2**24 - 1)]:
        samples = order(n, seed, epoch)
        assert samples.dtype == np.int64
        assert np.array_equal(np.sort(samples), np.arange(n))
        assert np.array_equal(position_of(samples, n, seed, epoch), np.arange(n))


@settings(deadline=None)  # a busy machine is not a failure
@given(
    n=st.integers(1, 2**40), seed=st.integers(0, 2**64 - 1), epoch=st.integers(0, 2**24 - 1), fraction=st.floats(0, 1)
)
def test_inverse_undoes_any_position(n: int, seed: int, epoch: int, fraction: float) -> None:
    positions = np.unique(np.asarray([0, int(fraction * (n - 1)), n - 1]))
    samples = shuffled(positions, n, seed, epoch)
    assert np.all((samples >= 0) & (samples < n))
    assert len(np.unique(samples)) == len(positions)
    assert np.array_equal(position_of(samples, n, seed, epoch), positions)


@pytest.mark.parametrize("n", [2**40, 2**40 - 1, 10**9 + 7])
def test_random_access_far_out(n: int) -> None:
    positions = np.concatenate([np.arange(5000), np.arange(n - 5000, n), n // 2 + np.arange(5000)])
    samples = shuffled(positions, n, 7, 3)
    assert len(np.unique(samples)) == len(positions)
    assert np.array_equal(shuffled(positions[777:780], n, 7, 3), samples[777:780])
    assert np.array_equal(position_of(samples, n, 7, 3), positions)
    assert stats.kstest(samples / n, "uniform").pvalue > 1e-3


def test_shape_is_kept_and_the_input_left_alone() -> None:
    positions = np.arange(12).reshape(3, 4)
    assert shuffled(positions, 12, 7, 0).shape == (3, 4)
    assert shuffled(5, 12, 7, 0) == order(12)[5]
    assert np.array_equal(positions, np.arange(12).reshape(3, 4))
    unsigned = np.arange(5, dtype=np.uint64)
    shuffled(unsigned, 5, 7, 0)
    assert np.array_equal(unsigned, np.arange(5))


@pytest.mark.parametrize("n", [50_000, 65_536, 1_281_167])
def test_successive_differences_are_those_of_a_random_order(n: int) -> None:
    # The step to the next sample, modulo n, is uniform: 16 bins, 15 degrees of freedom, p < 1e-4 beyond 45.
    for seed, epoch in [(0, 0), (0, 1), (7, 0), (8, 0)]:
        bins = np.diff(order(n, seed, epoch)) % n * 16 // n
        assert stats.chisquare(np.bincount(bins, minlength=16)).statistic < 45


@pytest.mark.parametrize("n", [50_000, 65_536])
def test_neighbouring_epochs_and_seeds_do_not_resemble_each_other(n: int) -> None:
    # Chance alone has a standard deviation of 1 / √n = 0.0045 and 0.0039: of ten pairs, one is over 0.01 for every
    # eighth choice of seeds. These were chosen so that none is; whether chance is all there is, the next test says.
    keys = [(3, 0), (3, 1), (3, 2), (4, 0), (5, 0)]
    for a, b in itertools.combinations([order(n, *key) for key in keys], 2):
        assert abs(np.corrcoef(a, b)[0, 1]) < 0.01


@pytest.mark.parametrize("n", [50_000, 65_536])
@pytest.mark.parametrize("neighbours", ["epochs", "seeds"])
def test_correlations_are_those_of_chance(n: int, neighbours: str) -> None:
    keys = [(7, i) if neighbours == "epochs" else (i, 0) for i in range(101)]
    orders = (order(n, *key) for key in keys)
    scores = [np.corrcoef(a, b)[0, 1] * np.sqrt(n) for a, b in itertools.pairwise(orders)]
    assert stats.kstest(scores, "norm").pvalue > 1e-3
    assert np.abs(scores).max() < 5


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_small_orders_all_come_up_alike(n: int) -> None:
    orders = np.stack([order(n, seed, epoch) for seed in range(60) for epoch in range(100)])
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(counts) == [2, 6, 24, 120][n - 2]
    assert stats.chisquare(counts).pvalue > 1e-4


def test_every_position_gives_every_sample_alike() -> None:
    n = 16
    orders = np.stack([order(n, 5, epoch) for epoch in range(4_000)])
    for position in range(n):
        assert stats.chisquare(np.bincount(orders[:, position], minlength=n)).pvalue > 1e-5


@pytest.mark.parametrize("n", [1, 2, 3, 17, 1000, 2**40])
def test_strict_namespace_gives_the_same_order(n: int) -> None:
    positions = np.arange(min(n, 1000))
    for epoch in (4, array_api_strict.asarray(4)):
        strict = shuffled(array_api_strict.asarray(positions), n, 7, epoch, xp=array_api_strict)
        assert np.array_equal(np.asarray(strict), shuffled(positions, n, 7, 4))
        back = position_of(strict, n, 7, epoch, xp=array_api_strict)
        assert np.array_equal(np.asarray(back), positions)


@pytest.mark.parametrize(("jit", "sizes"), [(False, (2, 1000)), (True, (17, 2**40))])
def test_tensorflow_graph_gives_the_same_order(jit: bool, sizes: tuple[int, ...]) -> None:
    tf = pytest.importorskip("tensorflow")
    xp = pytest.importorskip("augline.engines.arrays.tensorflow")

    for n in sizes:

        @tf.function(jit_compile=jit)
        def graph(positions: Any, epoch: Any, n: int = n) -> Any:
            samples = shuffled(positions, n, 7, epoch, xp=xp)
            return samples, position_of(samples, n, 7, epoch, xp=xp)

        positions = np.arange(min(n, 1000))
        samples, back = graph(tf.constant(positions, tf.int64), tf.constant(4, tf.int64))
        assert np.array_equal(samples.numpy(), shuffled(positions, n, 7, 4))
        assert np.array_equal(back.numpy(), positions)


@pytest.mark.parametrize(
    ("positions", "n", "seed", "epoch", "message"),
    [
        ([0], 0, 7, 0, r"shuffled\(n\): n must be integers in \[1, 1099511627777\). Received 0"),
        ([0], 2**40 + 1, 7, 0, "n must be"),
        ([-1], 5, 7, 0, r"shuffled\(n=5\): positions must be integers in \[0, 5\). Received \[-1\]"),
        ([0, 5], 5, 7, 0, "Received int64 values from 0 to 5"),
        ([0.0], 5, 7, 0, "positions must be integers"),
        ([0], 5, -1, 0, r"shuffled\(seed\): seed must be an int"),
        ([0], 5, 7, 2**24, r"shuffled\(epoch\): epoch must be"),
    ],
)
def test_out_of_range_arguments_raise(positions: Any, n: int, seed: int, epoch: int, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        shuffled(positions, n, seed, epoch)
    with pytest.raises(ArgumentError, match=message.replace("shuffled", "position_of").replace("positions", "indices")):
        position_of(positions, n, seed, epoch)

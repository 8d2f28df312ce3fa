"""Any batch size under 2 and 4 replicas, in processes of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import fresh

pytest.importorskip("tensorflow")

from augline.convert.balance import balanced, divisible, feeds_all


@pytest.mark.slow
@pytest.mark.parametrize(("replicas", "batch", "count"), [(2, 25, 51), (4, 32, 97), (4, 8, 29)])
def test_training_sees_every_sample_once_per_epoch(replicas, batch, count):
    run = fresh.run(Path(__file__).with_name("under_strategy.py"), replicas, batch, count)
    assert run.returncode == 0, run.stderr[-3000:]
    assert "AutoShard" not in run.stderr, run.stderr
    assert "sharding" not in run.stderr.lower(), run.stderr


@pytest.mark.parametrize(("replicas", "size"), [(2, 25), (3, 25), (4, 25), (4, 32), (8, 64)])
@pytest.mark.parametrize("last", range(1, 26))
def test_rows_move_only_where_a_replica_would_get_none(replicas, size, last):
    batches = [np.arange(size), np.arange(size, 2 * size), np.arange(2 * size, 2 * size + last)]
    out = list(balanced(batches, replicas))
    assert len(out) == 3
    assert np.concatenate(out).tolist() == list(range(2 * size + last))
    assert all(feeds_all(len(batch), replicas) for batch in out)
    if feeds_all(last, replicas):
        assert [len(batch) for batch in out] == [size, size, last]


def test_batches_that_cannot_be_cut_evenly_pass_rows_on():
    batches = [np.arange(25 * i, 25 * (i + 1)) for i in range(20)]  # 8 replicas: [4, 4, 4, 4, 4, 4, 1, 0]
    out = list(balanced(batches, 8))
    assert len(out) == 20
    assert np.concatenate(out).tolist() == list(range(500))
    assert all(feeds_all(len(batch), 8) for batch in out)


@pytest.mark.parametrize(("replicas", "counts", "wanted"), [
    (4, [8, 8, 5], [7, 7, 7]), (4, [8, 8, 8, 8, 5], [8, 8, 7, 7, 7]), (2, [8, 8, 1], [8, 7, 2]),
    (4, [32, 32, 1], [32, 29, 4]), (4, [32, 32, 32], [32, 32, 32]),
])  # fmt: skip
def test_rows_may_come_from_more_than_one_batch(replicas, counts, wanted):
    for length in (len(counts), None):
        batches = np.split(np.arange(sum(counts)), np.cumsum(counts)[:-1])
        out = list(balanced(batches, replicas, length=length))
        assert [len(batch) for batch in out] == wanted
        assert np.concatenate(out).tolist() == list(range(sum(counts)))


def test_where_replicas_are_unknown_any_number_of_devices_may_share():
    def counts(sizes, devices):
        return [len(batch) for batch in balanced([np.zeros(size) for size in sizes], 1, devices=devices)]

    assert counts([32, 32, 1], 1) == [32, 32, 1]
    assert counts([32, 32, 1], 4) == [32, 26, 7]  # 4 rows would be [2, 2, 0] for three
    assert counts([33, 33, 33, 33], 8) == [33, 33, 33, 33]  # full batches stay, whoever they are for


@pytest.mark.parametrize("parts", [2, 3])
def test_what_cannot_be_helped_is_filled_up_where_it_trains(parts):
    batches = [tuple(np.ones(size) for _ in range(parts)) for size in (8, 5)]
    assert [len(batch[0]) for batch in balanced(batches, 4)] == [8, 5]
    *_, last = balanced(batches, 4, fills=True)
    assert [len(part) for part in last] == [7] * parts
    assert last[-1].tolist() == ([1] * 5 + [0, 0] if parts == 3 else [1] * 7)


def test_batches_are_given_on_before_the_end_where_the_length_is_known():
    taken = []

    def batches():
        for number in range(10):
            taken.append(number)
            yield np.zeros(8)

    next(balanced(batches(), 4, length=10))
    assert taken == [0]


def test_what_keras_looks_at_divides():
    assert len(divisible(np.arange(25), 4)) == 28
    assert len(divisible(np.arange(24), 4)) == 24

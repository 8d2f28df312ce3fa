"""Rows moved between batches so that each replica gets some: the same samples, in order, in as many batches."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from augline.feed.balance import balanced, divisible, even_sizes, evened, feeds_all, rounded_up


def numbered(counts):
    """Batches of so many rows, which say their place."""
    return np.split(np.arange(sum(counts)), np.cumsum(counts)[:-1])


def feasible(counts, replicas):
    """Whether any sizes would do: which sums so many batches can have that feed all."""
    sums = {0}
    for _ in counts:
        sums = {one + size for one in sums for size in range(1, max(counts) + replicas) if feeds_all(size, replicas)}
    return sum(counts) in sums


@pytest.mark.parametrize("replicas", [2, 3, 4, 8])
@pytest.mark.parametrize("shape", [
    (1, 5, 5), (3, 16, 1), (5, 9, 9), (6, 8, 2), (4, 8, 1), (7, 12, 3), (9, 64, 1), (4, 5, 5), (6, 10, 6), (2, 17, 12)
])  # fmt: skip
def test_an_epoch_is_cut_so_that_all_are_fed_and_can_begin_anywhere(replicas, shape):
    steps, full, last = shape
    counts = [full] * (steps - 1) + [last]
    cuts = numbered(counts)

    def rest(step):
        return [part.tolist() for part in evened(lambda first: iter(cuts[first:]), step, shape, replicas)]

    wanted = rest(0)
    sizes = [len(part) for part in wanted]
    assert list(itertools.chain(*wanted)) == list(range(sum(counts)))
    assert (len(sizes), min(sizes) > 0) == (steps, True)
    assert all(rest(step) == wanted[step:] for step in range(steps))
    assert all(feeds_all(size, replicas) for size in sizes) == feasible(counts, replicas), (counts, sizes)
    if all(feeds_all(count, replicas) for count in counts):
        assert sizes == counts


@pytest.mark.parametrize("replicas", [2, 3, 4, 5, 6])
def test_as_many_batches_as_replicas_suffice_wherever_anything_does(replicas):
    """Against all sums there are: of epochs whose full batches feed everyone, none is given up too early."""
    for full in range(1, replicas * (replicas - 1) + 2):
        for last in range(1, full + 1) if feeds_all(full, replicas) else ():
            counts = [full] * (replicas + 1) + [last]
            sizes = list(even_sizes(counts, [replicas], most=replicas))
            assert sum(sizes) == sum(counts)
            assert all(feeds_all(size, replicas) for size in sizes) == feasible(counts, replicas), (counts, sizes)


@pytest.mark.parametrize(("replicas", "counts", "wanted"), [
    (4, [10] * 5 + [6], [10, 10, 10, 10, 8, 8]), (4, [8, 8, 8, 8, 1], [8, 7, 7, 7, 4]), (8, [37, 37, 11], [37, 32, 16]),
    (4, [6] * 6 + [1], [4, 4, 4, 4, 4, 7, 10]), (4, [8, 5], [8, 5]),
])  # fmt: skip
def test_as_few_rows_move_as_will_do(replicas, counts, wanted):
    out = list(balanced(numbered(counts), replicas, samples=sum(counts)))
    assert [len(part) for part in out] == wanted
    assert np.concatenate(out).tolist() == list(range(sum(counts)))


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


@pytest.mark.parametrize("known", [{"length": 10}, {"samples": 80}])
def test_batches_are_given_on_before_the_end_where_the_length_is_known(known):
    taken = []

    def batches():
        for number in range(10):
            taken.append(number)
            yield np.zeros(8)

    next(balanced(batches(), 4, **known))
    assert taken == [0]


def test_what_keras_looks_at_divides():
    assert len(divisible(np.arange(25), 4)) == 28
    assert len(divisible(np.arange(24), 4)) == 24
    assert len(divisible(np.arange(0), 4)) == 0
    assert [rounded_up(count, 4) for count in (0, 1, 4, 5)] == [4, 4, 4, 8]

"""Any batch size under 2 and 4 replicas, in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from augline.convert.distribute import balanced, divisible, feeds_all


@pytest.mark.slow
@pytest.mark.parametrize(("replicas", "batch", "count"), [(2, 25, 51), (4, 25, 60), (4, 32, 97), (2, 32, 80)])
def test_training_sees_every_sample_once_per_epoch(replicas, batch, count):
    script = Path(__file__).with_name("under_strategy.py")
    run = subprocess.run([sys.executable, str(script), *map(str, (replicas, batch, count))], capture_output=True,
                         text=True, check=False)  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]
    assert "shard" not in run.stderr.lower()


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
    assert all(feeds_all(len(batch), 8) for batch in out[:-2])


def test_what_keras_looks_at_divides():
    assert len(divisible(np.arange(25), 4)) == 28
    assert len(divisible(np.arange(24), 4)) == 24

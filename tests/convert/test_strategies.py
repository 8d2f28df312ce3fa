"""Any batch size under 2 and 4 replicas, in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from augline.convert.distribute import balanced, divisible, feeds_all  # noqa: E402


@pytest.mark.slow
@pytest.mark.parametrize(("replicas", "batch", "count"), [(2, 25, 51), (4, 25, 60), (4, 32, 97), (2, 32, 80)])
def test_training_sees_every_sample_once_per_epoch(replicas, batch, count):
    script = Path(__file__).with_name("under_strategy.py")
    run = subprocess.run([sys.executable, str(script), *map(str, (replicas, batch, count))], capture_output=True,
                         text=True, check=False)  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]
    assert "shard" not in run.stderr.lower()


@pytest.mark.parametrize("replicas", [2, 3, 4, 8])
@pytest.mark.parametrize("last", range(1, 26))
def test_rows_move_only_where_a_replica_would_get_none(replicas, last):
    batches = [np.arange(25), np.arange(25, 50), np.arange(50, 50 + last)]
    out = list(balanced(batches, replicas))
    assert len(out) == 3
    assert np.concatenate(out).tolist() == list(range(50 + last))
    assert all(feeds_all(len(batch), replicas) for batch in out[1:])
    if feeds_all(25, replicas) and feeds_all(last, replicas):
        assert [len(batch) for batch in out] == [25, 25, last]


def test_what_keras_looks_at_divides():
    assert len(divisible(np.arange(25), 4)) == 28
    assert len(divisible(np.arange(24), 4)) == 24

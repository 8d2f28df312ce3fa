"""Any batch size under 2 and 4 replicas, in processes of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

import fresh

pytest.importorskip("tensorflow")


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(2, 25, 51, "everything"), (4, 32, 97), (4, 8, 29)])
def test_training_sees_every_sample_once_per_epoch(arguments):
    run = fresh.run(Path(__file__).with_name("under_strategy.py"), *arguments)
    assert run.returncode == 0, run.stderr[-3000:]
    assert "AutoShard" not in run.stderr, run.stderr
    assert "sharding" not in run.stderr.lower(), run.stderr

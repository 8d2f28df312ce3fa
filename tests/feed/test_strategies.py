"""`to_tf` under `tf.distribute`: the same samples in the same order on any number of devices and hosts."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import fresh
from ports import free_port

tf = pytest.importorskip("tensorflow")

SCRIPT = Path(__file__).with_name("under_strategies.py")


def checked(out: str, errors: str) -> str:
    assert out.endswith("done\n") or out.startswith("done"), errors[-4000:]
    assert "AutoShard" not in errors, errors
    assert "sharding" not in errors.lower(), errors
    return out


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("mirrored", "1"), ("mirrored", "2"), ("mirrored", "4"), ("one_device",)])
def test_on_one_host(arguments):
    run = fresh.run(SCRIPT, *arguments)
    checked(run.stdout, run.stderr)


@pytest.mark.slow
def test_parameter_servers_are_refused():
    run = fresh.run(SCRIPT, "parameter_server", *(free_port() for _ in range(3)))
    checked(run.stdout, run.stderr)


@pytest.mark.slow
def test_two_hosts_take_what_one_would():
    sys.path.insert(0, str(SCRIPT.parent))
    try:
        import under_strategies as script
    finally:
        sys.path.remove(str(SCRIPT.parent))
    ports = [free_port(), free_port()]
    cluster = {"worker": [f"localhost:{port}" for port in ports]}
    config = [json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}}) for index in (0, 1)]
    with contextlib.ExitStack() as running:
        workers = [running.enter_context(fresh.Process(SCRIPT, "multi_worker", TF_CONFIG=text)) for text in config]
        for worker in workers:
            worker.wait()
        first, second = (json.loads(checked(worker.stdout, worker.stderr).splitlines()[0]) for worker in workers)

    pipe = script.pipeline()
    wanted = [[script.digests(step) for step in script.steps(pipe, epoch)] for epoch in (0, 1)]
    wanted = [[list(map(list, step)) for step in epoch] for epoch in wanted]

    def merged(one, other):
        return [[*mine, *theirs] for mine, theirs in zip(one, other, strict=True)]

    for policy, steps in (("pad", 6), ("drop", 5)):
        for epoch in (0, 1):
            assert merged(first[policy][epoch], second[policy][epoch]) == wanted[epoch][:steps]
            assert [len(step) for step in second[policy][epoch]] == [4, 4, 4, 4, 4, 1][:steps]
    assert merged(first["resumed"], second["resumed"]) == wanted[1][2:]
    assert first["weights"] == second["weights"]
    np.testing.assert_allclose(first["weights"], trained_alone(pipe), atol=1e-5)
    assert "context=context" in first["refused"]


def trained_alone(pipe):
    """What `trained_by_hand` of the script does, in NumPy and on one host."""
    weights = np.zeros((144, 42))
    for epoch in range(2):
        for images, labels in pipe.epoch(epoch):
            flat = images.reshape(-1, 144).astype(np.float64)
            powers = np.exp(flat @ weights)
            shares = powers / powers.sum(axis=1, keepdims=True) - np.eye(42)[labels]
            weights -= 0.1 * flat.T @ shares / 8
    return weights.sum(axis=0)

"""Saved iterators of the graph engine go on as those of the NumPy engines do, batch for batch, epoch for epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import augline as al

tf = pytest.importorskip("tensorflow")

COUNT, STEPS = 10, 3
ENGINES = pytest.mark.parametrize("engine", ["opencv", "tensorflow"])


def pipeline(engine: str) -> al.Pipeline:
    images = np.stack([np.full((4, 4, 1), k, np.uint8) for k in range(COUNT)])
    return al.Pipeline(al.Arrays(images, np.arange(COUNT)), batch_size=4, seed=1, engine=engine)


def labels(batches: Any) -> list[list[int]]:
    return [np.asarray(numbers).tolist() for _, numbers in batches]


def epochs(*numbers: int) -> list[list[int]]:
    return [row for epoch in numbers for row in labels(pipeline("opencv").epoch(epoch))]


def saved(folder: Path, dataset: Any, taken: int, *, to_the_end: bool = False) -> str:
    iterator = iter(dataset)
    for _ in range(taken):
        next(iterator)
    if to_the_end:
        assert next(iterator, None) is None
    return str(tf.train.Checkpoint(iterator=iterator).save(str(folder / "place")))


def restored(path: str, dataset: Any) -> Any:
    iterator = iter(dataset)
    tf.train.Checkpoint(iterator=iterator).restore(path)
    return iterator


@ENGINES
@pytest.mark.parametrize("taken", [STEPS, STEPS + 1])
def test_repeated_epochs_go_on_in_a_new_process(tmp_path: Path, engine: str, taken: int) -> None:
    path = saved(tmp_path, pipeline(engine).to_tf(start=(2, 0)).repeat(), taken)
    other = restored(path, pipeline(engine).to_tf().repeat())
    assert labels(next(other) for _ in range(2 * STEPS)) == epochs(2, 3, 4, 5)[taken : taken + 2 * STEPS]


@ENGINES
@pytest.mark.parametrize("taken", [1, STEPS])
def test_the_pass_after_one_that_was_restored_is_the_next_epoch(tmp_path: Path, engine: str, taken: int) -> None:
    path = saved(tmp_path, pipeline(engine).to_tf(start=(2, 0)), taken)
    dataset = pipeline(engine).to_tf()
    assert labels(restored(path, dataset)) == epochs(2)[taken:]
    assert labels(dataset) == epochs(3)
    assert labels(dataset) == epochs(4)


@ENGINES
def test_going_back_to_an_earlier_epoch_goes_through_those_behind_it_again(tmp_path: Path, engine: str) -> None:
    iterator = iter(pipeline(engine).to_tf().repeat())
    checkpoint = tf.train.Checkpoint(iterator=iterator)
    next(iterator)
    path = checkpoint.save(str(tmp_path / "place"))
    for _ in range(2):
        assert labels(next(iterator) for _ in range(2 * STEPS)) == epochs(0, 1, 2)[1 : 1 + 2 * STEPS]
        checkpoint.restore(path)


@ENGINES
def test_an_iterator_at_its_end_holds_no_place(tmp_path: Path, engine: str) -> None:
    """TensorFlow has let go of all that stands in front of the end: the next pass is what `start` says."""
    path = saved(tmp_path, pipeline(engine).to_tf(start=(2, 0)), STEPS, to_the_end=True)
    dataset = pipeline(engine).to_tf(start=(7, 0))
    assert labels(restored(path, dataset)) == []
    assert labels(dataset) == epochs(7)


@ENGINES
def test_two_iterators_at_once_are_in_the_same_epoch(engine: str) -> None:
    dataset = pipeline(engine).to_tf()
    one, other = iter(dataset), iter(dataset)
    pairs = [(next(one), next(other)) for _ in range(STEPS)]
    assert labels(pair[0] for pair in pairs) == labels(pair[1] for pair in pairs) == epochs(0)
    assert labels(dataset) == epochs(1)


def test_passes_that_are_left_early_do_not_count_however_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augline.feed.graph.place._BEGUN", 4)
    dataset = pipeline("tensorflow").to_tf()
    for _ in range(6):
        next(iter(dataset))
    assert labels(dataset) == epochs(0)
    assert labels(dataset) == epochs(1)

"""Schedules: a number per epoch, in place of one."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest

import augline as al
from augline import plain_yaml
from augline.plan import Extent, Frame
from augline.program import Program
from augline.random import Draw
from augline.transforms.base import expand, resolved
from pictures import smooth


def test_values_between_the_points() -> None:
    line = al.linear(0.1, 0.5, epochs=4)
    assert np.allclose([line.at(e) for e in range(7)], [0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.5])
    wave = al.cosine(0.0, 1.0, epochs=3)
    assert np.allclose([wave.at(e) for e in range(4)], [0, (1 - math.cos(math.pi / 3)) / 2, 0.75, 1])
    late = al.steps({5: 0.2, 10: 0.3})
    assert [late.at(e) for e in (0, 5, 9, 10, 99)] == [0.2, 0.2, 0.2, 0.3, 0.3]
    assert al.linear((0.0, 0.2), (0.4, 0.4), epochs=2).at(1) == (0.2, pytest.approx(0.3))
    longer = al.Schedule("linear", ((0, 0.0), (10, 1.0), (20, 0.5)))
    assert [longer.at(e) for e in (5, 10, 15)] == [0.5, 1.0, 0.75]


def test_whole_numbers_stay_whole_where_the_argument_is_whole() -> None:
    bits = al.RandomPosterization(al.linear(8, 2, epochs=4))
    assert [resolved(bits, e).factor for e in range(5)] == [8, 6, 5, 4, 2]
    turn = al.RandomRotation(al.linear(0, 1, epochs=4))
    assert [resolved(turn, e).factor for e in range(5)] == [0, 0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize("epoch", [0, 3, 10, 12])
def test_a_scheduled_transform_is_the_plain_one_of_that_epoch(epoch: int) -> None:
    image = smooth(20, 30)[None].repeat(6, axis=0)
    strength = al.linear(0.0, 0.2, epochs=10)
    work = [
        al.RandomRotation(strength), al.OneOf([al.RandomBrightness(strength), al.RandomHue(0.1)]),
        al.RandAugment(magnitude=al.steps({0: 0, 10: 20})), al.RandomErasing(al.steps({0: (1, 1), 10: (0, 0)})),
    ]  # fmt: skip
    now = strength.at(epoch)
    plain = [
        al.RandomRotation(now), al.OneOf([al.RandomBrightness(now), al.RandomHue(0.1)]),
        al.RandAugment(magnitude=20 if epoch >= 10 else 0), al.RandomErasing((0, 0) if epoch >= 10 else (1, 1)),
    ]  # fmt: skip
    assert np.array_equal(al.augment(image, work, epoch=epoch), al.augment(image, plain, epoch=epoch))


def test_a_chance_can_end_after_an_epoch() -> None:
    image = smooth(20, 30)[None].repeat(20, axis=0)
    closing = [al.RandomInvert((1, 1), p=al.steps({0: 1.0, 2: 0.5, 4: 0.0}))]
    changed = [(al.augment(image, closing, epoch=e) != image).any(axis=(1, 2, 3)).sum() for e in range(6)]
    assert changed[:2] == [20, 20]
    assert 0 < changed[2] < 20
    assert changed[4:] == [0, 0]
    assert closing[0].evaluation() is None
    assert al.Sequential([al.Resizing(4, 4)], p=al.steps({0: 1.0, 2: 0.5})).evaluation() is None


def test_the_layout_of_draws_is_only_a_cache() -> None:
    work = [al.RandomRotation(al.linear(0.0, 0.2, epochs=3), p=al.steps({0: 1.0, 1: 0.5})), al.RandomFlip()]
    settings: Any = {"seed": 3, "channels": 3, "dtype": "uint8", "value_range": (0.0, 255.0), "size": (20, 30)}
    program, sizes = Program(work, **settings), np.full((4, 2), (20, 30))
    for epoch in (0, 1, 0, 2, 1):
        warm, cold = (p.plan(epoch, np.arange(4), sizes)[1].stages for p in (program, Program(work, **settings)))
        assert all(np.array_equal(a.matrix, b.matrix) for a, b in zip(warm, cold, strict=True))


def test_explanations_show_the_number_of_the_epoch() -> None:
    work = [al.RandomRotation(al.linear(0.0, 0.2, epochs=4))]
    frame = Frame(np, Extent.of(np, 2, 8, 8), 3)
    assert repr(expand(work, Draw(0, 2, np.arange(2)), frame).drawn[0].transform) == "RandomRotation(factor=0.1)"
    pipe = al.Pipeline(al.Arrays(np.zeros((2, 8, 8, 3), np.uint8)), work, batch_size=2)
    assert "linear(0.0, 0.2, epochs=4)" in repr(pipe)


def test_schedules_are_values() -> None:
    item = al.RandomRotation(al.linear(0, 0.1, epochs=5), p=al.steps({0: 1, 5: 0}))
    again = al.RandomRotation(al.linear(0.0, 0.1, epochs=5), p=al.steps({5: 0.0, 0: 1.0}))
    assert item == again
    assert hash(item) == hash(again)
    assert pickle.loads(pickle.dumps(item)) == item
    assert repr(item) == "RandomRotation(factor=linear(0.0, 0.1, epochs=5), p=steps({0: 1.0, 5: 0.0}))"


@pytest.mark.parametrize(
    "schedule",
    [
        al.linear(0.0, 0.1, epochs=5), al.cosine((0.0, 0.1), (0.1, 0.2), epochs=5), al.steps({0: 0.1, 9: (0.0, 0.2)}),
        al.Schedule("linear", ((2, 0.0), (5, 0.1), (9, 0.0))),
    ],
)  # fmt: skip
def test_schedules_survive_yaml(schedule: al.Schedule) -> None:
    text = plain_yaml.dump({"factor": schedule.config()})
    assert al.RandomRotation(**plain_yaml.load(text)).factor == schedule
    if schedule.shape == "steps":
        assert al.RandomRotation({"steps": {0: 0.1, 9: [0.0, 0.2]}}).factor == schedule


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: al.RandomRotation(al.linear(0, 2, epochs=5)), "factor must be a number .* Received factor=2"),
        (lambda: al.RandAugment(magnitude=al.steps({0: 9, 5: 31})), "magnitude must be at most"),
        (lambda: al.Resizing(al.steps({0: 64, 5: 128}), 64), "height must be the same in all epochs"),
        (lambda: al.RandomRotation(al.linear(0.1, (0.1, 0.2), epochs=5)), "between numbers there must be a way"),
        (lambda: al.linear(0.0, 0.1, epochs=0), "values at one epoch or more"),
        (lambda: al.steps({}), "values at one epoch or more"),
        (lambda: al.steps({-1: 0.1}), "values at one epoch or more"),
        (lambda: al.steps({1.5: 0.1}), "values at one epoch or more"),
        (lambda: al.RandomRotation({"linear": [[0, 0.1], [5]]}), "factor must be a number"),  # type: ignore[arg-type]
    ],
)
def test_wrong_schedules(wrong: Any, message: str) -> None:
    with pytest.raises(al.ArgumentError, match=message):
        wrong()


def test_numpy_numbers_are_as_good() -> None:
    given = al.linear(np.float32(0.5), np.int64(1), epochs=np.int64(4))
    assert given == al.linear(0.5, 1, epochs=4)
    assert al.steps({np.int64(3): np.float64(0.5)}) == al.steps({3: 0.5})
    assert al.cosine([np.float32(0.5), 1], (1, 2), epochs=4) == al.cosine((0.5, 1), (1, 2), epochs=4)


def test_a_batch_has_one_epoch_where_there_are_schedules() -> None:
    frame = Frame(np, Extent.of(np, 2, 8, 8), 3)
    work = [al.RandomRotation(al.linear(0.0, 0.1, epochs=5))]
    same = expand(work, Draw(0, np.asarray([3, 3]), np.arange(2)), frame)
    assert np.array_equal(same.stages[0].matrix, expand(work, Draw(0, 3, np.arange(2)), frame).stages[0].matrix)
    with pytest.raises(al.ArgumentError, match=r"a schedule has one value per batch. Received .* \[2, 3\]"):
        expand(work, Draw(0, np.asarray([2, 3]), np.arange(2)), frame)


def test_what_no_image_can_have_in_a_later_epoch_is_refused_when_a_pipeline_is_built() -> None:
    source = al.Arrays(np.zeros((2, 8, 8, 3), np.uint8))
    al.Pipeline(source, [al.Padding(9, 9, fill_value=al.linear(0, 255, epochs=4))])
    with pytest.raises(al.ArgumentError, match=r"range from 0 to 255\. Received 400"):
        al.Pipeline(source, [al.Sequential([al.Padding(9, 9, fill_value=al.linear(0, 400, epochs=4))])])

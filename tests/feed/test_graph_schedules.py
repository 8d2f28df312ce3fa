"""Schedules in the graph engine, which is one graph for all epochs: the numbers, draws and pixels of NumPy."""

from __future__ import annotations

import dataclasses
import math
import operator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import augline as al
from augline.arrays import Array
from augline.plan import Extent, Frame
from augline.random import Draw
from augline.transforms.base import resolved
from augline.transforms.compose import Composite
from augline.transforms.epochs import EpochNumber, each, largest, least
from conformance.cases import CASES
from pictures import smooth

tf = pytest.importorskip("tensorflow")

from augline.engines.arrays import tensorflow as xp  # noqa: E402

COUNT, SIZE = 6, (40, 52)
FIXED = {  # arguments that decide shapes or static parts of a plan
    "kernel_size", "cells", "num_steps", "num_ops", "mixture_width", "chain_depth", "alpha", "tile_grid_size", "size",
    "height", "width", "max_size", "multiple", "name", "value_range",
}  # fmt: skip
VALUES = (al.Rescaling, al.Normalize, al.ConvertDtype, al.PerImageStandardization, al.Map)


def kinds() -> list[al.Transform]:
    """One of each transform whose numbers can change."""
    items = [item for case in CASES for item in case.transforms if not isinstance(item, (*VALUES, Composite))]
    return list({type(item): item for item in reversed(items)}.values())


def scheduled(item: al.Transform) -> al.Transform:
    """With every number in it changing over five epochs."""
    changes = {"p": al.linear(0.9, 0.3, epochs=5)}
    for field in dataclasses.fields(item):
        value = getattr(item, field.name)
        if field.name not in FIXED | {"p"} and is_numbers(value):
            values = value if isinstance(value, tuple) else (value,)
            end = values[-1] if len({*values}) > 1 else 0.0  # a range becomes narrower
            later = tuple(v + 1 if isinstance(v, int) else v * 0.9 + end * 0.1 for v in values)
            later = later if isinstance(value, tuple) else later[0]
            changes[field.name] = al.cosine(value, later, epochs=5)
    return dataclasses.replace(item, **changes)


def is_numbers(value: Any) -> bool:
    values = value if isinstance(value, tuple) else (value,)
    return all(type(v) in (int, float) for v in values) and len({*map(type, values)}) == 1 and 0 < len(values) < 3


def drawn(item: al.Transform, namespace: Any, epoch: Any) -> dict[str, Array]:
    """What `sample` gives for images of two sizes, and which of them it is done to."""
    ids = namespace.asarray(np.arange(4))
    height, width = (namespace.asarray([side, side + 21.0] * 2) for side in SIZE)
    plain = resolved(item, epoch, namespace)
    params = plain.sample(Draw(3, epoch, ids, xp=namespace).at("item"), Frame(namespace, Extent(height, width), 3))
    gate = plain.gate(Draw(3, epoch, ids, xp=namespace))
    return params if gate is None else {**params, "p": gate}


@pytest.mark.parametrize("item", kinds(), ids=lambda item: type(item).__name__)
def test_every_draw_of_the_catalogue_is_that_of_numpy(item: al.Transform) -> None:
    changing = scheduled(item)
    if type(item).sample is al.Transform.sample and not hasattr(item, "p"):
        pytest.skip("draws nothing")
    for epoch in (0, 2, 9):
        wanted = drawn(changing, np, epoch)
        got = drawn(changing, xp, tf.constant(epoch, tf.int64))
        assert {*got} >= {*wanted}
        for name, told in wanted.items():
            found = np.asarray(got[name])[tuple(map(slice, np.shape(told)))]  # places for the most there may be
            assert np.array_equal(found, told) or np.allclose(found, told, rtol=1e-15, atol=0), name


def test_a_number_of_each_epoch_is_computed_as_python_does() -> None:
    schedule, epoch = al.cosine(0.1, 0.7, epochs=9), tf.constant(4, tf.int64)
    number = resolved(al.RandomBrightness(schedule), epoch, xp).factor
    value = schedule.at(4)
    assert isinstance(number, EpochNumber)
    for function in (
        operator.neg, abs, math.ceil, lambda v: 1 - v, lambda v: v / 3 - 1, lambda v: 2.0**v * v, lambda v: v // 0.3,
        lambda v: each(math.log, v), lambda v: 7 % (3 + v) if isinstance(v, float) else each(lambda u: 7 % (3 + u), v),
    ):  # fmt: skip
        assert tf.convert_to_tensor(function(number)).numpy() == function(value)
    tensor = tf.constant([1.5, 2.5], tf.float64)
    assert np.array_equal(tensor * number - number, np.asarray([1.5, 2.5]) * value - value)
    assert np.array_equal(number - tensor, value - np.asarray([1.5, 2.5]))
    assert (least(number), largest(number)) == (0.1, 0.7)
    assert number < 0.8
    assert number - number == 0.0
    whole = resolved(al.RandomPosterization(al.linear(1, 8, epochs=5)), tf.constant(2, tf.int64), xp).factor
    assert np.array_equal(tensor * whole, np.asarray([1.5, 2.5]) * 4)
    for misuse in (lambda: number < 0.3, lambda: range(whole), lambda: float(number), lambda: np.sin(number)):
        with pytest.raises(al.EngineError, match=r"Random\w+\(factor=.*\): in a graph this argument must be the"):
            misuse()
    with pytest.raises((TypeError, tf.errors.InvalidArgumentError)):
        tf.constant([1], tf.int64) + number


@pytest.mark.parametrize("epoch", [0, 2, 3, 7, 8, 100])
@pytest.mark.parametrize("shape", ["steps", "linear", "cosine"])
def test_before_between_and_behind_the_points(shape: Any, epoch: int) -> None:
    schedule = al.Schedule(shape, ((3, (0.1, 0.2)), (7, (0.3, 0.4)), (9, (0.2, 0.9))))
    ends = resolved(al.RandomBrightness(schedule), tf.constant(epoch, tf.int64), xp).factor
    assert tuple(tf.convert_to_tensor(end).numpy().item() for end in ends) == schedule.at(epoch)


LISTS: dict[str, list[Any]] = {
    "strength and chance": [
        al.RandomFlip(p=al.steps({0: 0.0, 1: 1.0})),
        al.RandomRotation(al.linear(0.0, 0.2, epochs=2)),
        al.OneOf([al.RandomBrightness(al.cosine(0.0, 0.4, epochs=2)), al.RandomInvert()], p=al.linear(1, 0.5, 2)),
    ],
    "counts and sizes": [
        al.CoarseDropout(al.steps({0: (1, 2), 2: (4, 9)}), fill_value=al.linear(0.0, 200.0, epochs=2)),
        al.GridMask(al.steps({0: (2, 2), 1: (3, 5)}), p=0.5),
        al.RandomMotionBlur(al.linear(3, 9, epochs=2)),
        al.RandomGaussianBlur(1.0, 0, al.linear(0.3, 1.5, epochs=2)),
    ],
    "transforms of transforms": [
        al.RandomColorJitter(brightness_factor=al.linear(0.0, 0.3, epochs=2), hue_factor=(0.0, 0.1)),
        al.ColorJitter(al.linear(0.0, 1.0, epochs=2), shuffle=False),
    ],
    "mixing that ends": [
        al.Mosaic(centre=al.steps({0: (0.4, 0.6), 1: (0.1, 0.9)}), p=al.steps({0: 1.0, 2: 0.0})),
        al.MixUp(p=al.linear(1.0, 0.0, epochs=2), until_epoch=2),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_batches_of_each_epoch_are_those_of_the_reference(name: str) -> None:
    images = np.stack([smooth(*SIZE, 3, "uint8", k) for k in range(COUNT)])
    settings: Any = {"batch_size": 3, "seed": 4}
    source = al.Arrays(images, np.eye(COUNT, dtype=np.float32))
    graph = al.Pipeline(source, LISTS[name], engine="tensorflow", **settings)
    reference, dataset = al.Pipeline(source, LISTS[name], engine="reference", **settings), graph.to_tf()
    seen = []
    for epoch in range(3):
        for step, (got, labels) in enumerate(dataset):
            wanted, told = reference.batch(epoch, step)
            apart = np.abs(got.numpy().astype(float) - wanted)
            assert apart.max() <= 1.0
            assert apart.mean() <= 0.03
            assert np.allclose(labels, told, atol=1e-6)
        seen.append(got.numpy())
    assert not np.array_equal(seen[0], seen[2])
    assert b"PyFunc" not in dataset._as_serialized_graph(allow_stateful=True).numpy()


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (al.RandomFlip(al.steps({0: "horizontal", 5: "vertical"})), r"RandomFlip\(mode=.*: .* all pairs of numbers"),
        (al.RandomBrightness(al.steps({0: 0.1, 5: (0.1, 0.2)})), r"RandomBrightness\(factor=.* or all pairs of number"),
        (al.RandomBrightness(al.linear(0.0, 0.1, epochs=1 << 20)), r"within 65536 epochs. Received 1048576"),
        (al.RandAugment(num_ops=al.steps({0: 1, 5: 2})), r"RandAugment\(num_ops=.* must be the same in all epochs"),
        (al.MixUp(al.steps({0: 0.1, 5: 0.3})), r"MixUp\(alpha=.* must be the same in all epochs"),
        (al.Rescaling(al.steps({0: 1.0, 5: 0.5})), r"Rescaling\(scale=.* must be the same in all epochs"),
        (
            al.RandomRotation(0.1, fill_mode="constant", fill_value=al.linear(0, 9, epochs=3)),
            r"RandomRotation\(fill_value=.* must be the same in all epochs",
        ),
    ],
)
def test_what_decides_the_shape_of_things_is_refused_by_name(item: al.Transform, message: str) -> None:
    source = al.Arrays(np.zeros((2, 20, 20, 3), np.uint8), np.eye(2, dtype=np.float32))
    with pytest.raises(al.EngineError, match=message):
        al.Pipeline(source, [item], batch_size=2, engine="tensorflow").to_tf()


def test_what_is_exported_knows_no_epochs(tmp_path: Path) -> None:
    pipe = al.Pipeline(al.Arrays(np.zeros((2, 20, 20, 3), np.uint8)), [al.Rescaling(al.steps({0: 1.0, 5: 0.5}))])
    with pytest.raises(al.ArgumentError, match=r"of Rescaling\(scale=...\): what is served knows no epochs"):
        pipe.export(tmp_path)

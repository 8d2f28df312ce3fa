from __future__ import annotations

import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import augline as al
from augline import engines
from augline.plan import Tone, Warp
from augline.program import Program

LIST = (al.RandomFlip(), al.RandomRotation(0.1), al.OneOf([al.RandomBrightness(0.2), al.RandomHue(0.1)]))


def program(transforms=LIST, size=(20, 30), **more) -> Program:
    settings = {"seed": 3, "channels": 3, "dtype": "uint8", "value_range": (0.0, 255.0), **more}
    return Program(transforms, size=size, **settings)


def numbers(expansion) -> list[np.ndarray]:
    return [value for drawn in expansion.drawn for value in drawn.params.values()]


def drawn(made: Program, epoch: int, ids) -> list[np.ndarray]:
    ids = np.asarray(ids)
    return numbers(made.plan(epoch, ids, np.tile([[20, 30]], (len(ids), 1)))[0])


def test_a_samples_draws_do_not_depend_on_its_batch():
    together = drawn(program(), 2, range(10))
    for number in range(10):
        for whole, alone in zip(together, drawn(program(), 2, [number]), strict=True):
            assert_array_equal(whole[number], alone[0])


def test_what_came_before_does_not_matter():
    fresh, used = program(), program()
    for epoch in range(5):
        drawn(used, epoch, range(7))
    for a, b in zip(drawn(fresh, 9, range(20)), drawn(used, 9, range(20)), strict=True):
        assert_array_equal(a, b)


def test_seed_epoch_and_id_each_change_the_draws():
    def angle(epoch: int, number: int, **more: int) -> float:
        made = program([al.RandomRotation(0.1)], **more)
        return float(drawn(made, epoch, [number])[0][0])

    assert len({angle(0, 5), angle(0, 5, seed=4), angle(1, 5), angle(0, 6)}) == 4


def test_threads_may_share_one():
    made, wrong = program(), []
    wanted = [drawn(program(), epoch, range(16)) for epoch in range(8)]

    def work() -> None:
        for epoch in range(8):
            same = all(map(np.array_equal, drawn(made, epoch, range(16)), wanted[epoch]))
            wrong.extend([] if same else [epoch])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize(
    ("transforms", "size", "output"),
    [
        ([], (20, 30), (20, 30)),
        ([al.RandomRotation(0.1)], (20, 30), (20, 30)),
        ([al.Resizing(8, 9)], None, (8, 9)),
        ([al.RandomCrop(8, 9), al.Transpose()], None, (9, 8)),
        ([al.RandomCrop(8, 9), al.Transpose(p=0.5)], None, None),
        ([al.RandomFlip()], None, None),
        ([al.RandomCrop(8, 9, p=0.5)], (20, 30), None),
        ([al.RandomCrop(8, 9, p=0.5), al.Resizing(8, 9)], None, (8, 9)),
        ([al.RandomResizedCrop(8, 8), al.Transpose()], None, (8, 8)),
        ([al.OneOf([al.RandomCrop(8, 9), al.Sequential([al.CenterCrop(8, 9), al.RandomFlip(p=0.5)])])], None, (8, 9)),
        ([al.OneOf([al.OneOf([al.RandomCrop(8, 9), al.CenterCrop(8, 9)]), al.Resizing(8, 9)])], (20, 30), (8, 9)),
        ([al.OneOf([al.RandomCrop(8, 9), al.CenterCrop(8, 9)], p=0.5)], (20, 30), None),
        ([al.OneOf([al.RandomCrop(8, 9), al.CenterCrop(8, 9, p=0.5)])], (20, 30), None),
        ([al.OneOf([al.RandomCrop(8, 9), al.RandomRotation(0.1)])], (8, 9), (8, 9)),
        ([al.SomeOf([al.RandomCrop(8, 9), al.RandomFlip(), al.CenterCrop(8, 9)], n=(2, 3))], None, (8, 9)),
        ([al.SomeOf([al.RandomCrop(8, 9), al.RandomRotation(0.1, p=0.5), al.CenterCrop(8, 9)], n=2)], None, (8, 9)),
        ([al.SomeOf([al.RandomCrop(8, 9), al.RandomFlip(), al.CenterCrop(8, 9)], n=(1, 3))], (20, 30), None),
        ([al.SomeOf([al.RandomCrop(8, 9), al.CenterCrop(8, 9)], n=1, p=0.5)], (20, 30), None),
        ([al.SomeOf([al.RandomCrop(8, 9), al.CenterCrop(8, 9), al.Transpose()], n=2)], None, None),
        ([al.SomeOf([al.RandomDownscale((0.5, 0.8)), al.RandomFlip()], n=1)], (20, 30), (20, 30)),
    ],
)
def test_the_size_that_comes_out_is_known_before_any_image(transforms, size, output):
    made = program(transforms, size)
    assert made.output_size == output
    if output is None:
        with pytest.raises(al.ArgumentError, match="must come out in one size"):
            made.common_size()


CROPS = al.OneOf([al.RandomCrop(8, 9), al.RandomCrop(12, 13)])


@pytest.mark.parametrize(
    ("transforms", "size", "culprit"),
    [
        ([al.RandomFlip(), CROPS], (20, 30), "OneOf/RandomCrop"),
        ([al.Resizing(15, 16), al.RandomFlip(), CROPS], None, "OneOf/RandomCrop"),
        ([CROPS, al.Resizing(15, 16), al.RandomRotate90()], (20, 30), "RandomRotate90"),
    ],
)
def test_what_leaves_images_in_several_sizes_is_named(transforms, size, culprit):
    words = rf"Received {culprit}, behind which they have sizes of their own\. Put Resizing\(height, width\) behind it"
    with pytest.raises(al.ArgumentError, match=words):
        program(transforms, size).common_size()
    assert program([*transforms, al.Resizing(7, 7)], size).common_size() == (7, 7)
    with pytest.raises(al.ArgumentError, match=r"Give size=\(height, width\)"):
        program([al.RandomFlip()], None).common_size()


@pytest.mark.parametrize(
    ("transforms", "dtype", "output"),
    [
        ([], "uint8", "uint8"),
        ([al.RandomBrightness(0.2)], "uint16", "uint16"),
        ([al.Rescaling(1 / 255)], "uint8", "float32"),
        ([al.Normalize([0.5] * 3, [0.2] * 3)], "uint8", "float32"),
        ([al.RandomFlip()], "float32", "float32"),
    ],
)
def test_the_type_that_comes_out_follows_from_the_list(transforms, dtype, output):
    assert program(transforms, dtype=dtype).output_dtype == output


def test_a_batch_of_no_samples_has_a_plan():
    expansion, plan = program().plan(0, np.zeros(0, np.int64), np.zeros((0, 2), np.int64))
    assert all(len(values) == 0 for values in numbers(expansion))
    assert plan.before.batch == 0


def test_an_engine_that_lacks_a_stage_is_refused_with_those_that_have_it(monkeypatch):
    have = {"opencv": frozenset({Warp}), "reference": frozenset({Warp, Tone})}
    monkeypatch.setattr(engines, "ENGINES", dict.fromkeys(have, ""))
    monkeypatch.setattr(engines, "stages", have.__getitem__)
    work = [al.RandomFlip(), al.OneOf([al.RandomInvert(), al.RandomGamma()])]
    words = r"engine 'opencv': it has no Tone, which .*RandomInvert.* needs\. .*Use engine='reference'"
    with pytest.raises(al.EngineError, match=words):
        program(work, engine="opencv")
    assert program(work, engine="reference").engine == "reference"


def test_an_unknown_engine_is_refused():
    with pytest.raises(al.ArgumentError, match="no such engine"):
        program(engine="cuda")

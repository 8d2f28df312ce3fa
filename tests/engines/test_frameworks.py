"""The portable program on the arrays of JAX and PyTorch, where they are installed: parameters and pixels of NumPy."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import augline as al
from augline.engines.portable.run import run, run_batch
from augline.plan import Extent, Frame, Plan, make_plan
from augline.plan.plan import mapped
from augline.random import Draw
from augline.transforms.base import Expansion, expand
from conformance.cases import CASES, DRAWING, Case
from pictures import TOP, smooth

ROWS, HEIGHT, WIDTH = 3, 23, 31
# no functions of the user's, which know NumPy only, and no images that come out in sizes of their own
PORTABLE = [
    case for case in CASES
    if case.kind != "own" and not isinstance(case.transforms[0], (al.RandomRotate90, al.D4, al.Transpose))
]  # fmt: skip
EVERY = 9  # of the cases on JAX, which takes seconds for each when it does not compile


def planned(xp: Any, transforms: Sequence[al.Transform], images: NDArray[Any]) -> tuple[Expansion, Plan]:
    rows, height, width, channels = images.shape
    full = xp.ones((rows,), dtype=xp.float64)
    extent = Extent(full * height, full * width, (height, width))
    before = Frame(xp, extent, channels, (TOP[images.dtype.name],), (0.0,), images.dtype.name)
    done = expand(transforms, Draw(3, 1, xp.asarray(np.arange(rows)), xp=xp), before)
    return done, make_plan(done.stages, before, done.frame)


def pictures(case: Case, dtype: str = "uint8") -> NDArray[Any]:
    return np.stack([smooth(HEIGHT, WIDTH, case.channels[-1], dtype, seed) for seed in range(ROWS)])


def reference(plan: Plan, images: NDArray[Any]) -> NDArray[Any]:
    return np.stack([run(np, plan.take(slice(k, k + 1)), images[k : k + 1])[0] for k in range(len(images))])


def check(plan: Plan, got: NDArray[Any], images: NDArray[Any]) -> None:
    """At most a level of 255 apart, where float32 rounds the other way; and that seldom."""
    want = reference(plan, images)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    levels = np.abs(got.astype(np.float64) - want) / (abs(plan.output.scale[0]) / 255)
    assert levels.max() <= 1.5
    assert levels.mean() < 0.1


@pytest.mark.parametrize(
    "case", [*PORTABLE[::EVERY], Case("DRAWING", "contrast", DRAWING, (3,))], ids=lambda c: c.label
)
def test_jax(case: Case) -> None:
    pytest.importorskip("jax")
    xp = importlib.import_module("augline.engines.arrays.jax")
    images = pictures(case)
    ours, plan = planned(np, case.transforms, images)
    if plan.extent.static is None:
        pytest.skip("images come out in sizes of their own")
    with xp.precise():
        theirs, same = planned(xp, case.transforms, images)
        got = np.asarray(run_batch(xp, same, xp.asarray(images)))
    for a, b in zip(ours.drawn, theirs.drawn, strict=True):
        for name, values in a.params.items():
            assert np.allclose(values, np.asarray(b.params[name]), rtol=1e-15, atol=1e-15), (a.path, name)
    check(plan, got, images)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("case", [*PORTABLE, Case("DRAWING", "contrast", DRAWING, (3,))], ids=lambda case: case.label)
def test_pytorch_with_plans_of_numpy(case: Case, dtype: str) -> None:
    pytest.importorskip("torch")
    xp = importlib.import_module("augline.engines.arrays.torch")
    images = pictures(case, dtype)
    _, plan = planned(np, case.transforms, images)
    if plan.extent.static is None:
        pytest.skip("images come out in sizes of their own")
    check(plan, run_batch(xp, mapped(plan, xp.asarray), xp.asarray(images)).numpy(), images)

"""The portable program, from drawing to pixels, on a namespace that has nothing but the array API standard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import array_api_strict
import numpy as np
import pytest
from numpy.typing import NDArray

import augline as al
from augline.engines.portable.run import run
from augline.plan import Extent, Frame, make_plan
from augline.random import Draw
from augline.transforms.base import Expansion, expand
from conformance.cases import CASES, DRAWING, Case
from pictures import TOP, smooth

HEIGHT, WIDTH = 23, 31
PORTABLE = [case for case in CASES if case.kind != "own"]  # functions of the user's know NumPy only


def carry_out(xp: Any, transforms: Sequence[al.Transform], images: NDArray[Any], known: bool) -> tuple[Expansion, Any]:
    batch, height, width, channels = images.shape
    dtype = images.dtype.name
    full = xp.ones((batch,), dtype=xp.float64)
    extent = Extent(full * height, full * width, (height, width) if known else None)
    before = Frame(xp, extent, channels, (TOP[dtype],), (0.0,), dtype)
    done = expand(transforms, Draw(3, 1, xp.asarray(np.arange(batch)), xp=xp), before)
    plan = make_plan(done.stages, before, done.frame)
    return done, run(xp, plan, xp.asarray(images))


def one_by_one(transforms: Sequence[al.Transform]) -> bool:
    """Whether images come out in sizes, or with shrink factors, of their own: such samples run one at a time."""
    return any(
        isinstance(t, (al.RandomRotate90, al.RandomResizedCrop, al.RandomZoom, al.Transpose)) for t in transforms
    )


@pytest.mark.parametrize("dtype", sorted(TOP))
@pytest.mark.parametrize("case", [*PORTABLE, Case("DRAWING", "contrast", DRAWING, (3,))], ids=lambda case: case.label)
def test_strict_arrays_give_what_numpy_gives(case: Case, dtype: str) -> None:
    batch = 1 if one_by_one(case.transforms) or case.label == "DRAWING" or "p=0.5" in case.label else 2
    batch = 1 if "OneOf" in case.label or "SomeOf" in case.label else batch
    images = np.stack([smooth(HEIGHT, WIDTH, case.channels[-1], dtype, seed) for seed in range(batch)])
    for known in (True, False):
        ours, wanted = carry_out(np, case.transforms, images, known)
        strict, got = carry_out(array_api_strict, case.transforms, images, known)
        for a, b in zip(ours.drawn, strict.drawn, strict=True):
            assert a.path == b.path
            for name, values in a.params.items():
                assert np.allclose(values, np.asarray(b.params[name]), rtol=1e-12, atol=1e-15), (a.path, name)
        got = np.asarray(got)
        assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
        limit = 1e-6 if got.dtype == np.float32 else 0
        assert np.abs(got.astype(np.float64) - wanted).max() <= limit


def test_a_batch_of_one_size_is_its_samples() -> None:
    """The program takes whole batches; the reference runs it sample by sample."""
    images = np.stack([smooth(HEIGHT, WIDTH, 3, "uint8", seed) for seed in range(5)])
    work = [al.RandomRotation(0.1), al.RandomFlip(), al.RandomContrast(0.3), al.RandomHue(0.3), al.RandomGrayscale(0.5)]
    _, together = carry_out(np, work, images, known=True)
    assert np.array_equal(together, al.augment(images, work, seed=3, epoch=1, engine="reference"))


def test_functions_of_the_users_are_refused_by_name_where_there_is_no_numpy() -> None:
    own = al.Map("conformance: lifted", draws={"floor": (0.3, 0.6)})
    with pytest.raises(
        al.EngineError, match=r"Map\('conformance: lifted'.*a function of your own runs on NumPy arrays"
    ):
        carry_out(array_api_strict, [own], smooth(HEIGHT, WIDTH)[None], known=True)

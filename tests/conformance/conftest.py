"""The engines that every behaviour runs on, and how far each may stray from the reference."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from augline.augment import run
from augline.engines import ENGINES
from augline.program import Program

_STATED = tomllib.loads((Path(__file__).parent / "divergences.toml").read_text())["divergence"]
_RANGE = {"uint8": (0.0, 255.0), "uint16": (0.0, 65535.0), "float32": (0.0, 1.0)}

Outcome = tuple[list[NDArray[Any]], float]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leaves out what TensorFlow's engine lacks, and types that the reference covers, with which it shares its code."""
    items[:] = [item for item in items if not _left_out(getattr(getattr(item, "callspec", None), "params", {}))]


def _left_out(params: dict[str, Any]) -> bool:
    return "tensorflow" in (params.get("engine"), params.get("other")) and (
        "Map(" in repr(params) or params.get("dtype") == "uint16"
    )


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=sorted({*ENGINES} - {"reference"}))
def other(request: pytest.FixtureRequest) -> str:
    """An engine to hold beside the reference, which is never held beside itself."""
    return str(request.param)


@pytest.fixture
def tolerance() -> Callable[..., dict[str, float]]:
    """`tolerance(engine, kind, dtype)`: the stated row, or exactly nothing."""

    def stated(engine: str, kind: str, dtype: str) -> dict[str, float]:
        rows = [r for r in _STATED if r["engine"] == engine and r["kind"] == kind and dtype in r["dtypes"]]
        assert len(rows) <= 1, rows
        return rows[0] if rows else {"max": 0.0, "mean": 0.0, "share": 0.0}

    return stated


@pytest.fixture
def carry_out() -> Callable[..., Outcome]:
    """`carry_out(engine, transforms, images)`: images out, and how much of their values is a 255th of the range."""

    def carry_out(engine: str, transforms: Any, images: Any, seed: int = 5, ids: Any = None, **rules: Any) -> Outcome:
        images = list(images)
        sizes = np.asarray([image.shape[:2] for image in images])
        dtype = images[0].dtype.name
        alike = tuple(sizes[0].tolist()) if (sizes == sizes[0]).all() else None
        program = Program(
            transforms, seed=seed, channels=images[0].shape[2], dtype=dtype, value_range=_RANGE[dtype], size=alike,
            engine=engine,
        )  # fmt: skip
        _, plan = program.plan(0, np.arange(len(images)) if ids is None else np.asarray(ids), sizes, **rules)
        return list(run(engine, plan, images)), abs(plan.output.scale[0]) / 255

    return carry_out


@pytest.fixture
def numbers_of_channels() -> Callable[..., Sequence[int]]:
    """All, or of TensorFlow's engine, which shares the reference's code, each with one type only."""

    def numbers(engine: str, dtype: str, channels: Sequence[int]) -> Sequence[int]:
        some = channels[:-1] if dtype == "uint8" else channels[-1:]
        return some if engine == "tensorflow" else channels

    return numbers

"""Engines carry out plans. Each is one `prepare` function and a set of stage kinds; they know no transforms."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from augline.errors import ArgumentError, EngineError
from augline.plan.mix import Mix
from augline.plan.plan import Plan
from augline.plan.stages import Rescale, Stage

ENGINES = {
    "opencv": "augline.engines.opencv.run",
    "reference": "augline.engines.portable.run",
    "tensorflow": "augline.engines.tensorflow.run",
}
"""Engine by name, and the module it is imported from when it is first used."""

Sample: TypeAlias = Callable[[int, NDArray[Any], NDArray[Any]], None]
"""`(index, image, out)`: carries one sample of a batch through the plan, into its slot."""


def engine_named(name: str) -> str:
    """The engine that a name stands for; "auto" is the fastest on a CPU."""
    if name not in (*ENGINES, "auto"):
        raise ArgumentError(
            f"engine={name!r}: there is no such engine. Received {name!r}. Use one of {', '.join(ENGINES)}, or 'auto'."
        )
    return "opencv" if name == "auto" else name


def prepare(name: str, plan: Plan, decoded: NDArray[np.int64]) -> Sample:
    """One function per sample for a batch's plan.

    Args:
        name: A name from `ENGINES`.
        plan: For the whole batch.
        decoded: `(batch, 2)` factors (y, x) by which the decoder has shrunk each image.
    """
    result: Sample = _module(name).prepare(plan, decoded)
    return result


def carry(sample: Sample, index: int, image: NDArray[Any], out: NDArray[Any]) -> None:
    """One sample, an image (height, width, channels) or a video with time ahead of that, frame by frame."""
    if image.ndim == 3:
        sample(index, image, out)
        return
    for frame, place in zip(image, out, strict=True):
        carry(sample, index, frame, place)


def carry_through(sample: Sample, first: int, images: NDArray[Any], outs: NDArray[Any]) -> None:
    """Samples from number `first` on, of images of one size in memory; engines may have a shorter way for several."""
    together = getattr(sample, "many", None)
    if together is not None:
        together(first, images, outs)
        return
    for index, (image, out) in enumerate(zip(images, outs, strict=True), first):
        sample(index, image, out)


def check(name: str, plan: Plan) -> None:
    """Refuses a plan with a stage that the engine lacks, naming the transform and who has it."""
    for stage in (*plan.stages, *plan.output.finish):
        if not isinstance(stage, (Mix, Rescale)) and type(stage) not in stages(name):
            others = [other for other in ENGINES if type(stage) in stages(other)]
            origin = ", ".join(getattr(stage, "origin", ()))
            raise EngineError(
                f"engine {name!r}: it has no {type(stage).__name__}, which {origin} needs. Received {origin}. "
                f"Use engine={' or '.join(map(repr, others))}."
            )


def stages(name: str) -> frozenset[type[Stage]]:
    """The stage kinds that an engine has."""
    found: frozenset[type[Stage]] = _module(name).STAGES
    return found


def _module(name: str) -> ModuleType:
    return importlib.import_module(ENGINES[name])

"""Turns a plan into one function per sample, on OpenCV."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline.engines.opencv.colour import Values, colour_step, hsv_step, output_step, tone_step
from augline.engines.opencv.warp import Step, fill_values, warp_step
from augline.plan.plan import Plan
from augline.plan.stages import Colour, Hsv, Tone, Warp

STAGES = frozenset({Warp, Tone, Colour, Hsv})


def prepare(plan: Plan, decoded: NDArray[np.int64]) -> Callable[[int, NDArray[Any], NDArray[Any]], None]:
    """One function `(index, image, out)` that carries a sample of the batch through the plan into its slot.

    Args:
        plan: For the whole batch.
        decoded: `(batch, 2)` factors (y, x) by which the decoder has shrunk each image.
    """
    frame, output = plan.before, plan.output
    channels = frame.channels
    scale, offset = (v * channels if len(v) == 1 else v for v in (frame.scale, frame.offset))
    values = Values(scale, offset, frame.dtype)
    same = (output.scale, output.offset, output.dtype) == (values.scale, values.offset, values.dtype)
    folds = not same and bool(plan.stages) and isinstance(plan.stages[-1], Tone) and values.levels is not None
    steps: list[Step] = []
    for stage, factors in zip(plan.stages, plan.shrinks, strict=True):
        last = folds and stage is plan.stages[-1]
        if isinstance(stage, Warp):
            fill = fill_values(stage.fill, scale, offset, channels)
            steps.append(warp_step(stage, factors, decoded, fill))
            decoded = np.ones_like(decoded)
        elif isinstance(stage, Tone):
            steps.append(tone_step(stage, values, output if last else None))
        elif isinstance(stage, Colour):
            steps.append(colour_step(stage, values))
        elif isinstance(stage, Hsv):
            steps.append(hsv_step(stage, values))
    width = int(plan.extent.width[0])
    write = None if same or folds else output_step(values, output, width)
    return _chain(steps, write)


def _chain(
    steps: list[Step], write: Callable[[NDArray[Any], NDArray[Any]], None] | None
) -> Callable[[int, NDArray[Any], NDArray[Any]], None]:
    """All steps in turn; the last that makes pixels makes them in the slot itself."""
    last = len(steps) - 1

    def sample(index: int, image: NDArray[Any], out: NDArray[Any]) -> None:
        for number, step in enumerate(steps):
            image = step(index, image, out if number == last and write is None else None)
        if write is not None:
            write(image, out)
        elif image is not out and not np.may_share_memory(image, out):
            np.copyto(out, image)

    return sample

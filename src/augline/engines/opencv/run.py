"""Turns a plan into one function per sample, on OpenCV."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augline.engines.opencv import local
from augline.engines.opencv.colour import Values, colour_step, hsv_step, output_step, tone_step
from augline.engines.opencv.warp import Step, WarpStep, fill_values
from augline.plan.blend import Blend
from augline.plan.plan import Plan
from augline.plan.stages import Colour, Hsv, Output, Tone, Warp

STAGES = frozenset({Warp, Blend, Tone, Colour, Hsv, *local.STEPS})


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
            steps.append(WarpStep(stage, factors, decoded, fill, frame.dtype))
            decoded = np.ones_like(decoded)
        elif isinstance(stage, Tone):
            steps.append(tone_step(stage, values, output if last else None))
        elif isinstance(stage, Colour):
            steps.append(colour_step(stage, values))
        elif isinstance(stage, Hsv):
            steps.append(hsv_step(stage, values))
        elif isinstance(stage, Blend):
            steps.append(_blend_step(stage, plan, values))
        else:
            steps.append(local.STEPS[type(stage)](stage, values))
    write = None if same or folds else output_step(values, output)
    last_warp = max((k for k, stage in enumerate(plan.stages) if isinstance(stage, Warp)), default=0)
    return _chain(steps, last_warp, write, _scratch(values.dtype) if write or folds else None)


def _blend_step(stage: Blend, plan: Plan, values: Values) -> Step:
    """Each branch as a plan of its own, from the image's values to the same; the sum in float32."""
    output = Output(values.scale, values.offset, values.dtype)
    rows = zip(stage.branches, stage.shrinks, strict=True)
    plans = [Plan(branch, shrinks, plan.before, plan.extent, output) for branch, shrinks in rows]
    ones = np.ones((plan.before.batch, 2), np.int64)
    runs, weights = [prepare(part, ones) for part in plans], stage.weights.tolist()

    def step(index: int, image: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any]:
        own, *others = weights[index]
        if own == 1:
            return image
        total, part = image * np.float32(own), np.empty_like(image)
        sums, parts = (a.reshape(len(image), -1) for a in (total, part))
        for run, weight in zip(runs, others, strict=True):
            run(index, image, part)
            cv2.addWeighted(sums, 1, parts, weight, 0, dst=sums, dtype=cv2.CV_32F)
        if values.levels is not None:
            np.rint(total, out=total)
        np.clip(total, values.offset, np.add(values.offset, values.scale), out=total, casting="unsafe")
        return total.astype(values.dtype)

    return step


Scratch = Callable[[tuple[int, ...]], NDArray[Any]]


def _chain(
    steps: list[Step],
    last_warp: int,
    write: Callable[[NDArray[Any], NDArray[Any]], None] | None,
    scratch: Scratch | None,
) -> Callable[[int, NDArray[Any], NDArray[Any]], None]:
    """All steps in turn. From the last warp on the image has its final size, and steps work where they find it:

    in its slot of the batch, or, where values of another type come out, in a scratch image that `write` reads.
    """
    last = len(steps) - 1

    def sample(index: int, image: NDArray[Any], out: NDArray[Any]) -> None:
        place = out if scratch is None else scratch(out.shape)
        for number, step in enumerate(steps):
            target = place if number >= last_warp else None
            image = step(index, image, out if number == last and write is None else target)
        if write is not None:
            write(image, out)
        elif image is not out and not np.may_share_memory(image, out):
            np.copyto(out, image)

    return sample


def _scratch(dtype: str) -> Scratch:
    """One image per thread and shape."""
    local = threading.local()

    def image(shape: tuple[int, ...]) -> NDArray[Any]:
        kept: NDArray[Any] | None = getattr(local, "image", None)
        if kept is None or kept.shape != shape:
            kept = local.image = np.empty(shape, dtype)
        return kept

    return image

"""Turns a plan into one function per sample, on OpenCV."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augline.engines.opencv import local
from augline.engines.opencv.colour import Values, colour_step, hsv_step, output_step, tone_step
from augline.engines.opencv.finish import finish_step
from augline.engines.opencv.warp import Step, WarpStep, fill_values
from augline.plan.blend import Blend
from augline.plan.finish import Standardize, Whiten
from augline.plan.plan import Plan
from augline.plan.stages import Colour, Hsv, Output, Tone, Warp

Write = Callable[[NDArray[Any], NDArray[Any]], None]
STAGES = frozenset({Warp, Blend, Tone, Colour, Hsv, Standardize, Whiten, *local.STEPS})


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
    finish = [finish_step(step) for step in output.finish]
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
    return _Chain(steps, last_warp, write, values.dtype if write or folds else None, finish)


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
        total = np.multiply(image, own, dtype=np.float32, order="C")
        part = np.empty(image.shape, image.dtype)
        sums, parts = (a.reshape(len(image), -1) for a in (total, part))
        for run, weight in zip(runs, others, strict=True):
            run(index, image, part)
            cv2.addWeighted(sums, 1, parts, weight, 0, dst=sums, dtype=cv2.CV_32F)
        if values.levels is not None:
            np.rint(total, out=total)
        np.clip(total, values.offset, np.add(values.offset, values.scale), out=total, casting="unsafe")
        return np.asarray(total, values.dtype)

    return step


class _Chain:
    """All steps in turn, for one sample or for several.

    From the last warp on the image has its final size, and steps work where they find it: in its slot of the batch, or,
    where values of another type come out, in a scratch image that `write` reads. What is done to finished images is
    done in the slot.
    """

    def __init__(
        self, steps: list[Step], last_warp: int, write: Write | None, dtype: str | None,
        finish: Sequence[Callable[[NDArray[Any]], None]],
    ) -> None:  # fmt: skip
        self._steps, self._last_warp, self._write, self._dtype = steps, last_warp, write, dtype
        self._finish = finish
        self._local = threading.local()

    def __call__(self, index: int, image: NDArray[Any], out: NDArray[Any]) -> None:
        place = out if self._dtype is None else self._scratch(out.shape)
        last = len(self._steps) - 1
        for number, step in enumerate(self._steps):
            target = place if number >= self._last_warp else None
            image = step(index, image, out if number == last and self._write is None else target)
        if self._write is not None:
            self._write(image, out)
        elif image is not out and not np.may_share_memory(image, out):
            np.copyto(out, image)
        for finish in self._finish:
            finish(out)

    def many(self, first: int, images: NDArray[Any], outs: NDArray[Any]) -> None:
        """Samples from number `first` on, from images of one size: a warp that comes first takes them in one loop."""
        alone = self._dtype is not None or bool(self._finish)
        if not alone and self._steps and isinstance(self._steps[0], WarpStep) and self._last_warp == 0:
            self._steps[0].many(first, images, outs)
            for step in self._steps[1:]:
                for index, out in enumerate(outs, first):
                    result = step(index, out, out)
                    if result is not out and not np.may_share_memory(result, out):
                        np.copyto(out, result)
            return
        for index, (image, out) in enumerate(zip(images, outs, strict=True), first):
            self(index, image, out)

    def _scratch(self, shape: tuple[int, ...]) -> NDArray[Any]:
        """One image per thread."""
        kept: NDArray[Any] | None = getattr(self._local, "image", None)
        if kept is None or kept.shape != shape:
            kept = self._local.image = np.empty(shape, self._dtype)
        return kept

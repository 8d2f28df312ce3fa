"""Runs a plan on images of one size: the portable program, and on NumPy the reference engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from augline.arrays import Array, Namespace, is_float
from augline.engines.portable import colour, local
from augline.engines.portable.call import called
from augline.engines.portable.clahe import clahe
from augline.engines.portable.codec import jpeg
from augline.engines.portable.state import FRESH, Alike, Each
from augline.engines.portable.warp import View, warp
from augline.plan.blend import Blend
from augline.plan.call import Call
from augline.plan.finish import Standardize, Whiten
from augline.plan.local import Clahe, Codec, Erase, Filter, Median, Noise
from augline.plan.plan import Plan, mapped
from augline.plan.stages import Colour, Hsv, Stage, Tone, Warp

T = TypeVar("T")

ON_PIXELS: dict[type[Stage], Callable[..., Array]] = {
    Tone: colour.tone,
    Colour: colour.colour,
    Hsv: colour.hsv,
    Filter: local.filtered,
    Median: local.median,
    Clahe: clahe,
    Noise: local.noisy,
    Erase: local.erased,
    Codec: jpeg,
    Call: called,
}
STAGES = frozenset({Warp, Blend, Standardize, Whiten, *ON_PIXELS})


def run(
    xp: Namespace, plan: Plan, images: Array, decoded: tuple[int, int] = (1, 1), precision: str = "float64"
) -> Array:
    """The batch that comes out. In float64 it is the definition of what a plan means.

    Args:
        xp: Array namespace.
        plan: For as many samples as there are images, whose sizes and shrink factors are all alike.
        images: `(batch, height, width, channels)` in the source's type.
        decoded: Factors (y, x) by which the decoder has already shrunk the images.
        precision: Name of the type to compute in.
    """
    unit = _to_unit(xp, images, plan, getattr(xp, precision))
    unit = _through(xp, unit, plan.stages, plan.shrinks, Alike(decoded, precision))
    return colour.output(xp, unit, plan.output)


def run_batch(xp: Namespace, plan: Plan, images: Array, state: Each = FRESH) -> Array:
    """The same for a whole batch at once, in float32 and in shapes that do not depend on numbers: as a graph wants it.

    Args:
        xp: Array namespace that may trace graphs.
        plan: For as many samples as there are images.
        images: `(batch, height, width, channels)` in the source's type; or a strip, if a warp comes first.
        state: What a decoder has made of them.
    """
    state = replace(state, unit=lambda images: _to_unit(xp, images, plan, xp.float32))
    unit = _through(xp, images, plan.stages, plan.shrinks, state)
    return colour.output(xp, unit, plan.output)


def prepare(plan: Plan, decoded: NDArray[np.int64]) -> Callable[[int, NDArray[Any], NDArray[Any]], None]:
    """The reference engine: NumPy, float64, one sample at a time, so that every sample may have a size of its own."""

    def sample(index: int, image: NDArray[Any], out: NDArray[Any]) -> None:
        y, x = decoded[index].tolist()
        out[...] = run(np, plan.take(slice(index, index + 1)), image[None], (y, x))[0]

    return sample


def _through(
    xp: Namespace, images: Array, stages: tuple[Stage, ...], shrinks: tuple[Array | None, ...], state: Alike | Each
) -> Array:
    """Images through stages, to real numbers of 0 to 1."""
    for stage, factors in zip(stages, shrinks, strict=True):
        if isinstance(stage, Warp):
            images, state = _resample(xp, images, stage, factors, state)
            continue
        images, state = state.ready(images)
        if isinstance(stage, Blend):
            images = _blended(xp, images, stage, state)
        else:
            images = ON_PIXELS[type(stage)](xp, images, in_precision(xp, stage, state.precision))
    return state.ready(images)[0]


def _blended(xp: Namespace, images: Array, stage: Blend, state: Alike | Each) -> Array:
    """The image and what each branch makes of it, each times its weight."""
    weights = xp.astype(stage.weights, images.dtype)
    total = images * weights[:, 0, None, None, None]
    for number, (branch, shrinks) in enumerate(zip(stage.branches, stage.shrinks, strict=True), 1):
        part = _through(xp, images, branch, shrinks, state.fresh())
        total = total + part * weights[:, number, None, None, None]
    alone = (weights[:, 0] == 1)[:, None, None, None]
    return xp.where(alone, images, xp.clip(total, min=0.0, max=1.0))


def _to_unit(xp: Namespace, images: Array, plan: Plan, dtype: Any) -> Array:
    scale, offset = (xp.asarray(v, dtype=dtype) for v in (plan.before.scale, plan.before.offset))
    return (xp.astype(images, dtype) - offset) / scale


def _resample(
    xp: Namespace, images: Array, stage: Warp, factors: Array | None, state: Alike | Each
) -> tuple[Array, Alike | Each]:
    if factors is not None:
        images, state = state.shrunk(xp, images, factors)
    stage, view = resampling(xp, stage, state)
    size, behind = state.behind(xp, images, stage)
    images = warp(xp, images, stage.matrix, size, stage.interpolation, stage.fill, stage.field, view, state.unit)
    return images, behind


def resampling(xp: Namespace, stage: Warp, state: Alike | Each) -> tuple[Warp, View | None]:
    """A warp as it reads from images in their state, and which parts of them, in the precision of coordinates."""
    stage = replace(stage, matrix=state.placed(xp, stage.matrix))
    # "nearest" has no tolerance: on the line between two pixels a last bit decides
    stage = stage if stage.interpolation == "nearest" else in_precision(xp, stage, state.precision)
    dtype = stage.matrix.dtype
    return stage, state.view and mapped(state.view, lambda side: xp.astype(side, dtype) if is_float(side) else side)


def in_precision(xp: Namespace, stage: T, dtype: str) -> T:
    """The same stage with its floating-point numbers of a type; parameters are drawn and fused in float64."""
    return mapped(stage, lambda array: xp.astype(array, getattr(xp, dtype)) if is_float(array) else array)

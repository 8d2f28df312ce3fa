"""Runs a plan on images of one size: the portable program, and on NumPy the reference engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline.arrays import Array, Namespace
from augline.engines.portable import colour, local
from augline.engines.portable.call import called
from augline.engines.portable.clahe import clahe
from augline.engines.portable.codec import jpeg
from augline.engines.portable.warp import shrink, warp
from augline.plan import matrices
from augline.plan.blend import Blend
from augline.plan.call import Call
from augline.plan.local import Clahe, Codec, Erase, Filter, Median, Noise
from augline.plan.plan import Plan
from augline.plan.stages import Colour, Hsv, Stage, Tone, Warp

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
STAGES = frozenset({Warp, Blend, *ON_PIXELS})


def run(xp: Namespace, plan: Plan, images: Array, decoded: tuple[int, int] = (1, 1)) -> Array:
    """The batch that comes out.

    Args:
        xp: Array namespace.
        plan: For as many samples as there are images, whose sizes and shrink factors are all alike.
        images: `(batch, height, width, channels)` in the source's type.
        decoded: Factors (y, x) by which the decoder has already shrunk the images.
    """
    unit = _through(xp, _to_unit(xp, images, plan), plan.stages, plan.shrinks, decoded)
    return colour.output(xp, unit, plan.output)


def prepare(plan: Plan, decoded: NDArray[np.int64]) -> Callable[[int, NDArray[Any], NDArray[Any]], None]:
    """The reference engine: NumPy, float64, one sample at a time, so that every sample may have a size of its own."""

    def sample(index: int, image: NDArray[Any], out: NDArray[Any]) -> None:
        y, x = decoded[index].tolist()
        out[...] = run(np, plan.take(slice(index, index + 1)), image[None], (y, x))[0]

    return sample


def _through(
    xp: Namespace, images: Array, stages: tuple[Stage, ...], shrinks: tuple[Array | None, ...], decoded: tuple[int, int]
) -> Array:
    """Images of 0 to 1 through stages."""
    for stage, factors in zip(stages, shrinks, strict=True):
        if isinstance(stage, Warp):
            images = _resample(xp, images, stage, factors, decoded)
            decoded = (1, 1)
        elif isinstance(stage, Blend):
            images = _blended(xp, images, stage)
        else:
            images = ON_PIXELS[type(stage)](xp, images, stage)
    return images


def _blended(xp: Namespace, images: Array, stage: Blend) -> Array:
    """The image and what each branch makes of it, each times its weight."""
    total = images * stage.weights[:, 0, None, None, None]
    for number, (branch, shrinks) in enumerate(zip(stage.branches, stage.shrinks, strict=True), 1):
        part = _through(xp, images, branch, shrinks, (1, 1))
        total = total + part * stage.weights[:, number, None, None, None]
    alone = (stage.weights[:, 0] == 1)[:, None, None, None]
    return xp.where(alone, images, xp.clip(total, min=0.0, max=1.0))


def _to_unit(xp: Namespace, images: Array, plan: Plan) -> Array:
    scale, offset = (xp.asarray(v, dtype=xp.float64) for v in (plan.before.scale, plan.before.offset))
    return (xp.astype(images, xp.float64) - offset) / scale


def _resample(xp: Namespace, images: Array, stage: Warp, factors: Array | None, decoded: tuple[int, int]) -> Array:
    matrix = stage.matrix
    size = stage.extent.static or (int(stage.extent.height[0]), int(stage.extent.width[0]))
    if factors is not None:
        left_y, left_x = (max(int(factors[0, k]) // decoded[k], 1) for k in (0, 1))
        images = shrink(xp, images, left_y, left_x) if (left_y, left_x) != (1, 1) else images
        decoded = (decoded[0] * left_y, decoded[1] * left_x)
    if decoded != (1, 1):
        batch = int(matrix.shape[0])
        y, x = 1 / decoded[0], 1 / decoded[1]
        # full-size pixel to small pixel: x_small = (x + 0.5) / factor - 0.5
        matrix = matrices.resized(xp, batch, y, x) @ matrix
    return warp(xp, images, matrix, size, stage.interpolation, stage.fill, stage.field)

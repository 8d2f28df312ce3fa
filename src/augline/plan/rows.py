"""How much of each image a plan reads: a decoder that works from the top down can stop there."""

from __future__ import annotations

from augline.arrays import Array, Namespace
from augline.plan.frame import Extent
from augline.plan.plan import Plan
from augline.plan.stages import FillMode, Warp, pointwise

_MARGIN = 1  # rows of blocks: engines round places
_ACROSS, _DOWN = (0.0, 1.0, 0.0, 1.0), (0.0, 0.0, 1.0, 1.0)  # of the corners
_HORIZON = 1e-9  # weights up to here lie behind it, as for engines


def rows_read(plan: Plan, decoded: Array) -> Array:
    """`(batch,)` whole numbers: the upper rows of each image as it is decoded, below which the plan reads nothing.

    Args:
        plan: Of the batch.
        decoded: `(batch,)` whole factors by which the decoder shrinks the images; they divide the plan's own.
    """
    xp = plan.before.xp
    rows = xp.ceil(plan.before.extent.height / decoded)
    # what pointwise stages make of the rows below, nobody reads
    number = next((number for number, stage in enumerate(plan.stages) if not pointwise(stage)), 0)
    first = plan.stages[number] if plan.stages else None
    if isinstance(first, Warp) and first.field is None:
        low, high, behind = reached(xp, first.matrix, first.extent)
        shrink = plan.shrinks[number]
        block = decoded if shrink is None else shrink[:, 0]
        last = xp.ceil(plan.before.extent.height / block) - 1
        _, lower = lines_read(xp, low[:, 0], high[:, 0], block, last, first.fill.mode)
        read = (lower + 1 + _MARGIN) * block / decoded
        rows = xp.where(behind, rows, xp.clip(xp.minimum(read, rows), min=1))
    return xp.astype(rows, xp.int64)


def lines_read(
    xp: Namespace, low: Array, high: Array, block: Array, last: Array, mode: FillMode
) -> tuple[Array, Array]:
    """The first and the last line of blocks along an axis that are read; they may lie outside where there is no more.

    Args:
        xp: Array namespace.
        low: The least place that is read, in pixels.
        high: The greatest.
        block: Pixels of a block, over which the image is averaged first.
        last: The number of the image's last line of blocks.
        mode: What lies outside the image.
    """
    first, end = xp.floor((low + 0.5) / block - 0.5), xp.floor((high + 0.5) / block - 0.5) + 1  # of the two around it
    if mode in ("reflect", "mirror"):  # what lies beyond an edge is read from as far inside
        return xp.minimum(first, 2 * last - end), xp.maximum(end, -first)
    if mode == "wrap":  # from the other side
        outside = (first < 0) | (end > last)
        return xp.where(outside, 0.0, first), xp.where(outside, last, end)
    return first, end


def reached(xp: Namespace, matrix: Array, extent: Extent) -> tuple[Array, Array, Array]:
    """The least and the greatest place (y, x) that is read, `(batch, 2)`; and whether a horizon is in the picture.

    Args:
        xp: Array namespace.
        matrix: `(batch, 3, 3)`, output pixel to input pixel.
        extent: Output sizes.
    """
    x, y = (extent.width - 1)[:, None] * xp.asarray(_ACROSS), (extent.height - 1)[:, None] * xp.asarray(_DOWN)
    a, b, c = xp.unstack(matrix[:, :, :, None], axis=2)
    u, v, w = xp.unstack(a * x[:, None] + b * y[:, None] + c, axis=1)
    places = xp.stack([v, u], axis=-1) / xp.where(w > _HORIZON, w, 1.0)[:, :, None]
    return xp.min(places, axis=1), xp.max(places, axis=1), xp.min(w, axis=1) <= _HORIZON

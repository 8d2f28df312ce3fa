"""A plan: the stages of one batch after fusion, with all that an engine needs to run them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import reduce
from operator import or_
from types import ModuleType
from typing import Any, TypeVar, cast

from augline.arrays import Array, Namespace
from augline.plan import matrices
from augline.plan.blend import Blend
from augline.plan.finish import Finish, check_order
from augline.plan.frame import Extent, Frame
from augline.plan.fuse import APPROXIMATE, EXACT, Rule, fuse
from augline.plan.stages import Drop, Hsv, Output, Rescale, Stage, Warp, pointwise

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Plan:
    """What happens to the pixels of one batch.

    Attributes:
        stages: Fused; what acts in `output` or `dropped` is gone.
        shrinks: For each stage, the `(batch, 2)` whole factors (y, x) by which its input is area-averaged before it is
            resampled, or None where nothing is.
        before: The frame of the images as they come from the source.
        extent: Sizes of the images that come out.
        output: The last step.
        dropped: `(batch, n)` bool: which of the source's boxes are left out wherever they lie; None for none.
    """

    stages: tuple[Stage, ...]
    shrinks: tuple[Array | None, ...]
    before: Frame
    extent: Extent
    output: Output
    dropped: Array | None = None

    def take(self, index: slice) -> Plan:
        """The plan of some of the samples."""
        batch = self.before.batch
        return mapped(self, lambda array: array[index] if array.shape[:1] == (batch,) else array)

    def each(self, times: int) -> Plan:
        """The plan of a batch in which every sample stands so many times, one behind the other: of a video's frames."""
        xp, batch = self.before.xp, self.before.batch
        rows = xp.arange(batch * times) // times
        return mapped(self, lambda array: xp.take(array, rows, axis=0) if array.shape[:1] == (batch,) else array)


def make_plan(
    stages: Sequence[Stage], before: Frame, after: Frame, rules: Sequence[Rule] = EXACT + APPROXIMATE
) -> Plan:
    """Fuses the stages of a batch and settles how each resampling is antialiased.

    Args:
        stages: As the transforms lowered, in their order.
        before: The frame of the images as they come.
        after: The frame behind the last stage.
        rules: Fusion rules; `()` runs the stages as declared.
    """
    check_order(stages)
    on_pixels = [stage for stage in stages if not isinstance(stage, (Rescale, Drop, Finish))]
    fused, shrinks = _settled(before.xp, on_pixels, rules)
    channels = after.channels
    scale, offset = (_per_channel(values, channels) for values in (after.scale, after.offset))
    output = Output(scale, offset, after.dtype, after.finish)
    return Plan(fused, shrinks, before.with_(sight=None), after.extent, output, dropped(stages))


def dropped(stages: Sequence[Stage]) -> Array | None:
    """`(batch, n)` bool: the boxes that any of these stages leaves out; None where no stage does."""
    rows = [stage.boxes for stage in stages if isinstance(stage, Drop)]
    return reduce(or_, rows) if rows else None


def uneven(plan: Plan) -> str:
    """What of a plan cannot run on a whole batch as one array; nothing where all can.

    Images of sizes of their own lie in the corners of arrays as large as the largest may be. Warps know where each
    ends; what looks at neighbours, or measures, or numbers the pixels, or displaces them, does not.
    """
    before = ""
    for number, stage in enumerate(plan.stages):
        name = ", ".join(getattr(stage, "origin", ()))
        # `segments` begin a program with Hsv, and one that begins does not know where in its arrays images end
        if before and not isinstance(stage, Warp) and (not pointwise(stage) or isinstance(stage, Hsv)):
            return f"{name} behind {before}"
        if isinstance(stage, Warp) and stage.field is not None and stage.field.extent.static is None:
            return f"{name}, which bends images of several sizes"
        if isinstance(stage, Warp):
            before = "" if stage.extent.static else name
            if before and stage.extent.bound is None and number + 1 < len(plan.stages):
                return f"{name}, which knows no limit (Extent.most)"
    return ""


def _settled(
    xp: Namespace, stages: Sequence[Stage], rules: Sequence[Rule]
) -> tuple[tuple[Stage, ...], tuple[Array | None, ...]]:
    """Stages fused, those in the branches of a blend too, and how each is antialiased."""
    fused = list(fuse(stages, rules))
    for number, stage in enumerate(fused):
        if isinstance(stage, Blend):
            branches, shrinks = zip(*(_settled(xp, branch, rules) for branch in stage.branches), strict=True)
            fused[number] = replace(stage, branches=branches, shrinks=shrinks)
    return tuple(fused), tuple(_shrink(xp, stage) for stage in fused)


def _shrink(xp: Namespace, stage: Stage) -> Array | None:
    """Powers of two that leave less than 2 input pixels to an output step; what "nearest" reads is never averaged."""
    if not isinstance(stage, Warp) or not stage.resamples or stage.interpolation == "nearest":
        return None
    spans = matrices.minification(xp, stage.total, stage.extent.height, stage.extent.width)
    # the small excess keeps an exact 2.0, reached through rounding, on the same side on every machine
    exponents = xp.floor(xp.log2(xp.maximum(xp.stack(spans, axis=-1), xp.asarray(1.0))) + 1e-9)
    return xp.astype(2.0**exponents, xp.int64)


def _per_channel(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    return values * channels if len(values) == 1 else values


def mapped(value: T, function: Callable[[Array], Array]) -> T:
    """A plan, or a part of one, with every array in it replaced by what a function makes of it, always in one order."""
    result: Any = value
    if is_dataclass(value) and not isinstance(value, type):
        result = replace(value, **{f.name: mapped(getattr(value, f.name), function) for f in fields(value)})
    elif isinstance(value, tuple):
        result = tuple(mapped(item, function) for item in value)
    elif hasattr(value, "shape") and not isinstance(value, ModuleType):
        result = function(value)
    return cast(T, result)

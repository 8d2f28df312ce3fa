"""Plans run by XLA: one program for each part of a plan and each shape of images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import tensorflow as tf

from augline.arrays import Array
from augline.engines.arrays import tensorflow as xp
from augline.engines.portable.run import resampling, run_batch
from augline.engines.portable.state import FRESH, Each
from augline.engines.portable.warp import View
from augline.feed.graph import packed
from augline.feed.graph.singly import alone, evened
from augline.plan import Plan, Warp
from augline.plan.plan import mapped
from augline.plan.segments import segments


def carry_out(plan: Plan, images: Array, state: Each = FRESH, *, compiled: bool = True) -> Array:
    """The batch that comes out.

    Args:
        plan: Whose images come out in one size.
        images: `(batch, height, width, channels)`, or a strip; see `augline.engines.portable.warp.Strip`.
        state: What a decoder has made of them.
        compiled: Whether by XLA.
    """
    rows, size = plan.before.batch, plan.extent.static
    if alone(plan):
        (plan, images), state = evened(plan, partial(_shown, images, state.view), None), FRESH
    if compiled and _packs(plan):
        images, plan, state = packed.unpacked(_warped_first(plan, images, state)), _behind(plan), FRESH
    for part in segments(plan):
        images = by_xla(_run, (part, state), images) if compiled else _run((part, state), images)
        state = FRESH
    return tf.ensure_shape(images, (rows, *(size or (None, None)), None))


def _shown(images: Array, view: View | None, number: Array) -> Array:
    """One of the images, which stand in the corners of their arrays."""
    if view is None:
        return images[number]
    height, width = (tf.cast(side[number], tf.int32) for side in (view.height, view.width))
    return images[number, :height, :width]


def by_xla(function: Callable[..., Any], plan: Any, *tensors: Any) -> Any:
    """`function(plan, *tensors)` as one program.

    Args:
        function: Of the plan and the tensors.
        plan: A plan, or a part of one; the arrays in it go into the program like the tensors.
        tensors: The others.
    """
    numbers: list[Array] = []

    def noted(array: Array) -> Array:
        numbers.append(array)
        return array

    mapped(plan, noted)

    def program(tensors: Any, numbers: list[Array]) -> Any:
        left = iter(numbers)
        return function(mapped(plan, lambda _: next(left)), *tensors)

    return tf.function(program, jit_compile=True, autograph=False)(tensors, numbers)


def _run(given: tuple[Plan, Each], images: Array) -> Array:
    plan, state = given
    return run_batch(xp, plan, images[..., : plan.before.channels], state)


def _packs(plan: Plan) -> bool:
    """Whether the plan begins with a warp of pixels that fit in one number."""
    before, first = plan.before, plan.stages[0] if plan.stages else None
    fits = before.dtype == "uint8" and before.channels == packed.CHANNELS
    return fits and isinstance(first, Warp) and first.extent.static is not None


def _warped_first(plan: Plan, images: Array, state: Each) -> Array:
    """What the first stage makes of the images, packed.

    In programs of their own: what is packed and what is warped would else be computed anew for each that needs it. The
    few numbers of a sample are left to TensorFlow, for XLA takes as long to compile these as the loop over the pixels.
    """
    first, wanted = plan.stages[0], plan.shrinks[0]
    assert isinstance(first, Warp)
    shrinks = wanted is not None and not state.settled
    pixels = by_xla(partial(_packed, shrinks=shrinks), (plan, state), images)
    state = state.further(xp, images, wanted)[1] if shrinks else state
    return by_xla(_warped, resampling(xp, first, state), pixels)


def _packed(given: tuple[Plan, Each], images: Array, shrinks: bool) -> Array:
    plan, state = given
    if shrinks:
        state = replace(state, unit=lambda images: tf.cast(images, tf.float32))
        images, _ = state.shrunk(xp, images, plan.shrinks[0])
    return packed.pack(images)


def _warped(given: tuple[Warp, View | None], pixels: Array) -> Array:
    return packed.warp(pixels, *given)


def _behind(plan: Plan) -> Plan:
    """What of a plan comes behind its first stage, for images as `packed.unpacked` gives them."""
    first, *rest = plan.stages
    before = first.after(plan.before)
    scale, offset = (tuple(v * packed.UNITS for v in values) for values in (before.scale, before.offset))
    before = before.with_(scale=scale, offset=offset)
    return replace(plan, stages=tuple(rest), shrinks=plan.shrinks[1:], before=before)

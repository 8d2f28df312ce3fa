"""Images of several sizes one by one, up to where they have one size and are a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import tensorflow as tf

from augline.arrays import Array
from augline.engines.arrays import tensorflow as xp
from augline.engines.portable.run import run_batch
from augline.engines.portable.state import One
from augline.engines.portable.warp import View
from augline.plan import Frame, Plan, Warp
from augline.plan.plan import uneven
from augline.plan.stages import Output


def alone(plan: Plan) -> int:
    """How many of a plan's stages work on images one by one: none where a batch can be one array from the beginning."""
    first = plan.stages[0] if plan.stages else None
    starts = plan.before.extent.static is not None or (isinstance(first, Warp) and first.extent.static is not None)
    if plan.extent.static is None or (starts and not uneven(plan)):
        return 0
    return max(k for k, (before, _) in enumerate(pairwise(_frames(plan)), 1) if before.extent.static is None)


def evened(plan: Plan, image: Callable[[Array], Array], done: Array | None) -> tuple[Plan, Array]:
    """What is left of a plan behind its stages that work one by one, and a batch of what these make of images.

    Args:
        plan: With such stages.
        image: Of the number of a sample its image, `(height, width, channels)`.
        done: `(batch, 2)` by how much these are shrunk, where they are as small as they should be.
    """
    count, rows = alone(plan), plan.before.batch
    frame = _frames(plan)[count].with_(scale=(1.0,), offset=(0.0,), dtype="float32")
    unit = Output((1.0,) * frame.channels, (0.0,) * frame.channels, "float32")
    first = replace(plan, stages=plan.stages[:count], shrinks=plan.shrinks[:count], extent=frame.extent, output=unit)

    def one(number: Array) -> Array:
        pixels, index = image(number)[None], slice(number, number + 1)
        height, width = (tf.cast(side, tf.float32)[None] for side in tf.unstack(tf.shape(pixels)[1:3]))
        view = View(height, width, 0 * height, 0 * width)
        state = One(None if done is None else done[index], view, settled=done is not None)
        return run_batch(xp, first.take(index), pixels, state)[0]

    made = tf.TensorSpec((*(frame.extent.static or ()), frame.channels), tf.float32)
    images = tf.map_fn(one, tf.range(rows), fn_output_signature=made, parallel_iterations=1)
    rest = replace(plan, stages=plan.stages[count:], shrinks=plan.shrinks[count:], before=frame)
    return rest, images


def _frames(plan: Plan) -> list[Frame]:
    """The frames before each stage, and behind the last."""
    frames = [plan.before]
    for stage in plan.stages:
        frames.append(stage.after(frames[-1]))
    return frames

"""Plans run by XLA: one program for each part of a plan and each shape of images."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import tensorflow as tf

from augline.arrays import Array
from augline.engines.arrays import tensorflow as xp
from augline.engines.portable.run import run_batch
from augline.engines.portable.warp import View
from augline.plan import Plan
from augline.plan.plan import mapped
from augline.plan.segments import segments


def carry_out(
    plan: Plan, images: Array, factors: Array | None = None, view: Array | None = None, *, settled: bool = False,
    compiled: bool = True,
) -> Array:  # fmt: skip
    """The batch that comes out.

    Args:
        plan: Whose images come out in one size.
        images: `(batch, height, width, channels)`.
        factors: `(batch, 2)` by which the decoder has shrunk them, in y and x.
        view: `(batch, 4)`: height and width of each shrunk image, and the row and column of it where its array begins.
        settled: Whether no image is to be shrunk any further.
        compiled: Whether by XLA.
    """
    run = _compiled if compiled else _plainly
    rows, size = images.shape[0], plan.extent.static
    for number, part in enumerate(segments(plan)):
        images = run(part, images, *((factors, view, settled) if number == 0 else (None, None, False)))
    return tf.ensure_shape(images, (rows, *(size or (None, None)), None))


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


def _compiled(plan: Plan, images: Array, factors: Array | None, view: Array | None, settled: bool) -> Array:
    made: Array = by_xla(partial(_plainly, settled=settled), plan, images, factors, view)
    return made


def _plainly(plan: Plan, images: Array, factors: Array | None, view: Array | None, settled: bool) -> Array:
    shown = None if view is None else View(*tf.unstack(tf.cast(view, tf.float32), axis=1))
    return run_batch(xp, plan, images, factors, shown, settled=settled)

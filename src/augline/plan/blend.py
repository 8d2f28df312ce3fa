"""The stage kind that makes several images of one and mixes them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from augline.arrays import Array
from augline.plan.frame import Frame
from augline.plan.stages import Stage


@dataclass(frozen=True, eq=False)
class Blend(Stage):
    """The weighted sum of an image and of what each branch of stages makes of it, clipped to [0, 1].

    Only pixels are mixed: masks, boxes and points have no sum, and stay where the image itself has them.

    Attributes:
        branches: Stages that keep the frame, each branch on its own; fused one by one when the plan is made.
        weights: `(batch, 1 + branches)`, of the image and then of each branch; (1, 0, ..., 0) changes nothing.
        shrinks: Per branch and stage, as a plan's; filled in when the plan is made.
    """

    branches: tuple[tuple[Stage, ...], ...]
    weights: Array
    shrinks: tuple[tuple[Array | None, ...], ...] = ()
    origin: tuple[str, ...] = ()

    def masked(self, mask: Array | None, before: Frame) -> Blend:
        if mask is None:
            return self
        xp = before.xp
        alone = xp.asarray([1.0] + [0.0] * len(self.branches), dtype=xp.float64)
        return replace(self, weights=xp.where(mask[:, None], self.weights, alone))

    def named(self, origin: str) -> Stage:
        changes: Any = {"branches": tuple(tuple(s.named(origin) for s in branch) for branch in self.branches)}
        return replace(self, origin=(origin,), **changes)

"""The masks of samples ahead of their pixels: what CopyPaste hides of boxes must be known while plans are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline.mixing.pixels import Part, mixed, opaque
from augline.plan import Plan
from augline.plan.mix import Mix
from augline.sight import carried


@dataclass(frozen=True, eq=False)
class FirstMasks:
    """The masks of the rows of a level, of several by name the first, each made when it is asked for.

    Attributes:
        mask: Of a row, `([time, ]height, width, channels)`; None where it cannot be read.
        name: What they are called.
    """

    mask: Callable[[int], NDArray[Any] | None]
    name: str

    def solid(self, row: int) -> NDArray[np.bool_] | None:
        """`([time, ]height, width)`: where the mask of a row is not 0."""
        mask = self.mask(row)
        return None if mask is None else opaque(Part({}, {"": mask}))

    def through(self, mix: Mix, plan: Plan) -> FirstMasks:
        """Those of the rows that are mixed of these, behind a plan."""
        count = mix.shares.shape[1]

        def mask(row: int) -> NDArray[Any] | None:
            parts: list[Part | None] = [None] * count
            for k in np.flatnonzero(mix.used[row]).tolist():
                below = self.mask(row * count + k)
                if below is None:
                    return None
                parts[k] = Part({}, {"": below})
            _, masks = mixed(mix, row, parts, (0.0, 1.0))
            return carried(plan, row, masks[""], self.name)

        return FirstMasks(mask, self.name)

"""Where points go, and where they came from: a plan's geometry, forward and back.

Matrices read from output to input; a point of the input goes through their inverses. A displacement has no formula for
its inverse, so that is found by iteration.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from augline.engines.portable.warp import displacements, read
from augline.plan import Fill, Plan, Warp, matrices

Points = NDArray[np.float64]

_ITERATIONS = 12
_STRIDE = 20.0  # pixels


class Paths:
    """The ways of all samples of a batch through the warps of their plan. Points are (x, y) between pixel centres."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._warps = [stage for stage in plan.stages if isinstance(stage, Warp) and stage.moves]
        self._inverses = [matrices.inverse(np, warp.matrix) for warp in self._warps]
        self._outer = [None if w.field is None else matrices.inverse(np, w.field.outer) for w in self._warps]
        self._displacement = cache(self._displacement_of)

    @property
    def bends(self) -> bool:
        """Whether straight lines may not stay straight."""
        return any(warp.field is not None for warp in self._warps)

    def forward(self, index: int, points: Points) -> Points:
        """Points `(n, 2)` of a sample's image as it came, in the image as it comes out."""
        for number, (inverse, outer) in enumerate(zip(self._inverses, self._outer, strict=True)):
            points = _transformed(inverse[index], points)
            if outer is not None:
                points = _transformed(outer[index], self._straightened(number, index, points))
        return points

    def back(self, index: int, points: Points) -> Points:
        """Points `(n, 2)` of a sample's image as it came out, in the image as it came."""
        for number in range(len(self._warps) - 1, -1, -1):
            warp = self._warps[number]
            if warp.field is not None:
                points = _transformed(warp.field.outer[index], points)
                points = points + self._moved(number, index, points)
            points = _transformed(warp.matrix[index], points)
        return points

    def _straightened(self, number: int, index: int, points: Points) -> Points:
        """The places that the displacement moves to `points`, by Newton's method with slopes over a pixel."""
        places = points - self._moved(number, index, points)
        step = np.eye(2) / 2
        for _ in range(_ITERATIONS):
            rest = places + self._moved(number, index, places) - points
            slopes = [self._moved(number, index, places + d) - self._moved(number, index, places - d) for d in step]
            jacobian = np.eye(2) + np.stack(slopes, axis=-1)
            # where the picture folds over there is no way back; half steps keep such a place from running off
            solid = np.abs(np.linalg.det(jacobian))[:, None, None] > 0.05
            change = np.linalg.solve(np.where(solid, jacobian, 2 * np.eye(2)), rest[..., None])[..., 0]
            places = places - np.clip(change, -_STRIDE, _STRIDE)
        return places

    def _moved(self, number: int, index: int, places: Points) -> Points:
        field = self._displacement(number, index)
        x, y = (places[None, None, :, k] for k in (0, 1))
        return np.asarray(read(np, field, x, y, "bilinear", Fill("nearest"))[0, 0])

    def _displacement_of(self, number: int, index: int) -> NDArray[np.float64]:
        one = self._plan.take(slice(index, index + 1))
        warps = [stage for stage in one.stages if isinstance(stage, Warp) and stage.moves]
        field = warps[number].field
        assert field is not None
        return np.asarray(displacements(np, field))


def mirrors(plan: Plan) -> NDArray[np.bool_]:
    """`(batch,)`: whether a sample's picture comes out mirrored, as one flip does and two do not."""
    total = np.ones(plan.before.batch)
    for stage in plan.stages:
        if isinstance(stage, Warp) and stage.moves:
            total = total * np.sign(np.linalg.det(stage.total[:, :2, :2]))
    return np.asarray(total < 0)


def _transformed(matrix: NDArray[np.float64], points: Points) -> Points:
    return np.asarray(matrices.transform_points(np, matrix[None], points[None])[0])

"""Where points go, and where they came from: a plan's geometry, forward and back.

Matrices read from output to input; a point of the input goes through their inverses. A displacement has no formula for
its inverse, so that is found by iteration.
"""

from __future__ import annotations

from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from augline.engines.portable.points import ITERATIONS, displacing, newton, painted_over
from augline.engines.portable.warp import displacements
from augline.errors import ArgumentError
from augline.plan import Call, Plan, Warp, matrices
from augline.plan.moving import holes as holes_of
from augline.plan.moving import moving
from augline.sources.polygons import clipped, moved, uncovered

Points = NDArray[np.float64]

_CLOSE = 1e-6


class Paths:
    """The ways of all samples of a batch through what moves in their plan. Points are (x, y) between pixel centres."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._moves = moving(plan)
        warps = {number: stage for number, stage in enumerate(self._moves) if isinstance(stage, Warp)}
        self._inverses = {k: matrices.inverse(np, warp.matrix) for k, warp in warps.items()}
        self._outer = {k: matrices.inverse(np, warp.field.outer) for k, warp in warps.items() if warp.field}
        self._displacement = cache(self._displacement_of)
        self._holes = holes_of(plan)

    @property
    def bends(self) -> bool:
        """Whether straight lines may not stay straight."""
        return any(isinstance(stage, Call) or stage.field is not None for stage in self._moves)

    @property
    def cuts(self) -> bool:
        """Whether a frame on the way, before the last, or what is painted over, may take something away."""
        return len(self._moves) > 1 or bool(self._holes)

    def forward(self, index: int, points: Points) -> Points:
        """Points `(n, 2)` of a sample's image as it came, in the image as it comes out.

        Raises:
            ArgumentError: A function of the user's moves things, and nobody knows where.
        """
        for number in range(len(self._moves)):
            points = self._through(number, index, points)
        return points

    def back(self, index: int, points: Points) -> Points:
        """Points `(n, 2)` of a sample's image as it came out, in the image as it came.

        Raises:
            ArgumentError: A function of the user's moved them.
        """
        for number in range(len(self._moves) - 1, -1, -1):
            stage = self._moves[number]
            if isinstance(stage, Call):
                raise ArgumentError(
                    f"{stage.label}: what a function of your own moved cannot be moved back. Received spatial=True. "
                    "Leave it out where geometry is undone."
                )
            if stage.field is not None:
                points = _transformed(stage.field.outer[index], points)
                points = points + self._moved(number, index, points)
            points = _transformed(stage.matrix[index], points)
        return points

    def forward_within(self, index: int, points: Points) -> tuple[Points, NDArray[np.bool_]]:
        """Points `(n, 2)` where they come out, and `(n,)` whether they were to be seen all the way.

        They were if they lay inside each frame, and under nothing that was painted over the picture.
        """
        there, within = points, self._bare(0, index, points)
        for number in range(len(self._moves)):
            there = self._through(number, index, there)
            within &= _inside(there, self._frame(number, index)) & self._bare(number + 1, index, there)
        return there, within & _inside(there, self._last(index))

    def forward_cut(
        self, index: int, outlines: list[Points], boxes_alone: bool = False
    ) -> tuple[list[Points], NDArray[np.float64]]:
        """Outlines `(n, 2)` where they come out, each cut off at every frame on the way but the last.

        What one step moves out of its frame is gone where something that works on pixels stands before the next; and
        so is what is painted over.

        Args:
            index: Of the sample.
            outlines: See above.
            boxes_alone: Whether they are but the sides of boxes; see `augline.sources.polygons.uncovered`.

        Returns:
            The outlines, and `(n,)` the share, 0 to 1, of the boxes around them that is not painted over.
        """
        outlines, bare = self._uncovered(0, index, outlines, boxes_alone)
        for number in range(len(self._moves)):
            outlines = moved(outlines, partial(self._through, number, index))
            if number < len(self._moves) - 1:
                inside = clipped([part + 0.5 for part in outlines], self._frame(number, index))
                outlines = [part - 0.5 for part in inside]
            outlines, share = self._uncovered(number + 1, index, outlines, boxes_alone)
            bare = bare * share
        return outlines, bare

    def sees(self, index: int, points: Points) -> tuple[Points, NDArray[np.bool_]]:
        """Where points `(n, 2)` of the image as it came come out, and `(n,)` whether they can be seen there.

        A point is seen if it lies inside each frame on the way, and if the way back leads to it: where a displacement
        folds the picture over, only one of several points is on top.
        """
        there, seen = self.forward_within(index, points)
        return there, seen & (np.abs(self.back(index, there) - points) < 0.5).all(axis=1)

    def _bare(self, number: int, index: int, points: Points) -> NDArray[np.bool_]:
        """Whether nothing is painted over points behind so many moves."""
        holes = self._holes.get(number)
        return (
            np.ones(len(points), bool)
            if holes is None
            else ~painted_over(np, holes.sides[index][:, [1, 0, 3, 2]], points)
        )

    def _uncovered(
        self, number: int, index: int, outlines: list[Points], boxes_alone: bool
    ) -> tuple[list[Points], NDArray[np.float64]]:
        """See `augline.sources.polygons.uncovered`, behind so many moves."""
        holes = self._holes.get(number)
        if holes is None or not outlines:
            return outlines, np.ones(len(outlines))
        frame = np.asarray([holes.extent.width[index], holes.extent.height[index]])
        left, bare = uncovered([part + 0.5 for part in outlines], holes.sides[index], frame, boxes_alone)
        return [part - 0.5 for part in left], bare

    def _frame(self, number: int, index: int) -> Points:
        extent = self._moves[number].extent
        return np.asarray([extent.width[index], extent.height[index]])

    def _last(self, index: int) -> Points:
        return np.asarray([self._plan.extent.width[index], self._plan.extent.height[index]])

    def _through(self, number: int, index: int, points: Points) -> Points:
        stage = self._moves[number]
        if isinstance(stage, Call):
            return _called(stage, index, points)
        points = _transformed(self._inverses[number][index], points)
        if stage.field is None:
            return points
        return _transformed(self._outer[number][index], self._straightened(number, index, points))

    def _straightened(self, number: int, index: int, points: Points) -> Points:
        """The places that the displacement moves to `points`, by Newton's method with slopes over a pixel."""
        moved = displacing(np, self._displacement(number, index))
        places = points[None] - moved(points[None])
        for _ in range(ITERATIONS):
            rest = places + moved(places) - points
            if np.abs(rest).max(initial=0) < _CLOSE:
                break
            places = newton(np, moved, places, rest)
        return np.asarray(places[0])

    def _moved(self, number: int, index: int, places: Points) -> Points:
        return np.asarray(displacing(np, self._displacement(number, index))(places[None])[0])

    def _displacement_of(self, number: int, index: int) -> NDArray[np.float64]:
        warp = moving(self._plan.take(slice(index, index + 1)))[number]
        field = None if isinstance(warp, Call) else warp.field
        assert field is not None
        return np.asarray(displacements(np, field))


def _called(stage: Call, index: int, points: Points) -> Points:
    """Points where a function of the user's says they go."""
    if stage.points is None:
        raise ArgumentError(
            f"{stage.label}: boxes and keypoints can follow a spatial function only if it says where points go. "
            "Received points=None. Write points=, a function of (points, (height, width), **draws)."
        )
    if not stage.acts_on(index):
        return points
    size = int(stage.extent.height[index]), int(stage.extent.width[index])
    moved = np.asarray(stage.points(points.copy(), size, **stage.arguments(index)), np.float64)
    if moved.shape != points.shape:
        raise ArgumentError(
            f"{stage.label}: points must return as many points as it got, {points.shape}. Received {moved.shape}. "
            "Leave out none; those that left the image are recognised."
        )
    return moved


def _inside(points: Points, size: Points) -> NDArray[np.bool_]:
    return np.asarray(((points >= -0.5 - _CLOSE) & (points <= size - 0.5 + _CLOSE)).all(axis=1))


def mirrors(plan: Plan) -> NDArray[np.bool_]:
    """`(batch,)`: whether a sample's picture comes out mirrored, as one flip does and two do not."""
    total = np.ones(plan.before.batch)
    for stage in plan.stages:
        if isinstance(stage, Warp) and stage.moves:
            total = total * np.sign(np.linalg.det(stage.total[:, :2, :2]))
        elif isinstance(stage, Call) and stage.spatial:
            total = total * [_turned_over(stage, index) for index in range(len(total))]
    return np.asarray(total < 0)


def _turned_over(stage: Call, index: int) -> float:
    """-1 where a function of the user's mirrors the middle of an image, else 1."""
    middle = np.asarray([stage.extent.width[index] - 1, stage.extent.height[index] - 1]) / 2
    place, right, down = _called(stage, index, middle + np.asarray([[0, 0], [0.5, 0], [0, 0.5]]))
    return float(np.sign(np.linalg.det([right - place, down - place])))


def _transformed(matrix: NDArray[np.float64], points: Points) -> Points:
    return np.asarray(matrices.transform_points(np, matrix[None], points[None])[0])

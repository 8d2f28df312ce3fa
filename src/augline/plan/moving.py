"""Which stages move what is in the picture, and what is painted over between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeGuard, TypeVar

from augline.arrays import Array
from augline.plan.call import Call
from augline.plan.frame import Extent
from augline.plan.local import Erase
from augline.plan.plan import Plan
from augline.plan.stages import Stage, Warp

T = TypeVar("T", bound=Warp | Call)


def moves(stage: Stage) -> TypeGuard[Warp | Call]:
    """Whether a stage moves what is in the picture."""
    return (isinstance(stage, Warp) and stage.moves) or (isinstance(stage, Call) and stage.spatial)


def moving(plan: Plan) -> list[Warp | Call]:
    """The stages that move what is in the picture."""
    return [stage for stage in plan.stages if moves(stage)]


class Holes(NamedTuple):
    """Rectangles that are painted over at one place of a plan.

    Attributes:
        sides: `(batch, n, 4)` float64 whole numbers: left, top, right, bottom between pixel edges.
        extent: Of the frame they lie in.
    """

    sides: Array
    extent: Extent

    @property
    def most(self) -> int | None:
        """A side that no frame exceeds, where one is known."""
        return max(self.extent.bound) if self.extent.bound else None


def holes(plan: Plan) -> dict[int, Holes]:
    """What is painted over, by the number of moves ahead of it."""
    xp, extent, found = plan.before.xp, plan.before.extent, dict[int, Holes]()
    number = 0
    for stage in plan.stages:
        if isinstance(stage, Erase):
            sides = xp.astype(xp.take(stage.boxes, xp.asarray([1, 0, 3, 2]), axis=2), xp.float64)
            if number in found:
                sides = xp.concat([found[number].sides, sides], axis=1)
            found[number] = Holes(sides, extent)
        elif moves(stage):
            number, extent = number + 1, stage.extent
    return found


def steps(plan: Plan, moves: Sequence[T]) -> Iterator[tuple[T | None, Extent | None, Holes | None]]:
    """Each move of a plan, the frame that cuts off what it moves out, and what is painted over behind it.

    First comes what is painted over ahead of all moves. What the last moves out is left to who looks at the picture.
    """
    painted = holes(plan)
    yield None, None, painted.get(0)
    for number, stage in enumerate(moves, 1):
        yield stage, stage.extent if number < len(moves) else None, painted.get(number)

"""What a graph cannot do is refused when the data set is made, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augline.feed.graph.refuse import refused
from augline.mixing import MixedBatches
from augline.plan import Plan, Warp

if TYPE_CHECKING:
    from augline.pipeline import Pipeline


def check(pipe: Pipeline) -> None:
    """Refuses a pipeline that no graph can run.

    Raises:
        EngineError: It is one.
    """
    targets = pipe.source.targets
    if targets.boxes is None and targets.keypoints is None:
        return
    batches, programs = pipe.batches, [pipe.batches.program]
    if isinstance(batches, MixedBatches):
        programs = [batches.first.program, *(level.program for level in batches.levels)]
    for program in programs:
        check_bends(program.trial, "boxes and keypoints")


def check_bends(plan: Plan, what: str) -> None:
    """Refuses displacements of images of several sizes for what a graph moves a whole batch at once.

    Raises:
        EngineError: There is one.
    """
    for stage in plan.stages:
        if isinstance(stage, Warp) and stage.field is not None and stage.field.extent.static is None:
            rule = f"{what} do not follow what bends images of several sizes"
            raise refused("the list", rule, ", ".join(stage.origin), "Give size=, or put Resizing before it")

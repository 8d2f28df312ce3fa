"""What a graph cannot do is refused when the data set is made, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from augline.feed.graph.refuse import refused
from augline.mixing import MixedBatches
from augline.plan import Warp
from augline.plan.plan import uneven

if TYPE_CHECKING:
    from augline.pipeline import Pipeline


def check(pipe: Pipeline) -> None:
    """Refuses a pipeline that no graph can run.

    Raises:
        EngineError: It is one.
    """
    batches, programs = pipe.batches, [pipe.batches.program]
    if isinstance(batches, MixedBatches):
        programs = [batches.first.program, *(level.program for level in batches.levels)]
    stages = programs[0].trial.stages
    if pipe.program.size is None and not (stages and isinstance(stages[0], Warp) and stages[0].extent.static):
        first = ", ".join(getattr(stages[0], "origin", ())) if stages else "no transform"
        rule = "images of several sizes must be brought to one size before anything else looks at them"
        raise refused("the list", rule, f"{first} first", "Give size=(height, width)")
    for program in programs:
        if found := uneven(program.trial):
            rule = "images must have one size where anything looks at their pixels"
            raise refused("the list", rule, found, "Put Resizing between")

"""A plan cut into shorter ones, for compilers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from augline.plan.plan import Plan
from augline.plan.stages import Colour, Output, Stage, Tone, Warp


def segments(plan: Plan) -> list[Plan]:
    """Plans that, one after the other, are the plan; in between, images are float32 of 0 to 1.

    XLA computes what a measuring curve measures, and what it then changes, anew from the pixels that go in. If a warp
    stands before it in the same program, the warp is run twice, and without vector instructions: five times slower. So
    a program ends in front of each measurement, and about each stage that looks at neighbours.
    """
    pieces = [piece for stage, shrink in zip(plan.stages, plan.shrinks, strict=True) for piece in _cut(stage, shrink)]
    groups: list[list[tuple[Stage, object]]] = [[]]
    for stage, shrink in pieces:
        alone = not isinstance(stage, (Warp, Tone, Colour)) or (isinstance(stage, Tone) and stage.curves[0].measure)
        if alone and groups[-1]:
            groups.append([])
        groups[-1].append((stage, shrink))
        if not isinstance(stage, (Warp, Tone, Colour)):
            groups.append([])
    return _plans(plan, [group for group in groups if group] or [[]])


def _cut(stage: Stage, shrink: object) -> Iterator[tuple[Stage, object]]:
    """A tone before each curve that measures; other stages whole."""
    if not isinstance(stage, Tone):
        yield stage, shrink
        return
    first = 0
    for number, curve in enumerate(stage.curves):
        if curve.measure and number > first:
            yield replace(stage, curves=stage.curves[first:number]), None
            first = number
    yield replace(stage, curves=stage.curves[first:]), None


def _plans(plan: Plan, groups: list[list[tuple[Stage, object]]]) -> list[Plan]:
    unit = Output((1.0,) * len(plan.output.scale), (0.0,) * len(plan.output.scale), "float32")
    frame, result = plan.before, []
    for number, group in enumerate(groups):
        after = frame
        for stage, _ in group:
            after = stage.after(after)
        output = plan.output if number == len(groups) - 1 else unit
        shrinks = tuple(shrink for _, shrink in group)
        result.append(Plan(tuple(stage for stage, _ in group), shrinks, frame, after.extent, output))
        frame = after.with_(scale=(1.0,), offset=(0.0,), dtype="float32")
    return result

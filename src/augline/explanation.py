"""What happened to one sample: what was drawn, the stages as declared, and how they were fused."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from augline.errors import ArgumentError
from augline.explanation_text import text
from augline.plan import Colour, Hsv, Output, Plan, Rescale, Stage, Tone, Warp
from augline.transforms.base import Drawn

if TYPE_CHECKING:
    from augline.pipeline import Pipeline

_SHOWN = 12


@dataclass(frozen=True)
class Draws:
    """What was drawn for one sample under one transform of the list.

    Attributes:
        path: Its place in the list, such as "OneOf/RandomZoom".
        declared: As it was written.
        active: Whether it acts on the sample.
        params: Plain numbers, truth values, or lists of them, by name.
    """

    path: str
    declared: str
    active: bool
    params: dict[str, Any]


@dataclass(frozen=True)
class StageOf:
    """One stage as it stands for one sample.

    Attributes:
        kind: "Warp", "Tone", "Colour", "Hsv", "Rescale" or "Output".
        origin: Paths of the transforms that it came from.
        idle: Whether it leaves this sample as it is.
        details: Plain data by name.
    """

    kind: str
    origin: tuple[str, ...]
    idle: bool
    details: dict[str, Any]


@dataclass(frozen=True)
class Explanation:
    """What happens to one sample in one epoch; `print` it.

    Attributes:
        header: Of the pipeline and the sample: plain data by name.
        drawn: Per transform, those inside others too.
        before: The stages as the transforms declare them.
        after: The stages that run, the output last.
        breaks: Why resamplings stayed apart, one sentence each.
    """

    header: dict[str, Any]
    drawn: tuple[Draws, ...]
    before: tuple[StageOf, ...]
    after: tuple[StageOf, ...]
    breaks: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return text(self)


def explain(pipe: Pipeline, epoch: int, index: int) -> Explanation:
    """See `Pipeline.explain`.

    Raises:
        ArgumentError: There is no such sample.
        DecodeError or SourceError: It cannot be read.
    """
    if not 0 <= index < len(pipe.source):
        raise ArgumentError(
            f"Pipeline.explain(epoch={epoch}, index={index}): index must lie in 0 to {len(pipe.source) - 1}. Received "
            f"index={index}. Count the samples of the source; pipe.indices(epoch, positions) gives those of an epoch."
        )
    job = pipe.batches.prepare(epoch, np.asarray([index]))
    record = job.record(0)
    expansion, plan = pipe.batches.explained(epoch, job)
    before = tuple(_stage(stage) for stage in expansion.stages)
    after = [_stage(stage) for stage in plan.stages]
    for number, factors in enumerate(plan.shrinks):
        if factors is not None:
            decoder = job.shrinks[0] if number == 0 else 1
            after[number].details.update(shrink=factors[0].tolist(), decoder=decoder)
    after.append(_output(plan.output))
    header = _header(pipe, epoch, index, record.size)
    return Explanation(header, draws(expansion.drawn, 0), before, tuple(after), tuple(_breaks(plan)))


def draws(drawn: Sequence[Drawn], index: int) -> tuple[Draws, ...]:
    """What was drawn for one sample of a batch."""
    return tuple(
        Draws(
            item.path,
            repr(item.transform),
            item.active is None or bool(item.active[index]),
            {name: np.asarray(values)[index].tolist() for name, values in item.params.items()},
        )
        for item in drawn
    )


def class_name(pipe: Pipeline, index: int) -> str:
    """The label of a sample in words: its class where that has a name, else its value; "" without labels."""
    source = pipe.source
    if source.targets.labels is None:
        return ""
    classes, names = source.targets.class_indices, source.class_names
    if classes is not None and names is not None:
        return names[int(classes[index])]
    value = source.targets.labels[index]
    if names is not None and np.shape(value) == (len(names),):
        return ", ".join(name for name, holds in zip(names, value, strict=True) if holds) or "none"
    return str(np.round(np.asarray(value, np.float64), 4).tolist() if value.dtype.kind == "f" else value.tolist())


def _header(pipe: Pipeline, epoch: int, index: int, size: tuple[int, int]) -> dict[str, Any]:
    source = pipe.source
    return {
        "source": repr(source),
        "size": pipe.program.output_size,
        "batch_size": pipe.batch_size,
        "seed": pipe.seed,
        "engine": pipe.program.engine,
        "fingerprint": pipe.fingerprint().digest,
        "epoch": epoch,
        "index": index,
        "id": int(source.ids(np.asarray([index]))[0]),
        "name": source.name(index),
        "label": class_name(pipe, index),
        "read": (*size, source.channels),
        "dtype": source.dtype,
    }


def _stage(stage: Stage) -> StageOf:
    idle, details = False, {}
    if isinstance(stage, Warp):
        matrix = np.asarray(stage.matrix)[0]
        out = (int(stage.extent.height[0]), int(stage.extent.width[0]))
        details = {"matrix": matrix.tolist(), "reach": stage.reach, "output": out}
        if stage.resamples:
            details["interpolation"] = stage.interpolation
        if stage.reach == "anywhere":
            details |= {"fill": stage.fill.mode, "fill_value": stage.fill.value}
        idle = bool(np.array_equal(matrix, np.eye(3)))
    elif isinstance(stage, Tone):
        details = {"curves": [_curve(curve) for curve in stage.curves]}
        idle = not any(curve["active"] for curve in details["curves"])
    elif isinstance(stage, Colour):
        matrix = np.asarray(stage.matrix)[0]
        idle, details = bool(np.array_equal(matrix, np.eye(len(matrix)))), {"matrix": matrix[:-1].tolist()}
    elif isinstance(stage, Hsv):
        details = {"hue": float(stage.hue[0]), "saturation": [*stage.saturation[0]], "value": [*stage.value[0]]}
        idle = not bool(stage.active[0])
    elif isinstance(stage, Rescale):
        details = {"scale": list(stage.scale), "offset": list(stage.offset)}
    else:
        details = {f.name: value for f in fields(stage) if (value := _plain(getattr(stage, f.name))) is not None}
    return StageOf(type(stage).__name__, tuple(getattr(stage, "origin", ())), idle, details)


def _plain(value: Any) -> Any:
    """What one sample has of a field: a number, or a few; None for what is no number or too much to show."""
    if isinstance(value, (bool, int, float)):
        return value
    if not isinstance(value, np.ndarray) or value[0].size > _SHOWN:
        return None
    return value[0].tolist()


def _curve(curve: Any) -> dict[str, Any]:
    names = [*inspect.signature(curve.function).parameters][3 if curve.measure else 2 :]
    values = [np.asarray(param)[0].tolist() for param in curve.params]
    return {
        "function": curve.function.__name__,
        "params": dict(zip(names, values, strict=True)),
        "measure": curve.measure,
        "active": curve.active is None or bool(curve.active[0]),
    }


def _output(output: Output) -> StageOf:
    scale, offset = ([*values] if len({*values}) > 1 else [values[0]] for values in (output.scale, output.offset))
    then = {"then": [type(step).__name__ for step in output.finish]} if output.finish else {}
    return StageOf("Output", (), False, {"scale": scale, "offset": offset, "dtype": output.dtype, **then})


def _breaks(plan: Plan) -> list[str]:
    """Why one resampling did not take the next one in."""
    warps = [number for number, stage in enumerate(plan.stages) if isinstance(stage, Warp)]
    sentences = []
    for first, then in pairwise(warps):
        between = plan.stages[first + 1 : then]
        sentences.append(f"stages {first + 1} and {then + 1} stay apart: {_why(plan, first, then, between)}")
    return sentences


def _why(plan: Plan, first: int, then: int, between: Sequence[Stage]) -> str:
    if between:
        names = dict.fromkeys(path for stage in between for path in getattr(stage, "origin", ()))
        return f"{', '.join(names)} stands between, and works on the pixels as the first leaves them"
    one, two = plan.stages[first], plan.stages[then]
    assert isinstance(one, Warp)
    assert isinstance(two, Warp)
    if one.interpolation != two.interpolation:
        return f"one interpolates {one.interpolation}, the other {two.interpolation}"
    return f"outside of the image one sees {_fill(one)}, the other {_fill(two)}"


def _fill(warp: Warp) -> str:
    values = ", ".join(f"{value:.4g}" for value in warp.fill.value)
    return f"{warp.fill.mode} ({values})" if warp.fill.mode == "constant" else warp.fill.mode

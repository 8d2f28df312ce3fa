"""What a transform is: a frozen declaration with two short methods, `sample` (numbers) and `lower` (stages)."""

from __future__ import annotations

import copy
import dataclasses
import difflib
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NoReturn, TypeAlias, TypeVar, dataclass_transform

import numpy as np
from pydantic import ConfigDict, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass

from augline.arrays import Array, Namespace
from augline.errors import ArgumentError
from augline.plan.frame import Frame
from augline.plan.stages import Stage
from augline.random import Draw
from augline.transforms.epochs import differs, first, in_graph, least
from augline.transforms.fields import Fraction, explain
from augline.transforms.schedules import Schedule, epoch_of, from_config

Params: TypeAlias = dict[str, Array]
"""A transform's drawn numbers by name, each with the batch as leading axis."""

T = TypeVar("T")

_ELSEWHERE = {
    "seed": "Give the seed to the Pipeline (or to augment); every transform draws from it",
    "data_format": "Images are (batch, height, width, channels) everywhere; transpose others first",
    "dtype": "The output type follows from the list: add Rescaling or Normalize for floats",
    "always_apply": "Write p=1.0",
    "cval": "It is fill_value here",
    "fill": "It is fill_value here, with fill_mode='constant'",
    "border_mode": "It is fill_mode here",
    "limit": "It is factor here",
}


def _with_clear_errors(init: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(init)
    def checked(self: Any, *args: Any, **kwargs: Any) -> None:
        fields = sorted(dataclasses.fields(self), key=lambda f: bool(f.kw_only))
        positional = [f.name for f in fields if not f.kw_only]
        given = dict(zip(positional, map(from_config, args), strict=False)) | {
            name: from_config(value) for name, value in kwargs.items()
        }
        schedules = {name: value for name, value in given.items() if isinstance(value, Schedule)}
        try:
            if schedules and len(args) <= len(positional):
                _scheduled(init, self, given, schedules)
            elif any(map(differs, given.values())):
                _checked_before(init, self, given)
            else:
                init(self, *args, **kwargs)
        except ValidationError as error:
            problem: dict[str, Any] = dict(error.errors(include_url=False)[0])
            cause = problem.get("ctx", {}).get("error")
            if isinstance(cause, ArgumentError):  # from a __post_init__, whole as it is
                raise cause from None
            problem["loc"] = tuple(
                positional[k] if isinstance(k, int) and k < len(positional) else k for k in problem["loc"]
            )
            rule, received, fix = explain(problem, functools.partial(_hint, [f.name for f in fields]))
            if {*vars(type(self)).get("__annotations__", ())} - {f.name for f in fields}:
                fix = (
                    f"Write @augline.transforms.transform above class {type(self).__name__}, which makes them arguments"
                )
            shown = [repr(a) for a in args] + [f"{k}={v!r}" for k, v in kwargs.items()]
            call = f"{type(self).__name__}({', '.join(shown)})"
            raise ArgumentError(f"{call}: {rule}. Received {received}. {fix}.") from None

    return checked


_FIXED = ("height", "width", "max_size", "multiple", "size", "name", "transforms")
"""What stays the same for all epochs: batches have one size, and a list is a list."""


def _scheduled(init: Callable[..., None], item: Any, given: dict[str, Any], schedules: dict[str, Schedule]) -> None:
    """Makes a transform whose schedules are good at each of their points; and between them, since rules are ranges."""
    for name in {*schedules} & {*_FIXED}:
        raise ArgumentError(
            f"{type(item).__name__}({name}=...): {name} must be the same in all epochs. Received {schedules[name]!r}. "
            "Give one value."
        )
    checked: dict[str, dict[int, Any]] = {name: {} for name in schedules}
    for epoch in sorted({epoch for schedule in schedules.values() for epoch, _ in schedule.points}):
        init(item, **given | {name: schedule.at(epoch) for name, schedule in schedules.items()})
        for name in schedules:
            checked[name][epoch] = getattr(item, name)
    for name, schedule in schedules.items():
        points = tuple((epoch, checked[name][epoch]) for epoch, _ in schedule.points)
        object.__setattr__(item, name, dataclasses.replace(schedule, points=points))


def _checked_before(init: Callable[..., None], item: Any, given: dict[str, Any]) -> None:
    """Makes a transform with numbers of a graph, which another has been given."""
    init(item, **{name: first(value) for name, value in given.items()})
    for name, value in given.items():
        object.__setattr__(item, name, value)


def resolved(item: T, epoch: int | Array, xp: Namespace = np) -> T:
    """The transform with plain numbers: its schedules replaced by what they come to in an epoch.

    In a graph an epoch is a tensor, and so are the numbers, as soon as they meet others; see `EpochNumber`.
    """
    schedules = {name: value for name, value in vars(item).items() if isinstance(value, Schedule)}
    if not schedules:
        return item
    if xp is np or isinstance(epoch, int):
        now = epoch_of(item, epoch)
        values = {name: schedule.at(now) for name, schedule in schedules.items()}
    else:
        values = in_graph(type(item).__name__, schedules, xp, epoch)
    plain = copy.copy(item)
    for name, value in values.items():
        object.__setattr__(plain, name, value)
    return plain


def at_epoch(transforms: Sequence[Transform], epoch: int | Array, xp: Namespace) -> tuple[Transform, ...]:
    """A list, and the lists within it, with the numbers that its schedules come to in an epoch."""
    found = []
    for item in transforms:
        plain = resolved(item, epoch, xp)
        if inner := getattr(item, "transforms", ()):
            plain = copy.copy(plain)
            object.__setattr__(plain, "transforms", at_epoch(inner, epoch, xp))
        found.append(plain)
    return tuple(found)


def _hint(known: list[str], name: str) -> str:
    if name in _ELSEWHERE and name not in known:
        return _ELSEWHERE[name]
    close = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean {close[0]}" if close and close[0] != name else f"The arguments are {', '.join(known)}"


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def transform(cls: type[T]) -> type[T]:
    """Makes a class a frozen, validated dataclass whose errors read `Name(args): rule. Received value. Fix.`"""
    declared: Any = pydantic_dataclass(frozen=True, repr=False, config=ConfigDict(extra="forbid"))(cls)
    declared.__init__ = _with_clear_errors(declared.__init__)
    result: type[T] = declared
    return result


@dataclasses.dataclass(frozen=True, eq=False)
class Drawn:
    """One transform of a list with what was drawn for a batch: its path, parameters, and which samples it acts on."""

    path: str
    transform: Transform
    params: Params
    active: Array | None


@dataclasses.dataclass(frozen=True, eq=False)
class Expansion:
    """What a list of transforms comes to for one batch: the draws, the stages, and the frame behind the last."""

    drawn: tuple[Drawn, ...]
    stages: tuple[Stage, ...]
    frame: Frame


@transform
class Transform:
    """Base of all transforms.

    Args:
        p: Chance that the transform acts on a sample.
        name: Name its random numbers are drawn under. By default the class name, numbered from the second of its kind
            on; with a name of its own a transform keeps its numbers however the list around it changes.
    """

    p: Fraction = dataclasses.field(default=1.0, kw_only=True)
    name: str | None = dataclasses.field(default=None, kw_only=True)

    def __call__(self, *images: object, **targets: object) -> NoReturn:
        """Refused: a transform says what may happen, and has no pixels."""
        raise ArgumentError(
            f"{self!r}: a transform says what may happen to images, and is not called on them. Received a call. Write "
            f"al.augment(images, [{self!r}]), or give the list to a Pipeline, to augline.keras.Augment or to "
            "al.to_dataset(augment=)."
        )

    def sample(self, draw: Draw, frame: Frame) -> Params:
        """The numbers of a batch; none for a transform that is not random."""
        return {}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        """The stages that carry the numbers out."""
        raise NotImplementedError(f"{type(self).__name__}.lower: every transform has one, which yields stages.")

    def evaluation(self) -> Transform | None:
        """What is left of it when nothing random may happen: itself if it is not random, else nothing."""
        return None if type(self).sample is not Transform.sample or self.p != 1 else self

    def gate(self, draw: Draw) -> Array | None:
        """Which samples it acts on; None for all."""
        return draw.chance("p", self.p) if least(self.p) < 1 else None

    def expand(self, draw: Draw, frame: Frame, path: str, mask: Array | None) -> Expansion:
        """Draws its numbers and lowers them, for the samples in `mask`."""
        draw = draw.at(self.name or path.rpartition("/")[2])
        active = both(mask, self.gate(draw))
        params = self.sample(draw, frame)
        stages, size, everywhere = [], frame.extent.static, frame
        for stage in _lowered(self, params, frame):
            everywhere = stage.after(everywhere)
            stages.append(stage.named(path).masked(active, frame))
            frame = stages[-1].after(frame)
        if frame.sight is not None:
            frame = frame.with_(sight=frame.sight.through(stages))
        if size == everywhere.extent.static:  # those that it acts on come out in the size of the others
            frame = frame.with_(extent=dataclasses.replace(frame.extent, static=size))
        return Expansion((Drawn(path, self, params, active),), tuple(stages), frame)

    def __repr__(self) -> str:
        shown = [f"{key}={value!r}" for key, value in arguments(self).items()]
        return f"{type(self).__name__}({', '.join(shown)})"


def _lowered(item: Transform, params: Params, frame: Frame) -> Iterator[Stage]:
    """What a transform's `lower` gives, which of one's own may be anything."""
    given: Any = item.lower(params, frame)
    for stage in given if isinstance(given, Iterable) else [given]:
        if not isinstance(stage, Stage):
            raise ArgumentError(
                f"{item!r}: lower must yield stages. Received {type(stage).__name__}. Write yield before each; the "
                "kinds are classes of augline.plan."
            )
        yield stage


def expand(
    transforms: Sequence[Transform],
    draw: Draw,
    frame: Frame,
    path: str = "",
    masks: Sequence[Array | None] | None = None,
) -> Expansion:
    """Expands a list, each transform on the frame that the ones before it leave."""
    drawn: list[Drawn] = []
    stages: list[Stage] = []
    for number, (place, item) in enumerate(placed(transforms, draw, path)):
        done = item.expand(draw, frame, place, masks[number] if masks else None)
        drawn += done.drawn
        stages += done.stages
        frame = done.frame
    return Expansion(tuple(drawn), tuple(stages), frame)


def placed(transforms: Sequence[Transform], draw: Draw, path: str) -> Iterator[tuple[str, Transform]]:
    """Each with its own path below that of the list, and with the numbers that its schedules come to now."""
    for label, item in zip(labels(transforms), transforms, strict=True):
        yield f"{path}/{label}" if path else label, resolved(item, draw.epoch, draw.xp)


def labels(transforms: Sequence[Transform]) -> list[str]:
    """A name for each: its own, or its class, numbered from the second of the kind on."""
    seen: dict[str, int] = {}
    result = []
    for item in transforms:
        label = item.name or type(item).__name__
        seen[label] = seen.get(label, 0) + 1
        result.append(label if seen[label] == 1 else f"{label}#{seen[label]}")
    return result


def arguments(item: Transform) -> dict[str, Any]:
    """The arguments that differ from their defaults, by name."""
    fields = [f for f in dataclasses.fields(item) if getattr(item, f.name) != f.default]
    return {f.name: getattr(item, f.name) for f in sorted(fields, key=lambda f: bool(f.kw_only))}


def both(a: Array | None, b: Array | None) -> Array | None:
    """Samples in both masks; None stands for all."""
    if a is None or b is None:
        return b if a is None else a
    return a & b

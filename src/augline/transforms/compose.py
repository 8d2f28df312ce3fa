"""Lists within lists: sequences, one of several, some of several. A choice is a mask over samples, nothing else."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated, Any

from pydantic import PlainValidator

from augline.arrays import Array
from augline.errors import ArgumentError
from augline.plan.frame import Frame
from augline.plan.stages import Stage, Warp
from augline.random import Draw
from augline.transforms.base import (
    Drawn,
    Expansion,
    Params,
    Transform,
    both,
    expand,
    labels,
    placed,
    transform,
)
from augline.transforms.fields import Refusal, span
from augline.transforms.schedules import Schedule

FOREIGN: dict[str, Callable[[Any], Sequence[Transform]]] = {}
"""How objects of other packages become transforms, by the package; `augline.translate` puts itself here."""

_TRANSLATED = ("albumentations", "torchvision")
"""Packages that `translate` must be asked to read: with them more than lists differs."""


def checked_list(value: Any) -> tuple[Transform, ...]:
    """A sequence of transforms as a tuple; anything else is refused by name and place.

    A Keras layer is translated, also where it stands for the list; what then differs in meaning,
    `translate(layer).differences` says.
    """
    value = [value] if _package(value) in FOREIGN else value
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise Refusal("must be a list of transforms", "Write [RandomFlip(), RandomRotation(0.1)], for example")
    items = tuple(made for item in value for made in _ours(item))
    for place, item in enumerate(items):
        if isinstance(item, type) and issubclass(item, Transform):
            raise Refusal(f"must hold transforms; number {place} is the class itself", f"Write {item.__name__}(...)")
        if not isinstance(item, Transform):
            kind = f"{type(item).__module__}.{type(item).__qualname__}"
            fix = "Write al.Map(function)" if callable(item) else "Use augline's transform of that name"
            if isinstance(item, (list, tuple)):
                fix = "Write al.Sequential([...]) for a list within a list, or * in front of it"
            elif item is None:
                fix = "Leave it out"
            fix = "Write al.translate(...) around the list" if _package(item) in _TRANSLATED else fix
            raise Refusal(f"must hold augline transforms; number {place} is a {kind}", fix)
    names = [item.name or label for item, label in zip(items, labels(items), strict=True)]
    if len({*names}) < len(names):
        raise Refusal("must not hold two transforms of one name", "Give each its own name=, and none that of a class")
    return items


def _ours(item: Any) -> Sequence[Any]:
    package = _package(item)
    return (item,) if package not in FOREIGN else FOREIGN[package](item)


def _package(item: Any) -> str:
    return type(item).__module__.partition(".")[0]


Transforms = Annotated[Sequence[Any], PlainValidator(checked_list)]


@transform
class Composite(Transform):
    """Base of the transforms that hold others."""

    transforms: Transforms

    def masks(self, params: Params, frame: Frame) -> Sequence[Array | None]:
        """Which samples each of the transforms acts on."""
        return [None] * len(self.transforms)

    def expand(self, draw: Draw, frame: Frame, path: str, mask: Array | None) -> Expansion:
        draw = draw.at(self.name or path.rpartition("/")[2])
        active = both(mask, self.gate(draw))
        params = self.sample(draw, frame)
        masks = [both(active, chosen) for chosen in self.masks(params, frame)]
        inside = self.inside(draw, frame, path, masks, active)
        return Expansion((Drawn(path, self, params, active), *inside.drawn), inside.stages, inside.frame)

    def inside(
        self, draw: Draw, frame: Frame, path: str, masks: Sequence[Array | None], active: Array | None
    ) -> Expansion:
        """What the transforms come to, each on its samples; `active` are those that any acts on."""
        return expand(self.transforms, draw, frame, path, masks)

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        raise NotImplementedError("a composite expands; it does not lower")

    def evaluation(self) -> Transform | None:
        kept = evaluated(self.transforms)
        if not kept or type(self).sample is not Transform.sample or self.p != 1:
            return None
        return dataclasses.replace(self, transforms=kept)


@transform
class Sequential(Composite):
    """Transforms one after the other, as one: with a chance of its own, or inside OneOf and SomeOf.

    Args:
        transforms: The list.
        p: Chance that the whole list acts on a sample.

    Example:
        >>> import augline as al, numpy as np
        >>> both = al.Sequential([al.RandomBrightness(0.2), al.RandomContrast(0.2)], p=0.5)
        >>> al.augment(np.zeros((8, 32, 32, 3), "uint8"), [both]).shape
        (8, 32, 32, 3)
    """


@transform
class OneOf(Composite):
    """One of several transforms for each sample.

    Where all end in one size, as crops may, so do all images.

    Args:
        transforms: What to choose from.
        weights: How likely each is, in any unit; all alike by default.
        p: Chance that anything happens to a sample.

    Example:
        >>> import augline as al, numpy as np
        >>> either = al.OneOf([al.RandomRotation(0.1), al.RandomZoom(0.2)], weights=[2, 1])
        >>> al.augment(np.zeros((8, 32, 32, 3), "uint8"), [either]).shape
        (8, 32, 32, 3)
    """

    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not self.transforms:
            raise ArgumentError("OneOf([]): there must be something to choose from. Received an empty list. Fill it.")
        weights = self.weights
        good = weights is None or (len(weights) == len(self.transforms) and all(0 <= w < math.inf for w in weights))
        if not good or (weights is not None and sum(weights) == 0):
            raise ArgumentError(
                f"{self!r}: weights must be one number from 0 per transform, not all 0. Received {weights} for "
                f"{len(self.transforms)} transforms. Give {len(self.transforms)} weights, or none."
            )

    def sample(self, draw: Draw, frame: Frame) -> Params:
        weights = self.weights or (1.0,) * len(self.transforms)
        bounds = [sum(weights[: k + 1]) / sum(weights) for k in range(len(weights) - 1)]
        place = draw.uniform("choice")
        xp = frame.xp
        return {
            "choice": sum(
                (xp.astype(place >= bound, xp.int64) for bound in bounds), xp.zeros_like(place, dtype=xp.int64)
            )
        }

    def masks(self, params: Params, frame: Frame) -> Sequence[Array]:
        return [params["choice"] == number for number in range(len(self.transforms))]

    def inside(
        self, draw: Draw, frame: Frame, path: str, masks: Sequence[Array | None], active: Array | None
    ) -> Expansion:
        """Each is expanded as if it were alone, on what comes in: so it shows whether all end in one size."""
        drawn, stages, after = [], [], frame
        sizes = set() if active is None else {frame.extent.static}
        for (place, item), mask in zip(placed(self.transforms, draw, path), masks, strict=True):
            done = item.expand(draw, frame, place, None)
            drawn += _active(done, mask)
            made, after = _masked(done, mask, after)
            stages += made
            sizes.add(done.frame.extent.static)
        if frame.sight is not None:
            after = after.with_(sight=frame.sight.through(stages))
        return Expansion(tuple(drawn), *_of_size(stages, after, sizes.pop() if len(sizes) == 1 else None))


@transform
class SomeOf(Composite):
    """Some of several transforms for each sample, in the order of the list.

    Where so many are chosen that one is always among those that end in one size, as crops may, all images have it.

    Args:
        transforms: What to choose from.
        n: How many, or (low, high) to draw from, both included.
        p: Chance that anything happens to a sample.

    Example:
        >>> import augline as al, numpy as np
        >>> some = al.SomeOf([al.RandomFlip(), al.RandomRotation(0.1), al.RandomContrast(0.2)], n=(1, 2))
        >>> al.augment(np.zeros((8, 32, 32, 3), "uint8"), [some]).shape
        (8, 32, 32, 3)
    """

    n: Annotated[int | tuple[int, int], span(0, 1000, (1, 2))] = 1

    def __post_init__(self) -> None:
        if self.bounds[1] > len(self.transforms):
            raise ArgumentError(
                f"{self!r}: n must not be more than there are transforms. Received n={self.n} for "
                f"{len(self.transforms)} transforms. Lower n, or add transforms."
            )

    @property
    def bounds(self) -> tuple[int, int]:
        """(low, high) number of transforms."""
        return self.n if isinstance(self.n, tuple) else (self.n, self.n)

    def sample(self, draw: Draw, frame: Frame) -> Params:
        low, high = self.bounds
        return {"count": draw.integers("count", low, high + 1), "rank": draw.permutation("rank", len(self.transforms))}

    def masks(self, params: Params, frame: Frame) -> Sequence[Array]:
        return [params["rank"][:, number] < params["count"] for number in range(len(self.transforms))]

    def inside(
        self, draw: Draw, frame: Frame, path: str, masks: Sequence[Array | None], active: Array | None
    ) -> Expansion:
        """Each is expanded as if it acted on all, which shows whether those that change sizes end in one."""
        drawn, stages, sizes, others = [], [], set(), 0
        for (place, item), mask in zip(placed(self.transforms, draw, path), masks, strict=True):
            done = item.expand(draw, frame, place, None)
            drawn += _active(done, mask)
            made, after = _masked(done, mask, frame)
            stages += made
            one, other = done.frame.extent, frame.extent
            if one.height is other.height and one.width is other.width:  # it changes no size
                others += 1
            else:
                sizes.add(one.static)
            if one.static == other.static:
                after = after.with_(extent=dataclasses.replace(after.extent, static=one.static))
            if frame.sight is not None:
                after = after.with_(sight=frame.sight.through(made))
            frame = after
        sure = active is None and self.bounds[0] > others and len(sizes) == 1
        return Expansion(tuple(drawn), *_of_size(stages, frame, sizes.pop() if sure else None))


def _active(done: Expansion, mask: Array | None) -> list[Drawn]:
    """What was drawn for all, of samples in `mask`."""
    return [dataclasses.replace(one, active=both(mask, one.active)) for one in done.drawn]


def _masked(done: Expansion, mask: Array | None, frame: Frame) -> tuple[list[Stage], Frame]:
    """The stages, doing nothing outside `mask` to what comes in this frame; and the frame behind them."""
    stages: list[Stage] = []
    for stage in done.stages:
        stages.append(stage.masked(mask, frame))
        frame = stages[-1].after(frame)
    return stages, frame


def _of_size(stages: list[Stage], frame: Frame, size: tuple[int, int] | None) -> tuple[tuple[Stage, ...], Frame]:
    """Stages, and the frame behind them, that say in which size all samples come out, where that is one."""
    last = next((number for number in reversed(range(len(stages))) if isinstance(stages[number], Warp)), None)
    if size is not None and last is not None:
        extent = dataclasses.replace(frame.extent, static=size, most=None)
        changes: Any = {"extent": extent}
        stages[last], frame = dataclasses.replace(stages[last], **changes), frame.with_(extent=extent)
    return tuple(stages), frame


def schedules(transforms: Iterable[Transform]) -> Iterator[tuple[Transform, str, Schedule]]:
    """The schedules in a list and in the lists within it: whose, of which argument."""
    for item in transforms:
        for name, value in vars(item).items():
            if isinstance(value, Schedule):
                yield item, name, value
        yield from schedules(getattr(item, "transforms", ()))


def evaluated(transforms: Sequence[Transform]) -> tuple[Transform, ...]:
    """What is left of a list when nothing random may happen."""
    return tuple(kept for item in transforms if (kept := item.evaluation()) is not None)


__all__ = ["Composite", "OneOf", "Sequential", "SomeOf", "checked_list", "evaluated", "expand", "labels", "schedules"]

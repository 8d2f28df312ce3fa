"""Numbers that change from epoch to epoch: a schedule stands where a transform takes a number or a range.

No transform knows of schedules. The declaration keeps them; when a batch is drawn, each is replaced by its value for
the epoch, and the transform that draws is one with plain numbers.
"""

from __future__ import annotations

import dataclasses
import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

import numpy as np

from augline.arrays import Array
from augline.errors import ArgumentError
from augline.transforms.fields import plain

Value: TypeAlias = Any
"""A number, a pair of numbers, or for steps anything an argument can be."""

Shape: TypeAlias = Literal["steps", "linear", "cosine"]
SHAPES: tuple[Shape, ...] = ("steps", "linear", "cosine")


@dataclasses.dataclass(frozen=True, repr=False)
class Schedule:
    """A value per epoch; made by `steps`, `linear` or `cosine`, and given to a transform in place of a number.

    Before the first point the first value holds, after the last the last one.

    Attributes:
        shape: What holds between two points: the earlier value ("steps"), the line, or half a cosine wave.
        points: (epoch, value), epochs ascending from 0.

    Example:
        >>> import augline as al
        >>> al.RandomRotation(al.linear(0.0, 0.1, epochs=10))
        RandomRotation(factor=linear(0.0, 0.1, epochs=10))
    """

    shape: Shape
    points: tuple[tuple[int, Value], ...]

    def __post_init__(self) -> None:
        epochs = [epoch for epoch, _ in self.points]
        good = self.shape in SHAPES and len(epochs) > 0 and epochs == sorted({*epochs}) and all(map(_is_epoch, epochs))
        if not good:
            raise ArgumentError(
                f"{self!r}: a schedule has values at one epoch or more, whole numbers from 0, each once and in order. "
                f"Received {epochs}. Write al.steps({{0: 0.1, 10: 0.2}}) or al.linear(0.0, 0.3, epochs=10)."
            )
        if self.shape != "steps" and not alike(self.points):
            raise ArgumentError(
                f"{self!r}: between numbers there must be a way: all values are numbers, or all are pairs. Received "
                f"{[v for _, v in self.points]!r}. Use al.steps for other values."
            )

    def at(self, epoch: int) -> Value:
        """The value in an epoch."""
        place = bisect_right(self.points, epoch, key=lambda point: point[0])
        if place == 0 or place == len(self.points) or self.shape == "steps":
            return self.points[max(place - 1, 0)][1]
        (start, low), (stop, high) = self.points[place - 1 : place + 1]
        share = (epoch - start) / (stop - start)
        return _between(low, high, share if self.shape == "linear" else (1 - math.cos(math.pi * share)) / 2)

    def config(self) -> dict[str, Any]:
        """Plain data that `from_config`, and a transform's argument, takes again."""
        return {self.shape: [[epoch, list(v) if isinstance(v, tuple) else v] for epoch, v in self.points]}

    def __repr__(self) -> str:
        if self.shape == "steps" or len(self.points) != 2 or self.points[0][0] != 0:
            values = ", ".join(f"{epoch}: {value!r}" for epoch, value in self.points)
            return f"steps({{{values}}})" if self.shape == "steps" else f"Schedule({self.shape!r}, {self.points!r})"
        (_, low), (epochs, high) = self.points
        return f"{self.shape}({low!r}, {high!r}, epochs={epochs})"


def steps(values: Mapping[int, Value]) -> Schedule:
    """A value from each of some epochs on.

    Args:
        values: Epoch to value: a number, a pair, or anything else the argument can be.

    Example:
        >>> import augline as al
        >>> [al.steps({0: 1.0, 90: 0.0}).at(epoch) for epoch in (0, 89, 90)]
        [1.0, 1.0, 0.0]
    """
    return Schedule("steps", tuple(sorted((plain(epoch), _frozen(value)) for epoch, value in values.items())))


def linear(start: Value, stop: Value, epochs: int) -> Schedule:
    """In a straight line from one value to another.

    Args:
        start: A number or a pair, in epoch 0.
        stop: The same, from epoch `epochs` on.
        epochs: How many it takes.

    Example:
        >>> import augline as al
        >>> [al.linear((0.0, 0.0), (0.1, 0.2), epochs=4).at(epoch) for epoch in (0, 2, 9)]
        [(0.0, 0.0), (0.05, 0.1), (0.1, 0.2)]
    """
    return Schedule("linear", ((0, _frozen(start)), (plain(epochs), _frozen(stop))))


def cosine(start: Value, stop: Value, epochs: int) -> Schedule:
    """From one value to another along half a cosine wave: slow at both ends.

    Args:
        start: A number or a pair, in epoch 0.
        stop: The same, from epoch `epochs` on.
        epochs: How many it takes.

    Example:
        >>> import augline as al
        >>> [round(al.cosine(0.0, 1.0, epochs=4).at(epoch), 3) for epoch in range(5)]
        [0.0, 0.146, 0.5, 0.854, 1.0]
    """
    return Schedule("cosine", ((0, _frozen(start)), (plain(epochs), _frozen(stop))))


def from_config(value: Any) -> Any:
    """A schedule from its `config()`; anything else as it is."""
    if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in SHAPES:
        return value
    ((shape, points),) = value.items()
    rows = points.items() if isinstance(points, dict) else points
    if not isinstance(rows, Iterable) or not all(isinstance(row, (tuple, list)) and len(row) == 2 for row in rows):
        return value  # another dict, with one of our words for its key
    return Schedule(shape, tuple((epoch, _frozen(v)) for epoch, v in rows))


def epoch_of(owner: object, epoch: int | Array) -> int:
    """The one epoch of a batch.

    Raises:
        ArgumentError: Its samples are of several.
    """
    found = {int(e) for e in np.ravel(np.asarray(epoch))}
    if len(found) > 1:
        raise ArgumentError(
            f"{owner!r}: a schedule has one value per batch. Received samples of epochs {sorted(found)}. Draw the "
            "epochs as batches of their own."
        )
    return found.pop() if found else 0


def alike(points: Iterable[tuple[int, Value]]) -> bool:
    """Whether all values are numbers, or all pairs of numbers."""
    return len(found := {_shape(value) for _, value in points}) == 1 and found != {()}


def _is_epoch(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 24


def _frozen(value: Value) -> Value:
    return tuple(map(plain, value)) if isinstance(value, (tuple, list)) else plain(value)


def _shape(value: Value) -> tuple[str, ...]:
    """What a value is made of; () where there is nothing to be between."""
    values = value if isinstance(value, tuple) else (value,)
    good = all(isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v) for v in values)
    return ("pair" if isinstance(value, tuple) else "number", str(len(values))) if good else ()


def _between(low: Value, high: Value, share: float) -> Value:
    """`share` of the way; whole numbers stay whole."""
    if isinstance(low, tuple):
        return tuple(_between(a, b, share) for a, b in zip(low, high, strict=True))
    value = low * (1 - share) + high * share
    return round(value) if isinstance(low, int) and isinstance(high, int) else value

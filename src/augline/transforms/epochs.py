"""Schedules in a graph, which is one for all epochs: a number that becomes a tensor where it meets one.

Until then it is one Python number for each epoch, and arithmetic is done with all of them: a transform computes with it
as with the number of one epoch, and gets the same bits.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn, TypeVar

from augline.arrays import Array, Namespace
from augline.errors import EngineError
from augline.transforms.schedules import Schedule, Value, alike

T = TypeVar("T")

_MOST_EPOCHS = 1 << 16  # in which a schedule may change: its numbers stand in the graph


def in_graph(owner: str, schedules: Mapping[str, Schedule], xp: Namespace, epoch: Array) -> dict[str, Value]:
    """What schedules come to in an epoch that is a number of a graph.

    Args:
        owner: The transform, for errors.
        schedules: Its own, by their arguments.
        xp: Array namespace of the epoch.
        epoch: A whole number, of no dimension.

    Raises:
        EngineError: Values are no numbers, or too many.
    """
    shown = {name: f"{owner}({name}={schedule!r})" for name, schedule in schedules.items()}
    starts = sorted({start for name, schedule in schedules.items() for start in _starts(shown[name], schedule)})
    place = xp.clip(xp.sum(xp.astype(xp.asarray(starts) <= epoch, xp.int64)) - 1, min=0)
    found: dict[str, Value] = {}
    for name, schedule in schedules.items():
        values = [schedule.at(start) for start in starts]
        columns = zip(*values, strict=True) if isinstance(values[0], tuple) else [values]
        numbers = tuple(_number(shown[name], column, xp, place) for column in columns)
        found[name] = numbers if isinstance(values[0], tuple) else numbers[0]
    return found


def _starts(owner: str, schedule: Schedule) -> Iterable[int]:
    """The epochs in which a schedule changes."""
    points = [epoch for epoch, _ in schedule.points]
    if not alike(schedule.points):
        raise _refused(owner, "all its values must be numbers, or all pairs of numbers", "others")
    if schedule.shape == "steps":
        return points
    if points[-1] - points[0] >= _MOST_EPOCHS:
        raise _refused(owner, f"it must come to its end within {_MOST_EPOCHS} epochs", f"{points[-1] - points[0]}")
    return range(points[0], points[-1] + 1)


def each(function: Callable[[Any], T], value: Any) -> T:
    """`function(value)`, of a number, or of that of each epoch."""
    result: T = value.mapped(function) if isinstance(value, EpochNumber) else function(value)
    return result


def largest(value: T) -> T:
    """A number, or the largest of all epochs."""
    return max(value.numbers) if isinstance(value, EpochNumber) else value


def least(value: T) -> T:
    """A number, or the least of all epochs."""
    return min(value.numbers) if isinstance(value, EpochNumber) else value


def always(number: float, values: tuple[float, ...]) -> bool:
    """Whether values are this number, in all epochs."""
    return all(least(value) == number == largest(value) for value in values)


def differs(value: Any) -> bool:
    """Whether there is an `EpochNumber` in an argument."""
    return isinstance(value, EpochNumber) or (isinstance(value, tuple) and any(map(differs, value)))


def first(value: Any) -> Any:
    """An argument as it is in the first epoch."""
    if isinstance(value, tuple):
        return tuple(map(first, value))
    return value.numbers[0] if isinstance(value, EpochNumber) else value


def _number(owner: str, numbers: Any, xp: Namespace, place: Array) -> Any:
    numbers = tuple(numbers)
    return numbers[0] if len({*numbers}) == 1 else EpochNumber(owner, numbers, xp, place)


def _refused(owner: str, rule: str, received: str) -> EngineError:
    fix = "Use a Pipeline with engine='opencv', whose to_tf() gives the same batches from NumPy."
    return EngineError(f"{owner}: in a graph {rule}. Received {received}. {fix}")


def _arithmetic(function: Callable[[Any, Any], Any], *, reflected: bool = False) -> Callable[..., Any]:
    def method(self: EpochNumber, other: Any) -> Any:
        if isinstance(other, EpochNumber):
            return self.together(function, other)
        if not isinstance(other, (int, float)):
            number = self.__tf_tensor__(other.dtype)
            return function(other, number) if reflected else function(number, other)
        return self.mapped(lambda number: function(other, number) if reflected else function(number, other))

    return method


def _unary(function: Callable[[Any], Any]) -> Callable[[EpochNumber], Any]:
    return lambda self: self.mapped(function)


def _comparison(function: Callable[[Any, Any], bool]) -> Callable[..., Any]:
    compared = _arithmetic(function)

    def method(self: EpochNumber, other: Any) -> Any:
        result = compared(self, other)
        return bool(result) if isinstance(result, EpochNumber) else result

    return method


def _conversion(kind: Callable[[Any], Any]) -> Callable[[EpochNumber], Any]:
    return lambda self: self.the_only(kind)


class EpochNumber:
    """A number that differs from epoch to epoch.

    Args:
        owner: The transform's argument, for errors.
        numbers: Those there are.
        xp: Array namespace of the graph.
        place: Which of them it is, a number of the graph.
    """

    __slots__ = ("_place", "_xp", "numbers", "owner")
    shape = ()

    def __init__(self, owner: str, numbers: tuple[Any, ...], xp: Namespace, place: Array) -> None:
        self.owner, self.numbers, self._xp, self._place = owner, numbers, xp, place

    def mapped(self, function: Callable[[Any], Any]) -> Any:
        """What a function makes of it; a plain number where that is the same in all epochs."""
        return _number(self.owner, map(function, self.numbers), self._xp, self._place)

    def together(self, function: Callable[[Any, Any], Any], other: EpochNumber) -> Any:
        """What a function makes of it and another of the same transform."""
        return _number(self.owner, map(function, self.numbers, other.numbers), self._xp, self._place)

    def the_only(self, kind: Callable[[Any], T]) -> T:
        """The number as what Python takes for a size, a flag or the like: there can be no two of it."""
        found = {kind(number) for number in self.numbers}
        if len(found) > 1:
            self._refuse()
        return found.pop()

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Array:
        if dtype is not None and "float" not in str(dtype) and isinstance(self.numbers[0], float):
            raise TypeError(f"{self.owner}: a fraction is no {dtype}")  # as of Python's floats
        number = self._xp.take(self._xp.asarray(self.numbers), self._place)
        return number if dtype is None else self._xp.astype(number, dtype)

    def __jax_array__(self) -> Array:
        return self._xp.take(self._xp.asarray(self.numbers), self._place)

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise _refused(self.owner, "this argument must be the same in all epochs", "a schedule")

    __array__ = __hash__ = __iter__ = __len__ = _refuse

    __add__, __radd__ = _arithmetic(operator.add), _arithmetic(operator.add, reflected=True)
    __sub__, __rsub__ = _arithmetic(operator.sub), _arithmetic(operator.sub, reflected=True)
    __mul__, __rmul__ = _arithmetic(operator.mul), _arithmetic(operator.mul, reflected=True)
    __truediv__, __rtruediv__ = _arithmetic(operator.truediv), _arithmetic(operator.truediv, reflected=True)
    __floordiv__, __rfloordiv__ = _arithmetic(operator.floordiv), _arithmetic(operator.floordiv, reflected=True)
    __mod__, __pow__, __rpow__ = (
        _arithmetic(operator.mod), _arithmetic(operator.pow), _arithmetic(operator.pow, reflected=True),
    )  # fmt: skip
    __lt__, __le__, __gt__, __ge__, __eq__, __ne__ = map(
        _comparison, (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne)
    )
    __neg__, __abs__, __round__ = _unary(operator.neg), _unary(abs), _unary(round)
    __ceil__, __floor__ = _unary(math.ceil), _unary(math.floor)
    __float__, __int__ = _conversion(float), _conversion(int)
    __index__, __bool__ = _conversion(operator.index), _conversion(bool)

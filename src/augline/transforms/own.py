"""The user's own functions as transforms."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import PlainValidator

from augline.errors import ArgumentError
from augline.plan.call import Call
from augline.plan.frame import Frame
from augline.plan.stages import Stage
from augline.random import Draw
from augline.transforms.base import Params, Transform, arguments, transform
from augline.transforms.fields import Refusal, is_number, plain

F = TypeVar("F", bound=Callable[..., Any])

_FUNCTIONS: dict[str, Callable[..., Any]] = {}


def register(name: str) -> Callable[[F], F]:
    """Gives a function a name that a pipeline's YAML can hold; a file never names code in any other way.

    Register the same function under the same name before `Pipeline.from_yaml` as before `to_yaml`.

    Args:
        name: Any text.

    Raises:
        ArgumentError: Another function has the name.

    Example:
        >>> import augline as al
        >>> @al.register("halved")
        ... def halved(image):
        ...     return image // 2
        >>> al.Map("halved")
        Map('halved')
    """

    def registered(function: F) -> F:
        known = _FUNCTIONS.setdefault(name, function)
        if _place(known) != _place(function):
            raise ArgumentError(
                f"register({name!r}): a name stands for one function. Received {_place(function)} beside "
                f"{_place(known)}. Choose another name."
            )
        _FUNCTIONS[name] = function  # a module or a notebook cell that runs again brings its function anew
        return function

    return registered


def name_of(function: object) -> str | None:
    """The name that a function was registered under."""
    return next((name for name, known in _FUNCTIONS.items() if known is function), None)


def _place(function: Callable[..., Any]) -> str:
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', repr(function))}"


class Spans(dict[str, tuple[float, float]]):
    """(low, high) by name; hashable, as all that a transform holds."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(sorted(self.items())))


def _function(value: Any) -> Any:
    if isinstance(value, str) and value in _FUNCTIONS:
        return _FUNCTIONS[value]
    if not callable(value) or isinstance(value, Transform):
        known = f"; registered are {', '.join(map(repr, _FUNCTIONS))}" if _FUNCTIONS else ""
        raise Refusal(
            "must be a function, or the name of a registered one",
            f"Register it first, with @augline.register({value!r}){known}" if isinstance(value, str) else "Pass one",
        )
    return value


def _spans(value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise Refusal("must be a dict of (low, high) by name", "Write {'angle': (-10, 10)}, for example")
    spans = Spans()
    for name, ends in value.items():
        ends = tuple(map(plain, ends)) if isinstance(ends, (tuple, list)) else ()
        if not isinstance(name, str) or len(ends) != 2 or not all(map(is_number, ends)) or ends[0] > ends[1]:
            raise Refusal("must hold (low, high) with low <= high by name", "Write {'angle': (-10, 10)}, for example")
        spans[name] = (ends[0], ends[1])
    return spans


@transform
class Map(Transform):
    """A function of your own, on one image at a time.

    It gets a copy of the image, `(height, width, channels)` with values of the range and type that hold at this place
    of the list, and its draws as keywords; it returns an image of that shape and type, which is clipped to the range.
    Threads call it side by side: it must keep nothing, and draw nothing itself. It runs on "opencv" and "reference".

    A function that moves what is in the picture is marked `spatial`. Masks then go through it too (as arrays `(height,
    width, channels)` of their own integer type: move them without mixing values), and so do boxes and keypoints if
    `points` says where points go; without it they are refused.

    Args:
        function: Or the name it was registered under; only such a one can stand in a YAML file.
        draws: (low, high) by name: numbers drawn uniformly, anew for each sample.
        spatial: Whether it moves what is in the picture.
        points: `(points, (height, width), **draws) -> points`, `(n, 2)` x, y between pixel centres; or its name.

    Example:
        >>> import augline as al, numpy as np
        >>> def darker_below(image, strength):
        ...     shade = np.linspace(1, 1 - strength, len(image))[:, None, None]
        ...     return (image * shade).astype(image.dtype)
        >>> item = al.Map(darker_below, draws={"strength": (0.2, 0.8)}, p=0.5)
        >>> al.augment(np.zeros((2, 32, 32, 3), "uint8"), [item, al.RandomFlip()]).shape
        (2, 32, 32, 3)
    """

    function: Annotated[Any, PlainValidator(_function)]
    draws: Annotated[Any, PlainValidator(_spans)] = Spans()
    spatial: bool = False
    points: Annotated[Any, PlainValidator(lambda value: None if value is None else _function(value))] = None

    def __post_init__(self) -> None:
        if self.points is not None and not self.spatial:
            raise ArgumentError(
                f"{self!r}: only a function that moves things moves points. Received points and spatial=False. Write "
                "spatial=True."
            )
        for function, given in ((self.function, ("image",)), (self.points, ("points", (1, 1)))):
            try:
                inspect.signature(function).bind(*given, **self.draws) if function is not None else None
            except TypeError as error:
                words = ", ".join(["image" if function is self.function else "points, size", *self.draws])
                raise ArgumentError(
                    f"{self!r}: the function must take ({words}). Received {_place(function)}: {error}. Make "
                    "its arguments and draws agree."
                ) from None
            except ValueError:  # a builtin without a signature
                continue

    def evaluation(self) -> Transform | None:
        return None if self.draws or self.p != 1 else self

    def sample(self, draw: Draw, frame: Frame) -> Params:
        drawn = draw.at("draws")
        return {name: drawn.uniform(name, low, high) for name, (low, high) in self.draws.items()}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        yield Call(
            self.function, repr(self), tuple(params), tuple(params.values()), frame.extent, frame.scale, frame.offset,
            frame.dtype, self.spatial, self.points,
        )  # fmt: skip

    def __repr__(self) -> str:
        given = {name: _shown(value) if callable(value) else repr(value) for name, value in arguments(self).items()}
        shown = [given.pop("function"), *(f"{name}={value}" for name, value in given.items())]
        return f"Map({', '.join(shown)})"


def _shown(function: Callable[..., Any]) -> str:
    name = name_of(function)
    return str(getattr(function, "__qualname__", function)) if name is None else repr(name)

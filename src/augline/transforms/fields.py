"""The kinds of arguments that transforms take, each checked once, where the user's value enters."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator

from augline.errors import ArgumentError
from augline.plan.frame import Frame
from augline.plan.stages import FillMode, Interpolation, MaskValue

__all__ = [
    "FillMode",
    "FillValue",
    "Fraction",
    "Interpolation",
    "MaskFill",
    "PerChannel",
    "Pixels",
    "Refusal",
    "Span",
    "as_tuple",
    "for_channels",
    "is_number",
    "number",
    "odd",
    "pair",
    "plain",
    "span",
    "symmetric",
]


class Refusal(ValueError):  # noqa: N818 -- it never reaches the user; `explain` makes an ArgumentError of it
    """A value that breaks a rule: what the rule is, and what to write instead."""

    def __init__(self, rule: str, fix: str) -> None:
        super().__init__(rule)
        self.rule, self.fix = rule, fix


def is_number(value: object) -> bool:
    """Whether a value is a finite number; bool is not one."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def plain(value: Any) -> Any:
    """A NumPy scalar as Python's number of that value."""
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _mask_fill(value: Any) -> Any:
    value = {name: plain(item) for name, item in value.items()} if isinstance(value, dict) else plain(value)
    named = isinstance(value, dict) and all(isinstance(name, str) and _whole(item) for name, item in value.items())
    if value is not None and not _whole(value) and not named:
        raise Refusal("must be a whole number, or one by name of the masks", "Write 255, or {'classes': 255}")
    return value


MaskFill: TypeAlias = Annotated[MaskValue, BeforeValidator(_mask_fill)]
"""What segmentation masks get where there is no picture: one value, or one for each by name."""


def number(low: float, high: float, example: float, *, whole: bool = False) -> Any:
    """Validator of one finite number in [low, high]."""
    kind = "a whole number" if whole else "a number"

    def check(value: Any) -> Any:
        value = plain(value)
        good = is_number(value) and low <= value <= high and (not whole or value == int(value))
        if not good:
            raise Refusal(f"must be {kind} {_within(low, high)}", f"Write {example!r}, for example")
        return int(value) if whole else value

    return BeforeValidator(check)


def odd(low: int, high: int, example: int) -> Any:
    """Validator of an odd whole number in [low, high], or 0 if `low` is 0."""

    def check(value: Any) -> Any:
        value = plain(value)
        if not is_number(value) or not low <= value <= high or (value % 2 != 1 and value != 0):
            rule = f"must be an odd whole number {_within(max(low, 1), high)}{', or 0' if low == 0 else ''}"
            raise Refusal(rule, f"Write {example!r}, for example")
        return int(value)

    return BeforeValidator(check)


def _numbers(value: Any) -> Any:
    values = tuple(map(plain, value)) if hasattr(value, "__iter__") else (plain(value),)
    if not values or not all(map(is_number, values)):
        raise Refusal(
            "must be a finite number, or one per channel", "Write 1 / 255 or (0.485, 0.456, 0.406), for example"
        )
    return tuple(map(float, values)) if len(values) > 1 else float(values[0])


PerChannel = Annotated[float | tuple[float, ...], BeforeValidator(_numbers)]
"""A number, or one for each channel of the images."""


def as_tuple(value: float | tuple[float, ...]) -> tuple[float, ...]:
    """The numbers of a `PerChannel`."""
    return value if isinstance(value, tuple) else (value,)


def for_channels(item: object, frame: Frame, value: float | tuple[float, ...]) -> tuple[float, ...]:
    """The numbers of a `PerChannel` of a transform: one, or as many as the images have channels.

    Raises:
        ArgumentError: There are others.
    """
    values = as_tuple(value)
    if len(values) not in (1, frame.channels):
        raise ArgumentError(
            f"{item!r}: there must be one number, or one per channel. Received {len(values)} for images of "
            f"{frame.channels} channel(s). Give {frame.channels}, or one."
        )
    return values


FillValue: TypeAlias = PerChannel | None
"""A pixel value, or one for each channel; None for grey, or for noise, as the transform says."""


def span(low: float, high: float, example: object, *, ordered: bool = True, unit: str = "") -> Any:
    """Validator of a number or a (low, high) pair within [low, high]; a single number must lie there too.

    `unit` says what the numbers are, where other libraries count in something else.
    """
    order = " with low <= high" if ordered else ""

    def check(value: Any) -> Any:
        values = tuple(map(plain, value)) if isinstance(value, (tuple, list)) else (plain(value),)
        good = len(values) in (1, 2) and all(is_number(v) and low <= v <= high for v in values)
        if not good or (ordered and values[0] > values[-1]):
            rule = f"must be a number or a (low, high) pair{order}, {_within(low, high)}"
            raise Refusal(rule, f"Write {example!r}, for example{unit and f': {unit}'}")
        return values if len(values) == 2 else values[0]

    return BeforeValidator(check)


def _within(low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return "of any size"
    return f"from {low:g}" if math.isinf(high) else f"between {low:g} and {high:g}"


Span: TypeAlias = float | tuple[float, float]
Fraction = Annotated[float, number(0, 1, 0.5)]
Pixels = Annotated[int, number(1, 32_767, 224, whole=True)]


def symmetric(value: Span) -> tuple[float, float]:
    """`f` as (-|f|, |f|), a pair as it is: Keras's reading of a single factor that may go either way."""
    return value if isinstance(value, tuple) else (-abs(value), abs(value))


def pair(value: Span, low: float = 0.0) -> tuple[float, float]:
    """`f` as (low, f), a pair as it is: Keras's reading of a single factor that starts from nothing."""
    return value if isinstance(value, tuple) else (low, value)


def explain(error: dict[str, Any], hints: Callable[[str], str]) -> tuple[str, str, str]:
    """(rule, received, fix) of one pydantic error."""
    name = str(error["loc"][0]) if error["loc"] else "arguments"
    refusal = error.get("ctx", {}).get("error")
    received = f"{name}={error.get('input')!r}"
    if isinstance(refusal, Refusal):
        return f"{name} {refusal.rule}", received, refusal.fix
    if error["type"] in ("unexpected_keyword_argument", "unexpected_positional_argument"):
        return f"there is no argument {name}", received, hints(name)
    if error["type"] in ("missing", "missing_argument"):
        return f"{name} must be given", "nothing", f"Write {name}=, with a value"
    return f"{name}: {error['msg'][0].lower()}{error['msg'][1:]}", received, hints(name)

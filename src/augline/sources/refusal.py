"""The words in which a data set is refused."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from augline.errors import ArgumentError, AuglineError

_Error = TypeVar("_Error", bound=AuglineError)
_MOST_CHANNELS = 4  # that a picture commonly has: more on the last axis, and no more rows, is the other layout


def refusal(kind: type[_Error], owner: str, rule: str, received: str, fix: str) -> _Error:
    """An error that reads `Owner(args): rule. Received value. Fix.`"""
    return kind(f"{owner}: {rule}. Received {received}. {fix}")


def shown(values: Iterable[Any], limit: int = 3) -> str:
    """The first few values, and how many more there are: `'a', 'b', 'c' and 7 more`."""
    values = list(values)
    text = ", ".join(repr(value) for value in values[:limit])
    return f"{text} and {len(values) - limit} more" if len(values) > limit else text


def nearest(value: object, known: Sequence[str]) -> str:
    """`Did you mean 'x'? ` where a known name is close, else nothing."""
    close = difflib.get_close_matches(str(value), known, n=1)
    return f"Did you mean {close[0]!r}? " if close else ""


def check_choice(owner: str, argument: str, value: object, choices: Sequence[object]) -> None:
    """Refuse a value that is none of the choices."""
    if not any(value == choice and type(value) is type(choice) for choice in choices):
        names = [choice for choice in choices if isinstance(choice, str)]
        rule = f"{argument} must be one of {', '.join(map(repr, choices))}"
        fix = f"{nearest(value, names)}Pass one of those."
        raise refusal(ArgumentError, owner, rule, f"{argument}={value!r}", fix)


def check_channels_last(owner: str, shape: tuple[int, ...]) -> None:
    """Refuse images of which the shape `(..., height, width, channels)` says that channels come first."""
    if min(shape[-2:]) > _MOST_CHANNELS >= shape[-3]:
        fix = "Transpose them: images.transpose(0, 2, 3, 1), or image.transpose(1, 2, 0) for each."
        raise refusal(ArgumentError, owner, "channels come last", f"{shape}, as if channels came first", fix)


def check_length(owner: str, argument: str, length: int, images: int) -> None:
    """Refuse a column of targets that is not as long as the data set."""
    if length != images:
        rule = f"{argument} must be as long as the images"
        raise refusal(
            ArgumentError, owner, rule, f"{length} {argument} for {images} images", "Pass one for each image."
        )

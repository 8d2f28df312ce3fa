"""Files that no graph reads are refused when the data set is made, as far as the first bytes of a few tell."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import numpy as np

from augline.decode.header import format_of
from augline.errors import SourceError
from augline.feed.graph.refuse import refused
from augline.sources.folder import EXTENSIONS

_LOOKED_AT = 4
START = 12
"""Bytes that tell a format."""
_UNREADABLE = {"webp": "WebP", "tiff": "TIFF"}


def check_formats(names: Sequence[str], start: Callable[[int], bytes]) -> None:
    """Refuses files by their names if one with the same ending holds WebP or TIFF; others are refused with their batch.

    Args:
        names: Of all files.
        start: The first bytes of one, by its number; a few of each ending are looked at.

    Raises:
        EngineError: A graph can read none such.
    """
    for ending, numbers in by_ending(names).items():
        for number in spread(numbers):
            if found := _unreadable(start, number):
                more = f", one of {len(numbers)} named *{ending}" if ending and len(numbers) > 1 else ""
                rule = "images must be JPEG, PNG, GIF or BMP files"
                raise refused(f"{len(names)} files", rule, f"{found} in {names[number]!r}{more}", "Convert them")


def by_ending(names: Sequence[str]) -> dict[str, list[int]]:
    """The numbers of files by the endings that images have, and of all others together."""
    found: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        ending = os.path.splitext(name)[1].lower()  # noqa: PTH122 - there may be a million
        found.setdefault(ending if ending in EXTENSIONS else "", []).append(number)
    return found


def spread(numbers: Sequence[int]) -> list[int]:
    """A few of them, from the first to the last."""
    places = np.linspace(0, len(numbers) - 1, min(len(numbers), _LOOKED_AT))
    return [numbers[place] for place in places.astype(int).tolist()]


def _unreadable(start: Callable[[int], bytes], number: int) -> str:
    try:
        first = start(number)
    except (OSError, SourceError):  # is named with its batch
        return ""
    return _UNREADABLE.get(format_of(first) or "", "")

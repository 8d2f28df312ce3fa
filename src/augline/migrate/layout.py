"""New code, laid out as a formatter would."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from augline.migrate.rules import FIXED, FLOATS

WIDTH = 100


@dataclass(frozen=True)
class Group:
    """A call or a list: what opens it, its items, and what closes it."""

    opening: str
    items: Sequence[Code]
    closing: str = ")"

    def __str__(self) -> str:
        return f"{self.opening}{', '.join(map(str, self.items))}{self.closing}"


Code: TypeAlias = str | Group


def listed(items: Sequence[Code], before: str = "") -> Group:
    """A list."""
    return Group(f"{before}[", items, "]")


def prefixed(before: str, code: Code) -> Code:
    """Code behind the name of an argument."""
    return before + code if isinstance(code, str) else Group(before + code.opening, code.items, code.closing)


def laid_out(code: Code, column: int, indent: str, unit: str, newline: str) -> str:
    """Code that begins at a column: on one line if it fits, else with an item to a line."""
    flat = str(code)
    if isinstance(code, str) or column + len(flat) <= WIDTH or not code.items:
        return flat
    deeper = indent + unit
    lines = [deeper + laid_out(item, len(deeper) + 1, deeper, unit, newline) + "," for item in code.items]
    return newline.join([code.opening, *lines, indent + code.closing])


def part(text: str) -> str:
    """An expression as an operand: in brackets unless it is a name, a number, a call or an attribute."""
    plain = all(c.isalnum() or c in "_.[]'\"" for c in text)
    return text if plain else f"({text})"


def is_fixed(transform: str) -> bool:
    """Whether a transform, as it is written, does the same to every image."""
    return any(f".{name}(" in transform for name in FIXED) and not transform.startswith("*")


def gives_floats(transform: str) -> bool:
    """Whether a transform, as it is written, gives float32 images."""
    return any(f".{name}(" in transform for name in FLOATS) and not transform.startswith("*")


def number(value: float) -> str:
    """A number without the noise of binary fractions: 0.2, not 0.19999999999999996."""
    rounded = round(value, 6)
    return repr(int(rounded)) if rounded == int(rounded) and abs(rounded) < 1e6 else repr(rounded)


def as_tuple(size: str) -> str:
    """`[224, 224]` as `(224, 224)`; anything else as it is."""
    size = re.sub(r"\s*,\s*", ", ", size.strip())
    return f"({size[1:-1]})" if size.startswith("[") and size.endswith("]") else size

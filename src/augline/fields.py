"""What a batch holds, by name: shape and type of what one sample adds to each of its arrays."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """Shape and type of what one sample adds to one array of a batch."""

    shape: tuple[int, ...]
    dtype: str


Fields = dict[str, "Field | dict[str, Field] | None"]

"""What stood in for a sample that failed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Replacement:
    """A sample that could not be read, and what stood in for it."""

    epoch: int
    position: int
    name: str
    error: str
    substitute: str

"""What the reader of a rewritten script must know."""

from __future__ import annotations

from dataclasses import dataclass, field

from augline.errors import AuglineError


class ScriptError(AuglineError, ValueError):
    """A script that cannot be read, parsed, rewritten or written."""


class Unclear(Exception):  # noqa: N818 -- it never reaches the user; it becomes a note
    """Code whose meaning cannot be carried over; says why. It is left as it is."""


@dataclass(frozen=True)
class Note:
    """A remark about a line of the script as it was."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


@dataclass
class Notes:
    """The remarks on a script; one that holds for many lines is made once, at the first."""

    found: dict[str, Note] = field(default_factory=dict)

    def add(self, line: int, text: str, *, everywhere: bool = False) -> None:
        """Remembers a remark: at the first line it holds for, or at all of them."""
        key = f"{line}: {text}" if everywhere else text
        known = self.found.get(key)
        if known is None or line < known.line:
            self.found[key] = Note(line, text)

    def sorted(self) -> list[Note]:
        """By line."""
        return sorted(self.found.values(), key=lambda note: note.line)

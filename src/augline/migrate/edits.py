"""Replacements of parts of a text, which may lie within each other. Everything else stays byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]
"""(start, end) in bytes of the UTF-8 text."""


class Edits:
    """What is to change in a text."""

    def __init__(self, text: str) -> None:
        self.source = text.encode("utf-8")
        self._edits: dict[Span, Callable[[], str]] = {}
        self._lines: list[Span] = []

    def __bool__(self) -> bool:
        return bool(self._edits or self._lines)

    def replace(self, span: Span, text: str | Callable[[], str]) -> None:
        """Another text for a part; a function is called at the end, and may `render` parts of the part."""
        self._edits[span] = text if callable(text) else lambda: text

    def insert(self, at: int, text: str) -> None:
        """More text at a place, behind what was inserted there before."""
        before = self._edits.get((at, at), lambda: "")
        self._edits[at, at] = lambda: before() + text

    def remove_lines(self, span: Span) -> None:
        """Takes out the lines that the span touches."""
        self._lines.append((self.line_start(span[0]), self._line_end(span[1])))

    def keep_lines(self, span: Span) -> None:
        """Undoes `remove_lines`."""
        self._lines.remove((self.line_start(span[0]), self._line_end(span[1])))

    def render(self, span: Span) -> str:
        """A part of the text with the edits inside it, but not those of exactly this part, carried out."""
        start, end = span
        whole = span == (0, len(self.source))
        inside = [(s, e) for s, e in self._edits if start <= s and e <= end and (s, e) != span]
        inside = [
            (s, e) for s, e in inside if s < e or whole or start < s < end
        ]  # what is inserted at its edge is not in it
        inside.sort(key=lambda s: (s[0], s[1] > s[0], -s[1]))
        pieces, at = [], start
        for s, e in inside:
            if s >= at:
                pieces += [self.source[at:s].decode("utf-8"), self._edits[s, e]()]
                at = e
        return "".join([*pieces, self.source[at:end].decode("utf-8")])

    def text(self, span: Span) -> str:
        """A part of the text with all edits to it carried out."""
        return self._edits[span]() if span in self._edits and span[0] < span[1] else self.render(span)

    def result(self) -> str:
        """The whole text with all edits carried out."""
        for s, e in self._blocks():
            for span in [span for span in self._edits if s <= span[0] < e and span != (s, s)]:
                del self._edits[span]
            self._edits[s, e] = lambda: ""
        return self.render((0, len(self.source)))

    def _blocks(self) -> Iterable[Span]:
        """The lines to take out, neighbours joined; of blank lines on both sides of a block one side goes too."""
        blocks: list[Span] = []
        for s, e in sorted(set(self._lines)):
            if blocks and s <= blocks[-1][1]:
                blocks[-1] = (blocks[-1][0], max(e, blocks[-1][1]))
            else:
                blocks.append((s, e))
        for s, e in blocks:
            inserted = any(at == (s, s) for at in self._edits)
            blank_before = s == 0 or not self.source[self.line_start(s - 1) : s].strip()
            while not inserted and blank_before and e < len(self.source):
                after = self._line_end(e)
                if self.source[e:after].strip():
                    break
                e = after  # noqa: PLW2901
            yield s, e

    def line_start(self, at: int) -> int:
        """Where the line begins."""
        return self.source.rfind(b"\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        """Where the next line begins."""
        end = self.source.find(b"\n", max(at, 0))
        return len(self.source) if end < 0 else end + 1

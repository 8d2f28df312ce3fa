"""Scripts and notebooks on disk: read as they are encoded, written only on request, never without a backup."""

from __future__ import annotations

import io
import json
import re
import tokenize
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from augline.migrate.notes import Note, ScriptError
from augline.migrate.rewrite import Migration, migrate

_BOM = b"\xef\xbb\xbf"
_CELL = "#%% augline cell {}"
_MAGIC = re.compile(r"^(\s*)([!%?].*)$")
_HELD = re.compile(r"^(\s*)pass  # augline magic: (.*)$")


@dataclass(frozen=True)
class File:
    """A script or notebook, and what it becomes.

    Args:
        path: Where it is.
        migration: Of its text; of a notebook, of its code cells one after the other.
        data: What would be written.
    """

    path: Path
    migration: Migration
    data: bytes

    def write(self) -> Path:
        """Writes it; gives the path of the copy that was made of the file as it was."""
        original = self.path.read_bytes()
        backup = _free(self.path)
        with backup.open("xb") as copy:  # never over a file that is there
            copy.write(original)
        self.path.write_bytes(self.data)
        return backup


def open_script(path: Path, level: int) -> File:
    """Reads and migrates a script or a notebook; nothing is written.

    Raises:
        ScriptError: It cannot be read, or is not Python 3.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ScriptError(
            f"migrate({str(path)!r}): there must be a script. Received {error.strerror}. Correct the path."
        ) from error
    if path.suffix == ".ipynb":
        return _notebook(path, data, level)
    text, encoding = _decoded(path, data)
    migration = migrate(text, level, str(path))
    after = migration.after.encode(encoding)
    return File(path, migration, (_BOM if data.startswith(_BOM) else b"") + after)


def _decoded(path: Path, data: bytes) -> tuple[str, str]:
    """The text and its encoding, which the first lines name as Python reads them; line ends stay as they are."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError) as error:
        raise ScriptError(
            f"migrate({str(path)!r}): the script must be text in the encoding it names (UTF-8 by default). Received "
            f"{error}. Save it as UTF-8."
        ) from error
    return text, "utf-8" if encoding == "utf-8-sig" else encoding


def _free(path: Path) -> Path:
    backup, number = path.with_name(path.name + ".bak"), 0
    while backup.exists():
        number += 1
        backup = path.with_name(f"{path.name}.bak.{number}")
    return backup


def _notebook(path: Path, data: bytes, level: int) -> File:
    """A notebook: its code cells are read as one script, since one imports what another uses."""
    try:
        book = json.loads(data)
        cells = [cell for cell in book["cells"] if cell["cell_type"] == "code" and not _foreign(cell)]
        texts = ["".join(cell["source"]) for cell in cells]
    except (ValueError, KeyError, TypeError) as error:
        raise ScriptError(
            f"migrate({str(path)!r}): the notebook must be JSON with cells. Received {error}. Save it again in Jupyter."
        ) from error
    marked = [f"{_CELL.format(number)}\n{_hidden(text)}\n" for number, text in enumerate(texts)]
    migration = migrate("".join(marked), level, str(path))
    after = re.split(r"^#%% augline cell \d+\n", migration.after, flags=re.MULTILINE)[1:]
    for cell, old, new in zip(cells, texts, after, strict=True):
        shown = _shown(new)[: -1 if new.endswith("\n") else None]
        if shown != old:
            cell["source"] = shown.splitlines(keepends=True) if isinstance(cell["source"], list) else shown
    notes = tuple(_in_cell(note, marked) for note in migration.notes)
    migration = replace(migration, before=_shown(migration.before), after=_shown(migration.after), notes=notes)
    return File(path, migration, _dumped(book, data) if migration.changed else data)


def _foreign(cell: dict[str, Any]) -> bool:
    """Whether a cell is in another language: `%%bash` and the like."""
    return "".join(cell["source"]).lstrip().startswith("%%")


def _hidden(text: str) -> str:
    """A cell with the lines for IPython itself made Python."""
    return "\n".join(_MAGIC.sub(r"\1pass  # augline magic: \2", line) for line in text.split("\n"))


def _shown(text: str) -> str:
    return "\n".join(_HELD.sub(r"\1\2", line) for line in text.split("\n"))


def _in_cell(note: Note, marked: list[str]) -> Note:
    """A note with the line counted in its cell."""
    line = note.line
    for number, text in enumerate(marked):
        lines = text.count("\n")
        if line <= lines:
            return Note(line - 1, f"(code cell {number + 1}) {note.text}")
        line -= lines
    return note


def _dumped(book: dict[str, Any], data: bytes) -> bytes:
    """JSON indented as it was."""
    text = data.decode("utf-8")
    indent = re.match(r"\{\n( +)", text)
    ascii_only = text.isascii() and "\\u" in text
    dumped = json.dumps(book, indent=len(indent.group(1)) if indent else None, ensure_ascii=ascii_only)
    return (dumped + ("\n" if text.endswith("\n") else "")).encode("utf-8")

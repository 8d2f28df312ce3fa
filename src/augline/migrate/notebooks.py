"""Notebooks: their code cells are read as one script, since one imports what another uses."""

from __future__ import annotations

import json
import keyword
import re
from dataclasses import replace
from typing import Any

import libcst as cst

from augline.migrate.notes import Note, ScriptError
from augline.migrate.rewrite import Migration, migrate

_CELL = "#%% augline cell {}"
_PYTHON_CELLS = ("time", "timeit", "capture", "prun", "debug", "python3", "python")
"""Cell magics behind which Python stands."""
_MAGIC = re.compile(r"^(?P<before>\s*(?:[\w., ()\[\]'\"]+=\s*)?)(?P<magic>(?:!|%{1,2}[A-Za-z]|\?).*|[\w.]+\?{1,2}\s*)$")
_HELD = re.compile(r"^(.*?)(?:pass|IPython\(.*?\))  # augline magic: (.*)$")
_OPAQUE = "a cell that is no Python is left as it is, and so is what it uses"


def migrate_notebook(name: str, data: bytes, level: int) -> tuple[Migration, bytes]:
    """A notebook's code and what becomes of it, and the notebook then.

    Raises:
        ScriptError: It is no notebook.
    """
    try:
        book = json.loads(data)
        code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
        numbers = [number for number, cell in enumerate(code, 1) if not _foreign(cell)]
        cells = [code[number - 1] for number in numbers]
        texts = ["".join(cell["source"]) for cell in cells]
    except (ValueError, KeyError, TypeError) as error:
        raise ScriptError(
            f"migrate({name!r}): the notebook must be JSON with cells. Received {error}. Save it again in Jupyter."
        ) from error
    hidden = [_hidden(text) for text in texts]
    readable = [_parses(text) for text in hidden]
    read = [text if known else _uses(text) for text, known in zip(hidden, readable, strict=True)]
    marked = [f"{_CELL.format(number)}\n{text}\n" for number, text in enumerate(read)]
    migration = migrate("".join(marked), level, name)
    after = re.split(r"^#%% augline cell \d+\n", migration.after, flags=re.MULTILINE)[1:]
    for cell, old, new, known in zip(cells, texts, after, readable, strict=True):
        shown = _shown(new)[: -1 if new.endswith("\n") else None]
        if known and shown != old:
            cell["source"] = shown.splitlines(keepends=True) if isinstance(cell["source"], list) else shown
    places = [(number, line) for number, text in zip(numbers, marked, strict=True) for line in range(text.count("\n"))]
    notes = [_in_cell(note, places) for note in migration.notes]
    unread = [number for number, known in zip(numbers, readable, strict=True) if not known]
    notes += [Note(1, f"(code cell {number}) {_OPAQUE}") for number in unread]
    migration = replace(migration, before=_shown(migration.before), after=_shown(migration.after), notes=tuple(notes))
    return migration, _dumped(book, data) if migration.changed else data


def _foreign(cell: dict[str, Any]) -> bool:
    """Whether a cell is in another language: `%%bash` and the like."""
    found = re.match(r"\s*%%(\w+)", "".join(cell["source"]))
    return found is not None and found[1] not in _PYTHON_CELLS


def _parses(text: str) -> bool:
    try:
        cst.parse_module(text)
    except (cst.ParserSyntaxError, ValueError):
        return False
    return True


def _hidden(text: str) -> str:
    """A cell with what is for IPython itself made Python, line by line."""
    if _parses(text):
        return text
    lines, goes_on = [], False
    for line in text.split("\n"):
        found = _MAGIC.match(line)
        if goes_on:
            lines.append(f"pass  # augline magic: {line}")
        elif found is not None:
            before, magic = found["before"], found["magic"]
            call = _uses(magic) if before.strip() or _holds_python(magic) else "pass"
            lines.append(f"{before}{call}  # augline magic: {magic}")
        else:
            lines.append(line)
        goes_on = line.endswith("\\") and (goes_on or found is not None)
    return "\n".join(lines)


def _holds_python(magic: str) -> bool:
    """Whether a line for IPython uses names of the script: `%time f(x)`, `!echo {x}`."""
    return "{" in magic or "$" in magic or magic.lstrip("%").startswith(_PYTHON_CELLS)


def _uses(text: str) -> str:
    """Stands for code that cannot be read: a call that is given all names in it."""
    names = dict.fromkeys(re.findall(r"(?<![\w.])[A-Za-z_]\w*", text))
    return f"IPython({', '.join(name for name in names if not keyword.iskeyword(name))})"


def _shown(text: str) -> str:
    return "\n".join(_HELD.sub(r"\1\2", line) for line in text.split("\n"))


def _in_cell(note: Note, places: list[tuple[int, int]]) -> Note:
    """A note with its lines counted in their cells; `places` has (cell, line) of each line of the whole."""

    def said(found: re.Match[str]) -> str:
        other, line = places[int(found[1]) - 1]
        return f"line {line}" + ("" if other == cell else f" of code cell {other}")

    cell, line = places[note.line - 1]
    return Note(line, f"(code cell {cell}) {re.sub(r'line ([0-9]+)', said, note.text)}")


def _dumped(book: dict[str, Any], data: bytes) -> bytes:
    """JSON indented as it was."""
    text = data.decode("utf-8")
    indent = re.match(r"\{\n( +)", text)
    ascii_only = text.isascii() and "\\u" in text
    dumped = json.dumps(book, indent=len(indent.group(1)) if indent else None, ensure_ascii=ascii_only)
    return (dumped + ("\n" if text.endswith("\n") else "")).encode("utf-8")

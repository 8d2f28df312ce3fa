"""Scripts and notebooks on disk: read as they are encoded, written only on request, never without a backup."""

from __future__ import annotations

import io
import tokenize
from dataclasses import dataclass
from pathlib import Path

from augline.migrate.notebooks import migrate_notebook
from augline.migrate.notes import ScriptError
from augline.migrate.rewrite import Migration, migrate

_BOM = b"\xef\xbb\xbf"


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
        return File(path, *migrate_notebook(str(path), data, level))
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

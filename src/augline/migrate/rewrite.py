"""One script in, one script out."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from augline.migrate.datasets import rewrite_datasets
from augline.migrate.flows import rewrite_flows
from augline.migrate.level1 import add_import, rewrite_imports
from augline.migrate.notes import Note, ScriptError
from augline.migrate.script import Script
from augline.migrate.training import rewrite_training


@dataclass(frozen=True)
class Migration:
    """A script before and after, and what its reader must know."""

    before: str
    after: str
    notes: tuple[Note, ...]

    @property
    def changed(self) -> bool:
        """Whether anything is to be written."""
        return self.before != self.after


def migrate(text: str, level: int = 1, name: str = "the script") -> Migration:
    r"""Rewrites a training script.

    Args:
        text: The script.
        level: 1 changes the import of ImageDataGenerator; 2 rewrites to Pipelines what it can.
        name: What to call the script in messages.

    Raises:
        ScriptError: It is not Python 3.

    Example:
        >>> migrate("from keras.preprocessing.image import ImageDataGenerator\nImageDataGenerator()\n").after
        'from augline.keras import ImageDataGenerator\nImageDataGenerator()\n'
    """
    script = Script(text, name)
    if level == 1:
        rewrite_imports(script)
    else:
        flows = rewrite_flows(script)
        rewrite_training(script, flows)
        rewrite_datasets(script)
        rewrite_imports(script, flows.gone)
        if script.needs_augline and script.edits:
            ours = "import augline as al" if script.al == "al" else "import augline"
            needed = [*(f"import {name}" for name in script.needed), *([] if script.has_augline else [ours])]
            if needed:
                add_import(script, script.newline.join(needed))
    after = script.edits.result()
    _check(text, after, name)
    return Migration(text, after, tuple(script.notes.sorted()))


def _check(before: str, after: str, name: str) -> None:
    """Holds the result to be Python, unless this Python cannot read the script as it was either."""
    try:
        ast.parse(before)
    except (SyntaxError, ValueError):
        return
    try:
        ast.parse(after)
    except SyntaxError as error:
        raise ScriptError(
            f"migrate({name!r}): the result must be Python. Received a syntax error in its line {error.lineno}. "
            "This is a fault of augline: please report it with the script. Nothing was written."
        ) from error

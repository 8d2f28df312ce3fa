"""`augline migrate`: old training scripts to augline."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from augline.cli.report import console, need

if TYPE_CHECKING:
    from augline.migrate.files import File

_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def migrate(
    script: Annotated[Path, typer.Argument(help="A training script (.py) or a notebook (.ipynb).", show_default=False)],
    level: Annotated[
        int,
        typer.Option(min=1, max=2, help="1: change the import of ImageDataGenerator. 2: rewrite to a Pipeline."),
    ] = 1,
    write: Annotated[
        bool, typer.Option("--write", help="Write the file; a copy of the old one stays beside it.")
    ] = False,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Run old and new on --data: speed and pixel differences. Not the script itself."),
    ] = False,
    data: Annotated[Path | None, typer.Option(help="A folder of pictures with a sub-folder per class.")] = None,
    batches: Annotated[int, typer.Option(min=1, help="How many batches --verify compares and times.")] = 8,
) -> None:
    """Show what a training script would look like with augline; write it with --write.

    [bold]augline migrate train.py --level 2 --verify --data photos/[/]
    """
    if verify and data is None:
        raise typer.BadParameter("give --data FOLDER, the pictures to compare on.", param_hint="--verify")
    need("migrate", "libcst", "migrate")
    from augline.migrate.files import open_script

    file = open_script(script, level)
    _show(file)
    if verify and data is not None:
        from augline.migrate.report import verification

        for part in verification(file.migration.before, level, data, batches):
            console().print(part)
    if write and file.migration.changed:
        console().print(f"Written: {script}; the old file is {file.write()}", markup=False, soft_wrap=True)
    elif file.migration.changed:
        console().print("Nothing was written; --write does.", style="dim")


def _show(file: File) -> None:
    screen, migration = console(), file.migration
    if not migration.changed:
        screen.print(f"{file.path}: nothing to change.", markup=False, soft_wrap=True)
    for line in _diff(file):
        screen.print(Text(line, style=_STYLES.get(line[:1], "")), soft_wrap=True)
    for note in migration.notes:
        screen.print(Text.assemble((f"line {note.line}", "bold yellow"), f": {note.text}"), soft_wrap=True)


def _diff(file: File) -> Iterable[str]:
    before, after = (text.splitlines() for text in (file.migration.before, file.migration.after))
    return difflib.unified_diff(before, after, str(file.path), f"{file.path} (augline)", lineterm="")

"""`augline` on the command line."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import augline
from augline.cli.bench import bench
from augline.cli.demo import demo
from augline.cli.explain import explain
from augline.cli.migrate import migrate
from augline.cli.pack import pack
from augline.cli.preview import preview
from augline.cli.report import complain
from augline.cli.serve import serve
from augline.errors import AuglineError


class _Commands(TyperGroup):
    """Errors that augline raises on purpose become one line and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (AuglineError, OSError) as error:
            complain(_said(error))
            raise typer.Exit(1) from None


def _said(error: AuglineError | OSError) -> str:
    if isinstance(error, AuglineError) or error.filename is None:
        return str(error)
    rule = "it must be possible to read, or to write, what the command needs"
    return f"{error.filename}: {rule}. Received {error.strerror}. Correct the path, or its permissions."


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Image augmentation input pipelines for Keras and TensorFlow: see them, measure them, try them.\n\n"
    "Begin with [bold]augline demo[/], which takes photographs that came with the installation, or with "
    "[bold]augline preview photos/[/] on your own.",
    epilog="Exit codes: 0 all well; 1 something about the data or the settings is wrong, said in one line; 2 the "
    "command itself was written wrongly.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"augline {augline.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say it and stop.")
    ] = False,
) -> None:
    pass


for _command in (demo, preview, explain, bench, pack, migrate):
    app.command()(_command)
app.add_typer(serve, name="serve")


def main() -> None:
    """The entry point of the `augline` command."""
    app(prog_name="augline")

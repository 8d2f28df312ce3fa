"""`augline preview`: a contact sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from augline.cli.inputs import FolderPath, Label, SpecPath, pipeline
from augline.cli.report import console


def preview(
    folder: FolderPath = None,
    spec: SpecPath = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The picture: .png, .jpg or .webp.")] = Path(
        "sheet.png"
    ),
    samples: Annotated[int, typer.Option(min=1, help="How many samples.")] = 8,
    columns: Annotated[int, typer.Option(min=1, help="Pairs side by side.")] = 4,
    epoch: Annotated[int, typer.Option(min=0, help="Whose order and draws to show.")] = 0,
    label: Label = None,
) -> None:
    """Write a contact sheet: pictures as they are and as they come out, with the numbers drawn for each.

    [bold]augline preview photos/[/]                                    six usual transforms

    [bold]augline preview photos/ --spec aug.yaml -o sheet.png[/]       your own list

    [bold]augline preview photos/ --epoch 3 --samples 24[/]             another epoch, more pictures
    """
    pipe, screen = pipeline(folder, spec, label), console()
    screen.print(repr(pipe.source), soft_wrap=True, markup=False)
    written = pipe.preview(output, epoch=epoch, samples=samples, columns=columns)
    screen.print(f"Wrote {written.resolve()}", soft_wrap=True, markup=False)

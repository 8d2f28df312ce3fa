"""`augline explain`: what happens to one sample."""

from __future__ import annotations

from typing import Annotated

import typer

from augline.cli.inputs import FolderPath, Label, SpecPath, pipeline
from augline.cli.report import console


def explain(
    folder: FolderPath = None,
    spec: SpecPath = None,
    index: Annotated[int, typer.Option(min=0, help="The sample, counted as the source lists them.")] = 0,
    epoch: Annotated[int, typer.Option(min=0, help="Whose draws to show.")] = 0,
    label: Label = None,
) -> None:
    """Say what happens to one sample: the numbers drawn for it, the stages, and how they were fused.

    [bold]augline explain photos/ --spec aug.yaml --index 17 --epoch 3[/]
    """
    pipe = pipeline(folder, spec, label)
    console().print(str(pipe.explain(epoch, index)), soft_wrap=True, markup=False)

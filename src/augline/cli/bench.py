"""`augline bench`: how fast, where the time goes, how much memory."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from augline import measure
from augline.cli.inputs import FolderPath, Label, SpecPath, pipeline
from augline.cli.report import console, memory_line, progress, speed_table, stage_table


def bench(
    folder: FolderPath = None,
    spec: SpecPath = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Threads; by default one per core.")] = None,
    batches: Annotated[int, typer.Option(min=1, help="Batches per round, at most those of an epoch.")] = 30,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds that count, after one that does not.")] = 5,
    label: Label = None,
) -> None:
    """Measure a pipeline beside the bare decoding of the same files.

    Decoding the files whole is the roof for whoever does that. Of JPEGs much larger than what comes out, augline
    decodes a part, and then gets above it. Rounds of both run in turn.

    [bold]augline bench photos/ --spec aug.yaml[/]

    [bold]augline bench photos/ --spec aug.yaml --workers 8 --batches 100[/]
    """
    settings: dict[str, Any] = {} if workers is None else {"workers": workers}
    pipe = pipeline(folder, spec, label, **settings)
    out = console()
    names = ", ".join(type(item).__name__ for item in pipe.transforms) or "no transforms"
    out.print(
        repr(pipe.source),
        names,
        f"fingerprint {pipe.fingerprint().digest[:12]}",
        sep="\n",
        markup=False,
        soft_wrap=True,
    )
    with progress("measuring speed", rounds + 1) as tick:
        speed, memory = measure.speed(pipe, batches=batches, rounds=rounds, tick=tick)
    out.print()
    out.print(speed_table(speed))
    if not measure.mixes(pipe):  # its steps cannot be told apart
        with progress("timing the steps", min(8, len(pipe))) as tick:
            times = measure.stage_times(pipe, batches=8, tick=tick)
        out.print(stage_table(times))
    out.print(memory_line(memory))
    if failed := pipe.report():
        out.print(
            f"{len(failed)} samples could not be read, the first: {failed[0].error}", markup=False, soft_wrap=True
        )

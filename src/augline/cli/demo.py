"""`augline demo`: the whole way from photographs to a trained model, in about a minute."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.rule import Rule

import augline as al
from augline import measure
from augline.cli import photos, training
from augline.cli.inputs import SIZE, Label, open_folder, usual
from augline.cli.report import console, memory_line, progress, speed_table, stage_table
from augline.explanation_text import WIDTH, text

_EACH = 36  # crops of each photograph
_MOST = 1000  # pictures of a user's folder: enough to see, soon done


def demo(
    folder: Annotated[
        Path | None, typer.Argument(help="Your own pictures, in a sub-folder per class.", show_default=False)
    ] = None,
    out: Annotated[Path, typer.Option(help="Where to write.")] = Path("augline-demo"),
    epochs: Annotated[int, typer.Option(min=0, help="Epochs to train; 0 leaves training out.")] = 2,
    label: Label = None,
) -> None:
    """See all of it at work: explain one sample, measure speed, write a contact sheet, train a small model.

    [bold]augline demo[/]                  photographs that came with the installation

    [bold]augline demo photos/[/]          your own, at most 1,000 of them
    """
    screen = console()
    screen.print(f"[bold]augline {al.__version__}[/]")
    source = _own(folder, label, screen) if folder is not None else _supplied(out / "photos", screen)
    out.mkdir(parents=True, exist_ok=True)
    transforms = usual()
    pipe = al.Pipeline(source, transforms, size=SIZE, seed=7, on_error="skip")
    _title(screen, "What happens to one sample")
    screen.print(Panel(escape(_explained(pipe, min(WIDTH, screen.width - 4))), expand=False))
    _measured(pipe, screen)
    written = {"what may happen, to change and use again": out / "aug.yaml"}
    pipe.to_yaml(out / "aug.yaml")
    written["contact sheet: before and after"] = pipe.preview(out / "sheet.png", samples=12)
    if folder is None:
        written["photographs, in class folders"] = out / "photos"
    if _trained(source, transforms, epochs, out / "model.keras", screen):
        written["the trained model"] = out / "model.keras"
    python = f"al.Folder({str(folder or out / 'photos')!r}{_options(source, label)})"
    _end(screen, written, folder or out / "photos", out, python)


def _supplied(folder: Path, screen: Console) -> al.Source:
    _title(screen, "Photographs")
    found = photos.photographs()
    with progress("cutting photographs", len(found)) as tick:
        count = photos.cut(found, folder, _EACH, tick)
    screen.print(f"{count} crops of {len(found)} photographs that came with scikit-image and scikit-learn:")
    screen.print(f"{', '.join(found)}.")
    return al.Folder(folder, class_names=[*found])


def _own(folder: Path, label: str | None, screen: Console) -> al.Source:
    source = open_folder(str(folder), label)
    _title(screen, "Pictures")
    screen.print(repr(source), markup=False, soft_wrap=True)
    if len(source) <= _MOST:
        return source
    screen.print(f"The demo takes {_MOST:,} of them, evenly spread.")
    return source.select(np.linspace(0, len(source) - 1, _MOST).astype(int))


def _explained(pipe: al.Pipeline, width: int) -> str:
    """The first sample of the epoch's order that can be read."""
    error: al.AuglineError | None = None
    for index in pipe.indices(0, np.arange(min(20, len(pipe.source)))).tolist():
        try:
            return text(pipe.explain(0, index), width)
        except (al.DecodeError, al.SourceError) as failed:
            error = error or failed
    assert error is not None
    raise error


def _measured(pipe: al.Pipeline, screen: Console) -> None:
    _title(screen, "Speed")
    with progress("measuring speed", 4) as tick:
        speed, memory = measure.speed(pipe, batches=30, rounds=3, tick=tick)
    screen.print(speed_table(speed))
    screen.print(stage_table(measure.stage_times(pipe, batches=3)))
    screen.print(memory_line(memory))
    for failed in pipe.report()[:3]:
        screen.print(f"Left out: {failed.error}", markup=False, soft_wrap=True)


def _trained(source: al.Source, transforms: list[al.Transform], epochs: int, path: Path, screen: Console) -> bool:
    _title(screen, "Training")
    reason = training.why_not(source) if epochs else "--epochs is 0"
    if reason:
        screen.print(f"Left out: {reason}.", markup=False, soft_wrap=True)
        return False
    screen.print(f"A small Keras model, {epochs} epochs, a fifth of the pictures held out and not augmented.")
    accuracy = training.train(source, transforms, epochs, path)
    screen.print(f"Accuracy on the pictures held out: [bold]{accuracy:.0%}[/]")
    return True


def _options(source: al.Source, label: str | None) -> str:
    """What else the folder is told in Python."""
    return f", label={label!r}" if label is not None else "" if source.class_names else ", label_mode=None"


def _end(screen: Console, written: dict[str, Path], folder: Path, out: Path, python: str) -> None:
    _title(screen, "Written")
    width = max(map(len, written))
    for what, path in written.items():
        screen.print(f"  {what:<{width}}  {path.resolve()}", markup=False, soft_wrap=True)
    _title(screen, "Next")
    where, spec = shlex.quote(str(folder)), shlex.quote(str(out / "aug.yaml"))
    for line in (f"augline preview {where} --spec {spec} -o sheet.png", f"augline bench {where} --spec {spec}"):
        screen.print(f"  {line}", markup=False, soft_wrap=True)
    screen.print(
        f"  In Python: al.Pipeline({python}, [al.RandomFlip('horizontal')], size=(224, 224)).to_tf()",
        markup=False, soft_wrap=True,
    )  # fmt: skip


def _title(screen: Console, text: str) -> None:
    screen.print()
    screen.print(Rule(f"[bold]{text}[/]", align="left", style="dim"))

"""What the commands print, and how."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from statistics import median

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from augline.measure import Memory, Speed, Tick


def console() -> Console:
    """Where results go; made anew each time, so that it writes to the stdout of the moment."""
    return Console(highlight=False)


def complain(message: str) -> None:
    """One plain line on stderr, red where there are colours."""
    line = " ".join(message.split())
    Console(stderr=True, highlight=False).print(line, style="red", markup=False, soft_wrap=True)


def need(command: str, package: str, extra: str) -> None:
    """Ends a command that can do nothing without the package of an extra."""
    if find_spec(package) is None:
        complain(f"{command}: {package} must be installed. Received none. Run pip install 'augline[{extra}]'.")
        raise typer.Exit(1)


@contextmanager
def progress(label: str, total: int) -> Iterator[Tick]:
    """A bar on stderr while something is measured; call what it yields after each step."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    screen = Console(stderr=True)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task(label, total=total)
        yield lambda: bar.advance(task)


def speed_table(speed: Speed) -> Group:
    """Images per second, ours beside the roof."""
    table = _table()
    table.add_column("")
    for name in ("median", "lowest", "highest"):
        table.add_column(name, justify="right")
    rows = {"decoding alone (the roof)": speed.roof, "this pipeline": speed.ours}
    for name, rates in rows.items():
        if rates:
            table.add_row(name, *(f"{value:,.0f}" for value in (median(rates), min(rates), max(rates))))
    if speed.share is not None:
        table.add_row("share of the roof", f"[bold]{speed.share:.2f}[/]")
    if speed.share is not None and speed.share > 1:
        table.caption = "Above 1: files are decoded no further than they are needed; or rounds were short and noisy."
    rounds = f"{len(speed.ours)} rounds of {speed.images:,} images, each beside one of decoding"
    return Group(f"[bold]Images per second[/] on {speed.workers} threads, {rounds}", table)


def stage_table(times: dict[str, float]) -> Group:
    """Microseconds per image and step."""
    total = sum(times.values())
    table = _table()
    table.add_column("")
    table.add_column("microseconds", justify="right")
    table.add_column("share", justify="right")
    table.add_column("")
    for name, value in times.items():
        share = value / total if total else 0.0
        table.add_row(name, f"{value:,.1f}", f"{share:.1%}", "━" * round(30 * share))
    table.add_row("all", f"{total:,.1f}", "", f"[dim]{1e6 / total if total else 0:,.0f} images/s on one thread[/]")
    return Group("[bold]Where the time goes[/] for one image on one thread", table)


def memory_line(memory: Memory) -> str:
    """One line on memory."""
    if memory.peak is None:
        return "Memory: this system does not say."
    growth = "" if memory.late is None or memory.early is None else f", growth after the first round {_growth(memory)}"
    return f"Memory of the process: at most {memory.peak:,.0f} MB{growth}"


def _growth(memory: Memory) -> str:
    return f"{(memory.late or 0) - (memory.early or 0):+,.1f} MB"


def _table() -> Table:
    return Table(box=SIMPLE_HEAD, pad_edge=False)

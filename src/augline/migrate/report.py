"""What `--verify` prints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from augline.migrate.verify import Outcome, verify


def verification(text: str, level: int, folder: Path, batches: int) -> Iterator[RenderableType]:
    """Runs old and new, and says how they compare."""
    yield "The script itself is not run: both sides are built from the literal arguments that stand in it."
    for outcome in verify(text, level, folder, batches):
        yield from _outcome(outcome, level)


def _outcome(outcome: Outcome, level: int) -> Iterator[RenderableType]:
    case = outcome.case
    yield Text(f"The flow on line {case.line}", style="bold")
    if case.left_out:
        yield f"  left out of both sides, since only the script could tell: {', '.join(case.left_out)}"
    if outcome.new is None:
        yield f"  {outcome.old:,.0f} images/s with Keras. {outcome.why_not}"
        return
    what = "augline.keras.ImageDataGenerator" if level == 1 else "al.Pipeline"
    times = f"{outcome.new / outcome.old:.1f} times"
    yield f"  {outcome.old:,.0f} images/s with Keras, {outcome.new:,.0f} with {what}: {times}"
    if outcome.largest is not None and outcome.mean is not None:
        same = "the same" if outcome.same_labels else "NOT the same"
        yield (
            f"  pixels differ by at most {outcome.largest:.4g}, {outcome.mean:.4g} in the mean, where they reach "
            f"{outcome.top:.4g}; labels are {same}"
        )
    if outcome.geometry:
        yield "  draws differ by design; each argument alone, fixed to the end of its range, on square pictures:"
        yield _table(outcome.geometry)


def _table(rows: tuple[tuple[str, float, float], ...]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("argument")
    for name in ("mean difference", "largest, of 255"):
        table.add_column(name, justify="right")
    for name, mean, largest in rows:
        table.add_row(name, f"{mean:.2f}", f"{largest:.1f}")
    return table

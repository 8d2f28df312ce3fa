"""What a run found: tables, ratios, and the files in `results/`."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

from harness import Metrics, Question, Target
from rich.console import Console
from rich.table import Column, Table

_LIBRARIES = (
    "numpy", "opencv-python-headless", "simplejpeg", "pillow", "pydantic", "tensorflow", "tensorflow-cpu", "keras",
    "albumentations", "torch", "torchvision", "scipy",
)  # fmt: skip

_WIDE = 6
"""Numbers of a subject that fit side by side."""


@dataclass
class Answer:
    """What was measured for one question: per subject one `Metrics` per round."""

    question: Question
    rounds: dict[str, list[Metrics]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def values(self, subject: str, metric: str) -> list[float]:
        """A number of a subject, round by round; empty where there is none."""
        return [metrics[metric] for metrics in self.rounds.get(subject, ()) if metric in metrics]


@dataclass(frozen=True)
class Verdict:
    """A target held against what was measured: ratios (or values) round by round."""

    target: Target
    to: str | None
    values: Sequence[float]

    @property
    def met(self) -> bool | None:
        """None where nothing is asked, or nothing was measured."""
        low, high = self.target.at_least, self.target.at_most
        if not self.values or (low is None and high is None):
            return None
        return (low is None or median(self.values) >= low) and (high is None or median(self.values) <= high)

    @property
    def name(self) -> str:
        """What is compared."""
        to = self.to or " or ".join(self.target.to)
        return f"{self.target.of} ÷ {to}" if to else self.target.of

    @property
    def bound(self) -> str:
        """What is asked."""
        if self.target.at_least is not None:
            return f"≥ {self.target.at_least:g}"
        return "–" if self.target.at_most is None else f"≤ {self.target.at_most:g}"


def verdict(answer: Answer, target: Target) -> Verdict:
    """Ratios pair the measurements of one round, which were taken one soon after the other."""
    values = answer.values(target.of, target.metric)
    if not target.to:
        return Verdict(target, None, values)
    others = {name: answer.values(name, target.metric) for name in target.to}
    others = {name: numbers for name, numbers in others.items() if numbers}
    if not others or not values:
        return Verdict(target, None, ())
    better = min if target.at_most is not None else max
    to = better(others, key=lambda name: median(others[name]))
    return Verdict(target, to, [a / b for a, b in zip(values, others[to], strict=True)])


def show(answer: Answer, console: Console) -> None:
    """The two tables of a question."""
    console.print(f"\n[bold]{answer.question.title}[/bold]")
    console.print(_measured(answer))
    for word, names in (("skipped", answer.skipped), ("FAILED", answer.failed)):
        for name, reason in names.items():
            console.print(f"{name}: {reason}, {word}")
    if answer.question.targets:
        console.print(_compared(answer))


def _measured(answer: Answer) -> Table:
    metrics = list(dict.fromkeys(name for rounds in answer.rounds.values() for name in rounds[0]))
    if len(metrics) > _WIDE:
        return _turned(answer, metrics)
    table = Table(Column("subject", no_wrap=True), *metrics, "output; threads; note")
    for name, subject in answer.question.subjects.items():
        if name in answer.rounds:
            about = "; ".join(filter(None, (subject.output, f"threads: {subject.threads}", subject.note)))
            table.add_row(name, *(_spread(answer.values(name, metric)) for metric in metrics), about)
    return table


def _turned(answer: Answer, metrics: Sequence[str]) -> Table:
    """A row per number and a column per subject, where there are too many numbers for columns."""
    names = [name for name in answer.question.subjects if name in answer.rounds]
    table = Table(Column(answer.question.subjects[names[0]].output, no_wrap=True), *names)
    for metric in metrics:
        table.add_row(metric, *(_spread(answer.values(name, metric)) for name in names))
    return table


def _compared(answer: Answer) -> Table:
    table = Table("ratio", "of", "median (min – max)", "target", "")
    for target in answer.question.targets:
        found = verdict(answer, target)
        mark = {None: "", True: "✓", False: "✗"}[found.met]
        values = _spread(found.values) if found.values else "not measured"
        table.add_row(found.name, target.metric, values, found.bound, mark)
    return table


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "–"
    if len(values) == 1:
        return _number(values[0])
    return f"{_number(median(values))} ({_number(min(values))} – {_number(max(values))})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def surroundings(files: Sequence[str], data: Path, rounds: int, images: int) -> dict[str, Any]:
    """Date, commit, machine, versions and data; nothing by which a machine or a user could be told."""
    import simplejpeg

    import augline

    versions = {"python": platform.python_version(), "augline": augline.__version__}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    distinct = [Path(name).read_bytes() for name in dict.fromkeys(files)]  # which warms the page cache too
    pixels = [height * width for height, width, *_ in map(simplejpeg.decode_jpeg_header, distinct)]
    return {
        "date": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
        "commit": _commit(),
        "machine": {"cpu": _cpu(), "cores": os.cpu_count(), "os": f"{platform.system()} {platform.machine()}"},
        "versions": versions,
        "data": {
            "folder": data.resolve().name,
            "files": len(distinct),
            "mean bytes": round(sum(map(len, distinct)) / len(distinct)),
            "mean pixels": round(sum(pixels) / len(pixels)),
        },
        "rounds": rounds,
        "images": images,
    }


def _commit() -> str:
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(Path(__file__).parent), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", "../src", ".", ":!results")
        return git("rev-parse", "HEAD") + (" with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def write(answers: Mapping[str, Answer], around: Mapping[str, Any], folder: Path, name: str) -> None:
    """`name.json`: every number of every round; `name.txt`: the tables."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {**around, "questions": {key: _record(answer) for key, answer in answers.items()}}
    (folder / f"{name}.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    with (folder / f"{name}.txt").open("w", encoding="utf-8") as file:
        console = Console(file=file, width=160)
        for key, value in around.items():
            console.print(f"{key}: {_plain(value)}", soft_wrap=True, highlight=False)
        for answer in answers.values():
            show(answer, console)


def _plain(value: Any) -> str:
    return ", ".join(f"{key} {item}" for key, item in value.items()) if isinstance(value, Mapping) else str(value)


def _record(answer: Answer) -> dict[str, Any]:
    question = answer.question
    targets = [(target, verdict(answer, target)) for target in question.targets]
    about = {name: question.subjects[name] for name in answer.rounds}
    return {
        "title": question.title,
        "subjects": {
            name: {"threads": s.threads, "output": s.output, "note": s.note, "rounds": answer.rounds[name]}
            for name, s in about.items()
        },
        "skipped": answer.skipped,
        "failed": answer.failed,
        "targets": [
            {"ratio": v.name, "of": t.metric, "values": list(v.values), "target": v.bound, "met": v.met}
            for t, v in targets
        ],
    }

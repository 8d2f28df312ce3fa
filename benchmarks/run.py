"""Runs all benchmark questions on a folder of JPEGs, prints the tables, and writes them to `results/`.

python benchmarks/run.py photos/ [--only NAME ...] [--rounds 5] [--images 960]
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness import BATCH, FULL, photos
from report import Answer, show, surroundings, verdict, write
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

HERE = Path(__file__).parent
QUESTIONS = (
    "decode_roof_rrc", "six_transforms", "chains", "per_transform", "fusion_scaling", "planning", "small_images",
    "image_data_generator", "to_dataset", "device_layer", "packed",
    "graph_engine", "service", "order_scaling", "memory", "start_up", "import_time",
)  # fmt: skip
_TIME_LIMIT = 1800


def main() -> int:
    """Exit code 0 where everything ran, whether targets were met or not; 1 where a subject failed."""
    arguments = _arguments()
    images = -(-arguments.images // BATCH) * BATCH
    console = Console(width=None if sys.stdout.isatty() else 160)
    around = surroundings(photos(arguments.data, images), arguments.data, arguments.rounds, images)
    answers = {}
    for name in arguments.only or QUESTIONS:
        answers[name] = _ask(name, arguments, console)
        show(answers[name], console)
    # a part of the questions does not replace the last full run
    write(answers, around, arguments.results, "partial" if arguments.only else "latest")
    return _closing(answers, console)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Runs the benchmarks. Takes about an hour on two cores.")
    parser.add_argument("data", type=Path, help="folder of JPEGs; in it or in folders below")
    parser.add_argument("--only", nargs="+", choices=QUESTIONS, metavar="NAME", help=f"of {', '.join(QUESTIONS)}")
    parser.add_argument("--rounds", type=int, default=5, help="measurements per subject")
    parser.add_argument("--images", type=int, default=FULL, help="per measurement; other counts scale with it")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="where to write")
    arguments = parser.parse_args()
    if arguments.rounds < 1 or arguments.images < 1:
        parser.error("--rounds and --images must be at least 1")
    return arguments


def _ask(name: str, arguments: argparse.Namespace, console: Console) -> Answer:
    """All rounds of one question; who was skipped or failed once is not asked again."""
    answer = Answer(importlib.import_module(name).QUESTION)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(name, total=arguments.rounds * len(answer.question.subjects))
        for subject in _turns(list(answer.question.subjects), arguments.rounds):
            progress.update(bar, description=f"{name}: {subject}")
            if subject not in answer.skipped and subject not in answer.failed:
                _measure(name, subject, arguments, answer, console)
            progress.advance(bar)
    return answer


def _turns(subjects: Sequence[str], rounds: int) -> Iterator[str]:
    """A B C, then B C A, then C A B: each in turn, and none always first."""
    for number in range(rounds):
        first = number % len(subjects)
        yield from (*subjects[first:], *subjects[:first])


def _measure(name: str, subject: str, arguments: argparse.Namespace, answer: Answer, console: Console) -> None:
    command = [sys.executable, str(HERE / f"{name}.py"), "--subject", subject]
    command += ["--data", str(arguments.data), "--images", str(arguments.images)]
    try:
        result = _result(command, answer.question.environment)
    except (subprocess.SubprocessError, ValueError, IndexError) as error:
        console.print(f"{name}: {subject} FAILED\n{getattr(error, 'stderr', None) or error}", markup=False)
        answer.failed[subject] = type(error).__name__  # the message has paths of this machine
        answer.rounds.pop(subject, None)
        return
    if "skipped" in result:
        answer.skipped[subject] = result["skipped"]
    else:
        answer.rounds.setdefault(subject, []).append(result["metrics"])


def _result(command: Sequence[str], environment: dict[str, str]) -> dict[str, Any]:
    """One measurement in a fresh process; its last line is the answer."""
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=_TIME_LIMIT, env=os.environ | environment
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _closing(answers: dict[str, Answer], console: Console) -> int:
    marks = [verdict(answer, target).met for answer in answers.values() for target in answer.question.targets]
    failed = sum(len(answer.failed) for answer in answers.values())
    console.print(f"\n{marks.count(True)} targets met, {marks.count(False)} not met; {failed} subjects failed.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

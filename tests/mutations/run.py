"""Runs the mutations: a copy of the source, one fault in it, and the tests that must turn red. Survivors are listed.

python tests/mutations/run.py             all of them, two at a time
python tests/mutations/run.py hue crop    those with such a word in their name
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutation:
    """A row of mutations.toml."""

    name: str
    file: str
    old: str
    new: str
    tests: str


_ROWS = tomllib.loads(Path(__file__).with_name("mutations.toml").read_text())["mutation"]
MUTATIONS = tuple(Mutation(**row) for row in _ROWS)


def killed(mutation: Mutation) -> str | None:
    """None if the tests noticed; else what happened instead."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "augline"
        shutil.copytree(ROOT / "src" / "augline", package, ignore=shutil.ignore_patterns("__pycache__"))
        file = package / mutation.file
        text = file.read_text()
        if text.count(mutation.old) != 1:
            return f"{mutation.old!r} stands {text.count(mutation.old)} times in {mutation.file}"
        file.write_text(text.replace(mutation.old, mutation.new))
        # several selections, each with a -k of its own, are several runs
        results = [pytest(run, folder) for run in mutation.tests.split(" or tests/")]
        if 1 in results:
            return None
        return f"exit codes {results} of pytest {mutation.tests}"


def pytest(selection: str, folder: str) -> int:
    path, _, keyword = selection.partition(" -k ")
    path = path if path.startswith("tests/") else f"tests/{path}"
    command = [sys.executable, "-m", "pytest", path, "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command += ["-k", keyword.strip("'")] if keyword else []
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([folder, os.environ.get("PYTHONPATH", "")])}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False).returncode


def main(words: list[str]) -> int:
    chosen = [m for m in MUTATIONS if not words or any(word in m.name for word in words)]
    survivors = 0
    with ThreadPoolExecutor(2) as pool:
        for mutation, fate in zip(chosen, pool.map(killed, chosen), strict=True):
            survivors += fate is not None
            sys.stdout.write(f"{'SURVIVED' if fate else 'killed  '}  {mutation.name}{f': {fate}' if fate else ''}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(chosen) - survivors} of {len(chosen)} killed\n")
    return survivors


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

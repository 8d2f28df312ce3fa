"""Measures every page on your photographs: `python docs/cookbook/measure.py PHOTOS`.

It writes the table of README.md, and into each page what was measured of it.

Each measurement is a process of its own, kept to two threads; old and new take turns, and the median counts. Results
go to `measured.json`, with machine and versions and without any path. Leave the machine alone meanwhile.

`python docs/cookbook/measure.py` without a folder only writes them again.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
README, MEASURED = HERE / "README.md", HERE / "measured.json"
MEASURED_LINE = "\n\nMeasured: "
BEGIN, END = "<!-- written by measure.py -->", "<!-- end -->"
THREADS = 2
ENVIRONMENT = {
    **{f"{name}_NUM_THREADS": str(THREADS) for name in ("OMP", "OPENBLAS", "MKL")},
    **{f"TF_NUM_{kind}OP_THREADS": str(THREADS) for kind in ("INTRA", "INTER")},
    "CUDA_VISIBLE_DEVICES": "",
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
PACKAGES = ("augline", "numpy", "opencv-python-headless", "tensorflow", "tensorflow-cpu", "keras", "scipy", "pillow")


def pages() -> list[Path]:
    """The pages, in their order."""
    return sorted(HERE.glob("[0-9]*.py"))


def title(page: Path) -> str:
    """What a page is about: the first line of its text."""
    return (ast.get_docstring(ast.parse(page.read_text(encoding="utf-8"))) or "").splitlines()[0].rstrip(".")


def measure(photos: Path, images: int, rounds: int) -> dict[str, Any]:
    """All pages, `rounds` times each way."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])  # what is started from here inherits it
    speeds: dict[str, dict[str, list[float]]] = {page.stem: {"old": [], "new": []} for page in pages()}
    for turn in range(rounds):
        for page in pages():
            for way in ("old", "new") if turn % 2 == 0 else ("new", "old"):
                speed = _one(page, way, photos, images)
                speeds[page.stem][way].append(round(speed, 1))
                print(f"round {turn + 1} of {rounds}  {page.stem:42} {way} {speed:8,.0f} images/s", flush=True)
    medians = {name: {way: median(runs) for way, runs in ways.items()} for name, ways in speeds.items()}
    return {"surroundings": _surroundings(images, rounds), "images/s": medians, "runs": speeds}


def table(measured: dict[str, Any] | None) -> str:
    """The part of README.md between the markers."""
    if measured is None:
        rows = ["| page | |", "|---|---|", *(f"| [{page.stem[:2]}]({page.name}) | {title(page)} |" for page in pages())]
        ask = "Not measured yet: `python docs/cookbook/measure.py PHOTOS` does it and fills in the table."
        return "\n".join([*rows, "", ask])
    rows = ["| page | | old, images/s | new, images/s | ratio |", "|---|---|--:|--:|--:|"]
    for page in pages():
        speed = measured["images/s"].get(page.stem)
        numbers = f"{speed['old']:,.0f} | {speed['new']:,.0f} | {speed['new'] / speed['old']:.1f}" if speed else "| |"
        rows.append(f"| [{page.stem[:2]}]({page.name}) | {title(page)} | {numbers} |")
    around = measured["surroundings"]
    versions = ", ".join(f"{name} {version}" for name, version in around["versions"].items())
    return "\n".join([
        *rows, "",
        f"Medians of {around['rounds']} fresh processes each, {around['images']} photographs to 224 × 224, "
        f"{around['threads']} threads of a machine with {around['cpu']}; Python {around['python']}, {versions}. "
        "Single runs are in [measured.json](measured.json).",
    ])  # fmt: skip


def stated(text: str, speed: dict[str, float] | None) -> str:
    """A page with its measurement as the last paragraph of what it says; without, if there is none."""
    head, closing, code = text[3:].partition('"""')
    head = head.split(MEASURED_LINE)[0].rstrip()
    if speed is not None:
        numbers = f"{speed['old']:,.0f} images/s the old way, {speed['new']:,.0f} the new way"
        head += f"{MEASURED_LINE}{numbers}. README.md says on what."
    return text[:3] + head + "\n" + closing + code


def write(measured: dict[str, Any] | None) -> None:
    """Puts the table into README.md, and the numbers into the pages."""
    for page in pages():
        speed = None if measured is None else measured["images/s"].get(page.stem)
        page.write_text(stated(page.read_text(encoding="utf-8"), speed), encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    README.write_text(f"{before}{BEGIN}\n{table(measured)}\n{END}{after}", encoding="utf-8")


def _one(page: Path, way: str, photos: Path, images: int) -> float:
    command = [sys.executable, str(page), "--measure", way, "--photos", str(photos), "--images", str(images)]
    done = subprocess.run(command, env=os.environ | ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{page.name} {way} failed:\n{done.stderr[-3000:]}")
    return float(json.loads(done.stdout.splitlines()[-1])["images/s"])


def _surroundings(images: int, rounds: int) -> dict[str, Any]:
    installed = {d.metadata["Name"].lower(): d.version for d in metadata.distributions()}
    return {
        "cpu": _cpu(), "threads": THREADS, "python": platform.python_version(), "images": images, "rounds": rounds,
        "versions": {name: installed[name] for name in PACKAGES if name in installed},
    }  # fmt: skip


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{named[0] if named else platform.processor() or platform.machine()} ({os.cpu_count()} CPUs)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="?", type=Path, help="folder of JPEGs")
    parser.add_argument("--images", type=int, default=480, help="how many")
    parser.add_argument("--rounds", type=int, default=3, help="of each page, each way")
    arguments = parser.parse_args()
    if arguments.photos:
        measured = measure(arguments.photos.resolve(), arguments.images, arguments.rounds)
        MEASURED.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    write(json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else None)


if __name__ == "__main__":
    main()

"""Old and new side by side on the user's folder.

The user's script is never run: both are built anew from the literal arguments that stand in it, and each runs in a
process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from augline.migrate.arguments import Arguments
from augline.migrate.flows import found
from augline.migrate.notes import ScriptError, Unclear
from augline.migrate.rewrite import migrate
from augline.migrate.rules import FLOW_ARGUMENTS, GENERATOR_ARGUMENTS
from augline.migrate.script import Script

_KEPT = ("target_size", "color_mode", "classes", "class_mode", "batch_size", "shuffle", "seed", "subset",
         "interpolation", "keep_aspect_ratio")  # fmt: skip
_SECONDS = 600
_SIDES = {"keras": "the flow with Keras", "augline": "the flow with augline", "pipeline": "the Pipeline",
          "geometry": "Keras and augline beside each other"}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One flow of a script, by its literal arguments.

    Args:
        line: Where it stands.
        generator: Arguments of ImageDataGenerator.
        flow: Arguments of flow_from_directory.
        left_out: Arguments that are left out of both sides, since only the script itself could tell their values.
    """

    line: int
    generator: dict[str, Any]
    flow: dict[str, Any]
    left_out: tuple[str, ...]

    def script(self, folder: Path) -> str:
        """The case as a script of literals."""
        written = ", ".join(f"{name}={value!r}" for name, value in self.generator.items())
        flow = ", ".join(f"{name}={value!r}" for name, value in self.flow.items())
        return (
            "from keras.preprocessing.image import ImageDataGenerator\n"
            f"datagen = ImageDataGenerator({written})\n"
            f"flow = datagen.flow_from_directory({str(folder)!r}, {flow})\n"
        )


@dataclass(frozen=True)
class Outcome:
    """What came of a case.

    Args:
        old: Images/s of Keras's ImageDataGenerator, as fit drives it: one thread.
        new: Images/s of what replaces it; None where level 2 keeps ImageDataGenerator.
        largest: Largest difference of a pixel value over the batches; None where draws differ by design.
        mean: Mean difference.
        top: Largest value among the old pixels, for scale.
        same_labels: Whether labels agree.
        geometry: Of level 2: (argument, mean, largest difference in grey levels) with the range fixed to one value.
        why_not: Why there is no new side.
    """

    case: Case
    old: float
    new: float | None
    largest: float | None = None
    mean: float | None = None
    top: float = 0.0
    same_labels: bool | None = None
    geometry: tuple[tuple[str, float, float], ...] = ()
    why_not: str = ""


def cases(text: str) -> list[Case]:
    """The flows of a script whose arguments can be read off it, each combination once."""
    script = Script(text)
    result: list[Case] = []
    for flow in found(script):
        try:
            ctor = Arguments(script, flow.generator, GENERATOR_ARGUMENTS)
            args = Arguments(script, flow.call, FLOW_ARGUMENTS[flow.method])
        except Unclear:
            continue
        generator, rest = ctor.literals(), args.literals()
        chosen = {name: value for name, value in rest.items() if name in _KEPT}
        if flow.method == "flow_from_dataframe" and chosen.get("class_mode") not in ("categorical", "binary", "sparse"):
            chosen["class_mode"] = "sparse"
        chosen["seed"] = chosen.get("seed") or 0
        unknown = (
            *(n for n in ctor.given if n not in generator),
            *(n for n in args.given if n in _KEPT and n not in rest),
        )
        case = Case(script.line(flow.call), generator, chosen, unknown)
        if not any((case.generator, case.flow) == (other.generator, other.flow) for other in result):
            result.append(case)
    return result


def verify(text: str, level: int, folder: Path, batches: int) -> list[Outcome]:
    """Runs every case of a script, old and new.

    Raises:
        ScriptError: There is nothing to compare, or a side fails; the message has its last line.
    """
    if not folder.is_dir():
        raise ScriptError(
            f"migrate(--data {str(folder)!r}): there must be a folder with a sub-folder per class. Received no such "
            "folder. Correct the path."
        )
    known = [_on(folder, case) for case in cases(text)]
    if not known:
        raise ScriptError(
            "migrate(--verify): the script must make a flow from an ImageDataGenerator with literal arguments. "
            "Received none. Compare it by hand, with augline bench for the speed."
        )
    return [_outcome(case, level, folder.resolve(), batches) for case in known]


def _on(folder: Path, case: Case) -> Case:
    """The case with classes that the folder has, which need not be the script's."""
    there = {path.name for path in folder.iterdir() if path.is_dir()}
    flow, left_out = dict(case.flow), case.left_out
    if not {*(flow.get("classes") or ())} <= there:
        del flow["classes"]
        left_out = (*left_out, "classes")
    if flow.get("class_mode") == "binary" and len(flow.get("classes") or there) != 2:
        flow["class_mode"] = "sparse"  # what Keras takes it for
    return replace(case, flow=flow, left_out=left_out)


def _outcome(case: Case, level: int, folder: Path, batches: int) -> Outcome:
    with tempfile.TemporaryDirectory() as place:
        job = {"generator": case.generator, "flow": case.flow, "folder": str(folder), "batches": batches}
        old = _run({**job, "side": "keras"}, Path(place))
        if level == 1:
            new = _run({**job, "side": "augline"}, Path(place))
            return _compared(case, old, new)
        migration = migrate(case.script(folder), 2)
        if "Pipeline(" not in migration.after:
            why = next((note.text for note in migration.notes), "")
            return Outcome(case, old["speed"], None, why_not=why)
        new = _run({**job, "side": "pipeline", "code": migration.after}, Path(place))
        moved = _run({**job, "side": "geometry"}, Path(place))
        return Outcome(case, old["speed"], new["speed"], geometry=tuple((n, a, b) for n, a, b in moved["rows"]))


def _compared(case: Case, old: dict[str, Any], new: dict[str, Any]) -> Outcome:
    pairs = list(zip(old["images"], new["images"], strict=True))
    if any(a.shape != b.shape for a, b in pairs):
        raise ScriptError(
            f"migrate(--verify): old and new batches must have one shape. Received {[a.shape for a, _ in pairs]} and "
            f"{[b.shape for _, b in pairs]}. This is a fault of augline: please report it."
        )
    gaps = [np.abs(a.astype(np.float64) - b) for a, b in pairs]
    labels = all(np.array_equal(a, b) for a, b in zip(old["labels"], new["labels"], strict=True))
    largest, mean = max(float(g.max()) for g in gaps), float(np.mean([g.mean() for g in gaps]))
    top = max(float(np.abs(a).max()) for a, _ in pairs)
    return Outcome(case, old["speed"], new["speed"], largest, mean, top, labels)


def _run(job: dict[str, Any], place: Path) -> dict[str, Any]:
    """One side in its own process; what it found."""
    out = place / f"{job['side']}.npz"
    command = [sys.executable, "-m", "augline.migrate.worker", str(out)]
    try:
        done = subprocess.run(
            command, input=json.dumps(job), text=True, capture_output=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise ScriptError(
            f"migrate(--verify): {_SIDES[job['side']]} must end within {_SECONDS} s. Received nothing. Lower --batches."
        ) from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["nothing on stderr"])[-1]
        raise ScriptError(
            f"migrate(--verify): {_SIDES[job['side']]} must run. Received {last.rstrip('.')}. Check --data, and that "
            "the script runs as it is."
        )
    with np.load(out) as found_:
        result: dict[str, Any] = {"speed": float(found_["speed"])}
        count = int(found_["count"])
        if count and not len(found_["images0"]):
            raise ScriptError(
                f"migrate(--data {job['folder']!r}): there must be pictures, in a sub-folder per class. Received none. "
                "Correct the path."
            )
        result["images"] = [found_[f"images{k}"] for k in range(count)]
        result["labels"] = [found_[f"labels{k}"] for k in range(count) if f"labels{k}" in found_]
        result["rows"] = json.loads(str(found_["rows"]))
    return result

"""The benchmarks run, and judge what they measure rightly. What they measure is not tested: that is a benchmark."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

import fresh

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
OURS = [
    ("decode_roof_rrc", "augline"),
    ("decode_roof_rrc", "decode"),
    ("six_transforms", "augline-float32"),
    ("chains", "recipe"),
    ("chains", "randaugment"),
    ("chains", "clahe"),
    ("chains", "jpeg"),
    ("per_transform", "augline"),
    ("fusion_scaling", "ten-in-memory"),
    ("planning", "plan"),
    ("planning", "decode"),
    ("small_images", "augline-32"),
    ("image_data_generator", "augline-jpeg-224"),
    ("image_data_generator", "augline-memory-float-32"),
    ("to_dataset", "augline-python-64"),
    ("to_dataset", "keras-numpy-224"),
    ("device_layer", "layer"),
    ("device_layer", "fit-keras"),
    ("service", "one"),
    ("order_scaling", "N=1e9"),
    ("memory", "files-224"),
    ("start_up", "folder-augline"),
    ("start_up", "coco-augline"),
    ("import_time", "augline"),
]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dozen JPEGs in two class folders, of two sizes."""
    folder = tmp_path_factory.mktemp("secret") / "photos"
    noise = np.random.default_rng(7)
    for number in range(12):
        path = folder / "ab"[number % 2] / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = (300, 400, 3) if number % 3 else (380, 260, 3)
        Image.fromarray(noise.integers(0, 256, shape, np.uint8)).save(path)
    return folder


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = {*sys.modules}

    def module(name: str) -> ModuleType:
        return importlib.import_module(name)

    yield module
    for name in {*sys.modules} - before:
        if str(BENCHMARKS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


ALONE = {"run", "memory", "start_up", "import_time", "order_scaling"}
"""What they ask for, or start, a process which has TensorFlow already would answer otherwise."""


def call(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    if script not in ALONE:
        return fresh.run(BENCHMARKS / f"{script}.py", *arguments)
    command = [sys.executable, str(BENCHMARKS / f"{script}.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(("script", "subject"), OURS)
def test_a_measurement_is_one_line_of_positive_numbers(script, subject, photos):
    done = call(script, "--subject", subject, "--data", photos, "--images", 64)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    result = json.loads(line)
    assert result["subject"] == subject
    assert all(np.isfinite(value) for value in result["metrics"].values())
    assert all(value > 0 for name, value in result["metrics"].items() if not name.startswith(("growth", "peak")))


@pytest.mark.slow
def test_a_run_writes_its_surroundings_and_no_path_of_this_machine(photos, tmp_path):
    done = call("run", photos, "--only", "planning", "--rounds", 2, "--images", 32, "--results", tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "partial.json").read_text())
    assert found["data"]["folder"] == "photos"
    assert found["data"]["files"] == 12
    assert {"numpy", "python", "augline"} <= {*found["versions"]}
    rounds = found["questions"]["planning"]["subjects"]["plan"]["rounds"]
    assert len(rounds) == 2
    written = "".join(path.read_text() for path in tmp_path.iterdir())
    assert "plan ÷ decode" in written
    assert "secret" not in written
    assert str(Path.home()) not in written


def test_a_run_without_photos_says_so(tmp_path):
    done = call("run", tmp_path)
    assert done.returncode != 0
    assert "there must be JPEGs" in done.stderr


@pytest.mark.parametrize(
    "name",
    ["decode_roof_rrc", "six_transforms", "chains", "per_transform", "fusion_scaling", "planning", "small_images",
     "image_data_generator", "to_dataset", "device_layer", "graph_engine", "order_scaling", "memory", "start_up"],
)  # fmt: skip
def test_every_target_names_subjects_that_there_are(name, load):
    question = load(name).QUESTION
    for target in question.targets:
        assert {target.of, *target.to} <= {*question.subjects}


def test_asking_a_question_loads_no_peer(load):
    code = "import run, sys; [run.importlib.import_module(q) for q in run.QUESTIONS]; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=BENCHMARKS, capture_output=True, text=True, check=True)
    assert not {"'tensorflow'", "'keras'", "'albumentations'", "'augline'"} & {*done.stdout.strip("[]\n").split(", ")}


def answer(load, targets, **rounds):
    harness, report = load("harness"), load("report")
    subjects = {name: harness.Subject(lambda task: {}) for name in rounds}
    measured = {name: [{"images/s": value} for value in values] for name, values in rounds.items()}
    return report.Answer(harness.Question("?", subjects, targets), measured)


@pytest.mark.parametrize(("bound", "met"), [(2.5, True), (2.6, False)])
def test_a_ratio_pairs_rounds_and_takes_the_better_peer(load, bound, met):
    target = load("harness").Target("images/s", "us", ["slow", "fast"], at_least=bound)
    found = answer(load, [target], us=[100, 500, 300], slow=[1, 1, 1], fast=[100, 200, 100])
    verdict = load("report").verdict(found, target)
    assert verdict.to == "fast"
    assert verdict.values == [1, 2.5, 3]
    assert verdict.met is met


def test_a_peer_that_is_not_installed_is_skipped_by_name(load):
    harness = load("harness")
    subject = harness.Subject(lambda task: {"images/s": 1.0}, requires=("json", "no_such_library"))
    assert harness._result(subject, harness.Task(Path())) == {"skipped": "no_such_library not installed"}


def test_a_peer_that_was_skipped_leaves_the_target_open(load):
    target = load("harness").Target("images/s", "us", ["absent"], at_least=2)
    assert load("report").verdict(answer(load, [target], us=[1.0]), target).met is None


def test_a_bound_from_above_holds_for_a_value_alone(load):
    target = load("harness").Target("images/s", "us", at_most=2)
    assert load("report").verdict(answer(load, [target], us=[1, 2, 9]), target).met
    assert not load("report").verdict(answer(load, [target], us=[1, 2.1, 9]), target).met


def test_subjects_take_turns(load):
    assert list(load("run")._turns("ABC", 3)) == list("ABCBCACAB")


def test_files_are_picked_evenly_and_taken_over_again(load, tmp_path):
    for name in "abcdef":
        (tmp_path / f"{name}.JPG").touch()
    photos = load("harness").photos
    assert [Path(path).stem for path in photos(tmp_path, 3)] == ["a", "c", "e"]
    assert [Path(path).stem for path in photos(tmp_path, 8)] == list("abcdefab")

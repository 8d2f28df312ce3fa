from __future__ import annotations

from pathlib import Path

import pytest

import fresh

EXAMPLES = Path(__file__).parents[1] / "examples"
SAYS = {
    "train_folder.py": "val_accuracy",
    "arrays.py": "the same batch twice: True",
    "masks_and_boxes.py": "sheet.png",
}


def test_every_example_is_run():
    assert {path.name for path in EXAMPLES.glob("*.py")} == {*SAYS}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n == "train_folder.py" else n for n in SAYS]
)
def test_an_example_runs(name, tmp_path):
    if name == "train_folder.py":
        pytest.importorskip("tensorflow")
    done = fresh.run(EXAMPLES / name, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert SAYS[name] in done.stdout
    assert not [*tmp_path.iterdir()]

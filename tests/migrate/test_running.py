"""Scripts of the corpus run after level 2, and --verify compares old and new; each in a process of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

pytest.importorskip("libcst")
pytest.importorskip("tensorflow")

import augline as al
import fresh
from augline.cli import app
from augline.migrate import ScriptError, migrate
from augline.migrate.verify import cases, verify

SCRIPTS = Path(__file__).parent / "scripts"


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "photos"
    random = np.random.default_rng(0)
    for name in ("cat", "dog", "owl"):
        (folder / name).mkdir(parents=True)
        for number in range(10):
            coarse = Image.fromarray(random.integers(0, 256, (5, 7, 3), dtype=np.uint8))
            coarse.resize((84, 60), Image.Resampling.BICUBIC).save(folder / name / f"{number}.png")
            coarse.resize((84, 60), Image.Resampling.BICUBIC).save(folder / name / f"{number}.jpg")
    return folder


def run(text, folder):
    script = folder.parent / "migrated.py"
    script.write_text(text)
    done = fresh.run(script, cwd=folder.parent)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_a_script_with_subsets_trains(photos):
    text = migrate((SCRIPTS / "split_subsets.py").read_text(), 2).after
    assert "{'cat': 0, 'dog': 1, 'owl': 2}" in run(text + "print(images.max() <= 1)\n", photos)


@pytest.mark.slow
def test_scripts_on_files_and_folders_of_tf_data_run(photos):
    files = migrate((SCRIPTS / "tf_files.py").read_text(), 2).after
    layers = (SCRIPTS / "keras_layers.py").read_text().split("unknown =")[0]
    folders = migrate(layers, 2).after
    assert "al.Files(" in files
    assert "al.Folder(" in folders
    example = (SCRIPTS / "keras_example.py").read_text().split("arrays =")[0]
    text = files + folders + "print(next(iter(train_ds))[0].shape, next(iter(val_ds))[0].shape)\n"
    text += migrate(example, 2).after.replace("import augline as al", "")
    shown = run(
        text + "print([next(iter(d))[0].shape[1:] for d in (train_ds, val_ds, once, held)], class_names)\n", photos
    )
    assert "[TensorShape([180, 180, 3]), TensorShape([180, 180, 3]), TensorShape([64, 64, 3])" in shown
    assert "('cat', 'dog', 'owl')" in shown
    assert "(4, 24, 32, 3)" in shown
    assert "(16, 180, 180, 3) (8, 180, 180, 3)" in shown


@pytest.mark.slow
@pytest.mark.skipif("to_dataset" not in al.__all__, reason="al.to_dataset is not exported yet")
def test_a_script_with_a_sequence_trains(photos):
    text = migrate((SCRIPTS / "sequence.py").read_text(), 2).after
    assert "al.to_dataset(more, shuffle=True, workers=2)" in text
    run(text.replace("workers=2", "workers=1, processes=True"), photos)  # each process loads Keras


SCRIPT = """
from tensorflow.keras.preprocessing.image import ImageDataGenerator
datagen = ImageDataGenerator(rotation_range=20, width_shift_range=0.1, zoom_range=0.2, shear_range=10,
                             horizontal_flip=True, rescale=1/255, preprocessing_function=mine)
height, width = 48, 48
g = datagen.flow_from_directory(elsewhere, target_size=(height, width), batch_size=8, class_mode="binary",
                                classes=["dog", "elk"], seed=3)
"""


@pytest.mark.slow
def test_verifying_level_1_compares_the_same_draws(photos):
    (outcome,) = verify(SCRIPT, 1, photos, 3)
    assert outcome.case.left_out == ("preprocessing_function", "classes")
    assert outcome.same_labels
    assert outcome.largest is not None
    assert outcome.mean is not None
    assert outcome.mean < 0.02
    assert outcome.new is not None
    assert outcome.new > 0


@pytest.mark.slow
def test_verifying_level_2_compares_the_geometry(photos, monkeypatch):
    outcomes = verify(SCRIPT, 2, photos, 2)
    monkeypatch.setattr("augline.migrate.report.verify", lambda *arguments: outcomes)
    script = photos.parent / "train.py"
    script.write_text(SCRIPT)
    result = CliRunner().invoke(app, ["migrate", str(script), "--level", "2", "--verify", "--data", str(photos)])
    assert result.exit_code == 0, result.output
    assert "rotation_range" in result.output
    (outcome,) = outcomes
    rows = {name.split()[0]: mean for name, mean, _ in outcome.geometry}
    assert {"rotation_range", "width_shift_range", "zoom_range", "shear_range", "horizontal_flip"} == set(rows)
    assert rows["rotation_range"] < 1
    assert rows["zoom_range"] < 1
    assert rows["width_shift_range"] < 1
    assert rows["horizontal_flip"] == 0


def test_verify_reads_literals_and_runs_nothing(photos):
    text = SCRIPT + "raise SystemExit('the script was run')\n"
    (case,) = cases(text)
    assert case.generator["rotation_range"] == 20
    assert case.flow["target_size"] == (48, 48)
    assert "mine" not in case.script(photos)


def test_verify_says_what_it_needs(tmp_path):
    with pytest.raises(ScriptError, match="folder with a sub-folder per class"):
        verify(SCRIPT, 1, tmp_path / "none", 1)
    with pytest.raises(ScriptError, match="literal arguments"):
        verify("x = 1\n", 1, tmp_path, 1)


def test_a_side_that_fails_is_one_plain_error(tmp_path, monkeypatch):
    monkeypatch.setattr("augline.migrate.verify.sys.executable", "false")
    with pytest.raises(ScriptError, match="with Keras must run"):
        verify(SCRIPT, 1, tmp_path, 1)

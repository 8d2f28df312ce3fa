from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import augline as al
from augline import measure
from augline.cli import app, photos, training
from augline.cli.report import speed_table

SPEC = (
    "transforms:\n- RandomFlip: {mode: horizontal}\n- RandomRotation: {factor: 0.05}\nsize: [32, 32]\nbatch_size: 4\n"
)


def augline(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def pictures(path, classes=("cat", "dog"), each=6, size=(60, 40)):
    random = np.random.default_rng(0)
    for number, name in enumerate(classes or [""]):
        (path / name).mkdir(parents=True, exist_ok=True)
        for k in range(each):
            pixels = random.integers(100 * number, 100 * number + 100, (size[1], size[0], 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path / name / f"{name or 'img'}_{k}.jpg")
    return path


@pytest.fixture
def folder(tmp_path):
    return pictures(tmp_path / "photos")


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "aug.yaml"
    path.write_text(SPEC)
    return path


def test_version():
    result = augline("--version")
    assert (result.exit_code, result.stdout) == (0, f"augline {al.__version__}\n")


@pytest.mark.parametrize("command", ["demo", "preview", "explain", "bench"])
def test_help_teaches_with_examples(command):
    result = augline(command, "--help")
    assert result.exit_code == 0
    assert re.search(rf"augline {command}.*photos/", result.stdout, re.DOTALL)


def test_the_list_of_commands():
    result = augline("--help")
    assert result.exit_code == 0
    assert all(name in result.stdout for name in ("demo", "preview", "explain", "bench", "serve", "Exit codes"))


def test_preview_writes_the_sheet_of_the_pipeline(folder, spec, tmp_path):
    out = tmp_path / "sheet.png"
    result = augline("preview", folder, "--spec", spec, "-o", out, "--samples", 3, "--columns", 2, "--epoch", 1)
    assert (result.exit_code, result.stdout) == (0, f"{al.Folder(folder)!r}\nWrote {out}\n")
    transforms = [al.RandomFlip("horizontal"), al.RandomRotation(0.05)]
    pipe = al.Pipeline(al.Folder(folder), transforms, size=(32, 32), batch_size=4)
    pipe.preview(tmp_path / "other.png", samples=3, columns=2, epoch=1)
    assert out.read_bytes() == (tmp_path / "other.png").read_bytes()


def test_preview_without_a_spec_takes_the_usual_list(folder, tmp_path):
    assert augline("preview", folder, "-o", tmp_path / "sheet.png").exit_code == 0
    assert (tmp_path / "sheet.png").exists()


def test_a_spec_may_name_the_source_itself(folder, tmp_path):
    al.Pipeline(al.Folder(folder), [al.RandomFlip()], size=(16, 16)).to_yaml(tmp_path / "all.yaml")
    result = augline("explain", "--spec", tmp_path / "all.yaml", "--index", 7)
    assert result.exit_code == 0
    assert "label dog" in result.stdout


def test_a_folder_keeps_what_the_spec_says_of_folders(folder, tmp_path):
    other = pictures(tmp_path / "other", ("owl",))
    al.Pipeline(al.Folder(folder, color_mode="grayscale"), [], size=(16, 16)).to_yaml(tmp_path / "grey.yaml")
    result = augline("explain", other, "--spec", tmp_path / "grey.yaml")
    assert "40 x 60 x 1 uint8" in result.stdout
    assert "label owl" in result.stdout


def test_a_flat_folder_works_without_labels(tmp_path):
    flat = pictures(tmp_path / "flat", classes=())
    for arguments in (["preview", flat, "-o", tmp_path / "a.png"], ["explain", flat], ["bench", flat, "--rounds", 1]):
        result = augline(*arguments)
        assert result.exit_code == 0, result.output


def test_labels_out_of_file_names(tmp_path):
    flat = pictures(tmp_path / "flat", classes=())
    result = augline("explain", flat, "--label", r"([a-z]+)_\d+", "--index", 2)
    assert "label img" in result.stdout


def test_bench_reports_speed_steps_and_memory(folder, spec):
    result = augline("bench", folder, "--spec", spec, "--batches", 2, "--rounds", 2, "--workers", 2)
    assert result.exit_code == 0, result.output
    for part in (
        "RandomFlip, RandomRotation", "fingerprint", "on 2 threads, 2 rounds of 8 images", "decoding alone (the roof)",
        "this pipeline", "share of the roof", *measure.STEPS, "Memory of the process: at most",
    ):  # fmt: skip
        assert part in " ".join(result.stdout.split()), part


def test_bench_measures_lists_that_mix(folder, tmp_path):
    pipe = al.Pipeline(al.Folder(folder, label_mode="categorical"), [al.MixUp()], size=(16, 16), batch_size=4)
    pipe.to_yaml(tmp_path / "mix.yaml")
    result = augline("bench", "--spec", tmp_path / "mix.yaml", "--batches", 1, "--rounds", 1)
    assert result.exit_code == 0, result.output
    assert "share of the roof" in result.stdout
    assert "Memory of the process" in result.stdout


@pytest.mark.parametrize(("ours", "explained"), [(90.0, False), (110.0, True)])
def test_more_than_the_roof_is_explained(ours, explained):
    (_, table) = speed_table(measure.Speed((ours,), (100.0,), 2, 8)).renderables
    assert bool(table.caption) == explained


def test_bench_names_the_file_that_is_damaged(folder):
    damaged = next(folder.rglob("*.*"))
    damaged.write_bytes(b"\xff\xd8\xff\xe0 cut off")
    result = augline("bench", folder, "--batches", 9, "--rounds", 1)
    assert result.exit_code == 1
    assert f"{damaged} (sample " in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["preview", "nowhere"], "Folder('nowhere'): path must be a folder"),
        (["preview", "photos", "-o", "sheet.bmp"], "must end in .png"),
        (["preview", "photos", "-o", "none/sheet.png"], "Make the folder first"),
        (
            ["demo", "photos", "--epochs", "0", "--out", "bad.yaml/x"],
            "bad.yaml/x: it must be possible to read, or to write",
        ),
        (["bench", "photos", "--spec", "none.yaml"], "from_yaml('none.yaml'): it must be a file that can be read"),
        (["bench", "photos", "--spec", "bad.yaml"], "Did you mean 'RandomFlip'?"),
        (["explain", "photos", "--index", "99"], "index must lie in 0 to 11"),
        (["explain", "photos", "--label", "("], "label must be a regular expression"),
        (["demo", "nowhere"], "Folder('nowhere'): path must be a folder"),
        (["demo", "empty"], "must hold images"),
    ],
)
def test_errors_are_one_line_and_exit_code_1(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    pictures(tmp_path / "photos")
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.yaml").write_text("transforms:\n- RandomFlop\n")
    result = augline(*arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "arguments", [["preview"], ["bench", "x", "--rounds", "0"], ["nothing"], ["preview", "--what"]]
)
def test_a_wrong_command_line_is_exit_code_2(arguments):
    assert augline(*arguments).exit_code == 2


def test_tensorflow_is_not_imported_before_it_is_needed():
    code = "import sys, augline.cli; print([m for m in ('tensorflow', 'keras', 'skimage') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_measuring_counts_and_leaves_nothing_out(folder):
    pipe = al.Pipeline(al.Folder(folder), [al.RandomFlip()], size=(16, 16), batch_size=5, workers=1)
    ticks = []
    speed, memory = measure.speed(pipe, batches=2, rounds=3, tick=lambda: ticks.append(1))
    assert (speed.images, len(speed.ours), len(speed.roof), speed.workers, len(ticks)) == (7, 3, 3, 1, 4)
    assert speed.share is not None
    assert speed.share > 0
    times = measure.stage_times(pipe, batches=2)
    assert (*times,) == measure.STEPS
    assert all(value > 0 for value in times.values())
    assert memory.peak is None or memory.peak > 10


def test_arrays_have_no_roof():
    pipe = al.Pipeline(al.Arrays(np.zeros((8, 16, 16, 3), np.uint8)), [al.RandomFlip()], batch_size=4)
    speed, _ = measure.speed(pipe, batches=2, rounds=1)
    assert (speed.roof, speed.share) == ((), None)
    assert measure.stage_times(pipe, batches=1)["decode"] == 0


def test_files_that_fail_are_left_out_of_the_timing(folder):
    (folder / "cat" / "zzz.jpg").write_bytes(b"no picture")
    whole = next(folder.rglob("*.jpg")).read_bytes()
    (folder / "cat" / "zzz2.jpg").write_bytes(whole[: len(whole) // 2])
    pipe = al.Pipeline(al.Folder(folder), [], size=(16, 16), batch_size=14, on_error="skip")
    assert measure.stage_times(pipe, batches=1)["decode"] > 0
    (place,) = (k for k in range(len(pipe.source)) if pipe.source.name(k).endswith("zzz2.jpg"))
    with pytest.raises(al.DecodeError, match=r"zzz2\.jpg \(sample"):
        measure.stage_times(al.Pipeline(pipe.source.select([place]), size=(16, 16)), batches=1)


def test_the_demo_explains_measures_and_shows_ones_own_pictures(folder, tmp_path):
    result = augline("demo", folder, "--out", tmp_path / "out", "--epochs", 0)
    assert result.exit_code == 0, result.output
    for part in (
        "Stages after fusion",
        "decoding alone",
        "Left out: --epochs is 0",
        str(tmp_path / "out" / "sheet.png"),
    ):
        assert part in result.stdout, part
    again = al.Pipeline.from_yaml(tmp_path / "out" / "aug.yaml")
    assert again.source.config() == al.Folder(folder).config()


def test_the_demo_says_why_a_flat_folder_trains_nothing(tmp_path):
    flat = pictures(tmp_path / "flat", classes=())
    result = augline("demo", flat, "--out", tmp_path / "out")
    assert f"al.Folder({str(flat)!r}, label_mode=None)" in result.stdout
    assert result.exit_code == 0
    assert "Left out: the pictures have no classes" in result.stdout
    assert not (tmp_path / "out" / "model.keras").exists()


def test_the_demo_goes_on_without_tensorflow(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(training.importlib.util, "find_spec", lambda name: None)
    result = augline("demo", folder, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert 'pip install "augline[tensorflow]"' in result.stdout


def test_the_demo_says_where_its_photographs_come_from(tmp_path, monkeypatch):
    monkeypatch.setattr(photos.importlib.util, "find_spec", lambda name: None)
    result = augline("demo", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert 'pip install "augline[demo]"' in result.stderr


def test_damaged_pictures_do_not_stop_the_demo(folder, tmp_path):
    (folder / "cat" / "aaa.jpg").write_bytes(b"no picture")
    result = augline("demo", folder, "--out", tmp_path / "out", "--epochs", 0)
    assert result.exit_code == 0, result.output
    assert "aaa.jpg" in result.stdout


def test_photographs_are_cut_alike_on_every_run(tmp_path):
    pytest.importorskip("skimage")
    found = dict([*photos.photographs().items()][:2])
    for name in ("a", "b"):
        assert photos.cut(found, tmp_path / name, 3, lambda: None) == 6
    first, second = (sorted((tmp_path / name).rglob("*.jpg")) for name in ("a", "b"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    for path in first:
        with Image.open(path) as file:
            assert file.size == (500, 375)
    assert len({path.read_bytes() for path in first}) == 6


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras, while it saves
def test_the_demo_trains_a_model(tmp_path):
    pytest.importorskip("tensorflow")
    folder = pictures(tmp_path / "photos", each=12)
    result = augline("demo", folder, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "Accuracy on the pictures held out" in result.stdout
    for name in ("sheet.png", "aug.yaml", "model.keras"):
        assert (tmp_path / "out" / name).stat().st_size > 0
        assert str(tmp_path / "out" / name) in result.stdout
    import keras

    model = keras.models.load_model(tmp_path / "out" / "model.keras")
    assert model.output_shape == (None, 2)
    assert Path(folder).exists()


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "augline", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["augline", al.__version__]


def test_pack_writes_smaller_pictures_that_train_alike(folder, tmp_path):
    pytest.importorskip("tensorflow")
    (folder / "cat" / "cat_9.jpg").write_bytes(b"no picture")
    output = tmp_path / "packed" / "train"
    refused = augline("pack", folder, "-o", output)
    assert refused.exit_code == 1
    assert "cat_9.jpg" in refused.stderr
    with pytest.warns(UserWarning, match="1 files were left out"):
        done = augline("pack", folder, "-o", output, "--shards", 2, "--shortest", 20, "--skip")
    assert done.exit_code == 0, done.output
    assert f"They are al.TFRecords('{output}-*-of-00002.tfrecord')." in done.stdout
    source = al.TFRecords(f"{output}-*-of-00002.tfrecord")
    assert (len(source), source.class_names) == (12, ("cat", "dog"))
    original = al.Folder(folder).select([k for k in range(13) if "cat_9" not in al.Folder(folder).name(k)])
    images, labels = al.Pipeline(original, size=(20, 30), batch_size=12, shuffle=False).batch(0, 0)
    ours, same = al.Pipeline(source, size=(20, 30), batch_size=12, shuffle=False).batch(0, 0)
    assert labels.tolist() == same.tolist()
    assert abs(ours.mean((1, 2)) - images.mean((1, 2))).max() < 3
    bare = augline("pack", pictures(tmp_path / "bare", classes=()), "-o", tmp_path / "b", "--shards", 1)
    assert f"Wrote {tmp_path}/b-00000-of-00001.tfrecord.\n" in bare.stdout
    assert "tfrecord', label_key=None)." in bare.stdout

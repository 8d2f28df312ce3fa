"""`flow_from_directory` and `flow_from_dataframe` beside Keras's: files, labels, sizes and pixels."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from alike import OPENCV_5, assert_alike, assert_same_run, gap
from augline.keras import ImageDataGenerator
from augline.keras.image_data_generator import TOLERANCE
from augline.keras.legacy_files import nearest_table

SAID = (
    "class_indices", "filenames", "filepaths", "samples", "n", "image_shape", "batch_size", "target_size", "color_mode",
    "class_mode", "total_batches_seen", "batch_index", "shuffle", "seed", "data_format", "subset",
)  # fmt: skip
MOVING = {"rotation_range": 20, "width_shift_range": 0.1, "horizontal_flip": True, "rescale": 1 / 255}


def assert_said(ours: Any, theirs: Any) -> None:
    for name in SAID:
        assert getattr(ours, name, None) == getattr(theirs, name, None), name
    np.testing.assert_array_equal(np.asarray(ours.classes), np.asarray(theirs.classes))
    assert len(ours) == len(theirs)


def table(folder: Path, capsys: Any) -> pd.DataFrame:
    """The folder's files as a dataframe, with columns for every class mode."""
    flow = ImageDataGenerator().flow_from_directory(folder)
    names = list(flow.class_indices)
    return pd.DataFrame({
        "filename": flow.filenames,
        "class": [names[label] for label in flow.classes],
        "two": ["a" if k % 3 else "b" for k in range(flow.n)],
        "several": [[names[label], "extra"] if k % 2 else (names[label],) for k, label in enumerate(flow.classes)],
        "x": np.arange(flow.n) * 0.5, "y": np.arange(flow.n), "weight": np.linspace(0, 1, flow.n),
    })  # fmt: skip


@pytest.mark.parametrize("color_mode", ["rgb", "rgba", "grayscale"])
@pytest.mark.parametrize("class_mode", ["categorical", "binary", "sparse", "input", None])
def test_class_and_color_modes(class_mode: Any, color_mode: str, both: Any, folder: Path) -> None:
    exact, fast, theirs = both(**MOVING)
    arguments = {
        "target_size": (60, 52),
        "batch_size": 4,
        "class_mode": class_mode,
        "color_mode": color_mode,
        "seed": 3,
    }
    flows = [g.flow_from_directory(str(folder), **arguments) for g in (exact, theirs)]
    assert_said(*flows)
    assert_same_run(*flows, batches=9)
    flows = [g.flow_from_directory(str(folder), **arguments) for g in (fast, theirs)]
    assert gap(*flows, batches=5) <= TOLERANCE["opencv 5" if OPENCV_5 else "opencv 4"]


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "hamming", "box", "lanczos"])
def test_files_are_resized_bit_for_bit_as_by_pillow(interpolation: str, keep: bool, both: Any, folder: Path) -> None:
    _, fast, theirs = both()
    for size in ((24, 24), (37, 19), (120, 90), (47, 72)):
        arguments = {"target_size": size, "interpolation": interpolation, "keep_aspect_ratio": keep, "shuffle": False}
        ours, other = (g.flow_from_directory(str(folder), **arguments) for g in (fast, theirs))
        assert_alike(next(ours), next(other), most=0)


def test_nearest_follows_pillow_where_opencv_does_not(monkeypatch: pytest.MonkeyPatch, both: Any, folder: Path) -> None:
    import augline.keras.legacy_files as module

    monkeypatch.setattr(module, "nearest_table", lambda *sides: (nearest_table(*sides)[0], False))
    _, fast, theirs = both()
    arguments = {"target_size": (31, 45), "shuffle": False, "keep_aspect_ratio": True}
    assert_alike(*(next(g.flow_from_directory(str(folder), **arguments)) for g in (fast, theirs)), most=0)


@pytest.mark.parametrize("subset", ["training", "validation"])
def test_subsets_of_a_folder(subset: str, both: Any, folder: Path) -> None:
    exact, _, theirs = both(validation_split=0.4, **MOVING)
    arguments = {"target_size": (20, 20), "subset": subset, "seed": 1, "batch_size": 3}
    flows = [g.flow_from_directory(str(folder), **arguments) for g in (exact, theirs)]
    assert_said(*flows)
    assert_same_run(*flows)


def test_classes_layout_links_and_indexing(both: Any, folder: Path, tmp_path: Path) -> None:
    exact, _, theirs = both(data_format="channels_first", channel_shift_range=20.0)
    (tmp_path / "bee").symlink_to(folder / "bee")
    (tmp_path / "cow").mkdir()
    (tmp_path / "cow" / "more").symlink_to(folder / "cow")
    for root, more in (
        (folder, {"classes": ["owl", "nothing", "bee"]}),
        (tmp_path, {"follow_links": True}),
        (tmp_path, {}),
    ):
        flows = [g.flow_from_directory(str(root), (20, 24), batch_size=4, seed=2, **more) for g in (exact, theirs)]
        assert_said(*flows)
        assert_alike(flows[0][1], flows[1][1])
        assert_same_run(*flows, batches=3)


def test_the_count_is_printed(both: Any, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = []
    for generator in both()[1:]:
        generator.flow_from_directory(str(folder))
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] == "Found 15 images belonging to 3 classes.\n"


@pytest.mark.parametrize(
    ("mode", "y_col", "more"),
    [
        ("categorical", "class", {}), ("categorical", "several", {}),
        ("categorical", "several", {"classes": ["cow", "extra"]}),
        ("sparse", "class", {}), ("sparse", "class", {"classes": ["owl", "bee"]}), ("binary", "two", {}),
        ("binary", "class", {"classes": ["cow", "owl"]}), ("raw", "x", {}), ("raw", "y", {}), ("raw", ["x", "y"], {}),
        ("multi_output", ["x", "y"], {}), ("input", "class", {}), (None, "class", {}),
        ("sparse", "class", {"weight_col": "weight"}), ("raw", "x", {"weight_col": "y"}),
        ("categorical", "class", {"subset": "validation"}), ("raw", "x", {"subset": "training", "weight_col": "y"}),
        ("sparse", "class", {"validate_filenames": False, "shuffle": False}),
    ],
)  # fmt: skip
def test_dataframes(mode: Any, y_col: Any, more: dict[str, Any], both: Any, folder: Path, capsys: Any) -> None:
    rows = table(folder, capsys)
    exact, _, theirs = both(validation_split=0.3, **MOVING)
    arguments = {"y_col": y_col, "class_mode": mode, "target_size": (18, 20), "batch_size": 4, "seed": 5, **more}
    capsys.readouterr()
    flows, printed = [], []
    for generator in (exact, theirs):
        flows.append(generator.flow_from_dataframe(rows, str(folder), **arguments))
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert flows[0].__dict__.get("classes") == flows[1].__dict__.get("classes")
    for name in ("filenames", "filepaths", "samples", "image_shape", "class_indices"):
        assert getattr(flows[0], name, None) == getattr(flows[1], name, None), name
    assert_same_run(*flows)


def test_rows_without_a_file_are_left_out(both: Any, folder: Path, capsys: Any) -> None:
    rows = table(folder, capsys)
    rows = pd.concat([pd.DataFrame({"filename": ["no.jpg", "owl/notes.txt"], "class": ["bee", "bee"]}), rows])
    flows = []
    for generator in both()[1:]:
        with pytest.warns(UserWarning, match="Found 2 invalid image filename"):
            flows.append(generator.flow_from_dataframe(rows, str(folder), batch_size=4, seed=1, target_size=(9, 9)))
    assert flows[0].filenames == flows[1].filenames
    assert_same_run(*flows, batches=2)


def test_any_dataframe_and_absolute_paths(folder: Path, capsys: Any) -> None:
    polars = pytest.importorskip("polars")
    rows = table(folder, capsys)[["filename", "class"]]
    rows["filename"] = [str(folder / name) for name in rows["filename"]]
    flows = [
        ImageDataGenerator().flow_from_dataframe(frame, target_size=(9, 9), shuffle=False)
        for frame in (rows, polars.DataFrame(rows.to_dict("list")))
    ]
    assert_alike(next(flows[0]), next(flows[1]), most=0)


def test_files_written_have_the_names_of_keras(both: Any, folder: Path, tmp_path: Path) -> None:
    exact, _, theirs = both(**MOVING)
    for generator, name in ((exact, "ours"), (theirs, "theirs")):
        (tmp_path / name).mkdir()
        save = {"save_to_dir": str(tmp_path / name), "save_prefix": "aug", "save_format": "jpeg"}
        list(islice(generator.flow_from_directory(str(folder), (20, 20), batch_size=4, seed=1, **save), 2))
    ours, theirs = (sorted(path.name for path in (tmp_path / name).iterdir()) for name in ("ours", "theirs"))
    assert ours == theirs
    assert len(ours) == 8


def test_sixteen_bit_grey_and_damaged_files(both: Any, tmp_path: Path, folder: Path) -> None:
    (tmp_path / "a").mkdir()
    deep = (np.arange(600, dtype=np.uint16).reshape(20, 30) * 100).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "a" / "deep.png")
    _, fast, theirs = both()
    arguments = {"color_mode": "grayscale", "target_size": (20, 30), "class_mode": None}
    batch = next(fast.flow_from_directory(str(tmp_path), **arguments))
    assert_alike(batch, next(theirs.flow_from_directory(str(tmp_path), **arguments)), most=0)
    assert batch.max() > 255
    whole = (folder / "bee" / "0.jpg").read_bytes()
    (tmp_path / "a" / "broken.jpg").write_bytes(whole[: len(whole) // 2])
    for generator in (fast, theirs):
        with pytest.raises(OSError, match="truncated") as caught:
            next(generator.flow_from_directory(str(tmp_path), **arguments))
    with pytest.raises(OSError, match="truncated") as caught:
        next(fast.flow_from_directory(str(tmp_path), **arguments))
    assert "broken.jpg" in caught.value.__notes__[0]


def test_the_same_bytes_for_any_number_of_threads(folder: Path) -> None:
    runs = []
    for workers in (1, 3):
        flow = ImageDataGenerator(**MOVING, workers=workers).flow_from_directory(folder, (40, 30), seed=1, batch_size=7)
        runs.append(b"".join(next(flow)[0].tobytes() for _ in range(5)))
    assert runs[0] == runs[1]


def test_an_empty_folder(both: Any, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    flows = [g.flow_from_directory(str(tmp_path), (8, 8)) for g in both()[1:]]
    assert_said(*flows)
    assert_alike(next(flows[0]), next(flows[1]))
    with pytest.raises(ValueError, match="there must be images"):
        flows[0].blank(1)


def test_several_outputs_are_trained_on(folder: Path) -> None:
    keras = pytest.importorskip("keras")
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.png"))[:5]
    rows = pd.DataFrame({"filename": names, "a": np.arange(len(names)) / 9, "b": np.ones(len(names))})
    flow = ImageDataGenerator(rescale=1 / 255).flow_from_dataframe(
        rows, str(folder), y_col=["a", "b"], class_mode="multi_output", target_size=(8, 8), batch_size=2, seed=1
    )
    image = keras.Input((8, 8, 3))
    seen = keras.layers.GlobalAveragePooling2D()(image)
    model = keras.Model(image, [keras.layers.Dense(1, name=name)(seen) for name in "ab"])
    model.compile("sgd", ["mse", "mse"])
    history = model.fit(flow, validation_data=flow, verbose=0).history
    assert {"a_loss", "val_b_loss"} <= {*history}
    assert type(flow[0][1]) is list

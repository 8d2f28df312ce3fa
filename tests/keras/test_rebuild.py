"""`from_keras_iterator`: Keras's own iterators rebuilt, beside the iterators that they were."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alike import OPENCV_5, assert_alike, gap
from augline.keras import ImageDataGenerator, from_keras_iterator
from augline.keras.image_data_generator import TOLERANCE

MOVING = {"rotation_range": 20, "width_shift_range": 0.1, "height_shift_range": [1, 2], "horizontal_flip": True}
UNMOVED = {"horizontal_flip": True, "vertical_flip": True, "rescale": 1 / 255}
"""What both do to the last bit."""
MOST = TOLERANCE["opencv 5" if OPENCV_5 else "opencv 4"]


def darker(image: np.ndarray) -> np.ndarray:
    return image * 0.5 - image.mean()


def rebuilt(make: Callable[[], Any]) -> tuple[Any, Any]:
    """(ours, Keras's)."""
    ours = from_keras_iterator(make())
    assert ours is not None
    return ours, make()


def assert_same_epochs(ours: Any, theirs: Any, most: float) -> None:
    """By index, as `fit` reads, over two epochs and part of a third."""
    for _ in range(3):
        for index in range(len(theirs)):
            assert_alike(ours[index], theirs[index], most)
        for iterator in (ours, theirs):
            iterator.on_epoch_end()


@pytest.mark.parametrize("way", ["index", "next"])
@pytest.mark.parametrize(
    ("arguments", "most"),
    [
        (UNMOVED, 1e-6), ({**MOVING, "preprocessing_function": darker}, MOST[0] * 2),
        ({**MOVING, "zoom_range": (0.8, 1.1), "shear_range": 5, "fill_mode": "reflect", "rescale": 1 / 255}, 0.002),
        ({"brightness_range": (0.3, 1.6), "channel_shift_range": 20.0}, 2.1),
        ({"samplewise_center": True, "samplewise_std_normalization": True}, 1e-4),
    ],
)  # fmt: skip
def test_arrays(arguments: Any, most: float, way: str, legacy: Any, images: np.ndarray) -> None:
    most = most if OPENCV_5 else most * 160
    targets = np.eye(11)
    ours, theirs = rebuilt(lambda: legacy(**arguments).flow(images, targets, batch_size=4, seed=3,
                                                             sample_weight=np.linspace(0, 1, 11)))  # fmt: skip
    if way == "index":
        assert_same_epochs(ours, theirs, most)
    else:
        for mine, other in zip(islice(ours, 7), islice(theirs, 7), strict=True):
            assert_alike(mine, other, most)


def test_other_inputs_and_a_subset(legacy: Any, images: np.ndarray) -> None:
    def make() -> Any:
        inputs = (images, [np.arange(11), np.arange(22).reshape(11, 2)])
        return legacy(validation_split=0.4, **UNMOVED).flow(inputs, np.arange(11), batch_size=3, seed=1,
                                                            subset="training", ignore_class_split=True)  # fmt: skip

    assert_same_epochs(*rebuilt(make), most=1e-6)


def test_statistics_go_along(legacy: Any, images: np.ndarray) -> None:
    arguments = {"featurewise_center": True, "featurewise_std_normalization": True, "horizontal_flip": True}

    def make() -> Any:
        generator = legacy(**arguments)
        generator.fit(images.astype("float32"))
        return generator.flow(images, batch_size=4, seed=1)

    assert_same_epochs(*rebuilt(make), most=1e-3)


@pytest.mark.parametrize("mode", ["categorical", "binary", "sparse", "input", None])
def test_folders(mode: Any, legacy: Any, folder: Path) -> None:
    def make() -> Any:
        generator = legacy(validation_split=0.3, **UNMOVED)
        return generator.flow_from_directory(str(folder), (20, 30), class_mode=mode, batch_size=4, seed=2,
                                             subset="training", interpolation="bilinear")  # fmt: skip

    ours, theirs = rebuilt(make)
    for name in ("filenames", "filepaths", "class_indices", "samples", "image_shape", "class_mode", "num_classes"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert_same_epochs(ours, theirs, most=1e-6)


def test_a_moving_folder(legacy: Any, folder: Path) -> None:
    ours, theirs = rebuilt(
        lambda: legacy(**MOVING).flow_from_directory(str(folder), (64, 70), batch_size=4, seed=2, color_mode="rgb")
    )
    assert gap(ours, theirs, batches=6, unit=255.0) <= MOST


@pytest.mark.parametrize(
    ("mode", "y_col"), [("sparse", "class"), ("categorical", "several"), ("raw", ["x", "y"]), ("raw", "x"),
                        ("multi_output", ["x", "y"]), ("input", "class"), (None, "class")]
)  # fmt: skip
@pytest.mark.parametrize("weight", [None, "w"])
def test_dataframes(mode: Any, y_col: Any, weight: Any, legacy: Any, folder: Path) -> None:
    names = [str(path.relative_to(folder)) for path in sorted(folder.glob("bee/**/*.*"))]
    names += [str(path.relative_to(folder)) for path in sorted(folder.glob("owl/*.jpg"))][: 5 - len(names)]
    rows = pd.DataFrame({
        "filename": names, "class": list("abcab"), "several": [["a"], ["a", "b"], "b", ("c",), "a"],
        "x": np.arange(5) * 0.5, "y": np.arange(5), "w": np.linspace(0, 1, 5),
    })  # fmt: skip

    def make() -> Any:
        return legacy(**UNMOVED).flow_from_dataframe(rows, str(folder), y_col=y_col, class_mode=mode, weight_col=weight,
                                                     target_size=(12, 14), batch_size=2, seed=6)  # fmt: skip

    assert_same_epochs(*rebuilt(make), most=1e-6)


def test_files_written(legacy: Any, images: np.ndarray, tmp_path: Path) -> None:
    for name, turn in (("ours", from_keras_iterator), ("theirs", lambda iterator: iterator)):
        (tmp_path / name).mkdir()
        flow = turn(legacy(**UNMOVED).flow(images, batch_size=4, seed=1, save_to_dir=str(tmp_path / name)))
        for _ in range(2):
            for index in range(len(flow)):
                flow[index]
            flow.on_epoch_end()
    ours, theirs = ({path.name: path.read_bytes() for path in (tmp_path / n).iterdir()} for n in ("ours", "theirs"))
    assert ours.keys() == theirs.keys()
    assert len(ours) == 22


def test_layout_and_type(legacy: Any, images: np.ndarray) -> None:
    x = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    ours, theirs = rebuilt(
        lambda: legacy(data_format="channels_first", dtype="float64", horizontal_flip=True).flow(x, seed=1)
    )
    assert_same_epochs(ours, theirs, most=1e-6)
    assert ours[0].dtype == np.float64


def test_what_cannot_be_rebuilt_is_left_to_keras(legacy: Any, images: np.ndarray) -> None:
    class Own(legacy):  # type: ignore[misc, valid-type]
        """Whatever it does."""

    altered = legacy()
    altered.standardize = lambda x: x * 0
    weighted = legacy(validation_split=0.5).flow(images, np.zeros(11), sample_weight=np.arange(11), subset="training")
    unknown = legacy(fill_mode="edge").flow(images)
    for iterator in (Own().flow(images), altered.flow(images), weighted, unknown):
        assert from_keras_iterator(iterator) is None
    for other in (ImageDataGenerator().flow(images), [images], "no iterator", None):
        assert from_keras_iterator(other) is None

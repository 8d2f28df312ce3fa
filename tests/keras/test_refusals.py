"""What cannot be is refused with the error that Keras raises, and what warns there warns here."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from augline.errors import ArgumentError, EngineError
from augline.keras import ImageDataGenerator

X = np.zeros((6, 8, 9, 3), "float32")
ROWS = pd.DataFrame({"filename": ["a.jpg", "b.jpg"], "class": ["a", "b"], "number": [1, 2], "one": ["a", "a"]})
Make = Callable[..., Any]


def frame(**more: Any) -> Callable[[Make], Any]:
    return lambda make: make(validation_split=0.5).flow_from_dataframe(ROWS, **{"validate_filenames": False, **more})


def folder(**more: Any) -> Callable[[Make], Any]:
    return lambda make: make(validation_split=0.5).flow_from_directory(".", **more)


REFUSED: dict[str, Callable[[Make], Any]] = {
    "data_format": lambda make: make(data_format="rows"),
    "validation_split": lambda make: make(validation_split=1.5),
    "zoom of three": lambda make: make(zoom_range=(1, 2, 3)),
    "zoom of words": lambda make: make(zoom_range=("a", "b")),
    "brightness": lambda make: make(brightness_range=0.5),
    "brightness of three": lambda make: make(brightness_range=(1, 2, 3)),
    "unknown argument": lambda make: make(rotation=3),
    "rank": lambda make: make().flow(X[0]),
    "length of y": lambda make: make().flow(X, np.arange(5)),
    "length of weights": lambda make: make().flow(X, np.arange(6), sample_weight=np.arange(5)),
    "length of other inputs": lambda make: make().flow((X, np.arange(4))),
    "subset of arrays": lambda make: make(validation_split=0.5).flow(X, subset="test"),
    "classes of the split": lambda make: make(validation_split=0.5).flow(X, [0, 0, 0, 1, 1, 1], subset="training"),
    "flow workers": lambda make: make().flow(X, workers=4),
    "no such folder": lambda make: make().flow_from_directory("/no/such/folder"),
    "folder class mode": folder(class_mode="raw"),
    "folder subset": folder(subset="test"),
    "color mode": folder(color_mode="bgr"),
    "dataframe class mode": frame(class_mode="other one"),
    "names that are numbers": frame(x_col="number"),
    "classes that are numbers": frame(y_col="number", class_mode="sparse"),
    "categories that are numbers": frame(y_col="number"),
    "binary of one": frame(y_col="one", class_mode="binary"),
    "binary of three": frame(classes=["a", "b", "c"], class_mode="binary"),
    "one output": frame(class_mode="multi_output"),
    "weights that are words": frame(weight_col="class"),
    "dataframe subset": frame(subset="test"),
    "apply to two dimensions": lambda make: make(rotation_range=1).apply_transform(X[0, 0], {"theta": 1}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_as_by_keras(name: str, legacy: Any) -> None:
    with pytest.raises(Exception) as theirs:  # noqa: PT011 - whatever Keras raises
        REFUSED[name](legacy)
    with pytest.raises(theirs.type) as ours:
        REFUSED[name](ImageDataGenerator)
    named = {word.strip("`'\",.:;()[]{}=") for word in str(theirs.value).split() if "_" in word or "`" in word}
    assert not named or any(word in str(ours.value) for word in named), (str(ours.value), str(theirs.value))


@pytest.mark.parametrize(
    ("arguments", "word"),
    [({"fill_mode": "edge"}, "edge"), ({"interpolation_order": 6}, "6"), ({"workers": 0}, "whole number from 1")],
)
def test_refused_early(arguments: dict[str, Any], word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        ImageDataGenerator(**arguments)


def test_a_function_that_changes_the_shape() -> None:
    flow = ImageDataGenerator(preprocessing_function=lambda x: x[:4]).flow(X)
    with pytest.raises(ArgumentError, match="preprocessing_function"):
        next(flow)


def test_a_batch_of_nothing_and_an_unknown_filter(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="batch_size"):
        ImageDataGenerator().flow(X, batch_size=0)
    with pytest.raises(ArgumentError, match="Invalid interpolation method cubic"):
        ImageDataGenerator().flow_from_directory(tmp_path, interpolation="cubic")


def test_exact_without_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(EngineError, match="pip install scipy"):
        next(ImageDataGenerator(rotation_range=9, exact=True).flow(X))


WARNED: dict[str, Callable[[Make], Any]] = {
    "zca": lambda make: make(zca_whitening=True),
    "zca and std": lambda make: make(zca_whitening=True, featurewise_center=True, featurewise_std_normalization=True),
    "std": lambda make: make(featurewise_std_normalization=True),
    "sample std": lambda make: make(samplewise_std_normalization=True),
    "channels": lambda make: make().flow(np.zeros((4, 5, 6, 2))),
    "fit channels": lambda make: make().fit(np.zeros((4, 5, 6, 2))),
    "has_ext": frame(has_ext=True),
    "sort": frame(sort=False),
    "drop_duplicates": frame(drop_duplicates=True),
    "other": frame(class_mode="other", y_col="number"),
    "unused classes": frame(classes=["a"], class_mode="raw", y_col="number"),
}


@pytest.mark.parametrize("name", WARNED)
def test_warned_as_by_keras(name: str, legacy: Any) -> None:
    caught = []
    for make in (legacy, ImageDataGenerator):
        with warnings.catch_warnings(record=True) as those:
            warnings.simplefilter("always")
            made = WARNED[name](make)
        caught.append([warning.category for warning in those])
        settings = getattr(made, "image_data_generator", made)
        if settings is not None:
            names = ("featurewise_center", "featurewise_std_normalization", "samplewise_center")
            caught[-1].append([getattr(settings, argument) for argument in names])
    assert caught[0] == caught[1]
    assert len(caught[0]) > 0


def test_an_argument_that_never_was_warns() -> None:
    with pytest.warns(UserWarning, match="no such argument"):
        frame(shufle=True)(ImageDataGenerator)

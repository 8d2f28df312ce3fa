"""`to_pipeline`: the same data and ranges as an augline Pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from augline import Pipeline
from augline.errors import ArgumentError
from augline.keras import ImageDataGenerator

EVERYTHING = {
    "rotation_range": 30, "width_shift_range": 0.2, "height_shift_range": [1, 2], "shear_range": 10, "zoom_range": 0.3,
    "channel_shift_range": 20.0, "brightness_range": (0.5, 1.5), "horizontal_flip": True, "vertical_flip": True,
    "rescale": 1 / 255,
}  # fmt: skip


def test_arrays(images: np.ndarray) -> None:
    flow = ImageDataGenerator(**EVERYTHING).flow(images, np.arange(11), batch_size=4, seed=3)
    pipe = flow.to_pipeline()
    assert (len(pipe), pipe.seed, pipe.batch_size) == (3, 3, 4)
    batches = list(pipe)
    assert batches[0][0].shape == (4, *images.shape[1:])
    assert batches[0][0].dtype == np.float32
    assert 0 <= batches[0][0].min() < batches[0][0].max() <= 1
    assert sorted(np.concatenate([labels for _, labels in batches]).tolist()) == list(range(11))


def test_everything_goes_to_yaml_and_back(folder: Path) -> None:
    flow = ImageDataGenerator(**EVERYTHING).flow_from_directory(folder, (40, 60), batch_size=4, seed=3)
    pipe = flow.to_pipeline()
    again = Pipeline.from_yaml(pipe.to_yaml())
    assert again.transforms == pipe.transforms
    for mine, other in zip(pipe, again, strict=True):
        np.testing.assert_array_equal(mine[0], other[0])


def test_brightness_multiplies(images: np.ndarray) -> None:
    generator = ImageDataGenerator(brightness_range=(0.5, 0.5))
    batch = next(iter(generator.flow(images, batch_size=11, shuffle=False).to_pipeline()))
    np.testing.assert_allclose(batch, images * 0.5, atol=0.51)


@pytest.mark.parametrize("mode", ["categorical", "sparse", "binary", None])
def test_folders_without_augmentation_give_the_images(mode: Any, folder: Path) -> None:
    flow = ImageDataGenerator(rescale=1 / 255).flow_from_directory(folder, (40, 60), class_mode=mode, shuffle=False)
    batch, legacy = next(iter(flow.to_pipeline())), next(flow)
    if mode is not None:
        np.testing.assert_array_equal(batch[1], legacy[1])
        batch, legacy = batch[0], legacy[0]
    assert np.abs(batch - legacy).mean() < 0.05  # bilinear and antialiased where Keras takes the nearest


def test_dataframes_and_weights(folder: Path) -> None:
    rows = pd.DataFrame({"filename": ["bee/0.jpg", "cow/1.jpg"], "x": [0.5, 1.5], "w": [1.0, 2.0]})
    options: dict[str, Any] = {"target_size": (8, 9), "shuffle": False, "keep_aspect_ratio": True, "class_mode": "raw"}
    flow = ImageDataGenerator().flow_from_dataframe(rows, folder, y_col="x", weight_col="w", **options)
    images, labels, weights = next(iter(flow.to_pipeline()))
    assert images.shape == (2, 8, 9, 3)
    assert images.max() > 1
    assert labels.tolist() == [0.5, 1.5]
    assert weights.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("of", [("featurewise",), ("samplewise",), ("samplewise", "featurewise")])
@pytest.mark.parametrize("deviation", [False, True])
def test_statistics(images: np.ndarray, of: tuple[str, ...], deviation: bool) -> None:
    switches = {f"{kind}_center": True for kind in of} | {f"{kind}_std_normalization": deviation for kind in of}
    generator = ImageDataGenerator(**switches, rescale=1 / 255)
    generator.fit(images)
    flow = generator.flow(images, batch_size=11, shuffle=False)
    np.testing.assert_allclose(next(iter(flow.to_pipeline())), next(flow), atol=1e-4)


@pytest.mark.parametrize("arguments", [{"preprocessing_function": np.negative}, {"zca_whitening": True}])
@pytest.mark.filterwarnings("ignore:.*overrides setting:UserWarning")
def test_what_a_pipeline_lacks_is_refused(arguments: dict[str, Any], images: np.ndarray) -> None:
    with pytest.raises(ArgumentError, match=next(iter(arguments))):
        ImageDataGenerator(**arguments).flow(images).to_pipeline()


def test_other_inputs_are_refused(images: np.ndarray, folder: Path) -> None:
    with pytest.raises(ArgumentError, match="x"):
        ImageDataGenerator().flow((images, np.arange(11))).to_pipeline()
    with pytest.raises(ArgumentError, match="class_mode"):
        ImageDataGenerator().flow_from_directory(folder, class_mode="input").to_pipeline()

"""What docs/image_data_generator_divergences.toml says of Keras and of us is true of both."""

# ruff: noqa: NPY002 - the legacy generator is what is tested
from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from augline.keras import ImageDataGenerator

PAGE = Path(__file__).parents[2] / "docs" / "image_data_generator_divergences.toml"
LISTED = tomllib.loads(PAGE.read_text())["divergence"]
X = np.random.default_rng(0).uniform(0, 255, (6, 12, 14, 3)).astype("float32")


def fast_pixels(legacy: Any, folder: Path) -> None:
    ours, theirs = (next(make(rotation_range=30).flow(X, seed=1)) for make in (ImageDataGenerator, legacy))
    assert 0 < np.abs(ours - theirs).max() < 8


def global_generator(legacy: Any, folder: Path) -> None:
    for make, moved in ((ImageDataGenerator, False), (legacy, True)):
        np.random.seed(1)
        before = np.random.get_state()[1].copy()
        next(make().flow(X, seed=2))
        assert (np.random.get_state()[1] != before).any() == moved


def random_preprocessing(legacy: Any, folder: Path) -> None:
    for make, repeats in ((ImageDataGenerator, False), (legacy, True)):
        flows = [make(preprocessing_function=lambda x: x + np.random.random()).flow(X, seed=2) for _ in range(2)]
        assert np.array_equal(next(flows[0]), next(flows[1])) == repeats


def unfinished_epochs(legacy: Any, folder: Path) -> None:
    import keras

    class Recorder(keras.Model):
        def train_step(self, data: Any) -> Any:
            seen.extend(data[1].numpy().tolist())
            return {"loss": 0.0}

    images = np.zeros((400, 2, 2, 1), "float32")
    for make, once in ((ImageDataGenerator, True), (legacy, False)):
        seen: list[int] = []
        model = Recorder()
        model.compile(run_eagerly=True)
        flow = make().flow(images, np.arange(400), batch_size=4, seed=1)
        model.fit(flow, steps_per_epoch=50, epochs=2, shuffle=False, verbose=0)
        assert len(seen) == 400
        assert (len(set(seen)) == 400) == once


def several_inputs_and_outputs(legacy: Any, folder: Path) -> None:
    import keras

    inputs = [keras.Input(X.shape[1:]), keras.Input((1,))]
    found = keras.layers.Concatenate()([keras.layers.GlobalAveragePooling2D()(inputs[0]), inputs[1]])
    model = keras.Model(inputs, keras.layers.Dense(1)(found))
    model.compile("sgd", "mse", jit_compile=False)
    for make, trains in ((ImageDataGenerator, True), (legacy, False)):
        flow = make(rescale=1 / 255).flow((X, np.arange(6.0)[:, None]), np.zeros(6), batch_size=4, seed=1)
        assert type(next(flow)[0]) is list
        assert type(flow[0][0]) is list
        if trains:
            assert np.isfinite(model.fit(flow, verbose=0).history["loss"]).all()
        else:
            with pytest.raises(TypeError, match="found <class 'list'>"):
                model.fit(flow, verbose=0)


def no_seed(legacy: Any, folder: Path) -> None:
    np.random.seed(3)
    flow = ImageDataGenerator(rotation_range=20).flow(X)
    assert "(drawn)" in repr(flow)
    np.random.seed(3)
    np.random.random()
    other = ImageDataGenerator(rotation_range=20).flow(X)
    assert flow.drawn_seed != other.drawn_seed


def brightness_channels_first(legacy: Any, folder: Path) -> None:
    x = np.ascontiguousarray(X.transpose(0, 3, 1, 2))
    arguments = {"brightness_range": (0.5, 1.5), "data_format": "channels_first"}
    with pytest.raises(ValueError, match="Unsupported channel number"):
        next(legacy(**arguments).flow(x, seed=1))
    same = ImageDataGenerator(brightness_range=(0.5, 1.5)).flow(X, seed=1)
    np.testing.assert_array_equal(
        next(ImageDataGenerator(**arguments).flow(x, seed=1)).transpose(0, 2, 3, 1), next(same)
    )


def weights_of_a_subset(legacy: Any, folder: Path) -> None:
    for make, first in ((ImageDataGenerator, 3), (legacy, 0)):
        generator = make(validation_split=0.5)
        flow = generator.flow(X, np.arange(6), sample_weight=np.arange(6), subset="training", shuffle=False,
                              ignore_class_split=True)  # fmt: skip
        assert next(flow)[2].tolist() == [first, first + 1, first + 2]


def dataframe_aspect_ratio(legacy: Any, folder: Path) -> None:
    rows = pd.DataFrame({"filename": ["bee/0.jpg"]})
    arguments = {"class_mode": None, "target_size": (20, 20)}
    for make, ignored in ((ImageDataGenerator, False), (legacy, True)):
        kept, plain = (
            next(make().flow_from_dataframe(rows, str(folder), keep_aspect_ratio=keep, **arguments))
            for keep in (True, False)
        )
        assert np.array_equal(kept, plain) == ignored


def early_refusal(legacy: Any, folder: Path) -> None:
    for arguments in ({"fill_mode": "edge"}, {"interpolation_order": 9}):
        flow = legacy(rotation_range=9, **arguments).flow(X)
        with pytest.raises(Exception, match=r"."):
            next(flow)
        with pytest.raises(ValueError, match="must be"):
            ImageDataGenerator(**arguments)


def workers_told_to_keras(legacy: Any, folder: Path) -> None:
    for make, told in ((ImageDataGenerator, 1), (legacy, 4)):
        flow = make().flow(X)
        flow.workers = 4
        assert flow.workers == told
    assert ImageDataGenerator(workers=4).flow(X).threads == 4


def uneven_batches(legacy: Any, folder: Path) -> None:
    """Shown by test_strategy.py, which needs two devices."""
    assert "fit of Keras's" in (Path(__file__).parent / "under_strategy.py").read_text()


CHECKS: dict[str, Callable[[Any, Path], None]] = {
    check.__name__: check
    for check in (
        fast_pixels, global_generator, random_preprocessing, no_seed, brightness_channels_first, weights_of_a_subset,
        dataframe_aspect_ratio, early_refusal, workers_told_to_keras, uneven_batches,
        unfinished_epochs, several_inputs_and_outputs,
    )
}  # fmt: skip


def test_every_check_is_listed_once() -> None:
    assert sorted(entry["check"] for entry in LISTED) == sorted(CHECKS)
    assert all({*entry} == {"about", "keras", "augline", "reason", "check"} for entry in LISTED)


@pytest.mark.parametrize("name", CHECKS)
def test_what_is_said_is_true(name: str, legacy: Any, folder: Path) -> None:
    CHECKS[name](legacy, folder)

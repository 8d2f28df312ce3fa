"""The layer against `augment` on the reference engine, on Keras's backend; other backends in processes of their own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import augline as al
import fresh
from augline import targets
from pictures import smooth

keras = pytest.importorskip("keras")
from augline.keras import Augment  # noqa: E402  needs Keras

# Keras's own way to turn a variable into an array
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

HERE = Path(__file__).parent
BACKEND = keras.backend.backend()
ROWS, HEIGHT, WIDTH = 5, 37, 52
GEOMETRY = (al.RandomFlip("horizontal"), al.RandomRotation(0.1), al.RandomZoom(0.2))
LIST = (*GEOMETRY, al.RandomContrast(0.3), al.RandomBrightness(0.2))


@pytest.fixture(scope="module")
def images() -> NDArray[np.uint8]:
    return np.stack([smooth(HEIGHT, WIDTH, seed=seed) for seed in range(ROWS)])


def array(tensor: Any) -> NDArray[Any]:
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def wanted(images: NDArray[Any], transforms: Any, step: int, **more: Any) -> Any:
    return al.augment(images, transforms, seed=7, epoch=step, ids=range(len(images)), engine="reference", **more)


def model(layer: Any, dtype: str = "uint8") -> Any:
    parts = [
        keras.Input((HEIGHT, WIDTH, 3), dtype=dtype), layer, keras.layers.Rescaling(1 / 255),
        keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3),
    ]  # fmt: skip
    made = keras.Sequential(parts)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    made.compile("sgd", loss, jit_compile=BACKEND != "torch")
    return made


def test_each_step_is_an_epoch_of_augment(images: NDArray[np.uint8]) -> None:
    layer = Augment(LIST, seed=7)
    for step in range(2):
        got, want = array(layer(images, training=True)), wanted(images, LIST, step)
        assert got.dtype == np.uint8
        assert np.abs(got.astype(int) - want).max() <= 1
        assert (got != want).mean() < 1e-3
        assert not np.array_equal(got[0], images[0])
    assert int(array(layer.step)) == 2
    # a step that was set is a step
    layer.step.assign(1)
    assert np.array_equal(array(layer(images, training=True)), got)


def test_schedules_go_by_steps_per_epoch(images: NDArray[np.uint8]) -> None:
    turn = al.RandomRotation(al.linear((0.0, 0.0), (0.2, 0.2), epochs=2), fill_mode="constant")
    work = [turn, al.OneOf([al.RandomInvert(al.steps({0: (0.0, 0.0), 2: (1.0, 1.0)}))])]
    layer = Augment(work, seed=7, steps_per_epoch=3)
    layer = Augment.from_config(layer.get_config())
    for step, (angle, inverted) in {2: (0.0, 0.0), 3: (0.1, 0.0), 6: (0.2, 1.0), 99: (0.2, 1.0)}.items():
        layer.step.assign(step)
        plain = [al.RandomRotation((angle, angle), fill_mode="constant"), al.OneOf([al.RandomInvert((inverted,) * 2)])]
        got, want = array(layer(images, training=True)), wanted(images, plain, step)
        assert np.abs(got.astype(int) - want).max() <= 1
    with pytest.raises(al.ArgumentError, match=r"Augment\(RandomRotation\(factor=.*Pass steps_per_epoch=len"):
        Augment(work)
    with pytest.raises(al.ArgumentError, match="steps_per_epoch must be a whole number"):
        Augment(work, steps_per_epoch=0)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="counts traces of tf.function")
def test_there_is_one_compiled_program_for_each_shape(images: NDArray[np.uint8]) -> None:
    layer = Augment([al.RandomFlip(p=1.0)], seed=7)
    for batch in (images, images, images[:2], images[:2]):
        layer(batch, training=True)
    assert layer._work[True]._carried.experimental_get_tracing_count() == 2


def test_nothing_random_happens_in_inference(images: NDArray[np.uint8]) -> None:
    layer = Augment([*GEOMETRY, al.Resizing(20, 24), al.Rescaling(1 / 255)], seed=7)
    got = array(layer(images, training=False))
    want = al.augment(images, [al.Resizing(20, 24), al.Rescaling(1 / 255)], engine="reference")
    assert np.abs(got - want).max() < 1e-5
    assert int(array(layer.step)) == 0
    still = Augment(GEOMETRY)
    assert np.array_equal(array(still(images, training=False)), images)
    assert array(still(images.astype("float16") / 255, training=False)).dtype == np.float32


def test_masks_and_boxes_go_where_the_image_goes(images: NDArray[np.uint8]) -> None:
    transforms = [
        al.RandomRotation(0.1, fill_mode="constant", mask_fill_value=9),
        al.RandomGaussianBlur((1.0, 1.0)),  # keeps the two warps apart, so that boxes are cut at the frame between
        al.RandomCrop(30, 40),
        al.CoarseDropout((1, 3), (0.2, 0.6), (0.2, 0.6), mask_fill_value=7),
    ]
    masks = (images[..., 0] > 100).astype("int32")
    dense = np.full((ROWS, 3, 4), -1, np.float32)
    dense[:, :2] = [[2, 3, 20, 30], [38, 20, 52, 37]]
    labels = np.tile(np.asarray([4, 5, -1], np.int32), (ROWS, 1))
    layer = Augment(transforms, seed=7, box_filter=al.BoxFilter(min_visibility=0.3))
    data = {
        "images": images,
        "segmentation_masks": {"classes": masks, "parts": masks[..., None].astype("uint8")},
        "bounding_boxes": {"boxes": dense, "labels": labels},
        "labels": np.arange(ROWS),
    }
    got = keras.tree.map_structure(array, layer(data, training=True))
    want = wanted(
        images, transforms, 0, masks=masks, boxes=[*dense[:, :2]], labels=[*labels[:, :2]],
        box_filter=al.BoxFilter(min_visibility=0.3),
    )  # fmt: skip
    assert np.abs(got["images"].astype(int) - want["images"]).max() <= 1
    assert got["segmentation_masks"]["classes"].dtype == np.int32
    assert {0, 1, 7, 9} == {*np.unique(want["masks"]).tolist()}
    assert np.array_equal(got["segmentation_masks"]["classes"], want["masks"])
    assert np.array_equal(got["segmentation_masks"]["parts"][..., 0], want["masks"])
    padded = targets.pad_boxes(want["boxes"], want["labels"], 3)
    assert np.abs(got["bounding_boxes"]["boxes"] - padded["boxes"]).max() < 1e-3
    assert np.array_equal(got["bounding_boxes"]["labels"], padded["labels"])
    assert (padded["labels"] == -1).sum() > ROWS  # some went
    assert np.array_equal(got["labels"], data["labels"])


@pytest.fixture(scope="module")
def trained(images: NDArray[np.uint8]) -> Any:
    made = model(Augment(LIST, seed=7, box_filter=al.BoxFilter(min_area=4)))
    made.fit(images[:4], np.arange(4) % 3, batch_size=4, epochs=3, verbose=0)
    return made


def test_a_model_trains_with_it_and_resumes_where_it_stood(
    trained: Any, images: NDArray[np.uint8], tmp_path: Path
) -> None:
    assert int(array(trained.layers[0].step)) == 3
    trained.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    layer = loaded.layers[0]
    assert layer.get_config() == trained.layers[0].get_config()
    assert (layer.transforms, layer.seed, layer.box_filter) == (LIST, 7, al.BoxFilter(min_area=4))
    want = wanted(images, LIST, 3)
    assert np.abs(array(layer(images, training=True)).astype(int) - want).max() <= 1


def test_predictions_are_the_same_every_time(trained: Any, images: NDArray[np.uint8]) -> None:
    before = int(array(trained.layers[0].step))
    one, other = (trained.predict(images, verbose=0) for _ in range(2))
    assert np.array_equal(one, other)
    assert int(array(trained.layers[0].step)) == before


@pytest.mark.skipif(BACKEND != "tensorflow", reason="a SavedModel is TensorFlow's")
@pytest.mark.parametrize("nested", [False, True])
def test_what_keras_exports_is_still(images: NDArray[np.uint8], nested: bool, tmp_path: Path) -> None:
    """Keras's own random layers go on drawing there."""
    import tensorflow as tf

    layer = Augment(LIST)
    made = model(keras.Sequential([keras.Input(images.shape[1:], dtype="uint8"), layer]) if nested else layer)
    made.export(tmp_path / "model", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "model"))
    for _ in range(2):
        np.testing.assert_allclose(array(served.serve(images)), made.predict(images, verbose=0), atol=1e-5)
    assert int(layer.step) == 0


def test_layers_behind_it_do_not_train_because_it_does(images: NDArray[np.uint8]) -> None:
    class Plain(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.parts = [Augment([al.RandomFlip()]), keras.layers.Rescaling(1.0), keras.layers.Dropout(0.9)]

        def call(self, data: Any) -> Any:
            for part in self.parts:
                data = part(data)
            return data

    assert array(Plain()(images)).max() <= 255, "dropout that trains multiplies what is left by ten"


def test_float_images_beyond_their_range_are_refused_or_warned_of(images: NDArray[np.uint8]) -> None:
    floats = images.astype("float32")
    with pytest.raises(al.ArgumentError, match=r"Received values from \d+ to 2\d\d. Pass value_range=\(0, 255\)"):
        Augment(LIST)(floats, training=True)
    assert array(Augment(LIST, value_range=(0, 255))(floats, training=True)).max() > 1
    with pytest.warns(UserWarning, match=r"images of float32 are taken to range from 0 to 1.*value_range"):
        model(Augment(LIST), dtype="float32")
    model(Augment(LIST, value_range=(0, 255)), dtype="float32")


def test_training_draws_are_those_of_augment(images: NDArray[np.uint8]) -> None:
    """What the model saw, told by a layer behind that keeps each channel's mean in its moving average."""
    keeper = keras.layers.BatchNormalization(momentum=0.0)
    made = keras.Sequential([
        keras.Input((HEIGHT, WIDTH, 3), dtype="float32"), Augment(LIST, seed=7, value_range=(0, 255)), keeper,
        keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1),
    ])  # fmt: skip
    made.compile("sgd", "mse", jit_compile=BACKEND != "torch")
    made.fit(images.astype("float32"), np.zeros(ROWS), batch_size=ROWS, epochs=2, verbose=0, shuffle=False)
    want = wanted(images.astype("float32"), LIST, 1, value_range=(0, 255)).mean(axis=(0, 1, 2))
    assert np.abs(array(keeper.moving_mean) - want).max() < 0.05
    assert np.abs(want - images.mean(axis=(0, 1, 2))).max() > 1


def test_shapes_and_types_are_known_beforehand() -> None:
    inputs = {
        "images": keras.Input((HEIGHT, WIDTH, 3), dtype="uint8", name="images"),
        "segmentation_masks": keras.Input((HEIGHT, WIDTH), dtype="int32", name="segmentation_masks"),
        "bounding_boxes": {"boxes": keras.Input((6, 4)), "labels": keras.Input((6,), dtype="int32")},
    }
    outputs = Augment([al.RandomCrop(20, 24), al.Rescaling(1 / 255)])(inputs)
    keras.Model(inputs, outputs)
    assert (outputs["images"].shape, outputs["images"].dtype) == ((None, 20, 24, 3), "float32")
    assert (outputs["segmentation_masks"].shape, outputs["segmentation_masks"].dtype) == ((None, 20, 24), "int32")
    assert {key: part.shape for key, part in outputs["bounding_boxes"].items()} == {
        "boxes": (None, 6, 4), "labels": (None, 6),
    }  # fmt: skip
    assert Augment([al.CenterCrop(20, 24)]).compute_output_shape((8, 40, 40, 1)) == (8, 20, 24, 1)


def test_lists_that_need_a_pipeline_are_refused_by_name() -> None:
    refused = {
        "Map": al.Map(np.negative),
        "MixUp": al.MixUp(0.2),
        "RandomIoUCrop": al.RandomIoUCrop(),
    }
    for name, item in refused.items():
        with pytest.raises(al.EngineError, match=rf"Augment.*{name}.*Pipeline"):
            Augment([al.OneOf([al.RandomFlip(), item])] if name != "MixUp" else [item])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((2, 3, 40, 52), "uint8"), "channels come last.*as if channels came first"),
        (np.zeros((2, 40, 52, 3), "int32"), "uint8, uint16 or floating point. Received int32"),
        (np.zeros((40, 52, 3), "uint8"), r"\(batch, height, width, channels\)"),
        ({"image": np.zeros((2, 40, 52, 3), "uint8")}, "no key 'image'.*Did you mean 'images'"),
        ({"images": np.zeros((2, 40, 52, 3), "uint8"), "keypoints": np.zeros((2, 1, 2))}, "no key 'keypoints'"),
        (
            {"images": np.zeros((2, 40, 52, 3), "uint8"), "segmentation_masks": np.zeros((2, 52, 40), "uint8")},
            "masks must be",
        ),
        (
            {"images": np.zeros((2, 40, 52, 3), "uint8"), "bounding_boxes": np.zeros((2, 1, 4))},
            "dict of boxes and labels",
        ),
    ],
)
def test_data_of_the_wrong_kind_is_refused(data: Any, message: str) -> None:
    with pytest.raises(al.ArgumentError, match=message):
        Augment([al.RandomFlip()])(data, training=True)


def test_what_cannot_be_is_refused_when_it_is_known() -> None:
    with pytest.raises(al.ArgumentError, match="size of images must be known"):
        Augment([al.RandomFlip()])(keras.Input((None, None, 3), dtype="uint8"))
    with pytest.raises(al.ArgumentError, match="come out in one size"):
        Augment([al.RandomRotate90()])(keras.Input((40, 52, 3), dtype="uint8"))
    for item in (al.RandomGaussianBlur(), al.RandomHue(0.1)):
        with pytest.raises(al.EngineError, match=f"{type(item).__name__} behind RandomZoomOut"):
            Augment([al.RandomZoomOut(), item, al.Resizing(30, 30)])(keras.Input((40, 52, 3), dtype="uint8"))
    with pytest.raises(al.ArgumentError, match="uint8 images range over"):
        Augment([al.RandomFlip()], value_range=(0, 1))(keras.Input((40, 52, 3), dtype="uint8"))
    with pytest.raises(al.ArgumentError, match="data_format must be one of 'channels_last'"):
        Augment([al.RandomFlip()], data_format="channels_first")
    with pytest.raises(al.ArgumentError, match="seed must be an int"):
        Augment([al.RandomFlip()], seed=-1)
    with pytest.raises(al.ArgumentError, match="bounding_box_format must be one of"):
        Augment([al.RandomFlip()], bounding_box_format="xxyy")


@pytest.mark.skipif(BACKEND != "tensorflow", reason="a strategy of TensorFlow's")
def test_replicas_share_no_draw() -> None:
    """On two devices in a process of its own: identical images, and the draws of one device for all of them."""
    done = fresh.run(HERE / "layer_under_strategy.py")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report == {"different": 8, "most": 1, "steps": [2, 2], "trained": 3}


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends(backend: str) -> None:
    if BACKEND != "tensorflow" or importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    _run([sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", __file__], KERAS_BACKEND=backend)


def _run(command: list[str], **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", **more}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done

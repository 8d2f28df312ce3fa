"""With ranges collapsed to one value, each transform gives what the installed Keras layer of that name gives.

`docs/keras_divergences.toml` says where Keras is wrong, or differs on purpose; each of its claims is tested here as
well, so that it cannot outlive the Keras it speaks of.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import augline as al

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("keras")
layers = keras.layers

Images = NDArray[Any]
FAULTS = tomllib.loads((Path(__file__).parents[2] / "docs" / "keras_divergences.toml").read_text())["divergence"]


def ours(photos: Images, *transforms: al.Transform, engine: str = "reference", **options: Any) -> NDArray[np.float64]:
    """Before the last rounding, so that a difference is one of meaning."""
    return np.asarray(al.augment(photos, [*transforms, al.Rescaling(1.0)], engine=engine, **options), np.float64)


def theirs(layer: Any, images: Images, transformation: Any = None) -> NDArray[np.float64]:
    floats = tf.constant(images, tf.float32)
    if transformation is None:
        return np.asarray(layer(floats, training=True), np.float64)
    return np.asarray(layer.transform_images(floats, transformation, training=True), np.float64)


def apart(a: Images, b: Images) -> tuple[float, float]:
    assert a.shape == b.shape
    difference = np.abs(a - b)
    return float(difference.mean()), float(difference.max())


def assert_same(a: Images, b: Images, mean: float = 0.01, most: float = 1.0) -> None:
    found = apart(a, b)
    assert found[0] <= mean, found
    assert found[1] <= most, found


@pytest.mark.parametrize("mode", ["horizontal", "vertical", "horizontal_and_vertical"])
def test_flip(photos: Images, mode: str) -> None:
    always = {"flips": np.ones((3, 1, 1, 1), bool), "input_shape": photos.shape}
    assert_same(ours(photos, al.RandomFlip(mode, p=1)), theirs(layers.RandomFlip(mode), photos, always), 0, 0)


@pytest.mark.parametrize("fill", ["reflect", "wrap", "constant", "nearest"])
@pytest.mark.parametrize("factor", [17 / 360, -0.21])
def test_rotation(photos: Images, factor: float, fill: str) -> None:
    options = {"fill_mode": fill, "fill_value": 90.0}
    layer = layers.RandomRotation((factor, factor), **options)
    got, wanted = ours(photos, al.RandomRotation((factor, factor), **options)), theirs(layer, photos)
    # TF clamps "wrap" to the edge pixel between last and first column, where we blend the two
    assert_same(got, wanted, 0.6 if fill == "wrap" else 0.01, 255 if fill == "wrap" else 1.0)
    other = ours(photos, al.RandomRotation((-factor, -factor), **options))
    assert apart(other, wanted)[0] > 10


def test_rotation_nearest(photos: Images) -> None:
    layer = layers.RandomRotation((0.11, 0.11), interpolation="nearest")
    got = ours(photos, al.RandomRotation((0.11, 0.11), interpolation="nearest"))
    assert np.mean(got != theirs(layer, photos)) < 0.002


@pytest.mark.parametrize("fill", ["reflect", "constant", "nearest"])
@pytest.mark.parametrize("factors", [(0.3, None), (-0.3, None), (0.25, -0.2), (-0.15, 0.35)])
def test_zoom(photos: Images, factors: tuple[float, float | None], fill: str) -> None:
    height, width = ((f, f) if f is not None else None for f in factors)
    got = ours(photos, al.RandomZoom(height, width, fill_mode=fill, fill_value=30))
    assert_same(got, theirs(layers.RandomZoom(height, width, fill_mode=fill, fill_value=30), photos))


@pytest.mark.parametrize("fill", ["reflect", "constant", "nearest"])
@pytest.mark.parametrize("factors", [(0.137, -0.211), (-0.21, 0.083)])
def test_translation(photos: Images, factors: tuple[float, float], fill: str) -> None:
    height, width = ((f, f) for f in factors)
    got = ours(photos, al.RandomTranslation(height, width, fill_mode=fill, fill_value=30))
    assert_same(got, theirs(layers.RandomTranslation(height, width, fill_mode=fill, fill_value=30), photos))


def sense(name: str) -> float:
    """The sense that our transform of that name draws for seed 0, sample 0: Keras has to be told."""
    from augline.random import Draw

    return -1.0 if Draw(0, 0, [0]).at(name).chance("sense", 0.5)[0] else 1.0


@pytest.mark.parametrize("fill", ["reflect", "constant", "nearest"])
def test_shear(photos: Images, fill: str) -> None:
    factor = sense("RandomShear") * np.asarray([[0.2, 0.13]], np.float32)
    layer = layers.RandomShear(0.2, 0.13, fill_mode=fill, fill_value=30)
    got = ours(photos[:1], al.RandomShear((0.2, 0.2), (0.13, 0.13), fill_mode=fill, fill_value=30))
    assert_same(got, theirs(layer, photos[:1], {"shear_factor": factor, "input_shape": photos[:1].shape}))


def test_perspective(photos: Images) -> None:
    from augline.random import Draw

    corners = Draw(0, 0, np.arange(3)).at("RandomPerspective").uniform("corners", -0.2, 0.2, shape=(4, 2))
    start = np.asarray([[[0, 0], [199, 0], [0, 149], [199, 149]]] * 3, np.float32)
    explicit = {
        "apply_perspective": np.ones(3, bool),
        "start_points": start,
        "end_points": (start * (1 + corners)).astype(np.float32),
        "input_shape": photos.shape,
    }
    got = ours(photos, al.RandomPerspective((1, 1), scale=0.4, fill_value=30))
    assert_same(got, theirs(layers.RandomPerspective(1.0, scale=0.4, fill_value=30), photos, explicit))


@pytest.mark.parametrize("size", [(97, 131), (80, 190), (301, 402), (170, 150)])
@pytest.mark.parametrize("how", ["stretch", "crop_to_aspect_ratio", "pad_to_aspect_ratio"])
def test_resizing(photos: Images, size: tuple[int, int], how: str) -> None:
    options = {} if how == "stretch" else {how: True}
    options |= {"fill_value": 40.0} if how.startswith("pad") else {}
    got, wanted = ours(photos, al.Resizing(*size, **options)), theirs(layers.Resizing(*size, **options), photos)
    # Keras pads an odd rest by one row or column less: it shifts the picture by up to half a pixel
    loose = how.startswith("pad")
    # a window that is enlarged shows, half a pixel from its edge, what lies behind: Keras repeats the edge
    edge = how.startswith("crop") and size[0] > 150
    assert_same(got, wanted, 1.0 if loose else 0.01, 255 if loose else 40 if edge else 1.0)


def test_resizing_nearest(photos: Images) -> None:
    got = ours(photos, al.Resizing(97, 131, interpolation="nearest"))
    assert np.array_equal(got, theirs(layers.Resizing(97, 131, interpolation="nearest"), photos))


@pytest.mark.parametrize("size", [(97, 131), (96, 130), (150, 200), (151, 120), (300, 170)])
def test_center_crop(photos: Images, size: tuple[int, int]) -> None:
    edge = size[0] > 150  # enlarged: see test_resizing
    assert_same(ours(photos, al.CenterCrop(*size)), theirs(layers.CenterCrop(*size), photos), 0.03, 40 if edge else 1)


def test_random_crop_takes_a_window_that_keras_takes(photos: Images) -> None:
    got = ours(photos[:1], al.RandomCrop(97, 131))
    windows = [(top, left) for top in range(54) for left in range(70)]
    (top, left), *_ = [w for w in windows if np.array_equal(got[0], photos[0, w[0] : w[0] + 97, w[1] : w[1] + 131])]
    assert_same(got, theirs(layers.RandomCrop(97, 131), photos[:1], (top, left)), 0, 0)


@pytest.mark.parametrize("factor", [0.23, -0.31])
def test_brightness(photos: Images, factor: float) -> None:
    got = ours(photos, al.RandomBrightness((factor, factor)))
    assert_same(got, theirs(layers.RandomBrightness((factor, factor)), photos), 1e-4, 1e-3)


@pytest.mark.parametrize("contrast", [1.4, 0.6])
def test_contrast(photos: Images, contrast: float) -> None:
    factor = (1 - contrast, contrast - 1)
    explicit = {"contrast_factor": np.full((3, 1, 1, 1), contrast, np.float32)}
    assert_same(
        ours(photos, al.RandomContrast(factor)), theirs(layers.RandomContrast((0.1, 0.2)), photos, explicit), 1e-3, 0.01
    )


def test_contrast_pair_means_what_keras_documents(photos: Images) -> None:
    """Keras's (lower, upper) is 1 - lower to 1 + upper: the ends of the range agree."""
    layer = layers.RandomContrast((0.2, 0.4))
    draws = [np.ravel(layer.get_random_transformation(photos)["contrast_factor"]) for _ in range(60)]
    assert 0.8 <= np.min(draws) < 0.84
    assert 1.36 < np.max(draws) <= 1.4
    from augline.plan import Extent, Frame
    from augline.random import Draw

    frame = Frame(np, Extent.of(np, 300, 9, 7), 3)
    mine = al.RandomContrast((0.2, 0.4)).sample(Draw(0, 0, np.arange(300)), frame)["contrast"]
    assert 0.8 <= mine.min() < 0.81
    assert 1.39 < mine.max() <= 1.4


@pytest.mark.parametrize("factor", [0.2, 0.62, 0.9])
def test_saturation(photos: Images, factor: float) -> None:
    layer = layers.RandomSaturation((factor, factor), value_range=(0, 1))
    assert_same(ours(photos, al.RandomSaturation((factor, factor))), theirs(layer, photos / 255) * 255, 1e-3, 0.02)


@pytest.mark.parametrize("factor", [0.3, 1.0])
def test_hue(photos: Images, factor: float) -> None:
    explicit = {"factor": np.asarray([sense("RandomHue") * factor * 0.5], np.float32)}
    layer = layers.RandomHue((factor, factor), value_range=(0, 1))
    assert_same(
        ours(photos[:1], al.RandomHue((factor, factor))), theirs(layer, photos[:1] / 255, explicit) * 255, 1e-3, 0.05
    )


def test_grayscale(photos: Images) -> None:
    assert_same(ours(photos, al.RandomGrayscale(1.0)), theirs(layers.RandomGrayscale(1.0), photos), 0.02, 0.1)


def test_invert(photos: Images) -> None:
    assert_same(ours(photos, al.RandomInvert((1, 1))), theirs(layers.RandomInvert((1, 1)), photos), 1e-4, 1e-3)


@pytest.mark.parametrize(("addition", "threshold"), [(0.0, 0.5), (0.2, 0.7)])
def test_solarization(photos: Images, addition: float, threshold: float) -> None:
    shape = (3, 1, 1, 1)
    explicit = {
        "additions": np.full(shape, addition * 255, np.float32),
        "thresholds": np.full(shape, threshold * 255, np.float32),
    }
    got = ours(photos, al.Solarization((addition, addition), (threshold, threshold)))
    assert_same(got, theirs(layers.Solarization(), photos, explicit), 1e-3, 0.01)


@pytest.mark.parametrize("bits", [1, 3, 6, 8])
def test_posterization(photos: Images, bits: int) -> None:
    explicit = {"shift_factor": np.full(3, 8 - bits, np.uint8)}
    got = ours(photos, al.RandomPosterization(bits))
    assert_same(got, theirs(layers.RandomPosterization((bits, bits)), photos, explicit), 1e-4, 1e-3)


def test_rescaling_and_normalization(photos: Images) -> None:
    rescaled = al.augment(photos, [al.Rescaling(1 / 127.5, offset=-1)], engine="reference")
    assert np.abs(rescaled - np.asarray(layers.Rescaling(1 / 127.5, offset=-1)(photos))).max() < 1e-6
    mean, std = np.asarray([0.485, 0.456, 0.406]), np.asarray([0.229, 0.224, 0.225])
    layer = layers.Normalization(mean=mean * 255, variance=(std * 255) ** 2)
    normalised = al.augment(photos, [al.Normalize(mean, std)], engine="reference")
    assert np.abs(normalised - np.asarray(layer(photos.astype(np.float32)))).max() < 1e-5


@pytest.mark.parametrize("item", [
    al.RandomRotation((0.05, 0.05)), al.RandomZoom((0.2, 0.2)), al.RandomTranslation((0.13, 0.13), (-0.07, -0.07)),
    al.Resizing(97, 131), al.RandomBrightness((0.2, 0.2)), al.RandomContrast((-0.2, 0.2)),
], ids=repr)  # fmt: skip
def test_opencv_is_within_one_level_of_keras_too(photos: Images, item: al.Transform) -> None:
    layer = getattr(layers, type(item).__name__)
    arguments = {"RandomContrast": None}.get(type(item).__name__, item)
    explicit = {"contrast_factor": np.full((3, 1, 1, 1), 1.2, np.float32)} if arguments is None else None
    given = {"factor": (0.1, 0.2)} if arguments is None else _arguments(item)
    wanted = theirs(layer(**given), photos, explicit)
    assert apart(ours(photos, item, engine="opencv"), wanted)[0] < 0.5


def _arguments(item: al.Transform) -> dict[str, Any]:
    from augline.transforms.base import arguments

    return arguments(item)


def drawn(layer: Any, key: str | int, times: int = 40, shape: Sequence[int] = (8, 20, 30, 3)) -> NDArray[Any]:
    images = tf.zeros(shape)
    return np.stack([np.asarray(layer.get_random_transformation(images)[key]) for _ in range(times)])


def contrast_single_float() -> bool:
    values = drawn(layers.RandomContrast(0.2), "contrast_factor")
    return bool(values.min() >= 1 and 1.15 < values.max() <= 1.2)


def flips_throw_one_coin() -> bool:
    image = np.arange(6, dtype=np.float32).reshape(1, 2, 3, 1)
    poses = theirs(layers.RandomFlip("horizontal_and_vertical"), np.repeat(image, 200, axis=0))
    return len({pose.tobytes() for pose in poses}) == 2


def posterization_int() -> bool:
    bits = 8 - drawn(layers.RandomPosterization(4), "shift_factor").astype(int)
    return {*np.unique(bits).tolist()} == {1, 2, 3}


def posterization_upper() -> bool:
    bits = 8 - drawn(layers.RandomPosterization((2, 4)), "shift_factor").astype(int)
    return 4 not in np.unique(bits)


def solarization_range() -> bool:
    values = drawn(layers.Solarization(threshold_factor=(0.5, 0.5)), "thresholds")
    return bool(values.min() < 100)


def saturation_single_float() -> bool:
    image = np.full((64, 2, 2, 3), [0.8, 0.4, 0.4], np.float32)
    out = theirs(layers.RandomSaturation(0.4, value_range=(0, 1)), image)
    return bool(0.3 < np.mean(np.ptp(out[:, 0, 0], axis=-1) < 1e-6) < 0.7)


def degeneration_single_float() -> bool:
    image = np.full((64, 2, 2, 3), [160.0, 100.0, 100.0], np.float32)
    out = theirs(layers.RandomColorDegeneration(0.4), image)
    return bool(0.3 < np.mean(np.ptp(out[:, 0, 0], axis=-1) > 60) < 0.7)


def saturation_clip() -> bool:
    image = np.full((1, 4, 4, 3), [200.0, 100.0, 100.0], np.float32)
    strong = theirs(layers.RandomSaturation((0.9, 0.9)), image)
    return bool(strong.min() < -1)


def crop_once_per_batch() -> bool:
    image = np.random.default_rng(0).uniform(0, 255, (1, 30, 40, 3)).astype(np.float32)
    same = theirs(layers.RandomCrop(9, 8), np.repeat(image, 16, axis=0))
    return len({one.tobytes() for one in same}) == 1


def crop_of_small_images() -> bool:
    image = np.random.default_rng(0).uniform(0, 255, (1, 30, 40, 3)).astype(np.float32)
    wanted = theirs(layers.Resizing(60, 60, crop_to_aspect_ratio=True), image)
    return apart(theirs(layers.RandomCrop(60, 60), image), wanted)[0] > 5


def crop_not_training() -> bool:
    image = tf.zeros((1, 30, 40, 3))
    return tuple(layers.RandomCrop(9, 8)(image, training=False).shape) != (1, 9, 8, 3)


def pad_odd_rest() -> bool:
    image = np.full((1, 40, 61, 3), 200, np.float32)
    padded = theirs(layers.Resizing(61, 61, pad_to_aspect_ratio=True), image)[0, :, 30, 0]
    return bool(abs((padded > 100).sum() - 40) >= 1)


def wrap_border() -> bool:
    image = np.zeros((1, 5, 8, 1), np.float32)
    image[:, :, -1] = 200
    shifted = theirs(layers.RandomTranslation((0, 0), (0.5 / 8, 0.5 / 8), fill_mode="wrap"), image)
    return bool(abs(shifted[0, 2, 0, 0] - 100) > 50)


def floats_from_integers() -> bool:
    return bool(layers.RandomFlip()(tf.zeros((1, 4, 5, 3), tf.uint8)).dtype == tf.float32)


def invert_lower_end() -> bool:
    image = np.full((1, 2, 2, 3), -1.0, np.float32)
    return bool(theirs(layers.RandomInvert((1, 1), value_range=(-1, 1)), image).max() > 1.5)


def crop_repeats_its_edge() -> bool:
    image = np.zeros((1, 4, 8, 1), np.float32)
    image[:, :, 1] = 255  # just outside the window of columns 2 to 5
    return bool(theirs(layers.Resizing(8, 8, crop_to_aspect_ratio=True), image).max() == 0)


def resize_aliases() -> bool:
    stripes = np.zeros((1, 64, 64, 1), np.float32)
    stripes[:, ::4] = 255
    small = theirs(layers.Resizing(16, 16), stripes)
    return bool(abs(small.mean() - stripes.mean()) > 20)


CLAIMS: dict[str, Callable[[], bool]] = {
    name: value
    for name, value in list(globals().items())
    if callable(value) and getattr(value, "__annotations__", {}).get("return") == "bool"
}


def test_every_stated_divergence_has_its_check() -> None:
    assert {fault["check"] for fault in FAULTS} == {*CLAIMS}
    assert all({"transform", "keras", "augline", "reason", "check"} == {*fault} for fault in FAULTS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["check"])
def test_keras_still_does_what_we_say_it_does(fault: dict[str, str]) -> None:
    assert CLAIMS[fault["check"]](), f"{fault['transform']}: Keras {keras.__version__} no longer: {fault['keras']}"

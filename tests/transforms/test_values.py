"""Types, ranges and standardisation, against tf.image, Keras's ImageDataGenerator and NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import augline as al
from pictures import TOP, noisy, smooth

ENGINES = ("reference", "opencv")
tf = pytest.importorskip("tensorflow")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("source", sorted(TOP))
@pytest.mark.parametrize("dtype", sorted(TOP))
def test_ranges_go_from_type_to_type(source: str, dtype: str, engine: str) -> None:
    image = noisy(20, 31, 3, source)
    got = al.augment(image[None], [al.ConvertDtype(dtype)], engine=engine)[0]
    assert got.dtype == dtype
    exact = image.astype(np.float64) / TOP[source] * TOP[dtype]
    assert np.abs(got - exact).max() <= (0.51 if dtype != "float32" else 1e-6)
    if dtype == "float32":
        theirs = tf.image.convert_image_dtype(image, "float32").numpy()
        assert np.abs(got - theirs).max() < 1e-6
    elif source == "float32":
        theirs = tf.image.convert_image_dtype(image, dtype, saturate=True).numpy()
        assert np.abs(got.astype(int) - theirs.astype(int)).max() <= 1


def test_there_and_back_changes_nothing(engine: str) -> None:
    image = noisy(20, 31)
    for dtype in ("float32", "uint16"):
        out = al.augment(image[None], [al.ConvertDtype(dtype), al.ConvertDtype("uint8")], engine=engine)
        assert np.array_equal(out[0], image)
    scaled = [al.Rescaling(1 / 127.5, offset=-1), al.RandomFlip(p=0), al.ConvertDtype("uint8")]
    assert np.array_equal(al.augment(image[None], scaled, engine=engine)[0], image)


def test_integers_are_rounded_and_saturated(engine: str) -> None:
    image = np.asarray([0.0, 0.103, 0.5, 0.91, 1.0], np.float32).reshape(1, 1, 5, 1)
    got = al.augment(image, [al.ConvertDtype("uint8")], engine=engine).ravel()
    assert got.tolist() == [0, 26, 128, 232, 255]
    plain = [al.Rescaling(400.0, offset=-50), al.ConvertDtype("uint8", scale=False)]
    assert al.augment(image, plain, engine=engine).ravel().tolist() == [0, 0, 150, 255, 255]
    same = al.augment(image, [al.ConvertDtype("float32", scale=False)], engine=engine)
    assert np.array_equal(same, image)


def test_declared_ranges_are_what_is_scaled(engine: str) -> None:
    image = np.asarray([-1.0, 0.0, 1.0], np.float32).reshape(1, 1, 3, 1)
    got = al.augment(image, [al.ConvertDtype("uint8")], engine=engine, value_range=(-1.0, 1.0)).ravel()
    assert got.tolist() == [0, 128, 255]


def test_after_a_conversion_values_are_of_the_new_type(engine: str) -> None:
    image = noisy(20, 31)
    shift = al.RandomTranslation((0.5, 0.5), (0, 0), fill_mode="constant", fill_value=0.25)
    out = al.augment(image[None], [al.ConvertDtype("float32"), shift], engine=engine)[0]
    assert np.abs(out[:10] - 0.25).max() < 0.003
    normal = [al.ConvertDtype("uint16"), al.Normalize(0.5, 0.25)]
    wanted = (image / 255 - 0.5) / 0.25
    assert np.abs(al.augment(image[None], normal, engine=engine)[0] - wanted).max() < 1e-5


def test_per_image_standardization_is_that_of_tensorflow(engine: str) -> None:
    flat = np.full((2, 20, 31, 3), 77, np.uint8)
    flat[1, 3, 4] = 78
    for images in (np.stack([smooth(20, 31, 3, "uint8", k) for k in range(3)]), flat):
        wanted = tf.image.per_image_standardization(images.astype(np.float32)).numpy()
        got = al.augment(images, [al.PerImageStandardization()], engine=engine)
        assert got.dtype == np.float32
        assert np.abs(got - wanted).max() < 2e-4


@pytest.mark.parametrize("scale", [True, False])
def test_samplewise_standardization_is_that_of_keras(scale: bool, engine: str) -> None:
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    theirs = ImageDataGenerator(samplewise_center=True, samplewise_std_normalization=scale)
    images = np.stack([smooth(20, 31, 3, "uint8", k) for k in range(3)])
    got = al.augment(images, [al.PerImageStandardization(scale=scale, epsilon=1e-6)], engine=engine)
    for image, out in zip(images, got, strict=True):
        assert np.abs(theirs.standardize(image.astype(np.float32)) - out).max() < 1e-3


def test_channels_may_have_their_own_and_what_is_behind_is_applied(engine: str) -> None:
    images = np.stack([noisy(20, 31, 5, "float32", k) for k in range(2)])
    work = [al.RandomFlip(), al.PerImageStandardization(per_channel=True), al.Rescaling(2.0, offset=1.0)]
    out = al.augment(images, work, engine=engine)
    assert np.abs(out.mean(axis=(1, 2)) - 1).max() < 1e-5
    assert np.abs(out.std(axis=(1, 2)) - 2).max() < 1e-5


def test_a_pipeline_of_it(tmp_path: Any) -> None:
    source = al.Arrays(np.stack([noisy(9, 9, 3, "uint8", k) for k in range(5)]), masks=np.ones((5, 9, 9), np.uint8))
    pipe = al.Pipeline(source, [al.RandomFlip(), al.PerImageStandardization()], batch_size=5)
    batch = pipe.batch(0, 0)
    assert np.abs(batch["images"].mean(axis=(1, 2, 3))).max() < 1e-5
    assert {*np.unique(batch["segmentation_masks"])} == {1}
    assert "Standardize" in str(pipe.explain())
    again = al.Pipeline.from_yaml(pipe.to_yaml(), source=source)
    assert np.array_equal(again.batch(0, 0)["images"], batch["images"])
    assert pipe.evaluation().transforms == (al.PerImageStandardization(),)
    assert pipe.preview(tmp_path / "sheet.png", samples=2).exists()


@pytest.mark.parametrize(
    ("work", "words"),
    [
        ([al.PerImageStandardization(), al.RandomFlip()], "Move RandomFlip in front"),
        ([al.PerImageStandardization(p=0.5)], "applies to every sample"),
        ([al.PerImageStandardization(), al.ConvertDtype("uint8")], "standardised by image"),
        ([al.Normalize(), al.ConvertDtype("uint8")], "differ from channel to channel"),
        ([al.OneOf([al.ConvertDtype("uint8")])], "applies to every sample"),
    ],
)
def test_what_cannot_be_is_refused(work: list[al.Transform], words: str) -> None:
    with pytest.raises(al.ArgumentError, match=words):
        al.augment(noisy(9, 9)[None], work)


def test_values_come_behind_mixing() -> None:
    source = al.Arrays(np.zeros((4, 9, 9, 3), np.uint8), labels=np.eye(4, dtype=np.float32))
    for item in (al.ConvertDtype("float32"), al.PerImageStandardization()):
        assert al.Pipeline(source, [al.MixUp(), item]).batch(0, 0)[0].dtype == np.float32
        with pytest.raises(al.ArgumentError, match=r"behind the last mixing|Move MixUp in front"):
            al.Pipeline(source, [item, al.MixUp()])


@pytest.mark.parametrize("about", [0.0, 0.5, 1.0])
def test_contrast_about_a_constant_leaves_it_as_it_is(about: float, engine: str) -> None:
    image = smooth(20, 31, 3, "float32")
    got = al.augment(image[None], [al.RandomContrast((0.3, -0.3), about=about)], engine=engine)[0]
    assert np.abs(got - ((image - about) * 0.7 + about)).max() < 1e-6
    same = np.full((1, 4, 4, 1), about, np.float32)
    assert np.abs(al.augment(same, [al.RandomContrast(0.5, about=about)], engine=engine) - about).max() < 1e-6

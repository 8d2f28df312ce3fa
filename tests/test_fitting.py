"""Statistics of a data set, against NumPy, Keras's Normalization and ImageDataGenerator, and ZCA by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import augline as al
from augline.statistics import Moments
from pictures import noisy, smooth

IMAGES = np.stack([smooth(6, 7, 3, "uint8", k) for k in range(50)])
IMAGES[:, 2:4] = np.stack([noisy(2, 7, 3, "uint8", k) for k in range(50)])
IMAGES[..., 1] //= 3


def generator(**settings: Any) -> Any:
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    return ImageDataGenerator(**settings)


@pytest.mark.parametrize("batch_size", [1, 7, 50])
def test_mean_and_deviation_are_those_of_all_pixels(batch_size: int) -> None:
    pipe = al.Pipeline(al.Arrays(IMAGES), batch_size=batch_size, shuffle=False)
    fitted = al.fit(al.Normalize, pipe)
    flat = IMAGES.reshape(-1, 3) / 255
    assert np.allclose(fitted.mean, flat.mean(axis=0), rtol=1e-12)
    assert np.allclose(fitted.std, flat.std(axis=0), rtol=1e-12)
    out = al.augment(IMAGES, [fitted])
    assert np.abs(out.mean(axis=(0, 1, 2))).max() < 1e-5
    assert np.abs(out.std(axis=(0, 1, 2)) - 1).max() < 1e-5


def test_it_is_what_keras_adapts_and_fits() -> None:
    keras = pytest.importorskip("keras")
    out = al.augment(IMAGES, [al.fit(al.Normalize, al.Arrays(IMAGES))])
    layer = keras.layers.Normalization()
    layer.adapt(IMAGES.astype("float32"))
    assert np.abs(out - np.asarray(layer(IMAGES.astype("float32")))).max() < 1e-3
    theirs = generator(featurewise_center=True, featurewise_std_normalization=True)
    theirs.fit(IMAGES)
    assert np.abs(out - np.stack([theirs.standardize(i.astype("float32")) for i in IMAGES])).max() < 1e-3
    one = al.fit(al.Normalize, al.Arrays(IMAGES), per_channel=False)
    assert np.isclose(one.mean, IMAGES.mean() / 255)
    assert np.isclose(one.std, IMAGES.std() / 255)


def test_images_of_several_sizes_floats_and_flat_channels(tmp_path: Path) -> None:
    parts = [smooth(6, 7), smooth(9, 5)]
    with pytest.raises(al.ArgumentError, match="one size"):
        al.fit(al.Normalize, al.Arrays(parts))
    assert len(al.fit(al.Normalize, al.Arrays(parts), size=(6, 6)).mean) == 3
    floats = al.Arrays(IMAGES.astype(np.float32), value_range=(0, 255))
    assert np.allclose(al.fit(al.Normalize, floats).mean, IMAGES.reshape(-1, 3).mean(axis=0))
    flat = al.fit(al.Normalize, al.Arrays(np.full((3, 4, 4, 1), 51, np.uint8)))
    assert np.allclose((flat.mean, flat.std), (0.2, 1e-7))


def test_a_pipeline_is_measured_as_it_comes_out() -> None:
    pipe = al.Pipeline(al.Arrays(IMAGES, labels=np.arange(50)), [al.RandomInvert((1, 1)), al.Rescaling(1 / 255)])
    fitted = al.fit(al.Normalize, pipe)
    assert np.allclose(fitted.mean, 1 - IMAGES.reshape(-1, 3).mean(axis=0) / 255)
    whole = al.Pipeline(pipe.source, [*pipe.transforms, fitted], batch_size=50)
    assert np.abs(whole.batch(0, 0)[0].mean(axis=(0, 1, 2))).max() < 1e-4
    again = al.Pipeline.from_yaml(whole.to_yaml(), source=pipe.source)
    assert again.transforms == whole.transforms
    holed = np.zeros((130, 6, 7), np.float32)
    holed[1, 2] = np.nan  # of as many, Arrays looks at every other one
    with pytest.raises(al.ArgumentError, match=r"must be finite\. Received NaN or infinity in sample 1\. Fill"):
        al.fit(al.Normalize, al.Pipeline(al.Arrays(holed), seed=3))
    with pytest.raises(al.ArgumentError, match="a pipeline has its size"):
        al.fit(al.Normalize, pipe, size=(4, 4))


def test_blocks_merge_as_if_they_were_one() -> None:
    rows = np.random.default_rng(3).normal(1e6, 1, (101, 4))
    moments, together = Moments(4), Moments(4, together=True)
    for start in (0, 1, 1, 40, 100):
        block = rows[start : {0: 1, 1: 40, 40: 100, 100: 101}[start]] if moments.count <= start else rows[:0]
        moments.add(block)
        together.add(block)
    assert moments.count == 101
    assert np.allclose(moments.mean, rows.mean(axis=0), rtol=1e-14)
    assert np.allclose(moments.variance, rows.var(axis=0), rtol=1e-8)
    assert np.allclose(together.variance, np.cov(rows.T, bias=True), rtol=1e-7, atol=1e-9)


def small(count: int = 400) -> NDArray[np.uint8]:
    """Images of 5 x 8 whose pixels are correlated."""
    rng = np.random.default_rng(8)
    mix = rng.normal(size=(40, 40)) * np.linspace(1, 9, 40)
    return np.clip(rng.normal(size=(count, 40)) @ mix + 120, 0, 255).round().astype(np.uint8).reshape(count, 5, 8, 1)


@pytest.mark.parametrize("engine", ["reference", "opencv"])
def test_zca_takes_correlations_out_and_keeps_the_picture_in_place(tmp_path: Path, engine: str) -> None:
    images = small()
    item = al.fit(al.ZCAWhitening, al.Arrays(images), path=tmp_path / "zca.npz")
    out = al.augment(images, [item], engine=engine).reshape(400, 40)
    assert np.abs(out.mean(axis=0)).max() < 1e-3
    assert np.abs(np.cov(out.T, bias=True) - np.eye(40)).max() < 1e-3
    flat = images.reshape(400, 40).astype(float)
    values, vectors = np.linalg.eigh(np.cov(flat.T, bias=True))
    wanted = (flat - flat.mean(axis=0)) @ (vectors / np.sqrt(values)) @ vectors.T
    assert np.abs(out - wanted).max() < 1e-3


def test_zca_is_that_of_keras(tmp_path: Path) -> None:
    images = small()
    theirs = generator(featurewise_center=True, zca_whitening=True, zca_epsilon=1e-2)
    theirs.fit(images)
    wanted = np.stack([theirs.standardize(image.astype("float32")) for image in images])
    source = al.Arrays(images)
    mean = np.asarray(al.fit(al.Normalize, source).mean) * 255
    front = [al.Rescaling(1.0, offset=-mean)]
    pipe = al.Pipeline(source, front, shuffle=False)
    item = al.fit(al.ZCAWhitening, pipe, path=tmp_path / "zca.npz", epsilon=1e-2, center=False)
    assert np.abs(al.augment(images, [*front, item]) - wanted).max() < 2e-3


def test_more_features_than_images(tmp_path: Path) -> None:
    item = al.fit(al.ZCAWhitening, al.Arrays(small(9)), path=tmp_path / "zca.npz")
    out = al.augment(small(9), [item]).reshape(9, 40)
    assert np.isfinite(out).all()
    assert np.allclose((out * out).sum(axis=1), 8, atol=0.05)  # eight axes of variance 1 for nine images


def test_the_configuration_names_the_file_and_its_digest(tmp_path: Path) -> None:
    path, images = tmp_path / "zca.npz", small()
    source = al.Arrays(images)
    pipe = al.Pipeline(source, [al.RandomFlip(), al.fit(al.ZCAWhitening, source, path=path)], batch_size=9)
    again = al.Pipeline.from_yaml(pipe.to_yaml(), source=source)
    assert np.array_equal(again.batch(0, 0), pipe.batch(0, 0))
    al.fit(al.ZCAWhitening, al.Arrays(images[:50]), path=path)
    with pytest.raises(al.ArgumentError, match="the file must be the one that was fitted"):
        al.Pipeline.from_yaml(pipe.to_yaml(), source=source)
    path.unlink()
    with pytest.raises(al.ArgumentError, match="path must be a file"):
        al.Pipeline.from_yaml(pipe.to_yaml(), source=source)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("exploded"),))


def test_a_file_runs_nothing_and_other_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("bomb.npz", mean=np.asarray([Bomb()], object), matrix=np.eye(1))
    np.savez("shapes.npz", mean=np.zeros((2, 2, 1)), matrix=np.eye(3))
    Path("text.npz").write_text("no archive")
    for name in ("bomb", "shapes", "text"):
        with pytest.raises(al.ArgumentError, match="path must be a file"):
            al.augment(np.zeros((1, 2, 2, 1), np.uint8), [al.ZCAWhitening(f"{name}.npz")])
    assert not Path("exploded").exists()


def test_what_cannot_be_fitted_or_applied_is_refused(tmp_path: Path) -> None:
    source = al.Arrays(small())
    with pytest.raises(al.ArgumentError, match="images may have 4096 values"):
        al.fit(al.ZCAWhitening, source, path=tmp_path / "a.npz", size=(65, 64))
    with pytest.raises(al.ArgumentError, match="path must be given"):
        al.fit(al.ZCAWhitening, source)
    with pytest.raises(al.ArgumentError, match="with statistics of a data set"):
        al.fit(al.RandomFlip, source)  # type: ignore[type-var]
    item = al.fit(al.ZCAWhitening, source, path=tmp_path / "a.npz")
    for work, words in (
        ([al.Resizing(8, 8), item], "images must have the shape that it was fitted to"),
        ([item, al.RandomFlip()], "Move RandomFlip in front"),
    ):
        with pytest.raises(al.ArgumentError, match=words):
            al.augment(small(), work)

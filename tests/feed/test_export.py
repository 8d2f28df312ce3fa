"""`Pipeline.export`: a SavedModel that needs nothing of ours, and whose images are those of `evaluation()`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import augline as al
import fresh
from augline.plan.frame import Extent, Frame
from augline.transforms.sizing import largest_window, smallest_around
from pictures import smooth

tf = pytest.importorskip("tensorflow")

LOADED = """
import sys
for name in [name for name in sys.modules if name.startswith("augline.")]:
    del sys.modules[name]
sys.modules["augline"] = None  # cannot be imported
import numpy as np, tensorflow as tf
files, pixels = (tf.saved_model.load(sys.argv[1]).signatures[name] for name in ("serving_default", "pixels"))
given = np.load(sys.argv[2], allow_pickle=True)
np.savez(sys.argv[3], files=files(files=tf.constant(given["files"].tolist()))["images"],
         pixels=pixels(images=tf.constant(given["pixels"]))["images"])
"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of several kinds, sizes and orientations; some are halved, some shrunk by far more."""
    root = tmp_path_factory.mktemp("photos")
    for number, (height, width) in enumerate([(75, 100), (120, 61), (47, 64), (33, 190), (450, 380), (90, 140)]):
        image = Image.fromarray(smooth(height, width, 3, "uint8", number))
        exif = image.getexif()
        exif[0x0112] = 1 + (number * 3 + 5) % 8
        image.save(root / f"{number}.jpg", quality=95, exif=exif)
        image.save(root / f"{number}.png", exif=exif)
        image.convert("L").save(root / f"{number}_grey.jpg", quality=95)
        image.save(root / f"{number}.bmp")
    return root


def pipeline(source: al.Source, **settings: Any) -> al.Pipeline:
    work = [al.RandomFlip(), al.RandomCrop(40, 44), al.Normalize(mean=[0.5, 0.4, 0.3], std=[0.2, 0.25, 0.3])]
    return al.Pipeline(source, work, size=(48, 56), batch_size=30, **settings)


def test_golden_images_from_a_process_without_augline(photos: Path, tmp_path: Path) -> None:
    source = al.Folder(photos, label_mode=None)
    written = pipeline(source).evaluation().export(tmp_path / "model")
    square = smooth(75, 100, 3, "uint8", 0)
    given, got = tmp_path / "given.npz", tmp_path / "got.npz"
    files = np.array([Path(path).read_bytes() for path in source.paths], object)
    np.savez(given, files=files, pixels=square[None])
    done = fresh.run(LOADED, written, given, got, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    served = np.load(got)
    unit = 1 / 255 / 0.2  # one grey level after Normalize
    for engine in ("reference", "opencv"):
        wanted = pipeline(source, engine=engine).evaluation().batch(0, 0)
        apart = np.abs(served["files"] - wanted)
        assert served["files"].shape == wanted.shape == (24, 40, 44, 3)
        assert served["files"].dtype == wanted.dtype == np.float32
        assert apart.max() <= 1.01 * unit, apart.reshape(24, -1).max(axis=1) / unit
        # files are rounded to 8 bits where they were shrunk, and by OpenCV once more
        assert apart.mean() <= (0.06 if engine == "reference" else 0.3) * unit
    alone = pipeline(al.Arrays(square[None]), engine="reference").evaluation().batch(0, 0)
    assert np.abs(served["pixels"] - alone).max() <= 0.05 * unit


def test_whole_sides_are_whole_however_a_graph_divides() -> None:
    """TensorFlow's optimizer, which served models run under, multiplies by reciprocals."""
    from augline.engines.arrays import tensorflow as xp

    sides = np.arange(1.0, 2000.0)

    def made(xp: Any, height: Any, width: Any) -> list[Any]:
        frame = Frame(xp, Extent(height, width), 3)
        (warp,) = al.PadToMultiple(49).lower({}, frame)
        windows = [largest_window(frame, 70, 90), smallest_around(frame, 70, 90)]
        return [*windows[0], *windows[1], warp.extent.height, warp.extent.width]

    graph = tf.function(lambda h, w: made(xp, h, w), autograph=False)
    found = graph(tf.constant(sides), tf.constant(sides[::-1].copy()))
    for one, other in zip(found, made(np, sides, sides[::-1]), strict=True):
        np.testing.assert_array_equal(one.numpy(), other)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_arrays_are_served_as_pixels(dtype: str, tmp_path: Path) -> None:
    images = np.stack([smooth(30, 37, 1, dtype, k) for k in range(3)])
    pipe = al.Pipeline(al.Arrays(images), [al.Resizing(11, 50), al.PerImageStandardization()], engine="reference")
    name = f"file://{tmp_path}"
    assert pipe.evaluation().export(name) == name
    loaded = tf.saved_model.load(name)
    assert set(loaded.signatures) == {"serving_default", "pixels"}
    served = loaded.signatures["serving_default"](images=tf.constant(images))["images"]
    assert np.abs(served.numpy() - pipe.evaluation().batch(0, 0)).max() <= 1e-2


def test_nothing_in_it_is_left_to_xla(photos: Path, tmp_path: Path) -> None:
    written = pipeline(al.Folder(photos, label_mode=None)).evaluation().export(tmp_path / "model")
    graph = (written / "saved_model.pb").read_bytes()
    assert b"_XlaMustCompile" not in graph
    assert b"PyFunc" not in graph


def test_what_cannot_be_served_is_refused_by_name(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(al.ArgumentError, match=r"nothing random .* Received RandomFlip, RandomCrop\. Call pipe\.eval"):
        pipeline(al.Folder(photos, label_mode=None)).export(tmp_path / "model")
    with pytest.raises(al.EngineError, match="it has no Call"):
        al.Pipeline(al.Arrays(np.zeros((2, 8, 8, 3), "uint8")), [al.Map(np.flipud)]).evaluation().export(tmp_path)
    assert not [*tmp_path.iterdir()]

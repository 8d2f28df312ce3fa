"""What the pages share: photographs in class folders, generated or your own, and a clock.

A page ends with `_data.main(old, new, check, ...)`. Called without arguments it makes a few small photographs, checks
what the page says, and prints how fast both ways are. `measure.py` calls it with `--measure` on real photographs
instead.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow starts: its remarks on this machine's CPU

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CLASSES = ["blue", "red"]
BATCH, SIDE = 32, 224
DISC_ID = 3
"""The class of the disc in masks; all else is 0."""
_COUNT, _WIDTH, _HEIGHT = 50, 160, 120

Epoch = Callable[[Any, int], Any]
"""`(batches, steps)`: one pass over them."""


def photos(root: Path) -> str:
    """A folder of photographs: `red/red_0001.jpg`."""
    return str(root / "photos")


def masked(root: Path) -> tuple[str, str]:
    """(photographs, masks): two folders alike, a PNG of class ids for each photograph."""
    for number, path in enumerate(_paths(root)):
        mask = root / "masks" / path.parent.name / f"{path.stem}.png"
        mask.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as image:
            Image.fromarray(_disc(number, *image.size)[1] * np.uint8(DISC_ID)).save(mask)
    return photos(root), str(root / "masks")


def pointed(root: Path) -> tuple[list[str], np.ndarray]:
    """(paths, points): a point (x, y) to be found in each photograph, in pixels."""
    paths, points = _paths(root), []
    for number, path in enumerate(paths):
        with Image.open(path) as image:
            points.append(_disc(number, *image.size)[0])
    return [str(path) for path in paths], np.asarray(points, np.float32)


def arrays(root: Path) -> tuple[np.ndarray, np.ndarray]:
    """(images, labels): uint8 in memory."""
    paths = _paths(root)
    images = [np.asarray(Image.open(path).convert("RGB").resize((SIDE, SIDE))) for path in paths]
    return np.stack(images), np.asarray([CLASSES.index(path.parent.name) for path in paths])


def labels_seen(images: Any) -> np.ndarray:
    """The label of each generated photograph, from its colour: it must be the one that came with it."""
    means = np.asarray(images, np.float64).mean(axis=(1, 2))
    return (means[:, 0] > means[:, 2]).astype(int)


@contextmanager
def generated() -> Iterator[Path]:
    """Bluish and reddish noise, each with a white disc somewhere."""
    random = np.random.default_rng(7)
    tints = {"blue": (20, 20, 120), "red": (120, 20, 20)}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(_COUNT):
            coarse = random.integers(0, 90, (12, 16, 3)).astype(np.uint8)
            pixels = np.asarray(Image.fromarray(coarse).resize((_WIDTH, _HEIGHT), Image.Resampling.BICUBIC), np.int64)
            pixels = pixels + tints[CLASSES[number % 2]]
            pixels[_disc(number, _WIDTH, _HEIGHT)[1]] = 255
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(_place(Path(folder), number), quality=95)
        yield Path(folder)


@contextmanager
def linked(data: Path, count: int) -> Iterator[Path]:
    """Your own JPEGs in the same two folders, half in each; the same one again where there are fewer."""
    found = sorted(path for path in data.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    if not found:
        raise SystemExit(f"{data}: there must be JPEGs in the folder, or in folders below. Found none. Name another.")
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            _place(Path(folder), number).symlink_to(found[number % len(found)].resolve())
        yield Path(folder)


def iterate(batches: Any, steps: int) -> None:
    """One pass, doing nothing with the batches."""
    for _ in islice(iter(batches), steps):
        pass


def training(strategy: Any = None) -> Epoch:
    """One epoch of `model.fit`, with a model so small that the clock sees the input pipeline."""
    models: list[Any] = []

    def epoch(batches: Any, steps: int) -> Any:
        models[:] = models or [small_model(strategy)]
        return models[0].fit(batches, verbose=0, shuffle=False)

    return epoch


def small_model(strategy: Any = None, first: Callable[[], Any] | None = None) -> Any:
    """Two classes from an image's mean colour, with a layer of yours in front."""
    import keras

    def compiled() -> Any:
        layers = [keras.Input((SIDE, SIDE, 3)), *([first()] if first else [])]
        model = keras.Sequential([*layers, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model

    if strategy is None:
        return compiled()
    with strategy.scope():
        return compiled()


def two_devices() -> Any:
    """A MirroredStrategy over two virtual CPUs, which stand for two GPUs; before anything else of TensorFlow."""
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def rows_trained(strategy: Any, batches: Any) -> list[int]:
    """How many images each device got in each step of an epoch of `model.fit`."""
    import tensorflow as tf

    import keras

    seen: list[int] = []

    class Recorder(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            tf.py_function(lambda rows: seen.append(int(rows)), [tf.shape(x)[0]], [])
            return x

    small_model(strategy, Recorder).fit(batches, verbose=0, shuffle=False)
    return seen


def main(
    old: Callable[[Any], Any], new: Callable[[Any], Any], check: Callable[[Any], None],
    data: Callable[[Path], Any] = photos, epoch: Epoch = iterate,
) -> None:  # fmt: skip
    """Runs a page; see the top of this file.

    Args:
        old: From the data to batches, the old way.
        new: The same, the new way.
        check: Asserts what the page says.
        data: What the photographs are made into for them.
        epoch: A pass over the batches.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--measure", choices=["old", "new"], help="only this one, on real photographs; prints JSON")
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--images", type=int, default=480)
    parser.add_argument("--seconds", type=float, default=3)
    arguments = parser.parse_args()
    if arguments.measure:
        with linked(arguments.photos, arguments.images) as root:
            batches = {"old": old, "new": new}[arguments.measure](data(root))
            print(json.dumps({"images/s": _speed(batches, epoch, arguments.images, arguments.seconds)}))
        return
    with generated() as root:
        check(data(root))
        for name, way in {"old": old, "new": new}.items():
            print(f"{name}: {_speed(way(data(root)), epoch, _COUNT, 0):,.0f} images/s")


def _speed(batches: Any, epoch: Epoch, count: int, seconds: float) -> float:
    """Images per second over whole passes, at least one, after one that does not count."""
    steps, images = -(-count // BATCH), 0
    epoch(batches, steps)
    begin = time.perf_counter()
    while not images or time.perf_counter() - begin < seconds:
        epoch(batches, steps)
        images += count
    return images / (time.perf_counter() - begin)


def _paths(root: Path) -> list[Path]:
    return sorted((root / "photos").rglob("*.jpg"), key=lambda path: int(path.stem.split("_")[1]))


def _place(root: Path, number: int) -> Path:
    name = CLASSES[number % 2]
    path = root / "photos" / name / f"{name}_{number:04}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _disc(number: int, width: int, height: int) -> tuple[tuple[float, float], np.ndarray]:
    """(centre, where it is) of the disc of a photograph: another place for each number."""
    random = np.random.default_rng(number)
    x, y = int(width * random.uniform(0.35, 0.65)), int(height * random.uniform(0.35, 0.65))
    rows, columns = np.ogrid[:height, :width]
    return (x, y), (columns - x) ** 2 + (rows - y) ** 2 <= (height / 8) ** 2

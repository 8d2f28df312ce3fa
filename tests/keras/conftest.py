"""The installed Keras's ImageDataGenerator beside ours, and small data for both."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augline.keras import ImageDataGenerator, quirks
from pictures import noisy, smooth

CLASSES = ("bee", "cow", "owl")
COUNTS = (5, 3, 7)


@pytest.fixture(autouse=True)
def _announced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The faults are tested for in test_quirks.py; elsewhere they have been announced already."""
    monkeypatch.setattr(quirks, "_announced", {quirks._SHIFTS, quirks._CENTRE, quirks._BLACK})


@pytest.fixture(autouse=True)
def _scipy_of_keras() -> Iterator[None]:
    """Keras reaches SciPy by a name that SciPy deprecates."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*scipy.ndimage.interpolation.*", category=DeprecationWarning)
        yield


@pytest.fixture(scope="session")
def legacy() -> Any:
    """Keras's class."""
    from keras.src.legacy.preprocessing.image import ImageDataGenerator as Legacy

    return Legacy


@pytest.fixture
def both(legacy: Any) -> Any:
    """`both(**arguments)`: (ours, exact; ours; Keras's), made alike."""
    return lambda **kw: (ImageDataGenerator(**kw, exact=True), ImageDataGenerator(**kw), legacy(**kw))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes: no two photos of one size; JPEG, PNG; colour, grey, palette, alpha; one in a deeper folder."""
    root = tmp_path_factory.mktemp("photos")
    number = 0
    for name, count in zip(CLASSES, COUNTS, strict=True):
        for index in range(count):
            height, width = 40 + 7 * number, 75 - 3 * number
            picture = Image.fromarray(smooth(height, width, seed=number))
            kind = {1: "L", 4: "P", 6: "RGBA", 9: "LA"}.get(number, "RGB")
            path = root / name / ("deep" if number == 3 else "") / f"{index}.{'png' if number % 3 == 1 else 'jpg'}"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.convert(kind if path.suffix == ".png" else "L" if kind == "L" else "RGB").save(path, quality=90)
            number += 1
    (root / "owl" / "notes.txt").write_text("not an image")
    return root


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    """Eleven images, not square."""
    return np.stack([smooth(23, 31, seed=seed) for seed in range(11)])


@pytest.fixture(scope="session")
def noise() -> np.ndarray:
    """Eleven square images of white noise."""
    return np.stack([noisy(24, 24, seed=seed) for seed in range(11)])

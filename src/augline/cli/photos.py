"""Real photographs for the demo: those that scikit-image and scikit-learn bring along, cut into class folders."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
from PIL import Image

from augline.errors import SourceError
from augline.measure import Tick

PHOTOS = {
    "astronaut": ("skimage", "data/astronaut.png"),
    "cat": ("skimage", "data/chelsea.png"),
    "coffee": ("skimage", "data/coffee.png"),
    "rocket": ("skimage", "data/rocket.jpg"),
    "galaxies": ("skimage", "data/hubble_deep_field.jpg"),
    "motorcycle": ("skimage", "data/motorcycle_left.png"),
    "temple": ("sklearn", "datasets/images/china.jpg"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
}
"""Class, and the file in the installed package; nothing is downloaded."""

SIZE = (500, 375)
"""(width, height) of the crops: like the photos of ImageNet."""


def photographs() -> dict[str, Path]:
    """Class and file of the photographs that are installed.

    Raises:
        SourceError: There are fewer than two.
    """
    found = {name: path for name, (package, file) in PHOTOS.items() if (path := _installed(package, file))}
    if len(found) < 2:
        raise SourceError(
            "augline demo: its photographs come with scikit-image and scikit-learn. Received an installation without "
            'them. Run: pip install "augline[demo]"; or take your own: augline demo photos/.'
        )
    return found


def cut(photos: dict[str, Path], folder: Path, each: int, tick: Tick) -> int:
    """Writes `each` crops of every photograph into a folder per class; how many there are in all.

    The crops differ in place and size, the same on every run, so that there is something to train on.
    """
    for number, (name, path) in enumerate(photos.items()):
        (folder / name).mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(number)
        with Image.open(path) as file:
            photo = file.convert("RGB")
        for crop in range(each):
            box = _window(photo.size, random)
            picture = photo.resize(SIZE, Image.Resampling.BICUBIC, box=box)
            picture.save(folder / name / f"{name}_{crop:02}.jpg", quality=95)
        tick()
    return each * len(photos)


def _window(size: tuple[int, int], random: np.random.Generator) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of a part of the right shape, half to nearly all of what fits."""
    whole = min(size[0] / SIZE[0], size[1] / SIZE[1])
    scale = whole * random.uniform(0.5, 0.95)
    width, height = SIZE[0] * scale, SIZE[1] * scale
    left, top = random.uniform(0, size[0] - width), random.uniform(0, size[1] - height)
    return left, top, left + width, top + height


def _installed(package: str, file: str) -> Path | None:
    """The file in a package, which is found but not imported."""
    spec = importlib.util.find_spec(package)
    paths = [Path(place) / file for place in (spec.submodule_search_locations or [])] if spec else []
    return next((path for path in paths if path.is_file()), None)

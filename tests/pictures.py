"""Pictures for tests: never square, no two pixels or channels alike, so that a swapped axis or a lost sign shows."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZES = ((41, 67), (58, 37), (33, 90))
"""Height and width of the images of a mixed batch."""

LEVEL = {"uint8": 1.0, "uint16": 257.0, "float32": 1 / 255}
"""One 255th of the value range of each type: the unit of every tolerance."""

TOP = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}


def smooth(height: int, width: int, channels: int = 3, dtype: str = "uint8", seed: int = 0) -> NDArray[Any]:
    """Photograph-like: waves of many directions, 9 px and longer, values 0.15 to 0.85 of the range."""
    return typed(_waves(height, width, channels, seed), dtype)


@functools.lru_cache(256)
def _waves(height: int, width: int, channels: int, seed: int) -> NDArray[Any]:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    total = np.zeros((height, width, channels))
    for length in (120, 60, 40, 28, 20, 14, 9):
        turn, phase = rng.uniform(0, 2 * np.pi, (2, channels))
        waves = np.cos(turn) * x[..., None] + np.sin(turn) * y[..., None]
        total += np.sqrt(length) * np.sin(waves * (2 * np.pi / length) + phase)
    low, high = total.min(), total.max()
    return 0.15 + 0.7 * (total - low) / (high - low)


def noisy(height: int, width: int, channels: int = 3, dtype: str = "uint8", seed: int = 0) -> NDArray[Any]:
    """Every pixel on its own; neighbours have nothing in common."""
    return typed(np.random.default_rng(seed).uniform(0, 1, (height, width, channels)), dtype)


def stars(height: int, width: int, count: int, seed: int = 0) -> list[NDArray[Any]]:
    """Polygons in an image: stars, some going round twice and so crossing themselves, every other one in two parts."""
    rng, found = np.random.default_rng(seed), []
    for k in range(count):
        corners = 3 + int(rng.integers(0, 9))
        angle = np.sort(rng.uniform(0, 2 * np.pi, corners)) * (1 if k % 3 else 2)
        spread = rng.uniform(2, height / 2, corners)[:, None]
        centre = rng.uniform([8, 8], [width - 8, height - 8])
        star = np.clip(centre + spread * np.stack([np.cos(angle), np.sin(angle)], axis=1), 0, [width, height])
        found.append(np.concatenate([star, [[np.nan, np.nan]], star[:3] * 0.5 + [9.0, 4.0]]) if k % 2 else star)
    return found


def typed(unit: NDArray[Any], dtype: str) -> NDArray[Any]:
    """Values of 0 to 1 on the range of a type."""
    values = unit * TOP[dtype]
    return values.astype(dtype) if dtype == "float32" else np.rint(values).astype(dtype)


def levels(a: Any, b: Any, dtype: str | None = None) -> NDArray[np.float64]:
    """How far two images are apart, in 255ths of the value range."""
    a, b = np.asarray(a), np.asarray(b)
    return np.abs(a.astype(np.float64) - b.astype(np.float64)) / LEVEL[dtype or a.dtype.name]

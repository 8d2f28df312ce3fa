"""Small photos on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

Write = Callable[..., list[str]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """`write("cats/a.png", ...)` makes those images below tmp_path, no two alike, and returns their paths."""

    def write(*names: str) -> list[str]:
        for number, name in enumerate(names):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.full((3, 5, 3), number, np.uint8)
            path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
        return [str(tmp_path / name) for name in names]

    return write

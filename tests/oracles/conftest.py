"""Photographs that ship inside scikit-image and scikit-learn; where neither is there, pictures made up like them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from augline.engines import ENGINES
from pictures import smooth

_FILES = (("skimage", "data/coffee.png"), ("skimage", "data/chelsea.png"), ("sklearn", "datasets/images/china.jpg"))


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def photos() -> NDArray[Any]:
    """`(3, 150, 200, 3)` uint8: photographs at half size."""
    found = []
    for number, (package, name) in enumerate(_FILES):
        spec = find_spec(package)
        path = Path(spec.origin).parent / name if spec and spec.origin else None
        if path is None or not path.exists():
            found.append(smooth(150, 200, seed=number))
            continue
        full = cv2.imread(str(path))[:300, :400, ::-1]
        found.append(cv2.resize(full, (200, 150), interpolation=cv2.INTER_AREA))
    return np.stack(found)

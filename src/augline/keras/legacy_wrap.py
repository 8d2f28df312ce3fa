"""Where `fill_mode="wrap"` reads: an image that repeats every `side - 1` pixels, its last row lying on the first.

Two pixels meet where copies do, which no border of OpenCV's shows, so it is told the place of every pixel. Places are
made as whole numbers, 2³² to a period: their sums drop whole periods by themselves.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from augline.keras.legacy_memory import scratch

Numbers = NDArray[np.float64]
Places = NDArray[np.float32]

_SLACK = 1e-9  # of a pixel: rounding that must not push the edge itself outside


def wrapped(matrix: Numbers, height: int, width: int) -> tuple[Places, Places]:
    """Where in the image each pixel is read, x and y; each `(height, width)`, and good until the next call.

    Args:
        matrix: `(2, 3)`, output to input.
        height: Of the image, and of what comes out.
        width: As well.
    """
    return _places("x", matrix[0], height, width, width), _places("y", matrix[1], height, width, height)


def _places(name: str, line: Numbers, height: int, width: int, side: int) -> Places:
    """Along one axis, whose image has `side` pixels.

    Whole rows and columns may lie just where copies meet, and go through `_repeated`; of a turned image only single
    pixels can, to 1e-7, and those take either.
    """
    by_column, by_row, start = line
    out = scratch(name, (height, width))
    columns, rows = by_column * np.arange(width) + start, by_row * np.arange(height)
    if abs(by_row) * height < _SLACK:
        out[:] = _repeated(columns, side)
    elif abs(by_column) * width < _SLACK:
        out[:] = _repeated(rows + start, side)[:, None]
    else:
        period = float(max(side - 1, 1))
        sums = scratch("sums", (height, width), np.int32)
        np.add(_steps(rows, period)[:, None], _steps(columns - period / 2, period), out=sums)
        cv2.addWeighted(sums, period / 2**32, sums, 0, period / 2, dst=out, dtype=cv2.CV_32F)
    return out


def _steps(at: Numbers, period: float) -> NDArray[np.int32]:
    """In steps of which 2³² are a period, without whole ones."""
    return np.rint(at / period * 2.0**32).astype(np.int64).astype(np.int32)


def _repeated(at: Numbers, side: int) -> Places:
    """Where copies meet, SciPy reads that which is nearer to the image."""
    period = max(side - 1, 1)
    before, after = at < -_SLACK, at > side - 1 + _SLACK
    whole = after * np.floor(at / period) - before * (np.floor(-at / period) + 1)
    return np.asarray(np.clip(at - whole * period, 0, side - 1), np.float32)

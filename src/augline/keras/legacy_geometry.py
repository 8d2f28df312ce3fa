"""From the numbers drawn to one matrix per sample, output pixel to input pixel, in OpenCV's (x, y) order.

ImageDataGenerator multiplies rotation, shift, shear and zoom, in this order, about a centre:
`M = C · R(theta) · T(tx, ty) · H(shear) · Z(zx, zy) · C⁻¹`, with x to the right and y down, so that a positive angle
turns the content counter-clockwise on screen, `zx > 1` shows more of the image sideways, and the shear is in degrees.

Its faults, reproduced unless `legacy_geometry=False`: C is ((height - 1) / 2, (width - 1) / 2) in (x, y), which is the
centre of square images only; and `tx`, which moves along x, is drawn from `height_shift_range` (see legacy_draws.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline.keras.legacy_draws import Draws

Matrices = NDArray[np.float64]
"""`(batch, 2, 3)`."""


def matrices(draws: Draws, height: int, width: int, legacy: bool) -> Matrices:
    """The affine part of the draws, without the flips."""
    turn = np.deg2rad(draws.theta)
    cos, sin = np.cos(turn), np.sin(turn)
    right, down = _leant(draws)
    result = np.empty((len(cos), 2, 3))
    result[:, 0, 0], result[:, 0, 1] = cos * draws.zx, cos * right - sin * down
    result[:, 1, 0], result[:, 1, 1] = sin * draws.zx, sin * right + cos * down
    x, y = ((height - 1) / 2, (width - 1) / 2) if legacy else ((width - 1) / 2, (height - 1) / 2)
    shift_x, shift_y = cos * draws.tx - sin * draws.ty, sin * draws.tx + cos * draws.ty
    result[:, 0, 2] = x + shift_x - (result[:, 0, 0] * x + result[:, 0, 1] * y)
    result[:, 1, 2] = y + shift_y - (result[:, 1, 0] * x + result[:, 1, 1] * y)
    return result


def _leant(draws: Draws) -> tuple[NDArray[np.float64] | float, NDArray[np.float64]]:
    """The second column of H · Z = [[zx, -sin(shear)·zy], [0, cos(shear)·zy]]."""
    if not draws.shear.any():
        return 0.0, draws.zy
    slant = np.deg2rad(draws.shear)
    return -np.sin(slant) * draws.zy, np.cos(slant) * draws.zy


def with_flips(matrix: Matrices, draws: Draws, height: int, width: int) -> Matrices:
    """The same matrices with the flips, which come after the affine part, multiplied in."""
    result = matrix.copy()
    for column, (flipped, side) in enumerate(((draws.flip_horizontal, width), (draws.flip_vertical, height))):
        result[:, :, 2] += result[:, :, column] * (flipped * (side - 1.0))[:, None]
        result[:, :, column] *= (1.0 - 2.0 * flipped)[:, None]
    return result


def scipy_form(matrix: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """(matrix, offset) of one sample in SciPy's (row, column) order."""
    return matrix[::-1, 1::-1], matrix[::-1, 2]

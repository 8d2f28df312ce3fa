"""Boxes that cannot be: found when the data set is built, and refused or left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from augline.errors import SourceError
from augline.sources.refusal import refusal

ON_INVALID = ("raise", "drop")
_SHOWN = 3


def box_problems(
    corners: NDArray[np.float64], sizes: NDArray[np.float64], slack: float, unit: str = "px"
) -> dict[int, str]:
    """What is wrong with boxes, by row.

    Args:
        corners: (n, 4): left, top, right, bottom.
        sizes: (n, 2), (height, width) of each one's image; NaN where that is not known.
        slack: by how much a box may stick out of its image.
        unit: of all of these.
    """
    finite = np.asarray(np.isfinite(corners).all(axis=1))
    thin = np.asarray((corners[:, 2:] <= corners[:, :2]).any(axis=1))
    out = (corners[:, :2] < -slack).any(axis=1) | (corners[:, 2:] > sizes[:, ::-1] + slack).any(axis=1)
    found = {}
    for row in np.flatnonzero(~finite | thin | out).tolist():
        box = "({:g}, {:g}, {:g}, {:g})".format(*corners[row])
        if not finite[row]:
            found[row] = "a box that is not four finite numbers"
        elif thin[row]:
            found[row] = f"a box without area, {box}"
        else:
            size = "{:g} x {:g}".format(*sizes[row])
            found[row] = f"a box out of the image by more than {slack:g} {unit}, {box} in {size} (height x width)"
    return found


def kept(
    owner: str, count: int, problems: Mapping[int, str], name: Callable[[int], str], on_invalid: str
) -> NDArray[np.int64]:
    """Which of `count` objects to keep: all, or with on_invalid="drop" those without a problem.

    Raises:
        SourceError: some have problems and on_invalid is "raise".
    """
    if problems and on_invalid == "raise":
        rows = sorted(problems)
        received = "; ".join(f"{name(row)}: {problems[row]}" for row in rows[:_SHOWN])
        more = f"; and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
        rule = "every object must have a box, and what else belongs to it, that can be used"
        fix = "Corners are left, top, right, bottom. Correct the file, or pass on_invalid='drop' to leave them out."
        raise refusal(SourceError, owner, rule, f"{len(rows)} of {count} that do not: {received}{more}", fix)
    return np.delete(np.arange(count), sorted(problems))

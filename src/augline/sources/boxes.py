"""The ways to write a box; and boxes that cannot be, found when the data set is built and refused or left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline.arrays import Array, Namespace
from augline.errors import ArgumentError, SourceError
from augline.sources.refusal import refusal

ON_INVALID = ("raise", "drop")
_SHOWN = 3
SLACK = 0.01
"""Of an image's side, by which a relative box may stick out."""


def to_xyxy(boxes: Array, box_format: str, size: tuple[Any, Any], xp: Namespace = np) -> Array:
    """Boxes `(..., 4)` of any of Keras's formats, in pixels as (left, top, right, bottom).

    Args:
        boxes: As the format says.
        box_format: Keras's name.
        size: (height, width) of their image, or arrays that broadcast to the shape of the boxes without its last axis.
        xp: Array namespace.

    >>> to_xyxy(np.array([[0.5, 0.5, 0.25, 0.5]]), "rel_center_xywh", (40, 80)).tolist()
    [[30.0, 10.0, 50.0, 30.0]]
    """
    a, b, c, d = (boxes[..., k] for k in ((1, 0, 3, 2) if box_format.endswith(("yxyx", "yxhw")) else range(4)))
    if box_format.endswith(("wh", "hw")):
        left, top = (a - c / 2, b - d / 2) if "center" in box_format else (a, b)
        a, b, c, d = left, top, left + c, top + d
    height, width = size if box_format.startswith("rel_") else (1.0, 1.0)
    return xp.stack([a * width, b * height, c * width, d * height], axis=-1)


def from_xyxy(boxes: Array, box_format: str, size: tuple[Any, Any], xp: Namespace = np) -> Array:
    """The inverse of `to_xyxy`."""
    height, width = size if box_format.startswith("rel_") else (1.0, 1.0)
    a, b, c, d = (boxes[..., k] / side for k, side in enumerate((width, height, width, height)))
    if box_format.endswith(("wh", "hw")):
        c, d = c - a, d - b
        a, b = (a + c / 2, b + d / 2) if "center" in box_format else (a, b)
    return xp.stack([b, a, d, c] if box_format.endswith(("yxyx", "yxhw")) else [a, b, c, d], axis=-1)


def unit(box_format: str, size: tuple[float, float]) -> NDArray[np.float64]:
    """Pixels to a unit of x, y, x and y: the image's (height, width) where boxes are relative to it."""
    height, width = size if box_format.startswith("rel_") else (1.0, 1.0)
    return np.asarray([width, height, width, height])


def check_boxes(owner: str, boxes: Sequence[NDArray[Any]], box_format: str, sizes: NDArray[Any] | None) -> None:
    """Refuses boxes that are no boxes, lie out of their image, or are not written in their format.

    Args:
        owner: for messages.
        boxes: one (n, 4) per image.
        box_format: Keras's name.
        sizes: (images, 2), heights and widths, where they are known.

    Raises:
        ArgumentError: some are not.
    """
    images = np.repeat(np.arange(len(boxes)), [len(row) for row in boxes])
    if not len(images):
        return
    flat = np.concatenate([np.asarray(row, np.float64).reshape(-1, 4) for row in boxes])
    relative = box_format.startswith("rel_")
    fix = f"They are read as {box_format!r}: pass bounding_box_format= if they are written otherwise, or correct them."
    if not relative and (np.abs(flat) <= 1).all() and (flat % 1).any():
        rule = f"boxes in {box_format!r} are in pixels"
        received = "none above 1, as if relative to the image's size"
        raise refusal(ArgumentError, owner, rule, received, "Pass bounding_box_format='rel_xyxy', say.")
    limits = np.ones((len(flat), 2)) if relative else np.full((len(flat), 2), np.nan)
    if sizes is not None and not relative:
        limits = np.asarray(sizes, np.float64)[images]
    slack, measure = (SLACK, "of its side") if relative else (1, "px")
    problems = box_problems(to_xyxy(flat, box_format, (1.0, 1.0)), limits, slack, measure)
    if problems:
        row = min(problems)
        received = f"{problems[row]}, for images[{images[row]}] ({len(problems)} such boxes)"
        raise refusal(ArgumentError, owner, "every box must have an area and lie in its image", received, fix)


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

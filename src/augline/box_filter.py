"""Which boxes are worth keeping once the image around them has been cut and turned."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline.arrays import Array, Namespace
from augline.errors import ArgumentError


@dataclass(frozen=True)
class BoxFilter:
    """Which boxes stay, with their labels, after a transform; of those that are left out nothing remains.

    A box without area is left out always.

    Args:
        min_area: Square pixels of the image that comes out which what can be seen of a box must have.
        min_visibility: Share, 0 to 1, of a moved box that must still be seen: inside the image, and not under another
            image (CutMix, CopyPaste) nor what is painted over (RandomErasing, CoarseDropout, GridMask).
        min_width: Pixels that what is left must be wide.
        min_height: Pixels that what is left must be high.
        max_boxes: The most boxes that an image may have; the largest stay, in their order. Batches are padded to it, so
            that they have one shape on any data set; by default to the most that an image of the data set has.

    Raises:
        ArgumentError: A number is negative, or a share above 1.

    Example:
        >>> import augline as al, numpy as np
        >>> boxes = np.array([[0, 0, 8, 8], [4, 0, 24, 20]])     # three quarters are cut off, and a tenth
        >>> shift = al.RandomTranslation((0, 0), (-0.1, -0.1), fill_mode="constant")
        >>> images = np.zeros((1, 40, 60, 3), "uint8")
        >>> al.augment(images, [shift], boxes=[boxes], box_filter=al.BoxFilter(min_visibility=0.5))["boxes"][0].tolist()
        [[0.0, 0.0, 18.0, 20.0]]
    """

    min_area: float = 1.0
    min_visibility: float = 0.0
    min_width: float = 0.0
    min_height: float = 0.0
    max_boxes: int | None = None

    def __post_init__(self) -> None:
        most: object = self.max_boxes
        if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 1):
            raise ArgumentError(
                f"BoxFilter(max_boxes={most!r}): max_boxes must be a whole number from 1, or None. Received {most!r}. "
                "Write max_boxes=100, for example."
            )
        numbers = {name: value for name, value in asdict(self).items() if name != "max_boxes"}
        for name, value in numbers.items():
            number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
            if not number or value < 0 or (name == "min_visibility" and value > 1):
                limit = "1, a share" if name == "min_visibility" else "any number"
                raise ArgumentError(
                    f"BoxFilter({name}={value!r}): {name} must lie between 0 and {limit}. Received {value!r}. "
                    f"Write {name}={0.3 if name == 'min_visibility' else 16}, for example."
                )

    def shares(
        self, xp: Namespace, seen: Array, whole: Array, bare: Array | float = 1.0, before: Array | float = 1.0
    ) -> Array:
        """`(...)`: which share of boxes can be seen; 0 of those that do not stay.

        Args:
            xp: Array namespace.
            seen: `(..., 4)` left, top, right, bottom of what can be seen.
            whole: Of all, moved.
            bare: Share of `seen` over which nothing else lies.
            before: Share of boxes that `whole` is; 0 where there is no box.
        """
        width, height = seen[..., 2] - seen[..., 0], seen[..., 3] - seen[..., 1]
        full = (whole[..., 2] - whole[..., 0]) * (whole[..., 3] - whole[..., 1])
        area = width * height * bare
        stays = (area >= self.min_area) & (area * before >= self.min_visibility * full)
        stays = stays & (area > 0) & (width >= self.min_width) & (height >= self.min_height)
        return xp.where(stays, area * before / xp.where(full > 0, full, 1.0), 0.0)

    def fullest(self, stays: NDArray[np.bool_], seen: NDArray[Any]) -> NDArray[np.int64]:
        """Which of the boxes `(n, 4)` that stay are left: no more than there may be, the largest."""
        rows = np.flatnonzero(stays)
        if self.max_boxes is None or len(rows) <= self.max_boxes:
            return rows
        area = (seen[rows, 2] - seen[rows, 0]) * (seen[rows, 3] - seen[rows, 1])
        return np.sort(rows[np.argsort(-area, kind="stable")[: self.max_boxes]])


ANY_BOX = BoxFilter()
"""The default: every box of which a pixel is left."""

"""The stage kind that makes one sample of several; it divides a list, and runs between the plans of its parts."""

from __future__ import annotations

from dataclasses import dataclass, replace

from augline.arrays import Array
from augline.plan.frame import Extent, Frame
from augline.plan.stages import Stage


@dataclass(frozen=True, eq=False)
class Mix(Stage):
    """Each sample with `n` partners, drawn from the whole data set, as they come out of the list so far.

    Attributes:
        partner: `(batch, n)` in [0, 1): which sample, as a share of the data set.
        weights: `(batch, 1 + n)`: the images' weights in a sum; or None where they are pasted.
        boxes: `(batch, 1 + n, 4)` whole pixels (top, left, bottom, right): where each image shows, later over earlier.
        shifts: `(batch, 1 + n, 2)` whole pixels: how far down and right each image lies.
        shares: `(batch, 1 + n)`: how much each sample's label counts.
        extent: Of the result.
        fill: 0 to 1: where no image shows.
        objects: Whether partners show only where their segmentation masks are not 0.
    """

    partner: Array
    weights: Array | None
    boxes: Array
    shifts: Array
    shares: Array
    extent: Extent
    fill: float = 0.0
    objects: bool = False
    origin: tuple[str, ...] = ()

    @property
    def used(self) -> Array:
        """`(batch, 1 + n)` bool: which images take part."""
        if self.weights is not None:
            return self.weights > 0
        return (self.boxes[:, :, 2] > self.boxes[:, :, 0]) & (self.boxes[:, :, 3] > self.boxes[:, :, 1])

    def over(self, number: int) -> range:
        """The images whose whole rectangles hide what lies under them of another."""
        hides = self.weights is None and not self.objects
        return range(number + 1, int(self.shares.shape[1]) if hides else 0)

    def masked(self, mask: Array | None, before: Frame) -> Mix:
        if mask is None:
            return self
        xp, count = before.xp, int(self.shares.shape[1])
        alone = xp.asarray([1.0] + [0.0] * (count - 1), dtype=xp.float64)
        whole = xp.stack([0.0 * before.height, 0.0 * before.width, before.height, before.width], axis=-1)
        own = xp.astype(xp.stack([whole] + [0.0 * whole] * (count - 1), axis=1), xp.int64)
        return replace(
            self,
            weights=None if self.weights is None else xp.where(mask[:, None], self.weights, alone),
            boxes=xp.where(mask[:, None, None], self.boxes, own),
            shifts=xp.where(mask[:, None, None], self.shifts, 0),
            shares=xp.where(mask[:, None], self.shares, alone),
        )

    def after(self, frame: Frame) -> Frame:
        return frame.with_(extent=self.extent)

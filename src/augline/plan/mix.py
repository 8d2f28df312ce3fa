"""The stage kind that makes one sample of several; it divides a list, and runs between the plans of its parts."""

from __future__ import annotations

from dataclasses import dataclass, replace

from augline.arrays import Array, Namespace
from augline.plan.frame import Extent, Frame
from augline.plan.stages import Stage


@dataclass(frozen=True, eq=False)
class Mix(Stage):
    """Each sample with `n` partners, drawn from the whole data set, as they come out of the list so far.

    Attributes:
        partner: `(batch, n)` in [0, 1): which sample, as a share of the data set.
        opacity: `(batch, 1 + n)`, 0 to 1: how far each image hides those before it; None where all do altogether.
            Only images that are not shifted are translucent.
        boxes: `(batch, 1 + n, 4)` whole pixels (top, left, bottom, right): where each image shows, later over earlier.
        shifts: `(batch, 1 + n, 2)` whole pixels: how far down and right each image lies.
        shares: `(batch, 1 + n)`: how much each sample's label counts.
        extent: Of the result.
        fill: 0 to 1: where no image shows.
        objects: Whether partners show only where their segmentation masks are not 0.
    """

    partner: Array
    opacity: Array | None
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
        shows = (self.boxes[:, :, 2] > self.boxes[:, :, 0]) & (self.boxes[:, :, 3] > self.boxes[:, :, 1])
        return shows if self.opacity is None else shows & (self.opacity > 0)

    def covers(self, xp: Namespace) -> Array:
        """`boxes` of images that hide what lies under them; empty ones of the others."""
        if self.opacity is None:
            return self.boxes
        return xp.where((self.opacity == 1.0)[:, :, None], self.boxes, 0)

    def over(self, number: int) -> range:
        """The images of which the rectangle that `covers` may hide parts of another."""
        return range(number + 1, 0 if self.objects else int(self.shares.shape[1]))

    def where(self, mask: Array, other: Mix, before: Frame) -> Mix:
        """This where `mask` holds, elsewhere another of as many images, of which none is shifted."""
        xp = before.xp
        one, two = (xp.ones(mix.shares.shape) if mix.opacity is None else mix.opacity for mix in (self, other))
        return replace(
            self,
            opacity=xp.where(mask[:, None], one, two),
            boxes=xp.where(mask[:, None, None], self.boxes, other.boxes),
            shares=xp.where(mask[:, None], self.shares, other.shares),
        )

    def masked(self, mask: Array | None, before: Frame) -> Mix:
        if mask is None:
            return self
        xp, count = before.xp, int(self.shares.shape[1])
        alone = xp.asarray([1.0] + [0.0] * (count - 1), dtype=xp.float64)
        whole = xp.stack([0.0 * before.height, 0.0 * before.width, before.height, before.width], axis=-1)
        own = xp.astype(xp.stack([whole] + [0.0 * whole] * (count - 1), axis=1), xp.int64)
        return replace(
            self,
            boxes=xp.where(mask[:, None, None], self.boxes, own),
            shifts=xp.where(mask[:, None, None], self.shifts, 0),
            shares=xp.where(mask[:, None], self.shares, alone),
        )

    def after(self, frame: Frame) -> Frame:
        return frame.with_(extent=self.extent)

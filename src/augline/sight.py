"""The targets of a batch in the frame that a transform meets, for transforms whose choice depends on them.

The coordinates are those that would come out if the list ended in front of the transform. They are worked out only when
asked for, from the stages so far, and always by the same rules, so that what is drawn depends on no engine.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from augline import engines, targets
from augline.arrays import Array, Namespace
from augline.errors import ArgumentError
from augline.plan import Drop, Extent, Frame, Output, Plan, Rescale, Stage, dropped, fuse
from augline.plan.mix import Mix
from augline.sources.targets import Targets, by_frame


class Shown(Protocol):
    """The targets of a batch as they come, and how to find them in a frame: in NumPy `Known`; a graph has its own."""

    @property
    def kinds(self) -> frozenset[str]:
        """Which of "boxes" and "masks" there are."""

    def boxes(self, way: Plan) -> tuple[Array, Array]:
        """See `augline.plan.Sight`, behind a plan that moves things."""

    def filled(
        self, way: Plan, place: Array, ignore_values: Sequence[int], ignore_channels: Sequence[int]
    ) -> tuple[Array, Array]:
        """See `augline.plan.Sight`, behind a plan that moves things."""


@dataclass(frozen=True, eq=False)
class Known:
    """The targets of a batch in NumPy.

    Attributes:
        columns: One row per sample.
        bounding_box_format: Of its boxes.
        lead: (time,) where samples are videos: what lies in any frame is seen, and one window is cut out of all.
    """

    columns: Targets
    bounding_box_format: str = "xyxy"
    lead: tuple[int, ...] = ()

    @classmethod
    def imaginary(cls, kinds: Collection[str], sizes: NDArray[np.int64]) -> Known:
        """No box, and masks of nothing, to try a list on before any sample is read."""
        boxes = [np.zeros((0, 4), np.float32) for _ in sizes] if "boxes" in kinds else None
        masks = [np.zeros((h, w, 1), np.uint8) for h, w in sizes.tolist()] if "masks" in kinds else None
        return cls(Targets(boxes=boxes, masks=masks))

    @property
    def kinds(self) -> frozenset[str]:
        """Which of "boxes" and "masks" there are."""
        return frozenset(kind for kind in ("boxes", "masks") if getattr(self.columns, kind) is not None)

    def boxes(self, way: Plan) -> tuple[Array, Array]:
        """See `augline.plan.Sight`."""
        form, frames = self.bounding_box_format, (*self.lead, 1)[0]
        rows, polygons = (
            None if c is None else by_frame(c, self.lead) for c in (self.columns.boxes, self.columns.polygons)
        )
        rows = list(rows or ())
        moved, kept = targets.move_boxes(way, rows, form, polygons=polygons, frames=frames)
        most = max([1, *(len(row) for row in rows)])
        boxes, there = np.zeros((len(rows), most, 4)), np.zeros((len(rows), most), bool)
        for number, keep in enumerate(kept):
            index = number // frames
            size = float(way.extent.height[index]), float(way.extent.width[index])
            boxes[number, keep] = targets.to_xyxy(moved[number].astype(np.float64), form, size)
            there[number, keep] = True
        return boxes.reshape(-1, frames * most, 4), there.reshape(-1, frames * most)

    def filled(
        self, way: Plan, place: Array, ignore_values: Sequence[int], ignore_channels: Sequence[int]
    ) -> tuple[Array, Array]:
        """See `augline.plan.Sight`."""
        points, there = np.zeros((len(place), 2)), np.zeros(len(place), bool)
        for index, share in enumerate(np.asarray(place).tolist()):
            mask = self.mask(way, index) if share == share else None  # not of NaN
            if mask is None:
                continue
            pixels = np.flatnonzero(counted(np, mask, ignore_values, ignore_channels))
            if len(pixels):
                y, x = divmod(int(pixels[int(share * len(pixels))]), mask.shape[-2])
                points[index], there[index] = (x, y % mask.shape[-3]), True
        return points, there

    def mask(self, way: Plan, index: int) -> NDArray[Any] | None:
        """A sample's mask in a frame, of several the first; None where it cannot be had: its pixels report that."""
        size = int(way.before.height[index]), int(way.before.width[index])
        try:
            mask = targets.read_mask(self.columns.mask(index, self.name), size, str(index), len(self.lead))
            return carried(way, index, mask, self.name)
        except (ArgumentError, OSError):
            return None

    @property
    def name(self) -> str:
        """Of the first of the masks; "" of the only one."""
        return next(iter(self.columns.masks)) if isinstance(self.columns.masks, Mapping) else ""


@dataclass(frozen=True, eq=False)
class Sight:
    """What `Frame.sight` is; see there.

    Attributes:
        known: The targets as they come.
        before: The frame they come in.
        extent: Of the present frame.
        stages: On the way to it.
    """

    known: Shown
    before: Frame
    extent: Extent
    stages: tuple[Stage, ...] = ()

    @property
    def kinds(self) -> frozenset[str]:
        """Of "boxes" and "masks"; behind a mixing masks are not known before pixels are."""
        mixed = any(isinstance(stage, Mix) for stage in self.stages)
        return self.known.kinds - {"masks"} if mixed else self.known.kinds

    def through(self, stages: Sequence[Stage]) -> Sight:
        """What is seen behind these stages."""
        frame = self.before.with_(extent=self.extent)
        for stage in stages:
            frame = stage.after(frame)
        return replace(self, extent=frame.extent, stages=(*self.stages, *stages))

    def boxes(self) -> tuple[Array, Array]:
        """`(batch, n, 4)` boxes in this frame and `(batch, n)` which there are; see `augline.plan.Sight`."""
        return self.known.boxes(self._way)

    def filled(
        self, place: Array, ignore_values: Sequence[int] = (), ignore_channels: Sequence[int] = ()
    ) -> tuple[Array, Array]:
        """`(batch, 2)` one of the pixels of each mask and `(batch,)` whether it has any; see `augline.plan.Sight`."""
        return self.known.filled(self._way, place, ignore_values, ignore_channels)

    @property
    def _way(self) -> Plan:
        """The plan of what led here, without pixels."""
        moving = fuse([stage for stage in self.stages if not isinstance(stage, (Drop, Mix, Rescale))])
        output = Output(self.before.scale, self.before.offset, self.before.dtype)
        return Plan(moving, (None,) * len(moving), self.before, self.extent, output, dropped(self.stages))


def carried(way: Plan, index: int, mask: NDArray[Any], name: str = "") -> NDArray[Any]:
    """A mask `([time, ]height, width, channels)` of one sample behind a plan, as the reference carries it.

    Raises:
        ArgumentError: A transform fills masks with a value that their type does not have.
    """
    plan = targets.mask_plan(way.take(slice(index, index + 1)), mask.shape[-1], mask.dtype.name, name)
    if not plan.stages:
        return mask
    shape = *mask.shape[:-3], int(plan.extent.height[0]), int(plan.extent.width[0]), mask.shape[-1]
    out = np.empty(shape, mask.dtype)
    engines.carry(engines.prepare("reference", plan, np.ones((1, 2), np.int64)), 0, mask, out)
    return out


def counted(
    xp: Namespace, masks: Array, ignore_values: Sequence[int] = (), ignore_channels: Sequence[int] = ()
) -> Array:
    """Which pixels of masks `(..., height, width, channels)` are not empty, `(..., height, width)`."""
    masks = xp.astype(masks, xp.uint8) if masks.dtype.name == "bool" else masks
    kept = [k for k in range(int(masks.shape[-1])) if k not in ignore_channels]
    masks = xp.take(masks, xp.asarray(kept, dtype=xp.int64), axis=-1)
    empty = [value for value in {0, *ignore_values} if targets.fits(value, np.dtype(masks.dtype.name))]
    return xp.any(reduce(and_, (masks != value for value in empty)), axis=-1)

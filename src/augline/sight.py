"""The targets of a batch in the frame that a transform meets, for transforms whose choice depends on them.

The coordinates are those that would come out if the list ended in front of the transform. They are worked out only when
asked for, from the stages so far, and always by the same rules, so that what is drawn depends on no engine.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline import engines, targets
from augline.arrays import Array
from augline.errors import ArgumentError
from augline.plan import Drop, Extent, Frame, Output, Plan, Rescale, Stage, dropped, fuse
from augline.plan.mix import Mix
from augline.sources.targets import Targets


@dataclass(frozen=True, eq=False)
class Known:
    """The targets of a batch as they come.

    Attributes:
        columns: One row per sample.
        bounding_box_format: Of its boxes.
        videos: Whether samples are videos, whose targets differ from frame to frame and are not looked at.
    """

    columns: Targets
    bounding_box_format: str = "xyxy"
    videos: bool = False

    @classmethod
    def imaginary(cls, kinds: Collection[str], sizes: NDArray[np.int64]) -> Known:
        """No box, and masks of nothing, to try a list on before any sample is read."""
        boxes = [np.zeros((0, 4), np.float32) for _ in sizes] if "boxes" in kinds else None
        masks = [np.zeros((h, w, 1), np.uint8) for h, w in sizes.tolist()] if "masks" in kinds else None
        return cls(Targets(boxes=boxes, masks=masks))

    @property
    def kinds(self) -> frozenset[str]:
        """Which of "boxes" and "masks" there are."""
        found = frozenset(kind for kind in ("boxes", "masks") if getattr(self.columns, kind) is not None)
        return frozenset() if self.videos else found


@dataclass(frozen=True, eq=False)
class Sight:
    """What `Frame.sight` is; see there.

    Attributes:
        known: The targets as they come.
        before: The frame they come in.
        extent: Of the present frame.
        stages: On the way to it.
    """

    known: Known
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
        columns, form = self.known.columns, self.known.bounding_box_format
        rows = list(columns.boxes or ())
        moved, kept = targets.move_boxes(self._plan, rows, form, polygons=columns.polygons)
        most = max([1, *(len(row) for row in rows)])
        boxes, there = np.zeros((len(rows), most, 4)), np.zeros((len(rows), most), bool)
        for index, keep in enumerate(kept):
            size = float(self.extent.height[index]), float(self.extent.width[index])
            boxes[index, keep] = targets.to_xyxy(moved[index].astype(np.float64), form, size)
            there[index, keep] = True
        return boxes, there

    def filled(
        self, place: Array, ignore_values: Sequence[int] = (), ignore_channels: Sequence[int] = ()
    ) -> tuple[Array, Array]:
        """`(batch, 2)` one of the pixels of each mask and `(batch,)` whether it has any; see `augline.plan.Sight`."""
        points, there, plan = np.zeros((len(place), 2)), np.zeros(len(place), bool), self._plan
        for index, share in enumerate(np.asarray(place).tolist()):
            mask = self._mask(plan, index) if share == share else None  # not of NaN
            if mask is None:
                continue
            counted = np.delete(mask, [c for c in ignore_channels if c < mask.shape[2]], axis=2)
            pixels = np.flatnonzero(((counted != 0) & ~np.isin(counted, ignore_values)).any(axis=2))
            if len(pixels):
                y, x = divmod(int(pixels[int(share * len(pixels))]), mask.shape[1])
                points[index], there[index] = (x, y), True
        return points, there

    @property
    def _plan(self) -> Plan:
        """The way here, without pixels."""
        moving = fuse([stage for stage in self.stages if not isinstance(stage, (Drop, Mix, Rescale))])
        output = Output(self.before.scale, self.before.offset, self.before.dtype)
        return Plan(moving, (None,) * len(moving), self.before, self.extent, output, dropped(self.stages))

    def _mask(self, way: Plan, index: int) -> NDArray[Any] | None:
        """A sample's mask in this frame, of several the first; None where it cannot be had: its pixels report that."""
        columns = self.known.columns
        name = next(iter(columns.masks)) if isinstance(columns.masks, Mapping) else ""
        size = int(self.before.height[index]), int(self.before.width[index])
        try:
            mask = targets.read_mask(columns.mask(index, name), size, str(index))
            plan = targets.mask_plan(way.take(slice(index, index + 1)), mask.shape[2], mask.dtype.name, name)
        except (ArgumentError, OSError):
            return None
        if not plan.stages:
            return mask
        shape = int(plan.extent.height[0]), int(plan.extent.width[0]), mask.shape[2]
        out = np.empty(shape, mask.dtype)
        engines.prepare("reference", plan, np.ones((1, 2), np.int64))(0, mask, out)
        return out

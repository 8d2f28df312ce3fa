"""Samples of a list that mixes: those of its first part, mixed and carried on level by level; see `augline.mixing`."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from augline.arrays import Array
from augline.batches import Batches
from augline.box_filter import ANY_BOX
from augline.dense_boxes import mix_boxes, move_boxes, move_shares
from augline.engines.arrays import tensorflow as xp
from augline.engines.portable.mix import mixed
from augline.engines.portable.state import Each
from augline.feed.graph.compiled import by_xla, carry_out
from augline.feed.graph.frames import by_video, framed, mix_of_frames, plan_of_frames, together
from augline.feed.graph.refuse import refused
from augline.feed.graph.rows import Rows, planned
from augline.feed.graph.targets import dense, move_points
from augline.mixing import Level, MixedBatches, mixed_labels, points
from augline.plan import Plan
from augline.plan.mix import Mix
from augline.sources.boxes import from_xyxy, to_xyxy


class _Boxes(NamedTuple):
    """Boxes `(batch[, time], n, 4)` left, top, right, bottom in pixels, their labels, and of what share they are.

    The share is 0 where there is none.
    """

    sides: Array
    labels: Array
    shares: Array


class _Shown(NamedTuple):
    """What transforms behind a mixing see: boxes, those of videos frame by frame; see `augline.sight`."""

    given: _Boxes
    lead: tuple[int, ...]

    @property
    def kinds(self) -> frozenset[str]:
        """Boxes alone."""
        return frozenset({"boxes"})

    def boxes(self, way: Plan) -> tuple[Array, Array]:
        """See `augline.plan.Sight`."""
        sides, there = tf.cast(self.given.sides, tf.float32), self.given.shares > 0
        sides, there = move_boxes(xp, plan_of_frames(way, self.lead), sides, there, "xyxy", ANY_BOX)
        rows = there.shape[0] // (*self.lead, 1)[0]
        return tf.reshape(tf.cast(sides, tf.float64), (rows, -1, 4)), tf.reshape(there, (rows, -1))

    def filled(self, way: Plan, *chosen: Any) -> tuple[Array, Array]:
        """See `augline.plan.Sight`."""
        raise AssertionError("masks come with the pixels behind a mixing")


class _Step(NamedTuple):
    """A mixing of a batch, of so many images each, and the plan behind it.

    Attributes:
        frames: The mixing of the frames, where samples are videos; `plan` is theirs too.
    """

    level: Level
    mix: Mix
    frames: Mix
    plan: Plan
    images: int


def maker(batches: Batches) -> Rows | MixedRows:
    """What makes samples of (epoch, indices).

    Raises:
        EngineError: No graph can read the source, or move its targets.
    """
    return MixedRows(batches) if isinstance(batches, MixedBatches) else Rows(batches)


class MixedRows:
    """Makes samples in a graph, with their partners.

    Args:
        batches: Of a program that mixes.
    """

    def __init__(self, batches: MixedBatches) -> None:
        if batches.source.targets.polygons is not None:
            raise refused(repr(batches.source), "boxes that are mixed must be known by their sides alone", "polygons")
        self._batches, self._first, self._lead = batches, Rows(batches.first), batches.source.lead
        known = batches.source.targets.keypoints is not None
        self._counts = tf.constant(batches.first.counts) if known else None

    def __call__(self, epoch: Array, indices: Array) -> dict[str, Any]:
        """What comes out of samples `(batch,)` of the source, by name."""
        rows, mixes = self._batches.drawn(epoch, indices, self._first.ids, xp)
        batch = self._first(epoch, rows)
        boxes = self._opened(batch.pop("bounding_boxes")) if "bounding_boxes" in batch else None
        counts = None if self._counts is None else tf.gather(self._counts, rows)
        for level, mix in zip(self._batches.levels, mixes, strict=True):
            rows = rows[:: mix.shares.shape[1]]
            frames = mix_of_frames(mix, self._lead)
            solid = self._solid(mix, batch)
            boxes = None if boxes is None else self._gathered(frames, boxes, solid)
            step = self._step(level, mix, frames, epoch, rows, boxes and _Shown(boxes, self._lead))
            batch = self._mixed(step, batch, solid)
            boxes = None if boxes is None else self._placed(step, boxes)
            if counts is not None:
                counts = tf.reshape(counts, (rows.shape[0], step.images, -1)) & mix.used[:, :, None]
                counts = tf.reshape(counts, (rows.shape[0], -1))
        if counts is not None:
            counts = counts[:, None] if self._lead else counts
            batch["keypoints"] = points.finished(xp, batch["keypoints"], counts, self._batches.point_columns)
        return batch if boxes is None else {**batch, "bounding_boxes": self._closed(boxes)}

    def read(self, epoch: Array, indices: Array) -> list[Array]:
        """See `Rows.read`: of samples and their partners."""
        return self._first.read(epoch, self._batches.drawn(epoch, indices, self._first.ids, xp)[0])

    def names(self, indices: Array) -> Array:
        """See `Rows.names`."""
        return self._first.names(indices)

    def _step(
        self, level: Level, mix: Mix, frames: Mix, epoch: Array, rows: Array, known: _Shown | None
    ) -> _Step:  # fmt: skip
        size = tf.constant([level.program.size] * rows.shape[0])
        plan = planned(level.program, epoch, self._first.ids(rows), size, known)
        return _Step(level, mix, frames, plan_of_frames(plan, self._lead), int(mix.shares.shape[1]))

    def _solid(self, mix: Mix, batch: dict[str, Any]) -> Array | None:
        """Where the first of the masks of images, or of the frames of videos, is not 0, if partners show only there."""
        if not mix.objects:
            return None
        masks = batch["segmentation_masks"]
        first = next(iter(masks.values())) if isinstance(masks, dict) else masks
        return tf.reduce_any(together(first, int(mix.shares.shape[1]), self._lead) != 0, axis=-1)

    def _mixed(self, step: _Step, batch: dict[str, Any], solid: Array | None) -> dict[str, Any]:
        """All but the boxes, one level on."""
        lead, program, (low, high) = self._lead, step.level.program, self._batches.source.value_range
        fill = np.asarray(low + step.mix.fill * (high - low)).astype(program.dtype).item()
        names = ("images", *self._batches.source.extra_images)
        images = {name: together(batch[name], step.images, lead) for name in names}
        images = {name: tf.ensure_shape(part, (None, None, None, program.channels)) for name, part in images.items()}
        masks = batch.get("segmentation_masks", {})
        masks = masks if isinstance(masks, dict) else {"": masks}
        masks = {name: together(mask, step.images, lead) for name, mask in masks.items()}
        made, made_masks = by_xla(partial(mixed, xp, fill=fill), step.frames, images, masks, solid)
        found = batch | {name: by_video(carry_out(step.plan, part), lead) for name, part in made.items()}
        if self._batches.masks is not None:
            plans = self._batches.masks.plans(step.plan)
            moved = {name: carry_out(plans[name], mask, Each(settled=True)) for name, mask in made_masks.items()}
            moved = {name: by_video(mask, lead) for name, mask in moved.items()}
            found["segmentation_masks"] = moved.get("", moved)
        if "labels" in batch:
            found["labels"] = mixed_labels(xp, step.mix, batch["labels"])
        if "weights" in batch:
            found["weights"] = batch["weights"][:: step.images]
        if "keypoints" in batch:
            found["keypoints"] = self._pointed(step, batch["keypoints"], images["images"].shape[1:3], solid)
        return found

    def _pointed(self, step: _Step, given: Array, size: tuple[int, int], solid: Array | None) -> Array:
        """Keypoints one level on."""
        rows, block = int(step.frames.shares.shape[0]), self._batches.first.block[0]
        parts = tf.reshape(together(given, step.images, self._lead), (rows, step.images, -1, 3))
        look_up = None if solid is None else _look_up(solid, rows, step.images)
        found = tf.reshape(points.placed(xp, step.frames, parts, size, solid=look_up), (rows, -1, 3))
        blocks = int(found.shape[1]) // max(block, 1)
        swaps = points.in_blocks(self._batches.source.targets.keypoint_swaps, block, blocks)
        return by_video(move_points(step.plan, found, swaps), self._lead)

    def _gathered(self, frames: Mix, boxes: _Boxes, solid: Array | None) -> _Boxes:
        """The boxes that show in what is mixed of images, or of the frames of videos, one after the other."""
        given = _Boxes(*(together(column, int(frames.shares.shape[1]), self._lead) for column in boxes))
        sides, shares = mix_boxes(xp, frames, given.sides, given.shares, self._batches.inner_filter, solid)
        return _Boxes(sides, tf.reshape(given.labels, shares.shape), shares)

    def _placed(self, step: _Step, boxes: _Boxes) -> _Boxes:
        batches = self._batches
        box_filter = batches.box_filter if step.level is batches.levels[-1] else batches.inner_filter
        sides, shares = move_shares(xp, step.plan, boxes.sides, boxes.shares, "xyxy", box_filter)
        moved = tf.cast(sides, tf.float64), boxes.labels, shares
        return _Boxes(*(by_video(column, self._lead) for column in moved))

    def _opened(self, given: dict[str, Array]) -> _Boxes:
        sides = tf.cast(given["boxes"], tf.float64)
        sides = to_xyxy(sides, self._batches.source.bounding_box_format, self._batches.first.size, xp)
        return _Boxes(sides, given["labels"], tf.clip_by_value(given["shares"], 0.0, 1.0))

    def _closed(self, boxes: _Boxes) -> dict[str, Array]:
        form, size = self._batches.source.bounding_box_format, self._batches.size
        flat = _Boxes(*(framed(column, self._lead) for column in boxes))
        written = tf.cast(from_xyxy(flat.sides, form, size, xp), tf.float32)
        packed = dense(self._batches, flat.shares, written, flat.labels)
        return {name: by_video(column, self._lead) for name, column in packed.items()}


def _look_up(solid: Array, rows: int, count: int) -> points.Opaque:
    """Which pixels of partners `(rows * count, height, width)` belong to objects, by number, y and x `(rows, k)`."""
    first = tf.range(rows, dtype=tf.int64)[:, None] * count
    return lambda k, y, x: tf.gather_nd(solid, tf.stack([first + k + 0 * y, y, x], axis=-1))

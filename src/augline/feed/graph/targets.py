"""Labels, weights, masks, boxes and keypoints as tensors, moved with the images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from augline.arrays import Array
from augline.batches import Batches
from augline.box_filter import ANY_BOX, BoxFilter
from augline.dense_boxes import move_shares, packed
from augline.engines.arrays import tensorflow as xp
from augline.engines.portable.points import forward, painted_over
from augline.errors import EngineError
from augline.feed.graph.frames import by_video, framed, frames_of, plan_of_frames
from augline.feed.graph.masks import MaskColumn, Opened
from augline.feed.graph.polygons import Polygons
from augline.mixing.below import Below
from augline.plan import Erase, Extent, Plan, Warp
from augline.sources.base import Source
from augline.sources.boxes import to_xyxy
from augline.sources.targets import by_frame

_EDGE = 1e-6


class Targets:
    """The targets of a source as tensors.

    Args:
        batches: Of the source.

    Raises:
        EngineError: No graph can move them.
    """

    def __init__(self, batches: Batches) -> None:
        source = self._source = batches.source
        columns, everything = source.targets, np.arange(len(source))
        taken = columns.take(everything)
        given = batches.keypoints(taken.get("keypoints", []))
        _check(source, given)
        self._plain = {name: tf.constant(taken[name]) for name in ("labels", "weights") if name in taken}
        self._masks = None if columns.masks is None else MaskColumn(batches)
        self._boxes = None if columns.boxes is None else _Boxes(batches, taken)
        self._points = None if columns.keypoints is None else tf.constant(np.stack(given), tf.float32)

    def of(self, indices: Array, sizes: Array, names: Array) -> Shown:
        """The targets of samples as they come.

        Args:
            indices: `(batch,)`.
            sizes: `(batch, 2)` heights and widths of the images as they come.
            names: `(batch,)`, for errors.
        """
        return Shown(self, indices, {} if self._masks is None else self._masks.opened(indices, sizes, names))

    @property
    def kinds(self) -> frozenset[str]:
        """Which of "boxes" and "masks" there are to look at."""
        given = {"boxes": self._boxes, "masks": self._masks}
        return frozenset(name for name, column in given.items() if column is not None)

    def boxes(self, way: Plan, indices: Array) -> tuple[Array, Array]:
        """See `augline.plan.Sight`."""
        assert self._boxes is not None
        lead, frames = self._source.lead, plan_of_frames(way, self._source.lead)
        boxes, shares = self._boxes.placed(frames, frames_of(indices, lead), ANY_BOX)
        boxes = seen(frames, boxes, self._source.bounding_box_format)
        return tf.reshape(boxes, (indices.shape[0], -1, 4)), tf.reshape(shares > 0, (indices.shape[0], -1))

    def filled(self, way: Plan, masks: Opened, *chosen: Any) -> tuple[Array, Array]:
        """See `augline.plan.Sight`."""
        assert self._masks is not None
        return self._masks.filled(way, masks, *chosen)

    def moved(self, plan: Plan, indices: Array, masks: Opened) -> dict[str, Any]:
        """The targets of samples as they come out of a plan, by name."""
        found: dict[str, Any] = {name: tf.gather(column, indices) for name, column in self._plain.items()}
        if self._masks is not None:
            found["segmentation_masks"] = self._masks.moved(plan, masks)
        lead, swaps = self._source.lead, self._source.targets.keypoint_swaps
        frames = plan_of_frames(plan, lead)
        if self._boxes is not None:
            moved = self._boxes.moved(frames, frames_of(indices, lead))
            found["bounding_boxes"] = {name: by_video(column, lead) for name, column in moved.items()}
        if self._points is not None:
            points = framed(tf.gather(self._points, indices), lead)
            found["keypoints"] = by_video(move_points(frames, points, swaps), lead)
        return found


@dataclass(frozen=True, eq=False)
class Shown:
    """The targets of a batch as they come; also what transforms see that look at them, see `augline.sight`."""

    targets: Targets
    indices: Array
    masks: Opened

    @property
    def kinds(self) -> frozenset[str]:
        """Which of "boxes" and "masks" there are."""
        return self.targets.kinds

    def boxes(self, way: Plan) -> tuple[Array, Array]:
        """See `augline.plan.Sight`."""
        return self.targets.boxes(way, self.indices)

    def filled(self, way: Plan, *chosen: Any) -> tuple[Array, Array]:
        """See `augline.plan.Sight`."""
        return self.targets.filled(way, self.masks, *chosen)

    def moved(self, plan: Plan) -> dict[str, Any]:
        """As they come out of a plan, by name."""
        return self.targets.moved(plan, self.indices, self.masks)


def seen(way: Plan, boxes: Array, box_format: str) -> Array:
    """Boxes `(batch, n, 4)` behind a plan as left, top, right, bottom in pixels of its frame."""
    size = way.extent.height[:, None], way.extent.width[:, None]
    return to_xyxy(tf.cast(boxes, tf.float64), box_format, size, xp)


def _check(source: Source, keypoints: Sequence[NDArray[Any]]) -> None:
    """Refuses targets that no graph can move.

    Raises:
        EngineError: There are some.
    """
    if len({rows.shape for rows in keypoints}) > 1:
        raise EngineError(
            f"engine='tensorflow' with {source!r}: all images must have equally many keypoints, for a tensor has one "
            "shape. Received different numbers. Pad them with points of visibility 0."
        )


def move_points(plan: Plan, points: Array, swaps: tuple[tuple[int, int], ...]) -> Array:
    """Keypoints `(batch, k, 2 or 3)` through a plan; see `augline.targets.Points`."""
    there = tf.cast(points[..., :2], tf.float64)
    within, mirrored = tf.ones(points.shape[:2], tf.bool), tf.ones((points.shape[0],), tf.float64)
    for stage in plan.stages:
        if isinstance(stage, Erase):
            within &= ~painted_over(xp, stage.boxes, there)
        if not (isinstance(stage, Warp) and stage.moves):
            continue
        there = forward(xp, stage, there)
        within &= _inside(there, stage.extent)
        total = stage.total
        mirrored *= tf.sign(total[:, 0, 0] * total[:, 1, 1] - total[:, 0, 1] * total[:, 1, 0])
    within &= _inside(there, plan.extent)
    parts = [tf.cast(there, tf.float32)]
    if points.shape[-1] == 3:
        parts.append(tf.where(within, points[..., 2], 0.0)[..., None])
    result = tf.concat(parts, axis=-1)
    order = list(range(points.shape[1]))
    for one, other in swaps if order else ():
        order[one], order[other] = order[other], order[one]
    return tf.where((mirrored < 0)[:, None, None], tf.gather(result, tf.constant(order, tf.int32), axis=1), result)


def _inside(points: Array, extent: Extent) -> Array:
    limit = tf.stack([extent.width, extent.height], axis=-1)[:, None] - 0.5
    return tf.reduce_all((points >= -0.5 - _EDGE) & (points <= limit + _EDGE), axis=-1)


class _Boxes:
    """Boxes and their labels of all samples, and how many each has.

    Args:
        batches: Whose boxes are moved.
        taken: All targets.
    """

    def __init__(self, batches: Batches, taken: Mapping[str, Any]) -> None:
        lead = batches.source.lead
        rows = by_frame(taken["boxes"], lead)
        names = by_frame(taken.get("box_labels", ()), lead) or [np.zeros(len(each), np.int32) for each in rows]
        self._boxes = tf.ragged.constant([each.tolist() for each in rows], tf.float32, ragged_rank=1, inner_shape=(4,))
        self._labels = tf.ragged.constant([np.asarray(each).tolist() for each in names], tf.int32)
        outlines = taken.get("polygons")
        self._polygons = None if outlines is None else Polygons(by_frame(outlines, lead))
        counts = [len(each) for each in rows]
        self._counts, self._batches, self._room = tf.constant(counts), batches, max([1, *counts])

    def moved(self, plan: Plan, indices: Array) -> dict[str, Array]:
        """See `augline.targets.move_boxes`: what is left of them stands first, then -1."""
        labels = tf.gather(self._labels, indices).to_tensor(shape=(indices.shape[0], self._room))
        moved, shares = self.placed(plan, indices, self._batches.box_filter)
        return dense(self._batches, shares, moved, labels)

    def placed(self, plan: Plan, indices: Array, box_filter: BoxFilter) -> tuple[Array, Array]:
        """Boxes where they come out, each in its place, and which share of them is left."""
        room, form = self._room, self._batches.source.bounding_box_format
        boxes = tf.gather(self._boxes, indices).to_tensor(shape=(indices.shape[0], room, 4))
        there = tf.range(room)[None] < tf.gather(self._counts, indices)[:, None]
        polygons = None if self._polygons is None else self._polygons.take(indices, room)
        return move_shares(xp, plan, boxes, tf.cast(there, tf.float64), form, box_filter, polygons)


def dense(batches: Batches, shares: Array, boxes: Array, labels: Array) -> dict[str, Array]:
    """Boxes and labels of which a share is left, as many places as a batch has for them; shares too to be mixed."""
    field = batches.fields()["bounding_boxes"]
    assert isinstance(field, dict)
    most = field["labels"].shape[-1]
    given = {"boxes": boxes, "labels": labels} | ({"shares": shares} if isinstance(batches, Below) else {})
    columns = packed(xp, shares > 0, given)
    missing = max(most - int(labels.shape[1]), 0)
    return {
        name: tf.pad(column, [[0, 0], [0, missing], [0, 0]][: column.shape.rank], constant_values=-1)[:, :most]
        for name, column in columns.items()
    }

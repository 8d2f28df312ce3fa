"""Samples of a list that mixes: those of its first part, mixed and carried on level by level; see `augline.mixing`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from augline.arrays import Array
from augline.batches import Batches
from augline.dense_boxes import mix_boxes, move_boxes
from augline.engines.arrays import tensorflow as xp
from augline.engines.portable.mix import mixed
from augline.feed.graph.compiled import by_xla, carry_out
from augline.feed.graph.rows import Rows, planned
from augline.feed.graph.targets import dense
from augline.mixing import Level, MixedBatches, mixed_labels
from augline.plan import Plan
from augline.plan.mix import Mix
from augline.sources.boxes import from_xyxy, to_xyxy


class _Boxes(NamedTuple):
    """Boxes `(batch, n, 4)` left, top, right, bottom in pixels, their labels, and which are there, `(batch, n)`."""

    sides: Array
    labels: Array
    there: Array


def maker(batches: Batches) -> Callable[[Array, Array], dict[str, Any]]:
    """The function `(epoch, indices)` that makes samples.

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
        self._batches, self._first = batches, Rows(batches.first)

    def __call__(self, epoch: Array, indices: Array) -> dict[str, Any]:
        """What comes out of samples `(batch,)` of the source, by name."""
        rows, mixes = self._batches.drawn(epoch, indices, self._first.ids, xp)
        batch = self._first(epoch, rows)
        boxes = self._opened(batch.pop("bounding_boxes")) if "bounding_boxes" in batch else None
        for level, mix in zip(self._batches.levels, mixes, strict=True):
            rows = rows[:: mix.shares.shape[1]]
            size = tf.constant([level.program.size] * rows.shape[0])
            plan = planned(level.program, epoch, self._first.ids(rows), size)
            batch = self._mixed(level, mix, plan, batch)
            boxes = None if boxes is None else self._placed(level, mix, plan, boxes)
        return batch if boxes is None else {**batch, "bounding_boxes": self._closed(boxes)}

    def _mixed(self, level: Level, mix: Mix, plan: Plan, batch: dict[str, Any]) -> dict[str, Any]:
        """All but the boxes, one level on."""
        low, high = self._batches.source.value_range
        fill = np.asarray(low + mix.fill * (high - low)).astype(level.program.dtype).item()
        channels, masks = level.program.channels, batch.get("segmentation_masks")
        images = tf.ensure_shape(batch["images"], (None, None, None, channels))
        images, masks = by_xla(partial(mixed, xp, fill=fill), mix, images, masks)
        found = {**batch, "images": carry_out(plan, images)}
        if masks is not None:
            assert self._batches.masks is not None
            found["segmentation_masks"] = carry_out(self._batches.masks.plans(plan)[""], masks, settled=True)
        if "labels" in batch:
            found["labels"] = mixed_labels(xp, mix, batch["labels"])
        if "weights" in batch:
            found["weights"] = batch["weights"][:: mix.shares.shape[1]]
        return found

    def _placed(self, level: Level, mix: Mix, plan: Plan, boxes: _Boxes) -> _Boxes:
        batches = self._batches
        sides, there = mix_boxes(xp, mix, boxes.sides, boxes.there, batches.inner_filter)
        box_filter = batches.box_filter if level is batches.levels[-1] else batches.inner_filter
        sides, there = move_boxes(xp, plan, sides, there, "xyxy", box_filter)
        return _Boxes(tf.cast(sides, tf.float64), tf.reshape(boxes.labels, there.shape), there)

    def _opened(self, given: dict[str, Array]) -> _Boxes:
        sides = tf.cast(given["boxes"], tf.float64)
        sides = to_xyxy(sides, self._batches.source.bounding_box_format, self._batches.first.size, xp)
        return _Boxes(sides, given["labels"], given["labels"] >= 0)

    def _closed(self, boxes: _Boxes) -> dict[str, Array]:
        form, size = self._batches.source.bounding_box_format, self._batches.size
        written = tf.cast(from_xyxy(boxes.sides, form, size, xp), tf.float32)
        return dense(self._batches, boxes.there, written, boxes.labels)

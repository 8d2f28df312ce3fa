"""Batches of lists that mix samples: the list is cut at each mixing, and every part has a plan of its own.

A sample of the last part needs itself and its partners as the part before makes them, and so on down to the files. All
plans of a batch are made at once; each sample then goes its own way through them, in any thread.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline import engines
from augline.arrays import Array, Namespace, is_float
from augline.batches import Batches, Job, Record
from augline.box_filter import ANY_BOX, BoxFilter
from augline.fields import Field, Fields
from augline.mixing import objects, points
from augline.mixing.below import Below
from augline.mixing.first_masks import FirstMasks
from augline.mixing.lists import check_targets, cut, unnamed
from augline.mixing.pixels import Part, mixed
from augline.plan import Frame, Plan
from augline.plan.mix import Mix
from augline.program import Program
from augline.random import Draw
from augline.sight import Known
from augline.sources import Source
from augline.targets import Points
from augline.transforms.base import Expansion, Transform, resolved
from augline.transforms.mix import Mixing


@dataclass(frozen=True, eq=False)
class Level:
    """One mixing, and the part of the list behind it."""

    mixing: Mixing
    frame: Frame
    program: Program


@dataclass(slots=True)
class Layer:
    """One level of one batch: how its rows are mixed of those below, and what follows."""

    mix: Mix
    expansion: Expansion
    plan: Plan
    sample: engines.Sample
    mask_samples: dict[str, engines.Sample]
    points: Points | None


@dataclass(slots=True)
class MixedJob(Job):
    """A batch in the making, with the samples and partners below it."""

    base: Job
    layers: list[Layer]

    def is_read(self, index: int) -> bool:
        """Whether the sample itself could be read."""
        return self.base.is_read(index * self._ways)

    def record(self, index: int) -> Record:
        """The sample itself as it was read."""
        return self.base.record(index * self._ways)

    @property
    def _ways(self) -> int:
        return len(self.base.indices) // max(len(self.indices), 1)


class MixedBatches(Batches):
    """Makes batches of a source with a program that mixes samples."""

    def __init__(self, source: Source, program: Program, box_filter: BoxFilter = ANY_BOX) -> None:
        super().__init__(source, program, box_filter)
        parts, mixings = cut(program.transforms)
        known = Known(source.targets).kinds
        # how many there are counts at the end, and how large they are, in pixels of the image that comes out
        self.inner_filter = BoxFilter(min_area=0.0, min_visibility=box_filter.min_visibility)
        self.first = Below(source, _program(parts[0], program, source.size, known), self.inner_filter)
        self.levels: list[Level] = []
        size = self.first.size
        for mixing, part in zip(mixings, parts[1:], strict=True):
            check_targets(mixing, source)
            frame = self._frame(size)
            inside = _expanded(mixing, Draw(0, 0, np.arange(1)), frame).frame.extent.static
            self.levels.append(Level(mixing, frame, _program(part, program, inside, known - {"masks"})))
            size = self.levels[-1].program.common_size()
        self.ways = int(np.prod([1 + level.mixing.partners for level in self.levels]))
        """How many samples of the source are in each that comes out."""
        self._most_boxes = box_filter.max_boxes or self._most_boxes * self.ways
        places, self.point_columns = self.first.block
        if source.targets.keypoints is not None:
            self._points = (*source.lead, places * self.ways, self.point_columns)

    def fields(self) -> Fields:
        """As of any batch; labels that are mixed are float32."""
        found = super().fields()
        label = found.get("labels")
        if isinstance(label, Field) and label.shape and label.dtype.startswith("float"):
            found["labels"] = Field(label.shape, "float32")
        return found

    def steps_at_once(self, batch_size: int) -> int:
        """One: partners already fill the plans."""
        return 1

    def prepare(self, epoch: int, indices: NDArray[np.int64]) -> MixedJob:
        """Draws all partners from the top down, then plans from the files up."""
        rows, mixes = self.drawn(epoch, indices, self.source.ids)
        base = self.first.prepare(epoch, rows)
        room = self._room(len(indices))
        job = MixedJob(
            indices.tolist(), base.records, None, base.shrinks, base.rows, base.plan, base.sample, {}, room,
            {}, base, [],
        )  # fmt: skip
        self._layers(job, epoch, rows, mixes)
        return job

    def explained(self, epoch: int, job: Job) -> tuple[Expansion, Plan]:
        """The levels as one, each of the sample itself: in all of them it is the first."""
        assert isinstance(job, MixedJob)
        first, own = np.asarray(job.indices), self.source.ids(np.asarray(job.indices))
        parts = [self.first.plan(epoch, first, np.asarray([job.record(0).size]))]
        for level, layer in zip(self.levels, job.layers, strict=True):
            assert level.frame.extent.static is not None
            draw, frame = Draw(self.program.seed, epoch, own), self._frame(level.frame.extent.static)
            mixing = _expanded(level.mixing, draw, frame)
            alone = dataclasses.replace(layer.plan, stages=(layer.mix,), shrinks=(None,))
            parts += [(mixing, alone), (layer.expansion, layer.plan)]
        drawn, stages = (tuple(x for part, _ in parts for x in getattr(part, name)) for name in ("drawn", "stages"))
        fused, shrinks = (tuple(x for _, plan in parts for x in getattr(plan, name)) for name in ("stages", "shrinks"))
        expansion, plan = parts[-1]
        whole = Expansion(unnamed(drawn, self.program.transforms), stages, expansion.frame)
        return whole, dataclasses.replace(plan, stages=fused, shrinks=shrinks)

    def drawn(
        self, epoch: int | Array, indices: Array, ids: Callable[[Array], Array], xp: Namespace = np
    ) -> tuple[Array, list[Mix]]:
        """The rows of the first part's batch, each sample's partners behind it; and how each level mixes, from below.

        Args:
            epoch: From 0.
            indices: `(batch,)` samples of the source.
            ids: Of samples by their indices.
            xp: Array namespace of the indices.
        """
        rows, mixes = indices, []
        for level in reversed(self.levels):
            mix = self._mix(level, epoch, ids(rows), xp)
            partner = xp.astype(mix.partner * float(len(self.source)), xp.int64)
            # one that does not count is not read: the sample itself stands in
            partner = xp.where(mix.used[:, 1:], partner, rows[:, None])
            rows = xp.reshape(xp.concat([rows[:, None], partner], axis=1), (-1,))
            mixes.append(mix)
        return rows, mixes[::-1]

    def run(self, job: Job, index: int) -> None:
        """Makes one sample of a batch."""
        assert isinstance(job, MixedJob)
        part, columns = self._made(job, len(self.levels), index), job.columns
        for name, image in part.images.items():
            (job.images if name == "images" else columns[name])[index] = image
        for name, mask in part.masks.items():
            masks = columns["segmentation_masks"]
            (masks[name] if name else masks)[index] = mask
        if part.points is not None:
            columns["keypoints"][index] = points.finished(np, part.points, part.counts, self.point_columns)

    def _made(self, job: MixedJob, level: int, row: int) -> Part:
        """A row of a level, from the files up."""
        if level == 0:
            self.first.run(job.base, row)
            return self.first.part(job.base, row)
        layer, program = job.layers[level - 1], self.levels[level - 1].program
        mix, count = layer.mix, layer.mix.shares.shape[1]
        used = mix.used[row]
        parts = [self._made(job, level - 1, row * count + k) if used[k] else None for k in range(count)]
        images, masks = mixed(mix, row, parts, self.source.value_range)
        size, kind = program.common_size(), (program.output_channels, program.output_dtype)
        made = {name: _carried(layer.sample, row, image, size, *kind) for name, image in images.items()}
        masks = {
            name: _carried(layer.mask_samples[name], row, mask, size, mask.shape[-1], mask.dtype)
            for name, mask in masks.items()
        }
        return Part(made, masks, *self._points_of(layer, row, parts))

    def _points_of(
        self, layer: Layer, row: int, parts: Sequence[Part | None]
    ) -> tuple[NDArray[np.float32] | None, NDArray[np.bool_] | None]:
        """The points of a mixed sample, and which places are taken."""
        if layer.points is None:
            return None, None
        size = next(part for part in parts if part is not None).images["images"].shape[-3:-1]
        found, counts = points.of_parts(layer.mix, row, parts, size)
        return layer.points(row, found), counts

    def _layers(self, job: MixedJob, epoch: int, rows: NDArray[np.int64], mixes: Sequence[Mix]) -> None:
        """Plans each level on its rows, the lowest first, and carries labels and boxes up with it."""
        columns = {name: job.base.columns[name] for name in ("labels", "weights") if name in job.base.columns}
        boxes, lead = job.base.columns.get("bounding_boxes"), self.source.lead
        swaps = self.source.targets.keypoint_swaps
        blocks, masks = 1, self._first_masks(job.base.plan, rows)
        for level, mix in zip(self.levels, mixes, strict=True):
            count = mix.shares.shape[1]
            rows, blocks = rows.reshape(-1, count)[:, 0], blocks * count
            boxes = None if boxes is None else objects.gathered(mix, boxes, self.inner_filter, lead, masks)
            expansion, plan = self._plan(level, epoch, rows, boxes)
            masks = masks and masks.through(mix, plan)
            sample = engines.prepare(level.program.engine, plan, np.ones((len(rows), 2), np.int64))
            pairs = points.in_blocks(swaps, self.first.block[0], blocks)
            mover = None if self._points is None else Points(plan, pairs)
            masked = {} if self.masks is None else self.masks.samples(plan)
            job.layers.append(Layer(mix, expansion, plan, sample, masked, mover))
            if "labels" in columns:
                columns["labels"] = mixed_labels(np, mix, columns["labels"])
            if "weights" in columns:
                columns["weights"] = columns["weights"][::count]
            if boxes is not None:
                box_filter = self.box_filter if level is self.levels[-1] else self.inner_filter
                boxes = objects.through(plan, boxes, box_filter, lead=lead)
        job.columns = columns | self._rooms(len(rows))
        if boxes is not None:
            form = self.source.bounding_box_format
            job.columns["bounding_boxes"] = objects.written(boxes, form, self.size, self._most_boxes, lead)

    def _first_masks(self, plan: Plan, rows: NDArray[np.int64]) -> FirstMasks | None:
        """The masks of rows of the source, which say what boxes hide where objects are copied."""
        if self.masks is None:
            return None
        known = Known(self.source.targets.select(rows), lead=self.source.lead)
        return FirstMasks(partial(known.mask, plan), known.name)

    def _plan(
        self, level: Level, epoch: int, rows: NDArray[np.int64], boxes: Sequence[objects.Objects] | None
    ) -> tuple[Expansion, Plan]:  # fmt: skip
        """What is drawn behind a mixing, and the plan of it, for its rows and the boxes in them."""
        assert level.program.size is not None
        sizes, lead = np.tile(np.asarray(level.program.size), (len(rows), 1)), self.source.lead
        known = None if boxes is None else Known(objects.as_columns(boxes, lead), lead=lead)
        return level.program.plan(epoch, self.source.ids(rows), sizes, known=known)

    def _rooms(self, count: int) -> dict[str, Any]:
        """Places for what is made with the pixels, beside the images."""
        rooms: dict[str, Any] = {name: self._room(count) for name in self.source.extra_images}
        if self.masks is not None:
            rooms["segmentation_masks"] = self.masks.room(count)
        if self._points is not None:
            rooms["keypoints"] = np.empty((count, *self._points), np.float32)
        return rooms

    def _mix(self, level: Level, epoch: int | Array, ids: Array, xp: Namespace) -> Mix:
        draw = Draw(self.program.seed, epoch, ids, xp=xp)
        size = level.frame.extent.static
        assert size is not None
        mix = _expanded(level.mixing, draw, self._frame(size, int(ids.shape[0]), xp)).stages[0]
        assert isinstance(mix, Mix)
        return mix

    def _frame(self, size: tuple[int, int], batch: int = 1, xp: Namespace = np) -> Frame:
        return self.program.frame(xp.zeros((batch, 2), dtype=xp.int64) + xp.asarray(size), size, xp)


def mixed_labels(xp: Namespace, mix: Mix, labels: Array) -> Array:
    """Labels of rows, of those of the rows below: mixed where they are one-hot or soft, else the samples' own."""
    batch, count = mix.shares.shape
    if len(labels.shape) == 1 or not is_float(labels):
        return labels[::count]
    rest = tuple(labels.shape[1:])
    together = xp.reshape(xp.astype(labels, xp.float64), (batch, count, math.prod(rest)))
    shares = mix.shares[:, :, None]  # first: TensorFlow's optimiser loses the new axis of a stack cut as [:, k, None]
    total = sum(together[:, k] * shares[:, k] for k in range(count))
    return xp.reshape(xp.astype(total, xp.float32), (batch, *rest))


def _carried(
    sample: engines.Sample, row: int, image: NDArray[Any], size: tuple[int, int], channels: int, dtype: Any
) -> NDArray[Any]:
    out = np.empty((*image.shape[:-3], *size, channels), dtype)
    engines.carry(sample, row, image, out)
    return out


def _program(part: Sequence[Transform], whole: Program, size: tuple[int, int] | None, sees: Collection[str]) -> Program:
    return Program(
        part, seed=whole.seed, channels=whole.channels, dtype=whole.dtype, value_range=whole.value_range, size=size,
        engine=whole.engine, sees=sees,
    )  # fmt: skip


def _expanded(mixing: Mixing, draw: Draw, frame: Frame) -> Expansion:
    return resolved(mixing, draw.epoch, draw.xp).expand(draw, frame, mixing.name or "", None)

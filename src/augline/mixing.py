"""Batches of lists that mix samples: the list is cut at each mixing, and every part has a plan of its own.

A sample of the last part needs itself and its partners as the part before makes them, and so on down to the files. All
plans of a batch are made at once; each sample then goes its own way through them, in any thread.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline import engines, targets
from augline.arrays import Array, Namespace, is_float
from augline.batches import Batches, Job, Record
from augline.box_filter import ANY_BOX, BoxFilter
from augline.errors import ArgumentError
from augline.fields import Field, Fields
from augline.plan import Frame, Plan
from augline.plan.mix import Mix
from augline.program import Program
from augline.random import Draw
from augline.sight import Known
from augline.sources import Source
from augline.sources.targets import Targets
from augline.transforms.base import Expansion, Transform, labels, resolved
from augline.transforms.mix import Mixing
from augline.transforms.values import Values


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
    sample: engines.Sample
    mask_samples: dict[str, engines.Sample]


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
        parts, mixings = _cut(program.transforms)
        known = Known(source.targets).kinds
        self.inner_filter = dataclasses.replace(box_filter, max_boxes=None)  # how many there are counts at the end
        self.first = Batches(source, _program(parts[0], program, source.size, known), self.inner_filter)
        self.levels: list[Level] = []
        size = self.first.size
        for mixing, part in zip(mixings, parts[1:], strict=True):
            _check_targets(mixing, source)
            frame = self._frame(size)
            inside = _expanded(mixing, Draw(0, 0, np.arange(1)), frame).frame.extent.static
            self.levels.append(Level(mixing, frame, _program(part, program, inside, known - {"masks"})))
            size = self.levels[-1].program.common_size()
        self._ways = int(np.prod([1 + level.mixing.partners for level in self.levels]))
        self._most_boxes = box_filter.max_boxes or self._most_boxes * self._ways

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
        job = MixedJob(
            indices.tolist(),
            base.records,
            None,
            base.shrinks,
            base.sample,
            {},
            self._room(len(indices)),
            {},
            base,
            [],
        )
        self._layers(job, epoch, rows, mixes)
        return job

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
        image, mask = self._made(job, len(self.levels), index)
        job.images[index] = image
        if mask is not None:
            job.columns["segmentation_masks"][index] = mask

    def _made(self, job: MixedJob, level: int, row: int) -> tuple[NDArray[Any], NDArray[Any] | None]:
        if level == 0:
            self.first.run(job.base, row)
            masks = job.base.columns.get("segmentation_masks")
            return job.base.images[row], None if masks is None else masks[row]
        layer, program = job.layers[level - 1], self.levels[level - 1].program
        count = layer.mix.shares.shape[1]
        used = layer.mix.used[row]
        parts = [self._made(job, level - 1, row * count + k) if used[k] else None for k in range(count)]
        image, mask = mixed(layer.mix, row, parts, self.source.value_range)
        out = np.empty((*program.common_size(), program.output_channels), program.output_dtype)
        layer.sample(row, image, out)
        for sample in layer.mask_samples.values() if mask is not None else ():
            assert mask is not None
            moved = np.empty((*program.common_size(), mask.shape[2]), mask.dtype)
            sample(row, mask, moved)
            mask = moved
        return out, mask

    def _layers(self, job: MixedJob, epoch: int, rows: NDArray[np.int64], mixes: Sequence[Mix]) -> None:
        """Plans each level on its rows, the lowest first, and carries labels and boxes up with it."""
        columns = dict(job.base.columns)
        found = columns.pop("bounding_boxes", None)
        boxes = None if found is None else _ragged(found, self.source.bounding_box_format, self.first.size)
        for level, mix in zip(self.levels, mixes, strict=True):
            count = mix.shares.shape[1]
            rows = rows.reshape(-1, count)[:, 0]
            size = level.program.size
            assert size is not None
            sizes = np.tile(np.asarray(size), (len(rows), 1))
            boxes = None if boxes is None else _gathered(mix, boxes, self.inner_filter)
            known = Known(Targets(boxes=None if boxes is None else [row.astype(np.float32) for row, _ in boxes]))
            _, plan = level.program.plan(epoch, self.source.ids(rows), sizes, known=known)
            ones = np.ones((len(rows), 2), np.int64)
            sample = engines.prepare(level.program.engine, plan, ones)
            job.layers.append(Layer(mix, sample, {} if self.masks is None else self.masks.samples(plan)))
            if "labels" in columns:
                columns["labels"] = mixed_labels(np, mix, columns["labels"])
            if "weights" in columns:
                columns["weights"] = columns["weights"][::count]
            if "segmentation_masks" in columns:
                channels = columns["segmentation_masks"].shape[3]
                shape = (len(rows), *level.program.common_size(), channels)
                columns["segmentation_masks"] = np.zeros(shape, columns["segmentation_masks"].dtype)
            if boxes is not None:
                last = level is self.levels[-1]
                boxes = _moved(plan, boxes, self.box_filter if last else self.inner_filter)
        if boxes is not None:
            form, out = self.source.bounding_box_format, (float(self.size[0]), float(self.size[1]))
            rows_of = [targets.from_xyxy(b, form, out).astype(np.float32) for b, _ in boxes]
            columns["bounding_boxes"] = targets.pad_boxes(rows_of, [names for _, names in boxes], self._most_boxes)
        job.columns = columns

    def _mix(self, level: Level, epoch: int | Array, ids: Array, xp: Namespace) -> Mix:
        draw = Draw(self.program.seed, epoch, ids, xp=xp)
        size = level.frame.extent.static
        assert size is not None
        mix = _expanded(level.mixing, draw, self._frame(size, int(ids.shape[0]), xp)).stages[0]
        assert isinstance(mix, Mix)
        return mix

    def _frame(self, size: tuple[int, int], batch: int = 1, xp: Namespace = np) -> Frame:
        return self.program.frame(xp.zeros((batch, 2), dtype=xp.int64) + xp.asarray(size), size, xp)


def mixed(
    mix: Mix,
    row: int,
    parts: Sequence[tuple[NDArray[Any], NDArray[Any] | None] | None],
    value_range: tuple[float, float],
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """One image, and its mask, of a sample and its partners; a part that does not show may be None."""
    first = next(part for part in parts if part is not None)
    if mix.weights is not None:
        total = sum(part[0] * np.float32(mix.weights[row, k]) for k, part in enumerate(parts) if part is not None)
        heaviest = parts[int(np.argmax(mix.weights[row]))] or first
        rounded = np.rint(total) if first[0].dtype.kind == "u" else total
        return np.asarray(rounded, first[0].dtype), heaviest[1]
    height, width = int(mix.extent.height[row]), int(mix.extent.width[row])
    low, high = value_range
    fill = low + mix.fill * (high - low)
    image = np.full((height, width, first[0].shape[2]), fill).astype(first[0].dtype)
    mask = None if first[1] is None else np.zeros((height, width, first[1].shape[2]), first[1].dtype)
    for k, part in enumerate(parts):
        top, left, bottom, right = mix.boxes[row, k].tolist()
        if part is None or top >= bottom or left >= right:
            continue
        down, across = mix.shifts[row, k].tolist()
        here = (slice(top, bottom), slice(left, right))
        there = (slice(top - down, bottom - down), slice(left - across, right - across))
        shows: Any = ...
        if mix.objects and k and part[1] is not None:
            shows = part[1][there].any(axis=2)
        image[here][shows] = part[0][there][shows]
        if mask is not None and part[1] is not None:
            mask[here][shows] = part[1][there][shows]
    return image, mask


def mixed_labels(xp: Namespace, mix: Mix, labels: Array) -> Array:
    """Labels of rows, of those of the rows below: mixed where they are one-hot or soft, else the samples' own."""
    batch, count = mix.shares.shape
    if len(labels.shape) == 1 or not is_float(labels):
        return labels[::count]
    together = xp.reshape(xp.astype(labels, xp.float64), (batch, count, -1))
    shares = mix.shares[:, :, None]  # first: TensorFlow's optimiser loses the new axis of a stack cut as [:, k, None]
    total = sum(together[:, k] * shares[:, k] for k in range(count))
    return xp.reshape(xp.astype(total, xp.float32), (batch, *labels.shape[1:]))


XyxyBoxes = tuple[NDArray[np.float64], NDArray[Any]]


def _gathered(mix: Mix, boxes: list[XyxyBoxes], box_filter: BoxFilter) -> list[XyxyBoxes]:
    """Boxes (left, top, right, bottom) of each row, of those of the rows below, with their labels."""
    count = mix.shares.shape[1]
    gathered = []
    for row in range(len(mix.shares)):
        parts = []
        for k in np.flatnonzero(mix.used[row]).tolist():
            rows, names = boxes[row * count + k]
            top, left, bottom, right = mix.boxes[row, k].tolist()
            down, across = mix.shifts[row, k].tolist()
            placed = rows + np.asarray((across, down, across, down))
            shown = np.clip(placed, [left, top] * 2, [right, bottom] * 2)
            keep = box_filter.keeps(shown, placed)
            parts.append((shown[keep], names[keep]))
        rows_of, names_of = zip(*parts, strict=True)
        gathered.append((np.concatenate(rows_of), np.concatenate(names_of)))
    return gathered


def _moved(plan: Plan, boxes: list[XyxyBoxes], box_filter: BoxFilter) -> list[XyxyBoxes]:
    """Boxes through a plan, with the labels of those that are left."""
    moved, kept = targets.move_boxes(plan, [rows.astype(np.float32) for rows, _ in boxes], "xyxy", box_filter)
    return [(b.astype(np.float64), names[keep]) for b, (_, names), keep in zip(moved, boxes, kept, strict=True)]


def _ragged(dense: dict[str, NDArray[Any]], form: str, size: tuple[int, int]) -> list[XyxyBoxes]:
    extent = (float(size[0]), float(size[1]))
    rows = zip(dense["boxes"], dense["labels"], strict=True)
    return [(targets.to_xyxy(b[n >= 0].astype(np.float64), form, extent), n[n >= 0]) for b, n in rows]


def _cut(transforms: Sequence[Transform]) -> tuple[list[list[Transform]], list[Mixing]]:
    """The parts of a list between its mixings, every transform under the name it has in the whole list."""
    parts: list[list[Transform]] = [[]]
    mixings: list[Mixing] = []
    for label, item in zip(labels(transforms), transforms, strict=True):
        named = dataclasses.replace(item, name=label)
        if isinstance(named, Mixing):
            mixings.append(named)
            parts.append([])
        else:
            parts[-1].append(named)
    for item in (item for part in parts[:-1] for item in part):
        if isinstance(item, Values):
            raise ArgumentError(
                f"{item!r}: values are rescaled behind the last mixing. Received it before {mixings[-1]!r}. "
                "Move it there."
            )
    return parts, mixings


def _program(part: Sequence[Transform], whole: Program, size: tuple[int, int] | None, sees: Collection[str]) -> Program:
    return Program(
        part, seed=whole.seed, channels=whole.channels, dtype=whole.dtype, value_range=whole.value_range, size=size,
        engine=whole.engine, sees=sees,
    )  # fmt: skip


def _expanded(mixing: Mixing, draw: Draw, frame: Frame) -> Expansion:
    return resolved(mixing, draw.epoch, draw.xp).expand(draw, frame, mixing.name or "", None)


def _check_targets(mixing: Mixing, source: Source) -> None:
    columns, spec = source.targets, source.targets.label_spec
    rule = ""
    if columns.keypoints is not None:
        rule, received, fix = "keypoints cannot be mixed", "a source with keypoints", "Leave them out"
    elif isinstance(columns.masks, Mapping):
        rule, received, fix = "masks under names cannot be mixed", f"{[*columns.masks]}", "Stack them as channels"
    elif source.extra_images or source.lead:
        received = f"extra_images {[*source.extra_images]}" if source.extra_images else "videos"
        rule, fix = "only single images can be mixed", "Leave it out"
    elif mixing.needs_masks and columns.masks is None:
        rule, received, fix = "it needs segmentation masks", "a source without", "Use CutMix, or give masks"
    elif spec is None and columns.masks is None and columns.boxes is None:
        rule, received, fix = "there must be something to mix beside pixels", "a source without labels", "Give labels"
    elif mixing.soft_labels and spec is not None and (spec[1].kind != "f" or not spec[0]):
        rule, received = "labels must be one-hot or soft", f"labels of {spec[1]} {spec[0]}"
        fix = "Use label_mode='categorical', or one-hot float32 rows"
    if rule:
        raise ArgumentError(f"{mixing!r}: {rule}. Received {received}. {fix}.")

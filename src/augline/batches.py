"""One batch: its files read, its plan made, its samples decoded and carried through, each into its slot."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline import engines, targets
from augline.box_filter import ANY_BOX, BoxFilter
from augline.buffers import Buffers
from augline.decode import Header, Scratch, dct_shrink, decode, probe
from augline.errors import AuglineError, DecodeError, SourceError
from augline.fields import Field, Fields
from augline.masks import Masks
from augline.plan import Plan, Warp, rows_read
from augline.program import Program
from augline.sight import Known
from augline.sources import Source
from augline.sources.refusal import shown
from augline.sources.targets import by_frame
from augline.transforms.base import Expansion

_local = threading.local()
_ROWS_AT_ONCE = 512
_BYTES_AT_ONCE = 1 << 21


@dataclass(frozen=True, slots=True)
class Record:
    """A sample as it was read: an encoded file with its header, or an image; and further images beside it."""

    size: tuple[int, int]
    image: NDArray[Any] | None = None
    data: bytes = b""
    header: Header | None = None
    beside: tuple[Record, ...] = ()


@dataclass(slots=True)
class Job:
    """A batch in the making: what was read, the work per sample, and the places for what comes out.

    Small images in memory are not read one by one: they lie in `stack`, and there are no records. Of each image, as it
    is decoded, the plan reads only the upper `rows`.
    """

    indices: list[int]
    records: list[Record | AuglineError]
    stack: NDArray[Any] | None
    shrinks: list[int]
    rows: list[int]
    plan: Plan
    sample: engines.Sample
    mask_samples: dict[str, engines.Sample]
    images: NDArray[Any]
    columns: dict[str, Any]

    def is_read(self, index: int) -> bool:
        """Whether a sample could be read."""
        return self.stack is not None or isinstance(self.records[index], Record)

    def record(self, index: int) -> Record:
        """A sample as it was read.

        Raises:
            DecodeError or SourceError: It could not be.
        """
        if self.stack is not None:
            image = self.stack[index]
            return Record(_size(image), image)
        record = self.records[index]
        if isinstance(record, AuglineError):
            raise record
        return record


class Batches:
    """Makes batches of a source with a program.

    Args:
        source: Where samples come from.
        program: What happens to them.
        box_filter: Which boxes are left.
        accurate: Whether JPEGs are decoded exactly.

    Raises:
        ArgumentError: A transform fills masks with a value that their type does not have.
    """

    def __init__(
        self, source: Source, program: Program, box_filter: BoxFilter = ANY_BOX, accurate: bool = True
    ) -> None:
        self.source, self.program, self.box_filter, self.accurate = source, program, box_filter, accurate
        self.size = program.common_size()
        self._buffers = Buffers()
        columns = source.targets
        self.masks = None if columns.masks is None else Masks(source, program, self.size)
        self._shape = (*source.lead, *self.size, program.output_channels)
        self._most_boxes = box_filter.max_boxes or max(map(len, by_frame(columns.boxes or (), source.lead)), default=0)
        self._points = None if columns.keypoints is None else _common_shape(columns.keypoints)

    def fields(self) -> Fields:
        """What a batch holds, by name; None for keypoints whose number differs from sample to sample."""
        columns = self.source.targets
        image = Field(self._shape, self.program.output_dtype)
        found: Fields = dict.fromkeys(("images", *self.source.extra_images), image)
        if columns.label_spec is not None:
            found["labels"] = Field(columns.label_spec[0], columns.label_spec[1].name)
        if columns.weights is not None:
            found["weights"] = Field(columns.weights.shape[1:], columns.weights.dtype.name)
        if self.masks is not None:
            found["segmentation_masks"] = self.masks.field
        if columns.boxes is not None:
            shape = (*self.source.lead, self._most_boxes)
            boxes, classes = Field((*shape, 4), "float32"), Field(shape, "int32")
            found["bounding_boxes"] = {"boxes": boxes, "labels": classes}
        if columns.keypoints is not None:
            found["keypoints"] = None if self._points is None else Field(self._points, "float32")
        return found

    def plan(self, epoch: int, indices: NDArray[np.int64], sizes: NDArray[np.int64]) -> tuple[Expansion, Plan]:
        """What is drawn for samples of the source, `sizes` `(batch, 2)`, and the plan that carries it out."""
        source = self.source
        known = Known(source.targets.select(indices), source.bounding_box_format, source.lead)
        return self.program.plan(epoch, source.ids(indices), sizes, known=known)

    def explained(self, epoch: int, job: Job) -> tuple[Expansion, Plan]:
        """What was drawn for the only sample of a batch in the making, and the plan that carries it out."""
        return self.plan(epoch, np.asarray(job.indices), np.asarray([job.record(0).size]))

    def prepare(self, epoch: int, indices: NDArray[np.int64]) -> Job:
        """Reads the files, draws the numbers and plans the work; pixels come with `run`."""
        source = self.source
        stack = source.stack(indices) if self.masks is None and not source.extra_images else None
        records = [] if stack is not None else [self._read(index) for index in indices.tolist()]
        # a sample that failed gets a place in the plan like any other: another will fill it
        known = [record.size if isinstance(record, Record) else self.size for record in records]
        known = known if stack is None else [stack.shape[1:3]] * len(indices)
        sizes = np.asarray(known, np.int64).reshape(-1, 2)
        _, plan = self.plan(epoch, indices, sizes)
        shrinks, rows = [1] * len(indices), []
        if stack is None:
            wanted = _wanted_shrinks(plan)
            shrinks = [_decoder_shrink(record, want) for record, want in zip(records, wanted, strict=True)]
            rows = rows_read(plan, np.asarray(shrinks, np.int64)).tolist()
        decoded = np.repeat(np.asarray(shrinks, np.int64)[:, None], 2, axis=1)
        sample = engines.prepare(self.program.engine, plan, decoded)
        job = Job(indices.tolist(), records, stack, shrinks, rows, plan, sample, {}, self._room(len(indices)), {})
        self._add_targets(job)
        return job

    def run(self, job: Job, index: int) -> None:
        """Makes one sample of a batch.

        Raises:
            DecodeError: The file, or that of its mask, is damaged.
            SourceError: The file, or that of its mask, could not be read, or the two do not fit together.
        """
        if job.stack is not None:
            self.run_stack(job, index, index + 1)
            return
        record = job.record(index)
        try:
            self._carry_through(job, index, record)
        except DecodeError as error:
            raise self.named(error, job.indices[index]) from error
        except Exception as error:
            error.add_note(f"This was {self.source.name(job.indices[index])} (sample {job.indices[index]}).")
            raise

    def run_stack(self, job: Job, first: int, last: int) -> None:
        """Makes some samples of a batch of small images in memory; only a function of the user's could fail."""
        if job.stack is None:
            return
        try:
            engines.carry_through(job.sample, first, job.stack[first:last], job.images[first:last])
        except Exception as error:
            error.add_note(f"This was one of {shown(map(self.source.name, job.indices[first:last]), 8)}.")
            raise

    def replace(self, job: Job, index: int, other: Job) -> None:
        """Puts the only sample of another batch in the place of one of this batch."""
        job.images[index] = other.images[0]
        for name, column in job.columns.items():
            if isinstance(column, dict):
                for key, rows in column.items():
                    rows[index] = other.columns[name][key][0]
            else:
                column[index] = other.columns[name][0]

    def result(self, job: Job, rows: slice = slice(None)) -> Any:
        """Rows of what is finished, as users get a batch: images; (images, labels[, weights]); or a dict."""
        columns = {name: _rows(column, rows) for name, column in job.columns.items()}
        if self._points is not None:
            points = columns["keypoints"]
            columns["keypoints"] = np.asarray(points, np.float32).reshape(len(points), *self._points)
        return self.packed({"images": job.images[rows], **columns})

    def keypoints(self, rows: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Keypoints of samples as they go through the plan."""
        return rows

    def steps_at_once(self, batch_size: int) -> int:
        """How many batches to make together: several only of small images in memory, where planning costs the most."""
        if self.masks is not None or self.source.extra_images or self.source.stack(np.arange(1)) is None:
            return 1
        pixels = int(np.prod(self.size)) * self.program.output_channels * np.dtype(self.program.output_dtype).itemsize
        return max(1, min(_ROWS_AT_ONCE, _BYTES_AT_ONCE // pixels) // batch_size)

    def packed(self, columns: dict[str, Any]) -> Any:
        """The parts of a batch in the form users get."""
        names = {*columns}
        if names == {"images"}:
            return columns["images"]
        if "labels" in names and names <= {"images", "labels", "weights"}:
            return tuple(columns.values())
        return columns

    def _read(self, index: int) -> Record | AuglineError:
        source = self.source
        try:
            record = _read(source, index)
            _check_annotated_size(source, index, record.size)
            _check_boxes(source, index, record.size)
            if source.extra_images:
                beside = tuple(_read(part, index) for part in source.extra_images.values())
                _check_sizes(source, index, record, beside)
                return replace(record, beside=beside)
            return record
        except DecodeError as error:
            return self.named(error, index)
        except SourceError as error:
            return error

    def _carry_through(self, job: Job, index: int, record: Record) -> None:
        places, number = [job.images, *(job.columns[name] for name in self.source.extra_images)], job.indices[index]
        # a damaged file is found by its end, so none is cut short that has not been decoded whole before
        rows = job.rows[index] if record.header and self._whole[number] else None
        for part, place in zip((record, *record.beside), places, strict=True):
            image = self._decode(part, part.header, job.shrinks[index], rows) if part.header else part.image
            if image is not None:
                engines.carry(job.sample, index, image, place[index])
        if record.header:
            self._whole[number] = True
        if self.masks is not None:
            room = job.columns["segmentation_masks"]
            self.masks.carry_out(job.mask_samples, index, number, record.size, room)

    @cached_property
    def _whole(self) -> NDArray[np.bool_]:
        """Samples whose files were once decoded to the last row."""
        return np.zeros(len(self.source), np.bool_)

    def _room(self, count: int) -> NDArray[Any]:
        """Places for the images of so many samples."""
        return self._buffers.take((count, *self._shape), self.program.output_dtype)

    def _decode(self, record: Record, header: Header, shrink: int, rows: int | None) -> NDArray[Any]:
        source, scratch = self.source, _local.__dict__.setdefault("scratch", Scratch())
        return decode(
            record.data, header, channels=source.channels, dtype=source.dtype, shrink=shrink, scratch=scratch,
            accurate=self.accurate, rows=rows,
        )  # fmt: skip

    def named(self, error: DecodeError, index: int) -> DecodeError:
        """The error with the sample's name ahead of it."""
        named = DecodeError(f"{self.source.name(index)} (sample {index}): {error}")
        named.__cause__ = error
        return named

    def _add_targets(self, job: Job) -> None:
        taken = self.source.targets.take(job.indices)
        columns: dict[str, Any] = {key: taken[key] for key in ("labels", "weights") if key in taken}
        columns |= {name: self._room(len(job.indices)) for name in self.source.extra_images}
        if self.masks is not None:
            job.mask_samples = self.masks.samples(job.plan)
            columns["segmentation_masks"] = self.masks.room(len(job.indices))
        if "boxes" in taken:
            columns["bounding_boxes"] = self._boxes(taken, job.plan)
        if "keypoints" in taken:
            swaps = self.source.targets.keypoint_swaps
            columns["keypoints"] = targets.move_points(job.plan, self.keypoints(taken["keypoints"]), swaps)
        job.columns = columns

    def _boxes(self, taken: dict[str, Any], plan: Plan) -> Any:
        """The boxes of a batch that are left, and their labels, padded; those of videos frame by frame."""
        form, lead = self.source.bounding_box_format, self.source.lead
        boxes, outlines = by_frame(taken["boxes"], lead), taken.get("polygons")
        outlines = None if outlines is None else by_frame(outlines, lead)
        moved, kept = targets.move_boxes(plan, boxes, form, self.box_filter, outlines, *lead)
        names = by_frame(taken.get("box_labels", ()), lead) or [np.zeros(len(rows), np.int32) for rows in boxes]
        left = [row[keep] for row, keep in zip(names, kept, strict=True)]
        dense = targets.pad_boxes(moved, left, self._most_boxes)
        return {name: column.reshape(len(taken["boxes"]), *lead, *column.shape[1:]) for name, column in dense.items()}


def _rows(column: Any, rows: slice) -> Any:
    return {key: value[rows] for key, value in column.items()} if isinstance(column, dict) else column[rows]


def _common_shape(rows: Iterable[NDArray[Any]]) -> tuple[int, ...] | None:
    shapes = {row.shape for row in rows}
    return shapes.pop() if len(shapes) == 1 else None


def _wanted_shrinks(plan: Plan) -> list[int]:
    """Per sample, by how much the plan can do with less than the full image: what it would average away anyway."""
    if plan.stages and isinstance(plan.stages[0], Warp) and plan.shrinks[0] is not None:
        result: list[int] = plan.shrinks[0].min(axis=1).tolist()
        return result
    return [1] * plan.before.batch


def _decoder_shrink(record: Record | AuglineError, wanted: int) -> int:
    """What the decoder takes over; of several images the least, for one plan serves all."""
    if isinstance(record, AuglineError) or record.header is None:
        return 1
    return min([dct_shrink(record.header, wanted), *(_decoder_shrink(part, wanted) for part in record.beside)])


def _read(source: Source, index: int) -> Record:
    data = source.read(index)
    if not isinstance(data, bytes):
        return Record(_size(data), image=data)
    header = probe(data, exif=source.exif)
    return Record((header.height, header.width), data=data, header=header)


def _size(image: NDArray[Any]) -> tuple[int, int]:
    """(height, width) of an image, or of a video."""
    return image.shape[-3], image.shape[-2]


def _check_annotated_size(source: Source, index: int, size: tuple[int, int]) -> None:
    """Refuses an image of another size than its annotation is of, whose boxes would lie elsewhere in it."""
    if source.annotated_sizes is None:
        return
    height, width = source.annotated_sizes[index].tolist()
    if abs(height - size[0]) > 1 or abs(width - size[1]) > 1:  # false where nobody says
        turned = abs(height - size[1]) <= 1 and abs(width - size[0]) <= 1
        raise SourceError(
            f"annotation of {source.name(index)}: it must be of an image of this size. Received {height:g} x {width:g} "
            f"(height x width) for {size[0]} x {size[1]}. Correct the one, or scale the other"
            f"{'; or pass exif=False if it was made of the file as it is stored' * turned}."
        )


def _check_boxes(source: Source, index: int, size: tuple[int, int]) -> None:
    """Refuses boxes beyond the image, whose size is known only now: they belong to a file of another size."""
    form, boxes = source.bounding_box_format, source.targets.boxes
    if boxes is None or source.size is not None or source.lead or form.startswith("rel_"):
        return
    corners = targets.to_xyxy(np.asarray(boxes[index], np.float64).reshape(-1, 4), form, (1.0, 1.0))
    out = (corners < -1).any(axis=1) | (corners[:, 2:] > np.asarray(size[::-1]) + 1).any(axis=1)
    if out.any():
        box = "({:g}, {:g}, {:g}, {:g})".format(*corners[out][0])
        raise SourceError(
            f"boxes of {source.name(index)}: they must lie in their image. Received {box} (left, top, right, bottom) "
            f"for {size[0]} x {size[1]} (height x width). Scale them with the image; or pass exif=False if they were "
            "drawn on the file as it is stored."
        )


def _check_sizes(source: Source, index: int, record: Record, beside: Sequence[Record]) -> None:
    for (name, part), other in zip(source.extra_images.items(), beside, strict=True):
        if other.size != record.size:
            sizes = ["{} x {}".format(*size) for size in (other.size, record.size)]
            raise SourceError(
                f"extra_images[{name!r}]: images of a sample must have one size. Received {sizes[0]} in "
                f"{part.name(index)} beside {sizes[1]} in {source.name(index)}. Resize one of them."
            )

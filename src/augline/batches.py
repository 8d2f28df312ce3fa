"""One batch: its files read, its plan made, its samples decoded and carried through, each into its slot."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline import engines, targets
from augline.box_filter import BoxFilter
from augline.buffers import Buffers
from augline.decode import Header, Scratch, dct_shrink, decode, probe
from augline.errors import ArgumentError, AuglineError, DecodeError, SourceError
from augline.plan import Plan, Warp
from augline.program import Program
from augline.sight import Known
from augline.sources import Source
from augline.transforms.base import Expansion

_local = threading.local()
_MASKS_TRIED = 10
_ROWS_AT_ONCE = 512
_BYTES_AT_ONCE = 1 << 21


@dataclass(frozen=True, slots=True)
class Field:
    """Shape and type of what one sample adds to one array of a batch."""

    shape: tuple[int, ...]
    dtype: str


Fields = dict[str, "Field | dict[str, Field] | None"]


@dataclass(frozen=True, slots=True)
class Record:
    """A sample as it was read: an encoded file with its header, or an image."""

    size: tuple[int, int]
    image: NDArray[Any] | None = None
    data: bytes = b""
    header: Header | None = None


@dataclass(slots=True)
class Job:
    """A batch in the making: what was read, the work per sample, and the places for what comes out.

    Small images in memory are not read one by one: they lie in `stack`, and there are no records.
    """

    indices: list[int]
    records: list[Record | AuglineError]
    stack: NDArray[Any] | None
    shrinks: list[int]
    sample: engines.Sample
    mask_sample: engines.Sample | None
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
            return Record((image.shape[0], image.shape[1]), image)
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
        self, source: Source, program: Program, box_filter: BoxFilter = targets.ANY_BOX, accurate: bool = True
    ) -> None:
        self.source, self.program, self._box_filter, self.accurate = source, program, box_filter, accurate
        self.size = program.common_size()
        self._buffers = Buffers()
        columns = source.targets
        self._mask = None if columns.masks is None else _mask_field(source, self.size)
        if self._mask is not None:
            targets.mask_plan(program.trial, self._mask.shape[2], self._mask.dtype)
        self._most_boxes = max((len(rows) for rows in columns.boxes), default=0) if columns.boxes is not None else 0
        self._points = None if columns.keypoints is None else _common_shape(columns.keypoints)

    def fields(self) -> Fields:
        """What a batch holds, by name; None for keypoints whose number differs from sample to sample."""
        columns = self.source.targets
        found: Fields = {"images": Field((*self.size, self.program.output_channels), self.program.output_dtype)}
        if columns.label_spec is not None:
            found["labels"] = Field(columns.label_spec[0], columns.label_spec[1].name)
        if columns.weights is not None:
            found["weights"] = Field(columns.weights.shape[1:], columns.weights.dtype.name)
        if self._mask is not None:
            found["segmentation_masks"] = self._mask
        if columns.boxes is not None:
            boxes, classes = Field((self._most_boxes, 4), "float32"), Field((self._most_boxes,), "int32")
            found["bounding_boxes"] = {"boxes": boxes, "labels": classes}
        if columns.keypoints is not None:
            found["keypoints"] = None if self._points is None else Field(self._points, "float32")
        return found

    def plan(self, epoch: int, indices: NDArray[np.int64], sizes: NDArray[np.int64]) -> tuple[Expansion, Plan]:
        """What is drawn for samples of the source, `sizes` `(batch, 2)`, and the plan that carries it out."""
        known = Known(self.source.targets.select(indices), self.source.bounding_box_format)
        return self.program.plan(epoch, self.source.ids(indices), sizes, known=known)

    def prepare(self, epoch: int, indices: NDArray[np.int64]) -> Job:
        """Reads the files, draws the numbers and plans the work; pixels come with `run`."""
        source = self.source
        stack = source.stack(indices) if self._mask is None else None
        records = [] if stack is not None else [self._read(index) for index in indices.tolist()]
        # a sample that failed gets a place in the plan like any other: another will fill it
        known = [record.size if isinstance(record, Record) else self.size for record in records]
        known = known if stack is None else [stack.shape[1:3]] * len(indices)
        sizes = np.asarray(known, np.int64).reshape(-1, 2)
        _, plan = self.plan(epoch, indices, sizes)
        shrinks = [1] * len(indices)
        if stack is None:
            wanted = _wanted_shrinks(plan)
            shrinks = [_decoder_shrink(record, want) for record, want in zip(records, wanted, strict=True)]
        decoded = np.repeat(np.asarray(shrinks, np.int64)[:, None], 2, axis=1)
        sample = engines.prepare(self.program.engine, plan, decoded)
        shape = (len(indices), *self.size, self.program.output_channels)
        images = self._buffers.take(shape, self.program.output_dtype)
        job = Job(indices.tolist(), records, stack, shrinks, sample, None, images, {})
        self._add_targets(job, plan)
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
            raise self._named(error, job.indices[index]) from error
        except Exception as error:
            error.add_note(f"This was {self.source.name(job.indices[index])} (sample {job.indices[index]}).")
            raise

    def run_stack(self, job: Job, first: int, last: int) -> None:
        """Makes some samples of a batch of small images in memory; there is nothing that could fail."""
        if job.stack is not None:
            engines.carry_through(job.sample, first, job.stack[first:last], job.images[first:last])

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
            columns["keypoints"] = np.asarray(columns["keypoints"], np.float32).reshape(-1, *self._points)
        return self.packed({"images": job.images[rows], **columns})

    def steps_at_once(self, batch_size: int) -> int:
        """How many batches to make together: several only of small images in memory, where planning costs the most."""
        if self._mask is not None or self.source.stack(np.arange(1)) is None:
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
        try:
            data = self.source.read(index)
            if not isinstance(data, bytes):
                return Record((data.shape[0], data.shape[1]), image=data)
            header = probe(data, exif=self.source.exif)
            return Record((header.height, header.width), data=data, header=header)
        except DecodeError as error:
            return self._named(error, index)
        except SourceError as error:
            return error

    def _carry_through(self, job: Job, index: int, record: Record) -> None:
        image = self._decode(record, record.header, job.shrinks[index]) if record.header else record.image
        if image is not None:
            job.sample(index, image, job.images[index])
        if job.mask_sample is not None:
            mask = self._read_mask(job.indices[index], record)
            job.mask_sample(index, mask, job.columns["segmentation_masks"][index])

    def _decode(self, record: Record, header: Header, shrink: int) -> NDArray[Any]:
        source = self.source
        scratch = _local.__dict__.setdefault("scratch", Scratch())
        return decode(
            record.data, header, channels=source.channels, dtype=source.dtype, shrink=shrink, scratch=scratch,
            accurate=self.accurate,
        )  # fmt: skip

    def _named(self, error: DecodeError, index: int) -> DecodeError:
        named = DecodeError(f"{self.source.name(index)} (sample {index}): {error}")
        named.__cause__ = error
        return named

    def _add_targets(self, job: Job, plan: Plan) -> None:
        taken = self.source.targets.take(job.indices)
        columns: dict[str, Any] = {key: taken[key] for key in ("labels", "weights") if key in taken}
        if self._mask is not None:
            masked = targets.mask_plan(plan, self._mask.shape[2], self._mask.dtype)
            ones = np.ones((len(job.indices), 2), np.int64)
            job.mask_sample = engines.prepare(self.program.engine, masked, ones)
            columns["segmentation_masks"] = np.zeros((len(job.indices), *self._mask.shape), self._mask.dtype)
        if "boxes" in taken:
            form, outlines = self.source.bounding_box_format, taken.get("polygons")
            moved, kept = targets.move_boxes(plan, taken["boxes"], form, self._box_filter, outlines)
            names = taken.get("box_labels", [np.zeros(len(rows), np.int32) for rows in taken["boxes"]])
            names = [row[keep] for row, keep in zip(names, kept, strict=True)]
            columns["bounding_boxes"] = targets.pad_boxes(moved, names, self._most_boxes)
        if "keypoints" in taken:
            swaps = self.source.targets.keypoint_swaps
            columns["keypoints"] = targets.move_points(plan, taken["keypoints"], swaps)
        job.columns = columns

    def _read_mask(self, number: int, record: Record) -> NDArray[Any]:
        name, field = self.source.name(number), self._mask
        try:
            mask = targets.read_mask(self.source.targets.take([number])["masks"][0], record.size, name)
        except (ArgumentError, OSError) as error:
            raise SourceError(str(error) if isinstance(error, ArgumentError) else _bad_mask(name, error)) from error
        if field is not None and (mask.shape[2], mask.dtype.name) != (field.shape[2], field.dtype):
            raise SourceError(
                f"mask of {name}: all masks must have one type and number of channels. Received {mask.dtype} x "
                f"{mask.shape[2]} beside {field.dtype} x {field.shape[2]}. Convert them."
            )
        return mask


def _rows(column: Any, rows: slice) -> Any:
    return {key: value[rows] for key, value in column.items()} if isinstance(column, dict) else column[rows]


def _mask_field(source: Source, size: tuple[int, int]) -> Field:
    """What masks come out as; the first that can be read tells it for all."""
    error: OSError | None = None
    for number in range(min(_MASKS_TRIED, len(source))):
        try:
            mask = targets.mask_array(source.targets.take([number])["masks"][0])
        except OSError as problem:
            error = error or problem
        else:
            return Field((*size, mask.shape[2]), mask.dtype.name)
    raise SourceError(_bad_mask(source.name(0), error)) from error


def _bad_mask(name: str, error: OSError | None) -> str:
    return f"mask of {name}: it must be a readable image. Received {type(error).__name__}: {error}. Replace the file."


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
    if isinstance(record, AuglineError) or record.header is None:
        return 1
    return dct_shrink(record.header, wanted)

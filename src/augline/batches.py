"""One batch: its files read, its plan made, its samples decoded and carried through, each into its slot."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline import engines, targets
from augline.buffers import Buffers
from augline.decode import Header, Scratch, dct_shrink, decode, probe
from augline.errors import AuglineError, DecodeError, SourceError
from augline.plan import Plan, Warp
from augline.program import Program
from augline.sources import Source

_local = threading.local()


@dataclass(frozen=True, slots=True)
class Record:
    """A sample as it was read: an encoded file with its header, or an image."""

    size: tuple[int, int]
    image: NDArray[Any] | None = None
    data: bytes = b""
    header: Header | None = None


@dataclass(slots=True)
class Job:
    """A batch in the making: what was read, the work per sample, and the places for what comes out."""

    indices: list[int]
    records: list[Record | AuglineError]
    shrinks: list[int]
    sample: engines.Sample
    mask_sample: engines.Sample | None
    images: NDArray[Any]
    columns: dict[str, Any]


class Batches:
    """Makes batches of a source with a program.

    Args:
        source: Where samples come from.
        program: What happens to them.
        accurate: Whether JPEGs are decoded exactly.
    """

    def __init__(self, source: Source, program: Program, accurate: bool = True) -> None:
        self.source, self.program, self.accurate = source, program, accurate
        self.size = program.common_size()
        self._buffers = Buffers()
        boxes = source.targets.boxes
        self._most_boxes = max((len(rows) for rows in boxes), default=0) if boxes is not None else 0

    def prepare(self, epoch: int, indices: NDArray[np.int64]) -> Job:
        """Reads the files, draws the numbers and plans the work; pixels come with `run`."""
        source = self.source
        records = [self._read(index) for index in indices.tolist()]
        sizes = np.asarray([record.size if isinstance(record, Record) else (1, 1) for record in records])
        _, plan = self.program.plan(epoch, source.ids(indices), sizes)
        shrinks = [_decoder_shrink(record, want) for record, want in zip(records, _wanted_shrinks(plan), strict=True)]
        decoded = np.repeat(np.asarray(shrinks, np.int64)[:, None], 2, axis=1)
        sample = engines.prepare(self.program.engine, plan, decoded)
        shape = (len(records), *self.size, self.program.output_channels)
        job = Job(
            indices.tolist(), records, shrinks, sample, None, self._buffers.take(shape, self.program.output_dtype), {}
        )
        self._add_targets(job, plan)
        return job

    def run(self, job: Job, index: int) -> None:
        """Makes one sample of a batch.

        Raises:
            DecodeError: The file is damaged.
            SourceError: The file could not be read.
        """
        record = job.records[index]
        if isinstance(record, AuglineError):
            raise record
        try:
            image = record.image if record.header is None else self._decode(record, record.header, job.shrinks[index])
        except DecodeError as error:
            raise self._named(error, job.indices[index]) from error
        if image is not None:
            job.sample(index, image, job.images[index])
        if job.mask_sample is not None:
            mask = self._mask(job, index, record.size)
            job.mask_sample(index, mask, job.columns["segmentation_masks"][index])

    def replace(self, job: Job, index: int, other: Job) -> None:
        """Puts the only sample of another batch in the place of one of this batch."""
        job.images[index] = other.images[0]
        for name, column in job.columns.items():
            if isinstance(column, dict):
                for key, rows in column.items():
                    rows[index] = other.columns[name][key][0]
            else:
                column[index] = other.columns[name][0]

    def result(self, job: Job) -> Any:
        """A finished batch, as users get it: images; (images, labels[, weights]); or a dict."""
        columns = dict(job.columns)
        if not columns:
            return job.images
        if {*columns} <= {"labels", "weights"} and "labels" in columns:
            return (job.images, *columns.values())
        if "keypoints" in columns and len({row.shape for row in columns["keypoints"]}) == 1:
            columns["keypoints"] = np.stack(columns["keypoints"])
        return {"images": job.images, **columns}

    def blank(self) -> Any:
        """A batch of one sample with its shapes and types, but not its pixels."""
        return self.result(self.prepare(0, np.zeros(1, np.int64)))

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

    def _decode(self, record: Record, header: Header, shrink: int) -> NDArray[Any]:
        source = self.source
        scratch = _local.__dict__.setdefault("scratch", Scratch())
        return decode(
            record.data, header, channels=source.channels, dtype=source.dtype, shrink=shrink, scratch=scratch,
            accurate=self.accurate,
        )  # fmt: skip

    def _named(self, error: DecodeError, index: int) -> DecodeError:
        return DecodeError(f"{self.source.name(index)} (sample {index}): {error}")

    def _add_targets(self, job: Job, plan: Plan) -> None:
        taken = self.source.targets.take(job.indices)
        columns: dict[str, Any] = {key: taken[key] for key in ("labels", "weights") if key in taken}
        if "masks" in taken:
            first = targets.read_mask(taken["masks"][0], _size(job.records[0]), self.source.name(job.indices[0]))
            masked = targets.mask_plan(plan, first.shape[2], first.dtype.name)
            ones = np.ones((len(job.indices), 2), np.int64)
            job.mask_sample = engines.prepare(self.program.engine, masked, ones)
            columns["segmentation_masks"] = np.zeros((len(job.indices), *self.size, first.shape[2]), first.dtype)
        if "boxes" in taken:
            moved, kept = targets.move_boxes(plan, taken["boxes"], self.source.bounding_box_format)
            names = taken.get("box_labels", [np.zeros(len(rows), np.int32) for rows in taken["boxes"]])
            names = [row[keep] for row, keep in zip(names, kept, strict=True)]
            columns["bounding_boxes"] = targets.pad_boxes(moved, names, self._most_boxes)
        if "keypoints" in taken:
            columns["keypoints"] = targets.move_points(plan, taken["keypoints"])
        job.columns = columns

    def _mask(self, job: Job, index: int, size: tuple[int, int]) -> NDArray[Any]:
        number = job.indices[index]
        mask = self.source.targets.take([number])["masks"][0]
        return targets.read_mask(mask, size, self.source.name(number))


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


def _size(record: Record | AuglineError) -> tuple[int, int]:
    if isinstance(record, AuglineError):
        raise record
    return record.size

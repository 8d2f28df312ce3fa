"""A contact sheet: samples as they are and as they come out, with what was drawn for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from augline import targets
from augline.batches import Job, Record
from augline.caption import caption
from augline.decode import decode
from augline.errors import ArgumentError, AuglineError, DecodeError, SourceError
from augline.explanation import class_name, draws
from augline.picture import Picture
from augline.plan import Output
from augline.sources import remote

if TYPE_CHECKING:
    from augline.pipeline import Pipeline

SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


def write_sheet(pipe: Pipeline, path: Path, epoch: int = 0, samples: int = 8, columns: int = 4) -> Path:
    """See `Pipeline.preview`.

    Raises:
        ArgumentError: The path has no folder or no known ending, or a number is below 1.
        DecodeError or SourceError: A sample cannot be read, and the pipeline is to raise on errors.
    """
    from augline.sheet import compose

    _check(path, samples, columns)
    shown = min(samples, len(pipe.source))
    cells = list(_cells(pipe, epoch, pipe.indices(epoch, np.arange(shown))))
    names = " · ".join(type(item).__name__ for item in pipe.transforms) or "no transforms"
    facts = f"seed {pipe.seed}, epoch {epoch}   ·   {shown} of {len(pipe.source):,} samples"
    sheet = compose(cells, min(columns, shown), names, facts)
    sheet.save(data := BytesIO(), SUFFIXES[path.suffix.lower()], quality=92)  # of which PNG knows nothing
    remote.write(str(path), data.getvalue())
    return path


def _check(path: Path, samples: int, columns: int) -> None:
    owner = f"Pipeline.preview({str(path)!r})"
    if path.suffix.lower() not in SUFFIXES:
        received = repr(path.suffix) if path.suffix else "no ending"
        raise ArgumentError(
            f"{owner}: the path must end in {', '.join(SUFFIXES)}. Received {received}. Write sheet.png, for example."
        )
    if not path.parent.is_dir():
        raise ArgumentError(
            f"{owner}: its folder must exist. Received {str(path.parent)!r}, which does not. Make the folder first."
        )
    for name, value in (("samples", samples), ("columns", columns)):
        if value < 1:
            raise ArgumentError(f"{owner}: {name} must be at least 1. Received {name}={value}. Write {name}=4.")


def _cells(pipe: Pipeline, epoch: int, indices: NDArray[np.int64]) -> Iterable[tuple[Picture, Picture, list[str]]]:
    """(original, augmented, caption) of each sample; one at a time, so that large photographs do not add up."""
    for index in indices.tolist():
        place = np.asarray([index])
        name, label = "/".join(Path(pipe.source.name(index)).parts[-2:]), class_name(pipe, index)
        try:
            job = pipe.batches.prepare(epoch, place)
            pipe.batches.run(job, 0)
        except (DecodeError, SourceError) as error:
            if pipe.on_error == "raise":
                raise
            yield Picture(_BLANK), Picture(_BLANK), [name, label, _reason(error)]
            continue
        record = job.record(0)
        expansion, plan = pipe.batches.explained(epoch, job)
        drawn = caption(draws(expansion.drawn, 0), expansion.stages, 0)
        yield _original(pipe, index, record), _augmented(pipe, job, plan.output), [name, label, drawn]


_BLANK = np.full((3, 4, 3), 225, np.uint8)


def _reason(error: AuglineError) -> str:
    return str(error).partition(": ")[2] or str(error)


def _original(pipe: Pipeline, index: int, record: Record) -> Picture:
    """The sample as evaluation reads it, with its targets."""
    source, lead = pipe.source, len(pipe.source.lead)
    low, high = source.value_range
    if record.header is not None:
        image = decode(record.data, record.header, channels=source.channels, dtype=source.dtype)
    else:
        assert record.image is not None
        image = record.image
    taken = source.targets.take([index])
    mask = None
    if source.targets.masks is not None:
        mask = targets.read_mask(_first(taken["masks"])[0], record.size, source.name(index), lead)
    boxes = _still(pipe, taken["boxes"][0]) if "boxes" in taken else np.zeros((0, 4))
    names = _still(pipe, taken["box_labels"][0]) if "box_labels" in taken else None
    points = taken["keypoints"][0] if "keypoints" in taken else np.zeros((0, 2))
    shown = _displayable(_still(pipe, image), Output((high - low,), (low,), source.dtype))
    mask, points = _still(pipe, mask), _still(pipe, points)
    return Picture(shown, mask, _xyxy(pipe, boxes, record.size), _names(pipe, names, len(boxes)), points)


def _augmented(pipe: Pipeline, job: Job, output: Output) -> Picture:
    """What came out, with its targets."""
    columns, size = job.columns, pipe.batches.size
    mask = _still(pipe, _first(columns["segmentation_masks"])[0]) if "segmentation_masks" in columns else None
    boxes, names = np.zeros((0, 4)), None
    if "bounding_boxes" in columns:
        boxes, names = (_still(pipe, columns["bounding_boxes"][name][0]) for name in ("boxes", "labels"))
        boxes, names = boxes[names >= 0], names[names >= 0]
        names = names if pipe.source.targets.box_labels is not None else None
    points = _still(pipe, columns["keypoints"][0]) if "keypoints" in columns else np.zeros((0, 2))
    shown = _displayable(_still(pipe, job.images[0]), output)
    return Picture(shown, mask, _xyxy(pipe, boxes, size), _names(pipe, names, len(boxes)), points)


def _still(pipe: Pipeline, values: Any) -> Any:
    """The middle frame of a video; an image as it is."""
    return values[pipe.source.lead[0] // 2] if pipe.source.lead and values is not None and len(values) else values


def _first(masks: Any) -> Any:
    """The first of several masks by name; the only one."""
    return next(iter(masks.values())) if isinstance(masks, Mapping) else masks


def _xyxy(pipe: Pipeline, boxes: NDArray[Any], size: tuple[int, int]) -> Any:
    """Boxes in pixels, as (left, top, right, bottom)."""
    image = (float(size[0]), float(size[1]))
    return np.asarray(targets.to_xyxy(np.asarray(boxes, np.float64), pipe.source.bounding_box_format, image))


def _names(pipe: Pipeline, labels: NDArray[Any] | None, count: int) -> list[str]:
    if labels is None:
        return [""] * count
    known = pipe.source.class_names or ()
    return [known[number] if number < len(known) else str(number) for number in np.asarray(labels).astype(int).tolist()]


def _displayable(image: NDArray[Any], output: Output) -> NDArray[np.uint8]:
    """Any values as RGB of 8 bits; of many channels the first three, of two the first."""
    if output.finish:  # values of no range: from the lowest to the highest
        low, high = float(image.min()), float(image.max())
        output = Output((max(high - low, 1e-9),), (low,), output.dtype)
    unit = (image.astype(np.float64) - np.asarray(output.offset)) / np.asarray(output.scale)
    rgb = unit[:, :, :3] if unit.shape[2] >= 3 else np.repeat(unit[:, :, :1], 3, axis=2)
    return np.asarray(np.round(np.clip(np.nan_to_num(rgb), 0, 1) * 255), np.uint8)

"""`augment`: the whole machinery on arrays in memory, one batch, no pipeline."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline import engines, targets
from augline.box_filter import ANY_BOX, BoxFilter
from augline.errors import ArgumentError
from augline.plan import Plan
from augline.program import Program
from augline.sight import Known
from augline.sources.arrays import checked_range
from augline.sources.base import RESERVED
from augline.sources.columns import build
from augline.sources.refusal import check_channels_last, check_length, refusal
from augline.sources.targets import Targets, by_frame, by_sample
from augline.transforms.base import Transform
from augline.transforms.compose import Sequential

RANGES = {"uint8": (0.0, 255.0), "uint16": (0.0, 65535.0), "float32": (0.0, 1.0)}


def augment(
    images: Any,
    transforms: Sequence[Transform],
    *,
    masks: Any = None,
    boxes: Any = None,
    polygons: Any = None,
    keypoints: Any = None,
    labels: Any = None,
    seed: int = 0,
    epoch: int = 0,
    ids: Any = None,
    engine: str = "auto",
    bounding_box_format: str = "xyxy",
    box_filter: BoxFilter = ANY_BOX,
    keypoint_swaps: Sequence[tuple[int, int]] = (),
    value_range: tuple[float, float] | None = None,
    extra_images: Mapping[str, Any] | None = None,
) -> Any:
    """Augments a batch of images, and what belongs to them, in memory.

    Args:
        images: `(batch, height, width, channels)` uint8, uint16 or float32, or a list of images of any sizes. Videos
            are `(batch, time, height, width, channels)`, or a list of `(time, height, width, channels)`: all frames of
            one share its draws. Masks and keypoints are `(batch, time, ...)` then; boxes, polygons and their labels one
            list per video with an entry per frame.
        transforms: What may happen to them.
        masks: Segmentation masks, one per image and of its size; any integer type, kept as it is. Several per image by
            name: `{"classes": ..., "instances": ...}`.
        boxes: One `(n, 4)` array per image. Boxes that leave the image are left out, and so are their labels if
            `labels` holds one array `(n,)` per image.
        polygons: One list per image with an outline `(n, 2)` per box, measured as the boxes are: these are then tight
            however the image is turned. Without `boxes`, those around the polygons are taken.
        keypoints: One `(k, 2)` or `(k, 3)` array per image: x, y, and visibility, which becomes 0 where a point leaves
            the image.
        labels: Anything with one entry per image; given back beside the images.
        seed: Another seed, other draws.
        epoch: Another epoch, other draws.
        ids: `(batch,)` sample ids; 0, 1, 2, ... by default. A sample's draws depend on (seed, epoch, id) alone.
        engine: "auto", "opencv", "reference" or "tensorflow".
        bounding_box_format: One of Keras's formats, for boxes in and out.
        box_filter: Which boxes stay once the image around them was cut.
        keypoint_swaps: Pairs of keypoints, by number, that change places where an image comes out mirrored: left eye
            and right eye, and so on.
        value_range: Of float images; (0, 1) by default.
        extra_images: Further images of each sample, of the type and size of the first, by name: `{"right": ...}` for
            stereo pairs or before and after. They get the same draws, in geometry and colour.

    Returns:
        The images alone, or a dict with a key for each argument given ("images", "masks", "boxes", "polygons",
        "keypoints", "labels", and the names of `extra_images`). Images and masks come as one array where all have one
        size, else as lists.

    Raises:
        ArgumentError: Something does not fit together.

    Example:
        >>> import augline as al, numpy as np
        >>> images = np.zeros((8, 48, 64, 3), "uint8")
        >>> out = al.augment(images, [al.RandomRotation(0.1)], masks=images[..., :1], seed=7)
        >>> out["images"].shape, out["masks"].shape
        ((8, 48, 64, 3), (8, 48, 64, 1))
    """
    batch = checked_images(images, videos=True)
    _check_lengths(batch, {"boxes": boxes, "polygons": polygons, "keypoints": keypoints})
    lead, sizes = batch[0].shape[:-3], np.asarray([image.shape[-3:-1] for image in batch])
    columns, _ = build(
        "augment", len(batch), masks=masks, boxes=boxes, polygons=polygons, keypoints=keypoints,
        keypoint_swaps=keypoint_swaps, bounding_box_format=bounding_box_format, sizes=sizes, lead=lead,
    )  # fmt: skip
    for name, column in {"labels": labels, "ids": ids}.items():
        if column is not None:
            check_length("augment", name, len(column), len(batch))
    more = {name: _like(batch, name, part) for name, part in (extra_images or {}).items()}
    size = (int(sizes[0, 0]), int(sizes[0, 1])) if (sizes == sizes[0]).all() else None
    known = Known(columns, bounding_box_format, lead)
    program = program_for(
        batch, transforms, seed=seed, size=size, engine=engine, value_range=value_range, sees=known.kinds
    )
    ids = np.arange(len(batch)) if ids is None else np.asarray(ids)
    _, plan = program.plan(epoch, ids, sizes, known=known)
    result = {name: run(program.engine, plan, part) for name, part in {"images": batch, **more}.items()}
    if masks is not None:
        by_name = masks if isinstance(masks, Mapping) else {"": masks}
        moved = {name: _masks(program.engine, plan, part, sizes, len(lead), name) for name, part in by_name.items()}
        result["masks"] = moved if isinstance(masks, Mapping) else moved[""]
    if labels is not None:
        result["labels"] = labels
    if columns.boxes is not None:
        result |= _boxes(plan, columns, bounding_box_format, box_filter, labels, lead)
    if columns.keypoints is not None:
        result["keypoints"] = targets.move_points(plan, columns.keypoints, columns.keypoint_swaps)
    return result if len(result) > 1 else result["images"]


def _boxes(
    plan: Plan, columns: Targets, box_format: str, box_filter: BoxFilter, labels: Any, lead: tuple[int, ...]
) -> dict[str, Any]:
    """Boxes that are left, and with them polygons, and labels if there is one per box; of videos, frame by frame."""
    boxes, polygons = (None if rows is None else by_frame(rows, lead) for rows in (columns.boxes, columns.polygons))
    moved, kept = targets.move_boxes(plan, boxes or (), box_format, box_filter, polygons, *lead)
    result: dict[str, Any] = {"boxes": moved}
    if polygons is not None:
        result["polygons"] = targets.move_polygons(plan, polygons, kept, box_format, *lead)
    framed = labels is not None and all(isinstance(row, (list, tuple)) or getattr(row, "ndim", 0) for row in labels)
    names = by_frame(labels, lead) if framed else ()
    if len(names) == len(kept) and all(np.shape(row) == (len(b),) for row, b in zip(names, boxes or (), strict=True)):
        result["labels"] = [np.asarray(row)[keep] for row, keep in zip(names, kept, strict=True)]
    return {name: by_sample(column, lead) for name, column in result.items()}


def run(engine: str, plan: Plan, images: Sequence[NDArray[Any]]) -> Any:
    """Runs a plan on images in memory; one array where all come out in one size, else a list."""
    sample = engines.prepare(engine, plan, np.ones((len(images), 2), np.int64))
    shapes = np.stack([plan.extent.height, plan.extent.width], axis=-1).astype(int).tolist()
    channels, dtype = len(plan.output.scale), plan.output.dtype
    outs = [np.empty((*image.shape[:-3], *shape, channels), dtype) for image, shape in zip(images, shapes, strict=True)]
    for index, (image, out) in enumerate(zip(images, outs, strict=True)):
        engines.carry(sample, index, image, out)
    return np.stack(outs) if all(out.shape == outs[0].shape for out in outs) else outs


def program_for(
    batch: Sequence[NDArray[Any]], transforms: Sequence[Transform], *, seed: int, size: tuple[int, int] | None,
    engine: str, value_range: tuple[float, float] | None, sees: Collection[str] = (),
) -> Program:  # fmt: skip
    """The program of a list for images in memory, whose values must keep to their range."""
    dtype = batch[0].dtype.name
    return Program(
        Sequential(transforms).transforms, seed=seed, channels=batch[0].shape[-1], dtype=dtype, size=size,
        engine=engine, value_range=checked_range("augment", batch, dtype, value_range), sees=sees,
    )  # fmt: skip


def _check_lengths(batch: Sequence[NDArray[Any]], given: Mapping[str, Any]) -> None:
    """Refuses targets that have a time axis beside videos that differ in length."""
    lengths = sorted({image.shape[:-3] for image in batch})
    names = [name for name, column in given.items() if column is not None]
    if len(lengths) > 1 and names:
        fix = "Give them in calls of their own."
        received = f"{names[0]} for videos of {lengths[0][0]} and {lengths[1][0]} frames"
        raise refusal(ArgumentError, "augment", "videos with such targets must have one length", received, fix)


def _like(batch: Sequence[NDArray[Any]], name: str, images: Any) -> Sequence[NDArray[Any]]:
    """Further images, of the type and sizes of the first."""
    owner = f"augment(extra_images={{{name!r}: ...}})"
    if name in RESERVED:
        raise refusal(ArgumentError, owner, "its name must be its own", repr(name), "Choose another name.")
    more = checked_images(images, owner, videos=True)
    check_length(owner, "images", len(more), len(batch))
    for index, (one, other) in enumerate(zip(more, batch, strict=True)):
        if (one.dtype, one.shape) != (other.dtype, other.shape):
            received = f"{one.dtype} {one.shape} beside {other.dtype} {other.shape} at number {index}"
            fix = "Convert them; what is to be moved only, and not coloured, can go into masks=."
            raise refusal(ArgumentError, owner, "they must have the images' type and size", received, fix)
    return more


def _masks(engine: str, plan: Plan, masks: Any, sizes: NDArray[np.int64], lead: int, name: str) -> Any:
    read = [
        targets.read_mask(m, (int(h), int(w)), f"images[{i}]", lead)
        for i, (m, (h, w)) in enumerate(zip(masks, sizes, strict=True))
    ]
    result = run(engine, targets.mask_plan(plan, read[0].shape[-1], read[0].dtype.name, name), read)
    flat = np.ndim(masks[0]) == 2 + lead
    if isinstance(result, list):
        return [mask[..., 0] if flat else mask for mask in result]
    return result[..., 0] if flat else result


def checked_images(images: Any, owner: str = "augment", *, videos: bool = False) -> Sequence[NDArray[Any]]:
    """Images, or videos too, as a batch or a list, of one type and number of channels."""
    batch: Any
    try:
        batch = [np.asarray(image) for image in images] if isinstance(images, (list, tuple)) else np.asarray(images)
    except (NotImplementedError, TypeError) as error:  # a tensor of a function that is being traced
        raise ArgumentError(
            f"{owner}(images): there must be pixels. Received {type(images).__name__}, which stands for some inside a "
            "tf.data map or a compiled function. Write al.to_dataset(dataset, augment=[...]), or use the layer "
            "augline.keras.Augment."
        ) from error
    shapes = {np.ndim(image) for image in batch}
    if not len(batch) or shapes not in ({3}, {4} if videos else {3}) or not all(np.size(image) for image in batch):
        raise ArgumentError(
            f"{owner}(images): images must be (batch, height, width, channels), at least one, with pixels. Received "
            f"{getattr(batch, 'shape', f'a list of {len(batch)}')}. For one image write image[None]; for grey ones "
            "images[..., None]."
        )
    first = batch[0]
    check_channels_last(f"{owner}(images)", first.shape)
    for index, image in enumerate(batch):
        if image.dtype.name not in RANGES:
            raise ArgumentError(
                f"{owner}(images): images must be uint8, uint16 or float32. Received {image.dtype} (number {index}). "
                "Write images.astype('float32'), for example, and give their value_range."
            )
        if image.dtype != first.dtype or image.shape[-1] != first.shape[-1]:
            raise ArgumentError(
                f"{owner}(images): all images must have one type and number of channels. Received {image.dtype} x "
                f"{image.shape[-1]} (number {index}) beside {first.dtype} x {first.shape[-1]}. Convert them."
            )
    result: Sequence[NDArray[Any]] = batch
    return result

"""The way back: what a model says of augmented images, in the frames of the images as they were."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from augline import targets
from augline.augment import checked_images, program_for, run
from augline.engines.portable.warp import read
from augline.errors import ArgumentError
from augline.paths import Paths, mirrors
from augline.plan import Fill, Plan
from augline.plan.mix import Mix
from augline.plan.stages import Interpolation
from augline.sources.refusal import check_choice
from augline.sources.targets import BOX_FORMATS
from augline.transforms.base import Transform

if TYPE_CHECKING:
    from augline.pipeline import Pipeline


class Trace:
    """A batch of augmented images that remembers where its pixels came from.

    `trace` makes one of images, `Pipeline.trace` of a batch.

    Attributes:
        images: As they came out: one array where all have one size, else a list.
        plan: What was done to them.
    """

    def __init__(self, images: Any, plan: Plan) -> None:
        self.images, self.plan = images, plan
        self._paths = Paths(plan)
        self._before = np.stack([plan.before.height, plan.before.width], axis=-1).astype(int)
        self._after = np.stack([plan.extent.height, plan.extent.width], axis=-1).astype(int)
        self._seen_from = cache(self._grid)

    def __len__(self) -> int:
        """The number of images."""
        return self.plan.before.batch

    def seen(self) -> Any:
        """`(batch, height, width)` bool: which pixels of the images as they were can be seen in those that came out."""
        return _together([self._seen_from(k)[1].reshape(self._before[k]) for k in range(len(self))])

    def undo_masks(self, predictions: Any, fill: float = 0.0) -> Any:
        """Predictions per pixel, in the frames and sizes of the images as they were.

        Args:
            predictions: `(batch, h, w)` or `(batch, h, w, channels)`, or a list. Floats (heat maps, probabilities) are
                read bilinearly, integers (labels) take the nearest. They may be coarser or finer than the images.
            fill: What stands where an image shows nothing of a place.

        Raises:
            ArgumentError: There is not one per image, or the fill is none of its type's values.

        Example:
            >>> import augline as al, numpy as np
            >>> views = al.trace(np.zeros((2, 40, 60, 3), "uint8"), [al.RandomCrop(32, 32), al.RandomFlip()], seed=7)
            >>> views.undo_masks(np.ones((2, 32, 32, 5), "float32")).shape
            (2, 40, 60, 5)
        """
        rows = [np.asarray(row) for row in self._one_each("undo_masks", predictions)]
        dtype = rows[0].dtype
        if dtype.kind not in "fbiu" or not targets.fits(fill, dtype):
            raise ArgumentError(
                f"Trace.undo_masks(fill={fill!r}): predictions must be floats or integers, and fill one of their "
                f"values. Received {dtype}. Choose another fill, or convert the predictions."
            )
        return _together([self._mask(index, row, fill) for index, row in enumerate(rows)])

    def undo_boxes(self, boxes: Sequence[Any], bounding_box_format: str = "xyxy") -> list[NDArray[np.float32]]:
        """Boxes `(n, 4)` per image that came out, around the same things in the images as they were.

        None is left out, so that scores stay in step; what lies outside the image is cut off. A box that was turned
        comes back as the upright one around it.

        Args:
            boxes: One array per image.
            bounding_box_format: One of Keras's formats, for boxes in and out.

        Example:
            >>> import augline as al, numpy as np
            >>> views = al.trace(np.zeros((1, 40, 60, 3), "uint8"), [al.RandomFlip("horizontal", p=1)])
            >>> views.undo_boxes([[[0, 10, 20, 30]]])[0].tolist()
            [[40.0, 10.0, 60.0, 30.0]]
        """
        check_choice("Trace.undo_boxes", "bounding_box_format", bounding_box_format, BOX_FORMATS)
        undone = []
        for index, given in enumerate(self._one_each("undo_boxes", boxes)):
            rows = np.asarray(given, np.float64).reshape(-1, 4)
            before, after = ((float(size[0]), float(size[1])) for size in (self._before[index], self._after[index]))
            corners = targets.to_xyxy(rows, bounding_box_format, after)
            sides = [targets.outline(row, self._paths.bends) - 0.5 for row in corners]
            placed = [self._paths.back(index, side) + 0.5 for side in sides]
            whole = np.asarray([(*p.min(axis=0), *p.max(axis=0)) for p in placed]).reshape(-1, 4)
            clipped = np.clip(whole, 0, [before[1], before[0]] * 2)
            undone.append(targets.from_xyxy(clipped, bounding_box_format, before).astype(np.float32))
        return undone

    def undo_points(
        self, points: Sequence[Any], swaps: Sequence[tuple[int, int]] = ()
    ) -> list[NDArray[np.float32]]:  # fmt: skip
        """Points `(k, 2)` per image that came out, in the images as they were; more columns stay as they are.

        Args:
            points: One array per image: x, y between pixel centres, and perhaps a score.
            swaps: Pairs of rows that change places where the image was mirrored: left eye and right eye, and so on.
        """
        undone, mirrored = [], mirrors(self.plan)
        for index, given in enumerate(self._one_each("undo_points", points)):
            point = np.array(given, np.float32)
            point = point.reshape(-1, point.shape[-1] if point.ndim > 1 else 2)
            point[:, :2] = self._paths.back(index, point[:, :2].astype(np.float64))
            if mirrored[index]:
                targets.swap(point, swaps)
            undone.append(point)
        return undone

    def _mask(self, index: int, prediction: NDArray[Any], fill: float) -> NDArray[Any]:
        there, seen = self._seen_from(index)
        height, width = prediction.shape[:2]
        # a prediction of another size covers the same frame: edges meet edges
        ratio = np.asarray([width, height]) / self._after[index][::-1]
        x, y = ((there + 0.5) * ratio - 0.5).T
        interpolation: Interpolation = "bilinear" if prediction.dtype.kind == "f" else "nearest"
        flat = prediction.reshape(1, height, width, -1)
        found = read(np, flat, x[None, None], y[None, None], interpolation, Fill("nearest"))[0, 0]
        result = np.where(seen[:, None], found, np.asarray(fill, prediction.dtype)).astype(prediction.dtype)
        return result.reshape(*self._before[index], *prediction.shape[2:])

    def _grid(self, index: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Where each pixel of an image as it was lies in the one that came out, `(n, 2)`, and whether it is seen."""
        height, width = self._before[index]
        x, y = np.meshgrid(np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64))
        return self._paths.sees(index, np.stack([x.ravel(), y.ravel()], axis=-1))

    def _one_each(self, name: str, values: Any) -> Sequence[Any]:
        if len(values) != len(self):
            raise ArgumentError(
                f"Trace.{name}: there must be one entry per image. Received {len(values)} for {len(self)} images. Pass "
                "what was predicted for trace.images, in its order."
            )
        result: Sequence[Any] = values
        return result


def trace(
    images: Any, transforms: Sequence[Transform], *, seed: int = 0, epoch: int = 0, ids: Any = None,
    engine: str = "auto", value_range: tuple[float, float] | None = None,
) -> Trace:  # fmt: skip
    """Augments a batch of images, and keeps the way back; the images are those of `augment` with the same arguments.

    Args:
        images: `(batch, height, width, channels)` uint8, uint16 or float32, or a list of images of any sizes.
        transforms: What may happen to them.
        seed: Another seed, other draws.
        epoch: Another epoch, other draws.
        ids: `(batch,)` sample ids; 0, 1, 2, ... by default.
        engine: "auto", "opencv", "reference" or "tensorflow".
        value_range: Of float images; (0, 1) by default.

    Raises:
        ArgumentError: Something does not fit together, or a transform cannot be undone.

    Example:
        >>> import augline as al, numpy as np
        >>> views = al.trace(np.zeros((2, 40, 60, 3), "uint8"), [al.RandomRotation(0.1)], seed=7)
        >>> views.images.shape, views.undo_points([[[3.0, 4.0]], [[5.0, 6.0]]])[0].shape
        ((2, 40, 60, 3), (1, 2))
    """
    batch = checked_images(images, "trace")
    sizes = np.asarray([image.shape[:2] for image in batch])
    size = (int(sizes[0, 0]), int(sizes[0, 1])) if (sizes == sizes[0]).all() else None
    program = program_for(batch, transforms, seed=seed, size=size, engine=engine, value_range=value_range)
    _, plan = program.plan(epoch, np.arange(len(batch)) if ids is None else np.asarray(ids), sizes)
    _check(plan)
    return Trace(run(program.engine, plan, batch), plan)


def trace_batch(pipe: Pipeline, epoch: int, step: int) -> Trace:
    """See `Pipeline.trace`."""
    if pipe.source.lead:
        raise ArgumentError(
            f"Pipeline({pipe.source!r}).trace(): the way back is kept for images. Received videos. Pass their frames, "
            "as images with the ids of the videos, to augline.trace."
        )
    _check(pipe.program.trial)
    indices = pipe.indices(epoch, pipe.positions(step))
    job = pipe.batches.prepare(epoch, indices)
    for index in range(len(indices)):
        pipe.batches.run(job, index)
    return Trace(job.images, job.plan)


def _check(plan: Plan) -> None:
    """Refuses a plan that cannot be undone, before anything is done."""
    for stage in plan.stages:
        if isinstance(stage, Mix):
            raise ArgumentError(
                f"trace: what was mixed of several images has no one way back. Received {', '.join(stage.origin)}. "
                "Leave it out."
            )
    Paths(plan).back(0, np.zeros((0, 2)))


def _together(rows: list[NDArray[Any]]) -> Any:
    return np.stack(rows) if len({row.shape for row in rows}) == 1 else rows

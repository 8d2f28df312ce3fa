"""Transforms on a source's raw images: each batch planned as a whole, its samples run in a thread without the GIL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline import engines, targets
from augline.augment import RANGES
from augline.box_filter import BoxFilter
from augline.buffers import Buffers
from augline.convert.elements import Element, leaves, mapped, rows, stacked
from augline.errors import SourceError
from augline.plan import Plan
from augline.plan.moving import moving
from augline.program import Program
from augline.sight import Known
from augline.sources.arrays import LOOKED_AT, checked_range
from augline.sources.columns import check_swaps
from augline.sources.refusal import check_channels_last
from augline.sources.targets import Targets
from augline.transforms.base import Transform
from augline.transforms.compose import Sequential

_OWNER = "to_dataset(augment=...)"
_SIZED = ("images", "segmentation_masks")


class Augmenter:
    """What happens to elements: to their images, and in dicts to what belongs to those.

    Args:
        transforms: The list.
        first: A raw element, or a sample if `samples`, which shows what the images are.
        samples: Whether elements are single samples rather than batches.
        seed: Of all draws.
        value_range: Of float images.
        bounding_box_format: Of boxes.
        box_filter: Which of them stay.
        swaps: Pairs of keypoints that change places in mirrored images.
    """

    def __init__(
        self, transforms: Sequence[Transform], first: Element, *, samples: bool, seed: int,
        value_range: tuple[float, float] | None, bounding_box_format: str,
        box_filter: BoxFilter, swaps: Sequence[tuple[int, int]],
    ) -> None:  # fmt: skip
        self.samples, self._format, self._buffers = samples, bounding_box_format, Buffers()
        head = _head(first)
        points = head.get("keypoints") if isinstance(head, dict) else None
        self._box_filter = box_filter
        self._swaps = check_swaps(_OWNER, swaps, 0 if points is None else points.shape[-2])
        image = images_of(first)
        if image.ndim != (3 if samples else 4):
            wanted = "(height, width, channels)" if samples else "(batch, height, width, channels)"
            raise SourceError(f"images of shape {list(image.shape)}; augment= needs {wanted}, the first of the element")
        check_channels_last(_OWNER, image.shape)
        dtype = "float32" if image.dtype.kind == "f" else image.dtype.name
        if dtype not in RANGES:
            raise SourceError(f"images of type {image.dtype}; augment= needs uint8, uint16 or a float type")
        self._range = checked_range(_OWNER, image[None] if samples else image, dtype, value_range)
        self.program = Program(
            Sequential(transforms).transforms, seed=seed, channels=image.shape[-1], dtype=dtype, size=None,
            value_range=self._range, sees=_known(head, bounding_box_format).kinds,
        )  # fmt: skip
        self._check_what_stays(first, image.shape[:-1])

    def batch(self, element: Element, epoch: int, first: int) -> Element:
        """A batch carried through; its samples are number `first` and following of the pass."""
        images = images_of(element)
        return self._run(element, images, epoch, first + np.arange(len(images)))

    def sample(self, element: Element, epoch: int, number: int) -> Element:
        """One sample carried through."""
        return mapped(lambda part: part[0, ...], self.gathered([element], epoch, number))

    def gathered(self, samples: Sequence[Element], epoch: int, first: int) -> Element:
        """A batch of samples, planned as one; they may differ in size as long as they come out in one."""
        images = [images_of(sample) for sample in samples]
        return self._run(_collated(samples), images, epoch, first + np.arange(len(samples)))

    def _check_what_stays(self, first: Element, extent: tuple[int, ...]) -> None:
        """What is as large as the images and beside them, a mask most likely, must not stay while they move."""
        head = _head(first)
        rest = first
        if isinstance(head, dict):
            rest = _with_head(first, {key: part for key, part in head.items() if key not in _SIZED})
        beside = [f"{path} of shape {list(part.shape)}" for path, part in leaves(rest)
                  if part is not images_of(first) and part.shape[: len(extent)] == extent]  # fmt: skip
        if not beside:
            return
        batch = _collated([first]) if self.samples else first
        sizes = np.tile(extent[-2:], (1 if self.samples else extent[0], 1))
        _, plan = self.program.plan(0, np.arange(len(sizes)), sizes, known=_known(_head(batch), self._format))
        if moving(plan):
            raise SourceError(
                f"{' and '.join(beside)}: as large as the images, and left where they are while those move. Masks move "
                "along in {'images': ..., 'segmentation_masks': ...}; of other pairs, augment the first and make the "
                "second of it"
            )

    def _run(self, element: Element, images: Any, epoch: int, ids: NDArray[np.int64]) -> Element:
        parts = [np.asarray(image, self.program.dtype) for image in images]
        if self.program.dtype == "float32" and epoch == 0 and ids[0] < LOOKED_AT:
            checked_range(_OWNER, parts, self.program.dtype, self._range)
        for image in parts:
            if image.ndim != 3 or image.shape[2] != self.program.channels:
                raise SourceError(
                    f"{_OWNER}: all images must be (height, width, {self.program.channels}). Received one of shape "
                    f"{list(image.shape)}. Convert it."
                )
        sizes = np.asarray([image.shape[:2] for image in parts])
        head = _head(element)
        _, plan = self.program.plan(epoch, ids, sizes, known=_known(head, self._format))
        out = self._carried(plan, parts, self.program.output_channels, self.program.output_dtype)
        if not isinstance(head, dict):
            return _with_head(element, out)
        return _with_head(element, {**head, **self._moved(head, plan, sizes), "images": out})

    def _moved(self, element: dict[str, Any], plan: Plan, sizes: NDArray[np.int64]) -> dict[str, Any]:
        """What belongs to the images and moves with them."""
        result: dict[str, Any] = {}
        if "segmentation_masks" in element:
            read = [targets.read_mask(mask, tuple(size), "the element") for mask, size in
                    zip(element["segmentation_masks"], sizes.tolist(), strict=True)]  # fmt: skip
            masked = targets.mask_plan(plan, read[0].shape[2], read[0].dtype.name)
            moved = self._carried(masked, read, read[0].shape[2], read[0].dtype.name)
            result["segmentation_masks"] = moved[..., 0] if np.ndim(element["segmentation_masks"][0]) == 2 else moved
        if "bounding_boxes" in element:
            result["bounding_boxes"] = self._boxes(element["bounding_boxes"], plan)
        if "keypoints" in element:
            result["keypoints"] = np.stack(targets.move_points(plan, list(element["keypoints"]), self._swaps))
        return result

    def _boxes(self, given: Any, plan: Plan) -> dict[str, NDArray[Any]]:
        """Keras's dense boxes, as many rows as came in; -1 marks those that are none."""
        boxes, names, real = _dense(given)
        moved, kept = targets.move_boxes(
            plan, [b[r] for b, r in zip(boxes, real, strict=True)], self._format, self._box_filter
        )
        left = [n[r][k] for n, r, k in zip(names, real, kept, strict=True)]
        dense = targets.pad_boxes(moved, left, boxes.shape[1])
        return {"boxes": dense["boxes"].astype(boxes.dtype), "labels": dense["labels"].astype(names.dtype)}

    def _carried(self, plan: Plan, images: Sequence[NDArray[Any]], channels: int, dtype: str) -> NDArray[Any]:
        shapes = {*zip(plan.extent.height.astype(int).tolist(), plan.extent.width.astype(int).tolist(), strict=True)}
        if len(shapes) > 1:
            raise SourceError(
                f"{_OWNER}: images of a batch must come out in one size. Received {sorted(shapes)}. End the list with "
                "Resizing."
            )
        out = self._buffers.take((len(images), *shapes.pop(), channels), dtype)
        sample = engines.prepare(self.program.engine, plan, np.ones((len(images), 2), np.int64))
        for index, image in enumerate(images):
            sample(index, image, out[index])
        return out


def images_of(element: Element) -> Any:
    """The images of an element.

    Raises:
        SourceError: It has none where they are looked for; the message is a piece.
    """
    head = _head(element)
    if isinstance(head, dict):
        if "images" not in head:
            raise SourceError(f"a dict with keys {sorted(head)}; augment= needs 'images' among them")
        return head["images"]
    if isinstance(head, tuple):
        raise SourceError(
            "inputs of several parts; augment= needs images alone in their place, or a dict of inputs with the key "
            "'images'"
        )
    return head


def _head(element: Element) -> Any:
    """What comes first: images, or a dict of them and what belongs to them."""
    return element[0] if isinstance(element, tuple) else element


def _with_head(element: Element, head: Any) -> Element:
    return (head, *element[1:]) if isinstance(element, tuple) else head


def _dense(given: Any) -> tuple[NDArray[Any], NDArray[Any], list[NDArray[np.int64]]]:
    """Keras's dense boxes `(batch, n, 4)`, their labels, and per sample which rows are boxes."""
    if not isinstance(given, Mapping) or not {"boxes", "labels"} <= {*given}:
        found = f"keys {sorted(given)}" if isinstance(given, Mapping) else type(given).__name__
        raise SourceError(f"bounding_boxes of {found}; augment= needs Keras's {{'boxes': (n, 4), 'labels': (n,)}}")
    boxes, names = np.asarray(given["boxes"]), np.asarray(given["labels"])
    boxes, names = (boxes[None], names[None]) if boxes.ndim == 2 else (boxes, names)
    return boxes, names, [np.flatnonzero(row >= 0) for row in names]


def _known(head: Any, box_format: str) -> Known:
    """The targets of a batch, for transforms that look at them."""
    if not isinstance(head, dict):
        return Known(Targets())
    rows = None
    if "bounding_boxes" in head:
        boxes, _, real = _dense(head["bounding_boxes"])
        rows = [row[keep] for row, keep in zip(boxes, real, strict=True)]
    return Known(Targets(masks=head.get("segmentation_masks"), boxes=rows), box_format)


def _collated(samples: Sequence[Element]) -> Element:
    """A batch of samples but for what has the size of its image, which stays a list."""
    head = _head(samples[0])
    columns = None
    if isinstance(head, dict):
        parts = {key: [_head(sample)[key] for sample in samples] for key in head}
        columns = {key: column if key in _SIZED else stacked(column) for key, column in parts.items()}
    rest = stacked([sample[1:] for sample in samples]) if isinstance(samples[0], tuple) else ()
    return (columns, *rest) if isinstance(samples[0], tuple) else columns


def counted(element: Element) -> int:
    """How many samples an element is."""
    return rows(element) or len(images_of(element))

"""Test-time augmentation: what a model says of several views of an image, undone and merged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from augline.errors import ArgumentError
from augline.sources.refusal import check_choice
from augline.targets import fits, from_xyxy, to_xyxy
from augline.transforms.base import Transform
from augline.transforms.compose import Sequential, evaluated
from augline.undo import Trace, trace

Kind = Literal["labels", "masks", "boxes", "points"]

_MERGES = {
    "labels": ("mean", "median", "max"),
    "masks": ("mean", "median", "max", "vote"),
    "points": ("mean", "median"),
    "boxes": ("mean",),
}
_SAME_BOX = 0.55  # intersection over union, as the paper has it


def tta(
    predict: Callable[[Any], Any], images: Any, transforms: Sequence[Transform], *, views: int = 4,
    kind: Kind = "labels", merge: str | None = None, seed: int = 0, fill: float = 0.0,
    bounding_box_format: str = "xyxy", swaps: Sequence[tuple[int, int]] = (), engine: str = "auto",
    value_range: tuple[float, float] | None = None,
) -> Any:  # fmt: skip
    """Predicts on several views of each image, and merges what comes back.

    The first view is that of evaluation: the list without its random part. The others draw, as epochs 1, 2, ... of the
    seed do. What was predicted is undone, view by view, and merged per image:

    | kind | `predict` gives | merged |
    |---|---|---|
    | "labels" | `(batch, ...)`, probabilities for example | "mean", "median" or "max" |
    | "masks" | `(batch, h, w)` or `(batch, h, w, c)` | over the views that saw a pixel: as labels; integers by "vote" |
    | "points" | one `(k, 2)` or `(k, 3)` per image | "mean" or "median" |
    | "boxes" | one `(n, 6)` per image: box, score, class | weighted boxes fusion (R. Solovyev et al., 2021) |

    Args:
        predict: A function of a batch of images as the list gives them, such as `model.predict`.
        images: See `augment`.
        transforms: The list, with what the model needs to see (`Resizing`, `Rescaling`) in it.
        views: How many.
        kind: What is predicted.
        merge: See above; by default "mean", and "vote" for masks of integers.
        seed: Another seed, other views.
        fill: For masks: what stands where no view saw anything.
        bounding_box_format: For boxes in and out.
        swaps: For points; see `Trace.undo_points`.
        engine: "auto", "opencv", "reference" or "tensorflow".
        value_range: Of float images; (0, 1) by default.

    Returns:
        As `predict` gives it, in the frames and sizes of the images as they were.

    Raises:
        ArgumentError: Something does not fit together, or a transform cannot be undone.

    Example:
        >>> import augline as al, numpy as np
        >>> images = np.random.default_rng(0).random((2, 40, 60, 3), "float32")
        >>> brightness = lambda batch: batch.mean(axis=-1)  # a model that gives a heat map
        >>> merged = al.tta(brightness, images, [al.RandomFlip()], kind="masks", seed=7)
        >>> bool(np.allclose(merged, brightness(images), atol=1e-6))
        True
    """
    check_choice("tta", "kind", kind, [*_MERGES])
    if merge is not None:
        check_choice(f"tta(kind={kind!r})", "merge", merge, _MERGES[kind])
    number: Any = views
    if not isinstance(number, (int, np.integer)) or isinstance(number, bool) or number < 1:
        raise ArgumentError(f"tta(views=...): views must be a whole number from 1. Received {views!r}. Write 4.")
    items = Sequential(transforms).transforms
    results, seen = [], []
    for view in range(views):
        part = items if view else evaluated(items)
        there = trace(images, part, seed=seed, epoch=view, engine=engine, value_range=value_range)
        prediction = predict(there.images)
        if kind == "masks":
            seen.append(there.seen())
        results.append(_undone(there, prediction, kind, bounding_box_format, swaps))
    rows = list(zip(*results, strict=True))
    if kind == "boxes":
        return [fused_boxes(row, bounding_box_format, len(image), image.shape[1])
                for row, image in zip(rows, images, strict=True)]  # fmt: skip
    if kind == "masks":
        merged = [_masks(row, saw, merge, fill) for row, saw in zip(rows, zip(*seen, strict=True), strict=True)]
    else:
        merged = [np.asarray(_MERGED[merge or "mean"](np.stack(row))) for row in rows]
    return np.stack(merged) if kind != "points" and len({m.shape for m in merged}) == 1 else merged


def fused_boxes(views: Sequence[NDArray[Any]], box_format: str, height: int, width: int) -> NDArray[np.float32]:
    """Boxes `(n, 6)` of several views as one list, best first: each the mean of those that overlap, by their scores.

    A box that few views found keeps that share of its score. One of which nothing lies in the image is none.
    """
    size = float(height), float(width)
    rows = np.concatenate([np.concatenate([to_xyxy(v[:, :4], box_format, size), v[:, 4:]], axis=1) for v in views])
    rows = rows[(rows[:, 2] > rows[:, 0]) & (rows[:, 3] > rows[:, 1])]
    groups: list[list[NDArray[Any]]] = []
    middles: list[NDArray[Any]] = []
    for row in rows[np.argsort(-rows[:, 4], kind="stable")]:
        overlaps = [_overlap(row, middle) if row[5] == middle[5] else 0.0 for middle in middles]
        best = int(np.argmax(overlaps)) if overlaps else -1
        if best < 0 or overlaps[best] <= _SAME_BOX:
            groups.append([row])
            middles.append(row)
        else:
            groups[best].append(row)
            middles[best] = np.average(groups[best], axis=0, weights=np.stack(groups[best])[:, 4] + 1e-9)
    fused = np.asarray(middles).reshape(-1, 6)
    fused[:, 4] = [sum(row[4] for row in group) / max(len(views), len(group)) for group in groups]
    fused[:, :4] = from_xyxy(fused[:, :4], box_format, size)
    return fused[np.argsort(-fused[:, 4], kind="stable")].astype(np.float32)


def _undone(
    there: Trace, prediction: Any, kind: Kind, box_format: str, swaps: Sequence[tuple[int, int]]
) -> Sequence[Any]:
    if kind == "masks":
        undone: Sequence[Any] = there.undo_masks(prediction)
        return undone
    if kind == "points":
        return there.undo_points(prediction, swaps)
    if kind == "labels":
        labels = np.asarray(prediction)
        if labels.ndim < 1 or len(labels) != len(there):
            raise ArgumentError(
                "tta(kind='labels'): predict must give one row per image. Received an array of shape "
                f"{labels.shape} for {len(there)} images. Keep the batch axis first."
            )
        return list(labels)
    rows = [np.asarray(row, np.float64) for row in prediction]
    if any(row.ndim != 2 or row.shape[1] != 6 for row in rows):
        raise ArgumentError(
            "tta(kind='boxes'): predict must give an array (n, 6) per image: four numbers of a box, score, class. "
            f"Received {[row.shape for row in rows][:3]}. Put them side by side; for no boxes give np.zeros((0, 6))."
        )
    boxes = there.undo_boxes([row[:, :4] for row in rows], box_format)
    return [np.concatenate([box, row[:, 4:]], axis=1) for box, row in zip(boxes, rows, strict=True)]


def _masks(rows: Sequence[NDArray[Any]], saw: Sequence[NDArray[Any]], merge: str | None, fill: float) -> NDArray[Any]:
    """The views' opinions of one image, each counting where it saw."""
    values, seen = np.stack(rows), np.stack(saw)
    seen = seen.reshape(*seen.shape, *(1 for _ in values.shape[3:]))
    whole = values.dtype.kind != "f"
    if not fits(fill, values.dtype):
        raise ArgumentError(
            f"tta(kind='masks', fill={fill!r}): fill must be one of the predictions' values. Received predictions of "
            f"{values.dtype}. Choose another fill, or convert the predictions."
        )
    if whole != (merge in (None, "vote")) and (whole or merge is not None):
        fix = "Write merge='vote'" if whole else "Write merge='mean'"
        raise ArgumentError(
            f"tta(kind='masks', merge={merge!r}): labels are voted on, and numbers averaged. Received predictions of "
            f"{values.dtype}. {fix}."
        )
    if whole:
        names = np.unique(values)
        votes = np.stack([((values == name) & seen).sum(axis=0) for name in names])
        result = names[votes.argmax(axis=0)]
    else:
        result = _MERGED[merge or "mean"](np.ma.masked_array(values, np.broadcast_to(~seen, values.shape)))
        result = np.ma.filled(result, fill)
    return np.asarray(np.where(seen.any(axis=0), result, fill)).astype(values.dtype)


def _median(rows: Any) -> Any:
    median: Any = np.ma.median
    return median(rows, axis=0)


_MERGED: dict[str, Callable[[Any], Any]] = {
    "mean": lambda rows: rows.mean(axis=0),
    "median": _median,
    "max": lambda rows: rows.max(axis=0),
}


def _overlap(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Intersection over union of two boxes (left, top, right, bottom, ...)."""
    sides = np.minimum(a[2:4], b[2:4]) - np.maximum(a[:2], b[:2])
    common = float(np.prod(np.clip(sides, 0, None)))
    union = float(np.prod(a[2:4] - a[:2]) + np.prod(b[2:4] - b[:2])) - common
    return common / union if union > 0 else 0.0

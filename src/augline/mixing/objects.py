"""Boxes of samples that are mixed, with their labels and, where they are known, the outlines of what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline import targets
from augline.box_filter import BoxFilter
from augline.mixing.first_masks import FirstMasks
from augline.plan import Plan
from augline.plan.mix import Mix
from augline.sources.boxes import from_xyxy, to_xyxy, unit
from augline.sources.holes import left_of_pixels, left_over
from augline.sources.polygons import Polygon, paint, tight_boxes, within, without
from augline.sources.targets import Targets, by_sample


@dataclass(frozen=True, slots=True)
class Objects:
    """The boxes of one image, or of one frame of a video: left, top, right, bottom in pixels.

    Attributes:
        boxes: `(n, 4)`.
        labels: `(n,)`.
        shares: `(n,)`: how much of each object they are of; the rest is cut off or hidden.
        outlines: One per box, or None.
    """

    boxes: NDArray[np.float64]
    labels: NDArray[Any]
    shares: NDArray[np.float64]
    outlines: Sequence[Polygon] | None = None


def through(
    plan: Plan, objects: Sequence[Objects], box_filter: BoxFilter, form: str = "xyxy", lead: tuple[int, ...] = ()
) -> list[Objects]:
    """What a plan leaves of objects, whose boxes and outlines are written in one of Keras's formats."""
    outlines = _outlines(objects)
    boxes = [item.boxes.astype(np.float32) for item in objects]
    (frames,), given = lead or (1,), [item.shares for item in objects]
    moved, kept, shares = targets.move_shares(plan, boxes, form, box_filter, outlines, frames, given)
    after = None if outlines is None else targets.move_polygons(plan, outlines, kept, form, *lead)
    result = []
    for number, (rows, keep) in enumerate(zip(moved, kept, strict=True)):
        index = number // (*lead, 1)[0]
        size = float(plan.extent.height[index]), float(plan.extent.width[index])
        scaled = None if after is None else [part * unit(form, size)[:2] for part in after[number]]
        boxes_of = to_xyxy(rows.astype(np.float64), form, size)
        result.append(Objects(boxes_of, objects[number].labels[keep], shares[number], scaled))
    return result


def gathered(
    mix: Mix,
    objects: Sequence[Objects],
    box_filter: BoxFilter,
    lead: tuple[int, ...] = (),
    masks: FirstMasks | None = None,
) -> list[Objects]:
    """What shows of the objects of samples and their partners; the frames of a video follow one another.

    Args:
        mix: How they are mixed.
        objects: Of the rows below.
        box_filter: Which boxes stay.
        lead: (time,) of videos.
        masks: Of the rows below, which say where partners show if that is only where their objects are.
    """
    count, frames = mix.shares.shape[1], (*lead, 1)[0]
    masks, result = masks if mix.objects else None, []
    for row in range(len(mix.shares)):
        used = np.flatnonzero(mix.used[row]).tolist()
        hidden = None if masks is None or used == [0] else masks.solid(row * count + used[-1])
        for frame in range(frames):
            below = {k: objects[(row * count + k) * frames + frame] for k in used}
            shown = {k: _shown(mix, row, k, item, box_filter) for k, item in below.items()}
            if hidden is not None:
                shown[0] = _uncovered(shown[0], hidden[frame] if lead else hidden, box_filter)
            result.append(_together([*shown.values()]))
    return result


def as_columns(objects: Sequence[Objects], lead: tuple[int, ...]) -> Targets:
    """Objects as the targets of samples, for transforms that look at them."""
    boxes, outlines = [item.boxes.astype(np.float32) for item in objects], _outlines(objects)
    return Targets(boxes=by_sample(boxes, lead), polygons=by_sample(outlines, lead))


def written(
    objects: Sequence[Objects], form: str, size: tuple[int, int], most: int, lead: tuple[int, ...] = ()
) -> dict[str, NDArray[Any]]:
    """Boxes and labels in Keras's dense form; those of videos frame by frame."""
    image = float(size[0]), float(size[1])
    rows = [from_xyxy(item.boxes, form, image).astype(np.float32) for item in objects]
    dense = targets.pad_boxes(rows, [item.labels for item in objects], most)
    samples = len(objects) // (*lead, 1)[0]
    return {name: column.reshape(samples, *lead, *column.shape[1:]) for name, column in dense.items()}


def _shown(mix: Mix, row: int, k: int, objects: Objects, box_filter: BoxFilter) -> Objects:
    """What shows of the objects of one of the images."""
    top, left, bottom, right = mix.boxes[row, k].tolist()
    down, across = mix.shifts[row, k].tolist()
    placed = objects.boxes + np.asarray((across, down, across, down))
    covers = mix.covers(np)
    over = covers[row, [*mix.over(k)]].reshape(-1, 4)[:, [1, 0, 3, 2]].astype(np.float64)
    if objects.outlines is None:
        outlines, shown = None, np.clip(placed, [left, top] * 2, [right, bottom] * 2)
    else:
        shift = np.asarray((across, down))
        outlines = without(within([one + shift for one in objects.outlines], (left, top, right, bottom)), over)
        shown = np.nan_to_num(tight_boxes(outlines).astype(np.float64))
    ((rest,), (bare,)) = left_over(np, shown[None], over[None])
    seen = rest if outlines is None else shown
    return _left(seen, objects, box_filter.shares(np, seen, placed, bare, objects.shares), outlines)


def _uncovered(objects: Objects, hidden: NDArray[np.bool_], box_filter: BoxFilter) -> Objects:
    """What of objects shows beside the pixels that are hidden, `(height, width)`."""
    outlines, boxes = objects.outlines, objects.boxes
    if outlines is not None:
        outlines = [_beside(np.asarray(outline, np.float64), hidden) for outline in outlines]
        boxes = np.nan_to_num(tight_boxes(outlines).astype(np.float64)).reshape(-1, 4)
    ((rest,), (bare,)) = left_of_pixels(np, boxes[None], hidden[None])
    seen = rest if outlines is None else boxes
    return _left(seen, objects, box_filter.shares(np, seen, objects.boxes, bare, objects.shares), outlines)


def _left(
    seen: NDArray[np.float64], objects: Objects, shares: NDArray[np.float64], outlines: Sequence[Polygon] | None
) -> Objects:
    """Those of which a share is left."""
    keep = np.flatnonzero(shares)
    outlines = None if outlines is None else [outlines[n] for n in keep.tolist()]
    return Objects(seen[keep], objects.labels[keep], shares[keep], outlines)


def _beside(outline: NDArray[np.float64], hidden: NDArray[np.bool_]) -> NDArray[np.float64]:
    """What of an outline lies in the box of its pixels that show; one row of NaN if none does."""
    own = np.zeros(hidden.shape, bool)
    paint(own, outline, 1)
    if not (own & hidden).any():
        return outline
    rows, columns = np.nonzero(own & ~hidden)
    if not len(rows):
        return np.full((1, 2), np.nan)
    return within([outline], (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))[0]


def _together(parts: Sequence[Objects]) -> Objects:
    outlines = None if parts[0].outlines is None else [one for part in parts for one in part.outlines or ()]
    boxes, labels, shares = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("boxes", "labels", "shares")
    )
    return Objects(boxes, labels, shares, outlines)


def _outlines(objects: Sequence[Objects]) -> list[Sequence[Polygon]] | None:
    rows = [item.outlines for item in objects]
    return None if any(row is None for row in rows) else [row or [] for row in rows]

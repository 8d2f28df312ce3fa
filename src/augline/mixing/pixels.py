"""One image of several, sample by sample: what `engines/portable/mix.py` does for a whole batch at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from augline.plan.mix import Mix

Arrays: TypeAlias = dict[str, NDArray[Any]]


class Part(NamedTuple):
    """What one sample brings to a mixing, or what comes out of it.

    Attributes:
        images: By name, `([time, ]height, width, channels)`, all of one shape.
        masks: By name.
        points: `([time, ]k, 3)` x, y and visibility, or None.
        counts: `(k,)` bool: which places of the points are taken.
    """

    images: Arrays
    masks: Arrays
    points: NDArray[np.float32] | None = None
    counts: NDArray[np.bool_] | None = None


class _Piece(NamedTuple):
    """A part of one image that shows: number, opacity, place in the result and in the image, which of its pixels."""

    number: int
    opacity: float
    here: Any
    there: Any
    shows: Any


def mixed(mix: Mix, row: int, parts: Sequence[Part | None], value_range: tuple[float, float]) -> tuple[Arrays, Arrays]:
    """The images and masks of a sample and its partners; a part that does not show may be None."""
    first = next(part for part in parts if part is not None)
    images = {name: [part and part.images[name] for part in parts] for name in first.images}
    masks = {name: [part and part.masks[name] for part in parts] for name in first.masks}
    low, high = value_range
    fill = low + mix.fill * (high - low)
    pieces, size = _pieces(mix, row, parts), (int(mix.extent.height[row]), int(mix.extent.width[row]))
    return (
        {name: _pasted(pieces, rows, size, fill) for name, rows in images.items()},
        {name: _pasted([_decided(piece) for piece in pieces], rows, size, 0) for name, rows in masks.items()},
    )


def opaque(part: Part) -> NDArray[np.bool_]:
    """`([time, ]height, width)`: the pixels of objects, as the first of the masks says."""
    return np.asarray(next(iter(part.masks.values())).any(axis=-1))


def _pieces(mix: Mix, row: int, parts: Sequence[Part | None]) -> list[_Piece]:
    pieces = []
    for k, part in enumerate(parts):
        top, left, bottom, right = mix.boxes[row, k].tolist()
        if part is None or top >= bottom or left >= right:
            continue
        down, across = mix.shifts[row, k].tolist()
        here = ..., slice(top, bottom), slice(left, right), slice(None)
        there = ..., slice(top - down, bottom - down), slice(left - across, right - across), slice(None)
        shows = opaque(part)[there[:-1]] if mix.objects and k else ...
        pieces.append(_Piece(k, 1.0 if mix.opacity is None else float(mix.opacity[row, k]), here, there, shows))
    return pieces


def _decided(piece: _Piece) -> _Piece:
    """A mask is that of the image that weighs more."""
    return piece._replace(opacity=float(piece.opacity > 0.5))


def _pasted(
    pieces: Sequence[_Piece], arrays: Sequence[NDArray[Any] | None], size: tuple[int, int], fill: float
) -> NDArray[Any]:
    like = next(array for array in arrays if array is not None)
    result = np.full((*like.shape[:-3], *size, like.shape[-1]), fill).astype(like.dtype)
    for number, opacity, here, there, shows in pieces:
        array = arrays[number]
        assert array is not None
        over, under = array[there][shows], result[here][shows]
        result[here][shows] = over if opacity == 1 else _blended(under, over, np.float32(opacity))
    return result


def _blended(under: NDArray[Any], over: NDArray[Any], opacity: np.float32) -> NDArray[Any]:
    total = under * (1 - opacity) + over * opacity
    return np.asarray(np.rint(total) if under.dtype.kind in "ui" else total, under.dtype)

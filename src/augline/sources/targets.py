"""What belongs to the images: columns over the whole data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

BOX_FORMATS = (
    "xyxy", "rel_xyxy", "xywh", "rel_xywh", "center_xywh", "rel_center_xywh", "center_yxhw", "yxyx", "rel_yxyx",
)  # fmt: skip
"""Keras's names for the ways to write a bounding box."""


@dataclass(frozen=True)
class Targets:
    """The targets of a data set; each column is None where the data set has none.

    >>> Targets(labels=np.array([5, 6, 7])).take([2, 0])
    {'labels': array([7, 5])}
    """

    labels: NDArray[Any] | None = None
    """(N,) or (N, ...): class indices, numbers, or rows; see `one_hot`."""
    weights: NDArray[np.float32] | None = None
    """(N,)."""
    masks: Mapping[str, Sequence[Any]] | Sequence[Any] | NDArray[Any] | None = None
    """(N, height, width[, channels]), or N paths or arrays; or several such by name."""
    boxes: Sequence[NDArray[np.float32]] | None = None
    """N arrays (n, 4), in the source's `bounding_box_format`; of videos N lists with such an array per frame, as for
    `box_labels` and `polygons`."""
    box_labels: Sequence[NDArray[Any]] | None = None
    """N arrays (n,)."""
    keypoints: Sequence[NDArray[np.float32]] | None = None
    """N arrays (k, 2) or (k, 3): x, y and visibility."""
    polygons: Sequence[Sequence[NDArray[Any]]] | None = None
    """N lists of outlines (n, 2), one per box; in pixels between pixel edges, or relative where the boxes are."""
    keypoint_swaps: tuple[tuple[int, int], ...] = ()
    """Pairs of keypoints, by number, that change places in a mirrored image: left eye and right eye."""
    one_hot: int = 0
    """With a number of classes here, `labels` are indices that `take` makes into float32 rows of that width."""

    def take(self, indices: Sequence[int] | NDArray[np.integer[Any]]) -> dict[str, Any]:
        """The targets of some samples, only what is present: labels and weights stacked, the others as lists."""
        rows = np.asarray(indices, np.int64)
        taken: dict[str, Any] = {}
        if self.labels is not None:
            labels = self.labels[rows]
            taken["labels"] = _one_hot(labels, self.one_hot) if self.one_hot else labels
        if self.weights is not None:
            taken["weights"] = self.weights[rows]
        for name in _LISTS:
            column = getattr(self, name)
            if isinstance(column, Mapping):
                taken[name] = {key: [part[row] for row in rows.tolist()] for key, part in column.items()}
            elif column is not None:
                taken[name] = [column[row] for row in rows.tolist()]
        return taken

    def mask(self, row: int, name: str = "") -> Any:
        """The mask of one sample; that of a name where they have names."""
        assert self.masks is not None
        return (self.masks[name] if isinstance(self.masks, Mapping) else self.masks)[row]

    def select(self, indices: NDArray[np.int64]) -> Targets:
        """The targets of a subset; masks, boxes and points are not copied."""
        rows: dict[str, Any] = {
            name: column[indices] for name in _ARRAYS if (column := getattr(self, name)) is not None
        }
        for name in _LISTS:
            column = getattr(self, name)
            if isinstance(column, Mapping):
                rows[name] = {key: _Rows(part, indices) for key, part in column.items()}
            elif column is not None:
                rows[name] = _Rows(column, indices)
        return replace(self, **rows)

    @property
    def label_spec(self) -> tuple[tuple[int, ...], np.dtype[Any]] | None:
        """Shape and dtype of one sample's label as `take` gives it, or None without labels."""
        if self.labels is None:
            return None
        return ((self.one_hot,), np.dtype(np.float32)) if self.one_hot else (self.labels.shape[1:], self.labels.dtype)

    @property
    def class_indices(self) -> NDArray[np.int64] | None:
        """(N,) class of each sample, also of one-hot rows and of binary columns; None where labels are no classes."""
        labels = self.labels
        if labels is None or labels.ndim > 2:
            return None
        if labels.ndim == 1:
            return labels.astype(np.int64) if labels.dtype.kind in "iu" else None
        if not np.isin(labels, (0, 1)).all():
            return None
        if labels.shape[1] == 1:
            return labels[:, 0].astype(np.int64)
        return labels.argmax(axis=1).astype(np.int64) if (labels.sum(axis=1) == 1).all() else None


def _one_hot(indices: NDArray[Any], classes: int) -> NDArray[np.float32]:
    rows = np.zeros((len(indices), classes), np.float32)
    rows[np.arange(len(indices)), indices] = 1
    return rows


_ARRAYS = ("labels", "weights")
_LISTS = ("masks", "boxes", "box_labels", "keypoints", "polygons")


class _Rows(Sequence[Any]):
    """Some rows of a sequence, in an order, without a copy."""

    def __init__(self, rows: Sequence[Any], indices: NDArray[np.int64]) -> None:
        self._rows, self._indices = rows, indices

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: Any) -> Any:
        return self._rows[int(self._indices[index])]


def by_frame(column: Any, lead: tuple[int, ...]) -> Any:
    """The entries of all frames one after the other, where samples are videos; else the column as it is.

    >>> by_frame([["a", "b"], ["c", "d"]], lead=(2,))
    ['a', 'b', 'c', 'd']
    """
    return [frame for row in column for frame in row] if lead else column


def by_sample(column: Any, lead: tuple[int, ...]) -> Any:
    """The inverse of `by_frame`."""
    if not lead or column is None:
        return column
    return [column[at : at + lead[0]] for at in range(0, len(column), lead[0])]

"""Batches as the replicas of a strategy take them: in parts, and of a length that does not change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from augline.errors import ArgumentError
from augline.feed.class_weights import weighed
from augline.fields import Field, Fields

if TYPE_CHECKING:
    from augline.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Parts:
    """How this host's slice of a batch is divided.

    Part g of n, over all hosts, has rows whole * g // n to whole * (g + 1) // n of the batch.

    Args:
        pipe: Whose batches.
        count: Parts of this host: one per replica, or one for all.
        rows: The length to which each part is filled, with rows of weight 0; None to leave them as they are.
        weights: Of the classes, by number; none for batches as they are.
    """

    pipe: Pipeline
    count: int = 1
    rows: int | None = None
    weights: tuple[float, ...] = ()

    def padded(self, replicas: int = 1) -> Parts:
        """The same, with all parts as long as that of a whole batch, and so that they divide among replicas."""
        share = -(-min(self.pipe.batch_size, len(self.pipe.source)) // (self.pipe.shard[1] * self.count))
        return replace(self, rows=-(-share // replicas) * replicas)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Any]:
        """The batches of an epoch from a step on, whole."""
        batches = self.pipe.epoch(epoch, start)
        return map(self._weighed, batches) if self.weights else batches

    def batch(self, epoch: int, step: int) -> Any:
        """That batch, whole."""
        batch = self.pipe.batch(epoch, step)
        return self._weighed(batch) if self.weights else batch

    def of(self, batch: Any, step: int, part: int, replicas: int = 1) -> Any:
        """A part of a batch; where it is filled, so that it divides among replicas."""
        if self.count == 1 and self.rows is None:
            return batch
        columns, size = self._columns(batch), self.pipe.batch_size
        if self.count > 1:
            low, high = self._edges(min(size, len(self.pipe.source) - step * size), part)
            columns = _each(lambda rows: rows[low:high], columns)
        rows = self.rows and -(-self.rows // replicas) * replicas
        return self.pipe.batches.packed(columns if rows is None else self._filled(columns, rows))

    def fields(self) -> Fields:
        """What a part holds, by name.

        Raises:
            ArgumentError: That cannot be said, as keypoints differ in number.
        """
        found = self.pipe.batches.fields()
        if found.get("keypoints", ...) is None:
            raise ArgumentError(
                f"Pipeline({self.pipe.source!r}).to_tf(): all images must have equally many keypoints, for a tensor "
                "has one shape. Received different numbers. Pad them with points of visibility 0."
            )
        weighs = self.weights or self.rows is not None
        return {**found, "weights": found.get("weights", Field((), "float32"))} if weighs else found

    def sizes(self) -> set[int]:
        """How many rows of the source parts have: of whole batches, and of the last."""
        edges = [self._edges(whole, part) for whole in self._wholes() for part in range(self.count)]
        return {high - low for low, high in edges}

    def divide(self) -> bool:
        """Whether all parts of a batch, on all hosts, have as many rows."""
        return not any(whole % (self.pipe.shard[1] * self.count) for whole in self._wholes())

    def _columns(self, batch: Any) -> dict[str, Any]:
        """What a batch holds, by name; weights of classes come last."""
        if isinstance(batch, dict):
            return batch
        parts, names = batch if isinstance(batch, tuple) else (batch,), [*self.pipe.batches.fields(), "weights"]
        return dict(zip(names[: len(parts)], parts, strict=True))

    def _weighed(self, batch: Any) -> Any:
        return self.pipe.batches.packed(weighed(np, self.weights, self._columns(batch)))

    def _wholes(self) -> set[int]:
        """Rows of batches, over all hosts: of whole ones, and of the last."""
        size, samples = self.pipe.batch_size, len(self.pipe.source)
        last = len(self.pipe) - 1
        return {min(size, samples), min(size, samples - last * size)}

    def _edges(self, whole: int, part: int) -> tuple[int, int]:
        """Of a part, within this host's slice of a batch of `whole` rows."""
        host, hosts = self.pipe.shard
        first, parts = host * self.count, hosts * self.count
        start, _ = share(whole, first, parts)
        low, high = share(whole, first + part, parts)
        return low - start, high - start

    def _filled(self, columns: dict[str, Any], rows: int) -> dict[str, Any]:
        """Rows of the part stand in for those that are missing: what a normalisation sees of them is alike."""
        count = len(columns["images"])
        weights = columns.get("weights", np.ones(count, np.float32))
        columns = {**columns, "weights": weights}
        if count == rows:
            return columns
        more = np.arange(rows - count) % max(count, 1)
        columns = _each(lambda column: _longer(column, column[more] if count else None, rows), columns)
        columns["weights"][count:] = 0
        return columns


def share(whole: Any, part: Any, parts: int) -> tuple[Any, Any]:
    """The first row of a part of `whole` rows, and one past the last: numbers, or those of a graph.

    >>> [share(10, part, 4) for part in range(4)]
    [(0, 2), (2, 5), (5, 7), (7, 10)]
    """
    return whole * part // parts, whole * (part + 1) // parts


def _longer(column: NDArray[Any], more: NDArray[Any] | None, rows: int) -> NDArray[Any]:
    if more is None:
        return np.zeros((rows, *column.shape[1:]), column.dtype)
    return np.concatenate([column, more])


def _each(function: Any, columns: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _each(function, column) if isinstance(column, Mapping) else function(column)
        for name, column in columns.items()
    }

"""Comparing batches, structures and iterators."""

from __future__ import annotations

from itertools import islice
from typing import Any

import cv2
import numpy as np

OPENCV_5 = int(cv2.__version__.split(".")[0]) >= 5


def flat(batch: Any) -> list[np.ndarray]:
    """The arrays of a batch, in order."""
    if isinstance(batch, (tuple, list)):
        return [array for part in batch for array in flat(part)]
    return [np.asarray(batch)]


def structure(batch: Any) -> Any:
    """What a batch is made of: tuples, lists, shapes and types."""
    if isinstance(batch, (tuple, list)):
        return type(batch)(structure(part) for part in batch)
    return batch.shape, str(batch.dtype)


def assert_alike(ours: Any, theirs: Any, most: float = 1e-3) -> None:
    """The same structure, the same targets, images within `most`."""
    assert structure(ours) == structure(theirs)
    first, *rest = zip(flat(ours), flat(theirs), strict=True)
    np.testing.assert_allclose(first[0], first[1], atol=most, rtol=0)
    for mine, other in rest:
        np.testing.assert_allclose(
            mine, other, atol=most, rtol=0
        ) if mine.dtype.kind == "f" else np.testing.assert_array_equal(mine, other)


def assert_same_run(ours: Any, theirs: Any, batches: int = 7, most: float = 1e-3) -> None:
    """The next batches are alike, and so is what the iterators say of themselves."""
    for mine, other in zip(islice(ours, batches), islice(theirs, batches), strict=True):
        assert_alike(mine, other, most)
        assert (ours.total_batches_seen, ours.batch_index) == (theirs.total_batches_seen, theirs.batch_index)
        np.testing.assert_array_equal(ours.index_array, theirs.index_array)


def gap(ours: Any, theirs: Any, batches: int, unit: float = 1.0) -> tuple[float, float]:
    """(largest, mean) difference of the images of the next batches, in 255ths."""
    pairs = [(flat(next(ours))[0], flat(next(theirs))[0]) for _ in range(batches)]
    differences = np.concatenate([np.abs(a - b).ravel() for a, b in pairs]) * (255 / unit)
    return float(differences.max()), float(differences.mean())

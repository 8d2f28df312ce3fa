"""Weights by class, which Keras's `fit(class_weight=...)` refuses beside weights of samples, padding included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from augline.arrays import Array, Namespace
from augline.errors import ArgumentError
from augline.settings import whole
from augline.sources import Source
from augline.sources.refusal import refusal

_FIX = "Write class_weight={0: 1.0, 1: 5.0}, from the class's number to its weight."


def class_weights(owner: str, source: Source, given: object) -> tuple[float, ...]:
    """The weight of each class by its number, 1 where none is given; nothing where no weights are.

    Raises:
        ArgumentError: They are no such weights, or labels are no classes.
    """
    if given is None:
        return ()
    owner = f"{owner}(class_weight=...)"
    pairs = dict(given) if isinstance(given, Mapping) else {}
    if not pairs:
        raise refusal(ArgumentError, owner, "it must say the weights of classes", repr(given), _FIX)
    classes = _classes(owner, source)
    for number, weight in pairs.items():
        if not (whole(number, 0) and _is_weight(weight)):
            rule = "classes must be whole numbers from 0, and weights numbers from 0"
            raise refusal(ArgumentError, owner, rule, f"{number!r}: {weight!r}", _FIX)
        if source.class_names is not None and number >= len(source.class_names):
            rule = f"there are the classes 0 to {len(source.class_names) - 1}"
            raise refusal(ArgumentError, owner, rule, f"{number!r}: {weight!r}", "Count from 0.")
    return tuple(float(pairs.get(number, 1.0)) for number in range(max(classes, *pairs) + 1))


def weighed(xp: Namespace, weights: tuple[float, ...], columns: dict[str, Array]) -> dict[str, Array]:
    """The columns of a batch with the weights of their labels' classes, of mixed labels that with the largest share."""
    labels = columns["labels"]
    if len(labels.shape) > 1:
        labels = xp.argmax(labels, axis=-1) if labels.shape[-1] > 1 else labels[:, 0]
    table = xp.asarray(np.asarray(weights, np.float32))
    found = xp.take(table, xp.astype(xp.round(labels), xp.int64))
    return {**columns, "weights": columns["weights"] * found if "weights" in columns else found}


def _is_weight(value: Any) -> bool:
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    return number and bool(np.isfinite(value)) and value >= 0


def _classes(owner: str, source: Source) -> int:
    """The largest number of a class; labels must be classes, or shares of them."""
    targets, rule = source.targets, "labels must be classes, by number or one-hot"
    labels, fix = targets.labels, "Give weights to the samples: weights= of the source."
    if labels is None:
        raise refusal(ArgumentError, owner, rule, f"{source!r} without labels", fix)
    rows = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if rows.ndim == 1 and np.issubdtype(rows.dtype, np.number) and (rows == np.round(rows)).all() and rows.min() >= 0:
        return max(int(rows.max()), targets.one_hot - 1)
    if rows.ndim == 2 and np.allclose(rows.sum(axis=1), 1, atol=1e-3):
        return int(rows.shape[1]) - 1
    raise refusal(ArgumentError, owner, rule, f"{labels.dtype} labels {labels.shape} of other kinds", fix)

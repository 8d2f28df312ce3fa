"""Labels to numbers: one vocabulary for the whole data set, in one place for every source."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from augline.errors import ArgumentError
from augline.sources.refusal import check_choice, nearest, refusal, shown

ClassNames: TypeAlias = tuple[str, ...] | None

LABEL_MODES = ("int", "categorical", "binary", None)
"""Keras's names: class indices, one-hot rows, one column of zeros and ones, no labels."""


def encode(owner: str, labels: Any, class_names: Sequence[Any] | None) -> tuple[NDArray[Any], ClassNames]:
    """Labels of any kind as one array with a leading axis of samples, and the class names where there are any.

    Strings become indices into `class_names`, or into the sorted strings where none are given. Integers are class
    indices already and stay what they are (a part of a data set may lack a class, and renumbering would then move the
    others); `class_names` names them. Floats and arrays of more axes stay, floats as float32.

    >>> encode("Files", ["dog", "cat", "dog"], None)
    (array([1, 0, 1], dtype=int32), ('cat', 'dog'))
    """
    if isinstance(labels, list) and {*map(type, labels)} == {str}:
        return vocabulary(owner, labels, class_names)
    array = _array(owner, labels)
    if array.dtype.kind in "US":
        if array.ndim != 1:
            rule = "labels of strings must be one per image"
            raise refusal(ArgumentError, owner, rule, f"shape {array.shape}", "Pass numbers, or one string each.")
        return vocabulary(owner, array.astype(str).tolist(), class_names)
    names = None if class_names is None else tuple(str(name) for name in class_names)
    if array.dtype.kind in "bui":
        array = _narrow(array)
        if names is not None and array.ndim == 1:
            _check_indices(owner, array, names)
    elif array.dtype.kind == "f":
        array = np.asarray(array, np.float32)
        _check_finite(owner, array)
    return array, names


def _array(owner: str, labels: Any) -> NDArray[Any]:
    try:
        array = np.asarray(labels)
    except ValueError as error:
        fix = "Pass rows of one length, or Table(task='multilabel') for sets of labels."
        raise refusal(ArgumentError, owner, "labels must have one shape", "rows of several lengths", fix) from error
    if array.dtype.kind == "O":
        array = _of_one_type(owner, array)
    if array.dtype.kind not in "USbuif" or array.ndim == 0:
        rule = "labels must be numbers or strings, one per image"
        received = f"{type(labels).__name__} of {array.dtype} with {array.ndim} axes"
        raise refusal(ArgumentError, owner, rule, received, "Convert them first.")
    return array


def _of_one_type(owner: str, array: NDArray[Any]) -> NDArray[Any]:
    """Python objects, all strings or all numbers, as such; pandas has columns of them."""
    values = array.ravel().tolist()
    if empty := [row for row, value in enumerate(values) if missing(value)]:
        rule, fix = "there must be a label for every image", "Fill or remove those samples."
        raise refusal(ArgumentError, owner, rule, f"none at {shown(empty)}", fix)
    if all(isinstance(value, str) for value in values):
        return array.astype(str)
    numbers = all(isinstance(value, (bool, int, float, np.number, np.bool_)) for value in values)
    return np.asarray(array.tolist()) if numbers else array


def missing(value: Any) -> bool:
    """Whether a table means nothing by it: None, NaN, and what pandas has for them."""
    # pandas.NA answers a comparison with itself, so it is told by its type's name.
    return (
        value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)
    )


def _narrow(array: NDArray[Any]) -> NDArray[Any]:
    """Integers as int32, Keras's type for class indices, unless a value needs more."""
    top = np.iinfo(np.int32)
    fits = array.size == 0 or (int(array.min()) >= top.min and int(array.max()) <= top.max)
    return array.astype(np.int32 if fits else np.int64, copy=False)


def _check_indices(owner: str, indices: NDArray[Any], names: Sequence[str]) -> None:
    outside = np.flatnonzero((indices < 0) | (indices >= len(names)))
    if outside.size:
        rule = f"labels must be indices into the {len(names)} class_names"
        received = f"{shown(indices[outside].tolist())} (first at sample {outside[0]})"
        raise refusal(
            ArgumentError, owner, rule, received, f"Use 0 to {len(names) - 1}, or pass the labels as strings."
        )


def _check_finite(owner: str, values: NDArray[Any]) -> None:
    bad = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))
    if bad.size:
        received = f"NaN or infinity at {shown(bad.tolist())}"
        raise refusal(ArgumentError, owner, "labels must be finite", received, "Fill or remove those samples.")


def vocabulary(
    owner: str, labels: Sequence[str], class_names: Sequence[Any] | None
) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Strings to indices into `class_names`, or into the sorted distinct strings.

    >>> vocabulary("Files", ["b", "a"], ["b", "a"])
    (array([0, 1], dtype=int32), ('b', 'a'))
    """
    names = vocabulary_names(owner, labels, class_names)
    index = {name: i for i, name in enumerate(names)}
    return np.fromiter(map(index.__getitem__, labels), np.int32, len(labels)), names


def vocabulary_names(owner: str, labels: Iterable[str], class_names: Sequence[Any] | None) -> tuple[str, ...]:
    """The class names in order, after checking that every label is one of them."""
    found = set(labels)
    if class_names is None:
        return tuple(sorted(found))
    names = checked_names(owner, class_names)
    if unknown := sorted(found - set(names)):
        fix = f"{nearest(unknown[0], names)}Add it to class_names, or correct the labels."
        raise refusal(
            ArgumentError, owner, f"every label must be in class_names ({shown(names, 8)})", shown(unknown), fix
        )
    return names


def checked_names(owner: str, class_names: Sequence[Any]) -> tuple[str, ...]:
    """Class names as strings, each once."""
    if isinstance(class_names, str):
        fix = f"Path({class_names!r}).read_text().splitlines()" if os.path.isfile(class_names) else f"[{class_names!r}]"  # noqa: PTH113
        raise refusal(ArgumentError, owner, "class_names must be a list", repr(class_names), f"Pass {fix}.")
    names = tuple(str(name) for name in class_names)
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise refusal(ArgumentError, owner, "class_names must differ", f"{shown(twice)} twice", "Name each class once.")
    return names


def multi_hot(
    owner: str, rows: Sequence[Collection[str]], class_names: Sequence[Any] | None
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Sets of labels as rows of zeros and ones, float32 as Keras's losses want them.

    >>> multi_hot("Table", [{"a", "c"}, set()], ["a", "b", "c"])[0].tolist()
    [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    """
    names = vocabulary_names(owner, (label for row in rows for label in row), class_names)
    index = {name: i for i, name in enumerate(names)}
    result = np.zeros((len(rows), len(names)), np.float32)
    counts = np.fromiter(map(len, rows), np.int64, len(rows))
    columns = np.fromiter((index[label] for row in rows for label in row), np.int64, int(counts.sum()))
    result[np.repeat(np.arange(len(rows)), counts), columns] = 1
    return result, names


def in_mode(owner: str, indices: NDArray[np.int32], classes: int, label_mode: str | None) -> tuple[NDArray[Any], int]:
    """Class indices as Keras's `label_mode` wants them: the stored column, and the width of one-hot rows or 0.

    One-hot rows are made per batch (`Targets.take`): for ImageNet, the whole table would be 5 GB.
    """
    check_choice(owner, "label_mode", label_mode, LABEL_MODES)
    if label_mode == "categorical":
        return indices, classes
    if label_mode == "binary":
        if classes != 2:
            fix = "Use label_mode='int' or 'categorical', or name two classes in class_names."
            raise refusal(
                ArgumentError, owner, "label_mode='binary' needs exactly 2 classes", f"{classes} classes", fix
            )
        return indices.astype(np.float32)[:, None], 0
    return indices, 0

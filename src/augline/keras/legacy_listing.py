"""Which files a folder or a dataframe names, and their classes, as Keras finds them."""

# Keras's names are strings joined by os.path, and they are compared with them: no Path objects here.
# ruff: noqa: PTH112, PTH113, PTH118, PTH119, PTH208
from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from augline.errors import ArgumentError

Split = tuple[float, float] | None


class ColumnTypeError(ArgumentError, TypeError):
    """A dataframe column of another type than the class mode needs."""


def split_of(subset: str | None, validation_split: float) -> Split:
    """The fractions of a list between which a subset lies."""
    if subset is None:
        return None
    if subset == "validation":
        return 0, validation_split
    if subset == "training":
        return validation_split, 1
    raise ArgumentError(f'Invalid subset name: {subset}; expected "training" or "validation"')


def cut(items: list[Any], split: Split) -> list[Any]:
    """The part of a list."""
    return items if split is None else items[int(split[0] * len(items)) : int(split[1] * len(items))]


def class_folders(directory: str) -> list[str]:
    """Sub-folders in alphabetical order."""
    return [name for name in sorted(os.listdir(directory)) if os.path.isdir(os.path.join(directory, name))]


def class_files(folder: str, extensions: tuple[str, ...], split: Split, follow_links: bool) -> list[str]:
    """The images below a class folder, in alphabetical order per folder, as paths from the data set's folder on."""
    found = []
    for root, _, names in sorted(os.walk(folder, followlinks=follow_links), key=lambda entry: entry[0]):
        found += [(root, name) for name in sorted(names) if name.lower().endswith(extensions)]
    if any(name.lower().endswith(".tiff") for _, name in found):
        warnings.warn(
            f'Using ".tiff" files with multiple bands will cause distortion. Please verify your output. ({folder})',
            stacklevel=5,
        )
    base = os.path.basename(folder)
    return [os.path.join(base, os.path.relpath(os.path.join(root, name), folder)) for root, name in cut(found, split)]


def readable(name: str, directory: str, extensions: tuple[str, ...]) -> bool:
    """Whether a dataframe's file name means an image file."""
    path = os.path.join(directory, name)
    return path.lower().endswith(extensions) and os.path.isfile(path)


def check_columns(mode: str | None, x_col: Any, names: Iterable[Any], y_col: Any, labels: Sequence[Any] | None,
                  classes: Sequence[str] | None) -> None:  # fmt: skip
    """Refuses columns that the class mode cannot use."""
    if mode == "multi_output" and not isinstance(y_col, list):
        raise ColumnTypeError(f'If class_mode="{mode}", y_col must be a list. Received {type(y_col).__name__}.')
    if wrong := [name for name in names if not isinstance(name, str)]:
        raise ColumnTypeError(f"All values in column x_col={x_col} must be strings. Received {wrong[0]!r}.")
    kinds: Any = {"binary": str, "sparse": str, "categorical": (str, list, tuple)}.get(str(mode))
    for label in labels or ():
        if kinds is not None and not isinstance(label, kinds):
            wanted = "strings" if kinds is str else "type string, list or tuple"
            raise ColumnTypeError(
                f'If class_mode="{mode}", y_col="{y_col}" column values must be {wanted}. Received {label!r}.'
            )
    count = len({*classes}) if classes else len({*labels}) if mode == "binary" and labels is not None else 2
    if mode == "binary" and count != 2:
        raise ArgumentError(f'If class_mode="binary" there must be 2 classes. Found {count} classes.')
    if classes and mode in ("input", "multi_output", "raw", None):
        warnings.warn(f'`classes` will be ignored given the class_mode="{mode}"', stacklevel=5)


def kept_labels(labels: list[Any], classes: Sequence[str] | None) -> tuple[list[Any], list[str]]:
    """(labels reduced to the classes asked for, None where nothing is left; the classes)."""
    if not classes:
        every = {one for label in labels for one in (label if isinstance(label, (list, tuple)) else [label])}
        return labels, sorted(every)
    names = list(dict.fromkeys(classes))
    return [_reduced(label, names) for label in labels], names


def _reduced(label: Any, names: Sequence[str]) -> Any:
    if isinstance(label, (list, tuple)):
        return [one for one in label if one in names] or None
    return label if label in names else None


def columns_of(dataframe: Any, wanted: Iterable[str]) -> dict[str, Any]:
    """The columns named, of any dataframe that narwhals understands, as it gives them."""
    import narwhals as nw

    frame = nw.from_native(dataframe, eager_only=True)
    return {name: frame[name] for name in wanted}


def numeric(column: Any, name: str) -> np.ndarray[Any, Any]:
    """A column of weights."""
    values = np.asarray(column.to_numpy())
    if not np.issubdtype(values.dtype, np.number):
        raise ColumnTypeError(f"Column weight_col={name} must be numeric. Received {values.dtype}.")
    return values

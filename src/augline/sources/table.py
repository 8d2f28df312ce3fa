"""A table of paths and labels: a dataframe, or a CSV or Parquet file."""

# A data set may list a million files: plain strings, no Path object for each.
# ruff: noqa: PTH118, PTH120
from __future__ import annotations

import contextlib
import csv
import importlib
import io
import os
from collections.abc import Iterator, Sequence
from itertools import islice
from operator import itemgetter, ne
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from augline.errors import ArgumentError, SourceError
from augline.names import with_known_arguments
from augline.sources import remote
from augline.sources.base import FileSource, no_config
from augline.sources.columns import build
from augline.sources.files import check_exist
from augline.sources.labels import ClassNames, encode, missing, multi_hot
from augline.sources.refusal import check_choice, nearest, refusal, shown
from augline.sources.waiting import announced

_NOTHING = ("na", "n/a", "#n/a", "<na>", "nan", "-nan", "null", "none")
"""What programs write into a column of numbers, in any case, where they have none."""

_PARQUET = b"PAR1"
_PARQUET_READERS = (("polars", "read_parquet"), ("pyarrow.parquet", "read_table"), ("pandas", "read_parquet"))
_HEAD = 4096
_ROWS = 1 << 14
TASKS = ("classification", "regression", "multilabel", None)

_Columns: TypeAlias = dict[str, list[Any]]
_Labels: TypeAlias = tuple[NDArray[Any], ClassNames]


class Table(FileSource):
    """Images listed in a table, with their labels.

    Args:
        table: any dataframe that narwhals understands (pandas, polars, pyarrow, ...), or the path of a CSV file or a
            Parquet file, which needs polars or pyarrow.
        image: the column of paths.
        label: the column of labels, or several columns. By default strings and integers are classes, floats are a
            regression, and several columns are several outputs (float32).
        root: the folder that relative paths start from; by default the file's own, or the current one.
        weight: the column of sample weights.
        task: "classification", "regression" or "multilabel", where the default is not meant. For "multilabel" the
            label is a column of lists, a column of strings like "cat|dog" ("" for none of them), or one column of
            zeros and ones per class; each sample gets a float32 row of zeros and ones.
        separator: between the labels in such strings.
        class_names: fixes the classes and their order.
        color_mode: Keras's "rgb", "rgba" or "grayscale".
        dtype: "uint8", or "uint16" to keep the depth of 16-bit files.
        exif: whether files are turned upright by their EXIF orientation.

    Raises:
        SourceError: the file or image files are missing, or there are no rows.
        ArgumentError: no such column, a missing value, or labels that do not fit the task.

    >>> Table("photos.csv", image="file", label="species")      # doctest: +SKIP
    Table('photos.csv', 200 images, 10 classes)
    """

    @with_known_arguments
    @announced
    def __init__(
        self,
        table: Any,
        *,
        image: str,
        label: str | list[str] | None = None,
        root: str | os.PathLike[str] | None = None,
        weight: str | None = None,
        task: str | None = None,
        separator: str = "|",
        class_names: Sequence[str] | None = None,
        color_mode: str = "rgb",
        dtype: str = "uint8",
        exif: bool = True,
    ) -> None:
        self._file = os.fspath(table) if isinstance(table, (str, os.PathLike)) else None
        self._owner = f"Table({'dataframe' if self._file is None else repr(self._file)})"
        self._decode_as(self._owner, color_mode, dtype, exif)
        check_choice(self._owner, "task", task, TASKS)
        if isinstance(label, list) and not label:
            fix = "Name them, or leave label out."
            raise refusal(ArgumentError, self._owner, "label must name columns", "label=[]", fix)
        self._arguments = {"image": image, "label": label, "root": None if root is None else os.fspath(root)}
        self._arguments |= {"weight": weight, "task": task, "separator": separator, "color_mode": color_mode}
        wanted = [image, *([label] if isinstance(label, str) else label or []), *([weight] if weight else [])]
        lists = label if task == "multilabel" and isinstance(label, str) else None
        columns = _read(self._owner, table, self._file, wanted, lists)
        self.paths = self._paths(columns[image], root)
        names: ClassNames = None if class_names is None else tuple(str(name) for name in class_names)
        labels = None
        if label is not None:
            labels, names = _labels(self._owner, columns, label, task, separator, class_names)
        weights = columns[weight] if weight else None
        self.targets, _ = build(self._owner, len(self.paths), labels=labels, weights=weights)
        self.class_names = names
        check_exist(self._owner, self.paths)

    def __repr__(self) -> str:
        classes = "" if self.class_names is None else f", {len(self.class_names)} classes"
        return f"{self._owner[:-1]}, {len(self)} images{classes})"

    def config(self) -> dict[str, Any]:
        """The arguments, with the class list as found; of a file only."""
        if self._file is None:
            raise no_config(self._owner, "a dataframe")
        names = (
            None if self.class_names is None or isinstance(self._arguments["label"], list) else list(self.class_names)
        )
        arguments = {**self._arguments, "dtype": self.dtype, "exif": self.exif, "class_names": names}
        return {"Table": {"table": self._file, **arguments}}

    def _paths(self, values: list[Any], root: str | os.PathLike[str] | None) -> list[str]:
        start = os.fspath(root) if root is not None else os.path.dirname(self._file or "")
        try:
            paths = [value if type(value) is str else str(os.fspath(value)) for value in values]
            return _joined(start, paths) if start else paths
        except TypeError as error:
            fix = "Name the column that holds the paths."
            raise refusal(ArgumentError, self._owner, "image must be a column of paths", str(error), fix) from error


def _joined(start: str, paths: list[str]) -> list[str]:
    """`os.path.join` of a folder and many paths; of those that are plainly relative at once."""
    folder = os.path.join(start, "")
    return [
        folder + path if path[:1] not in "/\\" and ":" not in path
        else path if remote.is_remote(path) else os.path.join(start, path)
        for path in paths
    ]  # fmt: skip


def _read(owner: str, table: Any, file: str | None, wanted: Sequence[str], lists: str | None) -> _Columns:
    """The wanted columns as lists without missing values; an empty text in the column `lists` is an empty list."""
    data = None if file is None else _bytes_of(owner, file)
    if data is None or data.startswith(_PARQUET):
        columns = _from_frame(owner, table if data is None else _read_parquet(owner, data), wanted)
    else:
        columns = _read_csv(owner, str(file), data, wanted)
        columns |= {name: _parsed(columns[name]) for name in wanted[1:]}  # the paths stay text, even "0012"
        if lists is not None:
            columns[lists] = ["" if value is None else value for value in columns[lists]]
    for name in wanted:
        _check_complete(owner, name, columns[name], "with '' for no label, " if name == lists else "")
    if not columns[wanted[0]]:
        raise refusal(SourceError, owner, "there must be rows", "none", "Fill the table.")
    return {name: columns[name] for name in wanted}


def _from_frame(owner: str, table: Any, wanted: Sequence[str]) -> _Columns:
    import narwhals as nw

    try:
        frame = nw.from_native(table, eager_only=True)
    except TypeError as error:
        rule = "table must be a dataframe, or the path of a CSV or Parquet file"
        fix = "Pass a pandas, polars or pyarrow table; collect() a lazy one."
        raise refusal(ArgumentError, owner, rule, type(table).__name__, fix) from error
    except Exception as error:  # two columns of one name, which pandas may have; each narwhals has its own error
        fix = "Rename or drop columns."
        raise refusal(ArgumentError, owner, "columns must differ in their names", str(error), fix) from error
    _check_columns(owner, wanted, frame.columns)
    return {name: frame[name].to_list() for name in wanted}


def _bytes_of(owner: str, file: str) -> bytes:
    try:
        with remote.opened(file) as data:
            return data.read()
    except OSError as error:
        raise refusal(SourceError, owner, "the file must be readable", str(error), "Correct the path.") from error


def _read_parquet(owner: str, data: bytes) -> Any:
    """A Parquet file as the dataframe of whatever library is there."""
    for module, function in _PARQUET_READERS:
        try:
            return getattr(importlib.import_module(module), function)(io.BytesIO(data))
        except ImportError:  # also pandas's, which leaves the work to others
            continue
        except Exception as error:  # of each library its own
            fix = "Write the file again."
            raise refusal(SourceError, owner, "the Parquet file must be readable", str(error), fix) from error
    fix = "Run: pip install polars"
    raise refusal(SourceError, owner, "Parquet files need polars or pyarrow", "neither", fix)


def _check_columns(owner: str, wanted: Sequence[str], there: Sequence[str]) -> None:
    for name in wanted:
        if name not in there:
            fix = f"{nearest(name, there)}The columns are {shown(there, 20)}."
            raise refusal(ArgumentError, owner, "every column named must exist", repr(name), fix)
        if list(there).count(name) > 1:
            rule, received = "a column named must be one", f"{name!r}, of which there are {list(there).count(name)}"
            raise refusal(ArgumentError, owner, rule, received, "Rename or drop columns.")


def _check_complete(owner: str, name: str, values: list[Any], how: str) -> None:
    if {*map(type, values)} <= {str, int, float, list} and not any(map(ne, values, values)):  # NaN is not itself
        return
    if empty := [row for row, value in enumerate(values) if missing(value)]:
        received = f"nothing in row {empty[0]} (counted from 0; {len(empty)} such rows)"
        rule = f"column {name!r} must have a value in every row"
        raise refusal(ArgumentError, owner, rule, received, f"Fill those rows, {how}or drop them.")


def _read_csv(owner: str, file: str, data: bytes, wanted: Sequence[str]) -> _Columns:
    if b"\0" in data[:_HEAD]:
        fix = "Pass the dataframe that pandas or polars reads from it."
        received = f"one that begins with {data[:8]!r}"
        raise refusal(SourceError, owner, "a file must be CSV, in UTF-8, or Parquet", received, fix)
    lines = csv.reader(io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", "surrogateescape", newline=""))
    try:
        header = next(lines, None)
        if header is None:
            raise refusal(SourceError, owner, "the CSV file must have a header line", "an empty file", "Fill it.")
        if len(header) == 1 and (other := next((mark for mark in ";\t" if mark in header[0]), None)):
            fix = f"Pass the dataframe that pandas.read_csv({file!r}, sep={other!r}) gives."
            raise refusal(SourceError, owner, "columns must be separated by commas", repr(header[0]), fix)
        _check_columns(owner, wanted, header)
        return _columns_of(owner, lines, header, wanted)
    except csv.Error as error:
        raise refusal(SourceError, owner, "the CSV file must be readable", str(error), "Correct the file.") from error


def _columns_of(owner: str, lines: Iterator[list[str]], header: list[str], wanted: Sequence[str]) -> _Columns:
    """The wanted columns; the others, of which there may be many, are let go of every few thousand rows."""
    columns: _Columns = {name: [] for name in wanted}
    count, known = 0, dict[str, str]()
    while chunk := list(islice(lines, _ROWS)):
        rows = [row for row in chunk if row]
        if {*map(len, rows)} - {len(header)}:
            number, row = next((number, row) for number, row in enumerate(rows, count) if len(row) != len(header))
            rule = "every row must have a value for each column"
            received = f"{len(row)} values in row {number} (counted from 0) for {len(header)} columns"
            raise refusal(SourceError, owner, rule, received, "Correct the file.")
        count += len(rows)
        for place, name in enumerate(wanted):
            texts = map(itemgetter(header.index(name)), rows)
            # a label comes a million times: one text serves all
            shared = texts if place == 0 or len(known) > _ROWS else (known.setdefault(text, text) for text in texts)
            columns[name] += [text or None for text in shared]
    return columns


def _parsed(texts: list[Any]) -> list[Any]:
    """A column as integers or floats where all its values are such; empty text, and NA among numbers, is missing."""
    for number in (int, float):
        with contextlib.suppress(ValueError, TypeError):  # as a rule all are there
            return list(map(number, texts))
    known = {text: None if text is None or text.strip().lower() in _NOTHING else text for text in {*texts}}
    for number in (int, float) if any(known.values()) else ():
        with contextlib.suppress(ValueError):
            values = {text: None if value is None else number(value) for text, value in known.items()}
            return [values[text] for text in texts]
    return texts


def _labels(
    owner: str, columns: _Columns, label: str | list[str], task: str | None, separator: str, names: Sequence[str] | None
) -> _Labels:
    if not isinstance(label, str):
        return _several(owner, columns, label, task, names)
    values = columns[label]
    if task == "multilabel":
        sets = {value: _label_set(value, separator) for value in values if isinstance(value, str)}
        rows = [sets[value] if isinstance(value, str) else _label_set(value, separator) for value in values]
        return multi_hot(owner, rows, names)
    if any(isinstance(value, (list, tuple, set, np.ndarray)) for value in values):
        fix = "Pass task='multilabel'."
        raise refusal(ArgumentError, owner, f"column {label!r} must hold one label per row", "lists", fix)
    if task == "regression":
        return _numbers(owner, label, values), None
    if task == "classification" and all(isinstance(value, float) for value in values):
        whole = all(value.is_integer() for value in values)
        values = [int(value) if whole else str(value) for value in values]
    return encode(owner, values, names)


def _several(owner: str, columns: _Columns, label: list[str], task: str | None, names: Sequence[str] | None) -> _Labels:
    """Several label columns: several outputs, or one column of zeros and ones per class."""
    if task == "classification":
        fix = "Name one column, or pass task='multilabel' for one column of zeros and ones per class."
        raise refusal(ArgumentError, owner, "classification needs one label column", f"{len(label)} columns", fix)
    table = np.stack([_numbers(owner, name, columns[name]) for name in label], axis=1)
    if task != "multilabel":
        return table, None
    if not np.isin(table, (0, 1)).all():
        received = f"{shown(sorted(set(table[~np.isin(table, (0, 1))].tolist())))}"
        fix = "Correct them, or leave task out for several outputs."
        raise refusal(ArgumentError, owner, "multilabel columns must hold zeros and ones", received, fix)
    return table, tuple(label if names is None else map(str, names))


def _numbers(owner: str, name: str, values: list[Any]) -> NDArray[np.float32]:
    try:
        return np.array([float(value) for value in values], np.float32)
    except (TypeError, ValueError) as error:
        fix = "Convert the column, or pass another task."
        raise refusal(ArgumentError, owner, f"column {name!r} must hold numbers", str(error), fix) from error


def _label_set(value: Any, separator: str) -> set[str]:
    if isinstance(value, str):
        return {part.strip() for part in value.split(separator) if part.strip()}
    if isinstance(value, (list, tuple, set, np.ndarray)):
        return {str(part) for part in value}
    return {str(value)}

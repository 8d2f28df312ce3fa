"""The iterators of `flow_from_directory` and `flow_from_dataframe`: images in files."""

# ruff: noqa: PTH118 - Keras's names are strings joined by os.path
from __future__ import annotations

import os
import sys
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline.errors import ArgumentError
from augline.keras import legacy_listing as listing
from augline.keras.legacy_files import CHANNELS, Loader
from augline.keras.legacy_iterators import Iterator
from augline.keras.legacy_samples import FileSamples
from augline.keras.quirks import announce

Array = NDArray[Any]
_CLASSES = ("categorical", "binary", "sparse")


class FileIterator(Iterator):
    """Batches of images in files.

    Args:
        filenames: As Keras names them.
        directory: That they lie in.
        generator: The ImageDataGenerator.
        options: The arguments that both `flow_from` methods have.
    """

    allowed_class_modes: tuple[str | None, ...]
    class_indices: dict[str, int]
    classes: Any = None
    sample_weight: Array | None = None

    def __init__(self, filenames: list[str], directory: str, generator: Any, options: dict[str, Any]) -> None:
        self.directory, self.filenames, self.samples = directory, filenames, len(filenames)
        self._filepaths = [os.path.join(directory, name) for name in filenames]
        self.target_size = (int(options["target_size"][0]), int(options["target_size"][1]))
        self.color_mode, self.interpolation = options["color_mode"], options["interpolation"]
        self.keep_aspect_ratio, self.subset = options["keep_aspect_ratio"], options["subset"]
        loader = Loader(self.target_size, self.color_mode, self.interpolation, self.keep_aspect_ratio)
        super().__init__(
            self.samples, options["batch_size"], options["shuffle"], options["seed"], generator=generator,
            samples=FileSamples(loader, self._filepaths, CHANNELS[self.color_mode]), dtype=generator.dtype,
            save=(options["save_to_dir"], options["save_prefix"], options["save_format"]), most_hash=10_000_000,
        )  # fmt: skip
        self.image_shape = self._shape
        announce(generator, *self.target_size, unit=False, stacklevel=4)

    @property
    def filepaths(self) -> list[str]:
        """The files, with the folder before them."""
        return self._filepaths

    @property
    def labels(self) -> Any:
        """What each file is labelled with."""
        return self.classes

    def check_mode(self, class_mode: str | None) -> None:
        """Keeps the class mode, if it is one."""
        if class_mode not in self.allowed_class_modes:
            raise ArgumentError(f"Invalid class_mode: {class_mode}; expected one of: {self.allowed_class_modes}")
        self.class_mode = class_mode

    def _output(self, images: Array, rows: NDArray[np.int64]) -> Any:
        if self.class_mode is None:
            return images
        targets = self.targets(images, rows)
        return (images, targets) if self.sample_weight is None else (images, targets, self.sample_weight[rows])

    def targets(self, images: Array, rows: NDArray[np.int64]) -> Any:
        """What goes with these images, in the class mode."""
        if self.class_mode == "input":
            return images.copy()
        if self.class_mode == "multi_output":
            return [output[rows] for output in self.labels]
        if self.class_mode == "raw":
            return self.labels[rows]
        if self.class_mode == "categorical":
            hot: Array = np.zeros((len(rows), len(self.class_indices)), self.dtype)
            for number, row in enumerate(rows.tolist()):
                hot[number, self.classes[row]] = 1
            return hot
        return np.array([self.classes[row] for row in rows.tolist()], self.dtype)


class DirectoryIterator(FileIterator):
    """Batches of images in the sub-folders of a folder, one class each.

    Args:
        directory: The folder.
        generator: The ImageDataGenerator.
        classes: Which sub-folders, and their order; all by default.
        class_mode: "categorical", "binary", "sparse", "input" or None.
        follow_links: Whether linked folders are entered.
        options: The arguments that both `flow_from` methods have.
    """

    allowed_class_modes = (*_CLASSES, "input", None)

    def __init__(
        self, directory: str, generator: Any, *, classes: Any, class_mode: str | None, follow_links: bool,
        options: dict[str, Any],
    ) -> None:  # fmt: skip
        self.check_mode(class_mode)
        split = self.split = listing.split_of(options["subset"], generator.validation_split)
        names = list(classes or listing.class_folders(directory))
        found = [
            listing.class_files(os.path.join(directory, name), self.white_list_formats, split, follow_links)
            for name in names
        ]
        self.num_classes, self.class_indices = len(names), {name: number for number, name in enumerate(names)}
        self.classes = np.repeat(np.arange(len(names), dtype=np.int32), [len(files) for files in found])
        filenames = [name for files in found for name in files]
        _say(f"Found {len(filenames)} images belonging to {len(names)} classes.")
        super().__init__(filenames, directory, generator, options)


class DataFrameIterator(FileIterator):
    """Batches of images that the rows of a dataframe name.

    Args:
        dataframe: From pandas, polars, pyarrow, or whatever else narwhals understands.
        directory: That relative names start from.
        generator: The ImageDataGenerator.
        x_col: The column of file names.
        y_col: The column or columns of labels.
        weight_col: The column of sample weights.
        classes: Which classes, and their order; all by default, in alphabetical order.
        class_mode: "categorical", "binary", "sparse", "input", "multi_output", "raw" or None.
        validate_filenames: Whether rows without an image file are left out.
        options: The arguments that both `flow_from` methods have.
    """

    allowed_class_modes = (*_CLASSES, "input", "multi_output", "raw", None)

    def __init__(
        self, dataframe: Any, directory: str | None, generator: Any, *, x_col: str, y_col: Any, weight_col: str | None,
        classes: Any, class_mode: str | None, validate_filenames: bool, options: dict[str, Any],
    ) -> None:  # fmt: skip
        self.check_mode(class_mode)
        self.split = listing.split_of(options["subset"], generator.validation_split)
        needs_labels = class_mode in (*_CLASSES, "multi_output", "raw")
        columns = y_col if isinstance(y_col, list) else [y_col]
        wanted = [x_col, *(columns if needs_labels else []), *([weight_col] if weight_col else [])]
        table = listing.columns_of(dataframe, dict.fromkeys(wanted))
        names: list[Any] = table[x_col].to_list()
        labels: list[Any] | None = table[y_col].to_list() if class_mode in _CLASSES else None
        listing.check_columns(class_mode, x_col, names, y_col, labels, classes)
        weights = listing.numeric(table[weight_col], weight_col) if weight_col else None
        rows = list(range(len(names)))
        if validate_filenames:
            rows = self._valid(names, directory or "", x_col)
        if labels is not None:
            labels, class_names = listing.kept_labels([labels[row] for row in rows], classes)
            rows = [row for row, label in zip(rows, labels, strict=True) if label is not None]
            labels = listing.cut([label for label in labels if label is not None], self.split)
            self.class_indices = {name: number for number, name in enumerate(class_names)}
            self.classes = [self._index(label) for label in labels]
        rows = listing.cut(rows, self.split)
        self.sample_weight = None if weights is None else weights[rows]
        if class_mode == "multi_output":
            self._outputs: Any = [np.array([table[column].to_list()[row] for row in rows]) for column in columns]
        elif class_mode == "raw":
            self._outputs = _raw([np.asarray(table[column].to_numpy())[rows] for column in columns], y_col)
        kind = "validated" if validate_filenames else "non-validated"
        belonging = f" belonging to {len(self.class_indices)} classes" if labels is not None else ""
        _say(f"Found {len(rows)} {kind} image filenames{belonging}.")
        super().__init__([names[row] for row in rows], directory or "", generator, options)

    @property
    def labels(self) -> Any:
        return self._outputs if self.class_mode in ("multi_output", "raw") else self.classes

    def _index(self, label: Any) -> Any:
        if isinstance(label, (list, tuple)):
            return [self.class_indices[one] for one in label]
        return self.class_indices[label]

    def _valid(self, names: list[str], directory: str, x_col: str) -> list[int]:
        extensions = self.white_list_formats
        rows = [row for row, name in enumerate(names) if listing.readable(name, directory, extensions)]
        if missing := len(names) - len(rows):
            warnings.warn(
                f'Found {missing} invalid image filename(s) in x_col="{x_col}". These filename(s) will be ignored.',
                stacklevel=4,
            )
        return rows


def _raw(columns: list[Array], y_col: Any) -> Array:
    return np.stack(columns, axis=1) if isinstance(y_col, list) else columns[0]


def _say(text: str) -> None:
    """As Keras: a line on standard output."""
    sys.stdout.write(text + "\n")

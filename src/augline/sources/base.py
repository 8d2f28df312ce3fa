"""What a pipeline asks of a data set."""

from __future__ import annotations

import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline.errors import ArgumentError, SourceError, SpecError
from augline.sources import remote
from augline.sources.refusal import check_choice, check_length, refusal, shown
from augline.sources.split import held_out
from augline.sources.targets import Targets

RESERVED = frozenset(
    {"images", "labels", "weights", "segmentation_masks", "bounding_boxes", "keypoints", "masks", "boxes", "polygons"}
)
"""Names in a batch that stand for something else than further images."""
COLOR_MODES = {"rgb": 3, "rgba": 4, "grayscale": 1}
"""Keras's names, and the channels they mean."""

VALUE_RANGES = {"uint8": (0.0, 255.0), "uint16": (0.0, 65535.0), "float32": (0.0, 1.0)}


class Source(ABC):
    """A data set: encoded files or arrays, and their targets. It knows nothing of transforms and engines.

    Reading is thread-safe. Samples are numbered 0 to len(source) - 1.
    """

    channels: int
    """Of every image as it enters the pipeline."""
    dtype: str
    """"uint8", "uint16" or "float32"."""
    value_range: tuple[float, float]
    """What black and white are."""
    size: tuple[int, int] | None
    """(height, width) where all images are known to share it, else None."""
    class_names: tuple[str, ...] | None
    """In the order of the class indices; None where labels are no classes or have no names."""
    targets: Targets
    """Labels and the rest, as columns."""
    exif: bool = True
    """Whether encoded files are turned upright by their EXIF orientation."""
    bounding_box_format: str = "xyxy"
    """How `targets.boxes` are written: one of Keras's names."""
    annotated_sizes: NDArray[Any] | None = None
    """(N, 2): of what height and width the annotations say that each image is, NaN where they do not; None for all."""
    lead: tuple[int, ...] = ()
    """(time,) where samples are videos (time, height, width, channels)."""
    extra_images: Mapping[str, Source] = MappingProxyType({})
    """Further images of each sample by name, as sources of this one's length, type and channels."""

    @abstractmethod
    def __len__(self) -> int:
        """The number of samples."""

    @abstractmethod
    def read(self, index: int) -> bytes | NDArray[Any]:
        """An encoded file, or an image (height, width, channels), a video with time ahead of that.

        Raises:
            SourceError: the file cannot be read; the message has its path.
        """

    def stack(self, indices: NDArray[np.int64]) -> NDArray[Any] | None:
        """The images (n, height, width, channels) at once where they are small and in memory, else None."""
        return None

    @abstractmethod
    def name(self, index: int) -> str:
        """What to call the sample in messages: a path, or `images[17]`."""

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Plain data, `{class name: {argument: value}}`, from which `from_config` builds the same source.

        Raises:
            SpecError: the source holds arrays or a dataframe, which no configuration file can.
        """

    def _decode_as(self, owner: str, color_mode: str, dtype: str, exif: bool) -> None:
        """Takes the arguments that say how encoded files become images; `owner` stands at the head of errors."""
        self.channels, self.value_range = channels_of(owner, color_mode), range_of(owner, dtype)
        self.dtype, self.exif = dtype, exif

    def ids(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Sample ids, on which all random draws depend; in a subset they are those of the whole data set."""
        return np.asarray(indices, np.int64)

    def origins(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Their indices in the whole data set: the ids, but that what was selected twice has one origin and two ids."""
        return np.asarray(indices, np.int64)

    def select(self, indices: Sequence[int] | NDArray[Any]) -> Source:
        """The samples with these indices, in this order, as a source; nothing is copied.

        An index may come several times, as for rare classes: each time it is a sample with draws of its own.
        """
        return Subset(self, _checked_indices(repr(self), indices, len(self)))

    def split(self, fraction: float = 0.2, *, seed: int = 0, stratify: bool | None = None) -> tuple[Source, Source]:
        """(training, validation): the same samples on every run and machine; what was selected twice stays together.

        Args:
            fraction: of the samples for validation, between 0 and 1.
            seed: another seed, another choice.
            stratify: whether each class is split alike and, having two samples, is on both sides; by default where
                the labels are classes, not all different. A class of one sample is for training.
        """
        if not 0 < fraction < 1:
            fix = "Pass 0.2 to hold out a fifth."
            raise refusal(ArgumentError, repr(self), "fraction must lie between 0 and 1", f"fraction={fraction!r}", fix)
        origins, first, place = np.unique(self.origins(np.arange(len(self))), return_index=True, return_inverse=True)
        if len(origins) < 2:
            raise refusal(ArgumentError, repr(self), "a split needs 2 samples", f"{len(origins)}", "Add images.")
        classes = None if stratify is False else self.targets.class_indices
        classes = None if classes is None else classes[first]
        if classes is not None and len(np.unique(classes)) == len(classes):  # of which none could be held out
            classes = None
        if stratify and classes is None:
            rule, fix = "stratify needs labels that are classes, one with two samples at least", "Pass stratify=False."
            raise refusal(ArgumentError, repr(self), rule, "stratify=True", fix)
        out = held_out(origins, classes, float(fraction), seed)[place]
        recipe = {"fraction": fraction, "seed": seed, "stratify": stratify}
        training = Subset(self, np.flatnonzero(~out), recipe | {"part": "training"})
        return training, Subset(self, np.flatnonzero(out), recipe | {"part": "validation"})


class FileSource(Source):
    """A source whose samples are image files, all decoded alike."""

    size = None
    paths: list[str]
    """Of the files, in the order of the samples."""
    _owner: str

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, index: int) -> bytes:
        """The file as it is."""
        return read_file(self._owner, self.paths[index])

    def name(self, index: int) -> str:
        """The file's path."""
        return self.paths[index]


class Subset(Source):
    """Some samples of another source, with the ids they have there; made by `select` and `split`."""

    def __init__(self, source: Source, indices: NDArray[np.int64], recipe: dict[str, Any] | None = None) -> None:
        self.source, self.indices = source, np.asarray(indices, np.int64)
        self._recipe = recipe
        self._origins = source.origins(self.indices)
        self._ids = _distinct(source, self.indices)
        self.channels, self.dtype, self.value_range = source.channels, source.dtype, source.value_range
        self.size, self.class_names, self.exif = source.size, source.class_names, source.exif
        self.bounding_box_format, self.lead = source.bounding_box_format, source.lead
        sizes = source.annotated_sizes
        self.annotated_sizes = None if sizes is None else sizes[self.indices]
        self.extra_images = {name: Subset(part, self.indices) for name, part in source.extra_images.items()}
        self.targets = source.targets.select(self.indices)

    def __len__(self) -> int:
        return len(self.indices)

    def __repr__(self) -> str:
        part = self._recipe["part"] if self._recipe else "selection"
        return f"Subset({self.source!r}, {part}, {len(self)} images)"

    def read(self, index: int) -> bytes | NDArray[Any]:
        """The sample as the whole data set reads it."""
        return self.source.read(int(self.indices[index]))

    def stack(self, indices: NDArray[np.int64]) -> NDArray[Any] | None:
        """The images as the whole data set stacks them."""
        return self.source.stack(self.indices[indices])

    def name(self, index: int) -> str:
        """The sample's name in the whole data set."""
        return self.source.name(int(self.indices[index]))

    def ids(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """The ids in the whole data set, so that draws do not depend on a split; a repeated sample has further ones."""
        return self._ids[np.asarray(indices, np.int64)]

    def origins(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """The indices in the whole data set."""
        return self._origins[np.asarray(indices, np.int64)]

    def config(self) -> dict[str, Any]:
        """How the subset was made: the split's arguments, or the list of indices."""
        how = self._recipe or {"indices": self.indices.tolist()}
        return {"Subset": {"source": self.source.config(), **how}}


def _distinct(source: Source, indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """The ids of samples; where one comes again, it has one that the source does not have."""
    order = np.argsort(indices, kind="stable")
    first = np.diff(indices[order], prepend=-1) != 0
    place = np.arange(len(indices))
    times = np.empty(len(indices), np.int64)
    times[order] = place - np.maximum.accumulate(np.where(first, place, 0))
    ids = source.ids(indices)
    return ids + times * (source.ids(np.arange(len(source))).max() + 1) if times.any() else ids


def subset_from_config(source: Source, arguments: dict[str, Any]) -> Source:
    """The subset that `Subset.config` described."""
    if "indices" in arguments:
        return source.select(arguments["indices"])
    part = arguments.pop("part")
    check_choice("Subset", "part", part, ("training", "validation"))
    return source.split(**arguments)[part == "validation"]


def _checked_indices(owner: str, indices: Sequence[int] | NDArray[Any], samples: int) -> NDArray[np.int64]:
    array = np.asarray(indices)
    if array.dtype == bool and array.shape == (samples,):
        return np.flatnonzero(array)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        received = f"{array.dtype} of shape {array.shape}"
        raise refusal(ArgumentError, owner, "indices must be a list of integers", received, "Pass e.g. [0, 5, 7].")
    array = array.astype(np.int64)
    if outside := array[(array < 0) | (array >= samples)].tolist():
        rule, fix = f"indices must lie in 0 to {samples - 1}", "Count from 0."
        raise refusal(ArgumentError, owner, rule, f"{outside[0]}", fix)
    return array


def check_extra_images(source: Source, owner: str, extra: Mapping[str, Source]) -> None:
    """Refuses further images that do not belong to a source's: of another number, type, number of channels or size."""
    for name, part in extra.items():
        if name in RESERVED:
            fix = "Choose another name."
            raise refusal(ArgumentError, owner, f"extra_images must not be called {name!r}", repr(name), fix)
        check_length(owner, f"extra_images[{name!r}]", len(part), len(source))
        kinds = [(item.dtype, *item.lead, *(item.size or ("any size",)), item.channels) for item in (part, source)]
        if kinds[0] != kinds[1]:
            rule = f"extra_images[{name!r}] must be of the images' type and size"
            fix = "Convert them; what is to be moved only, and not coloured, can go into masks=."
            raise refusal(ArgumentError, owner, rule, f"{shown(kinds[0], 9)} beside {shown(kinds[1], 9)}", fix)


def channels_of(owner: str, color_mode: str) -> int:
    """The channels that Keras's `color_mode` means."""
    check_choice(owner, "color_mode", color_mode, tuple(COLOR_MODES))
    return COLOR_MODES[color_mode]


def range_of(owner: str, dtype: str) -> tuple[float, float]:
    """The value range of decoded files."""
    check_choice(owner, "dtype", dtype, ("uint8", "uint16"))
    return VALUE_RANGES[dtype]


def read_file(owner: str, path: str, most: int = -1) -> bytes:
    """The bytes of a file, or the first of them."""
    try:
        data, cause = remote.patiently(lambda: _bytes_of(path, most)), None
        problem = "neither a file nor a link to one"
    except OSError as error:
        data, problem, cause = None, error.strerror or str(error), error
    if data is not None:
        return data
    fix = "Restore it, or build the data set again."
    raise refusal(SourceError, owner, "every file must be readable", f"{path!r}: {problem}", fix) from cause


def _bytes_of(path: str, most: int) -> bytes | None:
    """None where there is something else than a file."""
    if remote.is_remote(path):
        with remote.opened(path) as there:
            return there.read(most)
    with open(path, "rb", opener=_open_at_once) as file:
        return file.read(most) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None


def _open_at_once(path: str, flags: int) -> int:
    """A pipe without a writer would otherwise hold the reading thread for ever."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def no_config(owner: str, what: str) -> SpecError:
    """The error for a source that no configuration file can hold."""
    fix = "Pass the source itself when loading: Pipeline.from_yaml(..., source=...)."
    return refusal(SpecError, owner, f"{what} cannot be written to a configuration file", what, fix)

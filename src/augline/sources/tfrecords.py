"""TFRecord files as a source with random access."""

# A data set may have many shards: plain strings, no Path object for each.
# ruff: noqa: PTH100, PTH109, PTH118, PTH120
from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline.errors import SourceError
from augline.names import with_known_arguments
from augline.sources import remote
from augline.sources.base import Source
from augline.sources.columns import build
from augline.sources.files import path_list
from augline.sources.refusal import check_choice, refusal, shown
from augline.sources.tfrecord_file import BrokenRecordError, Feature, features, records
from augline.sources.tfrecord_targets import KINDS, RecordTargets, columns_of, joined, row_of
from augline.sources.waiting import announced

_SHARD = re.compile(r"(.+)-\d{5}-of-\d{5}\.tfrecord$")
_VERSION = 2


class TFRecords(Source):
    """Images in TFRecord files of `tf.train.Example`: order, splits and resuming are as everywhere.

    All files are read once to learn where each image lies, and its label; that is kept in a hidden file beside the
    first until a file changes. TensorFlow is not needed for local files; names with a scheme, such as gs://, are read
    through its `tf.io.gfile`. Files must be uncompressed.

    Boxes, masks, keypoints and weights are found under the keys that `write_tfrecords` lists, whoever wrote them.

    Args:
        paths: A list of files, or a pattern such as "train-*.tfrecord", whose files come in alphabetical order.
        image_key: The feature that holds an encoded image.
        label_key: The feature with the label: an integer (a class), a float, a string (a class by name), or several
            numbers; None for images without labels.
        targets: Which of "boxes", "masks", "keypoints" and "weights" to take; by default what the records hold.
        bounding_box_format: In which boxes are given, whose records hold them relative: one of Keras's names.
        keypoint_swaps: As in `Files`; by default those that `write_tfrecords` left beside the files.
        class_names: Fixes the classes and their order. By default those that `write_tfrecords` left beside the files.
        color_mode: Keras's "rgb", "rgba" or "grayscale".
        dtype: "uint8", or "uint16" to keep the depth of 16-bit files.
        exif: Whether images are turned upright by their EXIF orientation.
        verify: Whether the checksums of all data are compared, once per state of the files. It takes TensorFlow;
            without, damage is found where it hits the framing of records, or where the decoder stumbles on it.

    Raises:
        SourceError: A file is missing or damaged, or a record lacks a feature.
        ArgumentError: Labels that make no sense.

    >>> TFRecords("photos/train-*.tfrecord")              # doctest: +SKIP
    TFRecords(8 files, 200 images, 10 classes)
    """

    size = None

    @with_known_arguments
    @announced
    def __init__(
        self,
        paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        *,
        image_key: str = "image/encoded",
        label_key: str | None = "image/class/label",
        targets: Sequence[str] | None = None,
        bounding_box_format: str = "xyxy",
        keypoint_swaps: Sequence[tuple[int, int]] | None = None,
        class_names: Sequence[str] | None = None,
        color_mode: str = "rgb",
        dtype: str = "uint8",
        exif: bool = True,
        verify: bool = False,
    ) -> None:
        self._owner = f"TFRecords({paths if isinstance(paths, str) else '...'!r})"
        self._keys, self._color_mode, self._verify = (image_key, label_key), color_mode, bool(verify)
        self._decode_as(self._owner, color_mode, dtype, exif)
        self.shards = self._found(paths)
        found = self._index()
        self.places: NDArray[np.int64] = found["places"]
        """(N, 3): of each image its file, and where in it the image begins and ends."""
        if not len(self.places):
            raise refusal(SourceError, self._owner, "there must be records", "none", "Write some: al.write_tfrecords.")
        self.bounding_box_format = bounding_box_format
        beside = _beside(self.shards[0])
        names = class_names if class_names is not None or label_key is None else beside.get("class_names")
        others = RecordTargets(self._owner, found, [self.shards[k] for k in self.places[:, 0].tolist()])
        self._kinds = self._checked_kinds(others.kinds, targets)
        if "keypoints" in self._kinds and keypoint_swaps is None:
            keypoint_swaps = beside.get("keypoint_swaps")
        self.targets, self.class_names = build(
            self._owner, len(self.places), labels=found.get("labels"), class_names=names,
            bounding_box_format=bounding_box_format, keypoint_swaps=keypoint_swaps or (),
            **others.build(self._kinds, bounding_box_format),
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.places)

    def __repr__(self) -> str:
        classes = "" if self.class_names is None else f", {len(self.class_names)} classes"
        return f"TFRecords({len(self.shards)} files, {len(self)} images{classes})"

    def read(self, index: int) -> bytes:
        """The encoded image."""
        shard, start, end = self.places[index].tolist()
        try:
            data = remote.patiently(lambda: remote.read(self.shards[shard], start, end))
        except OSError as error:
            received = f"{self.name(index)}: {error.strerror or error}"
            fix = "Restore it, or build the data set again."
            raise refusal(SourceError, self._owner, "every file must be readable", received, fix) from error
        if len(data) != end - start:
            fix = "The file has become shorter; build the data set again."
            raise refusal(SourceError, self._owner, "every record must be there", self.name(index), fix)
        return data

    def name(self, index: int) -> str:
        """The file, and where in it the image begins."""
        shard, start, _ = self.places[index].tolist()
        return f"{self.shards[shard]}@{start}"

    def config(self) -> dict[str, Any]:
        """The arguments, with files and classes as found."""
        names = None if self.class_names is None else list(self.class_names)
        arguments: dict[str, Any] = {"paths": self.shards, "image_key": self._keys[0], "label_key": self._keys[1]}
        arguments |= {"targets": list(self._kinds), "bounding_box_format": self.bounding_box_format}
        arguments |= {"keypoint_swaps": [list(pair) for pair in self.targets.keypoint_swaps]}
        arguments |= {"class_names": names, "color_mode": self._color_mode, "dtype": self.dtype, "exif": self.exif}
        arguments["verify"] = self._verify
        return {"TFRecords": arguments}

    def _found(self, paths: Any) -> list[str]:
        if not isinstance(paths, (str, os.PathLike)):
            shards = path_list(self._owner, paths)
            if missing := [path for path in shards if not remote.exists(path)]:
                fix = f"Correct the paths; they are seen from {os.getcwd()!r}."
                received = f"{len(missing)} of {len(shards)} that do not: {shown(missing)}"
                raise refusal(SourceError, self._owner, "every file must exist", received, fix)
            return shards
        shards = remote.matching(os.fspath(paths))
        if not shards:
            fix = f"Correct the path; it is seen from {os.getcwd()!r}."
            raise refusal(SourceError, self._owner, "there must be files", "none of that name", fix)
        return shards

    def _index(self) -> dict[str, NDArray[Any]]:
        """Where the images lie, and the labels: from the file beside the shards if that is of these very ones."""
        known = [remote.state(path) for path in self.shards]
        digest = hashlib.sha256(json.dumps([_VERSION, known, self._keys, self._verify]).encode()).hexdigest()[:16]
        path = os.path.join(os.path.dirname(_absolute(self.shards[0])), f".augline-{digest}.npz")
        with contextlib.suppress(OSError, ValueError, KeyError):
            return _loaded(path)
        found, data = self._scan(), BytesIO()
        np.savez(data, allow_pickle=False, **found)
        with contextlib.suppress(OSError):  # a folder that cannot be written to is read again next time
            remote.write(path, data.getvalue())
        return found

    def _scan(self) -> dict[str, NDArray[Any]]:
        """All files, one after the other; of each what was found is made arrays, a tenth of what Python would take."""
        places, labels, columns = [], [], []
        for number, path in enumerate(self.shards):
            rows: list[dict[str, Any]] = []
            spans, offsets = [], []
            for offset, held in self._examples(path):
                (start, end), label = self._sample(held, f"{path}@{offset}")
                spans.append((number, offset + start, offset + end))
                labels.append(label)
                rows.append(row_of(held))
                offsets.append(offset)
            places.append(np.asarray(spans, np.int64).reshape(-1, 3))
            columns.append((len(rows), columns_of(rows, offsets)))
        found = {"places": np.concatenate(places), **joined(columns)}
        return found if self._keys[1] is None else {**found, "labels": self._column(labels)}

    def _examples(self, path: str) -> Iterator[tuple[int, dict[str, Feature]]]:
        """(offset, features) of each record of a file."""
        try:
            with remote.opened(path) as file:
                for offset, data in records(file, remote.state(path)[1]):
                    yield offset, features(data)
        except BrokenRecordError as error:
            raise self._broken(path, str(error)) from error
        except OSError as error:
            fix = "Pass files, or a pattern such as 'folder/*.tfrecord'."
            received = f"{path!r}: {error.strerror or error}"
            raise refusal(SourceError, self._owner, "every file must be readable", received, fix) from error
        if self._verify and (problem := remote.damage(path)):
            raise self._broken(path, problem)

    def _broken(self, path: str, problem: str) -> SourceError:
        fix = "Write the file again; a compressed one must be written without compression."
        return refusal(SourceError, self._owner, "every file must be a TFRecord", f"{path}: {problem}", fix)

    def _checked_kinds(self, found: tuple[str, ...], wanted: Sequence[str] | None) -> tuple[str, ...]:
        """Which targets to take."""
        for kind in found if wanted is None else wanted:
            check_choice(self._owner, "targets", kind, KINDS)
            if kind not in found:
                fix = "Leave it out of targets."
                raise refusal(SourceError, self._owner, f"records must hold {kind}", shown(found, 9) or "none", fix)
        return found if wanted is None else tuple(wanted)

    def _sample(self, found: dict[str, Feature], name: str) -> tuple[tuple[int, int], Any]:
        image, label = (found.get(key or "", Feature([])) for key in self._keys)
        lacks = None if image.place else self._keys[0]
        lacks = self._keys[1] if self._keys[1] and not len(label.values) else lacks
        if lacks or image.place is None:
            fix = "Name another image_key or label_key; label_key=None for images alone."
            received = f"{name} with {shown(sorted(found), 9)}"
            raise refusal(SourceError, self._owner, f"every record must hold {lacks!r}", received, fix)
        value = label.values
        if isinstance(value, list) and value:
            value = value[0].decode()
        return image.place, value[0] if not isinstance(value, str) and len(value) == 1 else value

    def _column(self, labels: list[Any]) -> NDArray[Any]:
        try:
            return np.asarray(labels)
        except ValueError as error:
            fix = "Write rows of one length."
            raise refusal(SourceError, self._owner, "labels must have one shape", str(error), fix) from error


def _loaded(path: str) -> dict[str, NDArray[Any]]:
    with remote.opened(path) as file:
        data = BytesIO(file.read())
    with np.load(data, allow_pickle=False) as saved:
        return dict(saved)


def _beside(shard: str) -> dict[str, Any]:
    """What a writer left: `train.json` beside `train-00000-of-00008.tfrecord`."""
    match = _SHARD.match(shard)
    path = f"{match[1]}.json" if match else ""
    if not path or not remote.exists(path):
        return {}
    with remote.opened(path) as file:
        found: dict[str, Any] = json.loads(file.read())
    return found


def _absolute(path: str) -> str:
    return path if remote.is_remote(path) else os.path.abspath(path)

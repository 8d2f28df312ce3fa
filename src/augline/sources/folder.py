"""A folder of images, labelled by sub-folder or by file name."""

# A data set may list a million files: plain strings, no Path object for each.
# ruff: noqa: PTH100, PTH109, PTH112, PTH118, PTH119, PTH122, PTH208
from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline.errors import ArgumentError, SourceError
from augline.names import with_known_arguments
from augline.sources import remote
from augline.sources.base import FileSource
from augline.sources.labels import LABEL_MODES, checked_names, in_mode, vocabulary
from augline.sources.refusal import check_choice, nearest, refusal, shown
from augline.sources.targets import Targets
from augline.sources.waiting import announced

EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
"""The files that count as images."""

_Indices = NDArray[np.int32]


class Folder(FileSource):
    r"""Images in a folder: one class per sub-folder, or labels out of the file names.

    As in Keras's `image_dataset_from_directory`, classes and files come in alphabetical order, files in deeper folders
    belong to the class folder they lie under, and hidden ones (`.name`) are passed over. So are images beside the class
    folders, which lie in no class: `left_out` counts them.

    Args:
        path: the folder; also one that TensorFlow reads, such as gs://bucket/photos.
        label: a regular expression searched for in each file's name without its extension; its group `label`, or else
            its first group, is the label. Without it, the sub-folders are the classes.
        label_mode: Keras's "int" (int32), "categorical" (one-hot float32), "binary" (float32 of shape (N, 1), two
            classes), or None for images without labels.
        class_names: fixes the classes and their order; sub-folders that it leaves out are left out.
        color_mode: Keras's "rgb", "rgba" or "grayscale".
        dtype: "uint8", or "uint16" to keep the depth of 16-bit files.
        extensions: the files that count, in lower case.
        exif: whether files are turned upright by their EXIF orientation.
        follow_links: whether linked folders below the class folders are entered.

    Raises:
        SourceError: there is no such folder, or what is in it makes no such data set.
        ArgumentError: an argument that makes no sense.

    >>> Folder("photos/train")                            # doctest: +SKIP
    Folder('photos/train', 200 images, 10 classes)
    >>> Folder("photos", label=r"([a-z]+)_\d+")          # doctest: +SKIP
    Folder('photos', 350 images, 37 classes)
    """

    @with_known_arguments
    @announced
    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        label: str | None = None,
        label_mode: str | None = "int",
        class_names: Sequence[str] | None = None,
        color_mode: str = "rgb",
        dtype: str = "uint8",
        extensions: Sequence[str] = EXTENSIONS,
        exif: bool = True,
        follow_links: bool = False,
    ) -> None:
        self.path, self.left_out = _plain(path), 0
        self._owner = f"Folder({self.path!r})"
        self._decode_as(self._owner, color_mode, dtype, exif)
        self._arguments: dict[str, Any] = {"label": label, "label_mode": label_mode, "color_mode": color_mode}
        self._arguments |= {"extensions": list(extensions), "follow_links": follow_links}
        self._check_arguments(label, label_mode, class_names)
        if isinstance(extensions, str):
            fix = f"Pass [{extensions!r}]."
            raise refusal(ArgumentError, self._owner, "extensions must be a list", f"extensions={extensions!r}", fix)
        self._find = Finder(self._owner, tuple(extension.lower() for extension in extensions), follow_links)
        self._check_folder()
        self.paths: list[str] = []
        self.class_names, self.targets = None, Targets()
        if label_mode is None:
            self.paths = self._all_images()
            return
        labelled = self._by_folder(class_names) if label is None else self._by_name(label, class_names)
        self.paths, indices, self.class_names = labelled
        column, one_hot = in_mode(self._owner, indices, len(self.class_names), label_mode)
        self.targets = Targets(labels=column, one_hot=one_hot)

    def __repr__(self) -> str:
        classes = "" if self.class_names is None else f", {len(self.class_names)} classes"
        strays = f", {self.left_out} in no class left out" if self.left_out else ""
        return f"Folder({self.path!r}, {len(self)} images{classes}{strays})"

    def config(self) -> dict[str, Any]:
        """The arguments, with the class list as found: the same classes even if a folder vanishes or appears."""
        names = None if self.class_names is None else list(self.class_names)
        return {
            "Folder": {
                "path": self.path,
                **self._arguments,
                "dtype": self.dtype,
                "exif": self.exif,
                "class_names": names,
            }
        }

    def _check_arguments(self, label: str | None, label_mode: str | None, class_names: Sequence[str] | None) -> None:
        check_choice(self._owner, "label_mode", label_mode, LABEL_MODES)
        for name, value in (("label", label), ("class_names", class_names)):
            if label_mode is None and value is not None:
                rule, fix = f"without labels there can be no {name}", f"Leave {name} out, or set label_mode."
                raise refusal(ArgumentError, self._owner, rule, f"label_mode=None and {name}={value!r}", fix)

    def _check_folder(self) -> None:
        if remote.is_folder(self.path):
            return
        if remote.exists(self.path):
            fix = "Pass the folder that the file lies in, or Files([...])."
            raise refusal(SourceError, self._owner, "path must be a folder", "a file", fix)
        parent, name = os.path.split(self.path if remote.is_remote(self.path) else os.path.abspath(self.path))
        near = nearest(name, os.listdir(parent)) if os.path.isdir(parent) else ""
        received = f"a path that does not exist, seen from {os.getcwd()!r}"
        home = f"Write os.path.expanduser({self.path!r})." if self.path.startswith("~") else "Correct the path."
        raise refusal(SourceError, self._owner, "path must be a folder", received, near + home)

    def _all_images(self) -> list[str]:
        paths = self._find.images(self.path)
        if not paths:
            raise self._no_images(self.path)
        return paths

    def _no_images(self, folder: str) -> SourceError:
        where = "the folder" if folder == self.path else f"the class folder {os.path.basename(folder)!r}"
        kinds = self._find.kinds(folder)
        received = "no files" if not kinds else f"only files of the kinds {shown(sorted(kinds), 6)}"
        fix = f"Readable are {', '.join(self._find.extensions)}; convert the files, add some, or remove the folder."
        return refusal(SourceError, self._owner, f"{where} must hold images", received, fix)

    def _by_folder(self, class_names: Sequence[str] | None) -> tuple[list[str], _Indices, tuple[str, ...]]:
        folders, self.left_out = self._find.folders(self.path)
        if not folders:
            raise self._no_classes()
        names = tuple(folders) if class_names is None else self._chosen(class_names, folders)
        paths: list[str] = []
        counts = []
        for name in names:
            found = self._find.images(os.path.join(self.path, name))
            if not found:
                raise self._no_images(os.path.join(self.path, name))
            paths += found
            counts.append(len(found))
        return paths, np.repeat(np.arange(len(names), dtype=np.int32), counts), names

    def _no_classes(self) -> SourceError:
        flat = self._find.images(self.path)
        if not flat:
            return self._no_images(self.path)
        fix = "Pass label_mode=None for images without labels, or label=r'(\\w+)_\\d+' for labels from the file names."
        received = f"{len(flat)} images and no sub-folder"
        return refusal(SourceError, self._owner, "each class must be a sub-folder", received, fix)

    def _chosen(self, class_names: Sequence[str], folders: list[str]) -> tuple[str, ...]:
        names = checked_names(self._owner, class_names)
        if missing := [name for name in names if name not in set(folders)]:
            fix = f"{nearest(missing[0], folders)}The sub-folders are {shown(folders, 8)}."
            rule = "every class name must be a sub-folder"
            raise refusal(SourceError, self._owner, rule, f"class_names with {shown(missing)}", fix)
        return names

    def _by_name(self, label: str, class_names: Sequence[str] | None) -> tuple[list[str], _Indices, tuple[str, ...]]:
        pattern = _compiled(self._owner, label)
        group: int | str = "label" if "label" in pattern.groupindex else 1
        paths = self._all_images()
        matches = [pattern.search(os.path.splitext(os.path.basename(path))[0]) for path in paths]
        labels = [match.group(group) or None if match else None for match in matches]  # an empty label is none
        known = [found for found in labels if found is not None]
        if len(known) < len(paths):
            strays = [os.path.basename(path) for path, found in zip(paths, labels, strict=True) if found is None]
            rule = f"every file name, without its extension, must match label={label!r}"
            received = f"{len(strays)} of {len(paths)} that do not: {shown(strays)}"
            raise refusal(SourceError, self._owner, rule, received, "Correct the pattern, or move those files.")
        indices, names = vocabulary(self._owner, known, class_names)
        return paths, indices, names


def _plain(path: Any) -> str:
    try:
        return os.fsdecode(path)
    except TypeError as error:
        fix = "Pass a string or a Path."
        raise refusal(ArgumentError, "Folder", "path must be that of a folder", repr(path), fix) from error


def _compiled(owner: str, label: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(label)
    except (re.error, TypeError) as error:
        fix = r"Pass e.g. r'(\w+)_\d+'."
        received = f"label={label!r}: {error}"
        raise refusal(ArgumentError, owner, "label must be a regular expression", received, fix) from error
    if not pattern.groups:
        fix = r"Put parentheses around the label: r'(\w+)_\d+'."
        raise refusal(ArgumentError, owner, "label must have a group", f"label={label!r}", fix)
    return pattern


class Finder:
    """Walks folders for files with certain extensions; a million files take a few seconds and no stat call each."""

    def __init__(self, owner: str, extensions: tuple[str, ...], follow_links: bool) -> None:
        self._owner = owner
        self.extensions, self._follow_links = extensions, follow_links

    def images(self, folder: str) -> list[str]:
        """Paths of all images below a folder, in Keras's order: by folder path, then by name."""
        found = sorted(self._walk(folder), key=lambda pair: pair[0])
        return [
            os.path.join(root, name)
            for root, names in found
            for name in sorted(names)
            if name.lower().endswith(self.extensions)
        ]

    def kinds(self, folder: str) -> set[str]:
        """The extensions there are, for messages."""
        names = (name for _, names in self._walk(folder) for name in names)
        return {os.path.splitext(name)[1].lower() or "(none)" for name in names}

    def _walk(self, folder: str) -> Iterator[tuple[str, list[str]]]:
        """(folder, file names) of the folder and all below it; a folder linked into itself is entered once."""
        waiting, seen = [folder], {os.path.realpath(folder)}
        while waiting:
            root, names = waiting.pop(), []
            for entry in self._entries(root):
                if not entry.is_dir():
                    names.append(entry.name)
                elif not entry.is_symlink():
                    waiting.append(entry.path)
                elif self._follow_links and (real := os.path.realpath(entry.path)) not in seen:
                    seen.add(real)
                    waiting.append(entry.path)
            yield root, names

    def _entries(self, folder: str) -> list[os.DirEntry[str] | remote.Entry]:
        """What lies in a folder and is not hidden."""
        try:
            return [entry for entry in remote.entries(folder, self.extensions) if not entry.name.startswith(".")]
        except OSError as error:
            received = f"{folder!r}: {error.strerror or error}"
            rule, fix = "every folder must be readable", "Correct its permissions."
            raise refusal(SourceError, self._owner, rule, received, fix) from error

    def folders(self, folder: str) -> tuple[list[str], int]:
        """The names of the folders in a folder, sorted, of which a linked one counts; and how many images lie there."""
        folders: list[str] = []
        files: list[str] = []
        for entry in self._entries(folder):
            (folders if entry.is_dir() else files).append(entry.name)
        return sorted(folders), sum(name.lower().endswith(self.extensions) for name in files)

"""Files by their names: local ones, and through `tf.io.gfile` those whose names have a scheme, such as gs://."""

# A data set may have many files: plain strings, no Path object for each.
# ruff: noqa: PTH105, PTH107, PTH110, PTH112, PTH113, PTH116, PTH118, PTH119, PTH120, PTH123, PTH207
from __future__ import annotations

import errno
import glob
import os
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import sleep
from typing import Any, BinaryIO, TypeVar, cast

T = TypeVar("T")

_PASSES = (
    "EIO", "ESTALE", "ETIMEDOUT", "EAGAIN", "ECONNRESET", "ECONNABORTED", "EHOSTDOWN", "ENETUNREACH", "EREMOTEIO",
)  # fmt: skip
_PASSING = frozenset(getattr(errno, name) for name in _PASSES if hasattr(errno, name))
_PAUSES = (0.1, 1.0)
"""Seconds between trials."""


def is_remote(path: str) -> bool:
    """Whether it takes TensorFlow to read it.

    >>> is_remote("gs://bucket/train.tfrecord"), is_remote("data/train.tfrecord")
    (True, False)
    """
    return "://" in path


@dataclass(frozen=True)
class Entry:
    """A file or folder in a remote folder, as `os.DirEntry` is in a local one."""

    name: str
    path: str
    _folder: bool

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return self._folder

    def is_symlink(self) -> bool:
        """Nothing remote is a link."""
        return False


def matching(pattern: str) -> list[str]:
    """The file of that name, or else those that it matches as a pattern, in alphabetical order."""
    if exists(pattern):
        return [pattern]
    if not is_remote(pattern):
        return sorted(glob.glob(pattern))
    with _tensorflow() as gfile:
        return sorted(gfile.glob(pattern))


def exists(path: str) -> bool:
    """Whether there is such a file."""
    if not is_remote(path):
        return os.path.exists(path)
    with _tensorflow() as gfile:
        return bool(gfile.exists(path))


def is_folder(path: str) -> bool:
    """Whether there is such a folder."""
    if not is_remote(path):
        return os.path.isdir(path)
    with _tensorflow() as gfile:
        return bool(gfile.isdir(path))


def entries(folder: str, files: tuple[str, ...]) -> list[os.DirEntry[str] | Entry]:
    """What lies in a folder; remote names that end so are taken for files, for each question is a journey.

    Raises:
        OSError: It cannot be read.
    """
    if not is_remote(folder):
        with os.scandir(folder) as found:
            return list(found)
    with _tensorflow() as gfile:
        names = [(name.rstrip("/"), name.endswith("/")) for name in gfile.listdir(folder)]
        paths = [(name, os.path.join(folder, name), marked) for name, marked in names if name]
        return [
            Entry(name, path, marked or (not name.lower().endswith(files) and gfile.isdir(path)))
            for name, path, marked in paths
        ]


def state(path: str) -> tuple[str, int, int]:
    """Name, bytes, and when it was changed, in nanoseconds.

    Raises:
        OSError: It cannot be told.
    """
    if not is_remote(path):
        found = os.stat(path)
        return os.path.basename(path), found.st_size, found.st_mtime_ns
    with _tensorflow() as gfile:
        there = gfile.stat(path)
        return path.rpartition("/")[2], int(there.length), int(there.mtime_nsec)


def patiently(read: Callable[[], T]) -> T:
    """What reading gives; where a network drive fails in a way that passes, it is asked twice more.

    Raises:
        OSError: It fails for good, or goes on failing.
    """
    for pause in _PAUSES:
        try:
            return read()
        except OSError as error:
            if error.errno not in _PASSING:
                raise
        sleep(pause)
    return read()


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """A file to read bytes from.

    Raises:
        OSError: It cannot be read.
    """
    if not is_remote(path):
        with open(path, "rb") as file:
            yield file
        return
    with _tensorflow() as gfile, gfile.GFile(path, "rb") as file:
        yield cast(BinaryIO, file)


def read(path: str, start: int, end: int) -> bytes:
    """The bytes between two places, or fewer where the file ends before.

    Raises:
        OSError: It cannot be read.
    """
    with opened(path) as file:
        file.seek(start)
        return file.read(end - start)


def write(path: str, data: bytes) -> None:
    """A file that is whole when it gets its name.

    Raises:
        OSError: It cannot be written.
    """
    if is_remote(path):
        with _tensorflow() as gfile:
            with gfile.GFile(f"{path}.part", "wb") as draft:
                draft.write(data)
            gfile.rename(f"{path}.part", path, overwrite=True)
        return
    try:
        _write_whole(os.path.realpath(path), data)
    except OSError as error:  # a full disk does not say which file it was
        raise OSError(error.errno, error.strerror, path) from error


def _write_whole(path: str, data: bytes) -> None:
    """A full disk leaves what was there. What is no file, or cannot be replaced, as a device, is written to."""
    part = os.path.join(os.path.dirname(path), f".augline-{uuid.uuid4().hex}.part")
    if not os.path.exists(path) or os.path.isfile(path):
        try:
            with open(part, "xb") as draft:  # which others may read as far as they may read new files
                draft.write(data)
            os.replace(part, path)
            return
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EPERM, errno.EBUSY):
                raise
        finally:
            with suppress(OSError):
                os.remove(part)
    with open(path, "wb") as there:
        there.write(data)


def damage(path: str) -> str:
    """What is wrong with a TFRecord file, whose checksums are all compared; nothing if nothing is."""
    import tensorflow as tf

    try:
        for _ in tf.data.TFRecordDataset(path):
            pass
    except tf.errors.OpError as error:
        return re.sub(r"\{\{.*?\}\} | \[Op:.*", "", str(error.message))  # what TensorFlow says of its own parts
    return ""


@contextmanager
def _tensorflow() -> Iterator[Any]:
    """`tf.io.gfile`, whose errors become those of Python."""
    import tensorflow as tf

    try:
        yield tf.io.gfile
    except tf.errors.OpError as error:
        raise OSError(error.message) from error

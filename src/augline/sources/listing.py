"""Folders and files that must be there, and the images in folders by their stems."""

# A data set may list a million files: plain strings, no Path object for each.
# ruff: noqa: PTH100, PTH109, PTH110, PTH112, PTH113, PTH122, PTH208
from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import islice

import numpy as np

from augline.errors import SourceError
from augline.sources.folder import EXTENSIONS, Finder
from augline.sources.refusal import nearest, refusal, shown

_MANY, _OTHERS = 16, 8
"""From so many wanted files on a folder is listed, as long as it holds no more than so many times as many."""


def check_folder(owner: str, argument: str, path: str) -> None:
    """Refuse what is no folder, with the name that may have been meant."""
    if os.path.isdir(path):
        return
    parent, name = os.path.split(os.path.abspath(path))
    near = nearest(name, os.listdir(parent)) if os.path.isdir(parent) else ""
    what = "which is a file" if os.path.exists(path) else f"which does not exist, seen from {os.getcwd()!r}"
    raise refusal(SourceError, owner, f"{argument} must be a folder", f"{path!r}, {what}", f"{near}Correct the path.")


def images_below(owner: str, folder: str) -> list[str]:
    """The paths of all images in a folder and the folders in it, sorted; hidden files do not count."""
    found = Finder(owner, EXTENSIONS, follow_links=False).images(folder)
    if not found:
        fix = f"Readable are {', '.join(EXTENSIONS)}; correct the path."
        raise refusal(SourceError, owner, f"{folder!r} must hold images", "none", fix)
    return found


def absent(paths: Sequence[str]) -> list[int]:
    """Which of these local paths are of no files, by their places.

    Where many lie in one folder, it is listed: to ask for each of a million takes a network drive half an hour.
    """
    folders: dict[str, int] = {}
    if not paths:
        return []
    number = (folders.setdefault(path[: path.rfind(os.sep) + 1], len(folders)) for path in paths)
    where = np.fromiter(number, np.int64, len(paths))
    rows = np.split(np.argsort(where, kind="stable"), np.cumsum(np.bincount(where))[:-1])
    odd: list[int] = []
    for folder, inside in zip(folders, rows, strict=True):
        known = _files_in(folder, _OTHERS * len(inside)) if len(inside) >= _MANY else set()
        start = len(folder)
        odd += [row for row in inside.tolist() if paths[row][start:] not in known and not os.path.isfile(paths[row])]
    return sorted(odd)


def _files_in(folder: str, most: int) -> set[str]:
    """The names of files in a folder, as far as it can be read and holds no more."""
    found: set[str] = set()
    with suppress(OSError), os.scandir(folder or ".") as entries:
        found.update(entry.name for entry in islice(entries, most) if entry.is_file())
    return found


def stem(path: str, folder: str) -> str:
    """A path below a folder without its extension: `photos/a/b.jpg` in `photos` is `a/b`."""
    return os.path.splitext(path[len(folder) :].lstrip(os.sep))[0]


def by_stem(owner: str, folder: str, paths: Iterable[str], suffix: str = "") -> dict[str, str]:
    """Paths by their stems, of those that end in `suffix`, without it."""
    found: dict[str, str] = {}
    twice = []
    for path in paths:
        name = stem(path, folder)
        if name.endswith(suffix):
            name = name.removesuffix(suffix)
            twice += [path] if name in found else []
            found[name] = path
    if twice:
        rule = "files must differ in more than their extensions, by which they are paired"
        fix = "Rename or remove one of each pair."
        raise refusal(SourceError, owner, rule, f"{len(twice)} that do not: {shown(twice)}", fix)
    return found

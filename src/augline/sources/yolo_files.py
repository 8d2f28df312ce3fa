"""The files of a YOLO data set: which images there are, and what stands in a label file."""

# ruff: noqa: PTH110, PTH206, PTH208, PTH112, PTH113, PTH118, PTH120, PTH122, PTH123
from __future__ import annotations

import os
import reprlib
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from augline.errors import SourceError
from augline.sources.labels import checked_names
from augline.sources.listing import images_below
from augline.sources.polygons import Polygon, tight_boxes
from augline.sources.refusal import nearest, refusal, shown

_LIMIT = 1_000_000
"""Characters that a data.yaml may have."""

_Names = tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Row:
    """An object, relative to the image's size."""

    line: int
    label: int
    corners: tuple[float, float, float, float]
    """Left, top, right, bottom."""
    polygon: Polygon | None


def find(owner: str, data: str, split: str | None) -> tuple[list[str], _Names]:
    """The paths of a split's images, sorted, and the class names where a data.yaml has them.

    Raises:
        SourceError: there is no such data set or split.
    """
    if not os.path.isdir(data):
        return _by_yaml(owner, data, split)
    for name in ("data.yaml", "data.yml"):
        if os.path.isfile(os.path.join(data, name)):
            return _by_yaml(owner, os.path.join(data, name), split)
    layouts = (("images", split), (split, "images")) if split else (("images",),)
    tried = [os.path.join(data, *parts) for parts in layouts]
    folder = next((path for path in tried if os.path.isdir(path)), None)
    if folder is None:
        there = [name for where in ("", "images") for name in _folders(os.path.join(data, where))]
        fix = f"{nearest(split, there)}Pass another split, None for all of images/, or the path of a data.yaml."
        raise refusal(SourceError, owner, f"one of the folders {shown(tried)} must exist", "neither", fix)
    return images_below(owner, folder), None


def label_path(image: str) -> str:
    """`images/a/b.jpg` gives `labels/a/b.txt`: the last folder called images counts; without any, `b.txt` beside it."""
    parts = os.path.splitext(image)[0].split(os.sep)
    folders = [at for at, part in enumerate(parts[:-1]) if part == "images"]
    if folders:
        parts[folders[-1]] = "labels"
    return os.sep.join(parts) + ".txt"


def read(owner: str, path: str, classes: int | None) -> list[Row]:
    """The objects in a label file.

    Raises:
        SourceError: it cannot be read, or a line is no object of one of the classes.
    """
    where = f"{path!r}"
    try:
        with open(path, encoding="utf-8-sig") as file:
            rows = []
            for number, line in enumerate(file, 1):
                where = f"{path!r}, line {number}"
                if line.strip():
                    rows.append(_row(number, line.split(), classes))
            return rows
    except (OSError, ValueError) as error:
        rule = "every line of a label file must be 'class cx cy w h' or 'class x1 y1 x2 y2 x3 y3 ...'"
        raise refusal(SourceError, owner, rule, f"{where}: {error}", "Correct the file.") from error


def _folders(folder: str) -> list[str]:
    return os.listdir(folder) if os.path.isdir(folder) else []


def _row(line: int, words: list[str], classes: int | None) -> Row:
    values = [float(word) for word in words]
    if not all(map(isfinite, values)):
        odd = next(word for word, value in zip(words, values, strict=True) if not isfinite(value))
        raise ValueError(f"{odd!r}, which is no finite number")
    label, numbers = values[0], values[1:]
    if label < 0 or label != int(label) or (classes is not None and label >= classes):
        raise ValueError(f"class {words[0]} of {'0, 1, ...' if classes is None else f'0 to {classes - 1}'}")
    if len(numbers) == 4:
        x, y, width, height = numbers
        return Row(line, int(label), (x - width / 2, y - height / 2, x + width / 2, y + height / 2), None)
    if len(numbers) < 6 or len(numbers) % 2:
        raise ValueError(f"{len(words)} values")
    polygon = np.asarray(numbers, np.float32).reshape(-1, 2)
    left, top, right, bottom = tight_boxes([polygon])[0].tolist()
    return Row(line, int(label), (left, top, right, bottom), polygon)


def _by_yaml(owner: str, path: str, split: str | None) -> tuple[list[str], _Names]:
    document = _loaded(owner, path)
    entries = document.get(split or "train")
    entries = [entries] if isinstance(entries, str) else entries
    if split is None or not entries or not isinstance(entries, list) or not all(isinstance(e, str) for e in entries):
        keys = [str(key) for key, value in document.items() if value]
        rule, fix = (
            "split must be a key of the data.yaml that holds folders",
            f"{nearest(split, keys)}It has {shown(keys, 12)}.",
        )
        raise refusal(SourceError, owner, rule, f"{split!r}: {reprlib.repr(entries)[:200]}" if split else "None", fix)
    if "kpt_shape" in document:
        fix = "Remove the keypoints from the label files and kpt_shape from the data.yaml, or use Coco."
        raise refusal(SourceError, owner, "label files must hold boxes or outlines", "kpt_shape, keypoints", fix)
    own = os.path.dirname(path)
    folders = [os.path.join(own, str(document.get("path") or "")), own]
    paths = {image for entry in entries for image in _images(owner, folders, entry)}
    return sorted(paths), _names(owner, document.get("names"))


def _loaded(owner: str, path: str) -> dict[Any, Any]:
    import yaml

    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read(_LIMIT + 1)
        document = yaml.safe_load(text) if len(text) <= _LIMIT else f"more than {_LIMIT:,} characters"
        problem = f"{path!r}: {reprlib.repr(document)[:200]}"
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        document, problem = None, f"{path!r}: {' '.join(str(error).split())}"
    if not isinstance(document, dict):
        fix = "Pass the path of a data.yaml, or of the folder that images/ lies in."
        raise refusal(SourceError, owner, "data must be a readable data.yaml or a folder", problem, fix)
    return document


def _images(owner: str, folders: list[str], entry: str) -> list[str]:
    """The images of an entry: a folder or a text file, seen from one of `folders`."""
    # Roboflow writes ../train/images for what lies beside the file
    tried = [
        os.path.normpath(os.path.join(folder, e)) for e in (entry, entry.removeprefix("../")) for folder in folders
    ]
    found = next((path for path in tried if os.path.exists(path)), None)
    if found is None:
        received = f"{entry!r}, for which there is none of {shown(dict.fromkeys(tried), 4)}"
        raise refusal(SourceError, owner, "every folder in the data.yaml must exist", received, "Correct the file.")
    if os.path.isdir(found):
        return images_below(owner, found)
    try:
        with open(found, encoding="utf-8-sig") as file:
            lines = [line.strip() for line in file if line.strip()]
    except (OSError, ValueError) as error:
        rule, fix = "a split must be a folder or a text file of paths", "Correct the data.yaml."
        raise refusal(SourceError, owner, rule, f"{found!r}: {error}", fix) from error
    return [os.path.normpath(os.path.join(os.path.dirname(found), line)) for line in lines]


def _names(owner: str, names: Any) -> _Names:
    if names is None:
        return None
    if isinstance(names, dict) and sorted(names, key=str) == sorted(range(len(names)), key=str):
        names = [names[index] for index in range(len(names))]
    if not isinstance(names, list):
        rule, fix = "names must be a list, or a name for each of 0, 1, ...", "Correct the data.yaml."
        raise refusal(SourceError, owner, rule, reprlib.repr(names)[:200], fix)
    return checked_names(owner, names)

"""What stands in a COCO annotation file, checked and in columns."""

# ruff: noqa: PTH123
from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from augline.errors import SourceError
from augline.sources.labels import checked_names
from augline.sources.polygons import Polygon, joined
from augline.sources.refusal import refusal, shown
from augline.sources.rle import Runs, runs

Segment: TypeAlias = "Polygon | Runs | None"

_FAR = 1e7
"""No coordinate is as large; keeps out NaN, infinities and integers beyond any float."""


@dataclass
class Document:
    """Images by file name, classes by category id, and objects by image; what is wrong with some, by row."""

    file_names: list[str]
    sizes: NDArray[np.int64]
    """(images, 2): height and width."""
    category_ids: tuple[int, ...]
    class_names: tuple[str, ...]
    keypoint_names: tuple[str, ...]
    objects: list[dict[str, Any]]
    images: NDArray[np.int64]
    """Row of each object's image."""
    classes: NDArray[np.int32]
    """Class index of each object."""
    problems: dict[int, str] = field(default_factory=dict)

    def boxes(self) -> NDArray[np.float64]:
        """(objects, 4): left, top, width, height; NaN where there is none."""
        nothing = [np.nan] * 4
        given = (object_.get("bbox") or () for object_ in self.objects)
        rows = [box if _numbers(box) and len(box) == 4 else nothing for box in given]
        return np.asarray(rows, np.float64).reshape(-1, 4)

    def segments(self) -> list[Segment]:
        """The outline or mask of each object, None where there is none."""
        found: list[Segment] = []
        for row, given in enumerate(self.objects):
            height, width = self.sizes[self.images[row]].tolist()
            try:
                found.append(_segment(given.get("segmentation"), (height, width)))
            except ValueError as error:
                self.problems[row] = str(error)
                found.append(None)
        return found

    def keypoints(self, owner: str) -> NDArray[np.float32]:
        """(objects, k, 3): x, y and visibility, zeros for an object without any."""
        rows = [given.get("keypoints") for given in self.objects]
        count = len(self.keypoint_names) or next((len(row) // 3 for row in rows if isinstance(row, list)), 0)
        if not count:
            fix = "Pass keypoints=False, or a person_keypoints file."
            raise refusal(SourceError, owner, "keypoints=True needs annotations with keypoints", "none", fix)
        points = np.zeros((len(rows), count * 3), np.float32)
        for at, row in enumerate(rows):
            if row is None:
                continue
            if not _numbers(row) or len(row) != count * 3 or not {*row[2::3]} <= {0, 1, 2}:
                self.problems[at] = f"keypoints that are not {count} times x, y and 0, 1 or 2 for visibility"
            else:
                points[at] = row
        return points.reshape(-1, count, 3)


def left_and_right(names: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """The pairs of keypoints whose names differ in "left" and "right".

    >>> left_and_right(["nose", "left_ear", "right_ear"])
    ((1, 2),)
    """
    places = {name.lower(): place for place, name in enumerate(names)}
    pairs = ((place, places.get(name.replace("left", "right"))) for name, place in places.items() if "left" in name)
    return tuple((one, other) for one, other in pairs if other is not None)


def read(owner: str, path: str, crowd: bool) -> Document:
    """The annotations of a file, without those of crowds if not asked for.

    Raises:
        SourceError: it cannot be read, or does not hold what a COCO file holds.
    """
    images, annotations, categories = _lists(owner, path)
    images = sorted(images, key=lambda image: image["file_name"])
    category_ids = sorted(category["id"] for category in categories)
    by_id = {category["id"]: category for category in categories}
    rows = _index(owner, "images", [image["id"] for image in images])
    classes = _index(owner, "categories", category_ids)
    objects = [given for given in annotations if crowd or not given.get("iscrowd")]
    _check_known(owner, "image_id", objects, rows)
    _check_known(owner, "category_id", objects, classes)
    objects.sort(key=lambda given: rows[given["image_id"]])
    points = {tuple(map(str, found)) for c in categories if isinstance(found := c.get("keypoints"), list) and found}
    if len(points) > 1:
        points = set()  # the annotations must agree on a number then
    return Document(
        [image["file_name"] for image in images],
        np.asarray([[image["height"], image["width"]] for image in images], np.int64).reshape(-1, 2),
        tuple(category_ids),
        checked_names(owner, [by_id[number]["name"] for number in category_ids]),
        points.pop() if points else (),
        objects,
        np.asarray([rows[given["image_id"]] for given in objects], np.int64),
        np.asarray([classes[given["category_id"]] for given in objects], np.int32),
    )


_NEEDED: dict[str, dict[str, type | tuple[type, ...]]] = {
    "images": {"id": (int, str), "file_name": str, "height": int, "width": int},
    "annotations": {"image_id": (int, str), "category_id": int},
    "categories": {"id": int, "name": str},
}

_UNUSED = ("coco_url", "flickr_url", "date_captured")
"""Half of what stands there on images, as COCO's own files are written."""


def _lists(owner: str, path: str) -> list[list[dict[str, Any]]]:
    try:
        with open(path, "rb") as file:
            data = json.load(file, object_hook=_slim)
    except (OSError, ValueError, RecursionError) as error:
        fix = "Pass a COCO annotation file, such as instances_train2017.json."
        raise refusal(SourceError, owner, "annotations must be a readable JSON file", str(error), fix) from error
    for key, needed in _NEEDED.items():
        rows = data.get(key) if isinstance(data, dict) else None
        if not isinstance(rows, list):
            there = shown(data, 8) if isinstance(data, dict) else type(data).__name__
            fix = "Pass a COCO annotation file, such as instances_train2017.json."
            raise refusal(SourceError, owner, f"annotations must have a list {key!r}", there, fix)
        for at, row in enumerate(rows):
            if not isinstance(row, dict) or not all(isinstance(row.get(name), kind) for name, kind in needed.items()):
                rule = f"each of the {key} must have {', '.join(needed)}"
                raise refusal(SourceError, owner, rule, f"{str(row)[:200]} at {key}[{at}]", "Correct the file.")
    if not data["images"]:
        raise refusal(SourceError, owner, "there must be images", "none", "Add some to the file.")
    for image in data["images"]:
        if image["height"] < 1 or image["width"] < 1:
            received = f"{image['height']} x {image['width']} (height x width) for {image['file_name']!r}"
            raise refusal(SourceError, owner, "images must have a size", received, "Correct the file.")
    return [data[key] for key in _NEEDED]


def _slim(given: dict[str, Any]) -> dict[str, Any]:
    """An object as it is read: coordinates as an array (a number in a list takes eight times its room), and no URLs.

    What is no list of coordinates stays, to be refused by name.
    """
    parts = given.get("segmentation")
    if isinstance(parts, list):
        given["segmentation"] = [np.asarray(part, np.float32) if _numbers(part) else part for part in parts]
    for name in _UNUSED:
        given.pop(name, None)
    return given


def _index(owner: str, key: str, ids: list[Any]) -> dict[Any, int]:
    found = {id_: row for row, id_ in enumerate(ids)}
    if len(found) < len(ids):
        twice = [id_ for row, id_ in enumerate(ids) if found[id_] != row]
        raise refusal(SourceError, owner, f"the ids of {key} must differ", f"{shown(twice)} twice", "Correct the file.")
    return found


def _check_known(owner: str, key: str, objects: list[dict[str, Any]], known: dict[Any, int]) -> None:
    if unknown := [given for given in objects if given[key] not in known]:
        ids = shown(sorted({given[key] for given in unknown}, key=str))
        names = "images" if key == "image_id" else "categories"
        received = f"{len(unknown)} of {len(objects)} that do not, with {key} {ids}"
        fix = f"Add them to {names!r}, or remove those annotations."
        raise refusal(SourceError, owner, f"every annotation's {key} must be among the {names}", received, fix)


def _numbers(values: Any) -> bool:
    """Whether it is a list of numbers that can be coordinates; there may be a hundred million of them."""
    if not isinstance(values, list) or not values or not {*map(type, values)} <= {int, float}:
        return False
    return bool(min(values) > -_FAR and max(values) < _FAR and not math.isnan(sum(values)))


def _segment(given: Any, size: tuple[int, int]) -> Segment:
    if not given:
        return None
    if isinstance(given, dict):
        found = runs(given, size)
        if not found.lengths[1::2].any():
            raise ValueError("an empty mask")
        return found
    if not isinstance(given, list) or not all(
        isinstance(part, np.ndarray) and len(part) > 5 and len(part) % 2 == 0 for part in given
    ):
        raise ValueError("a polygon that is not three or more pairs of finite numbers")
    return joined([part.reshape(-1, 2) for part in given])

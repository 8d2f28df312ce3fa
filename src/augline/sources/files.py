"""Lists of files, with whatever targets belong to them."""

# A data set may list a million files: plain strings, no Path object for each.
# ruff: noqa: PTH109, PTH110, PTH112
from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from augline.errors import ArgumentError, SourceError
from augline.names import with_known_arguments
from augline.sources import remote
from augline.sources.base import FileSource, check_extra_images, no_config
from augline.sources.columns import build
from augline.sources.listing import absent
from augline.sources.refusal import refusal, shown
from augline.sources.waiting import announced

_REMOTE_LOOKED_AT = 16
_Paths = Sequence[str | os.PathLike[str]]


class Files(FileSource):
    """Images from a list of paths.

    Args:
        paths: the files, which must exist; also such that TensorFlow reads, as gs://bucket/a.jpg.
        labels: one per file: class indices, floats (regression), strings (their sorted vocabulary becomes
            `class_names`), or rows of numbers (one-hot, several labels, several outputs).
        masks: one segmentation mask per file: paths, or arrays (height, width[, channels]). Several per file by name:
            `{"classes": [...], "instances": [...]}`; so they come in the batch.
        boxes: one array (n, 4) per file, written as `bounding_box_format` says.
        box_labels: one array (n,) per file, of class indices or strings.
        bounding_box_format: Keras's name: "xyxy", "rel_xyxy", "xywh", "rel_xywh", "center_xywh", "yxyx" or "rel_yxyx".
        polygons: one list per file with an outline (n, 2) per box, x and y as the boxes are measured; boxes are then
            tight however the image is turned. Without `boxes`, those around the polygons are taken.
        keypoints: one array (k, 2) or (k, 3) per file: x, y and visibility (COCO's: 0 is nothing, 1 hidden, 2 visible).
            A point that leaves the image gets visibility 0; its place goes on to be moved.
        keypoint_swaps: pairs of keypoints, by number, that change places in a mirrored image: [(1, 2), ...].
        extra_images: further images of each sample, of its size, by name: `{"right": right_paths}` for stereo pairs or
            before and after. They get the same draws, in geometry and colour, and come under their names in the batch.
        weights: one sample weight per file.
        class_names: fixes the classes and their order.
        color_mode: Keras's "rgb", "rgba" or "grayscale".
        dtype: "uint8", or "uint16" to keep the depth of 16-bit files.
        exif: whether files are turned upright by their EXIF orientation.

    Raises:
        SourceError: files are missing.
        ArgumentError: targets of another length than the paths, or of a kind that makes no sense.

    >>> Files(["a.jpg", "b.jpg"], ["cat", "dog"])         # doctest: +SKIP
    Files(2 images, 2 classes)
    """

    @with_known_arguments
    @announced
    def __init__(
        self,
        paths: _Paths,
        labels: Any = None,
        *,
        masks: Any = None,
        boxes: Any = None,
        box_labels: Any = None,
        bounding_box_format: str = "xyxy",
        polygons: Any = None,
        keypoints: Any = None,
        keypoint_swaps: Sequence[tuple[int, int]] = (),
        extra_images: Mapping[str, _Paths] | None = None,
        weights: Any = None,
        class_names: Sequence[str] | None = None,
        color_mode: str = "rgb",
        dtype: str = "uint8",
        exif: bool = True,
    ) -> None:
        self.paths = path_list("Files", paths)
        self._owner = f"Files({len(self.paths)} paths)"
        self._decode_as(self._owner, color_mode, dtype, exif)
        self.bounding_box_format = bounding_box_format
        self._color_mode = color_mode
        masks = _mask_list(self._owner, masks)
        self.targets, self.class_names = build(
            self._owner,
            len(self.paths),
            labels=labels,
            class_names=class_names,
            weights=weights,
            masks=masks,
            boxes=boxes,
            box_labels=box_labels,
            bounding_box_format=bounding_box_format,
            polygons=polygons,
            keypoints=keypoints,
            keypoint_swaps=keypoint_swaps,
        )
        check_exist(self._owner, self.paths)
        for column in masks.values() if isinstance(masks, dict) else [masks]:
            if isinstance(column, list):
                check_exist(self._owner, [mask for mask in column if isinstance(mask, str)])
        self.extra_images: dict[str, Files] = {
            name: Files(part, color_mode=color_mode, dtype=dtype, exif=exif)
            for name, part in (extra_images or {}).items()
        }
        check_extra_images(self, self._owner, self.extra_images)

    def __repr__(self) -> str:
        classes = "" if self.class_names is None else f", {len(self.class_names)} classes"
        return f"Files({len(self)} images{classes})"

    def config(self) -> dict[str, Any]:
        """All arguments as plain lists."""
        targets, masks = self.targets, self.targets.masks
        for column in () if masks is None else masks.values() if isinstance(masks, dict) else [masks]:
            if not all(isinstance(mask, str) for mask in column):
                raise no_config(self._owner, "masks in memory")
        arguments: dict[str, Any] = {
            "paths": self.paths,
            "masks": _plain_masks(masks),
            "bounding_box_format": self.bounding_box_format,
            "class_names": None if self.class_names is None else list(self.class_names),
            "color_mode": self._color_mode,
            "dtype": self.dtype,
            "exif": self.exif,
        }
        for name in ("labels", "weights"):
            column = getattr(targets, name)
            arguments[name] = None if column is None else column.tolist()
        for name in ("boxes", "box_labels", "keypoints"):
            rows = getattr(targets, name)
            arguments[name] = None if rows is None else [row.tolist() for row in rows]
        if self.extra_images:
            arguments["extra_images"] = {name: part.paths for name, part in self.extra_images.items()}
        if targets.polygons is not None:
            arguments["polygons"] = [[outline.tolist() for outline in row] for row in targets.polygons]
        if targets.keypoint_swaps:
            arguments["keypoint_swaps"] = [list(pair) for pair in targets.keypoint_swaps]
        return {"Files": arguments}


def path_list(owner: str, paths: _Paths) -> list[str]:
    """Paths as strings."""
    if isinstance(paths, (str, bytes, os.PathLike)):
        fix = "Pass a list of paths, or Folder(path) for a folder."
        raise refusal(ArgumentError, owner, "paths must be a list", repr(paths), fix)
    try:
        listed = [path if type(path) is str else str(os.fsdecode(path)) for path in paths]  # NumPy's strings are large
    except TypeError as error:
        raise refusal(ArgumentError, owner, "paths must be strings", str(error), "Pass strings or Paths.") from error
    if not listed:
        raise refusal(SourceError, owner, "there must be images", "an empty list of paths", "Pass at least one.")
    return listed


def check_exist(owner: str, paths: Sequence[str]) -> None:
    """Refuse missing files now rather than in the middle of an epoch; of remote ones, each a journey, a few."""
    far = [path for path in paths if remote.is_remote(path)]
    near = [path for path in paths if not remote.is_remote(path)] if far else paths
    odd = [near[row] for row in absent(near)]
    if folders := [path for path in odd if os.path.isdir(path)]:
        fix = "List the files in them, or pass Folder(path, label_mode=None)."
        raise refusal(SourceError, owner, "paths must be of files", f"{len(folders)} folders: {shown(folders)}", fix)
    missing = [path for path in odd if not os.path.exists(path)]
    missing += [path for path in far[:: max(len(far) // _REMOTE_LOOKED_AT, 1)] if not remote.exists(path)]
    if missing:
        received = f"{len(missing)} of {len(paths)} that do not: {shown(missing)}"
        fix = f"Correct the paths; they are seen from {os.getcwd()!r}."
        raise refusal(SourceError, owner, "every file must exist", received, fix)


def _plain_masks(masks: Any) -> Any:
    if isinstance(masks, dict):
        return {name: list(column) for name, column in masks.items()}
    return None if masks is None else list(masks)


def _mask_list(owner: str, masks: Any) -> Any:
    """A list of path strings and arrays, or several by name; one big array stays what it is."""
    if isinstance(masks, Mapping):
        return {str(name): _mask_list(owner, column) for name, column in masks.items()}
    if masks is None or isinstance(masks, np.ndarray):
        return masks
    if isinstance(masks, (str, bytes, os.PathLike)):
        raise refusal(ArgumentError, owner, "masks must be a list", repr(masks), "Pass one path or array per image.")
    return [os.fsdecode(mask) if isinstance(mask, (str, bytes, os.PathLike)) else np.asarray(mask) for mask in masks]

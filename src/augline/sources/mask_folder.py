"""Images and segmentation masks in folders of their own, paired by name."""

# A data set may list a million files: plain strings, no Path object for each.
# ruff: noqa: PTH100, PTH118
from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from augline.errors import ArgumentError, SourceError
from augline.names import with_known_arguments
from augline.sources.base import FileSource
from augline.sources.labels import checked_names
from augline.sources.listing import by_stem, check_folder, images_below
from augline.sources.refusal import refusal, shown
from augline.sources.targets import Targets
from augline.sources.waiting import announced

_CHECKED_MASKS = 16
_Folder: TypeAlias = str | os.PathLike[str]
_Folders: TypeAlias = str | list[str] | dict[str, str]


class MaskFolder(FileSource):
    """Images with segmentation masks, paired by their paths in the two folders: `a/b.jpg` goes with `a/b.png`.

    Args:
        images: the folder of images; deeper folders count.
        masks: the folder of masks, in which the same deeper folders stand; it may be the same folder where `suffix`
            tells masks from images. Folders by name, `{"liver": "masks/liver", "tumour": "masks/tumour"}`, give several
            masks to each image, as in `Files`: by name in the batch, each of a type and a `mask_fill_value` of its own.
            A list of folders gives one mask, whose channels are those of one channel in the folders, in this order. The
            values are kept, in palette files the palette's indices.
        suffix: what the names of masks have more than those of images, such as "_mask"; other files are passed over.
        class_names: of the mask values 0, 1, ...; the first 16 masks of each folder must keep to them.
        ignore: a mask value that is no class, such as 255.
        color_mode: Keras's "rgb", "rgba" or "grayscale"; of the images.
        dtype: "uint8", or "uint16" to keep the depth of 16-bit images.
        exif: whether images are turned upright by their EXIF orientation; masks never are.

    Raises:
        SourceError: no such folders, images without mask or masks without image, or masks of other values.
        ArgumentError: an argument that makes no sense.

    >>> MaskFolder("photos", "masks", suffix="_mask")     # doctest: +SKIP
    MaskFolder('photos', 'masks', 200 images)
    """

    @with_known_arguments
    @announced
    def __init__(
        self,
        images: str | os.PathLike[str],
        masks: _Folder | Sequence[_Folder] | Mapping[str, _Folder],
        *,
        suffix: str = "",
        class_names: Sequence[str] | None = None,
        ignore: int | None = None,
        color_mode: str = "rgb",
        dtype: str = "uint8",
        exif: bool = True,
    ) -> None:
        self.images = os.fspath(images)
        self.masks = _plain(masks)
        self._owner = f"MaskFolder({self.images!r}, {self.masks!r})"
        self._decode_as(self._owner, color_mode, dtype, exif)
        self.ignore = ignore
        self._arguments = {"suffix": suffix, "color_mode": color_mode}
        self.class_names = None if class_names is None else checked_names(self._owner, class_names)
        named = self.masks.values() if isinstance(self.masks, dict) else self.masks
        folders = [self.masks] if isinstance(self.masks, str) else list(named)
        self._check_folders(folders, suffix)
        self.paths, columns = self._paired(folders, suffix)
        for column in columns if self.class_names is not None else ():
            self._check_values(column[:_CHECKED_MASKS])
        self.targets = Targets(masks=_arranged(self.masks, columns))

    def __repr__(self) -> str:
        classes = "" if self.class_names is None else f", {len(self.class_names)} classes"
        return f"{self._owner[:-1]}, {len(self)} images{classes})"

    def config(self) -> dict[str, Any]:
        """The arguments; the folders are paired anew."""
        names = None if self.class_names is None else list(self.class_names)
        arguments = {"images": self.images, "masks": self.masks, **self._arguments, "class_names": names}
        return {"MaskFolder": {**arguments, "ignore": self.ignore, "dtype": self.dtype, "exif": self.exif}}

    def _check_folders(self, folders: list[str], suffix: str) -> None:
        if not folders:
            fix = "Pass a folder, several by name, {'name': folder}, or a list of them."
            raise refusal(ArgumentError, self._owner, "there must be masks", "no folder", fix)
        check_folder(self._owner, "images", self.images)
        for folder in folders:
            check_folder(self._owner, "masks", folder)
            if not suffix and os.path.abspath(folder) == os.path.abspath(self.images):
                rule, fix = "images and masks in one folder need a suffix to tell them apart", "Pass suffix='_mask'."
                raise refusal(ArgumentError, self._owner, rule, "suffix=''", fix)

    def _paired(self, folders: list[str], suffix: str) -> tuple[list[str], list[list[str]]]:
        """The images' paths, and per folder those of their masks."""
        columns = [by_stem(self._owner, folder, images_below(self._owner, folder), suffix) for folder in folders]
        photos, near = images_below(self._owner, self.images), [_overlap(folder, self.images) for folder in folders]
        masks = {os.path.abspath(path) for column in compress(columns, near) for path in column.values()}
        photos = [path for path in photos if os.path.abspath(path) not in masks] if masks else photos
        images = by_stem(self._owner, self.images, photos)
        for folder, column in zip(folders, columns, strict=True):
            named = f"in {folder!r} with suffix={suffix!r}" if suffix else f"in {folder!r}"
            self._check_pairs(
                "image", "mask", list(images.values()), [images[key] for key in images if key not in column], named
            )
            self._check_pairs(
                "mask",
                "image",
                list(column.values()),
                [column[key] for key in column if key not in images],
                f"in {self.images!r}",
            )
        return list(images.values()), [[column[key] for key in images] for column in columns]

    def _check_pairs(self, one: str, other: str, all_: list[str], lone: list[str], where: str) -> None:
        if lone or not all_:
            rule = f"every {one} must have a{'n' if other == 'image' else ''} {other} of its name {where}"
            received = f"{len(lone)} of {len(all_)} that have none: {shown(lone)}" if lone else f"no {one}"
            fix = "Add what is missing, move those files away, or pass the suffix of the masks' names."
            raise refusal(SourceError, self._owner, rule, received, fix)

    def _check_values(self, paths: list[str]) -> None:
        classes = len(self.class_names or ())
        for path in paths:
            mask = _read(path)
            known = (mask < classes) | (mask == self.ignore) if self.ignore is not None else mask < classes
            if mask.ndim != 2 or mask.dtype.kind not in "bui" or not known.all():
                rule = f"masks must hold the values 0 to {classes - 1} of the {classes} class_names"
                rule += f", or ignore={self.ignore}" if self.ignore is not None else ""
                values = shown(np.unique(mask[~known]).tolist(), 5) if mask.ndim == 2 else f"{mask.shape[2]} channels"
                fix = "Convert the masks (a JPEG does not keep its values), name more classes, or pass ignore=255."
                raise refusal(SourceError, self._owner, rule, f"{values} in {path!r}", fix)


def _overlap(one: str, other: str) -> bool:
    """Whether a folder is another, or lies in it, or has it within."""
    paths = sorted(os.path.join(os.path.abspath(folder), "") for folder in (one, other))
    return paths[1].startswith(paths[0])


def _plain(masks: Any) -> _Folders:
    if isinstance(masks, Mapping):
        return {str(name): os.fspath(folder) for name, folder in masks.items()}
    return os.fspath(masks) if isinstance(masks, (str, os.PathLike)) else [os.fspath(folder) for folder in masks]


def _arranged(folders: _Folders, columns: list[list[str]]) -> Any:
    """The masks of all images as the folders were given: one each, several by name, or the channels of one."""
    if isinstance(folders, dict):
        return dict(zip(folders, columns, strict=True))
    return columns[0] if isinstance(folders, str) else [Layers(paths) for paths in zip(*columns, strict=True)]


@dataclass(frozen=True)
class Layers:
    """A mask (height, width, n) whose channels lie in files of their own; an array when read."""

    paths: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, n), from the header of the first file."""
        from PIL import Image

        with Image.open(self.paths[0]) as file:
            return file.height, file.width, len(self.paths)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        layers = [_read(path) for path in self.paths]
        kinds = {(layer.shape, layer.dtype.name) for layer in layers}
        if len(kinds) > 1 or layers[0].ndim != 2:
            received = ", ".join(
                f"{layer.shape} {layer.dtype} in {path!r}" for layer, path in zip(layers, self.paths, strict=True)
            )
            rule = "the masks of an image must have one channel, one size and one type"
            raise refusal(ArgumentError, "MaskFolder", rule, received, "Convert them.")
        return np.stack(layers, axis=-1).astype(dtype or layers[0].dtype, copy=False)


def _read(path: str) -> NDArray[Any]:
    from PIL import Image

    try:
        with Image.open(path) as file:
            return np.asarray(file)
    except OSError as error:
        fix = "Replace the file."
        raise refusal(
            SourceError, "MaskFolder", "every mask must be a readable image", f"{path!r}: {error}", fix
        ) from error

"""Images in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from augline.errors import ArgumentError, SourceError
from augline.names import with_known_arguments
from augline.sources.base import VALUE_RANGES, Source, check_extra_images, no_config
from augline.sources.columns import build
from augline.sources.refusal import check_channels_last, refusal, shown

_Images: TypeAlias = NDArray[Any] | Sequence[NDArray[Any]]
LOOKED_AT = 64
_SMALL = 1 << 15  # bytes of an image


class Arrays(Source):
    """Images held in an array, a memory map, or a list of arrays of different sizes. Nothing is copied.

    The exceptions: float64 and float16 are converted to float32 once, and so is what is no NumPy array.

    Args:
        images: (N, height, width, channels) or (N, height, width), or a list of (height, width[, channels]);
            uint8, uint16 or float32. Videos are (N, time, height, width, channels), or a list of such with one length:
            all frames of a video share its draws. Masks and keypoints are (N, time, ...) then; boxes, their labels and
            polygons one list per video with an entry per frame.
        labels: as in `Files`; also `masks`, `boxes`, `box_labels`, `bounding_box_format`, `polygons`, `keypoints`,
            `keypoint_swaps`, `weights`.
        extra_images: as in `Files`, of arrays.
        value_range: what black and white are in floating-point images, (0, 1) by default; 64 images, spread over
            all, must keep to it. Integers use their type's range.
        class_names: fixes the classes and their order.

    Raises:
        ArgumentError: images of a shape, type or range that cannot be taken, or targets of another length.
        SourceError: no images.

    >>> Arrays(np.zeros((6, 32, 48, 3), np.uint8), labels=[0, 1, 2, 0, 1, 2])
    Arrays(6 images, 32x48x3 uint8)
    """

    @with_known_arguments
    def __init__(
        self,
        images: Any,
        labels: Any = None,
        *,
        masks: Any = None,
        boxes: Any = None,
        box_labels: Any = None,
        bounding_box_format: str = "xyxy",
        polygons: Any = None,
        keypoints: Any = None,
        keypoint_swaps: Sequence[tuple[int, int]] = (),
        weights: Any = None,
        extra_images: Mapping[str, Any] | None = None,
        value_range: tuple[float, float] | None = None,
        class_names: Sequence[str] | None = None,
    ) -> None:
        self.images: NDArray[Any] | list[NDArray[Any]]
        self.images = _list(images) if isinstance(images, (list, tuple)) else _stack(np.asanyarray(images))
        first = self.images[0]
        check_channels_last(_OWNER, first.shape)
        self.channels, self.dtype, self.lead = first.shape[-1], first.dtype.name, first.shape[:-3]
        self.size = _common_size(self.images)
        self.value_range = checked_range(_OWNER, self.images, self.dtype, value_range)
        self.bounding_box_format = bounding_box_format
        self.targets, self.class_names = build(
            "Arrays(images)",
            len(self.images),
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
            sizes=np.asarray([image.shape[-3:-1] for image in self.images]),
            lead=self.lead,
        )
        self.extra_images = {name: Arrays(part, value_range=value_range) for name, part in (extra_images or {}).items()}
        check_extra_images(self, _OWNER, self.extra_images)

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        size = "various sizes, " if self.size is None else f"{self.size[0]}x{self.size[1]}x{self.channels} "
        what = f"videos of {self.lead[0]} frames" if self.lead else "images"
        return f"Arrays({len(self)} {what}, {size}{self.dtype})"

    def read(self, index: int) -> NDArray[Any]:
        """The image, a view of what was passed."""
        return self.images[index]

    def stack(self, indices: NDArray[np.int64]) -> NDArray[Any] | None:
        """A copy of small images, which costs less than a view of each."""
        if isinstance(self.images, list) or self.lead or self.images[0].nbytes > _SMALL:
            return None
        return np.asarray(self.images[indices])

    def name(self, index: int) -> str:
        """`images[17]`."""
        return f"images[{index}]"

    def config(self) -> dict[str, Any]:
        """Refused: arrays do not go into a configuration file.

        Raises:
            SpecError: always.
        """
        raise no_config(repr(self), "images in memory")


_OWNER = "Arrays(images)"
_DTYPES = ("uint8", "uint16", "float32")


def _stack(images: NDArray[Any]) -> NDArray[Any]:
    if images.dtype == object:
        received = f"{type(images[()]).__name__}" if images.ndim == 0 else f"an array of objects, {images.shape}"
        fix = "Pass a list of arrays, list(images)."
        raise refusal(ArgumentError, _OWNER, "images must be an array, or a list of arrays", received, fix)
    if images.ndim == 3 and images.shape[-1] <= 4:
        rule = "images must be (N, height, width, channels) or (N, height, width)"
        fix = "For one image pass images[None]; for images so narrow pass images[..., None]."
        raise refusal(ArgumentError, _OWNER, rule, f"shape {images.shape}, which looks like one image", fix)
    if images.ndim not in (3, 4, 5):
        rule = "images must be (N[, time], height, width, channels) or (N, height, width)"
        raise refusal(ArgumentError, _OWNER, rule, f"shape {images.shape}", "Reshape them, or pass a list of arrays.")
    if 0 in images.shape:
        raise refusal(SourceError, _OWNER, "there must be images and pixels", f"shape {images.shape}", "Pass some.")
    images = _of_known_dtype(images)
    return images[..., None] if images.ndim == 3 else images


def _list(images: Sequence[Any]) -> list[NDArray[Any]]:
    """Images of different sizes, of one dtype and one number of channels."""
    arrays = [np.asanyarray(image) for image in images]
    if not arrays:
        raise refusal(SourceError, _OWNER, "there must be images", "an empty list", "Pass at least one.")
    for index, array in enumerate(arrays):
        if array.ndim not in (2, 3, 4) or 0 in array.shape:
            rule = "each image must be (height, width[, channels]), each video (time, height, width, channels)"
            raise refusal(ArgumentError, _OWNER, rule, f"shape {array.shape} at images[{index}]", "Reshape it.")
    arrays = [_of_known_dtype(array[..., None] if array.ndim == 2 else array) for array in arrays]
    kinds = {(array.dtype.name, array.shape[-1], array.shape[:-3]) for array in arrays}
    if len(kinds) > 1:
        texts = (f"{kind} with {c} channels{f' and {n[0]} frames' if n else ''}" for kind, c, n in sorted(kinds))
        received, rule = shown(texts, 4), "all images must have one dtype and one number of channels, and of frames"
        raise refusal(ArgumentError, _OWNER, rule, received, "Convert them to one kind.")
    return arrays


def _of_known_dtype(images: NDArray[Any]) -> NDArray[Any]:
    if images.dtype.name in _DTYPES and images.dtype.isnative:
        return images
    if images.dtype.kind == "f":
        return images.astype(np.float32)
    if images.dtype == np.dtype(np.uint16).newbyteorder():
        return images.astype(np.uint16)
    fix = "Use images.astype('uint8') for values 0 to 255, or astype('float32') with value_range=."
    raise refusal(ArgumentError, _OWNER, "images must be uint8, uint16 or float32", f"{images.dtype}", fix)


def _common_size(images: NDArray[Any] | list[NDArray[Any]]) -> tuple[int, int] | None:
    if isinstance(images, np.ndarray):
        return images.shape[-3], images.shape[-2]
    sizes = {image.shape[-3:-1] for image in images}
    return sizes.pop() if len(sizes) == 1 else None


def checked_range(
    owner: str, images: _Images, dtype: str, value_range: tuple[float, float] | None
) -> tuple[float, float]:
    """What black and white are in images of a type; floating-point images, some of many, are held against it."""
    default = VALUE_RANGES[dtype]
    low, high = default if value_range is None else (float(value_range[0]), float(value_range[1]))
    if dtype != "float32":
        if (low, high) != default:
            rule, fix = f"{dtype} images range over {default}", "Leave value_range out, or convert to float32."
            raise refusal(ArgumentError, owner, rule, f"value_range={value_range}", fix)
        return default
    if not low < high:
        fix = "Pass (black, white)."
        raise refusal(ArgumentError, owner, "value_range must rise", f"value_range={value_range}", fix)
    _check_values(owner, images, low, high)
    return low, high


def _check_values(owner: str, images: _Images, low: float, high: float) -> None:
    places = np.linspace(0, len(images) - 1, min(len(images), LOOKED_AT)).astype(int).tolist()
    lows, highs = (np.array([float(getattr(images[place], kind)()) for place in places]) for kind in ("min", "max"))
    if not (finite := np.isfinite(lows) & np.isfinite(highs)).all():
        fix = f"Fill it, with np.nan_to_num(images, nan={low:g}) for example."
        received = f"NaN or infinity in image {places[int(finite.argmin())]}"
        raise refusal(ArgumentError, owner, "floating-point images must be finite", received, fix)
    least, most = lows.min(), highs.max()
    slack = 1e-4 * (high - low)  # for images that were resized with a filter that rings a little
    if least >= low - slack and most <= high + slack:
        return
    fitting = next(
        (pair for pair in ((0, 1), (-1, 1), (0, 255), (0, 65535)) if pair[0] <= least and most <= pair[1]), None
    )
    fix = f"Pass value_range={fitting}." if fitting else "Rescale the images, or pass value_range=(black, white)."
    rule = f"floating-point images must lie in value_range ({low:g}, {high:g})"
    raise refusal(ArgumentError, owner, rule, f"values from {least:g} to {most:g}", fix)

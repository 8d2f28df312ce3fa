"""Warps on OpenCV: each sample takes the cheapest kernel that gives the same pixels as the matrix."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from augline.engines.opencv.blocks import shrink
from augline.engines.opencv.channels import FOUR_ARE_FASTER, Image, by_groups, most_channels, passes, scratch
from augline.errors import EngineError
from augline.plan import matrices
from augline.plan.frame import Extent
from augline.plan.stages import Fill, Warp

Step = Callable[[int, Image, "Image | None"], Image]
"""`(index, image, out)`: one stage on one sample, into `out` where given and possible; returns the result."""

BORDERS = {
    "constant": cv2.BORDER_CONSTANT,
    "nearest": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT,
    "mirror": cv2.BORDER_REFLECT_101,
    "wrap": cv2.BORDER_WRAP,
}
_CARRIERS = {1: np.uint8, 2: np.uint16, 4: np.int32, 8: np.int32}
"""Types that carry the bits of others through "nearest", by size: cv2 moves some of those wrongly, without a word."""

_NUDGE = 2.0**-13
"""Of a pixel: some "nearest" kernels of cv2 round halves up, others to even; shifted by this, all round them up."""

_WORTH_FOUR = 3 * 48 * 48
"""Values in an image from which a fourth channel saves more time than adding it takes, where images go in one loop."""

_LIMIT = 32_767  # cv2 addresses warp sources with signed 16-bit coordinates


class WarpStep:
    """How each sample of a batch is resampled.

    Args:
        stage: The warp.
        factors: `(batch, 2)` shrink factors (y, x) it asks for, or None.
        decoded: `(batch, 2)` factors that the images that come in have been shrunk by already.
        fill: The constant outside, in the images' own values, one per channel.
        dtype: Of the images.
    """

    def __init__(
        self, stage: Warp, factors: Image | None, decoded: NDArray[np.int64], fill: tuple[float, ...], dtype: str
    ) -> None:
        rest = np.ones_like(decoded) if factors is None else np.maximum(factors // decoded, 1)
        matrix = _for_small(stage.total, rest * decoded)
        self._displacement = _Displacement(stage, _for_small(stage.matrix, rest * decoded)) if stage.field else None
        extent = np.stack([stage.extent.height, stage.extent.width], axis=-1)
        self._sizes = _sizes(stage.extent)
        self._windows = _windows(matrix, extent)
        self._projective = np.any(np.abs(matrix[:, 2, :2]) > 1e-12, axis=1).tolist()
        self._blocks: list[list[int]] = rest.tolist()
        rows = zip(self._windows, self._projective, self._blocks, strict=True)
        self._single = [w is None and not p and b == [1, 1] and not stage.field for w, p, b in rows]
        self._linear = stage.resamples and stage.interpolation == "bilinear"
        self._matrix = matrix / matrix[:, 2:, 2:]
        if not self._linear:
            self._matrix = self._matrix + _NUDGE * self._matrix[:, 2:] * [[1], [1], [0]]
        self._flags = (cv2.INTER_LINEAR if self._linear else cv2.INTER_NEAREST) | cv2.WARP_INVERSE_MAP
        self._mode = stage.fill.mode
        self._by_four = FOUR_ARE_FASTER and self._linear and dtype == "uint8" and len(fill) == 3
        carrier = _CARRIERS[np.dtype(dtype).itemsize]
        self._bits = None if self._linear or dtype == np.dtype(carrier) else carrier
        self._fill = fill if self._bits is None else tuple(np.asarray(fill).astype(dtype).view(self._bits).tolist())

    def __call__(self, index: int, image: Image, out: Image | None) -> Image:
        """One sample, into `out` where given."""
        if self._bits is not None:  # "nearest" moves pixels whole, so their bits can travel as another type
            moved = self._warped(
                index, np.ascontiguousarray(image).view(self._bits), out if out is None else out.view(self._bits)
            )
            return moved.view(image.dtype)
        return self._warped(index, image, out)

    def many(self, first: int, images: Image, outs: Image) -> None:
        """Samples from number `first` on: one kernel call, and hardly anything else, where that is all it takes."""
        whole = len(passes(images.shape[3], most_channels(images.dtype, False))) == 1 < images.shape[3]
        last = first + len(images)
        whole &= not (self._by_four and images[0].size >= _WORTH_FOUR)
        if self._bits is None and whole and max(images.shape[1:3]) <= _LIMIT and all(self._single[first:last]):
            self._loop(first, images, outs)
            return
        for index, (image, out) in enumerate(zip(images, outs, strict=True), first):
            result = self(index, image, out)
            if not np.may_share_memory(result, out):
                np.copyto(out, result)

    def _loop(self, first: int, images: Image, outs: Image) -> None:
        warp_affine, matrices, border, fill = cv2.warpAffine, self._matrix[:, :2], BORDERS[self._mode], self._fill
        for index, (image, out) in enumerate(zip(images, outs, strict=True), first):
            warp_affine(image, matrices[index], self._sizes[index], out, self._flags, border, fill)

    def _warped(self, index: int, image: Image, out: Image | None) -> Image:
        if self._blocks[index] != [1, 1]:
            image = shrink(image, *self._blocks[index])
        window, size = self._windows[index], self._sizes[index]
        border, fill = BORDERS[self._mode], self._fill
        if self._displacement is not None and self._displacement.acts(index):
            if max(*image.shape[:2], *size) >= _LIMIT:
                raise _too_large(max(image.shape[:2], size[::-1], key=max), _LIMIT - 1)
            places, kind = self._displacement.places(index, size), self._flags & ~cv2.WARP_INVERSE_MAP
            return by_groups(
                image, out, size,
                lambda part, dst, first: cv2.remap(part, *places, kind, dst, border, fill[first : first + 4]),
            )  # fmt: skip
        if window is not None:
            done = _window(image, window, size, out, self._linear, self._mode)
            if done is not None:
                return done
        if max(image.shape[:2]) > _LIMIT:
            raise _too_large(image.shape)
        kernel = cv2.warpPerspective if self._projective[index] else cv2.warpAffine
        matrix = self._matrix[index] if self._projective[index] else self._matrix[index, :2]
        if self._by_four:
            four = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA, dst=scratch(0, image.shape[:2]))
            done = kernel(four, matrix, size, scratch(1, size[::-1]), self._flags, border, (*fill[:3], 0))
            return np.asarray(cv2.cvtColor(done, cv2.COLOR_RGBA2RGB, dst=out))
        return by_groups(
            image, out, size,
            lambda part, dst, first: kernel(part, matrix, size, dst, self._flags, border, fill[first : first + 4]),
            most_channels(image.dtype, self._projective[index]),
        )  # fmt: skip


def _sizes(extent: Extent) -> list[tuple[int, int]]:
    """(width, height) of each sample, as cv2 wants them."""
    if extent.static is not None:
        return [(extent.static[1], extent.static[0])] * len(extent.height)
    return list(zip(extent.width.astype(int).tolist(), extent.height.astype(int).tolist(), strict=True))


class _Displacement:
    """Where the pixels of each sample read that a field displaces.

    Args:
        stage: A warp with a field.
        matrix: `(batch, 3, 3)`, displaced place to a pixel of the image as it comes.
    """

    def __init__(self, stage: Warp, matrix: Image) -> None:
        field = stage.field
        assert field is not None
        self._field, self._matrix = field, matrix
        self._active = None if field.active is None else field.active.tolist()
        same = np.all(np.abs(field.outer - np.eye(3)) < 1e-12, axis=(1, 2))
        same &= (field.extent.height == stage.extent.height) & (field.extent.width == stage.extent.width)
        self._in_place: list[bool] = same.tolist()

    def acts(self, index: int) -> bool:
        """Whether the sample is displaced at all."""
        return self._active is None or bool(self._active[index])

    def places(self, index: int, size: tuple[int, int]) -> tuple[Image, Image]:
        """Places x and y in the image for each output pixel, float32 `(height, width)`."""
        dx, dy = self._moved(index)
        x, y = _grid(*size)
        if self._in_place[index]:
            x, y = x + dx, y + dy
        else:
            x, y = _through(self._field.outer[index], x, y)
            dx, dy = (cv2.remap(d, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for d in (dx, dy))
            x, y = x + dx, y + dy
        return _through(self._matrix[index], x, y)

    def _moved(self, index: int) -> tuple[Image, Image]:
        extent = self._field.extent
        shape = (int(extent.height[index]), int(extent.width[index]))
        x, y = _grid(shape[1], shape[0])
        params = tuple(p[index : index + 1] for p in self._field.params)
        moved = self._field.function(np, x[None, :1, :].astype(np.float64), y[None, :, :1].astype(np.float64), *params)
        dx, dy = (np.ascontiguousarray(np.broadcast_to(d[0], shape), np.float32) for d in moved)
        return dx, dy


@lru_cache(maxsize=32)
def _grid(width: int, height: int) -> tuple[Image, Image]:
    """Coordinates x and y of every pixel, float32 `(height, width)`."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return x, y


def _through(m: Image, x: Image, y: Image) -> tuple[Image, Image]:
    """Places through a matrix, float32."""
    if np.array_equal(m, np.eye(3)):
        return x, y
    m = m.astype(np.float32)
    u, v = (m[k, 0] * x + m[k, 1] * y + m[k, 2] for k in (0, 1))
    if m[2, 0] or m[2, 1]:
        w = m[2, 0] * x + m[2, 1] * y + m[2, 2]
        seen = w > 1e-9
        u, v = (np.where(seen, t / np.where(seen, w, 1), np.float32(-1e6)) for t in (u, v))
    return u, v


def fill_values(fill: Fill, scale: tuple[float, ...], offset: tuple[float, ...], channels: int) -> tuple[float, ...]:
    """The constant fill in the values of the images, one per channel."""
    values = fill.value * channels if len(fill.value) == 1 else fill.value
    scales, offsets = (v * channels if len(v) == 1 else v for v in (scale, offset))
    return tuple(v * s + o for v, s, o in zip(values, scales, offsets, strict=True))


def _for_small(matrix: Image, factor: Image) -> Image:
    """Matrices that read an image shrunk by `factor` (y, x) where `matrix` read the full one."""
    if (factor == 1).all():
        return matrix
    return np.asarray(matrices.resized(np, len(matrix), 1 / factor[:, 0], 1 / factor[:, 1]) @ matrix)


Window = tuple[int, int, int, int, bool, bool, bool, bool]


def _windows(matrix: Image, extent: Image) -> list[Window | None]:
    """(top, bottom, left, right, flip_y, flip_x, enlarges_y, enlarges_x) where a sample reads a whole-pixel window.

    Along one axis `in = a * out + c`; the outer edges of the first and last output pixel fall on `c + (1 - a) / 2` and
    `a * size` further. Where both are whole numbers, a plain resize of that window reads the same points.
    """
    straight = (np.abs(matrix[:, [0, 1, 2, 2], [1, 0, 0, 1]]) < 1e-9).all(axis=1)
    a, c = matrix[:, [1, 0], [1, 0]], matrix[:, [1, 0], [2, 2]]
    start = c + (1 - a) / 2
    ends = np.stack([start, start + a * extent], axis=-1)
    whole = np.round(ends)
    straight &= (np.abs(ends - whole) < 1e-6).all(axis=(1, 2))
    low, high = whole.min(axis=-1).astype(int), whole.max(axis=-1).astype(int)
    flips, enlarges = a < 0, np.abs(a) < 1 - 1e-9
    windows: list[Window | None] = [None] * len(matrix)
    for k in np.flatnonzero(straight).tolist():
        (top, left), (bottom, right) = low[k].tolist(), high[k].tolist()
        windows[k] = (top, bottom, left, right, *flips[k].tolist(), *enlarges[k].tolist())
    return windows


def _window(image: Image, window: Window, size: tuple[int, int], out: Image | None, linear: bool,
            mode: str) -> Image | None:  # fmt: skip
    """Copies, flips or resizes a window of the image; None where that would not read the same pixels as the warp."""
    top, bottom, left, right, flip_y, flip_x, enlarges_y, enlarges_x = window
    height, width = image.shape[:2]
    if top < 0 or left < 0 or bottom > height or right > width:
        return None
    copies = (bottom - top, right - left) == (size[1], size[0])
    if not copies:
        if not linear:
            return None
        # an enlarged window looks half a pixel past its edge, where a resize repeats the edge pixel
        edge_repeats = mode in ("nearest", "reflect")
        if (enlarges_y and not (edge_repeats and top == 0 and bottom == height)) or (
            enlarges_x and not (edge_repeats and left == 0 and right == width)
        ):
            return None
    view = image[top:bottom, left:right]
    code = {(True, True): -1, (True, False): 0, (False, True): 1}.get((flip_y, flip_x))
    if not copies:
        target = None if code is not None else out
        view = by_groups(
            view, target, size, lambda part, dst, _: cv2.resize(part, size, dst=dst, interpolation=cv2.INTER_LINEAR)
        )
    if code is not None:
        flip_code = code
        return by_groups(view, out, size, lambda part, dst, _: cv2.flip(part, flip_code, dst=dst))
    if copies and out is not None:
        np.copyto(out, view)
        return out
    return view


def _too_large(shape: tuple[int, ...], limit: int = _LIMIT) -> EngineError:
    return EngineError(
        f"engine 'opencv': it warps images of at most {limit} pixels a side. Received {shape[0]} x {shape[1]}. "
        "Cut the image up, or use engine='reference'."
    )

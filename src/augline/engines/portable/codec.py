"""JPEG and back as arithmetic: colour transform, halved chroma, 8 x 8 cosine transform, quantization (ITU-T T.81)."""

from __future__ import annotations

import math

from augline.arrays import Array, Namespace, shape_of
from augline.engines.portable.warp import fold
from augline.plan.local import Codec

# Annex K.1 of T.81: luminance and chrominance at quality 50.
_LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55), (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62), (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99),
)  # fmt: skip
_CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99), (18, 21, 26, 66, 99, 99, 99, 99), (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99), (99,) * 8, (99,) * 8, (99,) * 8, (99,) * 8,
)  # fmt: skip
_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


def jpeg(xp: Namespace, images: Array, stage: Codec) -> Array:
    """Images as they come back from a JPEG of their sample's quality; alpha, and channels beyond, stay."""
    colours = 3 if int(images.shape[3]) >= 3 else 1
    levels = xp.round(xp.clip(images[..., :colours], min=0.0, max=1.0) * 255)
    if colours == 3:
        planes = levels @ xp.matrix_transpose(xp.asarray(_TO_YCC, dtype=levels.dtype))
        luma = _coded(xp, xp.round(planes[..., 0]) - 128, stage.quality, _LUMINANCE) + 128
        chroma = [_halved(xp, planes[..., k], stage.quality) for k in (1, 2)]
        levels = xp.stack([luma, *chroma], axis=-1) @ xp.matrix_transpose(xp.asarray(_TO_RGB, dtype=levels.dtype))
    else:
        levels = (_coded(xp, levels[..., 0] - 128, stage.quality, _LUMINANCE) + 128)[..., None]
    decoded = xp.clip(xp.round(levels), min=0.0, max=255.0) / 255
    result = xp.concat([decoded, images[..., colours:]], axis=-1)
    return xp.where((stage.quality > 0)[:, None, None, None], result, images)


def _halved(xp: Namespace, plane: Array, quality: Array) -> Array:
    """Chroma at half the size: means of 2 x 2 pixels; enlarged again with weights 3 : 1 to the nearer ones."""
    _, height, width = shape_of(xp, plane)
    even = _filled(xp, plane, 2)
    small = (even[:, ::2, ::2] + even[:, 1::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, 1::2]) / 4
    small = _coded(xp, xp.round(small), quality, _CHROMINANCE)
    return _doubled(xp, _doubled(xp, small, 1), 2)[:, :height, :width]


def _doubled(xp: Namespace, plane: Array, axis: int) -> Array:
    n = shape_of(xp, plane)[axis]
    before, after = (xp.take(plane, fold(xp, xp.arange(n) + k, n, "nearest"), axis=axis) for k in (-1, 1))
    pair = xp.stack([(3 * plane + before) / 4, (3 * plane + after) / 4], axis=axis + 1)
    shape = [2 * n if k == axis else side for k, side in enumerate(shape_of(xp, plane))]
    return xp.reshape(pair, tuple(shape))


def _coded(xp: Namespace, plane: Array, quality: Array, table: tuple[tuple[int, ...], ...]) -> Array:
    """A plane `(batch, height, width)` cut into blocks, transformed, rounded to multiples of the table, and back."""
    batch, height, width = shape_of(xp, plane)
    full = _filled(xp, plane, 8)
    rows, columns = (side // 8 for side in shape_of(xp, full)[1:])
    blocks = xp.permute_dims(xp.reshape(full, (batch, rows, 8, columns, 8)), (0, 1, 3, 2, 4))
    cosine = xp.asarray(
        [
            [math.sqrt((1 if k == 0 else 2) / 8) * math.cos((2 * n + 1) * k * math.pi / 16) for n in range(8)]
            for k in range(8)
        ],
        dtype=plane.dtype,
    )
    back = xp.matrix_transpose(cosine)
    steps = xp.astype(_steps(xp, quality, table), plane.dtype)[:, None, None, :, :]
    coded = xp.round(cosine @ blocks @ back / steps) * steps
    blocks = xp.clip(xp.round(back @ coded @ cosine), min=-128.0, max=127.0)
    whole = xp.reshape(xp.permute_dims(blocks, (0, 1, 3, 2, 4)), (batch, rows * 8, columns * 8))
    return whole[:, :height, :width]


def _steps(xp: Namespace, quality: Array, table: tuple[tuple[int, ...], ...]) -> Array:
    """The scaling of libjpeg: 5000 / quality per cent below 50, 200 - 2 quality above."""
    q = xp.clip(xp.astype(quality, xp.float64), min=1.0, max=100.0)
    scale = xp.where(q < 50, xp.floor(5000 / q), 200 - 2 * q)[:, None, None]
    return xp.clip(xp.floor((xp.asarray(table, dtype=xp.float64) * scale + 50) / 100), min=1.0, max=255.0)


def _filled(xp: Namespace, plane: Array, multiple: int) -> Array:
    """The plane with its last row and column repeated up to whole blocks."""
    _, height, width = shape_of(xp, plane)
    rows = fold(xp, xp.arange(-(-height // multiple) * multiple), height, "nearest")
    columns = fold(xp, xp.arange(-(-width // multiple) * multiple), width, "nearest")
    return xp.take(xp.take(plane, rows, axis=1), columns, axis=2)

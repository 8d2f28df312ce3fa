"""Colour images of 8 bits with each pixel in one number, as compilers for CPUs want them.

XLA makes of a warp one loop over the numbers that come out. Over channels it would find each place three times, and
load twelve numbers; over packed pixels it finds it once, and loads four.
"""

from __future__ import annotations

from collections.abc import Sequence

from augline.arrays import Array, Namespace
from augline.engines.portable.warp import Planes, View, places, read_planes
from augline.plan.stages import Warp

CHANNELS = 3
_BITS = 10
_LARGEST = 2**_BITS - 1
UNITS = 3
"""A warp gives levels in units of a third, rounded. To round these to whole levels is the same as to round once."""


def pack(xp: Namespace, pixels: Array) -> Array:
    """`(..., 3)` whole numbers up to 1023 as `(...)` uint32."""
    return _joined(xp, [pixels[..., k] for k in range(CHANNELS)])


def _joined(xp: Namespace, parts: Sequence[Array]) -> Array:
    joined: Array = sum(xp.astype(part, xp.int32) * 2 ** (k * _BITS) for k, part in enumerate(parts))
    return xp.astype(joined, xp.uint32)


def unpack(xp: Namespace, packed: Array) -> Array:
    """`(..., 3)` float32."""
    shifts = xp.asarray([k * _BITS for k in range(CHANNELS)], dtype=xp.int32)
    return xp.astype(xp.bitwise_right_shift(xp.astype(packed, xp.int32)[..., None], shifts) & _LARGEST, xp.float32)


def warp(xp: Namespace, images: Array, stage: Warp, view: View | None, units: int) -> Array:
    """Every output pixel from the place its matrix says, `(batch, height, width)` packed in `UNITS`.

    Args:
        xp: Array namespace.
        images: Packed pixels: `(batch, height, width)`, or `(pixels,)` of a strip.
        stage: With a static extent, and float32 numbers.
        view: Which part of its image each array shows; None where it is the image.
        units: In how many parts of a level the images are given.
    """

    def split(found: Array) -> list[Array]:
        found = xp.astype(found, xp.int32)  # had they been of this type all along, XLA would store what it loads first
        parts = (xp.bitwise_right_shift(found, k * _BITS) for k in range(CHANNELS))
        return [xp.astype(part & _LARGEST, xp.float32) for part in parts]

    def outside(found: list[Array], inside: Array) -> list[Array]:
        values = stage.fill.value * (CHANNELS if len(stage.fill.value) == 1 else 1)
        return [xp.where(inside, part, value * (255 * units)) for part, value in zip(found, values, strict=True)]

    assert stage.extent.static is not None
    x, y = places(xp, stage.matrix, stage.extent.static, stage.field)
    planes = Planes(split, outside)
    found = read_planes(xp, images, x, y, stage.interpolation, stage.fill, view, planes)
    return sum(xp.astype(xp.round(part * (UNITS / units)), xp.int32) * 2 ** (k * _BITS) for k, part in enumerate(found))

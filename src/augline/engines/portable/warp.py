"""Reading pixels through matrices, from an array of images of one size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from augline.arrays import Array, Namespace, remainder, rows_of, shape_of
from augline.plan.frame import Extent
from augline.plan.plan import mapped
from augline.plan.stages import Field, Fill, Interpolation


def shrink(xp: Namespace, images: Array, factor_y: int, factor_x: int) -> Array:
    """Means of `factor_y` x `factor_x` blocks from the top left; the last row and column are repeated to fill up.

    A small pixel's centre lies at `(x_small + 0.5) * factor - 0.5`.
    """
    _, height, width, _ = images.shape
    rows = xp.clip(xp.arange(-(-height // factor_y) * factor_y), max=height - 1)
    columns = xp.clip(xp.arange(-(-width // factor_x) * factor_x), max=width - 1)
    images = xp.take(xp.take(images, rows, axis=1), columns, axis=2)
    batch, height, width, channels = images.shape
    blocks = xp.reshape(images, (batch, height // factor_y, factor_y, width // factor_x, factor_x, channels))
    return xp.mean(blocks, axis=(2, 4))


def shrink_each(xp: Namespace, images: Array, sizes: Sequence[Array | int], factors: Array) -> Array:
    """Block means as `shrink` makes, by factors of each sample's own; in the top left corner of arrays of that shape.

    Args:
        xp: Array namespace.
        images: `(batch, height, width, channels)` real numbers.
        sizes: Height and width of the image in each array: `(batch,)` whole floats, or numbers for all.
        factors: `(batch, 2)` whole floats, y and x.
    """
    for axis, size in ((1, sizes[0]), (2, sizes[1])):
        images = _shrunk_along(xp, images, axis, size, factors[:, axis - 1])
    return images


def _shrunk_along(xp: Namespace, images: Array, axis: int, size: Array | int, factor: Array) -> Array:
    """Means of `factor` neighbours along an axis, as differences of a running sum."""
    lines = images if axis == 1 else xp.permute_dims(images, (0, 2, 1, 3))
    batch, n, across, channels = shape_of(xp, lines)
    sums = xp.concat([xp.zeros_like(lines[:, :1, ...]), xp.cumulative_sum(lines, axis=1)], axis=1)
    sums = xp.reshape(sums, (batch * (n + 1), across * channels))
    first = xp.reshape(xp.arange(batch) * (n + 1), (batch, 1))
    size = xp.reshape(size + 0 * factor, (batch, 1))

    def up_to(place: Array) -> Array:
        """The sum of what lies before a place; behind the image its last line goes on."""
        inside = xp.minimum(place, size)
        ends = (inside, size + 0 * place, size - 1 + 0 * place)
        places = [xp.reshape(first + xp.astype(end, xp.int64), (-1,)) for end in ends]
        known, whole, rest = (xp.reshape(xp.take(sums, p, axis=0), (batch, n, across * channels)) for p in places)
        return known + (whole - rest) * (place - inside)[:, :, None]

    place = xp.astype(xp.arange(n), images.dtype)[None, :] * factor[:, None]
    means = (up_to(place + factor[:, None]) - up_to(place)) / factor[:, None, None]
    means = xp.reshape(means, (batch, n, across, channels))
    return means if axis == 1 else xp.permute_dims(means, (0, 2, 1, 3))


@dataclass(frozen=True, eq=False)
class View:
    """Which part of its image each array of a batch shows, where images of several sizes share one array.

    Attributes:
        height: `(batch,)`, of the whole image, in the floating-point type of coordinates; as the three that follow.
        width: `(batch,)`.
        top: `(batch,)`: the row of the image that is the array's first.
        left: `(batch,)`.
        strip: Where the parts lie, if not in the corners of arrays.
    """

    height: Array
    width: Array
    top: Array
    left: Array
    strip: Strip | None = None


@dataclass(frozen=True, eq=False)
class Strip:
    """Where each part lies in a list of pixels, `(pixels, ...)`, that holds them row by row, one behind the other.

    Attributes:
        start: `(batch,)` int32: the place of the part's first pixel.
        height: `(batch,)` int32, of the part.
        width: `(batch,)` int32.
    """

    start: Array
    height: Array
    width: Array


def warp(xp: Namespace, images: Array, matrix: Array, size: tuple[int, int], interpolation: Interpolation,
         fill: Fill, field: Field | None = None, view: View | None = None,
         unit: Callable[[Array], Array] | None = None) -> Array:  # fmt: skip
    """Every output pixel from the place its matrix says.

    Args:
        xp: Array namespace.
        images: `(batch, height, width, channels)` real numbers.
        matrix: `(batch, 3, 3)`, output pixel to input pixel; with a field, displaced place to input pixel.
        size: `(height, width)` to give.
        interpolation: "bilinear" weighs the four pixels around a place; "nearest" takes floor(x + 0.5), floor(y + 0.5).
        fill: What pixels beyond the images hold.
        field: A displacement before the matrix.
        view: Which part of its image each array shows; None where it is the image.
        unit: Makes real numbers of what the images hold, if that is something else.
    """
    return read(xp, images, *places(xp, matrix, size, field), interpolation, fill, view, unit)


def places(xp: Namespace, matrix: Array, size: tuple[int, int], field: Field | None) -> tuple[Array, Array]:
    """Where each output pixel is read, x and y, `(batch, height, width)`; see `warp`."""
    x, y = _grid(xp, matrix, size)
    if field is not None:
        x, y = _displaced(xp, *_transformed(xp, field.outer, x, y), field)
    x, y = _transformed(xp, matrix, x, y)
    # on a grid of 2**-20 of a pixel, so that a last-bit difference between machines cannot tip a floor
    x, y = (xp.round(t * 2.0**20) / 2.0**20 for t in (x, y))
    return x, y


def _grid(xp: Namespace, like: Array, size: tuple[int, int]) -> tuple[Array, Array]:
    """Coordinates x `(1, 1, width)` and y `(1, height, 1)`."""
    x, y = (xp.astype(xp.arange(n), like.dtype) for n in (size[1], size[0]))
    return x[None, None, :], y[None, :, None]


def _transformed(xp: Namespace, m: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """Places through each sample's matrix, `(batch, height, width)`."""
    a, b, c, d, e, f, g, h, i = xp.unstack(xp.reshape(m, (rows_of(xp, m), 9, 1, 1)), axis=1)
    u, v, w = a * x + b * y + c, d * x + e * y + f, g * x + h * y + i
    # a place behind a projective map's horizon is nowhere: far outside, where the fill rules
    seen = w > 1e-9
    w = xp.where(seen, w, 1.0)
    u, v = (xp.clip(xp.where(seen, t / w, -1e6), min=-1e6, max=1e6) for t in (u, v))
    return u, v


def _displaced(xp: Namespace, x: Array, y: Array, field: Field) -> tuple[Array, Array]:
    """Places moved by the displacement, read linearly between the centres of its frame's pixels."""
    here = read(xp, displacements(xp, field), x, y, "bilinear", Fill("nearest"), seen(xp, field.extent, x.dtype))
    return x + here[..., 0], y + here[..., 1]


def displacements(xp: Namespace, field: Field) -> Array:
    """The displacement (dx, dy) of every pixel of its frame, `(batch, height, width, 2)`; all of one size."""
    size = field.extent.static or tuple(whole(xp, side[0]) for side in (field.extent.height, field.extent.width))
    moved = field.function(xp, *_grid(xp, field.outer, size), *field.params)
    both = xp.stack([xp.broadcast_to(d, (rows_of(xp, field.outer), *size)) for d in moved], axis=-1)
    return both if field.active is None else xp.where(field.active[:, None, None, None], both, 0.0)


def whole(xp: Namespace, number: Array) -> Any:
    """A whole number in an array as one of Python's; in a graph, which knows it only when it runs, as a tensor."""
    return xp.astype(number, xp.int64) if hasattr(xp, "cond") else int(number)


def seen(xp: Namespace, extent: Extent, dtype: Any) -> View | None:
    """The view of whole images; none is needed where their size is known beforehand."""
    if extent.static is not None:
        return None
    height, width = (xp.astype(side, dtype) for side in (extent.height, extent.width))
    return View(height, width, 0 * height, 0 * width)


def read(
    xp: Namespace, images: Array, x: Array, y: Array, interpolation: Interpolation, fill: Fill,
    view: View | None = None, unit: Callable[[Array], Array] | None = None,
) -> Array:  # fmt: skip
    """The images at places between their pixels; see `warp`."""

    def outside(found: list[Array], inside: Array) -> list[Array]:
        return [xp.where(inside[..., None], part, xp.asarray(fill.value, dtype=part.dtype)) for part in found]

    whole = Planes(lambda found: [found if unit is None else unit(found)], outside)
    return read_planes(xp, images, x, y, interpolation, fill, view, whole)[0]


@dataclass(frozen=True)
class Planes:
    """How pixels are taken apart before they are blended.

    Attributes:
        split: Of pixels as they lie in the images, at `(batch, h, w)` places, the arrays of real numbers in them.
        outside: Of such arrays, and `(batch, h, w)` bool that tells where the image is, the same filled elsewhere.
    """

    split: Callable[[Array], list[Array]]
    outside: Callable[[list[Array], Array], list[Array]]


def read_planes(
    xp: Namespace, images: Array, x: Array, y: Array, interpolation: Interpolation, fill: Fill, view: View | None,
    planes: Planes,
) -> list[Array]:  # fmt: skip
    """The same as arrays that are blended one by one, as compilers want it of pixels that are one number each."""
    view = view and mapped(view, lambda side: side[:, None, None])

    def line(i: Array, axis: int) -> _Line:
        return _line(xp, images, i, axis, fill, view)

    def at(row: _Line, column: _Line) -> list[Array]:
        found = planes.split(_found(xp, images, row[0], column[0], view))
        return found if row[1] is None or column[1] is None else planes.outside(found, row[1] & column[1])

    if interpolation == "nearest":
        return at(line(xp.floor(y + 0.5), 1), line(xp.floor(x + 0.5), 2))
    top, left = xp.floor(y), xp.floor(x)
    rows, columns = ([line(first + k, axis) for k in (0.0, 1.0)] for first, axis in ((top, 1), (left, 2)))
    corners = [at(row, column) for row in rows for column in columns]
    return _blended(xp, [*zip(*corners, strict=True)], y - top, x - left)


def _blended(xp: Namespace, planes: Sequence[Sequence[Array]], down: Array, right: Array) -> list[Array]:
    """Each plane between four neighbours: a beside b, over c beside d."""
    like = planes[0][0]
    down, right = (xp.astype(t, like.dtype) for t in (down, right))
    if len(like.shape) > len(down.shape):
        down, right = down[..., None], right[..., None]
    up, left = 1 - down, 1 - right
    return [(a * left + b * right) * up + (c * left + d * right) * down for a, b, c, d in planes]


_Line: TypeAlias = "tuple[Array, Array | None]"


def _line(xp: Namespace, images: Array, i: Array, axis: int, fill: Fill, view: View | None) -> _Line:
    """Whole coordinates along an axis as indices into the array; and which lie in the image, where that counts."""
    n = images.shape[axis] if view is None else (view.height, view.width)[axis - 1]
    index = fold(xp, i, n, fill.mode)
    if view is not None:
        start, last = (view.top, view.left)[axis - 1], _last(xp, images, axis, view.strip)
        index = xp.clip(index - start, min=0, max=last)
    return index, (i >= 0) & (i < n) if fill.mode == "constant" else None


def _last(xp: Namespace, images: Array, axis: int, strip: Strip | None) -> Array:
    """The last row or column of an array."""
    if strip is None:
        return shape_of(xp, images)[axis] - 1
    return (strip.height, strip.width)[axis - 1] - 1


def _found(xp: Namespace, images: Array, row: Array, column: Array, view: View | None) -> Array:
    """The pixels at whole coordinates, `(batch, h, w, ...)`."""
    if view is not None and view.strip is not None:
        strip = view.strip
        place = strip.start + xp.astype(row, xp.int32) * strip.width + xp.astype(column, xp.int32)
    else:
        batch, height, width, *channels = shape_of(xp, images)
        start = xp.reshape(xp.arange(batch) * (height * width), (batch, 1, 1))
        place = start + xp.astype(row, xp.int64) * width + xp.astype(column, xp.int64)
        images = xp.reshape(images, (-1, *channels))
    found = xp.take(images, xp.reshape(place, (-1,)), axis=0)
    return xp.reshape(found, (*shape_of(xp, place), *shape_of(xp, images)[1:]))


def fold(xp: Namespace, i: Array, n: Array | int, mode: str) -> Array:
    """Brings any whole coordinate into [0, n), as each fill mode continues the image.

    "reflect" d c b a | a b c d | d c b a, "mirror" d c b | a b c d | c b a, "wrap" a b c d | a b c d, and "nearest"
    a a | a b c d | d d.
    """
    if mode == "reflect":
        i = remainder(xp, i, 2 * n)
        return xp.where(i < n, i, 2 * n - 1 - i)
    if mode == "mirror":
        turn = max(2 * n - 2, 1) if isinstance(n, int) else xp.clip(2 * n - 2, min=1)
        i = remainder(xp, i, turn)
        return xp.where(i < n, i, turn - i)
    if mode == "wrap":
        return remainder(xp, i, n)
    return xp.minimum(xp.clip(i, min=0), n - 1) if not isinstance(n, int) else xp.clip(i, min=0, max=n - 1)

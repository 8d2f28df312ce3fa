"""Array namespaces: the portable code takes the module it computes with as `xp`.

`xp` is any module that follows the Python array API standard (NumPy, array-api-strict, JAX, ...); the adapters
for frameworks that do not follow it live in `engines/arrays/`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Array: TypeAlias = Any
"""An array of whatever namespace is in use; the shape stands in the docstring or comment beside it."""

Namespace: TypeAlias = Any
"""A module such as `numpy`, following the Python array API standard."""


def sign(xp: Namespace, mask: Array) -> Array:
    """-1.0 where a mask holds, 1.0 elsewhere, float64."""
    return 1.0 - 2.0 * xp.astype(mask, xp.float64)


def is_float(array: Array) -> bool:
    """Whether an array holds floating-point numbers, in any namespace."""
    return "float" in str(array.dtype)


def remainder(xp: Namespace, i: Array, n: Array | int) -> Array:
    """`i % n`; of floats by division, for compilers make vector instructions of that, and a call for each of `%`."""
    return i - xp.floor(i / n) * n if is_float(i) else i % n


def shape_of(xp: Namespace, array: Array) -> tuple[Any, ...]:
    """The shape; where a graph is traced before a side is known, that side is a number of the graph."""
    dynamic = getattr(xp, "shape", None)
    sides: tuple[Any, ...] = tuple(array.shape) if dynamic is None else tuple(dynamic(array))
    return sides


def rows_of(xp: Namespace, array: Array) -> int:
    """The length of an array's leading axis, which may be a number of the graph as well."""
    rows: int = shape_of(xp, array)[0]
    return rows


_RUN = 32


def over_image(xp: Namespace, images: Array, reduce: Callable[..., Array]) -> Array:
    """What becomes of each channel of images `(batch, height, width, channels)`, `(batch, 1, 1, channels)`.

    First of the first pixels of many short runs, of the second, ..., then of these: of sums of so many neighbours
    compilers make vector instructions, of sums of all pixels but one for each channel.

    Args:
        xp: Array namespace.
        images: See above.
        reduce: Such as `xp.mean` or `xp.max`, of an axis.
    """
    batch, height, width, channels = shape_of(xp, images)
    if not (isinstance(height, int) and isinstance(width, int)):
        return reduce(images, axis=(1, 2), keepdims=True)
    run = next(n for n in range(_RUN, 0, -1) if height * width % n == 0)
    images = reduce(xp.reshape(images, (batch, height * width // run, run * channels)), axis=1)
    return reduce(xp.reshape(images, (batch, 1, run, channels)), axis=2, keepdims=True)


def grouped(xp: Namespace, kind: str, values: Array, group: Array, count: int) -> Array:
    """`(count, ...)`: the "sum" or the "min" of the rows of each group; 0, or no less than any number, of none.

    Args:
        xp: Array namespace.
        kind: See above.
        values: `(n, ...)`.
        group: `(n,)` from 0 to count - 1.
        count: Of groups.
    """
    own = getattr(xp, "grouped", None)
    if own is not None:
        return own(kind, values, group, count)
    result = xp.full((count, *values.shape[1:]), 0 if kind == "sum" else xp.inf, dtype=values.dtype)
    (xp.add if kind == "sum" else xp.minimum).at(result, group, values)
    return result


def repeated(xp: Namespace, times: int, body: Callable[[Any], Any], x: Any) -> Any:
    """`x`, an array or a tuple of them, through `body` so many times; in a graph by a loop, which is traced once."""
    loop = getattr(xp, "repeated", None)
    if loop is not None:
        return loop(times, body, x)
    for _ in range(times):
        x = body(x)
    return x


LEVELS = 256


def histograms(xp: Namespace, levels: Array, group: Array, count: int) -> Array:
    """`(count, 256)` int32: how often each level occurs in each group.

    Args:
        xp: Array namespace.
        levels: Whole numbers of 0 to 255, int32.
        group: From 0 to count - 1, int32; broadcast against the levels.
        count: Of groups.
    """
    place, size = xp.reshape(group * LEVELS + levels, (-1,)), count * LEVELS
    if hasattr(xp, "grouped"):
        return xp.reshape(xp.grouped("sum", xp.zeros_like(place) + 1, place, size), (count, LEVELS))
    ends = xp.searchsorted(xp.sort(place), xp.arange(size + 1, dtype=place.dtype))
    return xp.reshape(xp.astype(ends[1:] - ends[:-1], xp.int32), (count, LEVELS))


def choose(xp: Namespace, condition: Array, yes: Callable[[], Array], no: Callable[[], Array]) -> Array:
    """`yes()` where a single bool holds, else `no()`; only that one is computed."""
    branch = getattr(xp, "cond", None)
    if branch is not None:
        return branch(condition, yes, no)
    return yes() if bool(condition) else no()

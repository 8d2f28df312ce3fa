"""Transforms that bend images: elastic, grid and optical distortion. A displacement over the pixels of the frame."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Annotated, Any

from augline.arrays import Array, Namespace, shape_of
from augline.plan import matrices
from augline.plan.frame import Frame
from augline.plan.stages import Field, Stage, Warp
from augline.random import Draw
from augline.transforms.base import Params, transform
from augline.transforms.fields import Span, number, pair, span, symmetric
from augline.transforms.geometric import Geometric

# Mean over one cell of the sum of squares of the weights of a uniform cubic B-spline: its square root is how much
# interpolation flattens independent numbers along one axis.
_FLATTENED = 151 / 315


def elastic(xp: Namespace, x: Array, y: Array, nodes: Array) -> tuple[Array, Array]:
    """A uniform cubic B-spline surface over `nodes` `(batch, n, n, 2)`, in pixels, spread over the frame."""
    width, height = shape_of(xp, x)[-1], shape_of(xp, y)[-2]
    surface = _spline(xp, _spline(xp, nodes, 2, width), 1, height)
    return surface[..., 0], surface[..., 1]


def bent_grid(xp: Namespace, x: Array, y: Array, knots_x: Array, knots_y: Array) -> tuple[Array, Array]:
    """Columns and rows moved by as much as their knots `(batch, n + 1)`, linearly in between, in pixels."""
    return _between(xp, x, knots_x), xp.matrix_transpose(_between(xp, xp.matrix_transpose(y), knots_y))


def barrel(xp: Namespace, x: Array, y: Array, k: Array) -> tuple[Array, Array]:
    """Brown's radial model: a place at radius r reads from r (1 + k r² + k r⁴), r being 1 in the corners."""
    width, height = (xp.asarray(side, dtype=x.dtype) for side in (shape_of(xp, x)[-1], shape_of(xp, y)[-2]))
    half = xp.sqrt(width * width + height * height) / 2
    u, v = (x - (width - 1) / 2) / half, (y - (height - 1) / 2) / half
    r2 = u * u + v * v
    factor = k[:, None, None] * (r2 + r2 * r2) * half
    return u * factor, v * factor


@transform
class RandomElasticTransform(Geometric):
    """Bends images like a sheet of rubber: a smooth random displacement, sideways and up and down independently.

    The displacement is a cubic B-spline over a grid of independent normal numbers; its mean is zero.

    Args:
        factor: Chance that an image is bent: `f` draws the chance itself from (0, f), as Keras does; (f, f) sets it.
        scale: Strength: 1 moves pixels by 2 % of the side (standard deviation): `f` draws from (0, f), or (low, high).
        cells: How many bends fit along a side; more are finer.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((8, 48, 64, 3), "uint8"), [al.RandomElasticTransform((1, 1), scale=1.0)]).shape
        (8, 48, 64, 3)
    """

    factor: Annotated[Span, span(0, 1, (0.5, 0.5))] = 1.0
    scale: Annotated[Span, span(0, 10, 1.0)] = 1.0
    cells: Annotated[int, number(1, 64, 8, whole=True)] = 8

    def sample(self, draw: Draw, frame: Frame) -> Params:
        nodes = (self.cells + 3, self.cells + 3, 2)
        return {
            "bent": draw.uniform("bent") < draw.uniform("chance", *pair(self.factor)),
            "scale": draw.uniform("scale", *pair(self.scale)),
            "nodes": draw.normal("nodes", shape=nodes),
        }

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        xp = frame.xp
        strength = xp.where(params["bent"], params["scale"], 0.0) * (0.02 / _FLATTENED)
        sides = xp.stack([frame.width, frame.height], axis=-1)
        nodes = params["nodes"] * (strength[:, None] * sides)[:, None, None, :]
        yield bent(self, frame, elastic, nodes)


@transform
class GridDistortion(Geometric):
    """Stretches some columns and rows and squeezes others.

    Args:
        num_steps: Columns, and rows, that images are cut into.
        distort_limit: Each column and row becomes (1 + d) as wide before all are fitted to the frame again: `d` from
            (-f, f), or (low, high).

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((8, 48, 64, 3), "uint8"), [al.GridDistortion(5, 0.3)]).shape
        (8, 48, 64, 3)
    """

    num_steps: Annotated[int, number(1, 64, 5, whole=True)] = 5
    distort_limit: Annotated[Span, span(-0.99, 1, 0.3)] = 0.3

    def sample(self, draw: Draw, frame: Frame) -> Params:
        limits, shape = symmetric(self.distort_limit), (self.num_steps,)
        return {
            "columns": draw.uniform("columns", *limits, shape=shape),
            "rows": draw.uniform("rows", *limits, shape=shape),
        }

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        knots = (self._knots(frame, params[k], side) for k, side in (("columns", frame.width), ("rows", frame.height)))
        yield bent(self, frame, bent_grid, *knots)

    def _knots(self, frame: Frame, stretch: Array, side: Array) -> Array:
        """How far each border between columns reads from where it lies; the outer ones stay."""
        xp = frame.xp
        widths = 1 + stretch
        ends = xp.cumulative_sum(widths / xp.sum(widths, axis=1, keepdims=True), axis=1)
        even = xp.astype(xp.arange(1, self.num_steps + 1), xp.float64) / self.num_steps
        moved = (ends - even) * side[:, None]
        return xp.concat([moved[:, :1] * 0.0, moved], axis=1)


@transform
class OpticalDistortion(Geometric):
    """Bends straight lines as a wide lens does: outward (barrel) for positive k, inward (pincushion) for negative.

    Args:
        distort_limit: k of `r (1 + k r² + k r⁴)`, r being 1 in the corners: from (-f, f), or (low, high). Below -0.12
            the picture would fold over.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((8, 48, 64, 3), "uint8"), [al.OpticalDistortion(0.1)]).shape
        (8, 48, 64, 3)
    """

    distort_limit: Annotated[Span, span(-0.12, 1, 0.1)] = 0.1

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {"k": draw.uniform("k", *symmetric(self.distort_limit))}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        yield bent(self, frame, barrel, params["k"])


def bent(item: Geometric, frame: Frame, function: Callable[..., tuple[Array, Array]], *params: Array) -> Warp:
    """The warp that displaces the pixels of the frame, with the options of a transform."""
    same = matrices.identity(frame.xp, frame.batch)
    field = Field(function, params, frame.extent, same)
    return dataclasses.replace(item.warp(same, frame), field=field)


def _spline(xp: Namespace, nodes: Array, axis: int, side: Any) -> Array:
    """Nodes along an axis, three more than cells, to `side` pixels: four weighed nodes for each, no more."""
    cells = int(nodes.shape[axis]) - 3
    step = xp.asarray(cells, dtype=nodes.dtype) / xp.asarray(side, dtype=nodes.dtype)
    place = (xp.astype(xp.arange(side), nodes.dtype) + 0.5) * step
    first = xp.floor(place)
    t = place - first
    weights = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    shape = [side if k == axis else 1 for k in range(4)]
    rows = (xp.take(nodes, xp.astype(first, xp.int64) + k, axis=axis) for k in range(4))
    return sum(row * xp.reshape(weight / 6, tuple(shape)) for row, weight in zip(rows, weights, strict=True))


def _between(xp: Namespace, x: Array, knots: Array) -> Array:
    """Knots `(batch, n + 1)`, evenly spread over the edges of a row of pixels `(., 1, n)`, read linearly."""
    cells, side = int(knots.shape[1]) - 1, xp.asarray(shape_of(xp, x)[-1], dtype=x.dtype)
    place = (x[:, 0, :] + 0.5) / side * cells
    weight = xp.clip(1 - xp.abs(place[..., None] - xp.astype(xp.arange(cells + 1), knots.dtype)), min=0.0)
    return xp.sum(weight * knots[:, None, :], axis=-1)[:, None, :]

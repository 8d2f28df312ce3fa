"""The stage kinds that every transform lowers to: the whole vocabulary an engine has to speak.

Between stages an image is a field of real numbers, 0 to 1 over its value range, sampled at pixel centres. Rounding to
the output type happens once, at `Output`. Per-sample numbers are arrays with the batch as leading axis; all else is
static structure. A stage's `masked` gives one that acts only where a mask holds: choice is data, not control flow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from augline.arrays import Array, Namespace
from augline.errors import ArgumentError
from augline.plan import matrices
from augline.plan.frame import Extent, Frame

FillMode: TypeAlias = Literal["constant", "nearest", "reflect", "mirror", "wrap"]
Interpolation: TypeAlias = Literal["nearest", "bilinear"]
MaskValue: TypeAlias = int | dict[str, int]
"""One for all masks of a sample, or by their names."""
Reach: TypeAlias = Literal["permutes", "picks", "inside", "anywhere"]
"""Where a warp reads: every pixel of its frame once; whole pixels in its frame; between pixels in its frame; beyond."""


@dataclass(frozen=True)
class Fill:
    """What lies outside an image. The values count for "constant" only.

    Attributes:
        mode: How the image goes on.
        value: 0 to 1, one number or one per channel.
        mask: What segmentation masks hold there.
    """

    mode: FillMode = "constant"
    value: tuple[float, ...] = (0.0,)
    mask: MaskValue = 0


@dataclass(frozen=True, eq=False)
class Stage:
    """Base of the stage kinds; `origin` names the transforms it came from."""

    def masked(self, mask: Array | None, before: Frame) -> Stage:
        """The same stage, doing nothing to samples outside `mask` (`(batch,)` bool)."""
        raise NotImplementedError

    def after(self, frame: Frame) -> Frame:
        """The frame that the next stage finds."""
        return frame

    def named(self, origin: str) -> Stage:
        """The same stage with its origin set."""
        changes: Any = {"origin": (origin,)}
        return replace(self, **changes)


@dataclass(frozen=True, eq=False)
class Field:
    """A displacement that no matrix can express, given over the pixels of one frame.

    It holds at pixel centres, is linear between them, and goes on constant beyond the frame's edge.

    Attributes:
        function: `(xp, x, y, *params) -> (dx, dy)`; `x` is `(batch, 1, width)`, `y` is `(batch, height, 1)`, in pixels,
            and each result broadcasts to `(batch, height, width)`: where a pixel reads, relative to where it lies.
        params: Arrays with the batch as leading axis.
        extent: Sizes of the frame it is given over.
        outer: `(batch, 3, 3)`: output pixel to a place in that frame.
        active: `(batch,)` bool, or None for all.
    """

    function: Callable[..., tuple[Array, Array]]
    params: tuple[Array, ...]
    extent: Extent
    outer: Array
    active: Array | None = None


@dataclass(frozen=True, eq=False)
class Warp(Stage):
    """Reads every output pixel from one place of the input.

    Attributes:
        matrix: `(batch, 3, 3)` float64, output pixel (x, y, 1) to input pixel; with a field, displaced place to that.
        extent: Output sizes.
        reach: Where it reads; what exactness and fusion rest on.
        interpolation: Between pixels. Idle for "permutes" and "picks".
        fill: What lies beyond the frame. Idle unless `reach` is "anywhere".
        field: A displacement on the way, or None: output pixel -> `field.outer` -> moved -> `matrix` -> input pixel.
        fuses: Whether it may become one with its neighbours; not where its own sampling is the point.
    """

    matrix: Array
    extent: Extent
    reach: Reach = "anywhere"
    interpolation: Interpolation = "bilinear"
    fill: Fill = Fill("nearest")
    field: Field | None = None
    fuses: bool = True
    origin: tuple[str, ...] = ()

    @property
    def moves(self) -> bool:
        """Whether it moves what is in the picture; warps that do not fuse come in pairs that only cost detail."""
        return self.fuses

    @property
    def resamples(self) -> bool:
        """Whether it reads between pixels."""
        return self.reach in ("inside", "anywhere")

    def masked(self, mask: Array | None, before: Frame) -> Warp:
        if mask is None:
            return self
        xp = before.xp
        matrix = xp.where(mask[:, None, None], self.matrix, matrices.identity(xp, before.batch))
        field = self.field and replace(self.field, active=both(self.field.active, mask))
        return replace(self, matrix=matrix, field=field, extent=self.extent.where(mask, before.extent, xp))

    @property
    def total(self) -> Array:
        """`(batch, 3, 3)`, output pixel to input pixel, without the displacement."""
        return self.matrix if self.field is None else self.matrix @ self.field.outer

    def after(self, frame: Frame) -> Frame:
        return frame.with_(extent=self.extent)


LUMA = (0.2989, 0.5870, 0.1140)
"""Weights of red, green and blue in luma, ITU-R BT.601, to the digits that Keras and tf.image use."""

Measure: TypeAlias = Literal["mean", "luma", "extremes", "histogram"]
"""Each channel's mean `(batch, 1, 1, channels)`; the mean luma `(batch, 1, 1, 1)`; each channel's lowest and highest
value `(2, batch, 1, 1, channels)`; how often each of 256 levels occurs in each, `(256, batch, 1, 1, channels)`."""


@dataclass(frozen=True, eq=False)
class Curve:
    """One pointwise function of a pixel value.

    Attributes:
        function: `(xp, u, *params) -> u` on values of 0 to 1; a pure module-level function. With `measure` it is
            `(xp, u, measured, *params) -> u`.
        params: `(batch,)` or `(batch, channels)` arrays.
        measure: What it needs to know of the image it meets; see `Measure`.
        active: `(batch,)` bool, or None for all.
    """

    function: Callable[..., Array]
    params: tuple[Array, ...] = ()
    measure: Measure | None = None
    active: Array | None = None


def affine(xp: Namespace, u: Array, gain: Array, shift: Array) -> Array:
    """The curve `u * gain + shift`, clipped to [0, 1]; engines may know it by name and take a shorter way."""
    return xp.clip(u * gain + shift, min=0.0, max=1.0)


def affine_about_mean(xp: Namespace, u: Array, mean: Array, gain: Array) -> Array:
    """The measuring curve `(u - mean) * gain + mean`, clipped to [0, 1]."""
    return affine(xp, u, gain, mean - mean * gain)


@dataclass(frozen=True, eq=False)
class Tone(Stage):
    """Pointwise curves, one after the other, on each channel by itself. Engines tabulate them for integers."""

    curves: tuple[Curve, ...]
    origin: tuple[str, ...] = ()

    @property
    def measures(self) -> bool:
        """Whether any curve needs a statistic of the image."""
        return any(curve.measure for curve in self.curves)

    def masked(self, mask: Array | None, before: Frame) -> Tone:
        if mask is None:
            return self
        return replace(self, curves=tuple(replace(curve, active=both(curve.active, mask)) for curve in self.curves))


@dataclass(frozen=True, eq=False)
class Colour(Stage):
    """Every pixel's channels, and a constant 1 behind them, times a matrix; the result is clipped to [0, 1].

    Attributes:
        matrix: `(batch, channels + 1, channels + 1)`; the last column is added, the last row is (0, ..., 0, 1).
    """

    matrix: Array
    origin: tuple[str, ...] = ()

    def masked(self, mask: Array | None, before: Frame) -> Colour:
        if mask is None:
            return self
        xp = before.xp
        same = xp.eye(int(self.matrix.shape[1]), dtype=xp.float64)
        return replace(self, matrix=xp.where(mask[:, None, None], self.matrix, same))


@dataclass(frozen=True, eq=False)
class Hsv(Stage):
    """Changes hue, saturation and value in the hexcone HSV model of the first three channels.

    Attributes:
        hue: `(batch,)`, in turns.
        saturation: `(batch, 2)`, factor and addition; the result is clipped to [0, 1].
        value: `(batch, 2)`, factor and addition; the result is clipped to [0, 1].
    """

    hue: Array
    saturation: Array
    value: Array
    origin: tuple[str, ...] = ()

    @property
    def active(self) -> Array:
        """`(batch,)` bool: which samples it changes."""
        gains, shifts = (self.saturation[:, 0], self.value[:, 0]), (self.hue, self.saturation[:, 1], self.value[:, 1])
        changed = (gains[0] != 1) | (gains[1] != 1)
        return changed | (shifts[0] != 0) | (shifts[1] != 0) | (shifts[2] != 0)

    def masked(self, mask: Array | None, before: Frame) -> Hsv:
        if mask is None:
            return self
        xp = before.xp
        same = xp.asarray([1.0, 0.0], dtype=xp.float64)
        saturation, value = (xp.where(mask[:, None], v, same) for v in (self.saturation, self.value))
        return replace(self, hue=xp.where(mask, self.hue, 0.0), saturation=saturation, value=value)


def pointwise(stage: Stage) -> bool:
    """Whether it makes each pixel of that pixel alone."""
    return isinstance(stage, (Colour, Hsv)) or (isinstance(stage, Tone) and not stage.measures)


@dataclass(frozen=True, eq=False)
class Rescale(Stage):
    """Another scale for the values the user sees: `value * scale + offset` per channel, of a type from here on.

    It is the same for every sample and commutes with all stages, which work on 0 to 1; so it moves into `Output`.
    """

    scale: tuple[float, ...]
    offset: tuple[float, ...]
    dtype: str = "float32"
    origin: tuple[str, ...] = ()

    def masked(self, mask: Array | None, before: Frame) -> Stage:
        return for_all_samples(self, mask)

    def after(self, frame: Frame) -> Frame:
        if frame.finish:
            return frame.with_(finish=(*frame.finish, self))
        pairs = zip(*_equally_long(frame.scale, frame.offset, self.scale, self.offset), strict=True)
        scale, offset = zip(*((s * k, o * k + c) for s, o, k, c in pairs), strict=True)
        return frame.with_(scale=scale, offset=offset, dtype=self.dtype)


@dataclass(frozen=True, eq=False)
class Drop(Stage):
    """Leaves boxes out that could still be seen. No engine meets it: it moves into the plan's `dropped`.

    Attributes:
        boxes: `(batch, n)` bool: which of the source's boxes go.
    """

    boxes: Array
    origin: tuple[str, ...] = ()

    def masked(self, mask: Array | None, before: Frame) -> Drop:
        return self if mask is None else replace(self, boxes=self.boxes & mask[:, None])


@dataclass(frozen=True)
class Output:
    """The last step of every plan: `unit * scale + offset` per channel, rounded and clipped for integer types.

    `finish` holds what is done to the values after that, in order: stages of the kind `Finish`, and `Rescale`.
    """

    scale: tuple[float, ...]
    offset: tuple[float, ...]
    dtype: str
    finish: tuple[Any, ...] = ()


def for_all_samples(stage: Stage, mask: Array | None) -> Stage:
    """The stage itself; a choice of samples is refused, for all values of a batch have one type and scale."""
    if mask is None:
        return stage
    raise ArgumentError(
        f"{'/'.join(getattr(stage, 'origin', ())) or 'Rescaling'}: a change of value scale applies to every sample. "
        "Received a choice of samples (p < 1, OneOf or SomeOf). Put it at the top level of the list, with p=1."
    )


def _equally_long(*columns: tuple[float, ...]) -> list[tuple[float, ...]]:
    length = max(len(column) for column in columns)
    return [column * length if len(column) == 1 else column for column in columns]


def both(a: Array | None, b: Array) -> Array:
    """Samples in both masks; None stands for all."""
    return b if a is None else a & b

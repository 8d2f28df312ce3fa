"""The image as one transform finds it: how large, how many channels, on what scale its values stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from augline.arrays import Array, Namespace, rows_of


@dataclass(frozen=True, eq=False)
class Extent:
    """The sizes of a batch of images.

    Attributes:
        height: `(batch,)` float64.
        width: `(batch,)` float64.
        static: The one `(height, width)` of all samples where it is known before any image is seen, else None.
        most: Where they differ, the `(height, width)` that none exceeds, so that a batch fits in one array; None where
            nobody knows.
    """

    height: Array
    width: Array
    static: tuple[int, int] | None = None
    most: tuple[int, int] | None = None

    @property
    def bound(self) -> tuple[int, int] | None:
        """The `(height, width)` that no sample exceeds; None where nobody knows."""
        return self.static or self.most

    @classmethod
    def of(cls, xp: Namespace, batch: int, height: int, width: int) -> Extent:
        """The same size for every sample."""
        full = xp.ones((batch,), dtype=xp.float64)
        return cls(full * height, full * width, (height, width))

    @property
    def turned(self) -> Extent:
        """Height and width swapped."""
        return self.sized(self.width, self.height, lambda height, width: (width, height))

    def sized(self, height: Array, width: Array, change: Callable[[int, int], tuple[int, int]]) -> Extent:
        """Other sizes, which grow with these: `change` says how, for those that are known beforehand."""
        return Extent(height, width, self.static and change(*self.static), self.most and change(*self.most))

    def where(self, mask: Array | None, other: Extent, xp: Namespace) -> Extent:
        """This extent where `mask` holds, the other elsewhere."""
        if mask is None or (self.height is other.height and self.width is other.width):
            return self
        static = self.static if self.static == other.static else None
        most = larger(self.bound, other.bound)
        return Extent(xp.where(mask, self.height, other.height), xp.where(mask, self.width, other.width), static, most)


def larger(one: tuple[int, int] | None, other: tuple[int, int] | None) -> tuple[int, int] | None:
    """The (height, width) that holds both; None where one is not known."""
    return one and other and (max(one[0], other[0]), max(one[1], other[1]))


class Sight(Protocol):
    """The targets of a batch as they lie in one frame. They are moved there when a transform asks, and not before."""

    @property
    def kinds(self) -> frozenset[str]:
        """Which targets there are: of "boxes" and "masks"."""

    def through(self, stages: Sequence[Any]) -> Sight:
        """What is seen behind these stages."""

    def boxes(self) -> tuple[Array, Array]:
        """Boxes clipped to the frame, in pixels between pixel edges.

        `(batch, n, 4)` left, top, right, bottom, and `(batch, n)` whether there is such a box. Rows are those of the
        source, and n is at least 1.
        """

    def filled(
        self, place: Array, ignore_values: Sequence[int] = (), ignore_channels: Sequence[int] = ()
    ) -> tuple[Array, Array]:
        """One of the pixels where a mask is not 0, `place` (0 to 1) on the way through them row by row; NaN for none.

        `(batch, 2)` float64 x and y in whole pixels, and `(batch,)` whether there is any.
        """


@dataclass(frozen=True, eq=False)
class Frame:
    """What a transform may know about the images it gets, without seeing a pixel.

    Attributes:
        xp: The array namespace that parameters and plans are computed in.
        extent: Sizes per sample.
        channels: Number of channels.
        scale: Inside a plan images run from 0 to 1; a value as the user sees it is `unit * scale + offset`.
            One entry per channel, or a single one for all.
        offset: See `scale`.
        dtype: Type of the values the user sees: the images' own until a rescaling makes them "float32".
        finish: What is done to the finished values, after all else; see `Output`.
        sight: Where the targets lie in this frame, or None where no targets are known.
    """

    xp: Namespace
    extent: Extent
    channels: int
    scale: tuple[float, ...] = (255.0,)
    offset: tuple[float, ...] = (0.0,)
    dtype: str = "uint8"
    finish: tuple[Any, ...] = ()
    sight: Sight | None = None

    @property
    def batch(self) -> int:
        """Number of samples; see `shape_of` for graphs that are traced before it is known."""
        return rows_of(self.xp, self.extent.height)

    @property
    def height(self) -> Array:
        """`(batch,)` float64."""
        return self.extent.height

    @property
    def width(self) -> Array:
        """`(batch,)` float64."""
        return self.extent.width

    @property
    def centre(self) -> tuple[Array, Array]:
        """(x, y) of the middle of each image, in pixel-centre coordinates."""
        return (self.width - 1) / 2, (self.height - 1) / 2

    @property
    def value_range(self) -> tuple[float, float] | None:
        """What 0 and 1 inside the plan mean to the user; None where channels differ (after Normalize) or images do."""
        if self.finish or len({*self.scale}) > 1 or len({*self.offset}) > 1:
            return None
        return self.offset[0], self.offset[0] + self.scale[0]

    def unit(self, value: float) -> tuple[float, ...]:
        """A pixel value of the user's, on the plan's scale of 0 to 1, per channel."""
        return tuple((value - offset) / scale for scale, offset in zip(self.scale, self.offset, strict=True))

    def with_(self, **changes: Any) -> Frame:
        """A copy with some attributes replaced."""
        return replace(self, **changes)

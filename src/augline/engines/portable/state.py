"""What is known of a batch of images on its way to the next warp: how far each is shrunk, and which part is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from augline.arrays import Array, Namespace, choose, rows_of, shape_of
from augline.engines.portable.warp import View, shrink, shrink_each, whole
from augline.plan import matrices
from augline.plan.stages import Warp


@dataclass(frozen=True)
class Alike:
    """The state of a batch on its way to the first warp: all images are whole, and shrunk alike by the decoder."""

    factors: tuple[int, int] = (1, 1)
    precision: str = "float64"
    unit: None = None

    def ready(self, images: Array) -> tuple[Array, Alike]:
        """The images as real numbers of 0 to 1, which they are."""
        return images, self

    def shrunk(self, xp: Namespace, images: Array, wanted: Array) -> tuple[Array, Alike]:
        """The images averaged over the rest of the factors that are `wanted`, which are the same for all."""
        rest_y, rest_x = (max(int(wanted[0, k]) // self.factors[k], 1) for k in (0, 1))
        images = shrink(xp, images, rest_y, rest_x) if (rest_y, rest_x) != (1, 1) else images
        return images, Alike((self.factors[0] * rest_y, self.factors[1] * rest_x), self.precision)

    def placed(self, xp: Namespace, matrix: Array) -> Array:
        """The matrix that reads from the shrunk images: x_small = (x + 0.5) / factor - 0.5."""
        if self.factors == (1, 1):
            return matrix
        return matrices.resized(xp, int(matrix.shape[0]), 1 / self.factors[0], 1 / self.factors[1]) @ matrix

    @property
    def view(self) -> View | None:
        """The images are whole."""
        return None

    def fresh(self) -> Alike:
        """The state of images that a warp has given, for those that come next."""
        return Alike(precision=self.precision)

    def behind(self, xp: Namespace, images: Array, warp: Warp) -> tuple[tuple[int, int], Alike]:
        """The size of the arrays that a warp gives, and the state behind it."""
        extent = warp.extent
        return extent.static or (int(extent.height[0]), int(extent.width[0])), self.fresh()


@dataclass(frozen=True, eq=False)
class Each:
    """The same where samples differ.

    Attributes:
        factors: `(batch, 2)`, or None for 1.
        view: Which part of its image each array shows; None where it is the image.
        settled: Whether no image is to be shrunk any further.
        unit: Makes real numbers of 0 to 1 of what the images hold; None where they are that.
    """

    factors: Array | None = None
    view: View | None = None
    settled: bool = False
    unit: Callable[[Array], Array] | None = None
    precision: str = "float32"

    def ready(self, images: Array) -> tuple[Array, Each]:
        """The images as real numbers of 0 to 1."""
        return (images if self.unit is None else self.unit(images)), replace(self, unit=None)

    def fresh(self) -> Each:
        """See `Alike`."""
        return FRESH

    def shrunk(self, xp: Namespace, images: Array, wanted: Array) -> tuple[Array, Each]:
        """See `Alike`. An array that does not show its image from the top left on is never shrunk further."""
        if self.settled:
            return images, self
        rest, behind = self.further(xp, images, wanted)
        images, _ = self.ready(images)
        sizes = self._sizes(xp, images)
        return choose(xp, xp.any(rest > 1), lambda: shrink_each(xp, images, sizes, rest), lambda: images), behind

    def further(self, xp: Namespace, images: Array, wanted: Array) -> tuple[Array, Each]:
        """By how much images that are not settled are still to be shrunk, `(batch, 2)`; and their state after it."""
        factors = xp.astype(xp.zeros_like(wanted), xp.int64) + 1 if self.factors is None else self.factors
        whole = xp.clip(xp.astype(wanted, xp.int64) // factors, min=1)
        rest = xp.astype(whole, getattr(xp, self.precision))
        sizes = self._sizes(xp, images)
        height, width = (xp.ceil((size + 0 * rest[:, k]) / rest[:, k]) for k, size in enumerate(sizes))
        zero = 0 * rest[:, 0]
        start = (zero, zero) if self.view is None else (self.view.top, self.view.left)
        return rest, Each(factors * whole, View(height, width, *start))

    def _sizes(self, xp: Namespace, images: Array) -> Sequence[Array | int]:
        """Height and width of the images."""
        if self.view is None:
            return tuple(images.shape[1:3])
        return [xp.astype(side, getattr(xp, self.precision)) for side in (self.view.height, self.view.width)]

    def placed(self, xp: Namespace, matrix: Array) -> Array:
        """See `Alike`."""
        if self.factors is None:
            return matrix
        scale = 1 / xp.astype(self.factors, xp.float64)
        return matrices.resized(xp, rows_of(xp, matrix), scale[:, 0], scale[:, 1]) @ matrix

    def behind(self, xp: Namespace, images: Array, warp: Warp) -> tuple[tuple[int, int], Each]:
        """See `Alike`. Where nobody knows how large images of sizes of their own can be, arrays stay as large."""
        extent = warp.extent
        if extent.static is not None:
            return extent.static, self.fresh()
        zero = 0 * extent.height
        _, height, width, _ = shape_of(xp, images)
        return extent.bound or (height, width), Each(None, View(extent.height, extent.width, zero, zero))


@dataclass(frozen=True, eq=False)
class One(Each):
    """The same of a single image, which a graph knows the size of only when it runs: its array is just as large."""

    def fresh(self) -> One:
        """See `Alike`."""
        return One(None, self.view)

    def shrunk(self, xp: Namespace, images: Array, wanted: Array) -> tuple[Array, Each]:
        """See `Alike`."""
        images, state = super().shrunk(xp, images, wanted)
        if self.settled or state.view is None:
            return images, state
        height, width = (whole(xp, side[0]) for side in (state.view.height, state.view.width))
        return images[:, :height, :width, :], One(state.factors, state.view)

    def behind(self, xp: Namespace, images: Array, warp: Warp) -> tuple[tuple[Any, Any], Each]:
        """See `Alike`."""
        extent = warp.extent
        zero, sides = 0 * extent.height, (extent.height, extent.width)
        size = extent.static or tuple(whole(xp, side[0]) for side in sides)
        return size, One(None, View(*sides, zero, zero))


FRESH = Each()
"""Of a batch of whole images of one size, as they come from their source."""

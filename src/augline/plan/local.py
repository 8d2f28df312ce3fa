"""Stage kinds that look at more than one pixel, or at none: filters, local contrast, noise, holes, and a codec."""

from __future__ import annotations

from dataclasses import dataclass, replace

from augline.arrays import Array
from augline.plan.frame import Frame
from augline.plan.stages import MaskValue, Stage


@dataclass(frozen=True, eq=False)
class Filter(Stage):
    """Every pixel becomes the weighted sum of the pixels around it, on each channel, clipped to [0, 1].

    Beyond the edge the image goes on as "mirror": d c b | a b c d | c b a.

    Attributes:
        kernel: `(batch, size, size)`, size odd; `kernel[y, x]` weighs the pixel `y - size // 2`
            down and `x - size // 2` right.
        separable: Whether each kernel is the product of its row sums and its column sums.
        keeps_edge: Whether the outermost pixels, which the kernel would look beyond the image for, stay as they are.
    """

    kernel: Array
    separable: bool = False
    keeps_edge: bool = False
    origin: tuple[str, ...] = ()

    def masked(self, mask: Array | None, before: Frame) -> Filter:
        if mask is None:
            return self
        xp, size = before.xp, int(self.kernel.shape[1])
        middle = xp.asarray([1.0 if k == size // 2 else 0.0 for k in range(size)], dtype=xp.float64)
        same = middle[:, None] * middle
        return replace(self, kernel=xp.where(mask[:, None, None], self.kernel, same))


@dataclass(frozen=True, eq=False)
class Median(Stage):
    """Every pixel becomes the median of the square around it, on each channel; beyond the edge, the edge goes on.

    Attributes:
        size: `(batch,)` odd side of the square; 1 changes nothing.
        sizes: The sides that can occur.
    """

    size: Array
    sizes: tuple[int, ...]
    origin: tuple[str, ...] = ()

    def masked(self, mask: Array | None, before: Frame) -> Median:
        return self if mask is None else replace(self, size=before.xp.where(mask, self.size, 1))


@dataclass(frozen=True, eq=False)
class Clahe(Stage):
    """Contrast-limited adaptive histogram equalization of each channel (K. Zuiderveld, Graphics Gems IV, 1994).

    Attributes:
        clip_limit: `(batch,)`; a level counts at most this many times its even share; 0 changes nothing.
        grid: Tiles (down, across).
    """

    clip_limit: Array
    grid: tuple[int, int]
    origin: tuple[str, ...] = ()

    def masked(self, mask: Array | None, before: Frame) -> Clahe:
        return self if mask is None else replace(self, clip_limit=before.xp.where(mask, self.clip_limit, 0.0))


@dataclass(frozen=True, eq=False)
class Noise(Stage):
    """Gaussian noise added to every value, clipped to [0, 1].

    The noise is read from one table that all engines share, from a drawn place on: the same on every engine, at the
    price of a copy. See `augline.random.noise_table`.

    Attributes:
        std: `(batch,)`; 0 changes nothing.
        start: `(batch,)` place in the table.
    """

    std: Array
    start: Array
    origin: tuple[str, ...] = ()

    def masked(self, mask: Array | None, before: Frame) -> Noise:
        return self if mask is None else replace(self, std=before.xp.where(mask, self.std, 0.0))


@dataclass(frozen=True, eq=False)
class Erase(Stage):
    """Rectangles painted over.

    Attributes:
        boxes: `(batch, n, 4)` whole pixels: top, left, bottom, right, the last two not included; an empty box is none.
        value: `(batch, channels)` or `(batch, 1)`, 0 to 1.
        noise: `(batch,)` place in the noise table to fill with normal values about `value`; None for the plain value.
        mask: What segmentation masks get there; None leaves them.
    """

    boxes: Array
    value: Array
    noise: Array | None = None
    mask: MaskValue | None = None
    origin: tuple[str, ...] = ()

    def masked(self, mask: Array | None, before: Frame) -> Erase:
        return self if mask is None else replace(self, boxes=before.xp.where(mask[:, None, None], self.boxes, 0))


@dataclass(frozen=True, eq=False)
class Codec(Stage):
    """JPEG and back, through 8 bits.

    Attributes:
        quality: `(batch,)` 1 to 100 as libjpeg counts it; 0 changes nothing.
    """

    quality: Array
    origin: tuple[str, ...] = ()

    def masked(self, mask: Array | None, before: Frame) -> Codec:
        return self if mask is None else replace(self, quality=before.xp.where(mask, self.quality, 0))

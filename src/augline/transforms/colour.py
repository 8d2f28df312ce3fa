"""Transforms of brightness, contrast and colour. They work on values of 0 to 1, whatever type the images have.

The formulas of the curves stand first; a curve is a pure function `(xp, u, *params)` that any engine can evaluate.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import Annotated, Literal

from augline.arrays import Array, Namespace, shape_of, sign
from augline.errors import ArgumentError
from augline.plan import matrices
from augline.plan.frame import Frame
from augline.plan.stages import LUMA, Colour, Curve, Hsv, Stage, Tone, affine, affine_about_mean
from augline.random import Draw
from augline.transforms.base import Params, Transform, transform
from augline.transforms.epochs import each
from augline.transforms.fields import Fraction, Span, pair, span, symmetric


def gamma_corrected(xp: Namespace, u: Array, gamma: Array) -> Array:
    """`u ** gamma`."""
    return xp.clip(u, min=0.0, max=1.0) ** gamma


def inverted(xp: Namespace, u: Array) -> Array:
    """Light for dark."""
    return 1.0 - u


def solarized(xp: Namespace, u: Array, addition: Array, threshold: Array) -> Array:
    """What reaches the threshold is inverted."""
    u = xp.clip(u + addition, min=0.0, max=1.0)
    return xp.where(u < threshold, u, 1.0 - u)


def posterized(xp: Namespace, u: Array, step: Array) -> Array:
    """Of 256 levels, only multiples of `step`; the small excess keeps a whole level from falling below itself."""
    return xp.floor(xp.clip(u, min=0.0, max=1.0) * 255 / step + 1e-6) * step / 255


@transform
class Pointwise(Transform):
    """Base of the transforms that change values and leave pixels where they are.

    Args:
        value_range: Only checked, for lists that come from Keras: the pipeline knows the range of its images.
    """

    value_range: tuple[float, float] | None = dataclasses.field(default=None, kw_only=True)

    def check_range(self, frame: Frame) -> None:
        """Refuses a range that is not the one the images have at this place in the list."""
        here = frame.value_range
        if self.value_range and here and not all(map(math.isclose, self.value_range, here)):
            raise ArgumentError(
                f"{self!r}: value_range must be the range that images have at this place. Received {self.value_range}; "
                f"images run from {here[0]:g} to {here[1]:g}. Leave value_range out."
            )

    def tone(self, frame: Frame, *curves: Curve) -> Tone:
        """One stage of these curves."""
        self.check_range(frame)
        return Tone(curves)


@transform
class RandomBrightness(Pointwise):
    """Makes images lighter or darker by a share of the value range.

    Args:
        factor: Added to every pixel, as a fraction of the range: `f` for (-f, f), or (low, high). -1 is black, 1 white.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.full((1, 1, 1, 1), 100, "uint8"), [al.RandomBrightness((0.2, 0.2))]).item()
        151
    """

    factor: Annotated[Span, span(-1, 1, 0.2, unit="a share of the range, which is added; ColorJitter multiplies")]

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {"delta": draw.uniform("delta", *symmetric(self.factor))}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        yield self.tone(frame, Curve(affine, (1.0 + 0.0 * params["delta"], params["delta"])))


@transform
class RandomContrast(Pointwise):
    """Spreads or squeezes each channel about its own mean over the image, or about a constant.

    Args:
        factor: `f` for a contrast of 1 - f to 1 + f, or (lower, upper) for 1 - lower to 1 + upper, as Keras
            documents it.
        about: Share of the value range that stays as it is: 0 for black, 0.5 for the middle. None for each channel's
            mean, as in Keras and tf.image; the mean luma, as in Pillow and torchvision, is what `ColorJitter` takes.

    Example:
        >>> import augline as al, numpy as np
        >>> pixels = np.asarray([[[[100], [200]]]], "uint8")
        >>> al.augment(pixels, [al.RandomContrast((0.5, -0.5))]).ravel()
        array([125, 175], dtype=uint8)
    """

    factor: Annotated[Span, span(-10, 10, 0.2, ordered=False)]
    about: Fraction | None = dataclasses.field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        lower, upper = self.bounds
        if not 0 <= 1 - lower <= 1 + upper <= 11:
            raise ArgumentError(
                f"{self!r}: the contrast, drawn from (1 - lower, 1 + upper), must lie between 0 and 11 in order. "
                f"Received ({1 - lower:g}, {1 + upper:g}). Write 0.2, for example."
            )

    @property
    def bounds(self) -> tuple[float, float]:
        """(lower, upper)."""
        return self.factor if isinstance(self.factor, tuple) else (self.factor, self.factor)

    def sample(self, draw: Draw, frame: Frame) -> Params:
        lower, upper = self.bounds
        return {"contrast": draw.uniform("contrast", 1 - lower, 1 + upper)}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        contrast = params["contrast"]
        if self.about is None:
            yield self.tone(frame, Curve(affine_about_mean, (contrast,), measure="mean"))
        else:
            yield self.tone(frame, Curve(affine, (contrast, self.about * (1 - contrast))))


@transform
class RandomGamma(Pointwise):
    """Raises values, on a scale of 0 to 1, to a power: above 1 darkens, below 1 lightens the middle tones.

    Args:
        gamma: (low, high) of the exponent, drawn uniformly in its logarithm so that both ways are as likely.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.full((1, 1, 1, 1), 128, "uint8"), [al.RandomGamma((2, 2))]).item()
        64
    """

    gamma: Annotated[tuple[float, float], span(0.01, 100, (0.8, 1.25))] = (0.8, 1.25)

    def sample(self, draw: Draw, frame: Frame) -> Params:
        low, high = (each(math.log, end) for end in self.gamma)
        return {"gamma": frame.xp.exp(draw.uniform("log_gamma", low, high))}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        yield self.tone(frame, Curve(gamma_corrected, (params["gamma"],)))


@transform
class RandomInvert(Pointwise):
    """Turns light to dark and dark to light.

    Args:
        factor: Chance for an image: `f` draws the chance itself from (0, f), as Keras does; (f, f) fixes it.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.full((1, 1, 1, 1), 100, "uint8"), [al.RandomInvert((1, 1))]).item()
        155
    """

    factor: Annotated[Span, span(0, 1, (0.5, 0.5))] = 1.0

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {"inverted": draw.uniform("inverted") < draw.uniform("chance", *pair(self.factor))}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        one = frame.xp.ones((frame.batch,), dtype=frame.xp.float64)
        yield self.tone(frame, Curve(affine, (-one, one), active=params["inverted"]))


@transform
class Solarization(Pointwise):
    """Inverts what is lighter than a threshold.

    Args:
        addition_factor: Added to values before, as a fraction of the range: `f` draws from (0, f), or (low, high).
        threshold_factor: The threshold, as a fraction of the range: `f` draws from (0, f), or (low, high).

    Example:
        >>> import augline as al, numpy as np
        >>> pixels = np.asarray([[[[100], [200]]]], "uint8")
        >>> al.augment(pixels, [al.Solarization(0.0, (0.5, 0.5))]).ravel()
        array([100,  55], dtype=uint8)
    """

    addition_factor: Annotated[Span, span(0, 1, 0.1)] = 0.0
    threshold_factor: Annotated[Span, span(0, 1, (0.5, 0.5))] = 0.0

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {
            "addition": draw.uniform("addition", *pair(self.addition_factor)),
            "threshold": draw.uniform("threshold", *pair(self.threshold_factor)),
        }

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        yield self.tone(frame, Curve(solarized, (params["addition"], params["threshold"])))


@transform
class RandomPosterization(Pointwise):
    """Keeps only the highest bits of each value, on a scale of 256 levels.

    Args:
        factor: Number of bits to keep, 1 to 8, or (low, high) to draw from, both included.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.full((1, 1, 1, 1), 100, "uint8"), [al.RandomPosterization(2)]).item()
        64
    """

    factor: Annotated[int | tuple[int, int], span(1, 8, 4)]

    def sample(self, draw: Draw, frame: Frame) -> Params:
        low, high = self.factor if isinstance(self.factor, tuple) else (self.factor, self.factor)
        return {"bits": draw.integers("bits", low, high + 1)}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        step = 2.0 ** frame.xp.astype(8 - params["bits"], frame.xp.float64)
        yield self.tone(frame, Curve(posterized, (step,)))


@transform
class RandomSaturation(Pointwise):
    """Makes colours paler or stronger.

    Args:
        factor: 0.5 changes nothing, 0 is grey, 1 is full saturation: `f` draws from (0, f), or (low, high). The
            saturation is multiplied by factor / (1 - factor).
        space: "hsv" scales the saturation of HSV, as Keras does. "yiq" blends with the grey of the same luma, as
            Pillow and torchvision do: a matrix, which fuses with the other matrices in the list.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.asarray([[[[200, 100, 100]]]], "uint8"), [al.RandomSaturation((0, 0))]).ravel()
        array([200, 200, 200], dtype=uint8)
    """

    factor: Annotated[Span, span(0, 1, (0.4, 0.6))]
    space: Literal["hsv", "yiq"] = dataclasses.field(default="hsv", kw_only=True)

    def sample(self, draw: Draw, frame: Frame) -> Params:
        factor = draw.uniform("factor", *pair(self.factor))
        return {"saturation": factor / (1 - factor + 1e-7)}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        self.check_range(frame)
        if not has_colours(self, frame):
            return
        saturation = params["saturation"]
        if self.space == "hsv":
            yield hsv(frame, saturation=saturation)
        else:
            yield blend(frame, saturation)


@transform
class RandomHue(Pointwise):
    """Turns all colours around the colour circle.

    Args:
        factor: Share of half a turn, to either side: `f` draws from (0, f), or (low, high); 1 is the opposite colour.
        space: "hsv" turns the hue of HSV, as Keras does. "yiq" turns the chroma of YIQ, as DALI does: a matrix,
            which fuses with the other matrices in the list and keeps luma.

    Example:
        >>> import augline as al, numpy as np
        >>> red = np.asarray([[[[255, 0, 0]]]], "uint8")
        >>> al.augment(red, [al.RandomHue((1, 1))], engine="reference").ravel()
        array([  0, 255, 255], dtype=uint8)
    """

    factor: Annotated[Span, span(0, 1, 0.1)]
    space: Literal["hsv", "yiq"] = dataclasses.field(default="hsv", kw_only=True)

    def sample(self, draw: Draw, frame: Frame) -> Params:
        sense = sign(frame.xp, draw.chance("sense", 0.5))
        return {"turns": sense * draw.uniform("turns", *pair(self.factor)) * 0.5}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        self.check_range(frame)
        if not has_colours(self, frame):
            return
        turns = params["turns"]
        if self.space == "hsv":
            yield hsv(frame, hue=turns)
        else:
            yield turned_in_yiq(frame, turns)


@transform
class RandomGrayscale(Pointwise):
    """Takes the colour out of some images; they keep their number of channels.

    Args:
        factor: Chance for an image.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.asarray([[[[200, 100, 100]]]], "uint8"), [al.RandomGrayscale(1.0)]).ravel()
        array([130, 130, 130], dtype=uint8)
    """

    factor: Fraction = 0.5

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {"grey": draw.chance("grey", self.factor)}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        self.check_range(frame)
        if has_colours(self, frame):
            yield blend(frame, 1.0 - frame.xp.astype(params["grey"], frame.xp.float64))


# RGB to YIQ and back, NTSC 1953; the inverse is computed, so that no turn is exactly no change.
_YIQ = ((0.299, 0.587, 0.114), (0.595716, -0.274453, -0.321263), (0.211456, -0.522591, 0.311135))


def has_colours(item: Transform, frame: Frame) -> bool:
    """Whether there are colours to change: grey images have none, four channels are taken for RGB and alpha."""
    if frame.channels not in (1, 3, 4):
        raise ArgumentError(
            f"{item!r}: colours need images of 3 channels (RGB), 4 (RGB and alpha) or 1 (left as they are). "
            f"Received {frame.channels} channels. Take the transform out of the list."
        )
    return frame.channels > 1


def hsv(frame: Frame, *, hue: Array | float = 0.0, saturation: Array | float = 1.0, value: Array | float = 1.0,
        saturation_shift: Array | float = 0.0, value_shift: Array | float = 0.0) -> Hsv:  # fmt: skip
    """The stage that makes these changes, each a number or `(batch,)`."""
    xp = frame.xp
    zero = 0.0 * frame.height

    def two(factor: Array | float, addition: Array | float) -> Array:
        return xp.stack([factor + zero, addition + zero], axis=-1)

    return Hsv(hue + zero, two(saturation, saturation_shift), two(value, value_shift))


def blend(frame: Frame, saturation: Array) -> Colour:
    """Each colour mixed with the grey of its luma: 0 is grey, 1 no change."""
    xp = frame.xp
    grey = xp.asarray([LUMA] * 3, dtype=xp.float64)
    share = saturation[:, None, None]
    return Colour(_with_alpha(frame, xp.eye(3, dtype=xp.float64) * share + grey * (1 - share)))


def turned_in_yiq(frame: Frame, turns: Array) -> Colour:
    """The plane of I and Q turned, from red over green to blue as hue does in HSV."""
    xp = frame.xp
    angle = turns * (2 * math.pi)
    cos, sin = xp.cos(angle), xp.sin(angle)
    one, zero = 0.0 * cos + 1.0, 0.0 * cos
    rows = ((one, zero, zero), (zero, cos, sin), (zero, -sin, cos))
    turn = xp.stack([xp.stack(row, axis=-1) for row in rows], axis=1)
    to = xp.broadcast_to(xp.asarray(_YIQ, dtype=xp.float64), shape_of(xp, turn))
    return Colour(_with_alpha(frame, matrices.inverse(xp, to) @ turn @ to))


def _with_alpha(frame: Frame, linear: Array) -> Array:
    """A 3x3 matrix as a stage wants it: what is beyond the third channel, and the constant, left alone."""
    xp = frame.xp
    size = frame.channels + 1
    eye = xp.eye(size, dtype=xp.float64)
    embed = eye[:, :3]
    rest = xp.asarray([[float(i == j and i >= 3) for j in range(size)] for i in range(size)], dtype=xp.float64)
    return embed @ linear @ xp.matrix_transpose(embed) + rest

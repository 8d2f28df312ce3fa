"""Transforms that move pixels without changing their frame: flips, turns, and everything a 3x3 matrix can do."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import Annotated, Literal

from augline.arrays import Array, sign
from augline.plan import matrices
from augline.plan.frame import Frame
from augline.plan.stages import Fill, Stage, Warp
from augline.random import Draw
from augline.transforms.base import Params, Transform, transform
from augline.transforms.fields import (
    FillMode,
    FillValue,
    Fraction,
    Interpolation,
    MaskFill,
    Span,
    pair,
    span,
    symmetric,
)
from augline.transforms.filling import filling


@transform
class RandomFlip(Transform):
    """Mirrors images left to right, top to bottom, or both, each with its own coin.

    Args:
        mode: "horizontal", "vertical" or "horizontal_and_vertical".
        p: Chance of each flip.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.arange(6, dtype="uint8").reshape(1, 2, 3, 1), [al.RandomFlip("horizontal", p=1)])[0, :, :, 0]
        array([[2, 1, 0],
               [5, 4, 3]], dtype=uint8)
    """

    mode: Literal["horizontal", "vertical", "horizontal_and_vertical"] = "horizontal_and_vertical"
    p: Fraction = dataclasses.field(default=0.5, kw_only=True)

    def gate(self, draw: Draw) -> None:
        return None

    def sample(self, draw: Draw, frame: Frame) -> Params:
        sides = {"flip_x": "horizontal", "flip_y": "vertical"}
        return {name: draw.chance(name, self.p) for name, side in sides.items() if side in self.mode}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        xp = frame.xp
        x, y = (sign(xp, params[k]) if k in params else 1.0 for k in ("flip_x", "flip_y"))
        yield Warp(matrices.about(xp, frame.batch, ((x, 0.0), (0.0, y)), *frame.centre), frame.extent, "permutes")


@transform
class Transpose(Transform):
    """Swaps rows and columns: mirrors images in their main diagonal; height and width change places.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.arange(6, dtype="uint8").reshape(1, 2, 3, 1), [al.Transpose()])[0, :, :, 0]
        array([[0, 3],
               [1, 4],
               [2, 5]], dtype=uint8)
    """

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        yield Warp(matrices.matrix(frame.xp, frame.batch, ((0, 1, 0), (1, 0, 0))), frame.extent.turned, "permutes")


@transform
class RandomRotate90(Transform):
    """Turns images by 0, 90, 180 or 270 degrees counter-clockwise, each as likely; quarter turns swap height and width.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((8, 32, 32, 3), "uint8"), [al.RandomRotate90()]).shape
        (8, 32, 32, 3)
    """

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {"quarters": draw.integers("quarters", 0, 4)}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        xp, k = frame.xp, params["quarters"]
        cos, sin = ((sign(xp, k == minus) - sign(xp, k == plus)) / 2 for plus, minus in ((0, 2), (1, 3)))
        turned = frame.extent.turned.where(k % 2 == 1, frame.extent, xp)
        # out -> in is the clockwise turn, from the new centre to the old one
        x, y = frame.centre
        new_x, new_y = (turned.width - 1) / 2, (turned.height - 1) / 2
        rows = ((cos, -sin, x - cos * new_x + sin * new_y), (sin, cos, y - sin * new_x - cos * new_y))
        yield Warp(matrices.matrix(xp, frame.batch, rows), turned, "permutes")


@transform
class Geometric(Transform):
    """Base of the transforms that resample and can look past the edge of the image.

    Args:
        fill_mode: What lies outside: "reflect" (d c b a | a b c d | d c b a), "nearest" (a a | a b c d | d d),
            "wrap" (a b c d | a b c d), "mirror" (d c b | a b c d | c b a) or "constant".
        fill_value: The constant, as a pixel value, or one per channel; None for grey, 114 of 255 of the range.
        interpolation: "bilinear" or "nearest", for images; masks are always read with "nearest".
        mask_fill_value: The constant that masks get outside; where there are several, perhaps one for each by name.
    """

    fill_mode: FillMode = dataclasses.field(default="reflect", kw_only=True)
    fill_value: FillValue = dataclasses.field(default=0.0, kw_only=True)
    interpolation: Interpolation = dataclasses.field(default="bilinear", kw_only=True)
    mask_fill_value: MaskFill = dataclasses.field(default=0, kw_only=True)

    def warp(self, matrix: Array, frame: Frame) -> Warp:
        """The warp by this matrix, with these options, in the frame as it is."""
        constant = self.fill_mode == "constant"
        value, mask = (filling(self, frame, self.fill_value), self.mask_fill_value) if constant else ((0.0,), 0)
        return Warp(matrix, frame.extent, "anywhere", self.interpolation, Fill(self.fill_mode, value, mask))


@transform
class RandomRotation(Geometric):
    """Turns images about their centre.

    Args:
        factor: Angle as a fraction of a full turn: `f` for (-f, f), or (low, high). Positive is counter-clockwise.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((8, 48, 64, 3), "uint8"), [al.RandomRotation(20 / 360, fill_mode="constant")]).shape
        (8, 48, 64, 3)
    """

    factor: Annotated[Span, span(-1, 1, 0.05, unit="a share of a full turn; 20 degrees are 20 / 360")]

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {"turns": draw.uniform("turns", *symmetric(self.factor))}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        angle = params["turns"] * (2 * math.pi)
        cos, sin = frame.xp.cos(angle), frame.xp.sin(angle)
        yield self.warp(matrices.about(frame.xp, frame.batch, ((cos, -sin), (sin, cos)), *frame.centre), frame)


@transform
class RandomZoom(Geometric):
    """Zooms about the centre: positive factors zoom out, negative ones in, as in Keras.

    Args:
        height_factor: The picture's height becomes 1 / (1 + factor) of what it was: `f` for (-f, f), or (low, high).
        width_factor: The same for the width; None for the height's draw, which keeps the aspect ratio.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((8, 48, 64, 3), "uint8"), [al.RandomZoom(0.2)]).shape
        (8, 48, 64, 3)
    """

    height_factor: Annotated[Span, span(-0.999, 1, 0.2)]
    width_factor: Annotated[Span, span(-0.999, 1, 0.2)] | None = None

    def sample(self, draw: Draw, frame: Frame) -> Params:
        y = draw.uniform("zoom_y", *_around_one(self.height_factor))
        x = y if self.width_factor is None else draw.uniform("zoom_x", *_around_one(self.width_factor))
        return {"zoom_y": y, "zoom_x": x}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        linear = ((params["zoom_x"], 0.0), (0.0, params["zoom_y"]))
        yield self.warp(matrices.about(frame.xp, frame.batch, linear, *frame.centre), frame)


def _around_one(factor: Span) -> tuple[float, float]:
    """The bounds of 1 + factor: a draw then adds once, where TensorFlow's optimizer would make one of two additions."""
    low, high = symmetric(factor)
    return low + 1.0, high + 1.0


@transform
class RandomTranslation(Geometric):
    """Shifts images: down and to the right for positive factors.

    Args:
        height_factor: Shift as a fraction of the height: `f` for (-f, f), or (low, high).
        width_factor: Shift as a fraction of the width.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((8, 48, 64, 3), "uint8"), [al.RandomTranslation(0.1, 0.1)]).shape
        (8, 48, 64, 3)
    """

    height_factor: Annotated[Span, span(-1, 1, 0.1, unit="a share of the image's side")]
    width_factor: Annotated[Span, span(-1, 1, 0.1, unit="a share of the image's side")]

    def sample(self, draw: Draw, frame: Frame) -> Params:
        return {
            "shift_y": draw.uniform("shift_y", *symmetric(self.height_factor)),
            "shift_x": draw.uniform("shift_x", *symmetric(self.width_factor)),
        }

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        x, y = params["shift_x"] * frame.width, params["shift_y"] * frame.height
        yield self.warp(matrices.matrix(frame.xp, frame.batch, ((1, 0, -x), (0, 1, -y))), frame)


@transform
class RandomShear(Geometric):
    """Shears images about their top left pixel, as Keras does; the sense is drawn too, the same for both axes.

    Args:
        x_factor: `x_in = x_out + s * y_out`, with s from (-f, f) for a number, or from (low, high) of either sign.
        y_factor: `y_in = y_out + s * x_out`.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((8, 48, 64, 3), "uint8"), [al.RandomShear(0.2)]).shape
        (8, 48, 64, 3)
    """

    x_factor: Annotated[Span, span(0, 1, 0.2)] = 0.0
    y_factor: Annotated[Span, span(0, 1, 0.2)] = 0.0

    def sample(self, draw: Draw, frame: Frame) -> Params:
        sense = sign(frame.xp, draw.chance("sense", 0.5))
        return {
            "shear_x": sense * draw.uniform("shear_x", *symmetric(self.x_factor)),
            "shear_y": sense * draw.uniform("shear_y", *symmetric(self.y_factor)),
        }

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        rows = ((1, params["shear_x"], 0), (params["shear_y"], 1, 0))
        yield self.warp(matrices.matrix(frame.xp, frame.batch, rows), frame)


@transform
class RandomAffine(Geometric):
    """Rotation, shift, scale and shear about the centre in one, with torchvision's arguments and units.

    The picture is scaled, sheared, turned and then shifted. Angles have the other sign than torchvision's: its
    `RandomAffine` turns clockwise for positive degrees (its `RandomRotation` does not) and leans the bottom to the left
    for positive shear, so (low, high) there is (-high, -low) here. Shifts and scales are alike.

    Args:
        degrees: Angle in degrees: `d` for (-d, d), or (low, high). Positive is counter-clockwise.
        translate: Largest shift (x, y) as fractions of width and height; it goes either way.
        scale: (low, high) factor; above 1 the picture grows.
        shear: Angle in degrees by which vertical lines lean: `s` for (-s, s), or (low, high). Positive leans the
            bottom to the right.

    Example:
        >>> import augline as al, numpy as np
        >>> list_ = [al.RandomAffine(15, translate=(0.1, 0.1), scale=(0.8, 1.2), shear=5)]
        >>> al.augment(np.zeros((8, 48, 64, 3), "uint8"), list_).shape
        (8, 48, 64, 3)
    """

    degrees: Annotated[Span, span(-360, 360, 15)] = 0.0
    translate: tuple[Fraction, Fraction] = (0.0, 0.0)
    scale: Annotated[Span, span(0.001, 1000, (0.8, 1.2))] = (1.0, 1.0)
    shear: Annotated[Span, span(-89, 89, 5)] = 0.0

    def sample(self, draw: Draw, frame: Frame) -> Params:
        x, y = self.translate
        low, high = self.scale if isinstance(self.scale, tuple) else (self.scale, self.scale)
        return {
            "degrees": draw.uniform("degrees", *symmetric(self.degrees)),
            "shift_x": draw.uniform("shift_x", -x, x),
            "shift_y": draw.uniform("shift_y", -y, y),
            "scale": draw.uniform("scale", low, high),
            "shear": draw.uniform("shear", *symmetric(self.shear)),
        }

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        xp, batch = frame.xp, frame.batch
        angle = params["degrees"] * (math.pi / 180)
        lean = xp.tan(params["shear"] * (math.pi / 180))
        cos, sin, k = xp.cos(angle), xp.sin(angle), 1 / params["scale"]
        # inverse order of the picture's steps: unshift, unturn, then unshear and unscale together
        x, y = params["shift_x"] * frame.width, params["shift_y"] * frame.height
        unshift = matrices.matrix(xp, batch, ((1, 0, -x), (0, 1, -y)))
        linear = (((cos - lean * sin) * k, (-sin - lean * cos) * k), (sin * k, cos * k))
        yield self.warp(matrices.about(xp, batch, linear, *frame.centre) @ unshift, frame)


@transform
class RandomPerspective(Geometric):
    """Moves the corners of images, as a camera seen from another place would.

    As in Keras each corner moves by a random share of its own coordinates, at most `scale / 2` of them to either side;
    so the top left corner stays where it is.

    Args:
        factor: Chance that an image is changed: `f` draws the chance itself from (0, f), as Keras does; (f, f) sets it.
        scale: Strength, 0 to 1.
        fill_mode: See RandomRotation; "constant" by default here.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((8, 48, 64, 3), "uint8"), [al.RandomPerspective((1, 1), scale=0.3)]).shape
        (8, 48, 64, 3)
    """

    factor: Annotated[Span, span(0, 1, (0.5, 0.5))] = 1.0
    scale: Fraction = 1.0
    fill_mode: FillMode = dataclasses.field(default="constant", kw_only=True)

    def sample(self, draw: Draw, frame: Frame) -> Params:
        chance = draw.uniform("chance", *pair(self.factor))
        corners = draw.uniform("corners", -0.5 * self.scale, 0.5 * self.scale, shape=(4, 2))
        return {"changed": draw.uniform("changed") < chance, "corners": corners}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        xp, batch = frame.xp, frame.batch
        # a one-pixel side spans no square; such an image has no perspective to change
        flat = (frame.width < 2) | (frame.height < 2)
        x, y = (xp.where(flat, 1.0, side - 1) for side in (frame.width, frame.height))
        zero = xp.zeros_like(x)
        corners = xp.stack([xp.stack(c, axis=-1) for c in ((zero, zero), (x, zero), (zero, y), (x, y))], axis=1)
        to_corners = matrices.matrix(xp, batch, ((x, 0, 0), (0, y, 0)))
        moved = matrices.square_to_quad(xp, corners * (1 + params["corners"]))
        matrix = to_corners @ matrices.inverse(xp, moved)
        changed = (params["changed"] & ~flat)[:, None, None]
        matrix = xp.where(changed, matrix / matrix[:, 2:, 2:], matrices.identity(xp, batch))
        yield self.warp(matrix, frame)

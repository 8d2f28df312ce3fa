"""Augmentation policies: operations chosen at random for each sample.

A slot holds one operation of a sample. It lowers to a handful of stages that hold all operations at once, each idle but
for the samples that chose it; what is idle costs a sample next to nothing.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from typing import Annotated, Literal

from augline.arrays import Array, sign
from augline.errors import ArgumentError
from augline.plan import matrices
from augline.plan.blend import Blend
from augline.plan.frame import Frame
from augline.plan.stages import Curve, Stage, Tone, Warp, affine, affine_about_mean
from augline.random import Draw
from augline.transforms.base import Drawn, Expansion, Params, Transform, both, expand, transform
from augline.transforms.colour import RandomGrayscale, Solarization, blend, inverted, posterized, solarized
from augline.transforms.compose import OneOf
from augline.transforms.enhance import ColorJitter, equalized, stretched
from augline.transforms.fields import FillMode, Fraction, Span, number, pair, span
from augline.transforms.filters import RandomGaussianBlur, sharpened
from augline.transforms.geometric import Geometric, RandomFlip
from augline.transforms.policy_tables import (
    AUG_MIX,
    AUTO_AUGMENT,
    RAND_AUGMENT,
    SUB_POLICIES,
    TRIVIAL_AUGMENT_WIDE,
    Amount,
    Name,
    Space,
)

Bins = Annotated[int, number(2, 1000, 31, whole=True)]


@transform
class Policy(Geometric):
    """Base of the policies: what lies outside of images that are moved.

    Args:
        fill_mode: See RandomRotation; "constant" by default here, as in torchvision.
    """

    fill_mode: FillMode = dataclasses.field(default="constant", kw_only=True)


@transform
class RandAugment(Policy):
    """Some operations, each one of 14, one after the other, at one strength (E. Cubuk et al., 2020).

    The operations and how far they go are torchvision's: shear 0.3, translation 150/331 of the side, in whole pixels,
    rotation 30 degrees, brightness, colour, contrast and sharpness 0.9, all either way; posterize to 4 bits, solarize
    from 0; autocontrast, equalize and identity have no strength. Shear and translation are drawn for one axis. Boxes,
    masks and points move along.

    Args:
        num_ops: Operations per sample, with repetition.
        magnitude: Strength in steps, of which `num_magnitude_bins - 1` are full strength; parts of a step are fine.
        num_magnitude_bins: Number of steps, and 0.
        factor: Instead of `magnitude`, the strength as a share of the full one, drawn for each operation: `f` draws
            from (0, f), or (low, high), as Keras's layer of this name does. `magnitude=9` of 31 bins is (0.3, 0.3).
            Keras counts other ranges as full: half a turn to either side, a whole side.
        fill_mode: See RandomRotation; "constant" by default here, as in torchvision.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((8, 32, 32, 3), "uint8"), [al.RandAugment(2, magnitude=9)]).shape
        (8, 32, 32, 3)
    """

    num_ops: Annotated[int, number(1, 16, 2, whole=True)] = 2
    magnitude: Annotated[float, number(0, 999, 9)] = 9.0
    num_magnitude_bins: Bins = 31
    factor: Annotated[Span, span(0, 1, 0.5)] | None = dataclasses.field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.magnitude > self.num_magnitude_bins - 1:
            raise ArgumentError(
                f"{self!r}: magnitude must be at most num_magnitude_bins - 1, which is full strength. Received "
                f"magnitude={self.magnitude:g} of {self.num_magnitude_bins} bins. Lower it, or raise the bins."
            )

    def sample(self, draw: Draw, frame: Frame) -> Params:
        fixed = self.magnitude / (self.num_magnitude_bins - 1)
        strength = (fixed, fixed) if self.factor is None else pair(self.factor)
        return choices(draw, frame, len(RAND_AUGMENT), self.num_ops) | {
            "level": draw.uniform("level", *strength, shape=(self.num_ops,))
        }

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        return chain(self, frame, RAND_AUGMENT, params)


@transform
class TrivialAugmentWide(Policy):
    """One of 14 operations, at a strength of its own (S. Müller and F. Hutter, 2021): nothing to tune.

    As RandAugment, but up to shear 0.99, 32 pixels, 135 degrees, 0.99, and 2 bits.

    Args:
        num_magnitude_bins: Number of strengths to draw from, 0 included.
        fill_mode: See RandomRotation; "constant" by default here, as in torchvision.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((8, 32, 32, 3), "uint8"), [al.TrivialAugmentWide()]).shape
        (8, 32, 32, 3)
    """

    num_magnitude_bins: Bins = 31

    def sample(self, draw: Draw, frame: Frame) -> Params:
        step = frame.xp.astype(draw.integers("level", 0, self.num_magnitude_bins, shape=(1,)), frame.xp.float64)
        return choices(draw, frame, len(TRIVIAL_AUGMENT_WIDE), 1) | {"level": step / (self.num_magnitude_bins - 1)}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        return chain(self, frame, TRIVIAL_AUGMENT_WIDE, params)


@transform
class AutoAugment(Policy):
    """One of 25 pairs of operations, learned for a data set; each of the two has a chance (E. Cubuk et al., 2019).

    Args:
        policy: "imagenet", "cifar10" or "svhn".
        fill_mode: See RandomRotation; "constant" by default here, as in torchvision.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((8, 32, 32, 3), "uint8"), [al.AutoAugment("cifar10")]).shape
        (8, 32, 32, 3)
    """

    policy: Literal["imagenet", "cifar10", "svhn"] = "imagenet"

    def sample(self, draw: Draw, frame: Frame) -> Params:
        xp, pairs, names = frame.xp, SUB_POLICIES[self.policy], [*AUTO_AUGMENT]
        policy = draw.integers("policy", 0, len(pairs))
        operation, chance, level = (
            xp.take(xp.asarray([[read(step) for step in two] for two in pairs]), policy, axis=0)
            for read in (lambda s: names.index(s[0]), lambda s: s[1], lambda s: s[2] / 9)
        )
        applied = draw.uniform("applied", shape=(2,)) < chance
        sense = sign(xp, draw.chance("sense", 0.5, shape=(2,)))
        return {
            "policy": policy, "operation": xp.where(applied, operation, NONE), "level": 1.0 * level, "sense": sense,
        }  # fmt: skip

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        return chain(self, frame, AUTO_AUGMENT, params)


@transform
class AugMix(Policy):
    """The image mixed with several chains of operations on it (D. Hendrycks et al., 2020), with torchvision's ranges.

    What is mixed are pixels: masks, boxes and points stay where the image itself has them, though parts of the mixture
    are turned or moved.

    Args:
        severity: Operations go up to (severity - 1) / 9 of full strength; 1 to 10.
        mixture_width: Number of chains; their shares are drawn from a Dirichlet distribution.
        chain_depth: Operations per chain; -1 draws 1 to 3.
        alpha: Of the Dirichlet distribution, and of the Beta distribution of the chains' joint share.
        all_ops: Whether brightness, colour, contrast and sharpness may occur.
        fill_mode: See RandomRotation; "constant" by default here, as in torchvision.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((8, 32, 32, 3), "uint8"), [al.AugMix()]).shape
        (8, 32, 32, 3)
    """

    severity: Annotated[int, number(1, 10, 3, whole=True)] = 3
    mixture_width: Annotated[int, number(1, 10, 3, whole=True)] = 3
    chain_depth: Annotated[int, number(-1, 10, 3, whole=True)] = -1
    alpha: Annotated[float, number(0.1, 100, 1.0)] = 1.0
    all_ops: bool = True

    def __post_init__(self) -> None:
        if self.chain_depth == 0:
            raise ArgumentError(f"{self!r}: chains have operations. Received chain_depth=0. Write 3, or -1 for 1 to 3.")

    def sample(self, draw: Draw, frame: Frame) -> Params:
        xp, width, depth = frame.xp, self.mixture_width, abs(self.chain_depth) if self.chain_depth > 0 else 3
        params = choices(draw, frame, len(AUG_MIX) if self.all_ops else 9, width, depth)
        if self.chain_depth < 0:
            length = draw.integers("length", 1, depth + 1, shape=(width, 1))
            params["operation"] = xp.where(xp.arange(depth) < length, params["operation"], NONE)
        mixed = draw.beta("mixed", self.alpha, self.alpha)
        shares = [mixed[:, None] * share[:, None] for share in dirichlet(draw, frame, self.alpha, width)]
        step = xp.astype(draw.integers("level", 0, self.severity, shape=(width, depth)), xp.float64)
        return params | {"level": step / 9, "weights": xp.concat([1.0 - mixed[:, None], *shares], axis=1)}

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        chains = [
            {name: params[name][:, k, :] for name in ("operation", "level", "sense")} for k in range(self.mixture_width)
        ]
        yield Blend(tuple(tuple(chain(self, frame, AUG_MIX, own)) for own in chains), params["weights"])


@transform
class ThreeAugment(Transform):
    """Grey, solarized or blurred, each as likely; a flip, and colour jitter: DeiT III (H. Touvron et al., 2022).

    Args:
        color_jitter: Brightness, contrast and saturation from 1 - f to 1 + f, in random order.
        flip: Chance of a horizontal flip.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.zeros((8, 32, 32, 3), "uint8"), [al.ThreeAugment()]).shape
        (8, 32, 32, 3)
    """

    color_jitter: Fraction = 0.3
    flip: Fraction = 0.5

    def evaluation(self) -> None:
        return None

    def expand(self, draw: Draw, frame: Frame, path: str, mask: Array | None) -> Expansion:
        draw = draw.at(self.name or path.rpartition("/")[2])
        active = both(mask, self.gate(draw))
        parts = self._parts()
        inside = expand(parts, draw, frame, path, [active] * len(parts))
        return Expansion((Drawn(path, self, {}, active), *inside.drawn), inside.stages, inside.frame)

    def _parts(self) -> tuple[Transform, ...]:
        solarization = Solarization(0.0, (128 / 255, 128 / 255))  # Pillow's default
        three = OneOf([RandomGrayscale(1.0), solarization, RandomGaussianBlur((1, 1), 0, (0.1, 2.0))])
        jitter = self.color_jitter
        return RandomFlip("horizontal", p=self.flip), three, ColorJitter(jitter, jitter, jitter)


NONE = -1
"""In place of an operation where there is none."""


def choices(draw: Draw, frame: Frame, count: int, *shape: int) -> Params:
    """`(batch, *shape)` operations out of `count`, each as likely, and which way they go."""
    sense = sign(frame.xp, draw.chance("sense", 0.5, shape=shape))
    return {"operation": draw.integers("operation", 0, count, shape=shape), "sense": sense}


def dirichlet(draw: Draw, frame: Frame, alpha: float, count: int) -> list[Array]:
    """Shares of a whole, each `(batch,)`, from a symmetric Dirichlet distribution.

    A stick is broken: the k-th share of what is left, and the rest, are Beta(alpha, alpha * (count - k)) apart.
    """
    shares, left = [], 0.0 * frame.height + 1.0
    for k in range(1, count):
        shares.append(left * draw.beta(f"share{k}", alpha, alpha * (count - k)))
        left = left - shares[-1]
    return [*shares, left]


def chain(item: Geometric, frame: Frame, space: Space, params: Params) -> list[Stage]:
    """The slots `(batch, n)` of a chain in turn."""
    rows = [params[name] for name in ("operation", "level", "sense")]
    return [
        stage
        for place in range(int(rows[0].shape[1]))
        for stage in slot(item, frame, space, *(row[:, place] for row in rows))
    ]


def slot(item: Geometric, frame: Frame, space: Space, operation: Array, level: Array, sense: Array) -> list[Stage]:
    """The stages of one operation of each sample.

    Args:
        item: Says what lies outside of an image that is moved.
        frame: Of the images.
        space: The operations, and how far they go.
        operation: `(batch,)` places in the space, or NONE.
        level: `(batch,)` 0 to 1.
        sense: `(batch,)` -1 or 1.
    """
    xp, names = frame.xp, [*space]

    def chosen(name: Name) -> Array:
        return operation == (names.index(name) if name in space else len(names))

    def amount(name: Name) -> Array:
        return xp.where(chosen(name), space.get(name, Amount()).at(frame, level, sense), 0.0)

    brightness, bits = amount("Brightness"), xp.round(amount("Posterize"))
    by_bits = Curve(posterized, (2.0 ** (8.0 - bits),), active=chosen("Posterize"))
    threshold = xp.round(255.0 * amount("Solarize") * 2.0**20) * 2.0**-20 / 255.0  # k / 255 as pixels have it
    # affine curves stand apart from the others: an engine has a shorter way for them
    enhanced = Tone((
        Curve(affine, (1.0 + brightness, 0.0 * brightness), active=chosen("Brightness")),
        Curve(affine_about_mean, (1.0 + amount("Contrast"),), "luma", chosen("Contrast")),
    ))  # fmt: skip
    tabulated = Tone((
        by_bits,
        Curve(solarized, (0.0 * threshold, threshold), active=chosen("Solarize")),
        Curve(inverted, active=chosen("Invert")),
        Curve(stretched, measure="extremes", active=chosen("AutoContrast")),
        Curve(equalized, measure="histogram", active=chosen("Equalize")),
    ))  # fmt: skip
    colours = [blend(frame, 1.0 + amount("Color"))] if frame.channels in (3, 4) else []
    sharper = sharpened(frame, 1.0 + amount("Sharpness"))
    return [_moved(item, frame, amount), enhanced, *colours, tabulated, sharper]


def _moved(item: Geometric, frame: Frame, amount: Callable[[Name], Array]) -> Warp:
    """Sheared, moved by whole pixels, or turned; a sample is only one of these."""
    xp, batch = frame.xp, frame.batch
    angle = amount("Rotate") * (math.pi / 180)
    cos, sin = xp.cos(angle), xp.sin(angle)
    turned = matrices.about(xp, batch, ((cos, -sin), (sin, cos)), *frame.centre)
    x, y = xp.trunc(amount("TranslateX")), xp.trunc(amount("TranslateY"))
    lean_x, lean_y = amount("ShearX"), amount("ShearY")  # about the top left corner, half a pixel from the first pixel
    rows = ((1.0, lean_x, 0.5 * lean_x - x), (lean_y, 1.0, 0.5 * lean_y - y))
    return item.warp(matrices.matrix(xp, batch, rows) @ turned, frame)

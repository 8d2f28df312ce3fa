"""What the augmentation policies choose from: how far each operation goes, and AutoAugment's learned sub-policies.

The numbers are those of the papers (Cubuk et al. 2019 and 2020, Müller and Hutter 2021, Hendrycks et al. 2020) as
torchvision 0.2x has them; where the two differ, torchvision's count, since its recipes are what people reproduce.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from augline.arrays import Array
from augline.plan.frame import Frame

Name: TypeAlias = Literal[
    "Identity", "ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness", "Color", "Contrast",
    "Sharpness", "Posterize", "Solarize", "AutoContrast", "Equalize", "Invert",
]  # fmt: skip


@dataclass(frozen=True)
class Amount:
    """How far an operation goes: `start + change * level`, with the level from 0 to 1.

    Attributes:
        start: At level 0.
        change: From level 0 to level 1.
        signed: Whether it goes either way.
        unit: "width" or "height" if it is a share of that, else None.
    """

    start: float = 0.0
    change: float = 0.0
    signed: bool = False
    unit: Literal["width", "height"] | None = None

    def at(self, frame: Frame, level: Array, sense: Array) -> Array:
        """`(batch,)`; `level` is 0 to 1, `sense` -1 or 1."""
        amount = self.start + self.change * level
        amount = amount * sense if self.signed else amount
        return amount if self.unit is None else amount * getattr(frame, self.unit)


Space: TypeAlias = dict[Name, Amount]


def _space(shear: float, shift: float, degrees: float, strength: float, bits: tuple[float, float], *others: Name,
           relative: bool = True) -> Space:  # fmt: skip
    """A space of operations; `bits` are those that are kept at level 0 and at level 1."""
    enhance = Amount(change=strength, signed=True)
    return {
        "ShearX": Amount(change=shear, signed=True),
        "ShearY": Amount(change=shear, signed=True),
        "TranslateX": Amount(change=shift, signed=True, unit="width" if relative else None),
        "TranslateY": Amount(change=shift, signed=True, unit="height" if relative else None),
        "Rotate": Amount(change=degrees, signed=True),
        "Posterize": Amount(bits[0], bits[1] - bits[0]),
        "Solarize": Amount(1.0, -1.0),
        "AutoContrast": Amount(),
        "Equalize": Amount(),
        "Brightness": enhance,
        "Color": enhance,
        "Contrast": enhance,
        "Sharpness": enhance,
        **{name: Amount() for name in others},
    }


RAND_AUGMENT = _space(0.3, 150 / 331, 30.0, 0.9, (8, 4), "Identity")
"""14 operations; translations are 150 pixels of 331, the size that AutoAugment was found on."""
TRIVIAL_AUGMENT_WIDE = _space(0.99, 32.0, 135.0, 0.99, (8, 2), "Identity", relative=False)
"""14 operations, up to the far end; translations are in pixels, whatever the size."""
AUTO_AUGMENT = _space(0.3, 150 / 331, 30.0, 0.9, (8, 4), "Invert")
"""14 operations."""
AUG_MIX = _space(0.3, 1 / 3, 30.0, 0.9, (4, 0))
"""13 operations: the nine of the paper, and the four that its authors leave out to stay apart from ImageNet-C."""

Step: TypeAlias = tuple[Name, float, int]
"""An operation, its chance, and its level in ninths: 0 to 9."""


def _read(text: str) -> tuple[tuple[Step, Step], ...]:
    words = text.split()
    steps: list[Step] = [(_named(words[k]), float(words[k + 1]), int(words[k + 2])) for k in range(0, len(words), 3)]
    return tuple(zip(steps[::2], steps[1::2], strict=True))


def _named(word: str) -> Name:
    return next(name for name in AUTO_AUGMENT if name == word)


SUB_POLICIES: dict[str, tuple[tuple[Step, Step], ...]] = {
    "imagenet": _read("""
        Posterize .4 8 Rotate .6 9          Solarize .6 5 AutoContrast .6 0     Equalize .8 0 Equalize .6 0
        Posterize .6 7 Posterize .6 6       Equalize .4 0 Solarize .2 4         Equalize .4 0 Rotate .8 8
        Solarize .6 3 Equalize .6 0         Posterize .8 5 Equalize 1. 0        Rotate .2 3 Solarize .6 8
        Equalize .6 0 Posterize .4 6        Rotate .8 8 Color .4 0              Rotate .4 9 Equalize .6 0
        Equalize .0 0 Equalize .8 0         Invert .6 0 Equalize 1. 0           Color .6 4 Contrast 1. 8
        Rotate .8 8 Color 1. 2              Color .8 8 Solarize .8 7            Sharpness .4 7 Invert .6 0
        ShearX .6 5 Equalize 1. 0           Color .4 0 Equalize .6 0            Equalize .4 0 Solarize .2 4
        Solarize .6 5 AutoContrast .6 0     Invert .6 0 Equalize 1. 0           Color .6 4 Contrast 1. 8
        Equalize .8 0 Equalize .6 0
    """),
    "cifar10": _read("""
        Invert .1 0 Contrast .2 6           Rotate .7 2 TranslateX .3 9         Sharpness .8 1 Sharpness .9 3
        ShearY .5 8 TranslateY .7 9         AutoContrast .5 0 Equalize .9 0     ShearY .2 7 Posterize .3 7
        Color .4 3 Brightness .6 7          Sharpness .3 9 Brightness .7 9      Equalize .6 0 Equalize .5 0
        Contrast .6 7 Sharpness .6 5        Color .7 7 TranslateX .5 8          Equalize .3 0 AutoContrast .4 0
        TranslateY .4 3 Sharpness .2 6      Brightness .9 6 Color .2 8          Solarize .5 2 Invert .0 0
        Equalize .2 0 AutoContrast .6 0     Equalize .2 0 Equalize .6 0         Color .9 9 Equalize .6 0
        AutoContrast .8 0 Solarize .2 8     Brightness .1 3 Color .7 0          Solarize .4 5 AutoContrast .9 0
        TranslateY .9 9 TranslateY .7 9     AutoContrast .9 0 Solarize .8 3     Equalize .8 0 Invert .1 0
        TranslateY .7 9 AutoContrast .9 0
    """),
    "svhn": _read("""
        ShearX .9 4 Invert .2 0             ShearY .9 8 Invert .7 0             Equalize .6 0 Solarize .6 6
        Invert .9 0 Equalize .6 0           Equalize .6 0 Rotate .9 3           ShearX .9 4 AutoContrast .8 0
        ShearY .9 8 Invert .4 0             ShearY .9 5 Solarize .2 6           Invert .9 0 AutoContrast .8 0
        Equalize .6 0 Rotate .9 3           ShearX .9 4 Solarize .3 3           ShearY .8 8 Invert .7 0
        Equalize .9 0 TranslateY .6 6       Invert .9 0 Equalize .6 0           Contrast .3 3 Rotate .8 4
        Invert .8 0 TranslateY .0 2         ShearY .7 6 Solarize .4 8           Invert .6 0 Rotate .8 4
        ShearY .3 7 TranslateX .9 3         ShearX .1 6 Invert .6 0             Solarize .7 2 TranslateY .6 7
        ShearY .8 4 Invert .8 0             ShearX .7 9 TranslateY .8 3         ShearY .8 5 AutoContrast .7 0
        ShearX .7 2 Invert .1 0
    """),
}
"""AutoAugment's 25 sub-policies of two operations, per data set (appendix of the paper); each is as likely."""

"""What Albumentations and torchvision share: geometry written in degrees and pixels, and ours to match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from augline.transforms import RandomAffine, RandomTranslation, RandomZoom, Transform
from augline.translate.translation import Given, span, tidy

Range: TypeAlias = tuple[float, float]
STILL: Range = (0.0, 0.0)
WHOLE: Range = (1.0, 1.0)


@dataclass(frozen=True)
class Motion:
    """A random affine map, with the ranges it is drawn from; all about the centre of the image.

    Attributes:
        degrees: Counter-clockwise on the screen.
        scale_x: Above 1 the picture grows.
        scale_y: The same.
        shear_x: In degrees; positive leans the bottom to the right.
        shear_y: In degrees; positive leans the right side up.
        shift_x: As a fraction of the width, to the right.
        shift_y: As a fraction of the height, down.
        alike: Whether one draw scales both sides.
        turns_first: Whether the picture is turned before it is sheared.
    """

    degrees: Range = STILL
    scale_x: Range = WHOLE
    scale_y: Range = WHOLE
    shear_x: Range = STILL
    shear_y: Range = STILL
    shift_x: Range = STILL
    shift_y: Range = STILL
    alike: bool = True
    turns_first: bool = False


def moved(given: Given, motion: Motion, options: dict[str, Any]) -> list[Transform]:
    """Our transforms for a motion: as few as have its meaning; their matrices are multiplied into one anyhow."""
    m = motion
    zoom, scale = _scaled(given, m, options)
    bound = (abs(m.shift_x[0]), abs(m.shift_y[0]))
    centred = m.shift_x[0] == -m.shift_x[1] and m.shift_y[0] == -m.shift_y[1]
    shift: dict[str, Any] = {"translate": bound} if centred and bound != (0, 0) else {}
    last = [] if centred else [RandomTranslation(_even(m.shift_y), _even(m.shift_x), **options)]
    turn = {} if m.degrees == STILL else {"degrees": _even(m.degrees)}
    lean = {} if m.shear_x == STILL else {"shear": _even(m.shear_x)}
    if m.shear_y == STILL and not (m.turns_first and turn and lean):
        steps = [scale | lean | turn | shift]
    else:
        upright = [{"degrees": (90.0, 90.0)}, {"shear": _even(m.shear_y)}, {"degrees": (-90.0, -90.0)}]
        sideways = [lean, *(upright if m.shear_y != STILL else [])]
        steps = [scale | turn, *sideways, shift] if m.turns_first else [scale | lean, *upright, turn | shift]
    if m.turns_first and lean and m.shear_y != STILL:
        given.say("shears both ways at once", "shears sideways, then up and down: alike for small angles")
    return [*zoom, *(RandomAffine(**step, **options) for step in steps if step), *last]


def _scaled(given: Given, m: Motion, options: dict[str, Any]) -> tuple[list[Transform], dict[str, Any]]:
    """(a zoom of its own, or none; what RandomAffine gets)."""
    fixed = m.scale_x[0] == m.scale_x[1] and m.scale_y[0] == m.scale_y[1]
    if m.alike or (fixed and m.scale_x == m.scale_y):
        return [], {} if m.scale_x == WHOLE else {"scale": m.scale_x}
    low = min(m.scale_x[0], m.scale_y[0])
    if low < 0.5:
        given.say("width and height are scaled apart", "both alike, since the range goes below 0.5")
        return [], {"scale": m.scale_x}
    given.unless(fixed, "the scale is drawn evenly", "its inverse is drawn evenly: RandomZoom's factor")
    factors = [span(1 / high - 1, 1 / low - 1) for low, high in (m.scale_y, m.scale_x)]
    return [RandomZoom(*factors, **options)], {}


def _even(values: Range) -> Any:
    return span(*values, "symmetric")


def over(values: Sequence[float], by: float) -> Range:
    """A range in another unit."""
    low, high = sorted(tidy(float(value) / by) for value in values)
    return low, high


def ends(value: Any) -> Range:
    """A number, or a pair of numbers, as a range."""
    if isinstance(value, (int, float)):
        return float(value), float(value)
    low, high = value
    return float(low), float(high)


def filled(given: Given, value: Any) -> float | tuple[float, ...]:
    """One number for what lies outside, or one per channel."""
    if isinstance(value, str):
        given.say(f"fill={value!r}", "0")
    if value is None or isinstance(value, str):
        return 0.0
    values = (float(value),) if isinstance(value, (int, float)) else tuple(float(v) for v in value)
    return values if len({*values}) > 1 else (*values, 0.0)[0]


def mask_filled(given: Given, value: Any) -> int:
    """One number for what of masks lies outside; ours knows no more."""
    numbers = filled(given, value)
    values = numbers if isinstance(numbers, tuple) else (numbers,)
    given.unless(len(values) == 1, f"fill_mask={values}", f"the first number, {values[0]:g}")
    return int(values[0])


ANTIALIAS = (
    "shrinks without antialiasing: pixels between are skipped",
    "blocks are averaged until less than 2 input pixels are left to a step",
)
MASKS = ("masks take the pixel up and to the left", "the nearest pixel")
SMALL = ("an image that is too small is an error", "it gives its largest window of that shape, enlarged")

"""Fusion: named pure rules that turn two neighbouring stages into one, or into the order that lets others act.

EXACT rules never change a pixel, beyond the rounding of float64. APPROXIMATE rules change pixels on purpose, and what
they give is the definition of what a list of transforms means:

- `merge_resampling`: several resamplings become one. The picture is sharper than after two; what one step moved out of
  the frame can come back with the next; the edge of the frame is the edge of the first image.
- `merge_colours`: two colour matrices become one. A value that leaves the range in between is not clipped there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from augline.plan.stages import Colour, Hsv, Reach, Stage, Tone, Warp, pointwise

Rule: TypeAlias = Callable[[Stage, Stage], "tuple[Stage, ...] | None"]

_REACHES: tuple[Reach, ...] = ("permutes", "picks", "inside", "anywhere")


def merge_whole_pixels(first: Stage, then: Stage) -> tuple[Stage, ...] | None:
    """A warp followed by one that only picks whole pixels reads the very same points."""
    if (warps := _warps(first, then)) and warps[1].reach in ("permutes", "picks"):
        return (_product(*warps),)
    return None


def merge_permutation(first: Stage, then: Stage) -> tuple[Stage, ...] | None:
    """A flip or turn before a resampling: all fill modes are symmetric, so what lies outside is the same too."""
    if (warps := _warps(first, then)) and warps[0].reach == "permutes":
        return (_product(*warps),)
    return None


def permute_first(first: Stage, then: Stage) -> tuple[Stage, ...] | None:
    """A pointwise stage does not care where pixels sit: flips and turns move ahead; crops too, unless it measures."""
    if not isinstance(first, (Tone, Colour, Hsv)) or not isinstance(then, Warp):
        return None
    if then.reach == "permutes" or (then.reach == "picks" and pointwise(first)):
        return (then, first)
    return None


def compose_tones(first: Stage, then: Stage) -> tuple[Stage, ...] | None:
    """Two runs of curves are one."""
    if isinstance(first, Tone) and isinstance(then, Tone):
        return (replace(first, curves=first.curves + then.curves, origin=first.origin + then.origin),)
    return None


def merge_resampling(first: Stage, then: Stage) -> tuple[Stage, ...] | None:
    """Two resamplings become one, unless they interpolate differently or disagree on what lies outside."""
    if (warps := _warps(first, then)) is None:
        return None
    one, two = warps
    if one.resamples and two.resamples and one.interpolation != two.interpolation:
        return None
    if one.reach == two.reach == "anywhere" and one.fill != two.fill:
        return None
    return (_product(one, two),)


def merge_colours(first: Stage, then: Stage) -> tuple[Stage, ...] | None:
    """Two colour matrices multiply."""
    if isinstance(first, Colour) and isinstance(then, Colour):
        return (replace(then, matrix=then.matrix @ first.matrix, origin=first.origin + then.origin),)
    return None


EXACT: tuple[Rule, ...] = (merge_whole_pixels, merge_permutation, permute_first, compose_tones)
APPROXIMATE: tuple[Rule, ...] = (merge_resampling, merge_colours)


def fuse(stages: Sequence[Stage], rules: Sequence[Rule] = EXACT + APPROXIMATE) -> tuple[Stage, ...]:
    """Applies the rules to neighbours until none applies."""
    done: list[Stage] = []
    todo = list(reversed(stages))
    while todo:
        stage = todo.pop()
        rewritten = next((new for rule in rules if done and (new := rule(done[-1], stage))), None)
        if rewritten is None:
            done.append(stage)
        else:
            done.pop()
            todo.extend(reversed(rewritten))
    return tuple(done)


def _warps(first: Stage, then: Stage) -> tuple[Warp, Warp] | None:
    """Both, if they are warps that may become one; of two displacements neither can take in the other."""
    if isinstance(first, Warp) and isinstance(then, Warp) and first.fuses and then.fuses:
        return (first, then) if first.field is None or then.field is None else None
    return None


def _product(first: Warp, then: Warp) -> Warp:
    reach = max(first.reach, then.reach, key=_REACHES.index)
    resampling = first if first.resamples else then
    outside = first if first.reach == "anywhere" else then
    if first.field is None:
        matrix, field = first.matrix @ then.matrix, then.field
    else:
        matrix, field = first.matrix, replace(first.field, outer=first.field.outer @ then.matrix)
    return Warp(
        matrix, then.extent, reach, resampling.interpolation, outside.fill, field, origin=first.origin + then.origin
    )  # fmt: skip

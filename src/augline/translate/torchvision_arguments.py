"""What arguments of torchvision's transforms mean: sizes, fills and interpolations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from augline.translate.translation import Given
from augline.translate.units import filled


def size_of(value: Any) -> tuple[int, int]:
    """(height, width) of a size that may be one number."""
    sides = [int(v) for v in value] if isinstance(value, Sequence) else [int(value)]
    return sides[0], sides[-1]


def interpolation(g: Given) -> Any:
    """The name of an InterpolationMode, or Pillow's number, as ours."""
    mode = g.get("interpolation", "bilinear")
    name = str(getattr(mode, "value", {0: "nearest", 2: "bilinear", 3: "bicubic", 1: "lanczos"}.get(mode, mode)))
    g.unless(name in ("bilinear", "nearest", "nearest-exact"), f"{name} interpolation", "bilinear, antialiased")
    return "nearest" if name.startswith("nearest") else "bilinear"


def beyond(g: Given) -> dict[str, Any]:
    """The options of ours that look past the edge, and reflect unless told."""
    return {"fill_mode": "constant", "interpolation": interpolation(g)} | fills(g)


def fills(g: Given) -> dict[str, Any]:
    """What images get where there is no picture, and what masks do."""
    image, given = (for_kind(g.get("fill", 0), kind) for kind in ("Image", "Mask"))
    mask = 0 if given is None or isinstance(given, Sequence) else float(given)  # colours cannot fill masks there
    g.unless(mask == int(mask), f"masks get {mask:g}", f"masks get {int(mask)}")
    return outside(filled(g, image)) | ({"mask_fill_value": int(mask)} if int(mask) else {})


def for_kind(fill: Any, kind: str) -> Any:
    """What a type of target gets of a fill that may be given by type."""
    if not isinstance(fill, dict):
        return fill
    names = {getattr(key, "__name__", str(key)): value for key, value in fill.items()}
    fallback = next(iter(fill.values()), 0) if kind == "Image" else 0
    return names.get(kind, names.get("others", fallback))


def outside(value: float | tuple[float, ...]) -> dict[str, Any]:
    """A fill for images, unless it is the usual one."""
    return {"fill_value": value} if value else {}


def resizing(g: Given) -> Any:
    """The interpolation of what changes the size."""
    between = interpolation(g)
    name = str(getattr(g.get("interpolation"), "value", g.get("interpolation")))
    g.unless(name not in ("nearest", "0"), "nearest takes the pixel up and to the left", "the nearest pixel")
    return between

"""What was drawn for a sample, in a line for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from augline.explanation import Draws
from augline.plan import Stage, Warp


def caption(drawn: Sequence[Draws], stages: Sequence[Stage], index: int) -> str:
    """The active transforms with their numbers: "Rotation +12.3°, Zoom y 1.08"; "as it is" where none acts.

    Args:
        drawn: Of one sample.
        stages: As declared, of its batch.
        index: Its place in the batch.
    """
    windows = {path: stage for stage in stages if isinstance(stage, Warp) for path in stage.origin}
    parts = [_part(row, windows.get(row.path), index) for row in drawn if row.active and row.params]
    # the numbers stay on one line with their names
    return ", ".join(part.replace(" ", "\u00a0") for part in parts if part) or "as it is"


def _part(row: Draws, warp: Warp | None, index: int) -> str:
    name, params = row.declared.partition("(")[0], row.params
    if name in _SILENT:
        return ""
    flags = [key for key, value in params.items() if isinstance(value, bool)]
    if flags:
        held = [_FLAGS.get(key, "") for key in flags if params[key]]
        return " ".join([_short(name), *filter(None, held)]) if held else ""
    if name in _CROPS and warp is not None:
        return f"{_short(name)} {_window(warp, index)}"
    if name == "RandomRotate90":
        return f"Rotate {90 * int(params['quarters'])}°" if params["quarters"] else ""
    if name == "RandomZoom" and params["zoom_x"] == params["zoom_y"]:
        params = {"zoom": params["zoom_y"]}
    shown = [_number(key, value) for key, value in params.items() if not isinstance(value, list) and value]
    return " ".join([_short(name), *shown]) if shown else ""


def _number(key: str, value: Any) -> str:
    axis = _AXES.get(key[-2:])
    return f"{axis} {_value(key, value)}" if axis else _value(key, value)


_SILENT = ("OneOf", "SomeOf")  # what they chose is listed itself
_CROPS = ("RandomCrop", "RandomResizedCrop")
_FLAGS = {"flip_x": "left-right", "flip_y": "up-down"}
_AXES = {"_x": "x", "_y": "y"}
_FACTORS = ("zoom", "zoom_x", "zoom_y", "contrast", "saturation", "gamma", "scale")


def _short(name: str) -> str:
    return name.removeprefix("Random")


def _value(key: str, value: Any) -> str:
    if key in ("turns", "degrees", "shear"):
        return f"{value * 360 if key == 'turns' else value:+.1f}°"
    if isinstance(value, int):
        return f"{value} {key}" if key == "bits" else f"{value}"
    return f"{value:.2f}" if key in _FACTORS else f"{value:+.2f}"


def _window(warp: Warp, index: int) -> str:
    """The part of the image that a crop reads, "width x height"."""
    matrix = np.asarray(warp.matrix)[index]
    width, height = matrix[0, 0] * float(warp.extent.width[index]), matrix[1, 1] * float(warp.extent.height[index])
    return f"{width:.0f} x {height:.0f}"

"""The faults of Keras's ImageDataGenerator that the drop-in reproduces, each announced once per process."""

from __future__ import annotations

import warnings

from augline.keras.legacy_draws import Ranges

_SHIFTS = (
    "ImageDataGenerator(height_shift_range={0}, width_shift_range={1}): as in Keras, height_shift_range moves images "
    "sideways and width_shift_range up and down. legacy_geometry=False mends it."
)
_CENTRE = (
    "ImageDataGenerator: as in Keras, images of {2} x {3} (not square) turn, zoom and shear about a point other than "
    "their centre, so that their content also shifts. legacy_geometry=False mends it."
)
_BLACK = (
    "ImageDataGenerator(brightness_range={4}): as in Keras, brightness goes through 8 bits, which makes float images "
    "of values 0 to 1 black. Pass values of 0 to 255 with rescale=1/255; or legacy_geometry=False mends it."
)
_announced: set[str] = set()


class LegacyQuirk(UserWarning):
    """A fault of Keras's ImageDataGenerator that the arguments given bring out, reproduced on purpose."""


def announce(ranges: Ranges, height: int, width: int, unit: bool, stacklevel: int = 1) -> None:
    """Warns of the faults that matter to images of a size, `unit` saying that their values lie between 0 and 1."""
    if not ranges.legacy_geometry:
        return
    shifts, square = (ranges.height_shift_range, ranges.width_shift_range), height == width
    turns = bool(ranges.rotation_range or ranges.shear_range) or tuple(ranges.zoom_range) != (1, 1)
    found = [
        (_SHIFTS, any(map(bool, shifts)) and not (square and shifts[0] == shifts[1])),
        (_CENTRE, turns and not square),
        (_BLACK, unit and ranges.brightness_range is not None),
    ]
    for text, there in found:
        if there and text not in _announced:
            _announced.add(text)
            message = text.format(*shifts, height, width, ranges.brightness_range)
            warnings.warn(LegacyQuirk(message), stacklevel=stacklevel + 1)

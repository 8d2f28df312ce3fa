"""What stands where there is no picture: a pixel value of the user's, on the plan's scale."""

from __future__ import annotations

from augline.errors import ArgumentError
from augline.plan.frame import Frame
from augline.transforms.epochs import always, largest, least
from augline.transforms.fields import FillValue, for_channels

_GREY = 114 / 255
_CLOSE = 1e-6


def filling(item: object, frame: Frame, value: FillValue) -> tuple[float, ...]:
    """A `FillValue` of a transform from 0 to 1, one number or one per channel; None is the grey of YOLO.

    Raises:
        ArgumentError: It is neither 0 nor in the range that images have there, or there are too many numbers, or few.
    """
    if value is None:
        return (_GREY,)
    given = for_channels(item, frame, value)
    rows = [frame.unit(number) for number in given]
    units = rows[0] if len(rows) == 1 else tuple(row[min(k, len(row) - 1)] for k, row in enumerate(rows))
    if not always(0.0, given) and any(least(u) < -_CLOSE or largest(u) > 1 + _CLOSE for u in units):
        ends = sorted((min(frame.offset), max(o + s for s, o in zip(frame.scale, frame.offset, strict=True))))
        raise ArgumentError(
            f"{item!r}: fill_value must be a pixel value of the images here, which range from {ends[0]:g} to "
            f"{ends[1]:g}. Received {value}. Give one of those, 0, or None."
        )
    return units

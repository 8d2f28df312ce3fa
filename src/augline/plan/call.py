"""The stage kind that runs a function of the user's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from augline.arrays import Array
from augline.errors import ArgumentError
from augline.plan.frame import Extent, Frame
from augline.plan.stages import Stage, both


@dataclass(frozen=True, eq=False)
class Call(Stage):
    """Hands every image to a function, and takes back one of the same shape and type.

    The function sees values as the user does, of the range and type that hold at its place in the list. What it gives
    is clipped to that range. Nothing is known of it, so nothing fuses across it.

    Attributes:
        function: `(image, **arguments) -> image`, `(height, width, channels)`.
        label: Its name, for messages.
        names: Of its arguments.
        values: One `(batch,)` array per name.
        extent: Sizes of the images.
        scale: See `Frame`.
        offset: See `Frame`.
        dtype: Of the values that the function sees.
        spatial: Whether it moves what is in the picture, so that masks have to go through it too.
        points: `(points, (height, width), **arguments) -> points`: where points `(n, 2)` go; None if nobody knows.
        active: `(batch,)` bool, or None for all.
    """

    function: Callable[..., Any]
    label: str
    names: tuple[str, ...]
    values: tuple[Array, ...]
    extent: Extent
    scale: tuple[float, ...]
    offset: tuple[float, ...]
    dtype: str
    spatial: bool = False
    points: Callable[..., Any] | None = None
    active: Array | None = None
    origin: tuple[str, ...] = ()

    def masked(self, mask: Array | None, before: Frame) -> Call:
        return self if mask is None else replace(self, active=both(self.active, mask))

    def acts_on(self, index: int) -> bool:
        """Whether it changes a sample."""
        return self.active is None or bool(self.active[index])

    def arguments(self, index: int) -> dict[str, float]:
        """What the function gets for a sample, besides the image."""
        return {name: float(values[index]) for name, values in zip(self.names, self.values, strict=True)}

    def checked(self, result: Any, like: Array) -> Any:
        """What the function gave, if it has the shape and type of what it got.

        Raises:
            ArgumentError: It has not.
        """
        got = tuple(getattr(result, "shape", ())), str(getattr(result, "dtype", type(result).__name__))
        wanted = tuple(like.shape), str(like.dtype)
        if got != wanted:
            raise ArgumentError(
                f"{self.label}: its function must return an array of the shape and type that it got, {wanted[0]} "
                f"{wanted[1]}. Received {got[0]} {got[1]}. Write return result.astype(image.dtype), for example."
            )
        return result

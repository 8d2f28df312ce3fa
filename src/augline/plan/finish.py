"""Stage kinds that need the whole finished image: what is done to the values that come out, behind all else.

They live in a plan's `Output`, not among its stages, for what they give is no field of 0 to 1 any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from augline.arrays import Array
from augline.errors import ArgumentError
from augline.plan.frame import Frame
from augline.plan.stages import Drop, Rescale, Stage, for_all_samples


@dataclass(frozen=True, eq=False)
class Finish(Stage):
    """Base of what happens to finished float32 images; only `Rescale` and others of its kind may follow."""

    def masked(self, mask: Array | None, before: Frame) -> Stage:
        return for_all_samples(self, mask)

    def after(self, frame: Frame) -> Frame:
        return frame.with_(finish=(*frame.finish, self), dtype="float32")


@dataclass(frozen=True, eq=False)
class Standardize(Finish):
    """Takes an image's mean off its values, and divides by their standard deviation.

    Attributes:
        centers: Whether the mean is taken off.
        scales: Whether values are divided.
        epsilon: Added to the deviation; None for tf.image's lower bound, 1 / √(number of values).
        per_channel: Whether each channel has a mean and a deviation of its own.
    """

    centers: bool = True
    scales: bool = True
    epsilon: float | None = None
    per_channel: bool = False
    origin: tuple[str, ...] = ()


class Whitening:
    """A linear map over all values of an image of one shape: `(values - mean) @ matrix`.

    Attributes:
        mean: `(features,)` float32.
        matrix: `(features, features)` float32.
    """

    def __init__(self, mean: Array, matrix: Array) -> None:
        self.mean, self.matrix = mean, matrix


@dataclass(frozen=True, eq=False)
class Whiten(Finish):
    """Multiplies all values of an image, flattened, with a matrix."""

    whitening: Whitening
    origin: tuple[str, ...] = ()


def check_order(stages: Sequence[Stage]) -> None:
    """Refuses work on pixels behind what needs the finished image.

    Raises:
        ArgumentError: There is some.
    """
    finish: Stage | None = None
    for stage in stages:
        if isinstance(stage, Finish):
            finish = stage
        elif finish is not None and not isinstance(stage, (Rescale, Drop)):
            (last,), (late,) = (getattr(s, "origin", ())[-1:] or (type(s).__name__,) for s in (finish, stage))
            raise ArgumentError(
                f"{last}: it works on the finished image, so that nothing can change pixels behind it. Received {late} "
                f"behind it. Move {late} in front of it."
            )

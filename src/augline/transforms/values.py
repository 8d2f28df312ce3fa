"""The values that come out: Rescaling and Normalize, which act at the end of the plan, wherever they stand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BeforeValidator

from augline.errors import ArgumentError
from augline.plan.frame import Frame
from augline.plan.stages import Rescale, Stage
from augline.transforms.base import Params, Transform, transform
from augline.transforms.fields import Refusal, is_number, plain


def _numbers(value: Any) -> Any:
    values = tuple(map(plain, value)) if hasattr(value, "__iter__") else (plain(value),)
    if not values or not all(map(is_number, values)):
        raise Refusal(
            "must be a finite number, or one per channel", "Write 1 / 255 or (0.485, 0.456, 0.406), for example"
        )
    return tuple(map(float, values)) if len(values) > 1 else float(values[0])


PerChannel = Annotated[float | tuple[float, ...], BeforeValidator(_numbers)]


@transform
class Rescaling(Transform):
    """Gives float32 values `value * scale + offset`.

    Args:
        scale: Factor, one or one per channel.
        offset: Added after that, one or one per channel.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.full((1, 1, 1, 1), 255, "uint8"), [al.Rescaling(1 / 127.5, offset=-1)]).item()
        1.0
    """

    scale: PerChannel
    offset: PerChannel = 0.0

    def __post_init__(self) -> None:
        if 0 in _tuple(self.scale):
            raise ArgumentError(
                f"{self!r}: scale must not be 0. Received scale={self.scale}. Write 1 / 255, for example."
            )

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        yield Rescale(_fitting(self, frame, self.scale), _fitting(self, frame, self.offset))


@transform
class Normalize(Transform):
    """Gives float32 values `(value - mean) / std` per channel.

    The values are those of 0 to 1 where images are integers (so that the usual ImageNet numbers fit), and the values as
    they stand where images are floats or have been rescaled before.

    Args:
        mean: One, or one per channel; the default is ImageNet's.
        std: One, or one per channel; the default is ImageNet's.

    Example:
        >>> import augline as al, numpy as np
        >>> al.augment(np.full((1, 1, 1, 1), 255, "uint8"), [al.Normalize(0.5, 0.5)]).item()
        1.0
    """

    mean: PerChannel = (0.485, 0.456, 0.406)
    std: PerChannel = (0.229, 0.224, 0.225)

    def __post_init__(self) -> None:
        if min(_tuple(self.std)) <= 0:
            raise ArgumentError(f"{self!r}: std must be above 0. Received std={self.std}. Write 0.5, for example.")

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        mean, std = _fitting(self, frame, self.mean), _fitting(self, frame, self.std)
        full = frame.scale[0] if frame.dtype.startswith("uint") else 1.0
        length = max(len(mean), len(std))
        mean, std = (v * length if len(v) == 1 else v for v in (mean, std))
        yield Rescale(tuple(1 / (full * s) for s in std), tuple(-m / s for m, s in zip(mean, std, strict=True)))


def _tuple(value: float | tuple[float, ...]) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (value,)


def _fitting(item: Transform, frame: Frame, value: float | tuple[float, ...]) -> tuple[float, ...]:
    values = _tuple(value)
    if len(values) not in (1, frame.channels):
        raise ArgumentError(
            f"{item!r}: there must be one number, or one per channel. Received {len(values)} for images of "
            f"{frame.channels} channel(s). Give {frame.channels}, or one."
        )
    return values

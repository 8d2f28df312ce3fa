"""The values that come out: scale and type, which act at the end of the plan wherever they stand, and what follows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from augline.errors import ArgumentError
from augline.plan.finish import Standardize
from augline.plan.frame import Frame
from augline.plan.stages import Rescale, Stage
from augline.transforms.base import Params, Transform, transform
from augline.transforms.fields import PerChannel, as_tuple, for_channels, number


class Values(Transform):
    """Base of what says which values come out; it stands behind all mixing."""


@transform
class Rescaling(Values):
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
        if 0 in as_tuple(self.scale):
            raise ArgumentError(
                f"{self!r}: scale must not be 0. Received scale={self.scale}. Write 1 / 255, for example."
            )

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        yield Rescale(for_channels(self, frame, self.scale), for_channels(self, frame, self.offset))


@transform
class Normalize(Values):
    """Gives float32 values `(value - mean) / std` per channel.

    The values are those of 0 to 1 where images are integers (so that the usual ImageNet numbers fit), and the values as
    they stand where images are floats or have been rescaled before. `al.fit(al.Normalize, source)` measures mean and
    deviation, as Keras's `Normalization.adapt` does.

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
        if min(as_tuple(self.std)) <= 0:
            raise ArgumentError(f"{self!r}: std must be above 0. Received std={self.std}. Write 0.5, for example.")

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        mean, std = for_channels(self, frame, self.mean), for_channels(self, frame, self.std)
        full = frame.scale[0] if frame.dtype.startswith("uint") else 1.0
        length = max(len(mean), len(std))
        mean, std = (v * length if len(v) == 1 else v for v in (mean, std))
        yield Rescale(tuple(1 / (full * s) for s in std), tuple(-m / s for m, s in zip(mean, std, strict=True)))


@transform
class ConvertDtype(Values):
    """Gives values of another type: rounded half to even and saturated for integers.

    With `scale` the range goes along: of uint8 it is 0 to 255, of uint16 0 to 65535, of float32 0 to 1. What images
    had as their range, declared or after `Rescaling`, becomes that, as with torchvision's `ToDtype(scale=True)` and
    `tf.image.convert_image_dtype`, which cut off where this rounds and map uint8 to uint16 by 256 where this takes 257.
    Like all work on images the rounding is done once, at the end.

    Args:
        dtype: "uint8", "uint16" or "float32".
        scale: Whether the range becomes that of the type; else values stay as they are.

    Raises:
        ArgumentError: Channels have ranges of their own (after Normalize), or images have been standardised.

    Example:
        >>> import augline as al, numpy as np
        >>> image = np.full((1, 1, 1, 1), 51, "uint8")
        >>> al.augment(image, [al.ConvertDtype("float32")]).item().__round__(6)
        0.2
        >>> al.augment(image, [al.ConvertDtype("uint16")]).item()
        13107
    """

    dtype: Literal["uint8", "uint16", "float32"]
    scale: bool = True

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        known = frame.value_range
        if frame.finish or (self.scale and known is None):
            raise ArgumentError(
                f"{self!r}: images must have one range of values here. Received those that {_made(frame)}. Put it in "
                "front."
            )
        top = {"uint8": 255.0, "uint16": 65535.0}.get(self.dtype, 1.0)
        low, high = known if self.scale and known else (0.0, top)
        yield Rescale((top / (high - low),), (-low * top / (high - low),), self.dtype)


@transform
class PerImageStandardization(Values):
    """Gives float32 values of mean 0 and standard deviation 1 in every image.

    As it stands it is `tf.image.per_image_standardization`: `(value - mean) / max(deviation, 1 / √n)`, with n values in
    an image. `PerImageStandardization(epsilon=1e-6)` divides by `deviation + epsilon`, as ImageDataGenerator does for
    `samplewise_std_normalization`; with `scale=False` it is `samplewise_center`.

    It works on the finished image, so only `Rescaling` and its like may stand behind it.

    Args:
        center: Whether the mean is taken off.
        scale: Whether values are divided by their deviation.
        epsilon: Added to the deviation; None for the lower bound of tf.image.
        per_channel: Whether each channel has a mean and a deviation of its own.

    Raises:
        ArgumentError: Something that changes pixels stands behind it.

    Example:
        >>> import augline as al, numpy as np
        >>> image = np.arange(48, dtype="uint8").reshape(1, 4, 4, 3)
        >>> out = al.augment(image, [al.PerImageStandardization()])
        >>> bool(abs(out.mean()) < 1e-6), out.std().round(4).item()
        (True, 1.0)
    """

    center: bool = True
    scale: bool = True
    epsilon: Annotated[float, number(0, 1e6, 1e-6)] | None = None
    per_channel: bool = False

    def lower(self, params: Params, frame: Frame) -> Iterable[Stage]:
        yield Standardize(self.center, self.scale, self.epsilon, self.per_channel)


def _made(frame: Frame) -> str:
    return "are standardised by image" if frame.finish else "differ from channel to channel, as after Normalize"

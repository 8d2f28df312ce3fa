"""What an ImageDataGenerator's arguments may be, and what they imply."""

from __future__ import annotations

import warnings
from typing import Any

from augline.errors import ArgumentError
from augline.keras.legacy_pixels import FILL_MODES

_DEPRECATED = {
    "has_ext": "has_ext is deprecated, filenames in the dataframe have to match the exact filenames in disk.",
    "sort": "sort is deprecated, batches will be created in the same order than the filenames provided if `shuffle` is "
    "set to `False`.",
    "drop_duplicates": "drop_duplicates is deprecated, you can drop duplicates by using the "
    "pandas.DataFrame.drop_duplicates method.",
}


def check(
    data_format: str, validation_split: float, brightness_range: Any, fill_mode: str, order: int, workers: int | None
) -> None:
    """Refuses what cannot be, with Keras's words where Keras refuses it too."""
    if data_format not in ("channels_last", "channels_first"):
        raise ArgumentError(
            '`data_format` should be `"channels_last"` (channel after row and column) or `"channels_first"` (channel '
            f"before row and column). Received: {data_format}"
        )
    if validation_split and not 0 < validation_split < 1:
        raise ArgumentError(f"`validation_split` must be strictly between 0 and 1. Received: {validation_split}")
    pair = isinstance(brightness_range, (tuple, list)) and len(brightness_range) == 2
    if brightness_range is not None and not pair:
        raise ArgumentError(f"`brightness_range` should be tuple or list of two floats. Received: {brightness_range}")
    if fill_mode not in FILL_MODES:
        raise ArgumentError(
            f"ImageDataGenerator(fill_mode={fill_mode!r}): it must be one of {', '.join(FILL_MODES)}. Received "
            f"{fill_mode!r}. Keras's default is 'nearest'."
        )
    if order not in range(6):
        raise ArgumentError(
            f"ImageDataGenerator(interpolation_order={order!r}): it must be a whole number from 0 to 5. Received "
            f"{order!r}. Write 1 for bilinear."
        )
    if workers is not None and workers < 1:
        raise ArgumentError(
            f"ImageDataGenerator(workers={workers!r}): it must be a whole number from 1, or None. Received "
            f"{workers!r}. Leave it out for one thread per core."
        )


def zoom_pair(zoom_range: Any) -> list[float]:
    """[lower, upper]."""
    if isinstance(zoom_range, (float, int)):
        return [1 - zoom_range, 1 + zoom_range]
    if len(zoom_range) == 2 and all(isinstance(bound, (float, int)) for bound in zoom_range):
        return [*zoom_range]
    raise ArgumentError(f"`zoom_range` should be a float or a tuple or list of two floats. Received: {zoom_range}")


def implied(
    featurewise_center: bool, featurewise_std: bool, samplewise_center: bool, samplewise_std: bool, zca: bool
) -> tuple[bool, bool, bool]:
    """(featurewise_center, featurewise_std_normalization, samplewise_center) as the others leave them."""
    rules = [
        (zca and not featurewise_center, "zca_whitening", "featurewise_center"),
        (zca and featurewise_std, "zca_whitening", "featurewise_std_normalization"),
        (featurewise_std and not featurewise_center, "featurewise_std_normalization", "featurewise_center"),
        (samplewise_std and not samplewise_center, "samplewise_std_normalization", "samplewise_center"),
    ]
    for applies, cause, overridden in rules:
        if applies:
            warnings.warn(
                f"This ImageDataGenerator specifies `{cause}`, which overrides setting of `{overridden}`.", stacklevel=3
            )
    return (
        featurewise_center or zca or featurewise_std, featurewise_std and not zca, samplewise_center or samplewise_std
    )  # fmt: skip


def current_names(class_mode: str | None, deprecated: dict[str, Any]) -> str | None:
    """The class mode under its present name; warns of arguments that are no more."""
    for name in deprecated:
        if name in _DEPRECATED:
            warnings.warn(_DEPRECATED[name], DeprecationWarning, stacklevel=3)
        else:
            text = f"flow_from_dataframe({name}=...): there is no such argument. It is ignored, as in Keras."
            warnings.warn(text, stacklevel=3)
    if class_mode == "other":
        text = '`class_mode="other"` is deprecated, please use `class_mode="raw"`.'
        warnings.warn(text, DeprecationWarning, stacklevel=3)
        return "raw"
    return class_mode

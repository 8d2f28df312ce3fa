"""Lists of Keras layers, Albumentations transforms and torchvision transforms, as lists of ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from augline.errors import ArgumentError
from augline.transforms import Sequential, Transform, compose
from augline.translate import albumentations, keras_layers, torchvision
from augline.translate.translation import Difference, Translation

__all__ = ["Difference", "Translation", "translate"]


def translate(x: Any) -> Translation:
    """Somebody else's augmentation as a list of augline's, with the differences in meaning listed.

    Args:
        x: A Keras layer, `keras.Sequential` or `keras.layers.Pipeline`; an Albumentations transform or `Compose`, what
            its `to_dict()` gives, or the path or text of that as JSON or YAML; a torchvision transform or `Compose`, or
            a `torch.nn.Sequential` of such; or a list of any of these, beside transforms of augline.

    Returns:
        A `Translation`: `transforms`, `differences`, and a printed form of both. It goes wherever a list of transforms
        goes.

    Raises:
        ArgumentError: A transform, or the value of an argument, has no counterpart.

    Example:
        >>> import augline as al
        >>> al.translate({"transform": {"__class_fullname__": "HorizontalFlip", "p": 0.5}}).transforms
        (RandomFlip(mode='horizontal'),)
    """
    differences: list[Difference] = []
    made = tuple(_items(x, differences))
    Sequential(made)  # refuses what no list of transforms may hold
    return Translation(made, list(dict.fromkeys(differences)))


def _items(x: Any, differences: list[Difference]) -> list[Transform]:
    if isinstance(x, Transform):
        return [x]
    if isinstance(x, (list, tuple, Translation)):
        return [item for each in x for item in _items(each, differences)]
    if isinstance(x, (Mapping, str, Path)):
        return albumentations.from_dict(albumentations.read(x), differences)
    homes = {base.__module__.partition(".")[0] for base in type(x).__mro__}
    for home, take in _TAKERS.items():
        if home in homes:
            return take(x, differences)
    raise ArgumentError(
        "translate(x): x must be a transform, or a list of transforms, of Keras, Albumentations or torchvision. "
        f"Received a {type(x).__module__}.{type(x).__qualname__}. Write translate(layer), for example."
    )


_TAKERS = {
    "keras": keras_layers.from_layer,
    "albumentations": albumentations.from_object,
    "torchvision": torchvision.from_object,
    "torch": torchvision.from_object,
}
"""By the package that a class, or a base of it, comes from."""

compose.FOREIGN["keras"] = lambda layer: translate(layer).transforms

"""augline in Keras: `Augment`, a layer, `Resume`, a callback, and `ImageDataGenerator`, a drop-in.

Keras and TensorFlow are not imported before they are needed.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from augline.keras.image_data_generator import ImageDataGenerator
from augline.keras.quirks import LegacyQuirk
from augline.keras.rebuild import from_keras_iterator

if TYPE_CHECKING:
    from augline.keras.layer import Augment
    from augline.keras.resume import Resume

__all__ = ["Augment", "ImageDataGenerator", "LegacyQuirk", "Resume", "from_keras_iterator"]

_WITH_KERAS = {"Augment": "augline.keras.layer", "Resume": "augline.keras.resume"}


def __getattr__(name: str) -> Any:
    """Layers and callbacks, which are Keras's classes, come with Keras."""
    if name not in _WITH_KERAS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WITH_KERAS[name]), name)

"""augline for code written for Keras: `ImageDataGenerator` as a drop-in, and `Resume`.

Keras and TensorFlow are not imported before they are needed.
"""

from typing import TYPE_CHECKING, Any

from augline.keras.image_data_generator import ImageDataGenerator
from augline.keras.quirks import LegacyQuirk
from augline.keras.rebuild import from_keras_iterator

if TYPE_CHECKING:
    from augline.keras.resume import Resume

__all__ = ["ImageDataGenerator", "LegacyQuirk", "Resume", "from_keras_iterator"]


def __getattr__(name: str) -> Any:
    """Callbacks, which are Keras's classes, come with Keras."""
    if name != "Resume":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from augline.keras.resume import Resume

    return Resume

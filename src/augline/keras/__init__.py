"""augline for code written for Keras: `ImageDataGenerator` as a drop-in. Keras and TensorFlow are not imported."""

from augline.keras.image_data_generator import ImageDataGenerator
from augline.keras.quirks import LegacyQuirk
from augline.keras.rebuild import from_keras_iterator

__all__ = ["ImageDataGenerator", "LegacyQuirk", "from_keras_iterator"]

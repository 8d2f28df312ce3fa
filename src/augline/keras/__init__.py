"""augline for code written for Keras: `ImageDataGenerator` as a drop-in. Keras and TensorFlow are not imported."""

from augline.keras.image_data_generator import ImageDataGenerator
from augline.keras.quirks import LegacyQuirk

__all__ = ["ImageDataGenerator", "LegacyQuirk"]

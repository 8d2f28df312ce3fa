#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""Every name is written out."""

from __future__ import annotations

import tensorflow as tf


def loaders(path: str, size: int = 64):
    datagen = tf.keras.preprocessing.image.ImageDataGenerator(rescale=1.0 / 255, vertical_flip=True)
    generator = datagen.flow_from_directory(path, target_size=(size, size), class_mode=None, shuffle=False)
    model = tf.keras.models.load_model("model.keras")
    return model.predict(generator)


if __name__ == "__main__":
    print(loaders("photos").shape)

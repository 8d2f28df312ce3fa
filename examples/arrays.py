"""Augment arrays in memory: as a stream of batches, at one blow, and any batch again. TensorFlow is not needed."""

from __future__ import annotations

import numpy as np

import augline as al

images = np.random.default_rng(0).integers(0, 256, (1000, 32, 32, 3), dtype=np.uint8)
labels = np.arange(1000) % 10
transforms = [al.RandomFlip("horizontal"), al.RandomTranslation(0.1, 0.1), al.RandomRotation(15 / 360)]

pipe = al.Pipeline(al.Arrays(images, labels), transforms, batch_size=64, seed=7)
for epoch in range(2):
    total = sum(len(batch) for batch, _ in pipe)  # each pass is the next epoch, with an order and draws of its own
    print(f"epoch {epoch}: {total} images in {len(pipe)} batches")

again = pipe.batch(epoch=1, step=9)[0]  # exactly that batch, without the ones before it
print("the same batch twice:", bool((again == pipe.batch(epoch=1, step=9)[0]).all()))

print("at one blow:", al.augment(images[:256], transforms, seed=7).shape)
print(pipe.explain(epoch=1, index=17))

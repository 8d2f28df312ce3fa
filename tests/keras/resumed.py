"""Run by test_resume.py: trains a few epochs, with all that has a state, and writes down what the model saw.

python resumed.py FOLDER EPOCHS HOSTS
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import numpy as np
import tensorflow as tf

import augline as al
import keras

folder, epochs, every = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
tf.config.experimental.enable_op_determinism()
keras.utils.set_random_seed(int.from_bytes(os.urandom(2)))  # what a restart has of its own must not count
keras.utils.set_random_seed(1) if not (folder / "resume.weights.h5").exists() else None

images = np.random.default_rng(0).integers(0, 255, (29, 8, 8, 3), dtype=np.uint8)
images[:, 0, 0, 0] = np.arange(29) * 8
pipe = al.Pipeline(
    al.Arrays(images, labels=np.arange(29) % 3), [al.RandomFlip("vertical"), al.RandomBrightness(0.1)], batch_size=4
)
log = (folder / "seen.txt").open("a")


class Recorder(keras.layers.Layer):
    """Writes down each batch that the model is trained on."""

    def call(self, x, training=False):
        def write(batch):
            log.write(hashlib.sha256(batch.tobytes()).hexdigest()[:12] + "\n")
            log.flush()
            return batch

        return tf.ensure_shape(tf.numpy_function(write, [x], tf.float32), x.shape) if training else x


layers = [
    keras.Input((8, 8, 3)), Recorder(), keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization(),
    keras.layers.Dropout(0.3), keras.layers.Flatten(), keras.layers.Dense(3),
]  # fmt: skip
model = keras.Sequential(layers)
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
resume = al.keras.Resume(folder, pipe, every=every)
log.write(f"begun {resume.epoch} {resume.step}\n")
log.flush()
model.fit(
    resume.dataset(), initial_epoch=resume.initial_epoch, epochs=epochs, callbacks=[resume], shuffle=False, verbose=0
)
np.savez(folder / "final.npz", *[weights for weights in model.get_weights() if weights.dtype == np.float32])

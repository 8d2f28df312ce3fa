import numpy as np
import tensorflow as tf
from PIL import Image


def photographs(paths, size):
    for path in paths:
        yield np.asarray(Image.open(path).resize((size, size)), np.float32) / 255, 0


def numbers():
    for k in range(10):
        yield k


old = tf.data.Dataset.from_generator(numbers, output_types=tf.int32, output_shapes=())
new = tf.data.Dataset.from_generator(
    lambda: photographs(["a.jpg"], 64),
    output_signature=(tf.TensorSpec((64, 64, 3), tf.float32), tf.TensorSpec((), tf.int32)),
).batch(8).prefetch(tf.data.AUTOTUNE)
with_args = tf.data.Dataset.from_generator(photographs, args=(["a.jpg"], 64), output_types=(tf.float32, tf.int32))
types, shapes = tf.float32, tf.TensorShape([None])
pairs = tf.data.Dataset.from_generator(
    lambda: photographs(["a.jpg"], 64), output_types=(tf.float32, "int32"), output_shapes=((64, 64, 3), ())
)
unclear = tf.data.Dataset.from_generator(numbers, types, shapes)

import pathlib

import tensorflow as tf

paths = sorted(str(p) for p in pathlib.Path("photos").glob("*/*.jpg"))
labels = [int("dog" in path) for path in paths]
SIZE = (48, 64)


def load(path, label):
    data = tf.io.read_file(path)
    image = tf.image.decode_jpeg(data, channels=3)
    image = tf.image.resize(image, SIZE)
    return image, label


def flip(image, label):
    if tf.random.uniform(()) > 0.5:
        image = tf.image.flip_left_right(image)
    if tf.random.uniform([]) < 0.3:
        image = tf.image.random_brightness(image, 32.0)
    image = tf.image.central_crop(image, 0.5)
    image = tf.image.per_image_standardization(image)
    return image, label


ds = (
    tf.data.Dataset.from_tensor_slices((paths, labels))
    .shuffle(len(paths))
    .map(load)
    .map(flip)
    .batch(4)
    .repeat()
    .prefetch(2)
)
for images, targets in ds.take(1):
    print(images.shape)

import tensorflow as tf

AUTOTUNE = tf.data.AUTOTUNE
IMG = 32
(x_train, y_train), _ = tf.keras.datasets.cifar10.load_data()


def preprocess(image, label):
    image = tf.image.convert_image_dtype(image, tf.float32)
    return image, label


def augment(image, label):
    """Some of everything."""
    image = tf.cast(image, tf.float32) / 255.0
    image = tf.image.random_flip_left_right(image)
    image = tf.image.random_flip_up_down(image, seed=3)
    image = tf.image.random_brightness(image, max_delta=0.2)
    image = tf.image.random_contrast(image, lower=0.8, upper=1.2)
    image = tf.image.random_saturation(image, 0.5, 1.5)
    image = tf.image.random_hue(image, 0.08)
    image = tf.image.rot90(image, k=tf.random.uniform([], 0, 4, dtype=tf.int32))
    image = tf.clip_by_value(image, 0.0, 1.0)
    return image, tf.one_hot(label, 10)


# the training data
train_ds = tf.data.Dataset.from_tensor_slices((x_train, y_train))
train_ds = (
    train_ds.shuffle(10_000, seed=5)
    .map(augment, num_parallel_calls=AUTOTUNE)
    .batch(64, drop_remainder=True)
    .prefetch(AUTOTUNE)
)
test_ds = tf.data.Dataset.from_tensor_slices((x_train, y_train)).map(preprocess).batch(64)

model = tf.keras.Sequential([tf.keras.layers.Flatten(), tf.keras.layers.Dense(10)])
model.compile("adam", "mse")
model.fit(train_ds, validation_data=test_ds, epochs=2)

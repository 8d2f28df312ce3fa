import keras
import tensorflow as tf
from keras import layers

image_size = (180, 180)
train_ds, val_ds = keras.utils.image_dataset_from_directory(
    "photos",
    validation_split=0.2,
    subset="both",
    seed=1337,
    image_size=image_size,
    batch_size=8,
)
for images, labels in train_ds.take(1):
    print(images.shape)

data_augmentation_layers = [
    layers.RandomFlip("horizontal"),
    layers.RandomRotation(0.1, "nearest"),
    layers.RandomContrast(0.2, (0, 255)),
    layers.RandAugment(value_range=(0, 255)),
    layers.RandomErasing(factor=0.5),
]


def data_augmentation(images):
    for layer in data_augmentation_layers:
        images = layer(images)
    return images


train_ds = train_ds.map(
    lambda img, label: (data_augmentation(img), label),
    num_parallel_calls=tf.data.AUTOTUNE,
)
train_ds = train_ds.prefetch(tf.data.AUTOTUNE)
val_ds = val_ds.prefetch(tf.data.AUTOTUNE)

once, held = keras.utils.image_dataset_from_directory("photos", validation_split=0.3, subset="both", image_size=(64, 64))
once = once.map(lambda x, y: (layers.RandomFlip()(x), y))

named, rest = keras.utils.image_dataset_from_directory("photos", validation_split=0.3, subset="both", image_size=(64, 64))
class_names = named.class_names
named = named.map(lambda x, y: (layers.RandomFlip()(x), y))

arrays = tf.data.Dataset.from_tensor_slices((some_images, some_labels))
seeded = arrays.shuffle(100).map(lambda x, y: (tf.image.stateless_random_flip_left_right(x, seed=(1, 2)), y)).batch(8)
plain = arrays.batch(8)

model = keras.Sequential([keras.Input((180, 180, 3)), layers.RandomZoom(0.1), layers.Rescaling(1 / 255), layers.Flatten()])

import tensorflow as tf
from tensorflow.keras import layers

data_augmentation = tf.keras.Sequential(
    [
        layers.RandomFlip("horizontal", input_shape=(180, 180, 3)),
        layers.RandomRotation(0.1, seed=1),
        layers.RandomZoom(0.1),
        layers.Rescaling(1.0 / 255),
    ]
)
train_ds = tf.keras.utils.image_dataset_from_directory(
    "photos", validation_split=0.2, subset="training", seed=123, image_size=(180, 180), batch_size=16
)
val_ds = tf.keras.utils.image_dataset_from_directory(
    "photos", validation_split=0.2, subset="validation", seed=123, image_size=(180, 180), batch_size=8
)
val_ds = val_ds.map(lambda x, y: (x / 255, y)).prefetch(2)
train_ds = train_ds.map(lambda x, y: (data_augmentation(x, training=True), y), num_parallel_calls=4).cache().prefetch(2)
unknown = tf.data.TFRecordDataset("a.tfrecord").map(lambda x: tf.image.random_flip_left_right(x))
mixed = tf.data.Dataset.from_tensor_slices(unknown_images).map(lambda x: layers.RandomElasticTransform(0.5)(x)).batch(8)
alone = tf.keras.utils.image_dataset_from_directory("photos", validation_split=0.3, subset="training", seed=1)
alone = alone.map(lambda x, y: (data_augmentation(x), y))

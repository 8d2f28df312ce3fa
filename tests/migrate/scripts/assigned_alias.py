import tensorflow as tf
keras = tf.keras
ImageDataGenerator = tf.keras.preprocessing.image.ImageDataGenerator
load_img = keras.utils.load_img

class MyGenerator(ImageDataGenerator):
    def standardize(self, x):
        return super().standardize(x) - 0.5

train = MyGenerator(horizontal_flip=True).flow_from_directory("photos")

try:
    from keras.preprocessing.image import ImageDataGenerator
except ImportError:
    from tensorflow.keras.preprocessing.image import ImageDataGenerator  # newer

from keras.preprocessing.image import *

def main(channels_first):
    datagen = ImageDataGenerator(data_format=channels_first, horizontal_flip=True)
    flow = datagen.flow_from_directory("photos")
    for images, labels in flow:
        break

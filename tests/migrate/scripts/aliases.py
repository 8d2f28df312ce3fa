import keras.preprocessing.image as kpi
from tensorflow.keras.preprocessing import image
from keras.preprocessing.image import ImageDataGenerator as IDG
from tensorflow import keras

a = kpi.ImageDataGenerator(rotation_range=10)
b = image.ImageDataGenerator(horizontal_flip=True)
c = IDG(zoom_range=0.1)
d = keras.preprocessing.image.ImageDataGenerator(samplewise_center=True)
picture = image.load_img("cat.jpg")


def flows(folder):
    return [g.flow_from_directory(folder) for g in (a, b, c, d)]

from tensorflow.keras.preprocessing.image import ImageDataGenerator

datagen = ImageDataGenerator(rotation_range=40, channel_shift_range=20, width_shift_range=10)
train = datagen.flow_from_directory('train', target_size=(100, 200), batch_size=20, keep_aspect_ratio=True)
datagen = ImageDataGenerator()
valid = datagen.flow_from_directory('valid', target_size=(100, 200), classes=['cat', 'dog'], color_mode='grayscale')

model.fit(train, epochs=5, steps_per_epoch=100, validation_data=valid, validation_steps=50)
model.evaluate(valid)


class Trainer:
    def __init__(self, folder):
        self.datagen = ImageDataGenerator(zca_whitening=True)
        self.flow = self.datagen.flow_from_directory(folder)

import math

import tensorflow as tf
from tensorflow.keras.preprocessing.image import ImageDataGenerator, img_to_array, load_img

IMG_SIZE = 160
BATCH = 8

datagen = ImageDataGenerator(
    rescale=1/255,
    rotation_range=15,
    width_shift_range=0.2,
    height_shift_range=0.1,
    brightness_range=[0.7, 1.3],
    zoom_range=[0.8, 1.0],
    horizontal_flip=True,
    fill_mode='constant', cval=127,
    validation_split=0.25,
)

train_gen = datagen.flow_from_directory('photos', target_size=(IMG_SIZE, IMG_SIZE), batch_size=BATCH,
                                        class_mode='categorical', subset='training', seed=42)
val_gen = datagen.flow_from_directory('photos', target_size=(IMG_SIZE, IMG_SIZE), batch_size=BATCH,
                                      class_mode='categorical', subset='validation', seed=42, shuffle=False)

STEPS = math.ceil(train_gen.samples / train_gen.batch_size)
print(train_gen.class_indices, len(val_gen))

model = tf.keras.Sequential([
    tf.keras.layers.Input((IMG_SIZE, IMG_SIZE, 3)),
    tf.keras.layers.GlobalAveragePooling2D(),
    tf.keras.layers.Dense(train_gen.num_classes, activation='softmax'),
])
model.compile('adam', 'categorical_crossentropy', metrics=['accuracy'])
history = model.fit(train_gen, steps_per_epoch=STEPS, validation_data=val_gen,
                    validation_steps=len(val_gen), epochs=1, workers=4, use_multiprocessing=True)

val_gen.reset()
predictions = model.predict(val_gen, steps=len(val_gen), verbose=1)
true_classes = val_gen.classes
images, labels = next(train_gen)

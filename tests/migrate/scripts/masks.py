# Images and masks through two generators with one seed.
from keras.preprocessing.image import ImageDataGenerator

data_gen_args = dict(rotation_range=90., width_shift_range=0.1, height_shift_range=0.1, zoom_range=0.2)
image_datagen = ImageDataGenerator(**data_gen_args)
mask_datagen = ImageDataGenerator(**data_gen_args)

seed = 1
image_generator = image_datagen.flow_from_directory('data/images', class_mode=None, seed=seed)
mask_generator = mask_datagen.flow_from_directory('data/masks', class_mode=None, seed=seed)

# combine generators into one which yields image and masks
train_generator = zip(image_generator, mask_generator)

model.fit_generator(train_generator, 2000, 50)

import pandas as pd
from tensorflow.keras.applications.vgg16 import preprocess_input as vgg_input
from tensorflow.keras.applications.mobilenet_v2 import preprocess_input
from tensorflow.keras.preprocessing.image import ImageDataGenerator

df = pd.read_csv("train.csv")
options = dict(rotation_range=30, fill_mode="reflect", preprocessing_function=preprocess_input)

train_idg = ImageDataGenerator(**options)
train = train_idg.flow_from_dataframe(
    dataframe=df, directory="photos", x_col="file", y_col="label",
    target_size=[96, 128], class_mode="categorical", batch_size=64, seed=1,
)
scores = ImageDataGenerator(rescale=1 / 255).flow_from_dataframe(df, "photos", x_col="file", y_col="score", class_mode="raw")
vgg = ImageDataGenerator(preprocessing_function=vgg_input).flow_from_dataframe(df, "photos", x_col="file", y_col="label")

model = make_model()
model.fit(train, epochs=3)
model.evaluate_generator(scores, len(scores), workers=2)
model.predict_generator(vgg, verbose=1)

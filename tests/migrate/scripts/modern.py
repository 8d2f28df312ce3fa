import augline as al

pipe = al.Pipeline(al.Folder("photos"), [al.RandomFlip("horizontal")], size=(32, 32))
model.fit(pipe.to_tf(), epochs=2)

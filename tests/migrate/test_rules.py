"""Single rules, each on a few lines."""

from __future__ import annotations

import pytest

pytest.importorskip("libcst")

import augline as al
from augline.migrate import ScriptError, migrate

IMPORT = "from tensorflow.keras.preprocessing.image import ImageDataGenerator\n"


def flow(generator="", flow_arguments="", use="model.fit(g)\n", before=""):
    text = f"{IMPORT}{before}d = ImageDataGenerator({generator})\n"
    text += f"g = d.flow_from_directory('p', {flow_arguments})\n{use}"
    return migrate(text, 2)


@pytest.mark.parametrize(
    ("argument", "transform"),
    [
        ("rotation_range=90", 'RandomRotation(90 / 360, fill_mode="nearest")'),
        ("zoom_range=0.3", 'RandomZoom(0.3, 0.3, fill_mode="nearest")'),
        ("zoom_range=(0.5, 1.25)", 'RandomZoom((-0.5, 0.25), (-0.5, 0.25), fill_mode="nearest")'),
        ("height_shift_range=0.1", 'RandomTranslation(0.1, 0.0, fill_mode="nearest")'),
        ("width_shift_range=0.1", 'RandomTranslation(0.0, 0.1, fill_mode="nearest")'),
        ("width_shift_range=8", 'RandomTranslation(0.0, 8 / 256, fill_mode="nearest")'),
        ("shear_range=12", 'RandomAffine(shear=12, fill_mode="nearest")'),
        ("horizontal_flip=True", 'RandomFlip("horizontal")'),
        ("vertical_flip=True", 'RandomFlip("vertical")'),
        ("vertical_flip=True, horizontal_flip=True", "RandomFlip()"),
        ("brightness_range=(0.5, 1.5)", "ColorJitter((0.5, 1.5), shuffle=False)"),
        ("channel_shift_range=51.0", "RandomBrightness(51.0 / 255)"),
        ("rescale=1/255", "Rescaling(1/255)"),
        ("samplewise_center=True", "PerImageStandardization(scale=False)"),
        ("samplewise_std_normalization=True", "PerImageStandardization(epsilon=1e-6)"),
        ("rotation_range=9, fill_mode='wrap'", "RandomRotation(9 / 360, fill_mode='wrap')"),
        ("zoom_range=0.9, interpolation_order=0", 'Zoom(0.9, 0.9, fill_mode="nearest", interpolation="nearest")'),
    ],
)  # fmt: skip
def test_an_argument_becomes_a_transform(argument, transform):
    after = flow(argument).after
    assert f"{transform}" in after
    assert "ImageDataGenerator" not in after.replace("; ImageDataGenerator", "")


@pytest.mark.parametrize(
    "argument",
    [
        "zca_whitening=True", "featurewise_std_normalization=True", "zoom_range=[1, 4]",
        "data_format='channels_first'", "preprocessing_function=mine", "interpolation_order=3", "**unknown",
        "width_shift_range=[-1, 1]", "dtype='float16'",
    ],
)  # fmt: skip
def test_what_a_pipeline_cannot_do_keeps_the_drop_in(argument):
    migration = flow(argument)
    assert "from augline.keras import ImageDataGenerator" in migration.after
    assert "import augline as al" not in migration.after
    assert any("flow_from_directory stays" in note.text for note in migration.notes)


@pytest.mark.parametrize(
    "use", ["f(g)\n", "h = zip(g, g)\n", "g.on_epoch_end()\n", "x = [g]\n", "def k():\n    return g\n"]
)
def test_a_flow_that_goes_elsewhere_stays(use):
    after = flow("rotation_range=5", use=use).after
    assert "d.flow_from_directory('p', )" in after
    assert use in after


@pytest.mark.parametrize(
    ("use", "becomes"),
    [
        ("g.samples\n", "len(g.source)\n"),
        ("x, y = next(g)\n", "x, y = next(iter(g))\n"),
        ("x, y = g.next()\n", "x, y = next(iter(g))\n"),
        ("x, y = g[3]\n", "x, y = g.batch(0, 3)\n"),
        ("len(g)\n", "len(g)\n"),
        ("model.predict(g, verbose=0)\n", "model.predict(g.to_tf(), verbose=0)\n"),
        ("model.fit(x=g, validation_data=g)\n", "model.fit(x=g.to_tf(), validation_data=g.to_tf(), shuffle=False)\n"),
        ("model.fit(g, steps_per_epoch=7)\n", "model.fit(g.to_tf().repeat(), steps_per_epoch=7, shuffle=False)\n"),
        ("model.fit(g, steps_per_epoch=len(g))\n", "model.fit(g.to_tf(), shuffle=False)\n"),
        ("model.fit(g, shuffle=True, verbose=0)\n", "model.fit(g.to_tf(), shuffle=False, verbose=0)\n"),
        ("model.fit_generator(g, 2000 // 32, 5)\n", "model.fit(g.to_tf(), epochs=5, shuffle=False)\n"),
        ("model.evaluate_generator(g, len(g))\n", "model.evaluate(g.to_tf())\n"),
    ],
)
def test_a_use_becomes_that_of_a_pipeline(use, becomes):
    assert flow("rotation_range=5", use=use).after.endswith(becomes)


def test_both_subsets_are_split_by_augline_or_neither():
    text = f"{IMPORT}d = ImageDataGenerator(validation_split=0.2)\n"
    text += "a = d.flow_from_directory('p', subset='training')\nb = d.flow_from_directory('p', subset='validation')\n"
    assert "a, b = al.Pipeline(" in migrate(text + "model.fit(a, validation_data=b)\n", 2).after
    kept = migrate(text + "model.fit(a)\nmine(b)\n", 2).after
    assert "al." not in kept


def test_subsets_that_differ_share_their_source():
    text = f"{IMPORT}d = ImageDataGenerator(validation_split=0.2)\n"
    text += "a = d.flow_from_directory('p', subset='training', batch_size=4)\n"
    text += "b = d.flow_from_directory('p', subset='validation', batch_size=8)\nmodel.fit(a, validation_data=b)\n"
    after = migrate(text, 2).after
    assert ".split(0.2)[0]" in after
    assert ".split(0.2)[1]" in after


def test_a_name_al_that_is_taken_is_left_alone():
    after = flow("rotation_range=5", before="al = 3\n").after
    assert "import augline\n" in after
    assert "augline.Pipeline(" in after


def test_a_script_that_does_not_parse_says_where():
    with pytest.raises(ScriptError, match=r"'old.py'.*Python 3.*line 2: .*print 'x'"):
        migrate("import os\nprint 'x'\n", 1, "old.py")


def test_white_of_255_is_seen_in_the_script():
    text = f"{IMPORT}x = x.astype('float32')\nmodel.fit(ImageDataGenerator(rotation_range=3).flow(x, y))\n"
    assert "value_range=(0, 255)" in migrate(text, 2).after


@pytest.mark.parametrize(
    ("call", "transform"),
    [
        ("tf.image.random_brightness(x, 0.3)", "RandomBrightness(0.3)"),
        ("tf.image.random_contrast(x, 0.5, 2.0)", "RandomContrast((0.5, 1))"),
        ("tf.image.random_saturation(x, 1, 3)", "RandomSaturation((0.5, 0.75))"),
        ("tf.image.random_hue(x, 0.25)", "RandomHue(0.5)"),
        ("tf.image.random_crop(x, [8, 9, 3])", "RandomCrop(8, 9)"),
        ("tf.image.stateless_random_contrast(x, 0.5, 1.5, seed=s)", "RandomContrast(0.5)"),
        ("tf.keras.layers.RandomZoom((-0.1, 0.2), seed=3)(x)", "RandomZoom((-0.1, 0.2))"),
        ("tf.keras.layers.RandomShear(0.1, 0, 'nearest')(x)", "RandomShear(0.1, 0, interpolation='nearest')"),
        ("tf.keras.layers.RandomZoom(0.1, (0, 0.2), 'wrap')(x)", "RandomZoom(0.1, (0, 0.2), fill_mode='wrap')"),
        ("tf.keras.layers.RandomBrightness(0.3, (0, 1))(x)", "RandomBrightness(0.3)"),
        ("keras.Sequential([keras.layers.RandAugment((0, 255), 3)])(x)", "RandAugment(num_ops=3, factor=0.5)"),
        ("tf.image.rot90(tf.image.convert_image_dtype(x, tf.float32), s)", "ConvertDtype('float32', scale=True)"),
        ("tf.image.random_crop(tf.image.resize_with_crop_or_pad(x, 9, 8), [6, 6, 3])", "Padding(9, 8)"),
        ("tf.image.rot90(tf.image.resize_with_crop_or_pad(tf.image.resize(x, (9, 9)), 7, 8), s)", "CenterCrop(7, 8)"),
        ("tf.image.random_hue(tf.image.resize_with_pad(x, 9, 8), 0.1)", "Resizing(9, 8, pad_to_aspect_ratio=True)"),
    ],
)  # fmt: skip
def test_a_call_in_a_map_becomes_a_transform(call, transform):
    text = "import tensorflow as tf, keras\ns = tf.random.uniform([], 0, 4, tf.int32)\n"
    text += f"d = tf.data.Dataset.from_tensor_slices((a, b))\nd = d.map(lambda x, y: ({call}, y)).batch(4)\n"
    after = migrate(text, 2).after
    assert f"al.{transform}" in after.replace('"float32"', "'float32'")
    assert "shuffle=False" in after
    eval(f"al.{transform}", {"al": al})


def test_brightness_of_pixels_up_to_255_is_scaled_and_noted():
    text = "import tensorflow as tf\na = a.astype('float32')\nd = tf.data.Dataset.from_tensor_slices(a)\n"
    text += "d = d.map(lambda x: tf.image.random_brightness(x, 0.2)).batch(4)\n"
    migration = migrate(text, 2)
    assert "al.RandomBrightness(0.2 / 255)" in migration.after
    assert any("changes nearly nothing" in note.text for note in migration.notes)


@pytest.mark.parametrize(
    "body",
    [
        "for _ in range(3):\n        x = tf.image.random_hue(x, 0.1)\n    return x, y",
        "x = mine(x)\n    return tf.image.random_hue(x, 0.1), y",
        "return tf.image.random_jpeg_quality(x, 50, 90), y",
        "if y > 1:\n        x = tf.image.random_hue(x, 0.1)\n    return x, y",
    ],
)
def test_what_is_not_straight_line_code_stays(body):
    text = f"import tensorflow as tf\ndef f(x, y):\n    {body}\n"
    text += "d = tf.data.Dataset.from_tensor_slices((a, b)).map(f).batch(4)\n"
    migration = migrate(text, 2)
    assert migration.after == text
    assert any("tf.data chain stays" in note.text for note in migration.notes)


@pytest.mark.parametrize("use", ["for _ in range(3):\n    x, y = next(g)\n", "xs = [next(g) for _ in range(3)]\n"])
def test_next_in_a_loop_goes_through_the_batches_and_stays(use):
    assert "al." not in flow("rotation_range=5", use=use).after


def test_training_goes_on_at_the_epoch_it_is_told():
    after = flow("rotation_range=5", use="model.fit(g, epochs=9, initial_epoch=4)\n").after
    assert "model.fit(g.to_tf(start=(4, 0)), epochs=9, initial_epoch=4, shuffle=False)" in after


@pytest.mark.parametrize(
    "use", ["model.fit(g)\nmodel.fit(g)\n", "for _ in range(3):\n    model.fit(g)\n"], ids=["twice", "loop"]
)
def test_training_that_begins_again_is_noted(use):
    assert any("begins at epoch 0" in note.text for note in flow("rotation_range=5", use=use).notes)


def test_a_name_that_is_made_of_itself_is_unclear():
    text = "import tensorflow as tf\nds = ds.map(lambda x: tf.image.random_hue(x, 0.1))\n"
    assert migrate(text, 2).after == text


@pytest.mark.parametrize(
    ("arguments", "read", "becomes"),
    [
        ("", "g.filenames", "[os.path.relpath(g.source.name(i), g.source.path) for i in range(len(g.source))]"),
        ("", "g.directory", "g.source.path"),
        ("color_mode='grayscale'", "g.image_shape", "(*g.size, 1)"),
        ("class_mode=None", "g.classes", "al.Folder(g.source.path).targets.class_indices"),
        ("class_mode=None", "g.num_classes", "len(al.Folder(g.source.path).class_names)"),
        ("class_mode=None, classes=['x']", "g.directory", "os.path.dirname(g.source.path)"),
    ],
)
def test_what_is_read_off_an_iterator_is_read_off_the_pipeline(arguments, read, becomes):
    after = flow("", arguments, f"model.predict(g)\nthis = {read}\n").after
    assert f"\nthis = {becomes}\n" in after
    assert ("import os\n" in after) == ("os." in becomes or "['x']" in arguments)


def test_names_in_a_table_leave_out_its_folder():
    text = f"{IMPORT}g = ImageDataGenerator().flow_from_dataframe(df, folder, y_col='a', class_mode='raw')\n"
    use = "model.fit(g)\nthis = g.filenames, g.labels\n"
    after = migrate(f"folder = 'p'\n{text}{use}", 2).after
    assert "[os.path.relpath(g.source.name(i), folder) for i in range(len(g.source))], g.source.targets.labels" in after
    twice = migrate(f"folder = 'p'\n{text}folder = 'q'\n{use}", 2)
    assert any("the folder may be another by then" in note.text for note in twice.notes)


def test_folders_without_labels_are_those_that_were_named():
    one = flow("", "class_mode=None, classes=['x']", "model.predict(g)\n").after
    assert """al.Folder(os.path.join('p', "x"), label_mode=None)""" in one
    two = flow("", "class_mode=None, classes=['x', 'y']", "model.predict(g)\n")
    assert "al." not in two.after
    assert any("picks some of the sub-folders" in note.text for note in two.notes)


@pytest.mark.parametrize(
    ("function", "transforms"),
    [
        ("lambda x: x / 127.5 - 1.", "[al.Rescaling(1 / 127.5, offset=-1.)]"),
        ("f", "[al.Rescaling(1, offset=-9), al.Rescaling(1 / 2)]"),
        ("lambda x: x + mean", None),
    ],
)
def test_arithmetic_on_each_image_is_a_rescaling(function, transforms):
    before = "def f(img):\n    img -= 9\n    return img / 2\n"
    after = flow(f"preprocessing_function={function}", before=before).after
    assert (transforms or "preprocessing_function=lambda") in after


@pytest.mark.parametrize(
    ("filled", "generator", "arrays"),
    [
        ("x, z = a.astype('float32'), 3", "", "(x, y, value_range=(0, 255))"),
        ("x, v, y, w = train_test_split(a, b)\na = c.astype('float32') / 255", "", "(x, y)"),
        ("x, v, y, w = train_test_split(a, b)\na = np.array(c, 'float32')", "", "(x, y, value_range=(0, 255))"),
        ("x = load()", "rescale=1/255", "(x, y, value_range=(0, 255))"),
        ("x = load()", "", "(x, y)"),
    ],
)
def test_what_white_is_shows_in_how_arrays_are_filled(filled, generator, arrays):
    text = f"{IMPORT}{filled}\nmodel.fit(ImageDataGenerator({generator}).flow(x, y))\n"
    migration = migrate(text, 2)
    assert f"al.Arrays{arrays}," in migration.after
    assert any("Arrays takes uint8" in note.text for note in migration.notes) == (filled + generator == "x = load()")


KAGGLE = """import tensorflow as tf
def load(path, label=None, size=(32, 48), flip=False, *, scale=255.0):
    pixels = tf.image.decode_jpeg(tf.io.read_file(path), channels=3)
    pixels = tf.cast(pixels, tf.float32) / scale
    pixels = tf.image.resize(pixels, size)
    if flip:
        pixels = tf.image.random_flip_left_right(pixels)
    if label is None:
        return pixels
    else:
        return pixels, label
"""


@pytest.mark.parametrize(
    ("chain", "source", "scale"),
    [
        ("(p, y)).map(lambda a, b: load(a, b, flip=True))", "p, y", "1 / 255.0"),
        ("p).map(lambda a: load(a, None, (8, 9), True, scale=127.5))", "p", "1 / 127.5"),
        ("(p, y)).map(load)", None, None),
    ],
)
def test_defaults_and_conditions_that_are_decided_are_followed(chain, source, scale):
    migration = migrate(f"{KAGGLE}d = tf.data.Dataset.from_tensor_slices({chain}.batch(4)\n", 2)
    if source is None:  # nothing random: it stays
        assert not migration.changed
    else:
        size = "(8, 9)" if "(8, 9)" in chain else "(32, 48)"
        flat = " ".join(migration.after.split())
        transforms = f'[al.Rescaling({scale}), al.RandomFlip("horizontal")]'
        assert f"al.Files({source}), {transforms}, size={size}, batch_size=4, shuffle=False" in flat


def test_names_of_a_function_do_not_leave_it():
    text = "import tensorflow as tf\ndef f(x, size=4):\n    return tf.image.random_crop(x, [size, size, 3])\n"
    migration = migrate(text + "d = tf.data.Dataset.from_tensor_slices(a).map(f).batch(8)\n", 2)
    assert not migration.changed
    assert any("size on line 3 is the function's own" in note.text for note in migration.notes)


@pytest.mark.parametrize(
    ("use", "noted"),
    [
        ("for i in range(3):\n    g.reset()\n    p = model.predict(g)\n", True),
        ("model.predict(g)\nmodel.predict(g)\n", True),
        ("model.predict(g)\n", False),
    ],
)
def test_predictions_that_repeat_the_same_draws_are_noted(use, noted):
    says = [
        any("repeat the same images" in note.text for note in flow(d, use=use).notes) for d in ("rotation_range=5", "")
    ]
    assert says == [noted, False]


def test_a_flow_made_in_a_loop_begins_anew_there():
    text = f"{IMPORT}for i in range(3):\n    g = ImageDataGenerator().flow_from_directory(i)\n    model.fit(g)\n"
    assert not any("begins at epoch 0" in note.text for note in migrate(text, 2).notes)


def test_a_constant_seed_is_noted():
    text = "import tensorflow as tf\nd = tf.data.Dataset.from_tensor_slices(a)\n"
    text += "d = d.map(lambda x: tf.image.stateless_random_hue(x, 0.1, (1, 2))).batch(4)\n"
    assert any("the same draw" in note.text for note in migrate(text, 2).notes)


def test_why_a_chain_stays_is_said():
    text = "import tensorflow as tf\ndef f(x):\n    return g(x)\ndef g(x):\n    return tf.image.random_hue(x, 0.1)\n"
    (note,) = migrate(text + "d = tf.data.Dataset.from_generator(h, tf.uint8).map(f)\n", 2).notes[1:]
    assert "al.to_dataset(generator, batch_size=32, augment=[...])" in note.text
    mixing = "mix = tf.keras.layers.MixUp()\nd = tf.data.Dataset.from_tensor_slices(a).map(lambda x: mix(x)).batch(8)\n"
    (note,) = migrate("import tensorflow as tf\n" + mixing, 2).notes
    assert "write al.MixUp into the Pipeline's list" in note.text


def test_a_batch_size_with_a_name_keeps_it():
    assert "batch_size=size" in flow("rotation_range=5", "batch_size=size", before="size = 32\n").after
    assert "batch_size" not in flow("rotation_range=5", "batch_size=32").after


@pytest.mark.parametrize(
    ("arguments", "use", "why"),
    [
        ("width_shift_range=[-0.2, 0.2]", "model.fit(g)\n", "if the range between them was meant"),
        ("zoom_range=0.2", "def f():\n    return g, 1\n", "g is returned on line 5, and not followed further"),
    ],
)
def test_why_a_flow_stays_is_said(arguments, use, why):
    assert any(why in note.text for note in flow(arguments, use=use).notes)


def test_dicts_are_sent_to_the_list():
    text = "import tensorflow as tf, keras\nd = tf.data.Dataset.from_tensor_slices((a, b)).batch(4)\n"
    text += "d = d.map(lambda x, y: keras.layers.MixUp()({'images': x, 'labels': y}))\n"
    text += "e = tf.data.Dataset.from_tensor_slices((a, b)).map(lambda x, y: {'images': x, 'labels': y})\n"
    notes = migrate(text + "e = e.map(lambda s: keras.layers.CutMix()(s)).batch(4)\n", 2).notes
    assert ["stand in the list of a Pipeline" in note.text for note in notes] == [True, True]


def test_pairs_of_images_are_sent_to_masks():
    text = "import tensorflow as tf\ndef f(x, y):\n    return tf.image.random_hue(x, 0.1), tf.image.flip_up_down(y)\n"
    (note,) = migrate(text + "d = tf.data.Dataset.from_tensor_slices((a, b)).map(f).batch(4)\n", 2).notes
    assert "al.Files(images, masks=masks)" in note.text


def test_class_names_come_from_the_folder_wherever_they_are_read():
    ds = "tf.keras.utils.image_dataset_from_directory('p', validation_split=0.2, image_size=(8, 8), subset="
    text = (
        f"import tensorflow as tf\na = {ds}'training')\nb = {ds}'validation')\nnames = a.class_names + b.class_names\n"
    )
    text += "a = a.map(lambda x, y: (tf.image.random_hue(x, 0.1), y))\n"
    after = migrate(text, 2).after
    assert "names = al.Folder('p').class_names + al.Folder('p').class_names" in after
    assert "image_dataset_from_directory" not in after
    used = migrate(text.replace("names =", "plot(a)\nnames ="), 2)
    assert used.after == text.replace("names =", "plot(a)\nnames =")
    assert any("the subset is used elsewhere too" in note.text for note in used.notes)

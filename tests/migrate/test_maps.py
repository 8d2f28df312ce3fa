"""Chains of tf.data, and what their maps do, each on a few lines."""

from __future__ import annotations

import pytest

pytest.importorskip("libcst")

import augline as al
from augline.migrate import migrate


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


def test_a_name_that_is_made_of_itself_is_unclear():
    text = "import tensorflow as tf\nds = ds.map(lambda x: tf.image.random_hue(x, 0.1))\n"
    assert migrate(text, 2).after == text


@pytest.mark.parametrize(
    ("value", "transform"),
    [
        ("tf.image.random_hue(x, 0.1) if tf.random.uniform(()) < 0.3 else x", "RandomHue(0.2, p=0.3)"),
        ("x if tf.random.uniform([]) < 0.3 else tf.image.flip_up_down(x)", 'RandomFlip("vertical", p=0.7)'),
        (
            "tf.cond(tf.random.uniform([]) > 0.75, lambda: tf.image.random_hue(x, 0.1), lambda: x)",
            "RandomHue(0.2, p=0.25)",
        ),
        ("tf.image.random_hue(x, 0.1) if y > 3 else x", None),
        ("tf.image.random_hue(x, 0.1) if tf.random.uniform(()) < 0.3 else tf.image.flip_up_down(x)", None),
    ],
)
def test_a_choice_by_chance_is_a_p(value, transform):
    text = f"import tensorflow as tf\ndef f(x, y): return {value}, y\n"
    text += "d = tf.data.Dataset.from_tensor_slices((a, b)).map(f).batch(4)\n"
    migration = migrate(text, 2)
    assert (f"al.{transform}" in migration.after) if transform else not migration.changed


@pytest.mark.parametrize("data", ["{'images': a, 'boxes': b}", "(a, b)"])
def test_a_name_for_several_arrays_is_no_array(data):
    text = f"import tensorflow as tf\nboth = {data}\nd = tf.data.Dataset.from_tensor_slices(both)\n"
    migration = migrate(text + "d = d.map(lambda x: tf.image.random_hue(x, 0.1)).batch(4)\n", 2)
    assert not migration.changed
    assert any("both is several arrays" in note.text for note in migration.notes)


def test_a_function_of_tensorflow_may_stand_for_itself():
    text = "import tensorflow as tf\nd = tf.data.Dataset.from_tensor_slices(a)\n"
    after = migrate(text + "d = d.map(tf.image.random_flip_up_down).batch(4)\n", 2).after
    assert 'al.Pipeline(al.Arrays(a), [al.RandomFlip("vertical")], batch_size=4, shuffle=False)' in after


def test_what_a_decorator_makes_of_a_function_is_not_guessed():
    text = "import tensorflow as tf\n@mine\ndef f(x):\n    return tf.image.random_hue(x, 0.1)\n"
    text += "d = tf.data.Dataset.from_tensor_slices(a).map(f).batch(4)\n"
    assert not migrate(text, 2).changed
    assert migrate(text.replace("@mine", "@tf.function"), 2).changed


def test_both_halves_of_a_folder_are_resized_as_they_were():
    ds = "tf.keras.utils.image_dataset_from_directory('p', validation_split=0.2, image_size=(8, 9), interpolation="
    text = f"import tensorflow as tf\na = {ds}'nearest', subset='training')\nb = {ds}'nearest', subset='validation')\n"
    text += "a = a.map(lambda x, y: (tf.image.random_brightness(x, 0.1), y))\n"
    after = migrate(text, 2).after
    assert after.count('Resizing(8, 9, interpolation="nearest")') == 2
    assert "RandomBrightness(0.1)]" in after  # of uint8, as in Keras
    assert "Rescaling" not in after
    assert not migrate(text.replace("nearest", "bicubic"), 2).changed


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


def test_dividing_by_half_of_255_shows_white_too():
    text = "import tensorflow as tf\nd = tf.data.Dataset.from_tensor_slices(a)\n"
    text += "d = d.map(lambda x: tf.image.random_flip_left_right(x / 127.5 - 1)).batch(4)\n"
    assert "al.Arrays(a, value_range=(0, 255))" in migrate(text, 2).after


def test_names_of_a_function_do_not_leave_it():
    text = "import tensorflow as tf\ndef f(x, size=4):\n    return tf.image.random_crop(x, [size, size, 3])\n"
    migration = migrate(text + "d = tf.data.Dataset.from_tensor_slices(a).map(f).batch(8)\n", 2)
    assert not migration.changed
    assert any("size on line 3 is the function's own" in note.text for note in migration.notes)


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


def test_dicts_are_sent_to_the_list():
    text = "import tensorflow as tf, keras\nd = tf.data.Dataset.from_tensor_slices((a, b)).batch(4)\n"
    text += "d = d.map(lambda x, y: keras.layers.MixUp()({'images': x, 'labels': y}))\n"
    text += "e = tf.data.Dataset.from_tensor_slices((a, b)).map(lambda x, y: {'images': x, 'labels': y})\n"
    text += "e = e.map(lambda s: keras.layers.CutMix()(s)).batch(4)\nmix = keras.layers.MixUp()\ndef f(x, y):\n"
    text += "    out = mix({'images': x, 'labels': y})\n    return out['images'], out['labels']\n"
    notes = migrate(text + "h = tf.data.Dataset.from_tensor_slices((a, b)).map(f).batch(4)\n", 2).notes
    assert ["stand in the list of a Pipeline" in note.text for note in notes] == [True, True, True]


def test_layers_in_a_class_that_is_mapped_are_in_no_model():
    text = "import tensorflow as tf\nclass A(tf.keras.layers.Layer):\n    flip = tf.keras.layers.RandomFlip()\n"
    text += "    def call(self, x, y):\n        return self.flip(x), y\n"
    (note,) = migrate(text + "d = tf.data.Dataset.from_tensor_slices((a, b)).map(A()).batch(4)\n", 2).notes
    assert "line 6: the tf.data chain stays as it is: A() is not a function of this script" in str(note)


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

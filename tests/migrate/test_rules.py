"""Single rules, each on a few lines."""

from __future__ import annotations

import pytest

pytest.importorskip("libcst")

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
        ("x, y = g.__getitem__(3)\n", "x, y = g.batch(0, 3)\n"),
        ("n = g.__len__()\n", "n = g.__len__()\n"),
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


@pytest.mark.parametrize("level", [1, 2])
def test_imports_in_brackets_keep_their_other_names(level):
    text = "from keras.preprocessing.image import (\n    ImageDataGenerator,  # this\n    load_img,  # that\n)\nx = 1\n"
    after = migrate(text + "mine(ImageDataGenerator)\n", level).after
    assert after.startswith(
        "from keras.preprocessing.image import (\n    load_img,  # that\n)\nfrom augline.keras import"
    )


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


@pytest.mark.parametrize(
    ("use", "becomes"),
    [
        (
            "model.fit_generator(g, samples_per_epoch=2000, nb_epoch=5)\n",
            "model.fit(g.to_tf(), epochs=5, shuffle=False)",
        ),
        ("model.fit_generator(g, 2000, 5, max_q_size=1)\n", "model.fit(g.to_tf(), epochs=5, shuffle=False)"),
        ("model.predict_generator(g, val_samples=g.nb_sample)\n", "model.predict(g.to_tf())"),
        ("model.fit_generator(mine(), samples_per_epoch=2000, nb_epoch=5)\n", ""),
        ("model.fit_generator(mine(), 2000, nb_epoch=5)\n", ""),
        ("model.fit_generator(mine(), 2000, epochs=5)\n", "model.fit(mine(), steps_per_epoch=2000, epochs=5)"),
    ],
)
def test_images_that_keras_1_counted_become_no_steps(use, becomes):
    migration = flow("rotation_range=5", use=use)
    assert migration.after.endswith(f"{becomes}\n" if becomes else use)
    assert any("Keras 1 counted images" in note.text for note in migration.notes) == (not becomes)


def test_a_flow_that_stays_needs_no_number_of_images_either():
    use = "model.fit_generator(g, samples_per_epoch=99, nb_epoch=5, validation_data=mine(g), nb_val_samples=9)\n"
    assert use in flow("zoom_range=[1, 5]", use=use).after  # mine(g) may be anything
    use = use.replace("mine(g)", "g")
    assert "model.fit(g, epochs=5, validation_data=g)\n" in flow("zoom_range=[1, 5]", use=use).after


RETURNED = f"""{IMPORT}def made(folder):
    d = ImageDataGenerator(rotation_range=5)
    a = d.flow_from_directory(folder)
    return a, d.flow_from_directory('q', class_mode=None)
"""


@pytest.mark.parametrize(
    ("use", "becomes"),
    [
        (
            "def main():\n    t, v = made('p')\n    model.fit(t, epochs=len(t.class_indices))\n    model.predict(v)\n",
            "    model.predict(v.to_tf())\n",
        ),
        (
            "for fold in range(3):\n    t, v = made(fold)\n    model.fit(t)\n",
            "    model.fit(t.to_tf(), shuffle=False)\n",
        ),
        ("t, v = made('p')\nmine(v)\n", "flow_from_directory('q'"),
        ("both = made('p')\nmodel.fit(both[0])\n", "flow_from_directory(folder"),
        ("fit(*made('p'))\n", "flow_from_directory(folder"),
        ("t, v = made('p')\nmake = made\n", "flow_from_directory(folder"),
        ("", "flow_from_directory(folder"),
    ],
)
def test_what_functions_return_is_followed_to_their_calls(use, becomes):
    migration = migrate(RETURNED + use, 2)
    assert becomes in migration.after
    assert ("flow_from_directory(folder" in migration.after) == ("(folder" in becomes)
    assert not any("begins at epoch 0" in note.text for note in migration.notes)


KEPT = f"""{IMPORT}class Trainer:
    def __init__(self, folder):
        self.d = ImageDataGenerator(rotation_range=5)
        self.made = self.d.flow_from_directory(folder)
    def train(self):
        self.model.fit(self.made, steps_per_epoch=len(self.made), callbacks=[self.made.samples])
"""


@pytest.mark.parametrize(
    ("more", "stays"),
    [
        ("", False),
        ("t = Trainer('p')\nprint(t.made.class_indices)\n", False),
        ("    def other(self):\n        self.made = None\n", True),
        ("    def other(self):\n        self.made, b = 1, 2\n", True),
        ("t = Trainer('p')\nmine(t.made)\n", True),
        ("t = Trainer('p')\nt.made = 3\n", True),
        ("setattr(t, 'made', 3)\n", True),
    ],
)
def test_what_an_object_keeps_is_followed(more, stays):
    after = migrate(KEPT + more, 2).after
    assert ("self.d.flow_from_directory" in after) == stays
    if not stays:
        assert "        self.made = al.Pipeline(" in after
        assert "self.model.fit(self.made.to_tf(), callbacks=[len(self.made.source)], shuffle=False)\n" in after
        assert "ImageDataGenerator" not in after
        assert more == "" or "enumerate(t.made.source.class_names)" in after


def test_both_halves_that_an_object_keeps_are_one_split():
    text = f"{IMPORT}class A:\n    def f(self):\n        d = ImageDataGenerator(validation_split=0.2)\n"
    text += "        self.a = d.flow_from_directory('p', subset='training')\n"
    text += "        self.b = d.flow_from_directory('p', subset='validation')\n"
    text += "        self.model.fit(self.a, validation_data=self.b)\n"
    after = migrate(text, 2).after
    assert "        self.a, self.b = al.Pipeline(" in after
    assert "self.model.fit(self.a.to_tf(), validation_data=self.b.to_tf(), shuffle=False)\n" in after


def test_the_result_of_a_function_may_be_trained_on_at_once():
    text = f"{IMPORT}def made():\n    return ImageDataGenerator(zoom_range=0.1).flow_from_directory('p')\n"
    after = migrate(f"{text}model.fit(made(), steps_per_epoch=7)\n", 2).after
    assert "    return al.Pipeline(" in after
    assert "model.fit(made().to_tf().repeat(), steps_per_epoch=7, shuffle=False)\n" in after


def test_a_flow_made_in_a_loop_begins_anew_there():
    text = f"{IMPORT}for i in range(3):\n    g = ImageDataGenerator().flow_from_directory(i)\n    model.fit(g)\n"
    assert not any("begins at epoch 0" in note.text for note in migrate(text, 2).notes)


def test_a_batch_size_with_a_name_keeps_it():
    assert "batch_size=size" in flow("rotation_range=5", "batch_size=size", before="size = 32\n").after
    assert "batch_size" not in flow("rotation_range=5", "batch_size=32").after


@pytest.mark.parametrize(
    ("arguments", "use", "why"),
    [
        ("width_shift_range=[-0.2, 0.2]", "model.fit(g)\n", "if the range between them was meant"),
        (
            "zoom_range=0.2",
            "class A:\n    def f(self):\n        return g\n",
            "g is returned on line 6, and not followed",
        ),
        (
            "zoom_range=0.2",
            "def f():\n    return g, 1\n",
            "f, which returns it on line 5, is not called in this script",
        ),
    ],
)
def test_why_a_flow_stays_is_said(arguments, use, why):
    assert any(why in note.text for note in flow(arguments, use=use).notes)

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import augline as al
from augline import plain_yaml
from augline.spec import LIMIT, load_spec
from augline.transforms import TRANSFORMS


def source(count=6):
    images = np.random.default_rng(0).integers(0, 255, (count, 20, 30, 3), dtype=np.uint8)
    return al.Arrays(images, labels=[k % 3 for k in range(count)])


EVERYTHING = [
    al.RandomFlip("horizontal", p=0.25),
    al.Transpose(),
    al.RandomRotation((-1e-5, 0.1), fill_mode="constant", fill_value=7, name="no"),
    al.OneOf(
        [al.RandomZoom((-0.1, 0.2)), al.Sequential([al.RandomBrightness(np.float64(0.2))], p=0.3)], weights=[1, 2]
    ),
    al.SomeOf([al.RandomContrast(0.1), al.RandomGamma(), al.RandomPosterization((2, 6))], n=(1, 2), name="2024-01-01"),
    al.RandomResizedCrop(16, 18, scale=(1 / 3, 1.0)),
    al.Rescaling(1 / 127.5, offset=(-1, -1, -1.5)),
]


def folder(path):
    for name in ("no", "1e3", "cat: a"):
        (path / name).mkdir(parents=True)
        for k in range(3):
            Image.fromarray(np.full((8, 9, 3), 40 * k, np.uint8)).save(path / name / f"{k}.png")
    return al.Folder(path)


def test_a_pipeline_comes_back_as_it_was():
    settings = {"size": (24, 22), "batch_size": 4, "seed": 2**64 - 1, "shuffle": False, "drop_remainder": True}
    settings |= {"engine": "reference", "on_error": "skip", "workers": 3, "shard": (1, 2)}
    settings["box_filter"] = al.BoxFilter(min_area=9, min_visibility=0.3)
    pipe = al.Pipeline(source(), EVERYTHING, **settings)
    again = al.Pipeline.from_yaml(pipe.to_yaml(), source=source())
    assert again.transforms == pipe.transforms
    assert again.settings() == pipe.settings() == settings
    assert again.to_yaml() == pipe.to_yaml()
    for ours, theirs in zip(pipe.epoch(3), again.epoch(3), strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1], theirs[1])


def test_schedules_come_back_as_they_were():
    turn = al.RandomRotation(al.linear((0, 0), (0.1, 0.2), epochs=4), p=al.cosine(0.0, 1.0, epochs=5))
    pipe = al.Pipeline(source(), [al.OneOf([turn, al.RandomFlip(al.steps({0: "vertical", 2: "horizontal"}))])])
    again = al.Pipeline.from_yaml(pipe.to_yaml(), source=source())
    assert again.transforms == pipe.transforms
    np.testing.assert_array_equal(again.batch(3, 0)[0], pipe.batch(3, 0)[0])


def test_class_names_that_look_like_something_else_stay_text(tmp_path):
    pipe = al.Pipeline(folder(tmp_path / "photos"), [al.RandomFlip()], size=(8, 8), batch_size=2)
    pipe.to_yaml(tmp_path / "pipe.yaml")
    again = al.Pipeline.from_yaml(tmp_path / "pipe.yaml")
    assert again.source.class_names == ("1e3", "cat: a", "no")
    assert again.source.config() == pipe.source.config()
    np.testing.assert_array_equal(again.batch(0, 1)[0], pipe.batch(0, 1)[0])


def test_a_part_of_a_folder_comes_back(tmp_path):
    training, validation = al.Pipeline(folder(tmp_path / "photos"), [al.RandomFlip()], size=(8, 8)).split(0.34, seed=5)
    for pipe in (training, validation):
        again = al.Pipeline.from_yaml(pipe.to_yaml())
        assert [again.source.name(k) for k in range(len(again.source))] == [
            pipe.source.name(k) for k in range(len(pipe.source))
        ]
        assert again.settings() == pipe.settings()


def test_only_what_differs_from_the_defaults_is_written():
    text = al.Pipeline(source(), [al.RandomFlip(), al.RandomRotation(0.1)], seed=7).to_yaml()
    lines = text.splitlines()
    assert lines[0] == "# source: Arrays(6 images, 20x30x3 uint8): pass it to from_yaml(..., source=...)"
    assert lines[1:] == [
        "augline: 1",
        "transforms:",
        "- RandomFlip",
        "- RandomRotation: {factor: 0.1}",
        "size: null",
        "batch_size: 32",
        "seed: 7",
    ]


def test_arrays_have_to_be_passed_again():
    text = al.Pipeline(source(), []).to_yaml()
    with pytest.raises(al.SpecError, match=r"there must be a source.*source="):
        al.Pipeline.from_yaml(text)


def test_a_transform_of_ones_own_is_not_written():
    class Mine(al.RandomFlip):
        pass

    with pytest.raises(al.SpecError, match="augline's own"):
        al.Pipeline(source(), [Mine()]).to_yaml()


def test_a_source_with_too_long_a_list_is_not_written(tmp_path):
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "a.png")
    many = al.Files([str(tmp_path / "a.png")] * (LIMIT // len(str(tmp_path))))
    with pytest.raises(al.SpecError, match="characters"):
        al.Pipeline(many, [], size=(4, 4)).to_yaml()


_FACTOR, _SIZE, _INSIDE = {"factor": 0.1}, {"height": 8, "width": 9}, {"transforms": ["RandomFlip", "Transpose"]}
REQUIRED = {
    "RandomRotation": _FACTOR, "RandomBrightness": _FACTOR, "RandomContrast": _FACTOR, "RandomHue": _FACTOR,
    "RandomSaturation": _FACTOR, "RandomTranslation": {"height_factor": 0.1, "width_factor": [-0.1, 0.2]},
    "RandomZoom": {"height_factor": 0.1}, "RandomPosterization": {"factor": 4}, "Rescaling": {"scale": 2},
    "ConvertDtype": {"dtype": "float32"},
    "Resizing": _SIZE, "CenterCrop": _SIZE, "RandomCrop": _SIZE, "RandomResizedCrop": _SIZE,
    "LetterBox": _SIZE, "Padding": _SIZE, "ScaleJitter": _SIZE, "PadToMultiple": {"multiple": 3},
    "CropNonEmptyMaskIfExists": _SIZE,
    "ResizeShortestEdge": {"size": 9}, "ResizeLongestEdge": {"size": 9}, "RandomChannelShift": _FACTOR,
    "RandomColorDegeneration": _FACTOR, "RandomSharpness": _FACTOR,
    "OneOf": _INSIDE, "SomeOf": _INSIDE, "Sequential": _INSIDE,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted({*TRANSFORMS} - {"Map", "ZCAWhitening"}))  # those have tests of their own
def test_every_transform_can_be_named(name):
    last = {"Resizing": {"height": 9, "width": 9}}
    both = [last, {name: REQUIRED.get(name, {})}]  # what sizes differ after is brought to one; values come last
    both = both if name == "PerImageStandardization" else both[::-1]
    text = plain_yaml.dump({"transforms": both, "size": [9, 9]})
    images = np.zeros((4, 9, 9, 3), np.uint8)
    boxes = np.tile(np.float32([[1, 2, 5, 6]]), (4, 1, 1))
    every = al.Arrays(images, labels=np.eye(4, dtype=np.float32), masks=images[..., :1], boxes=boxes)
    built = al.Pipeline.from_yaml(text, source=every).transforms
    assert TRANSFORMS[name] in {type(item) for item in built}


def test_load_spec_needs_no_source(tmp_path):
    (tmp_path / "a.yaml").write_text("transforms: [RandomFlip, RandomZoom: {height_factor: 1e-3}]\nsize: [9, 8]\n")
    spec = load_spec(tmp_path / "a.yaml")
    assert spec == {"transforms": (al.RandomFlip(), al.RandomZoom(0.001)), "size": (9, 8)}


BAD = {
    "a: 1\nb: 2": r"there is no key 'a'.*The keys are augline, source",
    "tranforms: []\n": r"Did you mean 'transforms'\?",
    "augline: 2\n": "augline must be 1",
    "transforms:\n- RandomFlop: {}\n": r"there is no transform RandomFlop.*Did you mean 'RandomFlip'\?",
    "transforms:\n- os.system: {command: ls}\n": "there is no transform os.system",
    "transforms:\n- RandomRotation: 0.05\n": "a transform is its name and its arguments by name",
    "transforms:\n- {RandomFlip: {}, Transpose: {}}\n": "a transform is its name and its arguments by name",
    "transforms:\n- RandomFlip: {1: 2}\n": "a transform is its name and its arguments by name",
    "transforms:\n- OneOf: {transforms: [RandomFlip, 3]}\n": "a transform is its name",
    "transforms: RandomFlip\n": "transforms must be a list",
    "size: 224\n": r"size must be a height and a width.*\[224, 224\]",
    "size: [224, true]\n": "size must be",
    "batch_size: 32.5\n": "batch_size must be a whole number",
    "shuffle: no\n": "shuffle must be true or false",
    "shard: 2\n": "shard must be",
    "source: photos/\n": "source must be a source and its arguments",
    "source: {Foder: {path: x}}\n": r"Did you mean 'Folder'\?",
    "source: {Folder: {pth: x}}\n": "this source's arguments",
    "seed: 1\nseed: 2\n": "the key 'seed' twice in line 2",
    "transforms: &a\n- *a\n": "anchor or alias",
    "seed: !!python/object/apply:os.system ['ls']\n": r"a tag \(.*os.system\)",
    "seed: !!int 3\n": "a tag",
    "[" * 3000 + "\n": "nesting deeper than 20",
    "seed: " + "9" * 5000 + "\n": "plain YAML",
    "a: b: c\n": "plain YAML.* in line 1",
    "\x00\n": "plain YAML",
    "? [a, b]\n: 1\n": "plain YAML",
    "- 1\n- 2\n": "keys and values",
    "\n": "keys and values",
    "x" * (LIMIT + 1) + "\n": "1,000,000 characters",
}


@pytest.mark.parametrize(("text", "message"), BAD.items(), ids=[repr(text[:30]) for text in BAD])
def test_what_describes_no_pipeline_is_refused(text, message):
    with pytest.raises(al.SpecError, match=message) as caught:
        al.Pipeline.from_yaml(text, source=source() if "source" not in text else None)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf", "'0.1'", "true", "[0.1, .nan]"])
def test_what_is_no_finite_number_is_refused_by_the_transform(value):
    with pytest.raises(al.ArgumentError, match=r"^RandomRotation\(factor="):
        al.Pipeline.from_yaml(f"transforms:\n- RandomRotation: {{factor: {value}}}\n", source=source())


def test_a_scale_of_nothing_is_refused_by_the_transform():
    with pytest.raises(al.ArgumentError, match=r"^Rescaling\(scale=None\): scale must be a finite number"):
        al.Pipeline.from_yaml("transforms:\n- Rescaling: {scale: null}\n", source=source())


def test_an_unknown_argument_is_refused_with_the_nearest_name():
    with pytest.raises(al.ArgumentError, match="Did you mean mode"):
        al.Pipeline.from_yaml("transforms:\n- RandomFlip: {mod: horizontal}\n", source=source())


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "latin.yaml").write_bytes("seed: 1 # für\n".encode("latin-1"))
    (tmp_path / "huge.yaml").write_text("#" * (LIMIT + 10))
    for name, message in {
        "none.yaml": "No such file",
        "latin.yaml": "UTF-8",
        "huge.yaml": "1,000,000",
        ".": "file",
    }.items():
        with pytest.raises(al.SpecError, match=message):
            al.Pipeline.from_yaml(tmp_path / name)


def test_text_is_read_as_yaml_1_2_and_quoted_for_both_versions():
    data = {
        "a": ["no", "on", "007", "1e3", "2024-01-01", "1:30", "~", "0x1f", "null", "", "<<", "é"],
        "b": 1e-3,
        "c": None,
    }
    assert plain_yaml.load(plain_yaml.dump(data)) == data
    assert plain_yaml.load("[no, 007, 1e3, 1e-3, 2024-01-01, .5, -3, true, ~]\n") == [
        "no", "007", 1000.0, 0.001, "2024-01-01", 0.5, -3, True, None,
    ]  # fmt: skip

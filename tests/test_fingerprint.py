from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import augline as al
from augline.fingerprint import Fingerprint, _source

LIST = [al.RandomFlip("horizontal"), al.RandomRotation(0.1), al.RandomBrightness(0.2)]


def images(count=6, seed=0):
    return np.random.default_rng(seed).integers(0, 255, (count, 12, 16, 3), dtype=np.uint8)


def pipeline(source=None, transforms=LIST, **more):
    source = source or al.Arrays(images(), labels=[0, 1, 2] * 2)
    return al.Pipeline(source, transforms, **{"size": (8, 8), "seed": 1, **more})


def folder(path, names=("cat", "dog"), count=4):
    for label, name in enumerate(names):
        (path / name).mkdir(parents=True, exist_ok=True)
        for number, image in enumerate(images(count, seed=label)):
            Image.fromarray(image).save(path / name / f"{number}.png")
    return path


def test_it_is_the_same_for_the_same_results():
    one = pipeline().fingerprint()
    assert one == pipeline().fingerprint()
    assert len(one.digest) == 64 == len(str(one))
    assert one == pipeline(workers=3, shard=(1, 4)).fingerprint()
    assert one == pipeline(engine="opencv").fingerprint(), "which is what auto means"
    assert not one.difference(pipeline().fingerprint())


CHANGES = {
    "seed": ({"seed": 2}, "seed: 2"),
    "batch_size": ({"batch_size": 3}, "batch_size: 3"),
    "size": ({"size": (8, 9)}, "size: [8, 9]"),
    "shuffle": ({"shuffle": False}, "shuffle: false"),
    "engine": ({"engine": "reference"}, "engine: reference"),
    "an argument": ({"transforms": [*LIST[:2], al.RandomBrightness(0.3)]}, "RandomBrightness: {factor: 0.3}"),
    "the order of the list": ({"transforms": LIST[::-1]}, "RandomRotation"),
    "one more": ({"transforms": [*LIST, al.RandomInvert()]}, "RandomInvert"),
    "samples": ({"source": al.Arrays(images(7), labels=[0] * 7)}, "samples: 7"),
    "pixels": ({"source": al.Arrays(images(seed=1), labels=[0, 1, 2] * 2)}, "contents"),
    "a label": ({"source": al.Arrays(images(), labels=[0, 1, 2, 0, 2, 1])}, "labels"),
    "weights": ({"source": al.Arrays(images(), labels=[0, 1, 2] * 2, weights=np.ones(6))}, "weights"),
    "boxes": ({"source": al.Arrays(images(), labels=[0, 1, 2] * 2, boxes=[[[1, 1, 5, 6]]] * 6)}, "boxes"),
    "masks": ({"source": al.Arrays(images(), labels=[0, 1, 2] * 2, masks=np.zeros((6, 12, 16), "uint8"))}, "masks"),
    "the split": ({"source": al.Arrays(images(12), labels=[0, 1, 2] * 4).select(range(6, 12))}, "ids"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_results_shows(change):
    arguments, shown = CHANGES[change]
    difference = pipeline(**arguments).fingerprint().difference(pipeline().fingerprint())
    assert difference.startswith("--- saved\n+++ now\n")
    assert any(shown in line for line in difference.splitlines() if line.startswith(("+", "-"))), difference


def test_a_folder_counts_by_what_is_in_it(tmp_path):
    first = pipeline(al.Folder(folder(tmp_path / "here"))).fingerprint()
    moved = pipeline(al.Folder(folder(tmp_path / "there" / "deeper"))).fingerprint()
    assert first == moved
    paths = sorted(str(path) for path in (tmp_path / "here").rglob("*.png"))
    files = al.Files(paths, [Path(path).parent.name for path in paths])
    assert pipeline(files).fingerprint() == first, "the same samples under another source"
    (tmp_path / "here" / "cat" / "0.png").rename(tmp_path / "here" / "cat" / "00.png")
    renamed = pipeline(al.Folder(tmp_path / "here")).fingerprint().difference(first)
    assert "first: cat/0.png" in renamed
    assert "first: cat/00.png" in renamed


def test_a_file_that_cannot_be_read_does_not_hinder(tmp_path):
    source = al.Folder(folder(tmp_path))
    before = pipeline(source).fingerprint()
    (tmp_path / "dog" / "2.png").unlink()
    assert pipeline(source).fingerprint() != before


def test_functions_of_your_own_count_by_name():
    def darker(image):
        return image // 2

    def other(image):
        return image

    one = [pipeline(transforms=[al.Map(function)]).fingerprint() for function in (darker, darker, other)]
    assert one[0] == one[1] != one[2]
    assert "darker" in one[0].text
    assert "0x" not in one[0].text


class Endless(al.Source):
    channels, dtype, value_range, size, class_names = 3, "uint8", (0.0, 255.0), (8, 12), None
    targets = al.Arrays(np.zeros((1, 2, 2, 3), "uint8")).targets

    def __init__(self):
        self.read_count = self.named = 0

    def __len__(self):
        return 10**11

    def read(self, index):
        self.read_count += 1
        return np.zeros((8, 12, 3), np.uint8)

    def name(self, index):
        self.named += 1
        return f"{index:013}"

    def config(self):
        return {}


def test_large_sets_are_cheap():
    source = Endless()
    assert "samples: 100000000000" in pipeline(source).fingerprint().text
    assert source.read_count <= 64
    assert source.named <= 1 << 20


def test_another_is_refused_with_what_changed():
    one, other = pipeline().fingerprint(), pipeline(seed=2).fingerprint()
    one.check(Fingerprint(one.text), "Run", "Go back.")
    with pytest.raises(al.SpecError, match=r"(?s)^Run: the pipeline must be.*\n-seed: 1\n\+seed: 2\nGo back\.$"):
        other.check(one, "Run", "Go back.")


class Painted:
    """As those of `Coco` are: made when asked for."""

    made = 0

    def __init__(self, value):
        self.value = value

    def __array__(self, dtype=None, copy=None):
        Painted.made += 1
        return np.full((12, 16), self.value, np.uint8)


def test_masks_count_by_what_is_in_them_and_few_are_made():
    pixels = np.zeros((300, 12, 16, 3), "uint8")
    texts = []
    for value in (1, 2, 1):
        source = al.Arrays(pixels)
        source.targets = dataclasses.replace(source.targets, masks=[Painted(value)] * 300)
        texts.append(_source(source))
    assert texts[0] == texts[2] != texts[1]
    assert Painted.made == 3 * 64


def test_masks_by_name_count_without_their_folder(tmp_path):
    def of(place, order=1):
        photos = sorted(map(str, folder(tmp_path / place).rglob("*.png")))
        return al.Files(photos, masks={"a": photos[::order], "b": [*photos[:3], *images(5)[..., 0]]})

    here, there, other = (_source(source) for source in (of("here"), of("there"), of("here", -1)))
    assert here == there != other

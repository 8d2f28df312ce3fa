"""Transforms as declarations: frozen, printable, short, and clear about what they refuse."""

from __future__ import annotations

import ast
import dataclasses
import doctest
import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import augline
import augline as al
from augline.errors import ArgumentError
from augline.transforms import TRANSFORMS
from augline.transforms.base import Transform, labels
from conformance.cases import AIMED, CASES
from pictures import smooth

nan, inf = float("nan"), float("inf")
EVERY = [item for case in CASES + AIMED for item in case.transforms]
FORM = re.compile(r"^\w+\(.*\): .+\. Received .+\. .+\.$", re.DOTALL)


@pytest.mark.parametrize("item", EVERY, ids=repr)
def test_repr_evaluates_to_an_equal_transform(item: Transform) -> None:
    again = eval(repr(item), {**TRANSFORMS, "nan": nan, "inf": inf})
    assert again == item
    assert hash(again) == hash(item)
    assert repr(again) == repr(item)


@pytest.mark.parametrize("item", EVERY, ids=repr)
def test_transforms_are_frozen_values(item: Transform) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        item.p = 0.1  # type: ignore[misc]
    assert dataclasses.replace(item, name="mine") != item
    assert dataclasses.replace(item, name="mine").name == "mine"


@pytest.mark.parametrize("name", sorted(TRANSFORMS))
def test_every_transform_is_public_documented_and_runs_its_example(name: str) -> None:
    kind = TRANSFORMS[name]
    assert getattr(al, name) is kind
    assert name in al.__all__
    documentation = inspect.getdoc(kind) or ""
    assert documentation.split("\n")[0].endswith(".")
    assert ">>> " in documentation
    own = [f.name for f in dataclasses.fields(kind) if f.name in getattr(kind, "__annotations__", {})]
    shared = "\n".join(inspect.getdoc(base) or "" for base in kind.__mro__)
    assert all(re.search(rf"^ +{field}: ", shared, re.MULTILINE) for field in own), own


BAD: list[tuple[str, dict[str, Any], str]] = [
    # unknown arguments, and what people bring along from elsewhere
    ("RandomRotation", {"factor": 0.1, "seed": 3}, "Give the seed to the Pipeline"),
    ("RandomFlip", {"data_format": "channels_first"}, "Images are"),
    ("RandomZoom", {"height_factor": 0.1, "dtype": "float32"}, "add Rescaling or Normalize"),
    ("RandomCrop", {"height": 8, "width": 8, "always_apply": True}, "p=1.0"),
    ("RandomRotation", {"factor": 0.1, "fillmode": "reflect"}, "Did you mean fill_mode"),
    ("RandomRotation", {}, "factor must be given"),
    ("RandomTranslation", {"height_factor": 0.1}, "width_factor must be given"),
    # no numbers, or none that can be drawn from
    ("RandomRotation", {"factor": nan}, "factor must be a number"),
    ("RandomRotation", {"factor": inf}, "factor must be a number"),
    ("RandomRotation", {"factor": True}, "factor must be a number"),
    ("RandomRotation", {"factor": "0.1"}, "factor must be a number"),
    ("RandomRotation", {"factor": None}, "factor must be a number"),
    ("RandomRotation", {"factor": (0.2, 0.1)}, "low <= high"),
    ("RandomRotation", {"factor": (0.1, 0.2, 0.3)}, "pair"),
    ("RandomRotation", {"factor": ()}, "pair"),
    ("RandomRotation", {"factor": 20}, "between -1 and 1"),
    ("RandomZoom", {"height_factor": -1.0}, "between -0.999 and 1"),
    ("RandomZoom", {"height_factor": 0.1, "width_factor": (0.3, nan)}, "width_factor must be"),
    ("RandomTranslation", {"height_factor": 0.1, "width_factor": 3}, "between -1 and 1"),
    ("RandomShear", {"x_factor": -0.2}, "between 0 and 1"),
    ("RandomAffine", {"scale": (0, 1)}, "between 0.001"),
    ("RandomAffine", {"translate": 0.1}, "translate"),
    ("RandomAffine", {"translate": (0.1, 7)}, "translate"),
    ("RandomAffine", {"degrees": 400}, "between -360 and 360"),
    ("RandomPerspective", {"scale": 1.5}, "between 0 and 1"),
    ("RandomBrightness", {"factor": 2}, "between -1 and 1"),
    ("RandomBrightness", {"factor": 0.1, "value_range": "uint8"}, "value_range"),
    ("RandomContrast", {"factor": (2.0, 0.5)}, "must lie between 0 and 11"),
    ("RandomContrast", {"factor": (-0.5, -0.6)}, "must lie between 0 and 11"),
    ("RandomGamma", {"gamma": (0, 1)}, "between 0.01 and 100"),
    ("RandomGamma", {"gamma": (2, 1)}, "low <= high"),
    ("RandomPosterization", {"factor": 0}, "between 1 and 8"),
    ("RandomPosterization", {"factor": 9}, "between 1 and 8"),
    ("RandomPosterization", {"factor": 2.5}, "factor"),
    ("RandomSaturation", {"factor": 1.2}, "between 0 and 1"),
    ("RandomSaturation", {"factor": 0.5, "space": "lab"}, "space"),
    ("RandomHue", {"factor": -0.1}, "between 0 and 1"),
    ("RandomGrayscale", {"factor": (0.1, 0.2)}, "factor must be a number"),
    ("Solarization", {"threshold_factor": 300}, "between 0 and 1"),
    # modes and sizes
    ("RandomFlip", {"mode": "sideways"}, "mode"),
    ("RandomFlip", {"p": 1.5}, "p must be a number between 0 and 1"),
    ("RandomFlip", {"p": True}, "p must be a number"),
    ("RandomFlip", {"p": nan}, "p must be a number"),
    ("RandomRotation", {"factor": 0.1, "fill_mode": "edge"}, "fill_mode"),
    ("RandomRotation", {"factor": 0.1, "interpolation": "bicubic"}, "interpolation"),
    ("RandomRotation", {"factor": 0.1, "fill_value": nan}, "finite number"),
    ("RandomRotation", {"factor": 0.1, "mask_fill_value": "void"}, "mask_fill_value"),
    ("RandomRotation", {"factor": 0.1, "name": 7}, "name"),
    ("Resizing", {"height": 0, "width": 5}, "height must be a whole number between 1 and 32767"),
    ("Resizing", {"height": 5, "width": 40_000}, "width must be a whole number"),
    ("Resizing", {"height": 5.5, "width": 5}, "height must be a whole number"),
    ("Resizing", {"height": "5", "width": 5}, "height must be a whole number"),
    ("Resizing", {"height": True, "width": 5}, "height must be a whole number"),
    ("Resizing", {"height": 5, "width": 5, "crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "not both"),
    ("Resizing", {"height": 5, "width": 5, "fill_mode": "reflect"}, "fill_mode"),
    ("CenterCrop", {"height": (5, 5), "width": 5}, "height must be a whole number"),
    ("RandomCrop", {"height": -3, "width": 5}, "height must be a whole number"),
    ("RandomResizedCrop", {"height": 5, "width": 5, "scale": (0.5, 1.5)}, "scale must be"),
    ("RandomResizedCrop", {"height": 5, "width": 5, "ratio": (2, 1)}, "low <= high"),
    ("RandomResizedCrop", {"height": 5, "width": 5, "scale": 0.5}, "scale"),
    ("ResizeShortestEdge", {"size": 5, "max_size": 0}, "max_size must be a whole number"),
    ("RandomGaussianBlur", {"kernel_size": 4}, "kernel_size must be an odd whole number between 1 and 101, or 0"),
    ("RandomMedianBlur", {"size": 6}, "size must be an odd whole number between 3 and 7"),
    ("RandomErasing", {"fill_value": nan}, "finite number"),
    # values
    ("Rescaling", {"scale": 0}, "scale must not be 0"),
    ("Rescaling", {"scale": nan}, "finite"),
    ("Rescaling", {"scale": "1/255"}, "scale"),
    ("Rescaling", {"scale": []}, "scale"),
    ("Rescaling", {"scale": True}, "scale"),
    ("Rescaling", {"scale": None}, "scale"),
    ("Normalize", {"std": 0}, "std must be above 0"),
    ("Normalize", {"mean": (0.1, nan, 0.2)}, "finite"),
    ("Normalize", {"mean": "imagenet"}, "mean"),
    # lists
    ("Sequential", {"transforms": 3}, "must be a list of transforms"),
    ("Sequential", {"transforms": "RandomFlip"}, "must be a list of transforms"),
    ("Sequential", {"transforms": [al.RandomFlip]}, "the class itself"),
    ("Sequential", {"transforms": [np.flip]}, "Write al.Map(function)"),
    ("Sequential", {"transforms": [3]}, "must hold augline transforms; number 0"),
    ("Sequential", {"transforms": [al.RandomFlip(name="a"), al.RandomFlip(name="a")]}, "two transforms of one name"),
    ("Sequential", {"transforms": [al.RandomFlip(), al.RandomFlip(name="RandomFlip")]}, "two transforms of one name"),
    ("Sequential", {"transforms": [al.RandomFlip(name="RandomFlip#2"), *[al.RandomFlip()] * 2]}, "of one name"),
    ("OneOf", {"transforms": []}, "something to choose from"),
    ("OneOf", {"transforms": [al.RandomFlip()], "weights": [1, 2]}, "weights must be one number"),
    ("OneOf", {"transforms": [al.RandomFlip()], "weights": [-1]}, "weights"),
    ("OneOf", {"transforms": [al.RandomFlip()], "weights": [nan]}, "weights"),
    ("OneOf", {"transforms": [al.RandomFlip()], "weights": [0]}, "weights"),
    ("OneOf", {"transforms": [al.RandomFlip()], "weights": "heavy"}, "weights"),
    ("SomeOf", {"transforms": [al.RandomFlip()], "n": 2}, "n must not be more"),
    ("SomeOf", {"transforms": [al.RandomFlip()], "n": (1, 0)}, "low <= high"),
    ("SomeOf", {"transforms": [al.RandomFlip()], "n": 0.5}, "n"),
]


@pytest.mark.parametrize(("name", "arguments", "words"), BAD, ids=[f"{n}-{k}" for k, (n, *_) in enumerate(BAD)])
def test_bad_arguments_are_refused_in_one_form(name: str, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        TRANSFORMS[name](**arguments)
    message = str(caught.value)
    assert words in message, message
    assert message.startswith(f"{name}("), message
    assert FORM.match(message), message
    assert "\n" not in message
    assert isinstance(caught.value, ValueError)


def test_positional_arguments_are_named_in_errors() -> None:
    with pytest.raises(ArgumentError, match=r"RandomTranslation\(0\.1, 7\): width_factor must be"):
        al.RandomTranslation(0.1, 7)
    with pytest.raises(ArgumentError, match=r"there is no argument"):
        al.RandomFlip("horizontal", 0.3, 0.4)  # type: ignore[call-arg, misc]


def test_numbers_of_other_kinds_are_taken() -> None:
    assert al.Resizing(np.int64(5), np.int32(6)) == al.Resizing(5, 6)
    assert al.Resizing(5.0, 6) == al.Resizing(5, 6)
    assert al.RandomRotation([-0.1, 0.1]) == al.RandomRotation((-0.1, 0.1))
    assert al.RandomRotation(factor=0.1) == al.RandomRotation(0.1)
    assert al.RandomZoom(0.1, None) == al.RandomZoom(0.1)
    assert al.Normalize([0.1, 0.2, 0.3], np.asarray([1.0, 2.0, 3.0])) == al.Normalize((0.1, 0.2, 0.3), (1.0, 2.0, 3.0))
    assert al.RandomRotation(np.float64(0.1)) == al.RandomRotation(0.1)
    assert al.RandomRotation((np.float32(0.25), np.float32(0.5))) == al.RandomRotation((0.25, 0.5))


MISFITS = [
    ([al.Normalize((0.1, 0.2), 1.0)], 3, "one per channel"),
    ([al.Rescaling((1.0, 2.0))], 3, "one per channel"),
    ([al.RandomHue(0.2)], 7, "colours need images"),
    ([al.RandomGrayscale()], 2, "colours need images"),
    ([al.ColorJitter(0.2, 0.2, 0.2)], 5, "colours need images"),
    ([al.PhotometricDistort()], 2, "colours need images"),
    ([al.Rescaling(1 / 255, p=0.5)], 3, "every sample"),
    ([al.OneOf([al.Rescaling(1 / 255), al.RandomFlip()])], 3, "every sample"),
    ([al.RandomBrightness(0.2, value_range=(0, 1))], 3, "value_range must be the range"),
]


@pytest.mark.parametrize(("transforms", "channels", "words"), MISFITS, ids=lambda value: str(value)[:50])
def test_what_does_not_fit_the_images_is_refused(transforms: Any, channels: int, words: str) -> None:
    with pytest.raises(ArgumentError, match=words) as caught:
        al.augment(smooth(9, 11, channels)[None], transforms)
    assert re.match(r"^.+: .+\. Received .+\. .+\.$", str(caught.value))


def test_value_range_that_fits_is_taken() -> None:
    image = smooth(9, 11)[None]
    al.augment(image, [al.RandomBrightness(0.2, value_range=(0, 255)), al.Rescaling(1 / 255),
                       al.RandomContrast(0.2, value_range=(0, 1))])  # fmt: skip


def test_labels_number_the_second_of_a_kind() -> None:
    flips = [al.RandomFlip(), al.RandomFlip(), al.RandomHue(0.1, name="hue"), al.RandomFlip()]
    assert labels(flips) == ["RandomFlip", "RandomFlip#2", "hue", "RandomFlip#3"]


def test_evaluation_keeps_what_is_not_random() -> None:
    fixed = [al.Resizing(8, 9), al.CenterCrop(8, 9), al.Transpose(), al.Rescaling(1.0), al.Normalize()]
    assert [item.evaluation() for item in fixed] == fixed
    random = [
        al.RandomFlip(),
        al.RandomRotation(0.1),
        al.RandomHue(0.1),
        al.Transpose(p=0.5),
        al.OneOf([al.Transpose()]),
    ]
    assert [item.evaluation() for item in random] == [None] * len(random)
    assert al.RandomCrop(8, 9).evaluation() == al.Resizing(8, 9, crop_to_aspect_ratio=True)
    assert al.RandomResizedCrop(8, 9).evaluation() == al.Resizing(8, 9, crop_to_aspect_ratio=True)
    both = al.Sequential([al.RandomFlip(), al.Resizing(8, 9)])
    assert both.evaluation() == al.Sequential([al.Resizing(8, 9)])


def classes() -> list[tuple[str, ast.ClassDef]]:
    folder = Path(augline.__file__).parent / "transforms"
    trees = [(path.name, ast.parse(path.read_text())) for path in sorted(folder.glob("*.py"))]
    return [(name, node) for name, tree in trees for node in tree.body if isinstance(node, ast.ClassDef)]


def code_lines(node: ast.AST) -> int:
    """Lines of code of a class or function, its docstrings left out."""
    lines = {n.lineno for n in ast.walk(node) if isinstance(n, (ast.stmt, ast.expr))}
    lines |= {n.end_lineno for n in ast.walk(node) if isinstance(n, ast.stmt)}  # type: ignore[misc]
    for inner in ast.walk(node):
        if isinstance(inner, (ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(inner) is not None:
            text = inner.body[0]
            lines -= set(range(text.lineno, (text.end_lineno or 0) + 1))
    return len(lines)


@pytest.mark.parametrize(("file", "node"), classes(), ids=lambda value: getattr(value, "name", value))
def test_a_transform_is_short_and_has_no_loop_over_samples(file: str, node: ast.ClassDef) -> None:
    assert code_lines(node) <= 45, "augmax needs 23 lines for a rotation, albumentations 218"
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and method.name in ("sample", "lower"):
            assert code_lines(method) <= 24
            assert not any(isinstance(inner, (ast.For, ast.While)) for inner in ast.walk(method))
            assert not any(isinstance(i, ast.Name) and i.id in ("np", "cv2", "engines") for i in ast.walk(method))


def modules() -> list[str]:
    found = pkgutil.walk_packages(augline.__path__, "augline.")
    return sorted(m.name for m in found if "__main__" not in m.name)


@pytest.mark.parametrize("name", modules())
def test_documentation_examples_run(name: str) -> None:
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        pytest.skip(str(error))
    found = doctest.DocTestFinder(exclude_empty=True).find(module, name)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    for test in found:
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0


OUTSIDE = {"fill_mode": "constant"}


@pytest.mark.parametrize(("dtype", "top"), [("uint8", 255), ("uint16", 65535), ("float32", 1.0)])
def test_a_filling_is_a_value_of_the_images_or_grey(dtype: str, top: float) -> None:
    images = np.full((1, 20, 30, 3), top, dtype)
    colour = (0.2 * top, 0.0, top)
    for item in (al.LetterBox(20, 50), al.LetterBox(20, 50, colour), al.Padding(20, 50, fill_value=colour)):
        seen = np.unique(al.augment(images, [item])[0, :, :8].reshape(-1, 3) / top, axis=0)
        want = [114 / 255] * 3 if item.fill_value is None else [0.2, 0, 1]
        assert np.allclose(seen, [want], atol=1e-5 if top == 1 else 0.5 / top)
    for item in (al.RandomRotation(0.1, fill_value=1.5 * top, **OUTSIDE), al.CoarseDropout(fill_value=-1)):
        with pytest.raises(ArgumentError, match="fill_value must be a pixel value of the images here, which range fro"):
            al.augment(images, [item])
    mean = al.augment(images, [al.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)), al.Padding(30, 30, fill_value=-1.0)])
    assert mean[0, 0].min() == mean[0, 0].max() == -1


@pytest.mark.parametrize(
    "item",
    [
        al.RandomErasing(fill_value=(1, 2)), al.CoarseDropout(fill_value=(1, 2, 3, 4)),
        al.RandomShear(0.1, fill_value=(1, 2), **OUTSIDE),
    ],
)  # fmt: skip
def test_a_paint_has_as_many_values_as_images_have_channels(item: Transform) -> None:
    with pytest.raises(ArgumentError, match="one number, or one per channel"):
        al.augment(np.zeros((1, 8, 8, 3), np.uint8), [item])

"""What `translate` takes, refuses and prints, whatever library things come from."""

from __future__ import annotations

import pytest

import augline as al
from augline.translate.translation import Given, span, unknown

FLIP = {"__class_fullname__": "HorizontalFlip", "p": 0.5}


def test_a_translation_goes_wherever_a_list_goes() -> None:
    made = al.translate({"transform": FLIP})
    assert list(made) == [al.RandomFlip("horizontal")]
    assert len(made) == 1
    assert al.Sequential(made).transforms == made.transforms
    assert al.translate(made).transforms == made.transforms


def test_lists_may_be_mixed_with_our_own() -> None:
    made = al.translate([al.RandomRotation(0.1), FLIP, [FLIP]])
    assert made.transforms == (al.RandomRotation(0.1), al.RandomFlip("horizontal"), al.RandomFlip("horizontal"))


def test_it_prints_the_list_and_the_differences() -> None:
    gamma = {"__class_fullname__": "RandomGamma", "p": 1.0, "gamma_limit": [80.0, 120.0]}
    text = str(al.translate([FLIP, gamma, gamma]))
    assert text.splitlines()[:4] == ["[", "    RandomFlip(mode='horizontal'),", "    RandomGamma(gamma=(0.8, 1.2)),",
                                     "    RandomGamma(gamma=(0.8, 1.2)),"]  # fmt: skip
    assert text.count("theirs: gamma is drawn evenly") == 1
    assert "ours:   its logarithm is" in text
    assert "No difference in meaning is known." in str(al.translate(FLIP))


def test_lists_in_lists_are_printed_line_by_line() -> None:
    inner = {"__class_fullname__": "Affine", "p": 0.5, "scale": {"x": [1, 1], "y": [1, 1]}, "border_mode": 4,
             "shear": {"x": [-5, 5], "y": [-5, 5]}, "rotate": [-9, 9], "fill": 0, "fill_mask": 0}  # fmt: skip
    lines = str(al.translate(inner)).splitlines()
    assert lines[1] == "    Sequential(["
    assert lines[2] == "        RandomAffine(degrees=9.0, fill_mode='mirror'),"
    assert "    ], p=0.5)," in lines


@pytest.mark.parametrize(
    ("name", "near"),
    [("Blur", "RandomGaussianBlur"), ("Posterise", "RandomPosterization"), ("RandomScale", "ScaleJitter")],
)
def test_what_is_unknown_is_refused_with_the_nearest_name(name: str, near: str) -> None:
    with pytest.raises(al.ArgumentError, match=rf"translate\({name}\): .* nearest in augline is {near};"):
        al.translate({"__class_fullname__": name, "p": 1.0})
    assert "Nothing in augline comes near it" in str(unknown(Given("Keras", "Dense", {})))


@pytest.mark.parametrize("x", [5, None, object(), "no_such_file.json", {"a": 1}, "{broken", "- a list\n- of text"])
def test_other_things_are_refused(x: object) -> None:
    with pytest.raises(al.ArgumentError, match=r"translate\(.*\): .*\. Received .*\. \w+ .*\."):
        al.translate(x)


def test_missing_arguments_are_named() -> None:
    with pytest.raises(al.ArgumentError, match="must have the argument gamma_limit"):
        al.translate({"__class_fullname__": "RandomGamma", "p": 1.0})


def test_names_that_clash_are_refused() -> None:
    twice = [al.RandomFlip(name="a"), al.RandomRotation(0.1, name="a")]
    with pytest.raises(al.ArgumentError, match="two transforms of one name"):
        al.translate(twice)


def test_spans_become_single_numbers_where_those_mean_the_same() -> None:
    assert span(-0.2, 0.2, "symmetric") == 0.2
    assert span(0.0, 0.2, "from 0") == 0.2
    assert span(0.1, 0.1, "symmetric") == (0.1, 0.1)
    assert span(-0.2, 0.3, "symmetric") == (-0.2, 0.3)


def test_what_is_printed_is_the_list() -> None:
    turns = [al.RandomRotation(0.05, fill_mode="nearest", interpolation="nearest"), al.RandomZoom((-0.1, 0.2))]
    items = (
        al.OneOf([*turns, al.RandomShear(0.2)], weights=(1, 2, 3), p=0.3),
        al.SomeOf([*turns, al.RandomFlip()], 2, p=0.4),
        al.Sequential([*turns, al.OneOf([*turns, al.RandomFlip()], weights=(1, 1, 0))], p=0.25, name="turned"),
    )
    printed = repr(al.Translation(items, [])).partition("\n\n")[0]
    assert max(map(len, printed.splitlines())) < 120
    assert tuple(eval(printed, dict(vars(al)))) == items

"""Names of other libraries, and habits that come with them."""

from __future__ import annotations

import numpy as np
import pytest

import augline as al
from augline.names import NAMES

SOURCE = al.Arrays(np.zeros((2, 8, 8, 3), "uint8"))
NEEDS_FILES = ("image_dataset_from_directory",)
EVERY = [(name, ours) for names in NAMES.values() for name, ours in names.items() if name not in NEEDS_FILES]


def test_what_stands_for_a_name_can_be_made() -> None:
    for name, ours in EVERY:
        assert name not in dir(al)
        assert eval(ours, {"al": al, "function": np.negative}) is not None, name


def test_a_name_of_another_library_is_told_what_it_is_called_here() -> None:
    with pytest.raises(AttributeError, match=r"Albumentations calls HorizontalFlip is here al.RandomFlip"):
        _ = al.HorizontalFlip  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match=r"no attribute 'Nowhere'$"):
        _ = al.Nowhere  # type: ignore[attr-defined]


class Traced:
    """What a tensor of a function that is being traced does."""

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        raise NotImplementedError("Cannot convert a symbolic tf.Tensor to a numpy array.")


@pytest.mark.parametrize(
    ("habit", "told"),
    [
        (
            lambda: al.Folder("photos", class_mode="binary"),
            r"^Folder\(class_mode=...\): .*It is label_mode",
        ),
        (lambda: al.Pipeline(SOURCE, image_size=(8, 8)), r"Received image_size=\(8, 8\). Write size=\(height, width\)"),
        (lambda: al.Pipeline(SOURCE, num_workers=2), "It is workers here"),
        (lambda: al.Arrays(SOURCE.images, y=np.arange(2)), r"Received y=ndarray of shape \(2,\). It is labels here"),
        (lambda: al.RandomFlip()(np.zeros((1, 8, 8, 3), "uint8")), r"Write al.augment\(images, \[RandomFlip\(\)\]\)"),
        (lambda: al.augment(Traced(), [al.RandomFlip()]), r"Received Traced.*al.to_dataset\(dataset, augment="),
        (lambda: al.RandomRotation(20), r"share of a full turn; 20 degrees are 20 / 360"),
        (lambda: al.RandomTranslation(10, 10), "share of the image's side"),
        (lambda: al.RandomBrightness((0.8, 1.2)), "ColorJitter multiplies"),
        (lambda: al.RandomRotation(0.1, cval=3), "It is fill_value here"),  # type: ignore[call-arg]
        (lambda: al.Sequential([[al.RandomFlip()]]), r"Write al.Sequential\(\[...\]\)"),  # type: ignore[list-item]
        (lambda: al.Sequential([al.RandomFlip(), None]), "number 1 .*Leave it out"),  # type: ignore[list-item]
        (lambda: al.Map(al.RandomFlip()), "must be a function"),
        (
            lambda: al.Pipeline(np.zeros((2, 8, 8, 3), "uint8"), []),
            r"Received source=ndarray of shape \(2, 8, 8, 3\). Write al.Arrays",
        ),  # type: ignore[arg-type]
    ],
)
def test_a_habit_is_told_what_to_write(habit: object, told: str) -> None:
    assert callable(habit)
    with pytest.raises(al.ArgumentError, match=told):
        habit()

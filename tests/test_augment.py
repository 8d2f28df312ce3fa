from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

import augline as al
from pictures import SIZES, smooth

LIST = [al.RandomFlip(), al.RandomRotation(0.1), al.RandomContrast(0.2)]


def images(count: int = 5, dtype: str = "uint8", channels: int = 3) -> np.ndarray:
    return np.stack([smooth(24, 36, channels, dtype, seed) for seed in range(count)])


def test_images_alone_come_back_alone():
    out = al.augment(images(), LIST, seed=3)
    assert isinstance(out, np.ndarray)
    assert (out.shape, out.dtype) == ((5, 24, 36, 3), np.uint8)


def test_it_is_what_a_pipeline_does():
    pipe = al.Pipeline(al.Arrays(images()), LIST, shuffle=False, seed=3)
    assert_array_equal(pipe.batch(2, 0), al.augment(images(), LIST, seed=3, epoch=2))


def test_ids_say_which_sample_it_is():
    whole = al.augment(images(), LIST, seed=3)
    part = al.augment(images()[[4, 1]], LIST, seed=3, ids=[4, 1])
    assert_array_equal(part, whole[[4, 1]])


def test_seed_and_epoch_change_it_and_nothing_else_does():
    base = al.augment(images(), LIST, seed=3, epoch=1)
    assert_array_equal(base, al.augment(images(), LIST, seed=3, epoch=1))
    assert not np.array_equal(base, al.augment(images(), LIST, seed=4, epoch=1))
    assert not np.array_equal(base, al.augment(images(), LIST, seed=3, epoch=2))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
def test_types_and_channels(dtype, channels):
    given = images(3, dtype, channels)
    copy = given.copy()
    out = al.augment(given, LIST, seed=1)
    assert (out.shape, out.dtype) == (given.shape, given.dtype)
    assert_array_equal(given, copy)
    assert_array_equal(al.augment(given, []), given)


def test_a_list_of_sizes_comes_back_as_one_or_as_one_array_if_resized():
    given = [smooth(*size) for size in SIZES]
    out = al.augment(given, LIST)
    assert [image.shape[:2] for image in out] == list(SIZES)
    assert al.augment(given, [*LIST, al.Resizing(20, 30)]).shape == (3, 20, 30, 3)


def test_what_is_given_along_comes_back_by_name():
    masks = [np.zeros(size, np.int32) for size in SIZES]
    out = al.augment(
        [smooth(*size) for size in SIZES], LIST, masks=masks, boxes=[[]] * 3, keypoints=[[]] * 3, labels=[4, 5, 6]
    )
    assert {*out} == {"images", "masks", "boxes", "keypoints", "labels"}
    assert [mask.shape for mask in out["masks"]] == list(SIZES)
    assert [rows.shape for rows in out["boxes"]] == [(0, 4)] * 3
    assert [len(rows) for rows in out["keypoints"]] == [0, 0, 0]
    assert out["labels"] == [4, 5, 6]


def test_masks_keep_their_rank():
    for shape in ((5, 24, 36), (5, 24, 36, 1), (5, 24, 36, 2)):
        assert al.augment(images(), LIST, masks=np.zeros(shape, np.uint8))["masks"].shape == shape


def test_a_value_range_of_ones_own():
    given = images(2, "float32") * 2 - 1
    out = al.augment(given, [al.RandomInvert((1, 1))], value_range=(-1.0, 1.0))
    np.testing.assert_allclose(out, -given, atol=1e-6)


def test_the_values_of_the_last_of_many_images_are_looked_at_too():
    many = np.zeros((500, 2, 2, 1), np.float32)
    many[-1] = 9
    for make in (lambda: al.augment(many, LIST), lambda: al.Arrays(many)):
        with pytest.raises(al.ArgumentError, match="values from 0 to 9"):
            make()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.zeros((24, 36, 3), np.uint8), "at least one"),
        (np.zeros((2, 24, 36), np.uint8), "at least one"),
        (np.zeros((0, 24, 36, 3), np.uint8), "at least one"),
        ([], "at least one"),
        (np.zeros((2, 0, 36, 3), np.uint8), "with pixels"),
        (np.zeros((2, 24, 36, 3)), "uint8, uint16 or float32"),
        (np.zeros((2, 24, 36, 3), np.int32), "uint8, uint16 or float32"),
        ([np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5, 1), np.uint8)], "one type and number of channels"),
        ([np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5, 3), np.uint16)], "one type and number of channels"),
    ],
)
def test_images_that_cannot_be_taken(given, words):
    with pytest.raises(al.ArgumentError, match=words):
        al.augment(given, LIST)


@pytest.mark.parametrize("name", ["masks", "boxes", "keypoints", "labels", "ids"])
def test_one_entry_per_image(name):
    with pytest.raises(al.ArgumentError, match=f"augment: {name} must be as long as the images"):
        al.augment(images(), LIST, **{name: [0, 1]})


def test_ids_are_whole_numbers():
    with pytest.raises(al.ArgumentError, match="ids must be integers"):
        al.augment(images(2), LIST, ids=[0.5, 0.7])


def test_a_list_that_is_none():
    for wrong in (al.RandomFlip(), [al.RandomFlip], "flip", None):
        with pytest.raises(al.ArgumentError, match="transforms"):
            al.augment(images(), wrong)


def test_keras_boxes_are_two_arguments():
    with pytest.raises(al.ArgumentError, match=r"Received a dict of 'boxes', 'labels'\. Pass its"):
        al.augment(images(2), LIST, boxes={"boxes": [[[1, 1, 4, 4]]] * 2, "labels": [[1]] * 2})


def test_a_bounding_box_format_that_is_none():
    with pytest.raises(al.ArgumentError, match="bounding_box_format"):
        al.augment(images(1), LIST, boxes=[[[0, 0, 4, 4]]], bounding_box_format="coco")


def test_a_list_may_hold_whatever_is_an_array():
    given = images(2)
    pictures = [Image.fromarray(image) for image in given]
    assert_array_equal(al.augment(pictures, LIST), al.augment(given, LIST))
    assert_array_equal(al.trace(pictures, LIST).images, al.augment(given, LIST))
    with pytest.raises(al.ArgumentError, match="Received int64"):
        al.augment(given.tolist(), LIST)

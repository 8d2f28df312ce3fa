"""`to_dataset(augment=...)`: what its elements may be, and what is refused because it would go wrong without a word."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from augline import ArgumentError, RandomBrightness, RandomFlip, RandomRotation, SourceError, augment
from augline.convert import to_dataset

LIST = [RandomFlip("horizontal"), RandomRotation(0.1)]
IMAGES = np.random.default_rng(0).integers(0, 255, (6, 16, 20, 3), dtype=np.uint8)
MASKS = np.random.default_rng(1).integers(0, 5, (6, 16, 20), dtype=np.uint8)


def samples(*parts, keys=None):
    """A generator function over samples of these arrays."""
    return lambda: iter(
        [dict(zip(keys, sample, strict=True)) if keys else sample for sample in zip(*parts, strict=True)]
    )


def test_an_image_and_its_mask_are_a_sample_although_they_are_equally_long():
    source = samples(IMAGES, MASKS, keys=("images", "segmentation_masks"))
    wanted = augment(IMAGES, LIST, seed=3, masks=MASKS)
    for given in ({}, {"batch_size": 6}):
        dataset = to_dataset(source, augment=LIST, seed=3, **given)
        found = next((dataset if given else dataset.batch(6)).as_numpy_iterator())
        np.testing.assert_array_equal(found["images"], wanted["images"])
        np.testing.assert_array_equal(found["segmentation_masks"], wanted["masks"])


@pytest.mark.parametrize("batch_size", [None, 3])
@pytest.mark.parametrize("beside", [MASKS, IMAGES[..., :1] / np.float32(255)])
def test_what_is_as_large_as_images_that_move_is_refused(beside, batch_size):
    for keys, path in ((None, r"element\[1\]"), (("images", "depth"), r"element\['depth'\]")):
        source = samples(IMAGES, beside, keys=keys)
        with pytest.raises(SourceError, match=rf"element 0 with {path} of shape \[16, 20.*segmentation_masks"):
            to_dataset(source, augment=LIST, batch_size=batch_size)
        to_dataset(source, augment=[RandomBrightness(0.1)], batch_size=batch_size)  # nothing moves
    with pytest.raises(SourceError, match=r"element\[1\] of shape \[6, 16, 20"):
        to_dataset([(IMAGES, beside)], augment=LIST)


@pytest.mark.parametrize("given", [{}, {"batch_size": 6}])
def test_what_stands_beside_images_in_a_dict_and_behind_it_is_carried_along(given):
    """As models of several inputs take it."""
    parts = [{"images": image, "segmentation_masks": mask, "meta": np.float32([number, -number])}
             for number, (image, mask) in enumerate(zip(IMAGES, MASKS, strict=True))]  # fmt: skip
    dataset = to_dataset([(part, np.int64(7 + k)) for k, part in enumerate(parts)], augment=LIST, seed=3, **given)
    inputs, labels = next((dataset if given else dataset.batch(6)).as_numpy_iterator())
    wanted = augment(IMAGES, LIST, seed=3, masks=MASKS)
    np.testing.assert_array_equal(inputs["images"], wanted["images"])
    np.testing.assert_array_equal(inputs["segmentation_masks"], wanted["masks"])
    assert inputs["meta"].tolist() == [[k, -k] for k in range(6)]
    assert labels.tolist() == [*range(7, 13)]
    for odd, path in (
        ({"images": IMAGES, "depth": MASKS}, r"element\[0\]\['depth'\]"),
        ({"images": IMAGES}, r"element\[1\]"),
    ):
        with pytest.raises(SourceError, match=rf"with {path} of shape \[6, 16, 20"):
            to_dataset([({"images": IMAGES, **odd}, MASKS)], augment=LIST)


def test_labels_of_any_shape_are_none_of_that():
    labels = np.zeros((6, 16)), np.zeros((6, 16, 16)), np.zeros((6, 20))
    for label in labels:
        to_dataset(samples(IMAGES, label), augment=LIST, batch_size=2)


def test_float_images_are_held_against_their_range():
    dark, bright = np.zeros((4, 8, 8, 3), np.float32), IMAGES[:4].astype(np.float32)
    with pytest.raises(ArgumentError, match=r"Received values from -1 to 1. Pass value_range=\(-1, 1\)"):
        to_dataset([bright / bright.max() * 2 - 1], augment=LIST)
    dataset = to_dataset([dark, bright[:, :8, :8]], augment=LIST)  # the first batch would tell nothing
    with pytest.raises(Exception, match=r"Received values from 0 to 25\d. Pass value_range=\(0, 255\)"):
        list(dataset)
    assert len(list(to_dataset([bright], augment=LIST, value_range=(0, 255)))) == 1


def test_boxes_that_are_no_dict_are_refused():
    element = {"images": IMAGES, "bounding_boxes": np.zeros((6, 2, 4))}
    with pytest.raises(SourceError, match=r"bounding_boxes of ndarray; augment= needs Keras's \{'boxes'"):
        to_dataset([element], augment=LIST)


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (IMAGES[1, :9], r"to_dataset\(augment=...\): images of a batch must come out in one size. .*End the list with"),
        (IMAGES[1, ..., :1], r"to_dataset\(augment=...\): all images must be \(height, width, 3\). .*\[16, 20, 1\]"),
    ],
)
def test_images_that_fit_into_no_batch_are_refused_by_what_is_wrong(second, why):
    with pytest.raises(Exception, match=why):
        list(to_dataset(lambda: iter([IMAGES[0], second]), augment=LIST, batch_size=2))

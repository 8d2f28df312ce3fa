"""Test-time augmentation: a model that does not care how an image is turned says the same as without."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import augline as al
from augline.tta import fused_boxes
from pictures import smooth

EXACT = [al.RandomFlip(), al.D4()]
IMAGES = np.stack([smooth(24, 36, 3, "uint8", k) for k in range(3)])
UNEQUAL = np.stack([smooth(24, 36, 3, "float32", k) for k in range(3)])  # with one brightest pixel


def brightest(images: Any) -> list[Any]:
    """A detector: one box of 5 x 5 around the brightest pixel, its score, and a class."""
    found = []
    for image in images:
        y, x = np.unravel_index(np.argmax(image[..., 0]), image.shape[:2])
        found.append([[x - 2, y - 2, x + 3, y + 3, image[y, x, 0], 4.0]])
    return found


def test_masks() -> None:
    def model(images: Any) -> Any:
        return [image.astype(np.float32) / 255 for image in images]

    plain = np.stack(model(IMAGES))
    for merge in ("mean", "median", "max"):
        merged = al.tta(model, IMAGES, EXACT, kind="masks", merge=merge, seed=3)
        assert merged.dtype == np.float32
        assert np.abs(merged - plain).max() < 1e-6
    turned = al.tta(model, IMAGES, [al.RandomRotation(0.1), al.RandomElasticTransform()], kind="masks", views=6)
    assert np.abs(turned - plain).mean() < 0.02


def test_labels_per_pixel_are_voted_on() -> None:
    def model(images: Any) -> Any:
        return np.stack([(image[..., 0] > 127).astype(np.int16) for image in images])

    merged = al.tta(model, IMAGES, [al.RandomFlip()], kind="masks", views=5)
    assert merged.dtype == np.int16
    assert np.array_equal(merged, model(IMAGES))
    calls = iter([3, 5, 5, 8])
    voted = al.tta(lambda images: np.full(images.shape[:3], next(calls)), IMAGES, [al.RandomFlip()], kind="masks")
    assert (voted == 5).all()


def test_views_count_only_where_they_saw() -> None:
    """The first view sees all and says 2; the others see a part, and say 1."""
    calls = []

    def model(images: Any) -> Any:
        calls.append(images)
        return np.full(images.shape[:3], 2.0 - (len(calls) > 1), np.float32)

    shift = al.RandomTranslation((0, 0), (0.5, 0.5), fill_mode="constant")
    merged = al.tta(model, IMAGES, [shift], kind="masks", views=3)
    assert np.allclose(merged[:, :, :18], 4 / 3)
    assert (merged[:, :, 18:] == 2).all()
    assert np.array_equal(calls[0], IMAGES)
    crop = al.tta(lambda images: np.ones(images.shape[:3], np.float32), IMAGES, [al.CenterCrop(8, 8)], kind="masks",
                  fill=-1)  # fmt: skip
    assert (crop == 1).sum() == 3 * 64
    assert (crop == -1).sum() == 3 * (24 * 36 - 64)


def test_no_view_saw_what_is_filled_with_a_value_of_the_predictions() -> None:
    with pytest.raises(al.ArgumentError, match=r"tta\(kind='masks', fill=-1\): fill must be one of the pred.*uint8"):
        al.tta(lambda images: images[..., 0], IMAGES, [al.CenterCrop(8, 8)], kind="masks", fill=-1)


def test_views_are_those_of_evaluation_and_of_the_epochs() -> None:
    seen: list[Any] = []
    work = [al.Resizing(20, 20), al.RandomRotation(0.2), al.Rescaling(1 / 255)]
    al.tta(lambda images: (seen.append(images), np.zeros(3))[1], IMAGES, work, views=3, seed=9)
    assert np.array_equal(seen[0], al.augment(IMAGES, work[::2]))
    for epoch in (1, 2):
        assert np.array_equal(seen[epoch], al.augment(IMAGES, work, seed=9, epoch=epoch))


def test_labels_and_points_and_boxes() -> None:
    def means(images: Any) -> Any:
        return np.stack([image.mean(axis=(0, 1)) for image in images])

    def points(images: Any) -> Any:
        return [[[(row[0] + row[2] - 1) / 2, (row[1] + row[3] - 1) / 2, row[4]]] for (row,) in brightest(images)]

    assert np.allclose(al.tta(means, IMAGES, EXACT), means(IMAGES))
    for merge in ("mean", "median"):
        merged = al.tta(points, UNEQUAL, EXACT, kind="points", merge=merge, views=5)
        assert np.allclose(np.stack(merged), np.asarray(points(UNEQUAL)), atol=1e-4)
    found = al.tta(brightest, UNEQUAL, EXACT, kind="boxes", views=5)
    wanted = np.asarray(brightest(UNEQUAL))
    wanted[..., :4] = np.clip(wanted[..., :4], 0, [36, 24, 36, 24])
    assert [rows.shape for rows in found] == [(1, 6)] * 3
    assert np.allclose(np.stack(found), wanted, atol=1e-4)


def test_boxes_that_overlap_become_one_and_few_votes_count_little() -> None:
    one = np.asarray([[0, 0, 10, 10, 0.9, 1], [30, 30, 40, 40, 0.6, 1.0]])
    two = np.asarray([[1, 0, 11, 10, 0.3, 1], [0, 0, 10, 10, 0.8, 2.0]])
    fused = fused_boxes([one, two], "xyxy", 50, 50)
    assert np.allclose(fused[:, 4], [0.6, 0.4, 0.3])
    assert np.allclose(fused[0, :4], [0.25, 0, 10.25, 10])
    assert fused[:, 5].tolist() == [1, 2, 1]
    assert fused_boxes([np.zeros((0, 6))] * 3, "xyxy", 5, 5).shape == (0, 6)
    flat = np.asarray([[2, 0, 9, 0, 0.9, 1], [9, 5, 9, 8, 0.8, 1], [2, 3, 4, 5, 0.7, 1.0]])  # two lie in the border
    assert fused_boxes([flat, flat], "xyxy", 50, 50).tolist() == [[2, 3, 4, 5, np.float32(0.7), 1]]
    shares = fused_boxes([np.asarray([[0.1, 0.2, 0.5, 0.6, 1, 0]])], "rel_yxyx", 50, 80)
    assert np.allclose(shares, [[0.1, 0.2, 0.5, 0.6, 1, 0]])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kind": "pixels"}, "kind must be one of"),
        ({"merge": "vote"}, "merge must be one of 'mean', 'median', 'max'"),
        ({"views": 0}, "views must be a whole number from 1"),
        ({"kind": "boxes"}, r"an array \(n, 6\) per image"),
        ({"kind": "masks", "merge": "vote"}, "labels are voted on, and numbers averaged"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(al.ArgumentError, match=words):
        al.tta(lambda images: images.astype(np.float32), IMAGES, [al.RandomFlip()], **arguments)


def test_labels_are_one_row_per_image():
    with pytest.raises(al.ArgumentError, match=r"one row per image. Received an array of shape \(1, 3\) for 2 images"):
        al.tta(lambda images: images.mean(axis=(1, 2))[:1], np.zeros((2, 8, 8, 3), np.uint8), [al.RandomFlip()])

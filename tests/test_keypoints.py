"""Keypoints: visibility, and left and right changing places in mirrored images."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import augline as al

HEIGHT, WIDTH = 40, 60
IMAGE = np.zeros((1, HEIGHT, WIDTH, 3), np.uint8)
FACE = np.array([[30, 12, 2], [20, 10, 2], [41, 11, 1], [24, 25, 2], [38, 26, 2]], np.float32)
SWAPS = [(1, 2), (3, 4)]  # nose, left eye, right eye, left corner of the mouth, right corner
OTHERS = [0, 2, 1, 4, 3]
X, Y = FACE[:, 0], FACE[:, 1]
LAST_X, LAST_Y = WIDTH - 1, HEIGHT - 1


def moved(transforms, **options):
    return al.augment(IMAGE, transforms, keypoints=[FACE], keypoint_swaps=SWAPS, **options)["keypoints"][0]


LEFT_RIGHT = al.RandomFlip("horizontal", p=1)
UP_DOWN = al.RandomFlip("vertical", p=1)
QUARTER = al.RandomRotation((0.25, 0.25), fill_mode="constant")


@pytest.mark.parametrize(
    ("transforms", "x", "y", "mirrored"),
    [
        ([LEFT_RIGHT], LAST_X - X, Y, True),
        ([UP_DOWN], X, LAST_Y - Y, True),
        ([al.Transpose()], Y, X, True),
        ([LEFT_RIGHT, UP_DOWN], LAST_X - X, LAST_Y - Y, False),
        ([al.RandomFlip("horizontal_and_vertical", p=1)], LAST_X - X, LAST_Y - Y, False),
        ([al.RandomRotate90(p=0), LEFT_RIGHT], LAST_X - X, Y, True),
        ([LEFT_RIGHT, al.Transpose()], Y, LAST_X - X, False),
        ([LEFT_RIGHT, al.Transpose(), UP_DOWN], Y, X, True),
        ([al.Resizing(80, 120)], 2 * X + 0.5, 2 * Y + 0.5, False),
        ([al.Resizing(80, 120), LEFT_RIGHT], 119 - (2 * X + 0.5), 2 * Y + 0.5, True),
        ([LEFT_RIGHT, al.RandomGaussianBlur(1.0, 3, 1.0), UP_DOWN], LAST_X - X, LAST_Y - Y, False),
        ([LEFT_RIGHT, al.RandomGaussianBlur(1.0, 3, 1.0), al.CenterCrop(40, 50)], LAST_X - X - 5, Y, True),
        # counter-clockwise about (29.5, 19.5)
        ([QUARTER], Y + 10, 49 - X, False),
        ([QUARTER, LEFT_RIGHT], LAST_X - (Y + 10), 49 - X, True),
    ],
)
def test_left_and_right_change_places_where_the_whole_geometry_mirrors(transforms, x, y, mirrored):
    wanted = np.stack([x, y], axis=1)[OTHERS if mirrored else range(5)]
    assert_allclose(moved(transforms)[:, :2], wanted, atol=1e-4)


@pytest.mark.parametrize("mirrored", [True, False])
def test_functions_of_your_own_mirror_too(mirrored):
    def turned(image):
        return image[:, ::-1] if mirrored else image[::-1, ::-1]

    def points(places, size):
        return np.asarray([size[1] - 1, 0 if mirrored else size[0] - 1]) + places * [-1, 1 if mirrored else -1]

    item = al.Map(turned, spatial=True, points=points)
    wanted = np.stack([LAST_X - X, Y if mirrored else LAST_Y - Y], axis=1)
    assert_allclose(moved([item])[:, :2], wanted[OTHERS if mirrored else range(5)], atol=1e-4)
    assert_allclose(moved([item, LEFT_RIGHT])[0, :2], [X[0], wanted[0, 1]], atol=1e-4)
    assert moved([item, LEFT_RIGHT])[2, 2] == (1 if mirrored else 2)


def test_visibility_goes_with_its_point():
    assert moved([LEFT_RIGHT])[:, 2].tolist() == [2, 1, 2, 2, 2]
    assert moved([])[:, 2].tolist() == [2, 2, 1, 2, 2]


def test_each_sample_by_its_own_draw():
    images = np.zeros((16, HEIGHT, WIDTH, 3), np.uint8)
    images[:, :, 0] = 255  # tells which ones were mirrored
    out = al.augment(images, [al.RandomFlip("horizontal")], keypoints=[FACE] * 16, keypoint_swaps=SWAPS, seed=3)
    mirrored = out["images"][:, 0, -1, 0] == 255
    assert 0 < mirrored.sum() < 16
    for points, flip in zip(out["keypoints"], mirrored, strict=True):
        wanted = np.column_stack([LAST_X - X, Y, FACE[:, 2]])[OTHERS] if flip else FACE
        assert_allclose(points, wanted)


def test_sources_hand_them_to_a_pipeline():
    images = np.repeat(IMAGE, 4, axis=0)
    source = al.Arrays(images, keypoints=np.stack([FACE] * 4), keypoint_swaps=SWAPS)
    for part in (source, source.select([2, 0, 1])):
        batch = al.Pipeline(part, [LEFT_RIGHT], batch_size=3, shuffle=False).batch(0, 0)
        assert_allclose(batch["keypoints"][1], np.column_stack([LAST_X - X, Y, FACE[:, 2]])[OTHERS])


def test_without_swaps_rows_stay_where_they_are():
    out = al.augment(IMAGE, [LEFT_RIGHT], keypoints=[FACE])["keypoints"][0]
    assert_array_equal(out, np.column_stack([LAST_X - X, Y, FACE[:, 2]]))


def test_images_without_points_are_no_trouble():
    images = np.repeat(IMAGE, 2, axis=0)
    out = al.augment(images, [LEFT_RIGHT], keypoints=[FACE, np.zeros((0, 3))], keypoint_swaps=SWAPS)["keypoints"]
    assert [row.shape for row in out] == [(5, 3), (0, 3)]


def test_points_that_leave_keep_a_place_and_lose_visibility():
    shift = al.RandomTranslation((0, 0), (-0.4, -0.4), fill_mode="constant")  # by 24 pixels
    out = moved([shift])
    assert_allclose(out[:, 0], X - 24, atol=1e-4)
    assert out[:, 2].tolist() == [2, 0, 1, 2, 0 if X[4] < 24 else 2]
    assert al.augment(IMAGE, [shift], keypoints=[FACE[:, :2]])["keypoints"][0].shape == (5, 2)


def test_swaps_wait_for_images_that_have_keypoints() -> None:
    out = al.augment(IMAGE, [al.RandomFlip(p=1)], keypoints=[[]], keypoint_swaps=[(3, 4)])
    assert out["keypoints"][0].shape == (0, 2)
    with pytest.raises(al.ArgumentError, match="each in one pair at most"):
        al.augment(IMAGE, [], keypoints=[[]], keypoint_swaps=[(3, 3)])


@pytest.mark.parametrize(
    ("points", "swaps", "words"),
    [
        ([[1, np.nan, 2]], (), r"keypoints must be finite numbers\. Received NaN or infinity at keypoints\[0\]"),
        ([[np.inf, 3, 2]], (), r"keypoints must be finite"),
        ([[1, 2, 3, 4]], (), r"keypoints must be one array \(n, 2\) or \(n, 3\) per image"),
        ([[1, 2], [3]], (), r"keypoints must be one array .*Received \[\[1, 2\], \[3\]\] at keypoints\[0\]"),
        (FACE, [(1, 5)], r"keypoint_swaps must be pairs .*Received \[\(1, 5\)\] for 5 keypoints\. Write \[\(1, 2\)"),
        (FACE, [(1, 2), (2, 3)], r"each in one pair at most"),
        (FACE, [1, 2], r"must be pairs"),
        (FACE, [(-1, 2)], r"must be pairs"),
    ],
)
def test_bad_ones_are_refused_when_built(points, swaps, words):
    with pytest.raises(al.ArgumentError, match=words):
        al.augment(IMAGE, [], keypoints=[points], keypoint_swaps=swaps)
    with pytest.raises(al.ArgumentError, match=words):
        al.Arrays(IMAGE, keypoints=[points], keypoint_swaps=swaps)


HOLES = al.CoarseDropout((3, 6), (0.2, 0.4), (0.2, 0.5), fill_value=1.0)
GRID = al.GridMask((3, 4), 0.5, fill_value=1.0)
SHIFT = al.RandomTranslation((0.25, 0.25), (-0.1, -0.1), fill_mode="constant", fill_value=1.0)


@pytest.mark.parametrize("engine", ["opencv", "reference"])
@pytest.mark.parametrize(
    "transforms",
    [
        [al.RandomErasing((1, 1), fill_value=1.0)],
        [HOLES, LEFT_RIGHT],
        [UP_DOWN, GRID],
        [SHIFT, HOLES, al.RandomInvert(0), UP_DOWN],
        [GRID, SHIFT, al.RandomErasing(0.5, fill_value=1.0)],
    ],
    ids=len,
)
def test_a_point_is_visible_where_its_pixel_was_not_painted_over(engine, transforms):
    images = np.zeros((4, HEIGHT, WIDTH, 1), np.uint8)
    y, x = np.mgrid[:HEIGHT, :WIDTH].reshape(2, -1)
    points = [np.stack([x, y, 2 + 0 * x], axis=1).astype(np.float32)] * 4
    out = al.augment(images, transforms, keypoints=points, seed=5, engine=engine)
    for image, rows in zip(out["images"], out["keypoints"], strict=True):
        seen = rows[rows[:, 2] > 0]
        dark = np.zeros((HEIGHT, WIDTH), bool)
        dark[np.round(seen[:, 1]).astype(int), np.round(seen[:, 0]).astype(int)] = True
        assert 0 < len(seen) < HEIGHT * WIDTH
        assert_array_equal(dark, image[..., 0] == 0)

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

import augline as al
from augline import targets
from augline.sources import BOX_FORMATS

HEIGHT, WIDTH = 40, 64
BOX = np.array([[10, 6, 26, 30]], np.float32)  # left, top, right, bottom
POINT = np.array([[10, 6, 1], [25, 29, 1]], np.float32)  # its first and last pixel
EXACT = {
    "left-right": al.RandomFlip("horizontal"),
    "up-down": al.RandomFlip("vertical"),
    "transpose": al.Transpose(),
    "quarter": al.RandomRotate90(),
    "shift": al.RandomTranslation((0.1, 0.1), (-0.125, -0.125), fill_mode="constant"),
    "crop": al.CenterCrop(32, 48),
    "larger": al.Resizing(80, 128),
}


def mask_of_box() -> np.ndarray:
    mask = np.zeros((1, HEIGHT, WIDTH), np.uint8)
    mask[0, 6:30, 10:26] = 7
    return mask


def image() -> np.ndarray:
    return np.zeros((1, HEIGHT, WIDTH, 3), np.uint8)


def bounds(mask: np.ndarray) -> list[float]:
    rows, columns = np.nonzero(mask)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


@pytest.mark.parametrize("engine", ["opencv", "reference"])
@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("seed", range(3))
def test_box_mask_and_points_move_as_one(name, engine, seed):
    out = al.augment(
        image(), [EXACT[name]], masks=mask_of_box(), boxes=[BOX], keypoints=[POINT], seed=seed, engine=engine
    )
    found = bounds(out["masks"][0])
    assert_allclose(out["boxes"][0], [found], atol=1e-4)
    points = out["keypoints"][0][:, :2]
    if name != "larger":
        spanned = [*points.min(axis=0), *(points.max(axis=0) + 1)]
        assert_allclose(spanned, found, atol=1e-4)


@pytest.mark.parametrize("box_format", BOX_FORMATS)
def test_every_way_to_write_a_box_goes_there_and_back(box_format):
    size = (HEIGHT, WIDTH)
    written = targets.from_xyxy(BOX.astype(np.float64), box_format, size)
    assert_allclose(targets.to_xyxy(written, box_format, size), BOX)


def test_the_ways_to_write_a_box_mean_what_keras_means():
    size = (40.0, 64.0)
    box = np.array([[16.0, 10, 32, 30]])
    expected = {
        "xyxy": [16, 10, 32, 30],
        "yxyx": [10, 16, 30, 32],
        "xywh": [16, 10, 16, 20],
        "center_xywh": [24, 20, 16, 20],
        "rel_xyxy": [0.25, 0.25, 0.5, 0.75],
        "rel_yxyx": [0.25, 0.25, 0.75, 0.5],
        "rel_xywh": [0.25, 0.25, 0.25, 0.5],
        "center_yxhw": [20, 24, 20, 16],
        "rel_center_xywh": [0.375, 0.5, 0.25, 0.5],
    }
    assert {*expected} >= {*BOX_FORMATS}
    for name, values in expected.items():
        assert_allclose(targets.from_xyxy(box, name, size), [values], err_msg=name)


@pytest.mark.parametrize("box_format", BOX_FORMATS)
def test_a_box_comes_out_as_it_was_written(box_format):
    written = targets.from_xyxy(BOX.astype(np.float64), box_format, (HEIGHT, WIDTH))
    moves = [al.RandomFlip("horizontal"), al.Resizing(80, 96)]
    out = al.augment(image(), moves, boxes=[written], bounding_box_format=box_format, seed=3)["boxes"]
    plain = al.augment(image(), moves, boxes=[BOX], seed=3)["boxes"]
    assert_allclose(targets.to_xyxy(out[0].astype(np.float64), box_format, (80, 96)), plain[0], atol=1e-4)


def test_a_turned_box_is_the_upright_one_around_its_corners():
    out = al.augment(image(), [al.RandomRotation((0.125, 0.125))], boxes=[BOX])["boxes"][0]
    corners = np.array([[x, y] for x in (10, 26) for y in (6, 30)]) - [WIDTH / 2, HEIGHT / 2]
    turn = np.array([[1, 1], [-1, 1]]) / np.sqrt(2)  # counter-clockwise on a screen whose y runs down
    moved = corners @ turn.T + [WIDTH / 2, HEIGHT / 2]
    wanted = np.clip([*moved.min(axis=0), *moved.max(axis=0)], 0, [WIDTH, HEIGHT] * 2)
    assert_allclose(out, [wanted], atol=1e-3)


def test_a_box_that_leaves_goes_with_its_label():
    boxes = [np.array([[0, 0, 5, 5], [40, 10, 60, 30]], np.float32), np.zeros((0, 4), np.float32)]
    out = al.augment(
        np.zeros((2, HEIGHT, WIDTH, 3), np.uint8),
        [al.RandomTranslation(0.0, (-0.2, -0.2))],
        boxes=boxes,
        labels=[np.array([3, 8]), np.array([], np.int64)],
    )
    assert [row.tolist() for row in out["labels"]] == [[8], []]
    assert out["boxes"][1].shape == (0, 4)


def test_boxes_seen_too_little_are_left_out():
    from augline.program import Program

    program = Program(
        [al.RandomTranslation(0.0, (-0.25, -0.25))], seed=0, channels=3, dtype="uint8", value_range=(0.0, 255.0),
        size=(HEIGHT, WIDTH),
    )  # fmt: skip
    _, plan = program.plan(0, np.arange(1), np.array([[HEIGHT, WIDTH]]))
    box = np.array([[10, 0, 20, 10], [0, 0, 17, 10]], np.float32)  # 4 of 10 columns stay, and 1 of 17
    assert targets.move_boxes(plan, [box], "xyxy")[1][0].tolist() == [0, 1]
    assert targets.move_boxes(plan, [box], "xyxy", box_filter=al.BoxFilter(min_visibility=0.2))[1][0].tolist() == [0]
    assert targets.move_boxes(plan, [box], "xyxy", box_filter=al.BoxFilter(min_visibility=0.5))[1][0].tolist() == []
    assert targets.move_boxes(plan, [box], "xyxy", box_filter=al.BoxFilter(min_area=11))[1][0].tolist() == [0]


def test_dense_boxes_are_padded_with_minus_one():
    dense = targets.pad_boxes([BOX, BOX[:0]], [np.array([4]), np.array([], int)], 2)
    assert dense["boxes"].shape == (2, 2, 4)
    assert dense["labels"].tolist() == [[4, -1], [-1, -1]]
    assert (dense["boxes"][1] == -1).all()


def test_points_outside_are_not_visible():
    points = [np.array([[2, 5, 2], [60, 5, 2]], np.float32)]
    out = al.augment(image(), [al.RandomTranslation(0.0, (-0.25, -0.25))], keypoints=points)["keypoints"][0]
    assert_allclose(out, [[-14, 5, 0], [44, 5, 2]], atol=1e-4)


def test_what_is_given_is_not_changed():
    boxes, points, mask = BOX.copy(), POINT.copy(), mask_of_box()
    al.augment(image(), [al.RandomRotation((0.1, 0.1))], boxes=[boxes], keypoints=[points], masks=mask)
    assert_array_equal(boxes, BOX)
    assert_array_equal(points, POINT)
    assert_array_equal(mask, mask_of_box())


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "int32", "int64", "float32", "bool"])
def test_masks_of_any_type_hold_nothing_but_their_own_values(dtype):
    rng = np.random.default_rng(0)
    top = 2 if dtype == "bool" else 100
    masks = rng.integers(0, top, (3, HEIGHT, WIDTH)).astype(dtype)
    if dtype in ("int16", "int32", "int64", "float32", "int8"):
        masks[:, ::3] *= -1
    images = np.zeros((3, HEIGHT, WIDTH, 3), np.uint8)
    moves = [al.RandomRotation(0.3, fill_mode="reflect"), al.RandomZoom(0.3, fill_mode="reflect")]
    fast, exact = (
        al.augment(images, moves, masks=masks, seed=2, engine=name)["masks"] for name in ("opencv", "reference")
    )
    assert fast.dtype == dtype
    assert fast.shape == masks.shape
    assert {*np.unique(fast)} <= {*np.unique(masks)}
    assert (fast != exact).mean() < 0.06  # cv2 rounds positions to 1/32 px, here between pixels that are all different


def test_masks_have_a_fill_of_their_own():
    moves = [al.RandomTranslation(0.0, (0.25, 0.25), fill_mode="constant", fill_value=200)]
    mask = np.full((1, HEIGHT, WIDTH), 9, np.uint8)
    out = al.augment(image(), moves, masks=mask)
    assert {*np.unique(out["masks"])} == {0, 9}
    assert out["images"].max() == 200


def test_colours_leave_masks_alone():
    mask = mask_of_box()
    out = al.augment(image() + 90, [al.RandomBrightness((0.3, 0.3)), al.Rescaling(1 / 255)], masks=mask)
    assert_array_equal(out["masks"], mask)


def test_a_palette_file_gives_its_indices(tmp_path):
    picture = Image.new("P", (WIDTH, HEIGHT))
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    picture.paste(2, (10, 6, 26, 30))
    picture.save(tmp_path / "mask.png")
    mask = targets.read_mask(str(tmp_path / "mask.png"), (HEIGHT, WIDTH), "a.jpg")
    assert mask.shape == (HEIGHT, WIDTH, 1)
    assert {*np.unique(mask)} == {0, 2}


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(
        al.ArgumentError, match=r"masks must have the size.*\(40, 63\) at masks\[0\] for an image of 40 x 64"
    ):
        al.augment(image(), [], masks=np.zeros((1, HEIGHT, WIDTH - 1), np.uint8))

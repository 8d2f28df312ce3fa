"""Which boxes are left: by area, by visibility, by what a polygon shows, and after every frame on the way."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import augline as al
from augline import targets

IMAGE = np.zeros((1, 40, 60, 3), np.uint8)
LEFTWARD = al.RandomTranslation((0, 0), (-0.1, -0.1), fill_mode="constant")  # by 6 pixels
BOXES = np.array([[2, 0, 10, 8], [0, 10, 24, 30], [30, 5, 33, 25]], np.float32)
# what is left: 4 of 8 columns x 8 rows, 18 of 24 columns x 20 rows, all of 3 x 20


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({}, [0, 1, 2]),
        ({"min_visibility": 0.5}, [0, 1, 2]),
        ({"min_visibility": 0.51}, [1, 2]),
        ({"min_visibility": 0.76}, [2]),
        ({"min_visibility": 1.0}, [2]),
        ({"min_area": 32}, [0, 1, 2]),
        ({"min_area": 33}, [1, 2]),
        ({"min_area": 61}, [1]),
        ({"min_width": 4}, [0, 1]),
        ({"min_height": 9}, [1, 2]),
        ({"min_width": 4, "min_height": 9}, [1]),
    ],
)
def test_in_a_pipeline_labels_go_with_their_boxes(options, left):
    source = al.Arrays(IMAGE, boxes=[BOXES], box_labels=[[5, 6, 7]])
    pipe = al.Pipeline(source, [LEFTWARD], batch_size=1, box_filter=al.BoxFilter(**options))
    found = pipe.batch(0, 0)["bounding_boxes"]
    assert found["labels"].tolist() == [[5 + k for k in left] + [-1] * (3 - len(left))]
    moved = np.clip(BOXES - [6, 0, 6, 0], 0, 60)
    assert_allclose(found["boxes"][0, : len(left)], moved[left], atol=1e-4)
    out = al.augment(IMAGE, [LEFTWARD], boxes=[BOXES], labels=[[5, 6, 7]], box_filter=al.BoxFilter(**options))
    assert out["labels"][0].tolist() == [5 + k for k in left]


def test_a_box_without_area_never_stays():
    gone = al.RandomTranslation((0, 0), (-0.2, -0.2), fill_mode="constant")  # by 12 pixels: the first is outside
    out = al.augment(IMAGE, [gone], boxes=[BOXES], box_filter=al.BoxFilter(min_area=0))
    assert len(out["boxes"][0]) == 2


def test_area_is_counted_in_pixels_of_the_image_that_comes_out():
    half = al.Resizing(20, 30)  # the areas become 16, 120 and 15
    for box_format in ("xyxy", "rel_xyxy", "center_yxhw"):
        given = targets.from_xyxy(BOXES.astype(np.float64), box_format, (40, 60))
        out = al.augment(
            IMAGE, [half], boxes=[given], bounding_box_format=box_format, box_filter=al.BoxFilter(min_area=15.5)
        )
        assert len(out["boxes"][0]) == 2


def test_it_filters_mixed_boxes_too():
    images = np.zeros((8, 40, 60, 3), np.uint8)
    source = al.Arrays(images, boxes=[[[2, 2, 30, 30], [34, 4, 37, 7]]] * 8, box_labels=[[0, 1]] * 8)
    found = [
        al.Pipeline(source, [al.Mosaic()], batch_size=8, box_filter=al.BoxFilter(min_area=area)).batch(0, 0)
        for area in (1, 60)
    ]
    small, large = (sorted(row[row >= 0].tolist()) for row in (b["bounding_boxes"]["labels"] for b in found))
    assert 1 in small
    assert {*large} == {0}


HOLES = al.CoarseDropout((1, 9), (0.1, 0.6), (0.1, 0.6), mask_fill_value=0)
PAINTED = {
    "one": [al.RandomErasing((1, 1), (0.1, 0.5), mask_fill_value=0)],
    "several": [HOLES, al.RandomFlip("horizontal_and_vertical")],
    "two kinds": [al.GridMask((2, 9), 0.5, mask_fill_value=0), al.RandomErasing(p=0.5, mask_fill_value=0)],
    "behind a move": [LEFTWARD, HOLES, al.Transpose(p=1)],
}


@pytest.mark.parametrize("name", PAINTED)
class TestPaintedOver:
    """Boxes around the pixels that are left: those of masks that are painted over with the images."""

    def given(self):
        """Boxes of 60 images, of whole pixels, and which pixels lie left of their middles, above, and in them."""
        rng = np.random.default_rng(1)
        start, half = rng.integers(0, [40, 20], (60, 2)), rng.integers(3, 11, (60, 2))
        y, x = np.mgrid[:40, :60] + 0.5
        away = np.stack([x, y]) - (start + half)[..., None, None]
        boxes = np.concatenate([start, start + 2 * half], axis=1).astype(np.float32)
        return boxes[:, None], *(away < 0).swapaxes(0, 1), (np.abs(away) < half[..., None, None]).all(axis=1)

    @pytest.mark.parametrize("share", [0, 0.5])
    def test_boxes_hold_the_pixels_that_are_left(self, name, share):
        boxes, _, _, masks = self.given()
        out = al.augment(
            np.zeros((60, 40, 60, 3), np.uint8), PAINTED[name], boxes=boxes, labels=[[7]] * 60, seed=2,
            masks=masks.astype(np.uint8), box_filter=al.BoxFilter(min_visibility=share),
        )  # fmt: skip
        areas = (boxes[:, 0, 2:] - boxes[:, 0, :2]).prod(axis=1)
        stays = [mask.sum() >= max(share * area, 1) for mask, area in zip(out["masks"], areas, strict=True)]
        assert [len(found) for found in out["boxes"]] == stays
        assert [len(found) for found in out["labels"]] == stays
        assert 10 < sum(stays) < 60
        for mask, found in zip(out["masks"], out["boxes"], strict=True):
            if len(found):
                assert_allclose(found, [around(mask)], atol=1e-4)

    def test_polygons_stay_tight_around_them(self, name):
        boxes, leftward, upward, masks = self.given()
        (x0, y0, x1, y1), (x, y) = boxes[:, 0].T, (boxes[:, 0, :2] + boxes[:, 0, 2:]).T / 2
        steps = np.stack([[x0, y0], [x, y0], [x, y], [x1, y], [x1, y1], [x0, y1]]).transpose(2, 0, 1)
        out = al.augment(
            np.zeros((60, 40, 60, 3), np.uint8), PAINTED[name], boxes=boxes, polygons=steps[:, None], seed=2,
            masks=(masks & (leftward | ~upward)).astype(np.uint8),
        )  # fmt: skip
        for mask, found, polygons in zip(out["masks"], out["boxes"], out["polygons"], strict=True):
            assert len(found) == mask.any()
            if len(found):
                assert_allclose(found, [around(mask)], atol=1e-4)
                assert_allclose(targets.tight_boxes(polygons), found, atol=1e-4)


def around(mask):
    """The box around what is not 0."""
    rows, columns = np.nonzero(mask)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


class TestMostBoxes:
    GIVEN = np.array([[0, 0, 4, 4], [5, 5, 25, 20], [30, 3, 33, 6], [40, 10, 58, 30]], np.float32)
    NAMES = np.arange(4)

    @pytest.mark.parametrize(
        ("most", "left"), [(1, [3]), (2, [1, 3]), (3, [0, 1, 3]), (4, [0, 1, 2, 3]), (6, [0, 1, 2, 3])]
    )
    def test_the_largest_stay_in_their_order_and_batches_have_that_shape(self, most, left):
        pipe = al.Pipeline(
            al.Arrays(IMAGE, boxes=[self.GIVEN], box_labels=[self.NAMES]), batch_size=1,
            box_filter=al.BoxFilter(max_boxes=most),
        )  # fmt: skip
        found = pipe.batch(0, 0)["bounding_boxes"]
        assert found["labels"].tolist() == [left + [-1] * (most - len(left))]
        assert_allclose(found["boxes"][0, : len(left)], self.GIVEN[left])
        assert pipe.batches.fields()["bounding_boxes"]["boxes"].shape == (most, 4)

    def test_size_counts_behind_the_crop(self):
        shift = al.RandomTranslation((0, 0), (0.5, 0.5), fill_mode="constant")  # by 30: the largest goes out
        out = al.augment(IMAGE, [shift], boxes=[self.GIVEN], labels=[self.NAMES], box_filter=al.BoxFilter(max_boxes=1))
        assert out["labels"][0].tolist() == [1]

    def test_mixed_batches_have_it_too(self):
        source = al.Arrays(np.repeat(IMAGE, 6, axis=0), boxes=[self.GIVEN] * 6, box_labels=[self.NAMES] * 6)
        work = [al.Mosaic(), al.Resizing(40, 60)]
        all_of_them = al.Pipeline(source, work, batch_size=6).batch(0, 0)["bounding_boxes"]
        some = al.Pipeline(source, work, batch_size=6, box_filter=al.BoxFilter(max_boxes=3)).batch(0, 0)[
            "bounding_boxes"
        ]
        assert (all_of_them["boxes"].shape, some["boxes"].shape) == ((6, 16, 4), (6, 3, 4))
        for boxes, names, few in zip(*all_of_them.values(), some["boxes"], strict=True):
            real = boxes[names >= 0]
            area = (real[:, 2] - real[:, 0]) * (real[:, 3] - real[:, 1])
            largest = np.sort(np.argsort(-area, kind="stable")[:3])
            assert_allclose(few[: len(largest)], real[largest])

    @pytest.mark.parametrize("most", [0, 2.5, True, "9"])
    def test_it_is_a_whole_number(self, most):
        with pytest.raises(al.ArgumentError, match=r"max_boxes must be a whole number from 1, or None"):
            al.BoxFilter(max_boxes=most)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"min_area": -1}, r"BoxFilter\(min_area=-1\): min_area must lie between 0 and any number\. Received -1\. Wri"),
        ({"min_visibility": 30}, r"BoxFilter\(min_visibility=30\): .* between 0 and 1, a share\. Received 30\. Write"),
        ({"min_width": float("nan")}, r"min_width must lie"),
        ({"min_height": "9"}, r"min_height must lie"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(given, words):
    with pytest.raises(al.ArgumentError, match=words):
        al.BoxFilter(**given)


def test_a_pipeline_takes_a_filter_only():
    with pytest.raises(al.ArgumentError, match=r"Pipeline\(box_filter=\.\.\.\): box_filter must be a BoxFilter\. Rec"):
        al.Pipeline(al.Arrays(IMAGE, boxes=[BOXES]), [], box_filter={"min_area": 3})


def test_yaml_names_what_a_filter_can_do():
    text = "transforms: []\nbox_filter: {min_share: 0.3}\n"
    with pytest.raises(al.SpecError, match=r"box_filter has no 'min_share'.*The arguments are min_area, min_visib"):
        al.Pipeline.from_yaml(text, source=al.Arrays(IMAGE, boxes=[BOXES]))
    pipe = al.Pipeline.from_yaml(text.replace("min_share", "min_visibility"), source=al.Arrays(IMAGE, boxes=[BOXES]))
    assert pipe.box_filter == al.BoxFilter(min_visibility=0.3)
    assert pipe.evaluation().box_filter == pipe.box_filter


class TestFrames:
    """What one step moves out of its frame is gone, where the next step cannot bring it back."""

    CUT = (al.CenterCrop(20, 40), al.RandomGaussianBlur(1.0, 3, 1.0), al.Padding(40, 60))

    def test_boxes_are_cut_at_every_frame(self):
        # the crop shows 10 to 50 and 10 to 30
        boxes = np.array([[0, 0, 8, 8], [2, 2, 20, 18], [44, 22, 58, 36]], np.float32)
        mask = np.zeros((1, 40, 60), np.uint8)
        mask[0, 2:18, 2:20] = 1
        out = al.augment(IMAGE, self.CUT, boxes=[boxes], masks=mask)
        assert_allclose(out["boxes"][0], [[10, 10, 20, 18], [44, 22, 50, 30]], atol=1e-4)
        rows, columns = np.nonzero(out["masks"][0])
        assert_allclose(out["boxes"][0][0], [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], atol=1e-4)

    def test_visibility_counts_what_any_frame_cut_off(self):
        boxes = np.array([[2, 12, 20, 18]], np.float32)  # 10 of 18 columns are left
        for share, count in ((0.55, 1), (0.56, 0)):
            out = al.augment(IMAGE, self.CUT, boxes=[boxes], box_filter=al.BoxFilter(min_visibility=share))
            assert len(out["boxes"][0]) == count

    def test_points_that_left_a_frame_stay_invisible(self):
        points = np.array([[5, 5, 2], [15, 15, 2], [15, 5, 1]], np.float32)
        out = al.augment(IMAGE, self.CUT, keypoints=[points])["keypoints"][0]
        assert_allclose(out, [[5, 5, 0], [15, 15, 2], [15, 5, 0]], atol=1e-4)

    def test_a_turned_box_is_cut_before_it_is_turned_on(self):
        half = al.RandomTranslation((0, 0), (-0.5, -0.5), fill_mode="constant")
        turn = al.RandomRotation((0.25, 0.25), fill_mode="reflect")  # another outside, so the two stay apart
        out = al.augment(np.zeros((1, 60, 60, 3), np.uint8), [half, turn], boxes=[[[20, 10, 50, 20]]])["boxes"][0]
        # 0 to 20 of it is left; a quarter turn counter-clockwise takes (x, y) to (y, 60 - x)
        assert_allclose(out, [[10, 40, 20, 60]], atol=1e-3)


class TestPolygons:
    DIAMOND = np.array([[30, 10], [40, 20], [30, 30], [20, 20]], np.float32)
    TURN = al.RandomRotation((0.125, 0.125), fill_mode="constant")

    def around(self) -> list[list[float]]:
        side = 20 / np.sqrt(2)  # the diamond becomes an upright square about the centre (30, 20)
        return [[30 - side / 2, 20 - side / 2, 30 + side / 2, 20 + side / 2]]

    def test_boxes_are_tight_after_a_turn(self):
        boxes = np.array([[20, 10, 40, 30]], np.float32)
        loose = al.augment(IMAGE, [self.TURN], boxes=[boxes])["boxes"][0]
        assert_allclose(loose, [[30 - 10 * np.sqrt(2), 20 - 10 * np.sqrt(2), 30 + 10 * np.sqrt(2), 34.142]], atol=1e-2)
        out = al.augment(IMAGE, [self.TURN], boxes=[boxes], polygons=[[self.DIAMOND]])
        assert_allclose(out["boxes"][0], self.around(), atol=1e-3)
        pipe = al.Pipeline(al.Arrays(IMAGE, boxes=[boxes], polygons=[[self.DIAMOND]]), [self.TURN], batch_size=1)
        assert_allclose(pipe.batch(0, 0)["bounding_boxes"]["boxes"][0], self.around(), atol=1e-3)

    def test_boxes_follow_from_polygons(self):
        out = al.augment(IMAGE, [], polygons=[[self.DIAMOND]], bounding_box_format="xywh")
        assert_allclose(out["boxes"][0], [[20, 10, 20, 20]])
        relative = self.DIAMOND / [60, 40]
        out = al.augment(IMAGE, [self.TURN], polygons=[[relative]], bounding_box_format="rel_xyxy")
        assert_allclose(out["boxes"][0] * [60, 40, 60, 40], self.around(), atol=1e-3)

    def test_polygons_come_back_moved_cut_off_and_filtered(self):
        shift = al.RandomTranslation((0, 0), (-0.5, -0.5), fill_mode="constant")  # by 30 pixels
        corner = np.array([[0, 0], [5, 0], [0, 5]], np.float32)
        out = al.augment(IMAGE, [shift], polygons=[[corner, self.DIAMOND]], labels=[[3, 4]])
        assert out["labels"][0].tolist() == [4]
        assert len(out["polygons"][0]) == 1
        assert {tuple(p) for p in out["polygons"][0][0].round(3).tolist()} == {(0, 10), (10, 20), (0, 30)}
        assert_allclose(out["boxes"][0], [[0, 10, 10, 30]], atol=1e-4)

    def test_visibility_is_that_of_the_polygon(self):
        shift = al.RandomTranslation((0, 0), (-0.5, -0.5), fill_mode="constant")
        for share, count in ((0.5, 1), (0.51, 0)):
            out = al.augment(IMAGE, [shift], polygons=[[self.DIAMOND]], box_filter=al.BoxFilter(min_visibility=share))
            assert len(out["boxes"][0]) == count

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"boxes": [BOXES], "polygons": [[DIAMOND]]}, r"one polygon per box\. Received 1 for 3 boxes"),
            ({"polygons": [[[1, 2, 3, 4, 5, 6]]]}, r"arrays \(n, 2\).*Received shape \(6,\) at polygons"),
            ({"polygons": [[[[1, 2], [3, 4]]]]}, r"3 or more corners\. Received shape \(2, 2\)"),
        ],
    )
    def test_shapes(self, given, words):
        with pytest.raises(al.ArgumentError, match=words):
            al.augment(IMAGE, [], **given)

    def test_yaml_holds_them(self, tmp_path):
        from PIL import Image

        Image.fromarray(IMAGE[0]).save(tmp_path / "a.png")
        source = al.Files([tmp_path / "a.png"], polygons=[[self.DIAMOND]], keypoints=[[[1, 2], [3, 4]]],
                          keypoint_swaps=[(0, 1)])  # fmt: skip
        again = al.Pipeline.from_yaml(al.Pipeline(source, [self.TURN], size=(40, 60)).to_yaml()).source
        assert_allclose(again.targets.polygons[0][0], self.DIAMOND)
        assert_allclose(again.targets.boxes[0], [[20, 10, 40, 30]])
        assert again.targets.keypoint_swaps == ((0, 1),)


class TestBoxesThatCannotBe:
    @pytest.mark.parametrize(
        ("boxes", "box_format", "words"),
        [
            ([[1, 2, np.nan, 4]], "xyxy", r"boxes must be finite numbers\. Received NaN or infinity at boxes\[0\]"),
            ([[10, 5, 10, 30]], "xyxy", r"an area.*Received a box without area, \(10, 5, 10, 30\), for images\[0\]"),
            ([[30, 20, 12, 9]], "xyxy", r"without area, \(30, 20, 12, 9\).*read as 'xyxy': pass bounding_box_format="),
            ([[40, 20, 62, 30]], "xyxy", r"out of the image by more than 1 px, \(40, 20, 62, 30\) in 40 x 60"),
            ([[40, 20, 25, 30]], "xywh", r"out of the image"),
            ([[-9, 5, 8, 8]], "xyxy", r"out of the image"),
            ([[0.2, 0.3, 0.9, 0.8]], "xyxy", r"'xyxy' are in pixels\. Received none above 1.*format='rel_"),
            ([[10, 5, 20, 30]], "rel_xyxy", r"out of the image by more than 0\.01 of its side"),
        ],
    )
    def test_are_refused_when_built(self, boxes, box_format, words):
        for make in (
            lambda **given: al.Arrays(IMAGE, **given),
            lambda **given: al.augment(IMAGE, [], **given),
        ):
            with pytest.raises(al.ArgumentError, match=words):
                make(boxes=[boxes], bounding_box_format=box_format)

    def test_of_files_when_their_size_is_known(self, tmp_path):
        from PIL import Image

        for name in ("a", "b"):
            Image.fromarray(IMAGE[0]).save(tmp_path / f"{name}.png")
        paths = [tmp_path / "a.png", tmp_path / "b.png"]
        source = al.Files(paths, boxes=[[[10, 5, 61, 30]], [[10, 5, 20, 43]]])  # the first sticks out by a pixel
        pipe = al.Pipeline(source, size=(20, 30), batch_size=2, shuffle=False)
        with pytest.raises(
            al.SourceError, match=r"boxes of .*b\.png: .*Received \(10, 5, 20, 43\).* for 40 x 60.*exif=False"
        ):
            pipe.batch(0, 0)
        skipping = al.Pipeline(source, size=(20, 30), batch_size=2, shuffle=False, on_error="skip")
        assert_allclose(skipping.batch(0, 0)["bounding_boxes"]["boxes"], [[[5, 2.5, 30, 15]]] * 2)
        assert [item.name for item in skipping.report()] == [str(paths[1])]
        tf = pytest.importorskip("tensorflow")
        from augline.feed.graph.rows import Rows

        made = Rows(al.Pipeline(source, size=(20, 30), engine="tensorflow").batches)
        epoch, words = tf.constant(0, tf.int64), r"boxes of .*b\.png: .*down to \[43 20\] .* for \[40 60\].*exif=False"
        with pytest.raises(tf.errors.InvalidArgumentError, match=words):
            made(epoch, tf.constant([0, 1]))
        assert_allclose(made(epoch, tf.constant([0]))["bounding_boxes"]["boxes"], [[[5, 2.5, 30, 15]]], atol=1e-4)

    def test_a_box_may_stick_out_by_a_pixel(self):
        out = al.augment(IMAGE, [], boxes=[[[50, 30, 60.9, 40.9]]])
        assert_allclose(out["boxes"][0], [[50, 30, 60, 40]])

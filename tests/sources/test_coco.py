"""COCO annotation files."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

import augline as al
from augline.errors import ArgumentError, SourceError
from augline.sources import Coco, from_config
from augline.sources.polygons import tight_boxes

HEIGHT, WIDTH = 20, 31
TRIANGLE = [4.0, 3.0, 12.0, 5.0, 6.0, 15.0]
PARTS = [[15, 2, 20, 2, 20, 6, 15, 6], [22, 8, 29, 8, 29, 17, 22, 17]]


def document() -> dict[str, Any]:
    """Images out of order, ids with gaps, one image without annotations, a crowd, and an object of two parts."""
    images = [(70, "c.png"), (5, "a.png"), (33, "b.png")]
    return {
        "images": [{"id": id_, "file_name": name, "height": HEIGHT, "width": WIDTH} for id_, name in images],
        "categories": [
            {"id": 90, "name": "zebra"},
            {"id": 1, "name": "person", "keypoints": ["nose", "left_ear", "right_ear"], "skeleton": []},
        ],
        "annotations": [
            {"id": 1, "image_id": 70, "category_id": 90, "bbox": [4, 3, 8, 12], "segmentation": [TRIANGLE]},
            {"id": 2, "image_id": 5, "category_id": 1, "bbox": [15, 2, 14, 15], "segmentation": PARTS,
             "keypoints": [16, 3, 2, 17, 4, 1, 0, 0, 0], "num_keypoints": 2, "iscrowd": 0},
            {"id": 3, "image_id": 5, "category_id": 1, "bbox": [0, 5, 3, 3.5], "iscrowd": 1,
             "segmentation": {"size": [HEIGHT, WIDTH], "counts": [5, 3, 17, 3, 17, 3, HEIGHT * WIDTH - 48]}},
            {"id": 4, "image_id": 70, "category_id": 1, "bbox": [2, 1, 20, 18],
             "segmentation": [[2, 1, 22, 1, 22, 19, 2, 19]], "keypoints": [5, 6, 2, 7, 8, 2, 9, 10, 2]},
        ],
    }  # fmt: skip


def picture(seed: int):
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


@pytest.fixture
def coco(tmp_path: Path):
    """`coco(change, ...)` is the data set after `change(document)`."""
    for seed, name in enumerate("abc"):
        Image.fromarray(picture(seed)).save(tmp_path / f"{name}.png")

    def make(change=lambda document: None, **arguments: Any) -> Coco:
        data = document()
        change(data)
        (tmp_path / "found.json").write_text(json.dumps(data))
        return Coco(tmp_path / "found.json", tmp_path, **arguments)

    return make


def batch_of(source, *transforms, **arguments):
    size = (HEIGHT, WIDTH)
    return al.Pipeline(source, transforms, size=size, batch_size=4, shuffle=False, **arguments).batch(0, 0)


def filled(parts) -> Any:
    """By Pillow, eight times as fine: True where at least half of a pixel is covered."""
    canvas = Image.new("L", (WIDTH * 8, HEIGHT * 8))
    for part in parts:
        ImageDraw.Draw(canvas).polygon([v * 8 - 0.5 for v in part], fill=1)
    return np.asarray(canvas).reshape(HEIGHT, 8, WIDTH, 8).mean(axis=(1, 3))


class TestBoxes:
    def test_classes_order_and_boxes(self, coco) -> None:
        source = coco()
        assert [Path(source.name(index)).name for index in range(3)] == ["a.png", "b.png", "c.png"]
        assert source.class_names == ("person", "zebra")
        assert source.category_ids == (1, 90)
        assert source.bounding_box_format == "xywh"
        assert [row.tolist() for row in source.targets.boxes] == [
            [[15, 2, 14, 15]], [], [[4, 3, 8, 12], [2, 1, 20, 18]]]  # fmt: skip
        assert [row.tolist() for row in source.targets.box_labels] == [[0], [], [1, 0]]
        assert source.targets.labels is None
        assert repr(source).endswith("found.json', 3 images, 2 classes, 3 objects)")
        again = from_config(source.config())
        assert again.config() == source.config()
        assert [row.tolist() for row in again.targets.boxes] == [row.tolist() for row in source.targets.boxes]

    def test_a_flip_moves_boxes(self, coco) -> None:
        batch = batch_of(coco(), al.RandomFlip("horizontal", p=1))
        np.testing.assert_array_equal(batch["images"][2], picture(2)[:, ::-1])
        boxes, labels = batch["bounding_boxes"]["boxes"], batch["bounding_boxes"]["labels"]
        np.testing.assert_allclose(boxes[0], [[WIDTH - 29, 2, 14, 15], [-1] * 4])
        np.testing.assert_allclose(boxes[2], [[WIDTH - 12, 3, 8, 12], [WIDTH - 22, 1, 20, 18]])
        assert labels.tolist() == [[0, -1], [-1, -1], [1, 0]]

    def test_empty_images_can_be_left_out(self, coco) -> None:
        source = coco(keep_empty=False)
        assert [Path(source.name(index)).name for index in range(len(source))] == ["a.png", "c.png"]
        assert [len(row) for row in source.targets.boxes] == [1, 2]
        assert [len(row) for row in source.targets.polygons] == [1, 2]

        def without(data) -> None:
            data["annotations"].clear()

        assert [len(row) for row in coco(without).targets.boxes] == [0, 0, 0]
        assert batch_of(coco(without))["bounding_boxes"]["boxes"].shape == (3, 0, 4)
        with pytest.raises(SourceError, match=r"images with annotations\. Received none\. Pass keep_empty"):
            coco(without, keep_empty=False)

    def test_crowds_when_asked_for(self, coco) -> None:
        source = coco(crowd=True)
        assert source.targets.boxes[0].tolist() == [[15, 2, 14, 15], [0, 5, 3, 3.5]]
        np.testing.assert_array_equal(tight_boxes(source.targets.polygons[0])[1], [0, 5, 3, 8])

    def test_outlines_are_aligned_with_boxes(self, coco) -> None:
        def change(data) -> None:
            del data["annotations"][3]["segmentation"]

        source = coco(change)
        taken = source.targets.take([2, 0])["polygons"]
        np.testing.assert_array_equal(taken[0][0], np.reshape(TRIANGLE, (-1, 2)))
        np.testing.assert_array_equal(taken[0][1], [[2, 1], [22, 1], [22, 19], [2, 19]])  # of its box
        np.testing.assert_array_equal(tight_boxes(taken[1]), [[15, 2, 29, 17]])
        assert np.isnan(taken[1][0]).any(axis=1).tolist() == [False] * 4 + [True] + [False] * 4
        assert source.select([2]).targets.take([0])["polygons"][0][0] is taken[0][0]

        def bare(data) -> None:
            for given in data["annotations"]:
                given.pop("segmentation")

        assert coco(bare).targets.polygons is None


class TestMasks:
    def test_polygons_and_runs_smaller_ones_on_top(self, coco) -> None:
        source = coco(masks=True, crowd=True, boxes=False)
        assert "bounding_boxes" not in batch_of(source)
        masks = batch_of(source)["segmentation_masks"][..., 0]
        assert masks.dtype == np.uint8
        expected = np.zeros((HEIGHT, WIDTH), int)
        expected[2:6, 15:20] = expected[8:17, 22:29] = 1
        expected[5:8, :1] = 1
        expected[5:8, 1:3] = 1
        np.testing.assert_array_equal(masks[0], expected)
        assert not masks[1].any()
        triangle = filled([TRIANGLE])
        assert (masks[2][triangle > 0.8] == 2).all()
        around = np.zeros((HEIGHT, WIDTH), bool)
        around[1:19, 2:22] = True
        assert (masks[2][around & (triangle < 0.2)] == 1).all()
        assert not masks[2][~around].any()

    def test_crowds_are_background_if_not_asked_for(self, coco) -> None:
        assert not batch_of(coco(masks=True))["segmentation_masks"][0, :, :3].any()

    def test_masks_move_with_images(self, coco) -> None:
        flip = al.RandomFlip("horizontal", p=1)
        np.testing.assert_array_equal(
            batch_of(coco(masks=True), flip)["segmentation_masks"],
            batch_of(coco(masks=True))["segmentation_masks"][:, :, ::-1],
        )

    def test_many_classes(self, coco) -> None:
        def change(data) -> None:
            data["categories"] += [{"id": 100 + i, "name": f"c{i}"} for i in range(260)]
            data["annotations"][0]["category_id"] = 359

        mask = batch_of(coco(change, masks=True))["segmentation_masks"]
        assert mask.dtype == np.uint16
        assert mask[2].max() == 262

    def test_an_object_without_outline(self, coco) -> None:
        def change(data) -> None:
            data["annotations"][0].pop("segmentation")

        with pytest.raises(SourceError, match=r"Received 1 of 3 that do not: c\.png: no outline for its mask"):
            coco(change, masks=True)
        assert coco(change, masks=True, on_invalid="drop").dropped == 1


class TestKeypoints:
    def test_of_all_objects_padded_to_the_fullest(self, coco) -> None:
        source = coco(keypoints=True)
        assert source.keypoint_names == ("nose", "left_ear", "right_ear")
        rows = source.targets.take([0, 1, 2])["keypoints"]
        person = [[5, 6, 2], [7, 8, 2], [9, 10, 2]]
        np.testing.assert_array_equal(rows[0], [[16, 3, 2], [17, 4, 1], [0, 0, 0]] + [[0, 0, 0]] * 3)
        np.testing.assert_array_equal(rows[1], np.zeros((6, 3)))
        np.testing.assert_array_equal(rows[2], [[0, 0, 0]] * 3 + person)  # the zebra has none
        batch = batch_of(source, al.RandomFlip("horizontal", p=1))
        assert batch["keypoints"].shape == (3, 6, 3)
        mirrored = [[WIDTH - 1 - x, y, v] for x, y, v in person]  # whose left ear is on the other side
        np.testing.assert_allclose(batch["keypoints"][2, 3:], [mirrored[k] for k in (0, 2, 1)])

    def test_left_and_right_change_places_unless_told_otherwise(self, coco) -> None:
        assert coco(keypoints=True).targets.keypoint_swaps == ((1, 2), (4, 5))
        assert coco(keypoints=True, keypoint_swaps=[(0, 2)]).targets.keypoint_swaps == ((0, 2), (3, 5))
        assert coco(keypoints=True, keypoint_swaps=()).targets.keypoint_swaps == ()
        with pytest.raises(ArgumentError, match=r"must be pairs .*Received \[\(0, 3\)\] for 3 keypoints"):
            coco(keypoints=True, keypoint_swaps=[(0, 3)])

    def test_without_any(self, coco) -> None:
        def change(data) -> None:
            for given in [*data["annotations"], *data["categories"]]:
                given.pop("keypoints", None)

        with pytest.raises(SourceError, match=r"needs annotations with keypoints\. Received none\. Pass keypoints=F"):
            coco(change, keypoints=True)

    @pytest.mark.parametrize("points", [[1, 2, 2], [1, 2, 3] * 3, [1, float("nan"), 2] * 3, "x", [1, 2, None] * 3])
    def test_wrong_ones(self, coco, points) -> None:
        def change(data) -> None:
            data["annotations"][1]["keypoints"] = points

        with pytest.raises(SourceError, match=r"1 of 3 that do not: a\.png: keypoints that are not 3 times x, y and 0"):
            coco(change, keypoints=True)


class TestWrong:
    @pytest.mark.parametrize(
        ("box", "words"),
        [
            ([4, 3, 0, 5], r"without area, \(4, 3, 4, 8\)"),
            ([4, 3, 5, -2], r"without area"),
            ([4, 3, 5, float("nan")], "not four finite numbers"),
            ([4, 3, 5], "not four finite numbers"),
            ([4, 3, 5, 10**400], "not four finite numbers"),
            (["4", 3, 5, 5], "not four finite numbers"),
            (None, "not four finite numbers"),
            ([20, 3, 12.5, 5], r"out of the image by more than 1 px, \(20, 3, 32.5, 8\) in 20 x 31"),
            ([-1.5, 3, 5, 5], r"out of the image"),
            ([3, 16, 5, 5.5], r"out of the image"),
        ],
    )
    def test_boxes(self, coco, box, words: str) -> None:
        def change(data) -> None:
            data["annotations"][0]["bbox"] = box

        with pytest.raises(
            SourceError, match=rf"^Coco\('.*'\): .*Received 1 of 3 that do not: c\.png: .*{words}.* or pass"
        ):
            coco(change)
        source = coco(change, on_invalid="drop")
        assert [len(row) for row in source.targets.boxes] == [1, 0, 1]
        assert source.targets.box_labels[2].tolist() == [0]
        assert repr(source).endswith("2 objects, 1 dropped)")

    def test_a_pixel_out_is_taken(self, coco) -> None:
        def change(data) -> None:
            data["annotations"][0]["bbox"] = [-1, 3, 33, 18]

        assert coco(change).targets.boxes[2][0].tolist() == [-1, 3, 33, 18]

    @pytest.mark.parametrize(
        ("segmentation", "words"),
        [
            ([[1, 2, 3, 4]], "a polygon that is not three"),
            ([[1, 2, 3, 4, 5, 6, 7]], "a polygon that is not three"),
            ([[1, 2, 3, 4, 5, float("inf")]], "a polygon that is not three"),
            ("x", "a polygon that is not three"),
            ({"size": [20, 31], "counts": [620]}, "an empty mask"),
            ({"size": [20, 31], "counts": [619]}, "619 pixels for an image of 620"),
        ],
    )
    def test_outlines(self, coco, segmentation, words: str) -> None:
        def change(data) -> None:
            data["annotations"][0]["segmentation"] = segmentation

        with pytest.raises(SourceError, match=rf"1 of 3 that do not: c\.png: .*{words}"):
            coco(change)
        assert coco(change, on_invalid="drop").dropped == 1

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda d: d["annotations"][0].update(category_id=7), r"among the categories\. Received 1 of 3.* 7"),
            (lambda d: d["annotations"][0].update(image_id=8), r"must be among the images\. Received 1 of 3.* 8\."),
            (lambda d: d["annotations"][0].pop("image_id"), r"must have image_id, category_id\. .*annotations\[0\]"),
            (lambda d: d["images"][1].update(width=0), r"images must have a size\. Received 20 x 0 .*'a\.png'"),
            (lambda d: d.pop("annotations"), r"must have a list 'annotations'\. Received 'images', 'categories'\. "),
            (lambda d: d["images"].clear(), r"there must be images\. Received none"),
            (lambda d: d["images"].append(d["images"][0]), r"ids of images must differ\. Received 70 twice"),
            (lambda d: d["categories"][0].update(name="person"), r"class_names must differ"),
            (lambda d: d["images"][0].update(file_name="lost.png"), r"must exist\. Received 1 of 3 .*'.*lost\.png'"),
        ],
    )  # fmt: skip
    def test_files(self, coco, change, words: str) -> None:
        with pytest.raises((SourceError, ArgumentError), match=rf"^Coco\('.*'\): .*{words}"):
            coco(change)

    def test_the_rest(self, coco, tmp_path) -> None:
        with pytest.raises(ArgumentError, match=r"something must be taken"):
            coco(boxes=False)
        with pytest.raises(ArgumentError, match=r"on_invalid must be one of 'raise', 'drop'\. .*mean 'drop'"):
            coco(on_invalid="drp")
        (tmp_path / "bad.json").write_text("{")
        with pytest.raises(SourceError, match=r"readable JSON file\. Received .*line 1"):
            Coco(tmp_path / "bad.json", tmp_path)
        with pytest.raises(SourceError, match=r"readable JSON file\. Received .*No such file"):
            Coco(tmp_path / "none.json", tmp_path)
        with pytest.raises(SourceError, match=r"root must be a folder"):
            Coco(tmp_path / "bad.json", tmp_path / "none")


def test_an_image_of_another_size_than_annotated_is_refused_as_a_file_that_fails(coco) -> None:
    source = coco(lambda found: found["images"][1].update(height=HEIGHT + 1, width=2 * WIDTH)).select([1, 0])
    words = r"annotation of .*a\.png: it must .*Received 21 x 62 \(height x width\) for 20 x 31\. Correct .*other\.$"
    with pytest.raises(SourceError, match=words):
        batch_of(source)
    pipe = al.Pipeline(source, size=(HEIGHT, WIDTH), batch_size=2, shuffle=False, on_error="skip")
    np.testing.assert_array_equal(pipe.batch(0, 0)["images"][1], picture(1))
    assert [Path(found.name).name for found in pipe.report()] == ["a.png"]
    batch_of(coco(lambda found: found["images"][1].update(height=HEIGHT + 1)))
    tf = pytest.importorskip("tensorflow")
    from augline.feed.graph.rows import Rows, as_annotated

    made = Rows(al.Pipeline(source, size=(HEIGHT, WIDTH), engine="tensorflow").batches)
    words = r"annotation of .*a\.png: it must .*Received \[21 62\] \(height, width\) for \[20 31\]\. Correct"
    with pytest.raises(tf.errors.InvalidArgumentError, match=words):
        made(tf.constant(0, tf.int64), tf.constant([0, 1]))
    nobody_says, one_off = [np.nan, np.nan], [HEIGHT + 1, WIDTH - 1]
    as_annotated(tf.constant([nobody_says, one_off]), tf.constant([[9, 8], [HEIGHT, WIDTH]]), tf.constant(["a", "b"]))


def test_crops_see_polygons_and_masks_of_objects(coco) -> None:
    """What is cut around is what comes out: boxes tight around turned polygons, and masks made of them."""
    turn, tight = al.RandomRotation((0.1, 0.1), fill_mode="constant"), al.BBoxSafeRandomCrop()
    source = coco(masks=True)
    settings = {"batch_size": 3, "shuffle": False, "seed": 4}
    whole = al.Pipeline(source, [turn, al.Resizing(40, 62)], **settings).batch(0, 0)["bounding_boxes"]
    cut = al.Pipeline(source, [turn, tight, al.Resizing(40, 62)], **settings).batch(0, 0)["bounding_boxes"]
    assert np.array_equal(whole["labels"], cut["labels"])
    sides = [rows["boxes"][..., 2:] for rows in (whole, cut)]  # xywh
    assert (sides[1] >= sides[0] - 0.01)[whole["labels"] >= 0].all()
    around = al.Pipeline(source, [turn, al.CropNonEmptyMaskIfExists(5, 5)], **settings).batch(0, 0)
    masked = np.asarray(source.targets.masks[0]).any(), np.asarray(source.targets.masks[2]).any()
    assert masked == (True, True)
    assert (around["segmentation_masks"].max(axis=(1, 2, 3)) > 0).tolist() == [True, False, True]


def test_coordinates_are_not_kept_as_python_numbers(coco) -> None:
    """Those of COCO's own files, as lists, took 4 GB."""

    def fill(data) -> None:
        corners = [round(0.37 * (k % 60), 2) for k in range(2000)]
        data["annotations"] = [data["annotations"][0] | {"segmentation": [corners]} for _ in range(100)]

    tracemalloc.start()
    source = coco(fill)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    numbers = sum(outline.size for outline in source.targets.polygons[2])
    assert numbers == 200_000
    assert peak < 25 * numbers  # the file's text, twice, and 4 bytes each; a Python number in a list takes 32

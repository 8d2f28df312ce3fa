"""Images that share one draw: several of a sample, the frames of a video, and several masks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

import augline as al
from pictures import noisy, smooth

COUNT, TIME, HEIGHT, WIDTH = 5, 3, 24, 36
RNG = np.random.default_rng(1)
LEFT, RIGHT = (np.stack([noisy(HEIGHT, WIDTH, 3, "uint8", k) for k in range(at, at + COUNT)]) for at in (0, 50))
CLASSES = RNG.integers(0, 9, (COUNT, HEIGHT, WIDTH)).astype(np.uint8)
PARTS = RNG.integers(0, 900, (COUNT, HEIGHT, WIDTH, 2)).astype(np.int32)
VIDEOS = np.stack([[smooth(HEIGHT, WIDTH, 3, "uint8", k + 7 * t) for t in range(TIME)] for k in range(COUNT)])
VIDEO_MASKS = RNG.integers(0, 9, (COUNT, TIME, HEIGHT, WIDTH)).astype(np.uint8)
POINTS = np.concatenate([RNG.uniform(2, 20, (COUNT, TIME, 4, 2)), np.full((COUNT, TIME, 4, 1), 2)], axis=-1).astype(
    np.float32
)
SWAPS = [(0, 3)]
WORK = [
    al.RandomFlip(), al.RandomRotation(0.1, fill_mode="constant"), al.RandomBrightness(0.3), al.RandomHue(0.2),
    al.OneOf([al.RandomGaussianNoise((0.05, 0.1)), al.RandomInvert()]), al.CoarseDropout((1, 3), mask_fill_value=0),
    al.RandomCrop(20, 22),
]  # fmt: skip
ENGINES = pytest.mark.parametrize("engine", ["opencv", "reference"])


def pipeline(source, transforms=WORK, **options):
    return al.Pipeline(source, transforms, batch_size=COUNT, shuffle=False, seed=3, **options)


class TestSeveralImages:
    @ENGINES
    def test_each_is_what_it_would_be_alone(self, engine):
        out = al.augment(LEFT, WORK, extra_images={"right": RIGHT}, seed=3, engine=engine)
        assert {*out} == {"images", "right"}
        assert_array_equal(out["images"], al.augment(LEFT, WORK, seed=3, engine=engine))
        assert_array_equal(out["right"], al.augment(RIGHT, WORK, seed=3, engine=engine))
        assert (out["images"] != out["right"]).any()

    @ENGINES
    def test_in_batches_too(self, engine):
        source = al.Arrays(LEFT, np.arange(COUNT), masks=CLASSES, extra_images={"right": RIGHT, "same": LEFT})
        batch = pipeline(source, engine=engine).batch(0, 0)
        assert {*batch} == {"images", "labels", "right", "same", "segmentation_masks"}
        assert_array_equal(batch["same"], batch["images"])
        assert_array_equal(batch["right"], pipeline(al.Arrays(RIGHT), engine=engine).batch(0, 0))

    def test_of_files_decoded_small(self, tmp_path):
        paths = {}
        for side, at in (("left", 0), ("right", 9)):
            paths[side] = [tmp_path / f"{side}{k}.{'png' if side == 'right' and k == 1 else 'jpg'}" for k in range(3)]
            for k, path in enumerate(paths[side]):
                Image.fromarray(smooth(400, 600, 3, "uint8", at + k)).save(path)
        both = al.Files(paths["left"], extra_images={"right": paths["right"]})
        work = [al.RandomFlip(), al.RandomBrightness(0.3)]
        batch = pipeline(both, work, size=(40, 60)).batch(0, 0)
        alone = {side: pipeline(al.Files(paths[side]), work, size=(40, 60)).batch(0, 0) for side in paths}
        assert_array_equal(batch["right"][[0, 2]], alone["right"][[0, 2]])
        assert_array_equal(batch["images"][[0, 2]], alone["left"][[0, 2]])
        # beside a PNG, which no decoder shrinks, a JPEG is averaged instead
        assert np.abs(batch["images"][1].astype(int) - alone["left"][1]).max() <= 3
        assert np.abs(batch["right"][1].astype(int) - alone["right"][1]).max() <= 3

    def test_yaml_split_and_tensorflow_know_them(self, tmp_path):
        tf = pytest.importorskip("tensorflow")
        paths = [tmp_path / f"{k}.png" for k in range(8)]
        for k, path in enumerate(paths):
            Image.fromarray(np.full((9, 9, 3), k * 30, np.uint8)).save(path)
        source = al.Files(paths, extra_images={"next": [*paths[1:], paths[0]]})
        again = al.Pipeline.from_yaml(al.Pipeline(source, size=(4, 5)).to_yaml()).source
        assert again.extra_images["next"].paths == [str(p) for p in [*paths[1:], paths[0]]]
        part = al.Pipeline(source, size=(4, 5), batch_size=2).split(0.25)[0]
        for batch in part:
            assert ((batch["images"] + 30) % 240 == batch["next"]).all()
        spec = part.to_tf().element_spec["next"]
        assert (spec.shape.as_list(), spec.dtype) == ([2, 4, 5, 3], tf.uint8)

    def test_of_different_sizes_on_the_way_in(self):
        sizes = [(20, 30), (25, 31)]
        one, two = ([noisy(*size, 3, "uint8", at) for size in sizes] for at in (0, 4))
        out = al.augment(one, WORK, extra_images={"two": two}, seed=3)
        assert_array_equal(out["two"], al.augment(two, WORK, seed=3))
        batch = al.Pipeline(al.Arrays(one, extra_images={"two": two}), WORK, batch_size=2, shuffle=False, seed=3)
        assert_array_equal(batch.batch(0, 0)["two"], out["two"])

    def test_a_pair_of_two_sizes_is_found_when_read(self, tmp_path):
        for name, size in (("a", (8, 9)), ("b", (9, 8)), ("c", (8, 9))):
            Image.fromarray(np.zeros((*size, 3), np.uint8)).save(tmp_path / f"{name}.png")
        a, b, c = (tmp_path / f"{name}.png" for name in "abc")
        pipe = al.Pipeline(al.Files([a], extra_images={"x": [b]}), size=(4, 4), batch_size=1)
        with pytest.raises(
            al.SourceError, match=r"extra_images\['x'\]: images of a sample must have one size\. Received 9 x"
        ):
            pipe.batch(0, 0)
        pipe = al.Pipeline(al.Files([a, a], extra_images={"x": [b, c]}), size=(4, 4), batch_size=2, on_error="skip")
        assert pipe.batch(0, 0)["x"].shape == (2, 4, 4, 3)
        assert len(pipe.report()) == 1

    @pytest.mark.parametrize(
        ("extra", "words"),
        [
            ({"right": RIGHT[:2]}, r"2 .* for 5 images"),
            ({"right": RIGHT[:, :-1]}, r"must .*the images' type and size"),
            ({"right": RIGHT.astype("float32") / 255}, r"must .*the images' type and size.*can go into masks="),
            ({"right": RIGHT[..., :1]}, r"must .*the images' type and size"),
            ({"labels": RIGHT}, r"'labels'.*Choose another name"),
        ],
    )
    def test_what_does_not_belong_together(self, extra, words):
        for make in (al.Arrays, lambda images, **given: al.augment(images, [], **given)):
            with pytest.raises(al.ArgumentError, match=words):
                make(LEFT, extra_images=extra)


class TestSeveralMasks:
    MASKS = {"classes": CLASSES, "parts": PARTS}  # noqa: RUF012

    @ENGINES
    def test_each_keeps_its_type_and_is_what_it_would_be_alone(self, engine):
        out = al.augment(LEFT, WORK, masks=self.MASKS, seed=3, engine=engine)["masks"]
        batch = pipeline(al.Arrays(LEFT, masks=self.MASKS), engine=engine).batch(0, 0)["segmentation_masks"]
        for name, mask in self.MASKS.items():
            alone = al.augment(LEFT, WORK, masks=mask, seed=3, engine=engine)["masks"]
            assert out[name].dtype == mask.dtype
            assert_array_equal(out[name], alone)
            assert_array_equal(batch[name].reshape(alone.shape), alone)

    def test_fills_of_their_own(self):
        fills = {"classes": 255, "parts": -1}
        shift = al.RandomTranslation((0.25, 0.25), (0, 0), fill_mode="constant", mask_fill_value=fills)
        hole = al.RandomErasing((1, 1), (0.1, 0.1), mask_fill_value={"classes": 77, "parts": -7})
        out = al.augment(LEFT, [shift, hole], masks=self.MASKS)["masks"]
        assert (out["classes"][:, 0, 0] == 255).all() or (out["classes"][:, 0, -1] == 255).all()
        for name, fill, painted in (("classes", 255, 77), ("parts", -1, -7)):
            top = out[name][:, :6]
            assert {*np.unique(top).tolist()} <= {fill, painted}
            assert (out[name] == painted).any()
        assert al.RandomTranslation(0.1, 0.1, mask_fill_value=fills).mask_fill_value == fills

    def test_yaml_holds_names_and_fills(self, tmp_path):
        Image.fromarray(LEFT[0]).save(tmp_path / "a.png")
        Image.fromarray(CLASSES[0]).save(tmp_path / "m.png")
        work = [al.RandomTranslation(0.1, 0.1, fill_mode="constant", mask_fill_value={"one": 9, "two": 0})]
        masks = {"one": [tmp_path / "m.png"], "two": [tmp_path / "m.png"]}
        pipe = al.Pipeline(al.Files([tmp_path / "a.png"], masks=masks), work, size=(HEIGHT, WIDTH), batch_size=1)
        again = al.Pipeline.from_yaml(pipe.to_yaml())
        assert again.transforms == pipe.transforms
        for name, mask in pipe.batch(0, 0)["segmentation_masks"].items():
            assert_array_equal(again.batch(0, 0)["segmentation_masks"][name], mask)
        with pytest.raises(al.SourceError, match="every file must exist"):
            al.Files([tmp_path / "a.png"], masks={"one": [tmp_path / "none.png"]})

    def test_in_tensorflow(self):
        pytest.importorskip("tensorflow")
        spec = pipeline(al.Arrays(LEFT, masks=self.MASKS)).to_tf().element_spec["segmentation_masks"]
        assert {name: part.shape.as_list() for name, part in spec.items()} == {
            "classes": [COUNT, 20, 22, 1], "parts": [COUNT, 20, 22, 2],
        }  # fmt: skip

    def test_on_error_skip_fills_every_mask(self, tmp_path):
        paths = [tmp_path / f"{k}.png" for k in range(2)]
        for path, image in zip(paths, LEFT, strict=False):
            Image.fromarray(image).save(path)
        (tmp_path / "0.png").write_bytes(b"nothing")
        masks = {name: mask[:2] for name, mask in self.MASKS.items()}
        source = al.Files(paths, masks=masks)
        pipe = al.Pipeline(source, size=(HEIGHT, WIDTH), batch_size=2, shuffle=False, on_error="skip")
        for mask in pipe.batch(0, 0)["segmentation_masks"].values():
            assert_array_equal(mask[0], mask[1])

    @pytest.mark.parametrize(
        ("masks", "fill", "words"),
        [
            ({"a": CLASSES, "b": PARTS[:2]}, 0, r"masks\['b'\] must be as long as the images"),
            ({"a": CLASSES, "b": PARTS[:, 1:]}, 0, r"must have the size of their images"),
            ({"a": CLASSES, "b": PARTS}, {"a": 1}, r"a value for each of the masks\. Received none for 'b'"),
            ({"a": CLASSES, "b": PARTS}, -1, r"RandomTranslation\(mask_fill_value=-1\): .*masks of uint8"),
            (CLASSES, {"a": 1}, r"Received masks without names\. Name all"),
        ],
    )
    def test_bad_ones(self, masks, fill, words):
        work = [al.RandomTranslation(0.1, 0.1, fill_mode="constant", mask_fill_value=fill)]
        with pytest.raises(al.ArgumentError, match=words):
            pipeline(al.Arrays(LEFT, masks=masks), work)
        with pytest.raises(al.ArgumentError, match=words):
            al.augment(LEFT, work, masks=masks)

    @pytest.mark.parametrize("value", ["255", 1.5, True, {"a": 0.5}, {1: 2}])
    def test_a_fill_is_a_whole_number(self, value):
        with pytest.raises(
            al.ArgumentError, match=r"mask_fill_value.*must be a whole number, or one by name of the masks"
        ):
            al.RandomTranslation(0.1, 0.1, mask_fill_value=value)


class TestVideo:
    @ENGINES
    def test_each_frame_is_what_a_still_of_that_id_is(self, engine):
        out = al.augment(VIDEOS, WORK, masks=VIDEO_MASKS, keypoints=POINTS, keypoint_swaps=SWAPS, seed=3, engine=engine)
        assert out["images"].shape == (COUNT, TIME, 20, 22, 3)
        assert out["masks"].shape == (COUNT, TIME, 20, 22)
        for t in range(TIME):
            still = al.augment(
                VIDEOS[:, t], WORK, masks=VIDEO_MASKS[:, t], keypoints=POINTS[:, t], keypoint_swaps=SWAPS, seed=3,
                engine=engine,
            )  # fmt: skip
            assert_array_equal(out["images"][:, t], still["images"])
            assert_array_equal(out["masks"][:, t], still["masks"])
            assert_array_equal(np.stack(out["keypoints"])[:, t], np.stack(still["keypoints"]))

    @ENGINES
    def test_in_batches_too(self, engine):
        source = al.Arrays(
            VIDEOS, np.arange(COUNT), masks=VIDEO_MASKS, keypoints=POINTS, keypoint_swaps=SWAPS,
            extra_images={"depth": VIDEOS[:, ::-1]},
        )  # fmt: skip
        assert repr(source) == "Arrays(5 videos of 3 frames, 24x36x3 uint8)"
        batch = pipeline(source, engine=engine).batch(2, 0)
        out = al.augment(
            VIDEOS, WORK, masks=VIDEO_MASKS, keypoints=POINTS, keypoint_swaps=SWAPS, seed=3, epoch=2, engine=engine
        )
        assert_array_equal(batch["images"], out["images"])
        assert_array_equal(batch["depth"][:, ::-1], out["images"])
        assert_array_equal(batch["segmentation_masks"][..., 0], out["masks"])
        assert_array_equal(batch["keypoints"], np.stack(out["keypoints"]))
        part = pipeline(source.select([3, 1]), engine=engine).batch(2, 0)
        assert_array_equal(part["images"], out["images"][[3, 1]])

    def test_videos_differ_and_frames_agree(self):
        same = np.broadcast_to(VIDEOS[0, 0], VIDEOS.shape)
        out = al.augment(same, WORK, seed=3)
        assert (out == out[:, :1]).all()
        assert len({video[0].tobytes() for video in out}) == COUNT

    def test_lists_of_different_sizes(self):
        videos = [noisy(20, 30 * TIME, 3).reshape(TIME, 20, 30, 3), noisy(25, 31 * TIME, 3).reshape(TIME, 25, 31, 3)]
        out = al.augment(videos, WORK, seed=3)
        assert out.shape == (2, TIME, 20, 22, 3)
        batch = al.Pipeline(al.Arrays(videos), WORK, batch_size=2, shuffle=False, seed=3).batch(0, 0)
        assert_array_equal(batch, out)
        longer = [videos[0], videos[1][:2]]
        assert [video.shape[0] for video in al.augment(longer, WORK, seed=3)] == [TIME, 2]
        with pytest.raises(al.ArgumentError, match=r"one number of channels, and of frames\. Received 'uint8 with 3"):
            al.Arrays(longer)

    def test_shapes_in_tensorflow(self):
        pytest.importorskip("tensorflow")
        source = al.Arrays(
            VIDEOS, np.arange(COUNT), masks=VIDEO_MASKS, keypoints=POINTS, boxes=[[[[1, 2, 8, 9]]] * TIME] * COUNT
        )
        dataset = pipeline(source).to_tf()
        specs = {**dataset.element_spec, **dataset.element_spec["bounding_boxes"]}
        shapes = {name: spec.shape.as_list() for name, spec in specs.items() if name != "bounding_boxes"}
        assert shapes == {
            "images": [COUNT, TIME, 20, 22, 3], "labels": [COUNT, TIME, 1], "boxes": [COUNT, TIME, 1, 4],
            "segmentation_masks": [COUNT, TIME, 20, 22, 1],
            "keypoints": [COUNT, TIME, 4, 3],
        }  # fmt: skip
        assert next(iter(dataset))["images"].shape == (COUNT, TIME, 20, 22, 3)

    def test_a_sheet_shows_a_frame(self, tmp_path):
        for targets in ({}, {"masks": VIDEO_MASKS, "keypoints": POINTS, "boxes": [[[[1, 2, 8, 9]]] * TIME] * COUNT}):
            assert pipeline(al.Arrays(VIDEOS, **targets)).preview(tmp_path / "sheet.png", samples=2).exists()

    def test_boxes_polygons_and_their_labels_frame_by_frame(self):
        boxes = [
            [[[2 + t, 3, 12 + t, 13], [20, 10, 21 + k, 20]][: 1 + (k + t) % 2] for t in range(TIME)]
            for k in range(COUNT)
        ]
        names = [[np.arange(len(rows)) + 10 * t for t, rows in enumerate(video)] for video in boxes]
        outlines = [[[[[a, b], [c, b], [c, d]] for a, b, c, d in rows] for rows in video] for video in boxes]
        keep = al.BoxFilter(min_visibility=0.4, max_boxes=2)
        given = {"boxes": boxes, "labels": names, "polygons": outlines}
        out = al.augment(VIDEOS, WORK, seed=3, box_filter=keep, **given)
        for t in range(TIME):
            still = al.augment(
                VIDEOS[:, t], WORK, seed=3, box_filter=keep,
                **{name: [video[t] for video in column] for name, column in given.items()},
            )  # fmt: skip
            for k in range(COUNT):
                assert_array_equal(out["boxes"][k][t], still["boxes"][k])
                assert_array_equal(out["labels"][k][t], still["labels"][k])
                for ours, wanted in zip(out["polygons"][k][t], still["polygons"][k], strict=True):
                    assert_array_equal(ours, wanted)
        source = al.Arrays(VIDEOS, boxes=boxes, box_labels=names, polygons=outlines)
        pipe = pipeline(source, box_filter=keep)
        found = pipe.batch(0, 0)["bounding_boxes"]
        assert (found["boxes"].shape, found["labels"].shape) == ((COUNT, TIME, 2, 4), (COUNT, TIME, 2))
        for k in range(COUNT):
            for t in range(TIME):
                real = found["labels"][k, t] >= 0
                assert_array_equal(found["boxes"][k, t][real], out["boxes"][k][t])
                assert found["labels"][k, t][real].tolist() == out["labels"][k][t].tolist()
        assert pipeline(source).batch(0, 0)["bounding_boxes"]["boxes"].shape == (COUNT, TIME, 2, 4)
        assert_array_equal(
            pipeline(source.select([4, 2]), box_filter=keep).batch(0, 0)["bounding_boxes"]["boxes"],
            found["boxes"][[4, 2]],
        )

    def test_what_videos_cannot_have(self):
        boxes = [[[1, 2, 8, 9]]] * COUNT
        for make in (al.Arrays, lambda images, **given: al.augment(images, [], **given)):
            with pytest.raises(
                al.ArgumentError, match=r"boxes of a video must be one entry per frame\. Received 1 for 3"
            ):
                make(VIDEOS, boxes=boxes)
            with pytest.raises(
                al.ArgumentError, match=r"keypoints must be one array \(3, n, 2\) or \(3, n, 3\) per image"
            ):
                make(VIDEOS, keypoints=POINTS[:, 0])
            with pytest.raises(al.ArgumentError, match=r"masks must have the size|masks: each must be"):
                make(VIDEOS, masks=VIDEO_MASKS[:, 0])
        with pytest.raises(al.ArgumentError, match=r"one length\. Received keypoints for videos of 2 and 3 frames"):
            al.augment([VIDEOS[0], VIDEOS[1, :2]], [], keypoints=POINTS[:2])
        with pytest.raises(al.ArgumentError, match=r"trace\(\): the way back is kept for images\. Received videos"):
            pipeline(al.Arrays(VIDEOS)).trace(0, 0)


def test_floats_out_of_their_range_are_refused():
    for make in (al.Arrays, lambda images: al.augment(images, [])):
        with pytest.raises(
            al.ArgumentError, match=r"must lie in value_range \(0, 1\)\. Received values .*Pass value_range=\(0, 2"
        ):
            make(LEFT.astype("float32"))
        with pytest.raises(al.ArgumentError, match=r"Pass value_range=\(-1, 1\)"):
            make(LEFT.astype("float32") / 127.5 - 1)
    assert al.augment(LEFT.astype("float32"), [], value_range=(0, 255)).max() > 1

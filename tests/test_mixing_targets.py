"""What travels with mixed images: every point is a pixel of a colour of its own, every object an area of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import augline as al
from augline.random import Draw
from augline.sources.boxes import to_xyxy
from augline.sources.polygons import paint

COUNT, HEIGHT, WIDTH, PLACES = 22, 40, 56, 4
ALL = np.arange(COUNT)
SWAPS = [(0, 1)]


def scene() -> dict[str, Any]:
    """Black images; a point is one pixel (image + 1, point + 1, 200), and half of each is covered by a mask."""
    rng = np.random.default_rng(3)
    images, points = np.zeros((COUNT, HEIGHT, WIDTH, 3), np.uint8), []
    for number, image in enumerate(images):
        count = (2, 3, 4, 0)[number % 4]
        flat = rng.choice(HEIGHT * WIDTH, count, replace=False)
        y, x = np.divmod(flat, WIDTH)
        seen = np.asarray([2, 1, 2, 0])[:count]
        image[y[seen > 0], x[seen > 0], 0] = number + 1
        image[y[seen > 0], x[seen > 0], 1] = np.flatnonzero(seen) + 1
        image[y[seen > 0], x[seen > 0], 2] = 200
        points.append(np.stack([x, y, seen], axis=1).astype(np.float32).reshape(-1, 3))
    masks = np.zeros((COUNT, HEIGHT, WIDTH), np.uint8)
    for number, mask in enumerate(masks):
        mask[number % 9 : 20 + number, 5 + number :] = 1 + number
    return {"images": images, "keypoints": points, "masks": masks}


SCENE = scene()
FLIP = al.RandomFlip("horizontal", p=1)
NOTHING = (-1, -1, 0)


def source(**changes: Any) -> al.Arrays:
    return al.Arrays(**{**SCENE, "keypoint_swaps": SWAPS, **changes})


def batch(mix: Any, data: al.Arrays, **settings: Any) -> Any:
    pipe = al.Pipeline(data, mix, batch_size=len(data), seed=9, shuffle=False, **settings)
    return pipe.batch(0, 0)


def partners(path: str, count: int) -> Any:
    return (Draw(9, 0, ALL).at(path).uniform("partner", shape=(count,)) * COUNT).astype(int)


def colours(image: Any) -> set[tuple[int, int, int]]:
    """(point, x, y) of each coloured pixel."""
    return {(int(image[y, x, 1]) - 1, x, y) for y, x in np.argwhere(image[..., 2]).tolist()}


PASTED = {
    "mosaic": [al.Mosaic(fill_value=0)],
    "larger mosaic": [al.Mosaic(90, 72, centre=(0.3, 0.7), fill_value=0)],
    "cutmix": [al.CutMix()],
    "cutmix, sometimes": [al.RandomFlip(), al.CutMix(p=0.5), FLIP],
    "either": [al.RandomFlip(), al.MixUpOrCutMix(p=0.7, switch=1.0), FLIP],
    "copy": [al.CopyPaste()],
    "copy, twice": [al.RandomFlip(), al.CopyPaste(), al.RandomFlip("vertical"), al.CopyPaste(p=0.6)],
    "two": [al.RandomFlip(), al.Mosaic(fill_value=0), al.RandomFlip(), al.CutMix(), al.RandomFlip()],
}


@pytest.mark.parametrize("engine", ["opencv", "reference"])
@pytest.mark.parametrize("name", PASTED)
def test_points_are_visible_where_their_pixels_are(name: str, engine: str) -> None:
    mixes = [item for item in PASTED[name] if hasattr(item, "partners")]
    blocks = int(np.prod([1 + item.partners for item in mixes]))
    got = batch(PASTED[name], source(keypoint_swaps=()), engine=engine)
    assert got["keypoints"].shape == (COUNT, blocks * PLACES, 3)
    shown = 0
    for image, points in zip(got["images"], got["keypoints"], strict=True):
        there = np.flatnonzero(points[:, 2])
        visible = {(number % PLACES, *points[number, :2].round().astype(int).tolist()) for number in there.tolist()}
        assert visible == colours(image)
        assert_allclose(points[there], np.round(points[there]), atol=1e-4)
        shown += len(visible)
    assert shown > COUNT


def test_points_of_each_image_keep_their_block_and_their_number() -> None:
    got = batch([al.Mosaic(fill_value=0)], source())
    mates = np.concatenate([ALL[:, None], partners("Mosaic", 3)], axis=1)
    centre = Draw(9, 0, ALL).at("Mosaic").uniform("centre", 0.25, 0.75, shape=(2,))
    for number, points in enumerate(got["keypoints"]):
        y, x = round(centre[number, 0] * HEIGHT), round(centre[number, 1] * WIDTH)
        corners = [(x - WIDTH, y - HEIGHT), (x, y - HEIGHT), (x - WIDTH, y), (x, y)]
        for mate, (across, down), block in zip(mates[number], corners, points.reshape(4, PLACES, 3), strict=True):
            given = SCENE["keypoints"][mate]
            assert_array_equal(block[: len(given), :2], given[:, :2] + (across, down))
            inside = (block[:, 0] >= 0) & (block[:, 0] < WIDTH) & (block[:, 1] >= 0) & (block[:, 1] < HEIGHT)
            assert_array_equal(block[: len(given), 2], given[:, 2] * inside[: len(given)])
            assert (block[len(given) :] == NOTHING).all()


def test_mixup_keeps_the_points_of_both() -> None:
    got, (mate,) = batch([al.MixUp(0.4)], source())["keypoints"], partners("MixUp", 1).T
    for number, points in enumerate(got):
        for one, block in zip((number, mate[number]), points.reshape(2, PLACES, 3), strict=True):
            given = SCENE["keypoints"][one]
            assert_array_equal(block[: len(given)], given)
            assert (block[len(given) :] == NOTHING).all()


def test_who_takes_no_part_has_no_points() -> None:
    got = batch([al.CutMix(p=0.5)], source())["keypoints"]
    alone = ~Draw(9, 0, ALL).at("CutMix").chance("p", 0.5)
    assert 0 < alone.sum() < COUNT
    assert (got[alone, PLACES:] == NOTHING).all()
    mates = partners("CutMix", 1)[:, 0]
    some = np.asarray([len(SCENE["keypoints"][mate]) for mate in mates])
    cut = got[~alone & (some > 0), PLACES]
    assert (cut[:, :2] >= 0).all()  # hidden or not, a point keeps its place


def test_left_and_right_change_places_in_every_block() -> None:
    plain, turned = (batch([al.Mosaic(), *more], source())["keypoints"] for more in ([], [FLIP]))
    order = [1, 0, 2, 3]
    for one, other in zip(plain.reshape(-1, PLACES, 3), turned.reshape(-1, PLACES, 3), strict=True):
        wanted = one[order]
        taken = ~(wanted == NOTHING).all(axis=1)
        assert_allclose(other[taken, 0], WIDTH - 1 - wanted[taken, 0], atol=1e-4)
        assert_allclose(other[taken, 1:], wanted[taken, 1:], atol=1e-4)
        assert_array_equal(other[~taken], wanted[~taken])


def test_points_without_visibility_say_by_their_place_that_they_are_gone() -> None:
    whole = source(keypoints=[points[points[:, 2] > 0] for points in SCENE["keypoints"]], keypoint_swaps=())
    flat = source(keypoints=[points[points[:, 2] > 0, :2] for points in SCENE["keypoints"]], keypoint_swaps=())
    for mix in ([al.Mosaic()], [al.CopyPaste(p=0.7), FLIP]):
        with_third, without = (batch(mix, data)["keypoints"] for data in (whole, flat))
        assert without.shape == (*with_third.shape[:2], 2)
        assert_array_equal(without, np.where(with_third[..., 2:] > 0, with_third[..., :2], -1))


def test_points_have_one_shape_whatever_their_number() -> None:
    pipe = al.Pipeline(source(), [al.Mosaic()], batch_size=5)
    assert pipe.batches.fields()["keypoints"].shape == (4 * PLACES, 3)
    assert [b["keypoints"].shape for b in pipe.epoch(0)] == [(5, 16, 3)] * 4 + [(2, 16, 3)]
    tf = pytest.importorskip("tensorflow")
    assert pipe.to_tf().element_spec["keypoints"] == tf.TensorSpec((None, 16, 3), tf.float32)


# objects: one colour each, in places that do not overlap


def objects() -> tuple[Any, Any]:
    rng = np.random.default_rng(8)
    images, boxes = np.zeros((COUNT, HEIGHT, WIDTH, 1), np.uint16), []
    for number, image in enumerate(images):
        rows = []
        for place, (top, left) in enumerate([(0, 0), (0, 28), (20, 0), (20, 28)][: 1 + number % 4]):
            y, x = top + rng.integers(0, 8), left + rng.integers(0, 12)
            box = (x, y, x + rng.integers(4, 15), y + rng.integers(4, 11))
            image[box[1] : box[3], box[0] : box[2]] = 1 + 10 * number + place
            rows.append(box)
        boxes.append(np.asarray(rows, np.float32))
    return images, boxes


IMAGES, BOXES = objects()
NAMES = [1 + 10 * number + np.arange(len(rows)) for number, rows in enumerate(BOXES)]


def around(image: Any, name: int) -> tuple[list[int], int]:
    """The box around the pixels of a colour, and how many there are."""
    y, x = np.nonzero(image[..., 0] == name)
    return [x.min(), y.min(), x.max() + 1, y.max() + 1] if len(y) else [], len(y)


@pytest.mark.parametrize("visible", [0.0, 0.6])
@pytest.mark.parametrize("mix", [al.CutMix(), al.Mosaic(fill_value=0), al.CopyPaste()], ids=str)
def test_boxes_are_those_around_what_shows(mix: Any, visible: float) -> None:
    source = al.Arrays(IMAGES, boxes=BOXES, box_labels=NAMES, masks=IMAGES)
    keep = al.BoxFilter(min_visibility=visible)
    pipe = al.Pipeline(source, [mix], batch_size=COUNT, box_filter=keep, shuffle=False)
    full = {name: around(image, name)[1] for image in IMAGES for name in np.unique(image)[1:].tolist()}
    cut = left_out = 0
    for epoch in range(6):
        got, samples = pipe.batch(epoch, 0), pipe.batches.drawn(epoch, ALL, source.ids)[0].reshape(COUNT, -1)
        for mixed, image, *found in zip(samples, got["images"], *got["bounding_boxes"].values(), strict=True):
            rows, names = (column[found[1] >= 0] for column in found)
            if len({*mixed.tolist()}) < len(mixed):
                continue  # one of them twice
            shown = {name: around(image, name) for name in np.unique(image)[1:].tolist()}
            stays = [name for name, (_, pixels) in shown.items() if pixels >= visible * full[name]]
            assert sorted(names.tolist()) == stays
            for box, name in zip(rows.tolist(), names.tolist(), strict=True):
                assert box == shown[name][0]
            cut += sum(pixels < full[name] for name, (_, pixels) in shown.items())
            left_out += len(shown) - len(stays)
    assert cut > 3 * COUNT
    assert left_out > COUNT / 2 or not visible


def test_how_large_boxes_are_counts_where_images_come_out() -> None:
    """What is small where images are mixed may be large enough later."""
    source = al.Arrays(IMAGES, boxes=BOXES, box_labels=NAMES)
    work = [al.Mosaic(), al.RandomFlip(), al.CutMix(), al.Resizing(3 * HEIGHT, 3 * WIDTH)]
    some = {"min_area": 300.0, "min_width": 15.0, "min_height": 15.0}
    every, large = (batch(work, source, box_filter=al.BoxFilter(**f))["bounding_boxes"] for f in ({}, some))
    for rows, names, left in zip(every["boxes"], every["labels"], large["labels"], strict=True):
        sides = rows[:, 2:] - rows[:, :2]
        stays = (names >= 0) & (sides.prod(axis=1) >= 300) & (sides >= 15).all(axis=1)
        assert left[left >= 0].tolist() == names[stays].tolist()
    assert (every["labels"] >= 0).sum() > (large["labels"] >= 0).sum() > COUNT


@pytest.mark.parametrize("outlined", [False, True])
def test_what_is_gone_counts_from_mixing_to_mixing(outlined: bool) -> None:
    """20 pixels lose 8 in front of a mixing, 4 of those that are left behind it: 8 of 20 can be seen."""
    thing = [[[0, 4], [20, 4], [20, 30], [0, 30]]] if outlined else [[0, 4, 20, 30]]
    source = al.Arrays(IMAGES[:4], **{"polygons" if outlined else "boxes": [thing] * 4})
    left = [al.RandomTranslation((0, 0), (-k / WIDTH, -k / WIDTH), fill_mode="constant") for k in (8, 4)]
    for share, stays in {0.39: 2, 0.41: 0}.items():
        keep = al.BoxFilter(min_visibility=share)
        found = batch([left[0], al.MixUp(), left[1]], source, box_filter=keep)["bounding_boxes"]["boxes"]
        assert ((found >= 0).all(axis=-1).sum(axis=1) == stays).all()
        assert_allclose(found[found >= 0].reshape(-1, 4), np.tile([0, 4, 8, 30], (4 * stays, 1)), atol=1e-4)


SECOND = {
    "cutmix": [al.CutMix()],
    "copy": [al.CopyPaste()],
    "copy what was turned": [al.RandomFlip(p=0.5), al.CopyPaste(), al.RandomFlip("vertical"), al.CopyPaste(p=0.5)],
}


@pytest.mark.parametrize("second", SECOND)
def test_of_two_that_lie_over_a_box_each_takes_its_own_from_it(second: str) -> None:
    source = al.Arrays(IMAGES, boxes=BOXES, box_labels=NAMES, masks=IMAGES)
    got, shown, tight = batch([al.CutMix(), *SECOND[second]], source), 0, []
    assert_array_equal(got["images"], got["segmentation_masks"])
    for image, rows, names in zip(got["images"], *got["bounding_boxes"].values(), strict=True):
        for name in np.unique(image)[1:].tolist():
            (left, top, right, bottom), _ = around(image, name)
            boxes = rows[names == name]
            holds = (boxes[:, 0] <= left) & (boxes[:, 1] <= top) & (boxes[:, 2] >= right) & (boxes[:, 3] >= bottom)
            assert len(boxes) > 1 or holds.all()
            shown += len(boxes)
            tight += [box.tolist() == [left, top, right, bottom] for box in boxes if len(boxes) == 1]
    assert shown > COUNT
    assert np.mean(tight) > 0.94  # a box that is covered at a corner and then along a side is larger than what is left


def slanted(number: int) -> list[Any]:
    """Squares that stand on a corner, whose boxes are half empty; one of two parts."""
    kite = np.asarray([(0, -10), (9, 0), (0, 9), (-9, 0)], np.float32)
    one = np.add(kite, (12 + number % 7, 13 + number % 5))
    gap = np.full((1, 2), np.nan, np.float32)
    two = np.concatenate([kite * 0.8 + (42, 10), gap, kite * 0.7 + (44, 30 + number % 3)])
    return [one, two][: 1 + number % 2]


POLYGONS = [slanted(number) for number in range(COUNT)]
OUTLINED = [1 + 10 * number + np.arange(len(rows)) for number, rows in enumerate(POLYGONS)]


def painted() -> Any:
    masks = np.zeros((COUNT, HEIGHT, WIDTH), np.uint16)
    for mask, rows, names in zip(masks, POLYGONS, OUTLINED, strict=True):
        for polygon, name in zip(rows, names.tolist(), strict=True):
            paint(mask, polygon, name)
    return masks


TURN = al.RandomRotation((0.1, 0.13), fill_mode="constant")
OUTLINE_LISTS = {
    "mosaic": [al.Mosaic(80, 112, centre=(0.4, 0.6), fill_value=0), TURN],
    "cutmix": [al.CutMix(alpha=5.0), TURN],
    "turned before": [TURN, al.CutMix(), al.RandomFlip()],
    "copy": [al.CopyPaste(), TURN],
    "two": [al.RandomFlip(), al.Mosaic(), TURN, al.CutMix(p=0.5), al.RandomZoom(0.1, fill_mode="constant")],
}


@pytest.mark.parametrize("form", ["xyxy", "rel_center_xywh"])
@pytest.mark.parametrize("name", OUTLINE_LISTS)
def test_boxes_with_outlines_stay_tight(name: str, form: str) -> None:
    masks, size = painted(), (HEIGHT, WIDTH)
    scale = np.float32(size[::-1]) if form.startswith("rel") else np.float32((1, 1))
    polygons = [[polygon / scale for polygon in rows] for rows in POLYGONS]
    data = al.Arrays(np.zeros((COUNT, *size, 3), np.uint8), masks=masks, polygons=polygons, box_labels=OUTLINED,
                     bounding_box_format=form)  # fmt: skip
    got = batch(OUTLINE_LISTS[name], data, engine="reference")
    after, apart = got["images"].shape[1:3], []
    for mask, rows, names in zip(got["segmentation_masks"], *got["bounding_boxes"].values(), strict=True):
        corners = to_xyxy(np.asarray(rows[names >= 0], np.float64), form, after)
        for box, label in zip(corners, names[names >= 0].tolist(), strict=True):
            wanted, pixels = around(mask, label)
            if (names == label).sum() == 1 and pixels:
                assert (box[:2] <= np.add(wanted[:2], 1.6)).all()
                assert (box[2:] >= np.subtract(wanted[2:], 1.6)).all()
                apart.append(np.abs(box - wanted).max())
    assert len(apart) > COUNT
    assert np.mean(np.less(apart, 1.6)) > 0.9  # a few are cut to slivers that hold no pixel


# several of a kind

MIXES = [
    al.MixUp(0.4),
    al.CutMix(),
    al.MixUpOrCutMix(0.4),
    al.Mosaic(centre=(0.2, 0.9)),
    al.CopyPaste(),
    al.CopyPaste(p=0.5),
]


@pytest.mark.parametrize("mix", MIXES, ids=str)
def test_masks_by_name_are_mixed_alike(mix: Any) -> None:
    first = SCENE["masks"]
    second = np.roll(first, 9, axis=2)[..., None].astype(np.int32) * np.asarray([1, 300])
    named = batch([FLIP, mix], source(masks={"a": first, "b": second}))
    assert_array_equal(named["segmentation_masks"]["a"], batch([FLIP, mix], source())["segmentation_masks"])
    assert named["segmentation_masks"]["b"].shape[3] == 2
    if mix == al.CopyPaste():  # the first says what is an object
        shows = first[partners("CopyPaste", 1)[:, 0]][:, :, ::-1, None] > 0
        wanted = np.where(shows, second[partners("CopyPaste", 1)[:, 0]][:, :, ::-1], second[:, :, ::-1])
        assert_array_equal(named["segmentation_masks"]["b"], wanted)
    elif not isinstance(mix, al.CopyPaste):
        alone = batch([FLIP, mix], source(masks=second))
        assert_array_equal(named["segmentation_masks"]["b"], alone["segmentation_masks"])


@pytest.mark.parametrize("mix", MIXES, ids=str)
def test_further_images_are_mixed_by_the_same_draw(mix: Any) -> None:
    right = np.random.default_rng(4).integers(0, 256, SCENE["images"].shape, np.uint8)
    list_ = [al.RandomFlip(), mix, al.RandomRotation(0.1)]
    both = batch(list_, source(extra_images={"right": right}))
    alone = batch(list_, source(images=right))
    assert_array_equal(both["right"], alone["images"])
    assert_array_equal(both["images"], batch(list_, source())["images"])
    assert_array_equal(both["keypoints"], alone["keypoints"])


@pytest.mark.parametrize("mix", MIXES, ids=str)
def test_every_frame_of_a_video_is_mixed_by_the_same_draw(mix: Any) -> None:
    rng, time = np.random.default_rng(6), 3
    videos = rng.integers(0, 256, (COUNT, time, HEIGHT, WIDTH, 3), np.uint8)
    masks = np.stack([np.roll(SCENE["masks"], 7 * t, axis=1) for t in range(time)], axis=1)
    boxes = [[rows + 0.5 * t for t in range(time)] for rows in BOXES]
    points = [np.stack([np.add(rows, (t, 0, 0)) for t in range(time)]) for rows in SCENE["keypoints"]]
    list_ = [al.RandomFlip(), mix, al.RandomFlip("vertical")]
    keep = {"box_filter": al.BoxFilter(max_boxes=9, min_area=4)}
    got = batch(list_, al.Arrays(videos, masks=masks, boxes=boxes, keypoints=points, keypoint_swaps=SWAPS), **keep)
    for t in range(time):
        still = al.Arrays(videos[:, t], masks=masks[:, t], boxes=[rows[t] for rows in boxes],
                          keypoints=[rows[t] for rows in points], keypoint_swaps=SWAPS)  # fmt: skip
        wanted = batch(list_, still, **keep)
        for name in ("images", "segmentation_masks", "keypoints"):
            assert_array_equal(got[name][:, t], wanted[name])
        for name, column in wanted["bounding_boxes"].items():
            assert_array_equal(got["bounding_boxes"][name][:, t], column)


@pytest.mark.parametrize("engine", ["auto", "tensorflow"])
@pytest.mark.parametrize("transforms", [[al.RandomFlip()], [al.Mosaic(), al.MixUp()]], ids=repr)
def test_a_data_set_may_have_no_box_and_no_point_at_all(transforms: list[al.Transform], engine: str) -> None:
    source = al.Arrays(np.zeros((3, 16, 16, 3), np.uint8), boxes=[[]] * 3, keypoints=[[]] * 3, keypoint_swaps=[(0, 1)])
    pipe = al.Pipeline(source, transforms, batch_size=2, engine=engine)
    for batch in pipe.to_tf().as_numpy_iterator() if engine == "tensorflow" else pipe:
        count = len(batch["images"])
        assert batch["bounding_boxes"]["boxes"].shape == (count, 0, 4)
        assert batch["keypoints"].shape[0] == count
        assert batch["keypoints"].shape[1] == 0

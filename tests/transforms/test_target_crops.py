"""Crops that look at boxes and masks: what they promise of every window, and that they see the frame they meet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import augline as al
from augline.random import Draw

HEIGHT, WIDTH, COUNT = 50, 70, 200
BOXES = np.asarray([[8, 6, 30, 40], [41, 3, 62, 20], [52, 30, 55, 45]], np.float32)


def places(height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.uint8]:
    """An image whose pixels say where they are: x, y, 0."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x, y, 0 * x], axis=-1).astype(np.uint8)


def window(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Left, top, right, bottom that were cut out of `places`."""
    return np.asarray([*picture[0, 0, :2], *(picture[-1, -1, :2].astype(int) + 1)], np.float64)


def overlap(box: NDArray[Any], other: NDArray[Any]) -> float:
    sides = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    return shared / (float(np.prod(box[2:] - box[:2]) + np.prod(other[2:] - other[:2])) - shared)


def run(item: al.Transform, *before: al.Transform, count: int = COUNT, **given: Any) -> Any:
    return al.augment([places()] * count, [*before, item], seed=5, **given)


def with_boxes(item: al.Transform, *before: al.Transform, count: int = COUNT) -> Any:
    return run(item, *before, count=count, boxes=[BOXES] * count, labels=[np.arange(3)] * count)


@pytest.mark.parametrize("least", [0.0, 0.3, 0.6])
def test_every_window_overlaps_a_box_whose_centre_it_holds(least: float) -> None:
    out = with_boxes(al.RandomIoUCrop(0.2, 0.9, 0.6, 1.5, sampler_options=(least,)))
    cut = 0
    for picture, boxes, names in zip(out["images"], out["boxes"], out["labels"], strict=True):
        at = window(picture)
        if (at == (0, 0, WIDTH, HEIGHT)).all():
            continue  # none of the windows would do
        cut += 1
        sides = at[2:] - at[:2]
        assert (sides >= np.floor(0.2 * np.asarray([WIDTH, HEIGHT]))).all()
        assert (sides <= 0.9 * np.asarray([WIDTH, HEIGHT])).all()
        assert 0.6 <= sides[0] / sides[1] <= 1.5
        centres = (BOXES[:, :2] + BOXES[:, 2:]) / 2
        inside = ((at[:2] < centres) & (centres < at[2:])).all(axis=1)
        assert names.tolist() == np.flatnonzero(inside).tolist()
        assert max(overlap(box, at) for box in BOXES[inside]) >= least
        wanted = np.clip(BOXES[inside], np.tile(at[:2], 2), np.tile(at[2:], 2)) - np.tile(at[:2], 2)
        assert np.allclose(boxes, wanted, atol=1e-4)
    assert cut > 0.5 * COUNT


def test_the_first_window_that_passes_is_taken() -> None:
    """The rule once more, in plain loops over the same draws."""
    item = al.RandomIoUCrop(0.2, 0.9, 0.6, 1.7, (0.4, 0.0, 0.7, 1.0), 15)
    draw = Draw(5, 0, np.arange(60)).at("RandomIoUCrop")
    orders, places = draw.permutation("order", 4), draw.uniform("place", shape=(15, 2))
    sides = draw.uniform("sides", 0.2, 0.9, shape=(15, 2))
    out = with_boxes(item, count=60)["images"]
    centres = (BOXES[:, :2] + BOXES[:, 2:]) / 2
    for index in range(60):
        wanted = np.asarray([0, 0, WIDTH, HEIGHT])
        for option in orders[index]:
            least, found = item.overlaps[option], []
            for (wide, tall), (across, down) in zip(sides[index], places[index], strict=True):
                width, height = int(WIDTH * wide), int(HEIGHT * tall)
                left, top = int((WIDTH - width) * across), int((HEIGHT - height) * down)
                at = np.asarray([left, top, left + width, top + height])
                inside = ((at[:2] < centres) & (centres < at[2:])).all(axis=1)
                shaped = 0.6 <= width / height <= 1.7
                if shaped and inside.any() and max(overlap(b, at) for b in BOXES[inside]) >= least:
                    found.append(at)
            if least >= 1 or found:
                wanted = found[0] if found and least < 1 else wanted
                break
        assert window(out[index]).tolist() == wanted.tolist()


def test_options_are_drawn_alike_and_one_leaves_the_image() -> None:
    out = with_boxes(al.RandomIoUCrop(sampler_options=(0.0, 0.0, 2.0)), count=900)
    whole = np.mean([picture.shape == (HEIGHT, WIDTH, 3) for picture in out["images"]])
    assert abs(whole - 1 / 3) < 0.05
    kept = [len(b) for b, i in zip(out["boxes"], out["images"], strict=True) if i.shape == (HEIGHT, WIDTH, 3)]
    assert {*kept} == {3}


def test_an_option_that_no_window_meets_gives_way_to_the_next() -> None:
    small = [np.asarray([[30, 20, 32, 22]], np.float32)] * COUNT  # no window of this size overlaps it by 0.5
    for options, whole in (((0.5, 0.0), 0.0), ((0.5,), 1.0)):
        out = run(al.RandomIoUCrop(sampler_options=options), boxes=small)["images"]
        assert np.mean([picture.shape == (HEIGHT, WIDTH, 3) for picture in out]) == whole
    out = run(al.RandomIoUCrop(), boxes=[np.zeros((0, 4), np.float32)] * 3, count=3)["images"]
    assert out.shape == (3, HEIGHT, WIDTH, 3)


def test_windows_depend_on_the_sample_alone() -> None:
    work = [al.RandomFlip(), al.RandomIoUCrop(), al.Resizing(20, 30)]
    whole = al.augment([places()] * 8, work, boxes=[BOXES, *[BOXES[:2]] * 7], seed=5)
    for rows in ([3], [7, 0]):
        boxes = [BOXES if row == 0 else BOXES[:2] for row in rows]
        part = al.augment([places()] * len(rows), work, boxes=boxes, ids=rows, seed=5)
        assert np.array_equal(part["images"], whole["images"][rows])


@pytest.mark.parametrize("before", [al.RandomFlip("horizontal", p=1), al.RandomRotate90(), al.Resizing(100, 210)])
def test_boxes_are_seen_as_they_lie_behind_the_geometry_before(before: al.Transform) -> None:
    """The list in one go, and in two by hand: the second call gets what the first gave."""
    item = al.RandomIoUCrop(sampler_options=(0.2, 0.4))
    once = with_boxes(item, before, count=20)
    half = with_boxes(before, count=20)
    twice = al.augment(list(half["images"]), [item], boxes=half["boxes"], labels=half["labels"], seed=5)
    for key in ("boxes", "labels"):
        for got, wanted in zip(once[key], twice[key], strict=True):
            assert np.allclose(got, wanted, atol=1e-3)
    assert [i.shape for i in once["images"]] == [i.shape for i in twice["images"]]


@pytest.mark.parametrize("form", ["rel_center_xywh", "yxyx"])
def test_boxes_of_other_formats_are_seen_alike(form: str) -> None:
    from augline.targets import from_xyxy

    given = from_xyxy(BOXES.astype(np.float64), form, (HEIGHT, WIDTH)).astype(np.float32)
    work = [al.RandomFlip(), al.RandomIoUCrop()]
    one = al.augment([places()] * 9, work, boxes=[given] * 9, bounding_box_format=form, seed=1)["images"]
    other = al.augment([places()] * 9, work, boxes=[BOXES] * 9, seed=1)["images"]
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_safe_window_holds_all_boxes_and_reaches_all_places() -> None:
    out = with_boxes(al.BBoxSafeRandomCrop())
    windows = np.asarray([window(picture) for picture in out["images"]])
    assert (windows[:, :2] <= BOXES[:, :2].min(axis=0)).all()
    assert (windows[:, 2:] >= BOXES[:, 2:].max(axis=0)).all()
    ends = [(0, 7), (0, 2), (63, WIDTH), (46, HEIGHT)]  # the union of the boxes is 8, 3 to 62, 45
    assert [(int(w.min()), int(w.max())) for w in windows.T] == ends
    assert all(len(boxes) == 3 for boxes in out["boxes"])


def test_a_safe_window_of_one_size() -> None:
    item = al.BBoxSafeRandomCrop(25, 35)
    out = with_boxes(item)
    assert out["images"].shape == (COUNT, 25, 35, 3)
    assert all(len(boxes) == 3 for boxes in out["boxes"])
    assert item.evaluation() == al.Resizing(25, 35)
    assert al.BBoxSafeRandomCrop().evaluation() is None


def test_boxes_may_be_eroded() -> None:
    box = np.asarray([[20, 10, 40, 30]], np.float32)
    out = run(al.BBoxSafeRandomCrop(erosion_rate=0.5), boxes=[box] * COUNT)["images"]
    windows = np.asarray([window(picture) for picture in out])
    assert 20 < windows[:, 0].max() <= 25
    assert 35 <= windows[:, 2].min() < 40
    alone = run(al.BBoxSafeRandomCrop(erosion_rate=0.4), boxes=[np.zeros((0, 4), np.float32)] * COUNT)["images"]
    shares = [picture.shape[0] / HEIGHT for picture in alone]
    assert 0.59 <= min(shares) < 0.7
    assert 0.9 < max(shares) <= 1


def spotted() -> NDArray[np.uint8]:
    """Two pixels that count, one of value 9, and one in another channel."""
    mask = np.zeros((HEIGHT, WIDTH, 2), np.uint8)
    mask[4, 65, 0], mask[44, 20, 0], mask[30, 2, 0], mask[2, 30, 1] = 1, 2, 9, 3
    return mask


def test_the_window_holds_a_pixel_of_the_mask() -> None:
    item = al.CropNonEmptyMaskIfExists(10, 12, ignore_values=(9,), ignore_channels=(1,))
    out = run(item, masks=[spotted()] * COUNT)
    assert out["images"].shape == (COUNT, 10, 12, 3)
    held = [{*np.unique(mask[..., 0]).tolist()} & {1, 2} for mask in out["masks"]]
    assert all(held)
    assert 0.4 < np.mean([1 in values for values in held]) < 0.6
    # where the image leaves room the pixel lies anywhere in the window
    rows = [int(np.argmax(mask[..., 0].max(axis=1) == 2)) for mask in out["masks"] if 2 in mask]
    assert {*rows} >= {4, 5, 6, 7, 8, 9}
    columns = [int(np.argmax(mask[..., 0].max(axis=0) == 2)) for mask in out["masks"] if 2 in mask]
    assert {*columns} == {*range(12)}


def test_the_mask_may_be_looked_at_for_a_share_of_the_images() -> None:
    for chance, low, high in ((0.0, 0.0, 0.1), (1 / 3, 0.25, 0.5), (1.0, 1.0, 1.0)):
        item = al.CropNonEmptyMaskIfExists(9, 9, ignore_values=(9,), ignore_channels=(1,), chance=chance)
        out = run(item, masks=[spotted()] * COUNT)["masks"]
        assert low <= np.mean([{*np.unique(mask[..., 0])} & {1, 2} != set() for mask in out]) <= high
    assert al.presets.nnunet(64, 64)[0] == al.CropNonEmptyMaskIfExists(64, 64, chance=1 / 3)
    assert al.presets.nnunet(64, 64, foreground=0)[0] == al.RandomCrop(64, 64)


def test_the_mask_is_seen_as_it_lies_behind_the_geometry_before() -> None:
    item = al.CropNonEmptyMaskIfExists(9, 9, ignore_values=(9,), ignore_channels=(1,))
    for before in (al.RandomFlip("horizontal", p=1), al.RandomRotate90(), al.CenterCrop(45, 65)):
        out = run(item, before, masks=[spotted()] * 40, count=40)
        assert all(mask[..., 0].any() for mask in out["masks"])


def test_an_empty_mask_gives_any_window_and_a_small_image_its_largest() -> None:
    empty = np.zeros((COUNT, HEIGHT, WIDTH), np.uint8)
    out = run(al.CropNonEmptyMaskIfExists(40, 30), masks=empty)["images"]
    lefts = out[:, 0, 0, 0]
    assert (lefts.min(), lefts.max()) == (0, WIDTH - 30)
    large = run(al.CropNonEmptyMaskIfExists(60, 60), masks=empty)["images"]
    assert np.array_equal(large, run(al.RandomCrop(60, 60), masks=empty)["images"])


def source(**given: Any) -> al.Arrays:
    images = np.stack([places()] * 6)
    return al.Arrays(images, **given)


def test_in_a_pipeline() -> None:
    masks = np.stack([spotted()] * 6)
    pipe = al.Pipeline(
        source(boxes=[BOXES] * 6, box_labels=[[1, 2, 3]] * 6, masks=masks),
        [al.RandomFlip(), al.RandomIoUCrop(), al.Resizing(30, 40), al.CropNonEmptyMaskIfExists(20, 20)],
        batch_size=4, seed=2,
    )  # fmt: skip
    batches = list(pipe.epoch(0))
    assert batches[0]["images"].shape == (4, 20, 20, 3)
    assert np.array_equal(pipe.batch(0, 1)["images"], batches[1]["images"])
    again = al.Pipeline.from_yaml(pipe.to_yaml(), source=pipe.source)
    assert np.array_equal(again.batch(0, 0)["images"], batches[0]["images"])
    assert "RandomIoUCrop" in str(pipe.explain(0, 1))
    assert len(pipe.evaluation().transforms) == 2


@pytest.mark.parametrize("item", [al.RandomIoUCrop(), al.BBoxSafeRandomCrop(), al.CropNonEmptyMaskIfExists(8, 8)])
def test_a_host_without_a_sample_of_the_last_batch_gets_an_empty_one(item: al.Transform) -> None:
    images = np.stack([places()] * 3)
    source = al.Arrays(images, boxes=[BOXES] * 3, masks=images[..., 0])
    pipe = al.Pipeline(source, [item, al.Resizing(16, 16)], batch_size=2, shard=(0, 2))
    assert pipe.batch(0, 1)["images"].shape == (0, 16, 16, 3)


def test_behind_a_mixing_boxes_are_known_and_masks_are_not() -> None:
    given = source(boxes=[BOXES] * 6, box_labels=[[1, 2, 3]] * 6)
    pipe = al.Pipeline(given, [al.Mosaic(HEIGHT, WIDTH), al.RandomIoUCrop(sampler_options=(0.1,)), al.Resizing(30, 40)])
    mixed = al.Pipeline(given, [al.Mosaic(HEIGHT, WIDTH), al.Resizing(30, 40)]).batch(0, 0)["bounding_boxes"]
    cut = pipe.batch(0, 0)["bounding_boxes"]
    assert 0 < (cut["labels"] >= 0).sum() < (mixed["labels"] >= 0).sum()
    masked = source(masks=np.stack([spotted()] * 6))
    with pytest.raises(
        al.ArgumentError, match=r"CropNonEmptyMaskIfExists\(.*\): it needs masks\. Received images with"
    ):
        al.Pipeline(masked, [al.Mosaic(HEIGHT, WIDTH), al.CropNonEmptyMaskIfExists(9, 9)])


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        (al.RandomIoUCrop(), "boxes"),
        (al.BBoxSafeRandomCrop(8, 8), "boxes"),
        (al.CropNonEmptyMaskIfExists(8, 8), "masks"),
    ],
)
def test_without_targets_they_are_refused_when_the_pipeline_is_built(item: al.Transform, kind: str) -> None:
    other = {"masks": np.stack([spotted()] * 6)} if kind == "boxes" else {"boxes": [BOXES] * 6}
    for given in ({}, other):
        with pytest.raises(
            al.ArgumentError, match=rf"{type(item).__name__}\(.*\): it needs {kind}\. Received images w"
        ):
            al.Pipeline(source(**given), [al.Resizing(20, 20), item, al.Resizing(20, 20)])
    with pytest.raises(al.ArgumentError, match=f"it needs {kind}"):
        al.augment(places()[None], [item])


@pytest.mark.parametrize(
    "make",
    [
        lambda: al.RandomIoUCrop(0.9, 0.3),
        lambda: al.RandomIoUCrop(sampler_options=()),
        lambda: al.RandomIoUCrop(trials=0),
        lambda: al.BBoxSafeRandomCrop(32),
        lambda: al.BBoxSafeRandomCrop(erosion_rate=1.1),
        lambda: al.CropNonEmptyMaskIfExists(0, 9),
    ],
)
def test_what_cannot_be_is_refused(make: Any) -> None:
    with pytest.raises(al.ArgumentError):
        make()


def test_a_mask_that_cannot_be_read_is_reported_with_its_sample(tmp_path: Any) -> None:
    from PIL import Image

    for name in ("a", "b"):
        Image.fromarray(places()).save(tmp_path / f"{name}.png")
    Image.fromarray(spotted()[..., 0]).save(tmp_path / "a_mask.png")
    (tmp_path / "b_mask.png").write_bytes(b"no image")
    files, masks = ([tmp_path / f"{n}{end}.png" for n in ("a", "b")] for end in ("", "_mask"))
    pipe = al.Pipeline(al.Files(files, masks=masks), [al.CropNonEmptyMaskIfExists(9, 9)], shuffle=False)
    with pytest.raises(al.SourceError, match=r"mask of .*b\.png"):
        pipe.batch(0, 0)


# videos: one window for all frames, by what lies in any of them

TIME = 3
MOVING = [[BOXES[k % 2 : k % 2 + 1 + t] - np.float32([3, 0, 3, 0]) * (t == 1) for t in range(TIME)] for k in range(40)]


def video(item: al.Transform, *before: al.Transform, **given: Any) -> Any:
    clip = np.stack([places()] * TIME)
    return al.augment([clip] * 40, [*before, item], seed=5, **given)


def test_a_window_of_a_video_holds_the_boxes_of_all_frames() -> None:
    out = video(al.BBoxSafeRandomCrop(), boxes=MOVING)
    cut = 0
    for clip, boxes, given in zip(out["images"], out["boxes"], MOVING, strict=True):
        at = window(clip[0])
        assert all(np.array_equal(window(frame), at) for frame in clip)
        cut += (at != (0, 0, WIDTH, HEIGHT)).any()
        for rows, moved in zip(given, boxes, strict=True):
            assert np.allclose(moved, rows - np.tile(at[:2], 2))  # none is cut
    assert cut > 30


def test_each_frame_of_a_video_keeps_the_boxes_whose_centre_the_window_holds() -> None:
    out = video(al.RandomIoUCrop(0.2, 0.7, sampler_options=(0.0,)), al.RandomFlip("vertical", p=0), boxes=MOVING)
    held = left = 0
    for clip, boxes, given in zip(out["images"], out["boxes"], MOVING, strict=True):
        at = window(clip[0])
        for rows, moved in zip(given, boxes, strict=True):
            centres = (rows[:, :2] + rows[:, 2:]) / 2
            inside = ((at[:2] < centres) & (centres < at[2:])).all(axis=1)
            assert len(moved) == inside.sum()
            held, left = held + inside.sum(), left + (~inside).sum()
        assert sum(map(len, boxes)) > 0
    assert held > 40
    assert left > 40


def test_a_window_of_a_video_holds_a_pixel_of_any_frame() -> None:
    masks = np.zeros((40, TIME, HEIGHT, WIDTH), np.uint8)
    masks[:, 0, 3, 4], masks[:, 2, 44, 61] = 1, 2
    out = video(al.CropNonEmptyMaskIfExists(9, 11), al.RandomFlip("horizontal", p=1), masks=masks)
    seen = out["masks"].reshape(40, -1).max(axis=1)
    assert {*seen.tolist()} == {1, 2}
    assert np.array_equal(
        out["masks"].reshape(40, TIME, -1).max(axis=2) > 0, np.stack([seen == 1, seen < 0, seen == 2], 1)
    )


@pytest.mark.parametrize("mixes", [False, True])
def test_a_graph_looks_at_videos_too(mixes: bool) -> None:
    rng = np.random.default_rng(0)
    clips = rng.integers(0, 256, (8, TIME, 24, 36, 3), np.uint8)
    boxes = [
        [np.float32([[2 + k, 3, 12 + k, 14], [20, 5, 30, 21]])[: 1 + (k + t) % 2] for t in range(TIME)]
        for k in range(8)
    ]
    masks = (rng.uniform(0, 1, (8, TIME, 24, 36, 1)) > 0.995).astype(np.uint8)
    item = [al.MixUp()] if mixes else [al.RandomFlip(), al.CropNonEmptyMaskIfExists(20, 30)]
    work = [*item, al.RandomIoUCrop(0.5, sampler_options=(0.0, 0.2)), al.Resizing(16, 18)]
    source = al.Arrays(clips, boxes=boxes, masks=masks)
    graph, told = (al.Pipeline(source, work, batch_size=4, seed=2, engine=name) for name in ("tensorflow", "reference"))
    for got, wanted in zip(graph.to_tf(), told.epoch(0), strict=True):
        assert np.abs(got["images"].numpy().astype(int) - wanted["images"]).max() <= 2
        assert np.array_equal(got["segmentation_masks"], wanted["segmentation_masks"])
        assert np.array_equal(got["bounding_boxes"]["labels"], wanted["bounding_boxes"]["labels"])
        assert np.allclose(got["bounding_boxes"]["boxes"], wanted["bounding_boxes"]["boxes"], atol=2e-3)

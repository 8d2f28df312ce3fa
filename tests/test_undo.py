"""What a model says of augmented images goes back into the frames of the images as they were."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import augline as al
from augline.targets import from_xyxy
from conformance.cases import CASES
from pictures import SIZES, smooth

GEOMETRY = [c for c in CASES if c.kind in ("moves", "nearest", "bilinear", "edge") and "Downscale" not in c.label]
EXACT = [al.RandomFlip(), al.Transpose(p=0.5), al.RandomRotate90(), al.D4(), al.PadToMultiple(16)]


def images() -> list[NDArray[Any]]:
    return [smooth(*size, 3, "uint8", k) for k, size in enumerate(SIZES)]


def regions(height: int, width: int) -> NDArray[np.uint8]:
    """Labels 0 to 5 in six parts of unequal size."""
    y, x = np.mgrid[:height, :width]
    return ((y > 0.4 * height) * 3 + (x > 0.3 * width) + (x > 0.55 * width)).astype(np.uint8)


@pytest.mark.parametrize("case", GEOMETRY, ids=lambda case: case.label)
def test_points_there_and_back(case: Any) -> None:
    given = [np.random.default_rng(k).uniform(2, (w - 3, h - 3), (25, 2)) for k, (h, w) in enumerate(SIZES)]
    moved = al.augment(images(), case.transforms, keypoints=given, seed=3)["keypoints"]
    for before, after in zip(given, al.trace(images(), case.transforms, seed=3).undo_points(moved), strict=True):
        assert np.abs(before - after).max() < 0.01


@pytest.mark.parametrize("case", GEOMETRY, ids=lambda case: case.label)
def test_labels_agree_where_they_were_seen(case: Any) -> None:
    masks = [regions(*size) for size in SIZES]
    views = al.augment(images(), case.transforms, masks=masks, seed=3)["masks"]
    trace = al.trace(images(), case.transforms, seed=3)
    seen = trace.seen()
    for k, (before, after) in enumerate(zip(masks, trace.undo_masks(views, fill=255), strict=True)):
        assert after.dtype == np.uint8
        assert ((after == 255) == ~seen[k]).all()
        # borders between regions may move by a pixel of the view, which is several where the view is small
        detail = max(max(b / a for a, b in zip(np.shape(views[k]), before.shape, strict=True)), 1)
        borders = sum((np.diff(before.astype(int), axis=axis) != 0).sum() for axis in (0, 1))
        assert (after != before)[seen[k]].sum() <= 1.2 * detail * borders + 2


@pytest.mark.parametrize("item", EXACT, ids=repr)
def test_moved_pixels_come_back_exactly(item: al.Transform) -> None:
    given = [smooth(*size, 2, "float32", k) for k, size in enumerate(SIZES)]
    trace = al.trace(images(), [item], seed=3)
    moved = al.augment(given, [item], seed=3)
    for before, after in zip(given, trace.undo_masks(moved), strict=True):
        assert np.array_equal(before, after)
    assert all(seen.all() for seen in trace.seen())


def test_heat_maps_come_back_between_pixels() -> None:
    heat = [smooth(*size, 2, "float32", k) for k, size in enumerate(SIZES)]
    work = [al.RandomRotation((0.08, 0.08)), al.RandomElasticTransform((1, 1), (1, 1)), al.Resizing(120, 130)]
    trace = al.trace(images(), work, seed=1)
    undone = trace.undo_masks(al.augment(heat, work, seed=1), fill=np.nan)
    for before, after, seen in zip(heat, undone, trace.seen(), strict=True):
        assert (np.isfinite(after).all(axis=-1) == seen).all()
        assert 0.5 < seen.mean() < 1
        assert np.abs(after - before)[seen].mean() < 0.01


def test_predictions_may_be_coarser_than_the_view() -> None:
    y, x = np.mgrid[:64, :96].astype(np.float32)
    image = np.zeros((64, 96, 1), np.uint8)
    trace = al.trace(image[None], [al.RandomFlip("horizontal", p=1)])
    coarse = (x[:, ::-1] + 2 * y).reshape(16, 4, 24, 4).mean(axis=(1, 3))  # a stride of 4
    undone = trace.undo_masks(coarse[None])[0]
    assert np.abs(undone - (x + 2 * y))[4:-4, 4:-4].max() < 1e-3


def test_what_was_cut_off_between_two_resamplings_was_not_seen() -> None:
    image = np.zeros((20, 30, 1), np.uint8)
    work = [
        al.RandomTranslation((0, 0), (0.5, 0.5), fill_mode="constant"),
        al.RandomGaussianBlur((1, 1)),  # keeps the two apart
        al.RandomTranslation((0, 0), (-0.5, -0.5), fill_mode="constant"),
    ]
    assert al.trace(image[None], work).seen()[0, 0].tolist() == [True] * 15 + [False] * 15
    assert al.trace(image[None], work[::2]).seen().all()  # as one, it never left


def test_boxes_come_back_around_the_same_things() -> None:
    boxes = [np.asarray([[5, 6, 20, 30], [10.0, 2, 30, 12]])] * 3
    for box_format in ("xyxy", "rel_yxyx", "center_xywh"):
        for work in ([al.RandomFlip(p=1), al.Resizing(50, 70)], [al.RandomRotate90()], [al.RandomZoomOut((1, 2))]):
            sizes = [(float(h), float(w)) for h, w in SIZES]
            given = [from_xyxy(b, box_format, s) for b, s in zip(boxes, sizes, strict=True)]
            moved = al.augment(images(), work, boxes=given, bounding_box_format=box_format, seed=2)["boxes"]
            undone = al.trace(images(), work, seed=2).undo_boxes(moved, box_format)
            for before, after in zip(given, undone, strict=True):
                assert np.abs(before - after).max() < 1e-3


def test_turned_boxes_come_back_around_the_whole_and_inside_the_image() -> None:
    work = [al.RandomRotation((0.1, 0.1), fill_mode="constant")]
    given = [np.asarray([[20.0, 12, 40, 30]])]
    moved = al.augment(images()[:1], work, boxes=given)["boxes"]
    undone = al.trace(images()[:1], work).undo_boxes([[*moved[0], [0, 0, 67, 41]]])[0]
    assert (undone[0, :2] < given[0][0, :2]).all()
    assert (undone[0, 2:] > given[0][0, 2:]).all()
    assert undone[1].tolist() == [0, 0, 67, 41]
    assert al.trace(images(), work).undo_boxes([np.zeros((0, 4))] * 3)[0].shape == (0, 4)


def test_keypoints_change_places_back_where_the_image_was_mirrored() -> None:
    trace = al.trace(images() * 2, [al.RandomFlip("horizontal", p=0.5)], seed=1)
    undone = trace.undo_points([[[3.0, 4, 0.9], [8, 4, 0.5]]] * 6, swaps=[(0, 1)])
    scores = [rows[0, 2] for rows in undone]
    assert len({*scores}) == 2
    for rows, image in zip(undone, images() * 2, strict=True):
        width = image.shape[1]
        mirrored = rows[0, 2] == np.float32(0.5)
        assert rows[:, 0].tolist() == ([width - 9, width - 4] if mirrored else [3, 8])


def test_a_pipelines_batch_has_a_way_back(tmp_path: Any) -> None:
    from PIL import Image

    paths = []
    for k, image in enumerate(images() * 2):
        paths.append(tmp_path / f"{k}.png")
        Image.fromarray(image).save(paths[-1])
    for source in (al.Files(paths), al.Arrays(np.stack([smooth(20, 30, 3, "uint8", k) for k in range(6)]))):
        pipe = al.Pipeline(source, [al.RandomRotation(0.1), al.RandomFlip()], size=(40, 50), batch_size=4, seed=7)
        trace = pipe.trace(2, 1)
        assert np.array_equal(trace.images, pipe.batch(2, 1))
        undone = trace.undo_masks(trace.images.astype(np.float32))
        first = pipe.indices(2, pipe.positions(1))[0]
        wanted = source.read(int(first))
        wanted = images()[first % 3] if isinstance(wanted, bytes) else wanted
        seen = trace.seen()[0]
        assert np.abs(undone[0] - wanted)[seen].mean() < 6


def test_what_cannot_be_undone_is_refused_at_once() -> None:
    image = smooth(20, 30)[None]
    with pytest.raises(al.ArgumentError, match=r"Map\(.*cannot be moved back\. Received .*\. Leave it out"):
        al.trace(image, [al.Map(np.flipud, spatial=True)])
    pipe = al.Pipeline(al.Arrays(image.repeat(4, axis=0), labels=np.eye(4)), [al.MixUp()])
    with pytest.raises(al.ArgumentError, match="mixed of several images"):
        pipe.trace(0, 0)
    trace = al.trace(image, [al.RandomFlip()])
    with pytest.raises(al.ArgumentError, match=r"undo_masks: there must be one entry per image\. Received 2 for 1"):
        trace.undo_masks(np.zeros((2, 20, 30)))
    with pytest.raises(al.ArgumentError, match=r"fill=-1\).* one of their values\. Received uint8"):
        trace.undo_masks(np.zeros((1, 20, 30), np.uint8), fill=-1)
    with pytest.raises(al.ArgumentError, match=r"undo_boxes: bounding_box_format must be one of"):
        trace.undo_boxes([[[0, 0, 1, 1]]], "corners")

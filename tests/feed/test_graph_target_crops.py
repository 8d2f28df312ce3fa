"""Crops that look at boxes and masks, in the graph engine: the windows of the reference engine, and what is in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

import augline as al
from augline.sight import counted
from augline.sources.boxes import from_xyxy
from conformance.cases import AIMED
from feed.test_graph_mixing import compare
from pictures import smooth

tf = pytest.importorskip("tensorflow")

from augline.engines.arrays import tensorflow as xp  # noqa: E402
from augline.feed.graph.masks import _one_of  # noqa: E402

COUNT, SIZE = 8, (40, 52)
SIZES = [(75, 100), (120, 61), (64, 64), (33, 190), (90, 140)]
LISTS: dict[str, list[Any]] = {
    "boxes, sometimes": [al.RandomFlip(), al.RandomIoUCrop(p=0.6), al.RandomRotate90(), al.Resizing(30, 34)],
    "boxes that were moved": [
        al.RandomRotation(0.1),
        al.RandomIoUCrop(sampler_options=(0.1, 0.3)),
        al.Resizing(30, 30),
    ],
    "two crops": [al.RandomIoUCrop(trials=9), al.RandomFlip(), al.RandomIoUCrop(name="again"), al.Resizing(31, 33)],
    "all boxes": [al.RandomZoom(0.2), al.BBoxSafeRandomCrop(30, 26, erosion_rate=0.3), al.RandomBrightness(0.1)],
    "one of": [al.OneOf([al.RandomIoUCrop(), al.BBoxSafeRandomCrop()]), al.Resizing(28, 36)],
    "bent": [al.RandomElasticTransform((1, 1), (0.6, 0.6), cells=4), al.BBoxSafeRandomCrop(30, 30)],
    "a mask, sometimes": [al.CropNonEmptyMaskIfExists(21, 24, ignore_values=(2, 300), chance=0.5), al.RandomFlip()],
    "a mask that was moved": [al.RandomRotation(0.1), al.RandomErasing((1, 1)), al.CropNonEmptyMaskIfExists(22, 19)],
    "a mask, turned": [al.RandomFlip(), al.RandomRotation(0.1), al.CropNonEmptyMaskIfExists(22, 19)],
    "a mask on a canvas": [al.RandomZoomOut((1.2, 1.7)), al.CropNonEmptyMaskIfExists(22, 19, (1,))],
    "boxes and a mask": [al.RandomIoUCrop(), al.Resizing(40, 44), al.CropNonEmptyMaskIfExists(20, 20)],
    "behind a mixing": [al.RandomIoUCrop(), al.Resizing(40, 44), al.Mosaic(), al.RandomIoUCrop(), al.Resizing(30, 30)],
}
OF_FILES = ("two crops", "all boxes", "a mask, turned")
"""Those that are tried on files of several sizes."""
KEEP = al.BoxFilter(min_visibility=0.1, max_boxes=4)


def aims(height: int, width: int, number: int) -> tuple[Any, Any]:
    """Boxes of an image, of some none; and a mask of two channels with spots of 1 and 2, of some empty."""
    sides = np.asarray([width, height, width, height], np.float32)
    shares = np.asarray([[0.1, 0.2, 0.5, 0.6], [0.6, 0.5, 0.8, 0.9], [0.05, 0.05, 0.2, 0.3]], np.float32)
    mask = np.zeros((height, width, 2), np.uint8)
    if number % 4:
        mask[height // 3 : height // 2, width // 4, 0], mask[-height // 5 :, -width // 6 :, 1] = 1, 2
    return shares[: number % 4] * sides, mask


def arrays(form: str = "xyxy") -> al.Arrays:
    boxes, masks = zip(*(aims(*SIZE, k) for k in range(COUNT)), strict=True)
    boxes = [from_xyxy(rows.astype(np.float64), form, SIZE).astype(np.float32) for rows in boxes]
    return al.Arrays(
        np.stack([smooth(*SIZE, 3, "uint8", k) for k in range(COUNT)]), np.eye(COUNT, 3, dtype=np.float32),
        boxes=boxes, box_labels=[np.arange(len(rows)) + 2 for rows in boxes],
        masks=np.stack(masks), bounding_box_format=form,
    )  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> al.Files:
    """Of several sizes, with masks of one channel."""
    root, paths, masks, boxes = tmp_path_factory.mktemp("aimed"), [], [], []
    for number, size in enumerate(SIZES):
        rows, mask = aims(*size, number)
        boxes.append(rows)
        paths.append(root / f"{number}.{'png' if number % 2 else 'jpg'}")
        Image.fromarray(smooth(*size, 3, "uint8", number)).save(paths[-1])
        masks.append(root / f"{number}_mask.png")
        Image.fromarray(mask.max(axis=2)).save(masks[-1])
    return al.Files(paths, masks=masks, boxes=boxes, bounding_box_format="xyxy")


@pytest.mark.parametrize("name", [name for name in LISTS if name not in OF_FILES])
def test_windows_and_targets_are_those_of_the_reference(name: str) -> None:
    compare(arrays(), LISTS[name], batch_size=4, seed=5, box_filter=KEEP)


def test_boxes_of_another_format() -> None:
    compare(arrays("rel_yxyx"), LISTS["boxes, sometimes"], batch_size=4, seed=6)


@pytest.mark.parametrize("name", OF_FILES)
def test_files_of_several_sizes(files: al.Files, name: str) -> None:
    compare(files, LISTS[name], batch_size=3, seed=5, mean=0.1, box_filter=KEEP)


@pytest.mark.parametrize("case", [AIMED[2], *AIMED[5:]], ids=lambda case: case.label)  # `LISTS` has the other kinds
def test_the_rows_of_the_conformance_suite(case: Any) -> None:
    compare(arrays(), [*case.transforms, al.Resizing(31, 29)], batch_size=COUNT, seed=3)


def test_a_schedule_of_a_crop() -> None:
    work = [al.RandomIoUCrop(al.linear(0.8, 0.2, epochs=2), p=al.steps({0: 0.5, 1: 1.0})), al.Resizing(30, 30)]
    compare(arrays(), work, epochs=3, batch_size=COUNT, seed=3)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.bool_])
def test_the_pixel_of_a_mask_is_that_of_numpy(dtype: Any) -> None:
    random = np.random.default_rng(3)
    masks = (random.integers(0, 6, (9, 11, 13, 3)) * (random.random((9, 11, 13, 3)) < 0.1)).astype(dtype)
    masks[4] = 0
    place = np.asarray([0.0, 0.999999, 0.5, np.nan, 0.3, *random.random(4)])
    ignored = ((2, -1, 300), (1, 7))
    plain = masks.astype(np.int64)[..., [0, 2]]
    there = counted(np, masks, *ignored)
    assert np.array_equal(there, ((plain != 0) & (plain != 2)).any(axis=3))
    assert not counted(np, masks, (), (0, 1, 2)).any()
    points, some = _one_of(counted(xp, tf.constant(masks), *ignored), tf.constant(place))
    for row, share, point, found in zip(there, place, points.numpy(), some.numpy(), strict=True):
        pixels = np.flatnonzero(row) if share == share else []
        assert found == (len(pixels) > 0)
        wanted = divmod(int(pixels[int(share * len(pixels))]), 13)[::-1] if found else (0, 0)
        assert tuple(point) == wanted


def test_boxes_around_polygons_are_seen_as_tight_as_they_are() -> None:
    """Of triangles that stand on a corner: turned, their boxes lie elsewhere than those of the sides."""
    triangles = [np.asarray([[26.0, 8], [36, 24], [16, 26]]) + k for k in range(COUNT)]
    boxes = [np.concatenate([rows.min(axis=0), rows.max(axis=0)])[None].astype(np.float32) for rows in triangles]
    images = np.stack([smooth(*SIZE, 3, "uint8", k) for k in range(COUNT)])
    source = al.Arrays(
        images, boxes=boxes, polygons=[[rows.astype(np.float32)] for rows in triangles], bounding_box_format="xyxy"
    )
    work = [al.RandomRotation((0.08, 0.2)), al.BBoxSafeRandomCrop(30, 30)]
    compare(source, work, batch_size=COUNT, seed=3)
    plain = al.Arrays(images, boxes=boxes, bounding_box_format="xyxy")
    batches = [al.Pipeline(given, work, batch_size=COUNT, seed=3).batch(0, 0)["images"] for given in (source, plain)]
    assert not np.array_equal(*batches)

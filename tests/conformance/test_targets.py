"""Masks, boxes and keypoints go where the pixels go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import augline as al
from augline.plan import Extent, Frame, Warp
from augline.random import Draw
from augline.sources.targets import BOX_FORMATS
from augline.transforms.base import expand
from conformance.cases import AIMED, CASES, Case
from pictures import smooth

HEIGHT, WIDTH = 96, 140
POINTS = np.asarray([[46.0, 30.0], [93.0, 41.0], [70.0, 66.0]])  # x, y
RADIUS = 7


@al.register("conformance: turned over")
def turned_over(image: NDArray[Any]) -> NDArray[Any]:
    return image[::-1, ::-1]


@al.register("conformance: where that goes")
def where_that_goes(points: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    return np.asarray([size[1] - 1, size[0] - 1]) - points


GEOMETRY = (
    al.RandomFlip("horizontal", p=1),
    al.RandomFlip("vertical", p=1),
    al.RandomFlip("horizontal_and_vertical", p=0.5),
    al.Transpose(),
    al.RandomRotate90(),
    al.RandomRotation((0.07, 0.07), fill_mode="constant"),
    al.RandomRotation((-0.13, -0.13), fill_mode="reflect"),
    al.RandomZoom((0.3, 0.3), (0.1, 0.1), fill_mode="constant"),
    al.RandomZoom((-0.2, -0.2), fill_mode="constant"),
    al.RandomTranslation((0.07, 0.07), (-0.113, -0.113), fill_mode="constant"),
    al.RandomShear((0.15, 0.15), (0.08, 0.08), fill_mode="constant"),
    al.RandomAffine((20, 20), translate=(0.1, 0.1), scale=(0.8, 0.9), shear=(10, 10), fill_mode="constant"),
    al.RandomPerspective((1, 1), scale=0.15),
    al.Resizing(70, 210),
    al.Resizing(61, 88),
    al.Resizing(150, 130, crop_to_aspect_ratio=True),
    al.Resizing(120, 110, crop_to_aspect_ratio=True),
    al.Resizing(120, 110, pad_to_aspect_ratio=True),
    al.Resizing(43, 65),
    al.CenterCrop(72, 101),
    al.CenterCrop(130, 130),
    al.RandomCrop(81, 113),
    al.RandomResizedCrop(90, 90, scale=(0.6, 0.9)),
    al.Sequential([al.RandomRotation((0.1, 0.1), fill_mode="constant"), al.Resizing(77, 70), al.RandomFlip(p=1)]),
    al.OneOf([al.RandomRotation((0.08, 0.08), fill_mode="constant"), al.RandomFlip(p=1)]),
    al.SomeOf([al.RandomRotation((0.08, 0.08), fill_mode="constant"), al.RandomFlip(p=1), al.Transpose()], n=2),
    al.RandomRotation((0.09, 0.09), p=0.5),
    al.D4(),
    al.ResizeShortestEdge(71),
    al.ResizeShortestEdge(130, max_size=170),
    al.ResizeLongestEdge(101),
    al.LetterBox(120, 110),
    al.Padding(111, 163),
    al.PadToMultiple(64, fill_mode="reflect"),
    al.RandomZoomOut((1.0, 1.6)),
    al.ScaleJitter(100, 150, (0.8, 1.2)),
    al.RandomElasticTransform((1, 1), (0.6, 0.6), cells=4),
    al.RandomElasticTransform((1, 1), (1, 1), cells=2, fill_mode="constant"),
    al.GridDistortion(2, (-0.08, 0.08)),
    al.OpticalDistortion((0.15, 0.15), fill_mode="constant"),
    al.OpticalDistortion((-0.1, -0.1)),
    al.Map("conformance: turned over", spatial=True, points="conformance: where that goes"),
    al.RandomIoUCrop(0.7, sampler_options=(0.0,)),
    al.BBoxSafeRandomCrop(),
    al.BBoxSafeRandomCrop(80, 90),
    al.Sequential([al.RandomRotation((0.05, 0.05), fill_mode="constant"), al.CropNonEmptyMaskIfExists(70, 100)]),
)


POLICIES = {"RandAugment", "TrivialAugmentWide", "AutoAugment", "ThreeAugment"}
"""They change colours too, so that spots are no longer found by their brightness: see `POLICED`."""


def moves(transforms: Sequence[al.Transform], channels: int) -> bool:
    """Whether a list moves what is in the picture, as far as its stages say."""
    frame = Frame(np, Extent.of(np, 2, HEIGHT, WIDTH), channels)
    stages = expand(transforms, Draw(0, 0, np.arange(2)), frame).stages
    return any((isinstance(stage, Warp) and stage.moves) or getattr(stage, "spatial", False) for stage in stages)


def named(transforms: Sequence[al.Transform]) -> set[str]:
    return set().union(*({type(item).__name__} | named(getattr(item, "transforms", ())) for item in transforms))


def test_every_transform_that_moves_things_is_here() -> None:
    moving = set().union(*(named(c.transforms) for c in CASES if len(c.transforms) == 1 and moves(c.transforms, 3)))
    moving |= named([item for case in AIMED for item in case.transforms])
    assert moving - named(GEOMETRY) - POLICIES == set()
    assert {type(item).__name__ for item in POLICED} == POLICIES


def scene() -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """One disc per channel as a soft spot, all of them as labels 1, 2, 3 in a mask, and a box around each."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    away = np.hypot(x[..., None] - POINTS[:, 0], y[..., None] - POINTS[:, 1])
    image = np.rint(250 * np.exp(-((away / RADIUS) ** 4))).astype(np.uint8)
    mask = ((away <= RADIUS) * [1, 2, 3]).sum(axis=-1)
    boxes = np.concatenate([POINTS - RADIUS, POINTS + RADIUS + 1], axis=1)  # from edge to edge
    return image, mask, boxes


PAINTERS = {"RandomErasing", "CoarseDropout", "GridMask"}
STILL = [c for c in CASES if not moves(c.transforms, c.channels[-1] if 3 not in c.channels else 3)]


@pytest.mark.parametrize("case", STILL, ids=lambda case: case.label)
def test_what_moves_nothing_leaves_targets_alone(case: Case, engine: str) -> None:
    image, mask, boxes = scene()
    out = al.augment(
        [image] * 3, case.transforms, masks=[mask] * 3, boxes=[boxes] * 3, keypoints=[POINTS] * 3, engine=engine, seed=2
    )
    for index in range(3):
        assert np.array_equal(out["masks"][index], mask)
        assert np.abs(out["keypoints"][index] - POINTS).max() < 1e-4
        if named(case.transforms) & PAINTERS:
            low, high = out["boxes"][index][:, None, :2] > boxes[:, :2] - 1e-4, out["boxes"][index][:, None, 2:]
            assert (low & (high < boxes[:, 2:] + 1e-4)).all(axis=-1).any(axis=1).all()
        else:
            assert np.abs(out["boxes"][index] - boxes).max() < 1e-4


POLICED = (
    al.RandAugment(3, factor=(0.3, 0.6)), al.TrivialAugmentWide(), al.AutoAugment(), al.AutoAugment("svhn"),
    al.ThreeAugment(),
)  # fmt: skip


@pytest.mark.parametrize("item", POLICED, ids=repr)
def test_targets_stay_together_in_policies(item: al.Transform, other: str) -> None:
    image, mask, boxes = scene()
    count = 9 if other == "tensorflow" else 24
    out = al.augment(
        [image] * count, [item], masks=[mask.astype(np.uint8)] * count, boxes=[boxes] * count,
        keypoints=[POINTS] * count, labels=[np.arange(3)] * count, engine=other, seed=4,
    )  # fmt: skip
    checked = 0
    for labels, points, boxes_out, names in zip(
        *(out[k] for k in ("masks", "keypoints", "boxes", "labels")), strict=True
    ):
        for k, point in enumerate(points):
            if (point < 18).any() or (point > np.asarray([WIDTH, HEIGHT]) - 19).any():
                continue
            checked += 1
            assert np.abs(middle(labels == k + 1) - point).max() < 0.5
            rows, columns = np.nonzero(labels == k + 1)
            (box,) = boxes_out[names == k]
            assert box[0] - 1 <= columns.min() <= columns.max() + 1 <= box[2] + 1
            assert box[1] - 1 <= rows.min() <= rows.max() + 1 <= box[3] + 1
    assert checked > count


def middle(weights: NDArray[Any]) -> NDArray[Any]:
    y, x = np.mgrid[: weights.shape[0], : weights.shape[1]]
    return np.asarray([(x * weights).sum(), (y * weights).sum()]) / weights.sum()


@pytest.mark.parametrize("item", GEOMETRY, ids=repr)
def test_all_that_belongs_together_stays_together(item: al.Transform, engine: str) -> None:
    image, mask, boxes = scene()
    count = 3 if item.p == 1 else 6
    out = al.augment(
        [image] * count, [item], masks=[mask.astype(np.uint8)] * count, boxes=[boxes] * count,
        keypoints=[POINTS] * count, labels=[np.arange(3)] * count, engine=engine, seed=11,
    )  # fmt: skip
    checked = 0
    for index in range(count):
        picture, labels, points = (out[key][index] for key in ("images", "masks", "keypoints"))
        kept = {int(label): box for label, box in zip(out["labels"][index], out["boxes"][index], strict=True)}
        size = np.asarray(labels.shape[::-1])
        for k, point in enumerate(points):
            reach = 1.7 * RADIUS * max(picture.shape[0] / HEIGHT, picture.shape[1] / WIDTH, 0.7)
            if (point < reach).any() or (point > size - 1 - reach).any():
                continue
            checked += 1
            near = np.zeros(labels.shape, bool)
            left, top = np.round(point - reach).astype(int)
            right, bottom = np.round(point + reach).astype(int)
            near[top : bottom + 1, left : right + 1] = True
            assert np.abs(middle(picture[..., k] * near) - point).max() < 0.5
            assert np.abs(middle((labels == k + 1) * near) - point).max() < 0.5
            box = kept[k]
            if (box[:2] > 0).all() and (box[2:] < size).all():  # not cut off at the edge
                assert np.abs((box[:2] + box[2:]) / 2 - 0.5 - point).max() < 0.5
            rows, columns = np.nonzero((labels == k + 1) & near)
            disc = np.asarray([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
            assert (disc[:2] >= box[:2] - 1).all()
            assert (disc[2:] <= box[2:] + 1).all()
    assert checked >= 2


@pytest.mark.parametrize("item", GEOMETRY, ids=repr)
def test_masks_keep_their_labels_and_their_type(item: al.Transform, other: str) -> None:
    image, mask, boxes = scene()
    names = {"bool": [0, 1, 0, 1], "int64": [0, 1 << 40, -(1 << 50), 7], "int8": [0, -1, 127, -128]}
    dtypes = ("bool", "uint8", "int8", "uint16", "int16", "int32", "uint32", "int64")
    labels = {dtype: np.asarray(names.get(dtype, [0, 200, 3, 101])).astype(dtype)[mask] for dtype in dtypes}
    masks = {dtype: [rows] * 2 for dtype, rows in labels.items()}
    outs = [
        al.augment([image] * 2, [item], masks=masks, boxes=[boxes] * 2, engine=name, seed=4)["masks"]
        for name in ("reference", other)
    ]
    for dtype, rows in labels.items():
        for wanted, got in zip(*(out[dtype] for out in outs), strict=True):
            assert got.dtype == wanted.dtype == np.dtype(dtype)
            assert {*np.unique(got).tolist()} | {*np.unique(wanted).tolist()} <= {*np.unique(rows).tolist()}
            assert np.mean(got != wanted) <= 0.004  # see "nearest" in divergences.toml


def test_masks_of_several_channels_and_their_own_fill(engine: str) -> None:
    image = smooth(41, 67)
    labels = np.random.default_rng(0).integers(1, 9, (41, 67, 5)).astype(np.int32)
    item = al.RandomTranslation((20 / 41, 20 / 41), (0, 0), fill_mode="constant", fill_value=77, mask_fill_value=255)
    out = al.augment(image[None], [item], masks=labels[None], engine=engine)
    assert out["masks"].shape == (1, 41, 67, 5)
    assert (out["masks"][0, :20] == 255).all()
    assert (out["images"][0, :20] == 77).all()
    assert np.array_equal(out["masks"][0, 20:], labels[:21])
    letterbox = al.Resizing(67, 67, pad_to_aspect_ratio=True, mask_fill_value=-1)
    padded = al.augment(image[None], [letterbox], masks=labels[None], engine=engine)["masks"][0]
    assert (padded[:13] == -1).all()
    assert np.array_equal(padded[13:54], labels)


@pytest.mark.parametrize(("scale", "offset", "got"), [(1.5, 100.0, 255), (0.1, -200.0, 0)])
def test_values_beyond_the_type_end_at_its_last(scale: float, offset: float, got: int, engine: str) -> None:
    work = [al.Rescaling(scale, offset=offset), al.ConvertDtype("uint8", scale=False)]
    assert (al.augment(smooth(41, 67)[None] // 2 + 120, work, engine=engine) == got).all()


@pytest.mark.parametrize(("dtype", "value"), [("uint8", -1), ("uint8", 256), ("int8", 128), ("bool", 2)])
def test_a_mask_fill_that_the_type_lacks_is_refused(dtype: str, value: int) -> None:
    masks = np.ones((1, 41, 67), dtype)
    for item in (
        al.RandomTranslation(0.3, 0.3, fill_mode="constant", mask_fill_value=value),
        al.CoarseDropout(mask_fill_value=value),
    ):
        with pytest.raises(al.ArgumentError, match=rf"{type(item).__name__}\(mask_fill_value={value}\).*of {dtype}\."):
            al.augment(smooth(41, 67)[None], [item], masks=masks)
        with pytest.raises(al.ArgumentError, match=rf"mask_fill_value={value}"):
            al.Pipeline(al.Arrays(smooth(41, 67)[None], masks=masks), [item])  # before anything is read


def test_colours_leave_masks_alone(engine: str) -> None:
    image, mask, _ = scene()
    work = [al.RandomInvert((1, 1)), al.RandomContrast((0.3, 0.3)), al.RandomHue((0.2, 0.2)), al.Rescaling(1 / 255)]
    out = al.augment(image[None], work, masks=mask[None], engine=engine)
    assert np.array_equal(out["masks"][0], mask)
    assert out["masks"].dtype == mask.dtype


def written(corners: NDArray[Any], box_format: str, height: int, width: int) -> NDArray[Any]:
    left, top, right, bottom = (corners / ([width, height] * 2 if box_format.startswith("rel_") else 1)).T
    x, y, w, h = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
    columns = {
        "xyxy": (left, top, right, bottom),
        "yxyx": (top, left, bottom, right),
        "xywh": (left, top, w, h),
        "center_xywh": (x, y, w, h),
        "center_yxhw": (y, x, h, w),
    }
    return np.stack(columns[box_format.removeprefix("rel_")], axis=1)


@pytest.mark.parametrize("box_format", BOX_FORMATS)
def test_boxes_of_every_format_move_alike(box_format: str, engine: str) -> None:
    image, _, boxes = scene()
    work = [al.RandomFlip("horizontal", p=1), al.Resizing(48, 210)]
    given = written(boxes, box_format, HEIGHT, WIDTH)
    out = al.augment(image[None], work, boxes=given[None], bounding_box_format=box_format, engine=engine)["boxes"][0]
    left, top, right, bottom = boxes.T
    moved = np.stack([WIDTH - right, top, WIDTH - left, bottom], axis=1) * [1.5, 0.5, 1.5, 0.5]
    assert np.abs(out - written(moved, box_format, 48, 210)).max() < 1e-3


def test_unknown_box_formats_are_refused() -> None:
    with pytest.raises(al.ArgumentError, match=r"bounding_box_format must be one of .* Received .*'corners'"):
        al.augment(smooth(8, 9)[None], [], boxes=[np.zeros((1, 4))], bounding_box_format="corners")


def test_boxes_that_leave_take_their_labels_along(engine: str) -> None:
    image = smooth(40, 60)
    boxes = np.asarray([[2, 2, 10, 12], [30, 5, 50, 35], [55, 30, 60, 40]], np.float32)
    item = al.RandomTranslation((0, 0), (-0.5, -0.5), fill_mode="constant")
    out = al.augment(image[None], [item], boxes=[boxes], labels=[np.asarray([7, 8, 9])], engine=engine)
    assert out["labels"][0].tolist() == [8, 9]
    assert np.allclose(out["boxes"][0], [[0, 5, 20, 35], [25, 30, 30, 40]], atol=1e-4)


def test_visibility_of_points_that_leave(engine: str) -> None:
    image = smooth(40, 60)
    points = np.asarray([[10, 20, 2], [45, 20, 2], [50, 39, 1]], np.float32)
    item = al.RandomTranslation((0, 0), (-0.5, -0.5), fill_mode="constant")
    out = al.augment(image[None], [item], keypoints=[points], engine=engine)["keypoints"][0]
    assert np.allclose(out, [[-20, 20, 0], [15, 20, 2], [20, 39, 1]], atol=1e-4)

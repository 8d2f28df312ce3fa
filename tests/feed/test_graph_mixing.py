"""Mixing in the graph engine: the partners, pixels and targets of the reference engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import augline as al
from augline.engines.portable import mix as portable
from augline.mixing.pixels import Part, mixed
from pictures import smooth

tf = pytest.importorskip("tensorflow")

COUNT, HEIGHT, WIDTH = 11, 36, 44
GEOMETRY = [al.RandomFlip(), al.RandomRotation(0.05)]
LISTS: dict[str, list[Any]] = {
    "mixup": [al.MixUp(0.4)],
    "mixup, sometimes": [al.RandomFlip("horizontal"), al.MixUp(5.0, p=0.5), al.RandomBrightness(0.2)],
    "cutmix": [*GEOMETRY, al.CutMix()],
    "cutmix, sometimes": [al.CutMix(p=0.6), al.RandomZoom(0.2)],
    "either": [*GEOMETRY, al.MixUpOrCutMix(2.0, p=0.8), al.RandomZoom(0.2)],
    "mosaic": [al.Mosaic(centre=(0.1, 0.8))],
    "mosaic of another size": [al.Mosaic(60, 52, fill_value=7), al.RandomCrop(40, 40)],
    "copy": [al.RandomFlip("vertical"), al.CopyPaste(p=0.7), al.RandomFlip(), al.CopyPaste(p=0.7)],
    "two": [*GEOMETRY, al.Mosaic(p=0.7), al.RandomContrast(0.2), al.MixUp(0.4, p=0.6), al.RandomFlip("horizontal")],
    "two of a kind": [al.CutMix(), al.CutMix(p=0.5), al.Resizing(30, 30), al.Rescaling(1 / 255)],
}
AIMED = {"mixup, sometimes": "rel_yxyx", "cutmix": "rel_yxyx", "either": "xyxy", "mosaic of another size": "rel_yxyx",
         "copy": "rel_yxyx", "two": "xyxy"}  # fmt: skip
"""Those that are tried with all targets, and so with images and labels, and the format of their boxes."""


def pictures(channels: int = 3, dtype: str = "uint8", **targets: Any) -> al.Arrays:
    images = np.stack([smooth(HEIGHT, WIDTH, channels, dtype, k) for k in range(COUNT)])
    return al.Arrays(images, np.eye(COUNT, 5, dtype=np.float32) * 0.9 + 0.02, **targets)


def detection(box_format: str = "xyxy") -> al.Arrays:
    """Masks of one object each, whose box and number are known, and of a band; one picture has no box."""
    masks, boxes = np.zeros((COUNT, HEIGHT, WIDTH, 2), np.uint8), []
    scale = np.array([WIDTH, HEIGHT] * 2 if box_format.startswith("rel") else [1] * 4, np.float32)
    for k, mask in enumerate(masks):
        top, left, bottom, right = 2 + k, 1 + 2 * k, 12 + 2 * k, 20 + 2 * k
        mask[:, 40:] = 9
        mask[top:bottom, left:right] = k + 1, 2
        boxes.append(np.array([[0, 30, 9, 36], [left, top, right, bottom]], np.float32)[: k % 3] / scale)
    names = [np.arange(len(rows)) + 3 for rows in boxes]
    return pictures(
        masks=masks, boxes=boxes, box_labels=names, bounding_box_format=box_format, keypoints=points(3, places=3)
    )  # fmt: skip


def points(width: int, places: int) -> list[np.ndarray]:
    """In any number up to `places`."""
    rng = np.random.default_rng(2)
    rows = [
        rng.uniform(0, 1, (k % (places + 1), 3)) * (WIDTH - 1, HEIGHT - 1, 0) + (0, 0, 1 + k % 2) for k in range(COUNT)
    ]
    return [row[:, :width] for row in rows]


def compare(
    source: al.Source, work: Any, epochs: int = 1, most: float = 1.0, mean: float = 0.03, **settings: Any
) -> None:  # fmt: skip
    """All batches of the graph beside those of the reference; `mean` in units of `most`."""
    graph = al.Pipeline(source, work, engine="tensorflow", **settings).to_tf()
    assert b"PyFunc" not in graph._as_serialized_graph(allow_stateful=True).numpy()
    reference = al.Pipeline(source, work, engine="reference", **settings)
    for epoch in range(epochs):
        seen = list(graph)
        assert len(seen) == len(reference)
        for step, batch in enumerate(seen):
            alike(named(batch, reference), named(reference.batch(epoch, step), reference), most, mean)


def named(batch: Any, pipe: al.Pipeline) -> dict[str, Any]:
    parts = batch if isinstance(batch, dict) else dict(zip(pipe.batches.fields(), batch, strict=True))
    return tf.nest.map_structure(np.asarray, parts)


def alike(got: dict[str, Any], wanted: dict[str, Any], most: float, mean: float) -> None:
    assert {*got} == {*wanted}
    kinds = [[(array.shape, array.dtype) for array in tf.nest.flatten(batch)] for batch in (got, wanted)]
    assert kinds[0] == kinds[1]
    for name in wanted:
        if name in ("images", "right"):
            apart = np.abs(got[name].astype(np.float64) - wanted[name])
            assert apart.max() <= most
            assert apart.mean() <= mean * most
        elif name == "bounding_boxes":
            assert np.array_equal(got[name]["labels"], wanted[name]["labels"])
            assert np.allclose(got[name]["boxes"], wanted[name]["boxes"], atol=2e-3)
        elif name == "segmentation_masks":
            for one, other in zip(tf.nest.flatten(got[name]), tf.nest.flatten(wanted[name]), strict=True):
                assert np.mean(one != other) < 1e-3
        elif name == "keypoints":
            assert np.allclose(got[name], wanted[name], atol=2e-3)
        else:
            assert np.allclose(got[name], wanted[name], atol=1e-6)


@pytest.mark.parametrize("work", [pytest.param(work, id=name) for name, work in LISTS.items() if name not in AIMED])
def test_images_and_labels_are_those_of_the_reference(work: list[Any]) -> None:
    most = 1 / 255 if isinstance(work[-1], al.Rescaling) else 2.0 if len(work) > 5 else 1.0
    compare(pictures(), work, most=most, batch_size=4, drop_remainder=True, seed=3)  # one shape to compile


@pytest.mark.parametrize(("name", "box_format"), AIMED.items())
def test_masks_and_boxes_and_points_are_those_of_the_reference(name: str, box_format: str) -> None:
    keep = al.BoxFilter(min_visibility=0.2, max_boxes=None if name == "copy" else 3)
    most = 2.0 if name == "two" else 1.0
    compare(detection(box_format), LISTS[name], most=most, batch_size=4, drop_remainder=True, seed=5, box_filter=keep)


def poses(width: int, places: int) -> al.Arrays:
    """Points, and two masks each."""
    rng = np.random.default_rng(2)
    masks = {
        "a": rng.integers(0, 2, (COUNT, HEIGHT, WIDTH), np.uint8),
        "b": rng.integers(0, 9, (COUNT, HEIGHT, WIDTH, 2), np.int32),
    }
    return pictures(keypoints=points(width, places), masks=masks)


@pytest.mark.parametrize(("name", "width"), [("mosaic of another size", 2), ("copy", 3)])
def test_points_without_visibility_and_masks_by_name_are_those_of_the_reference(name: str, width: int) -> None:
    compare(poses(width, 3), LISTS[name], batch_size=4, seed=5)


def test_left_and_right_change_places_in_every_block() -> None:
    rows = np.random.default_rng(2).uniform(0, 30, (COUNT, 4, 2))
    source = pictures(keypoints=rows, keypoint_swaps=[(0, 3)])
    compare(
        source, [al.RandomFlip(), al.CutMix(), al.RandomFlip(), al.Mosaic(), al.RandomFlip()], batch_size=6, most=2.0
    )


@pytest.mark.parametrize("name", ["copy", "two"])
def test_further_images_and_every_frame_are_mixed_by_the_same_draw(name: str) -> None:
    time, rng = 2, np.random.default_rng(4)
    masks = rng.integers(0, 2, (COUNT, time, HEIGHT, WIDTH, 1), np.uint8)
    points = np.add(rng.uniform(0, 30, (COUNT, time, 3, 3)), (0, 0, 1))
    boxes = [[np.float32([[k, 2 + t, k + 9, 12 + t]])[: (k + t) % 2] for t in range(time)] for k in range(COUNT)]
    videos, right = (
        np.stack([[smooth(HEIGHT, WIDTH, 3, "uint8", k + seed * t) for t in range(time)] for k in range(COUNT)])
        for seed in (31, 77)
    )
    source = al.Arrays(videos, masks=masks, keypoints=points, boxes=boxes, extra_images={"right": right})
    compare(source, LISTS[name], most=2.0 if name == "two" else 1.0, batch_size=4, seed=5)


@pytest.mark.parametrize(("channels", "dtype"), [(1, "uint8"), (3, "uint16"), (4, "float32")])
def test_every_type_of_image(channels: int, dtype: str) -> None:
    most = {"uint8": 1.0, "uint16": 257.0, "float32": 1 / 255}[dtype]
    fill = {"uint8": 9, "uint16": 999, "float32": 0.3}[dtype]
    compare(pictures(channels, dtype), [al.Mosaic(fill_value=fill), al.MixUp(0.5)], most=most, batch_size=6)


def test_files_of_several_sizes(tmp_path: Path) -> None:
    for number, (height, width) in enumerate([(75, 100), (120, 61), (64, 64), (33, 190), (250, 180)]):
        for kind in ("cat", "dog"):
            (tmp_path / kind).mkdir(exist_ok=True)
            image = Image.fromarray(smooth(height, width, 3, "uint8", number + 10 * (kind == "dog")))
            image.save(tmp_path / kind / f"{number}.{'png' if number % 2 else 'jpg'}")
    source = al.Folder(tmp_path, label_mode="categorical")
    compare(source, [al.RandomFlip(), al.Mosaic(p=0.8), al.MixUp(p=0.5)], mean=0.1, size=(48, 40), batch_size=4, seed=2)
    work = [al.RandomResizedCrop(40, 36, scale=(0.2, 0.9)), al.CutMix(p=0.5)]
    compare(source, work, batch_size=4, seed=2)


def test_partners_change_with_the_epoch_and_mixing_can_end() -> None:
    compare(pictures(), [al.MixUp(5.0, until_epoch=1), al.CutMix(p=0.5, until_epoch=2)], epochs=3, batch_size=COUNT)


def test_shards_are_slices_and_short_batches_are_filled_up() -> None:
    source, work = pictures(weights=np.linspace(0.5, 1, COUNT, dtype=np.float32)), [al.Mosaic(), al.MixUp(0.4)]
    compare(source, work, batch_size=4, seed=6, shard=(1, 2))
    pipe = al.Pipeline(source, work, batch_size=4, seed=6, engine="tensorflow")
    *_, (images, labels, weights) = pipe.to_tf(last_batch="pad")
    told = pipe.batch(0, 2)
    assert images.shape[0] == 4
    assert np.allclose(labels[:3], told[1], atol=1e-6)
    assert weights[3] == 0
    assert np.array_equal(weights[:3], told[2])


def test_labels_that_stay_keep_their_type() -> None:
    masks = detection().targets.masks
    images = np.stack([smooth(HEIGHT, WIDTH, 3, "uint8", k) for k in range(COUNT)])
    source = al.Arrays(images, np.arange(COUNT), masks=masks)
    compare(source, [al.CopyPaste()], batch_size=4)
    pipe = al.Pipeline(source, [al.CopyPaste()], batch_size=4)
    for batch, wanted in zip(pipe.to_tf(), pipe.epoch(0), strict=True):
        assert np.array_equal(batch["labels"], wanted["labels"])
        assert batch["labels"].dtype == wanted["labels"].dtype


@pytest.mark.parametrize("name", LISTS)
def test_portable_pixels_are_those_made_sample_by_sample(name: str) -> None:
    """Images and masks at once, in NumPy, beside `mixing.pixels`, which works with slices."""
    source = detection()
    pipe = al.Pipeline(source, LISTS[name], seed=8)
    mix = pipe.batches.drawn(0, np.arange(COUNT), source.ids)[1][-1]
    rows = np.random.default_rng(1).integers(0, COUNT, mix.shares.size)
    images = np.stack([smooth(HEIGHT, WIDTH, 3, "uint8", k) for k in rows])
    masks = np.stack(source.targets.masks)[rows]
    solid = masks.any(axis=-1) if mix.objects else None
    together = portable.mixed(np, mix, {"": images}, {"": masks}, solid, mix.fill * 255)
    for row in range(COUNT):
        count = mix.shares.shape[1]
        mine = range(row * count, (row + 1) * count)
        image, mask = mixed(mix, row, [Part({"": images[k]}, {"": masks[k]}) for k in mine], (0.0, 255.0))
        assert np.array_equal(together[0][""][row], image[""])
        assert np.array_equal(together[1][""][row], mask[""])


def test_outlines_that_are_mixed_are_left_to_numpy() -> None:
    source = pictures(polygons=[[np.float32([(3, 3), (9, 5), (4, 12)])]] * COUNT)
    with pytest.raises(
        al.EngineError, match=r"boxes that are mixed must be known by their sides alone\. Received polyg"
    ):
        al.Pipeline(source, [al.Mosaic()], engine="tensorflow").to_tf()

"""Mixing: what comes out, beside plain NumPy; and that partners depend on nothing but (seed, epoch, sample id)."""

from __future__ import annotations

import numpy as np
import pytest

import augline as al
from augline.random import Draw

COUNT, HEIGHT, WIDTH = 24, 40, 56


def rectangles():
    """Each image is black with one bright rectangle of its own, which its box and its mask know."""
    rng = np.random.default_rng(5)
    images = np.zeros((COUNT, HEIGHT, WIDTH, 3), np.uint8)
    boxes = []
    for index, image in enumerate(images):
        top, left = rng.integers(2, 16), rng.integers(2, 24)
        bottom, right = top + rng.integers(8, 20), left + rng.integers(8, 28)
        image[top:bottom, left:right] = 100 + 5 * index
        boxes.append(np.asarray([[left, top, right, bottom]], np.float32))
    return images, boxes, (images[..., :1] > 0).astype(np.uint8)


IMAGES, BOXES, MASKS = rectangles()
LABELS = np.eye(COUNT, dtype=np.float32)
SOURCE = al.Arrays(IMAGES, LABELS, masks=MASKS, boxes=BOXES, box_labels=[[k % 5] for k in range(COUNT)])


def epoch(transforms, **settings):
    """All samples of epoch 0 in the order of the source."""
    pipe = al.Pipeline(SOURCE, transforms, **{"seed": 9, "batch_size": 7, "shuffle": False, **settings})
    batches = list(pipe.epoch(0))
    return {
        "images": np.concatenate([b["images"] for b in batches]),
        "labels": np.concatenate([b["labels"] for b in batches]),
        "masks": np.concatenate([b["segmentation_masks"] for b in batches]),
        "boxes": [rows[names >= 0] for b in batches for rows, names in zip(*b["bounding_boxes"].values(), strict=True)],
        "names": [names[names >= 0] for b in batches for names in b["bounding_boxes"]["labels"]],
    }


def drawn(path):
    draw = Draw(9, 0, np.arange(COUNT)).at(path)
    return draw, (draw.uniform("partner", shape=(1,))[:, 0] * COUNT).astype(int)


def test_mixup_is_a_weighted_sum_of_images_and_labels():
    got = epoch([al.MixUp(0.4)])
    draw, partner = drawn("MixUp")
    weight = draw.beta("weight", 0.4, 0.4)
    w = weight[:, None, None, None]
    assert np.abs(got["images"] - np.rint(IMAGES * w + IMAGES[partner] * (1 - w))).max() <= 1
    assert np.allclose(got["labels"], LABELS * weight[:, None] + LABELS[partner] * (1 - weight[:, None]), atol=1e-6)
    heavier = np.where(weight > 0.5, np.arange(COUNT), partner)
    assert np.array_equal(got["masks"], MASKS[heavier])
    assert sorted(map(len, got["boxes"])) == [2] * COUNT
    assert np.array_equal(got["boxes"][3], np.concatenate([BOXES[3], BOXES[partner[3]]]))


def test_cutmix_mixes_labels_by_the_area_that_shows():
    got = epoch([al.CutMix()])
    _, partner = drawn("CutMix")
    for index, mate in enumerate(partner):
        image, own, other = got["images"][index], IMAGES[index], IMAGES[mate]
        assert ((image == own) | (image == other)).all()
        share = got["labels"][index, mate] if mate != index else 0.0
        differs = (own != other).any(axis=2)
        taken = (image == other).all(axis=2) & differs
        assert taken.sum() <= round(float(share) * HEIGHT * WIDTH)
        assert got["labels"][index].sum() == pytest.approx(1)
        assert np.array_equal(got["masks"][index][..., 0] > 0, image[..., 0] > 0)


def test_either_is_mixup_or_cutmix_and_never_both():
    got = epoch([al.MixUpOrCutMix(0.4, 1.0, 0.3)])
    draw, partner = drawn("MixUpOrCutMix")
    cuts, weight, left_over = draw.chance("cuts", 0.3), draw.beta("weight", 0.4, 0.4), draw.beta("left_over", 1.0, 1.0)
    assert 0 < cuts.sum() < COUNT
    y, x, side = draw.uniform("y"), draw.uniform("x"), np.sqrt(1 - left_over) / 2
    for index, mate in enumerate(partner):
        own, other = IMAGES[index].astype(float), IMAGES[mate].astype(float)
        if cuts[index]:
            rows = np.abs((np.arange(HEIGHT) + 0.5) / HEIGHT - y[index]) < side[index]
            columns = np.abs((np.arange(WIDTH) + 0.5) / WIDTH - x[index]) < side[index]
            where = rows[:, None] & columns
            wanted, share = np.where(where[..., None], other, own), where.mean()
        else:
            share = 1 - weight[index]
            wanted = own * (1 - share) + other * share
        assert np.abs(got["images"][index] - wanted).max() <= 0.501
        labels = LABELS[index] * (1 - share) + LABELS[mate] * share
        assert np.allclose(got["labels"][index], labels, atol=1e-6)


@pytest.mark.parametrize("transforms", [
    [al.Mosaic(fill_value=0)], [al.Mosaic(72, 96, centre=(0.4, 0.6), fill_value=0)],
    [al.RandomFlip(p=0.5), al.Mosaic(fill_value=0), al.RandomFlip("horizontal")], [al.CutMix()],
])  # fmt: skip
def test_boxes_masks_and_pixels_agree(transforms):
    got = epoch(transforms)
    for image, mask, boxes in zip(got["images"], got["masks"], got["boxes"], strict=True):
        bright = image[..., 0] > 0
        assert np.array_equal(mask[..., 0] > 0, bright)
        covered = np.zeros_like(bright)
        for left, top, right, bottom in boxes.round().astype(int):
            covered[top:bottom, left:right] = True
        # parts of less than a pixel of a box are left out with their box
        assert (bright & ~covered).sum() <= 2
        assert (covered & ~bright).sum() <= (0 if "Mosaic" in repr(transforms) else HEIGHT * WIDTH)


def test_copy_paste_puts_objects_over_the_image():
    got = epoch([al.CopyPaste()])
    _, partner = drawn("CopyPaste")
    wanted = np.where(MASKS[partner] > 0, IMAGES[partner], IMAGES)
    assert np.array_equal(got["images"], wanted)
    assert np.array_equal(got["masks"], np.maximum(MASKS, MASKS[partner]))
    assert np.array_equal(got["labels"], LABELS)
    assert np.array_equal(got["names"][2], [2 % 5, partner[2] % 5])


STACKED = [
    al.RandomFlip(),
    al.Mosaic(),
    al.RandomBrightness(0.2),
    al.MixUp(0.4),
    al.RandomFlip(),
    al.RandomRotation(0.05),
]


@pytest.mark.parametrize("settings", [{"batch_size": 5}, {"batch_size": 24}, {"workers": 1}, {"workers": 5}])
def test_partners_depend_on_no_batch_and_no_thread(settings):
    one, other = epoch(STACKED), epoch(STACKED, **settings)
    for name in ("images", "labels", "masks"):
        assert np.array_equal(one[name], other[name])


def test_shards_are_slices():
    whole = al.Pipeline(SOURCE, STACKED, batch_size=8, seed=9).batch(2, 1)
    parts = [al.Pipeline(SOURCE, STACKED, batch_size=8, seed=9, shard=(k, 3)).batch(2, 1) for k in range(3)]
    assert np.array_equal(whole["images"], np.concatenate([part["images"] for part in parts]))
    assert np.array_equal(whole["labels"], np.concatenate([part["labels"] for part in parts]))


def test_a_host_without_a_sample_of_the_last_batch_gets_an_empty_one():
    size = len(SOURCE) - 1
    part = al.Pipeline(SOURCE, STACKED, batch_size=size, shard=(0, 3)).batch(0, 1)
    assert part["images"].shape == (0, *IMAGES.shape[1:])
    assert part["labels"].shape == (0, *LABELS.shape[1:])


def test_partners_are_drawn_evenly_from_the_whole_data_set():
    source = al.Arrays(np.zeros((4000, 2, 2, 1), np.uint8), np.eye(8, dtype=np.float32)[np.arange(4000) % 8])
    labels = np.concatenate([b[1] for b in al.Pipeline(source, [al.MixUp(50)], batch_size=500, seed=1).epoch(0)])
    mates = labels - np.minimum(labels, 0.5)
    assert mates.sum() > 0
    assert np.abs(labels.sum(axis=0) / 4000 - 1 / 8).max() < 0.02


def test_a_list_behind_a_mixing_draws_numbers_of_its_own():
    once = epoch([al.RandomFlip("horizontal"), al.CopyPaste(p=0.0), al.RandomFlip("horizontal")])["images"]
    flips = [Draw(9, 0, np.arange(COUNT)).at(path).chance("flip_x", 0.5) for path in ("RandomFlip", "RandomFlip#2")]
    assert not np.array_equal(*flips)
    wanted = np.where((flips[0] ^ flips[1])[:, None, None, None], IMAGES[:, :, ::-1], IMAGES)
    assert np.array_equal(once, wanted)


def test_mixing_can_be_closed_after_an_epoch():
    pipe = al.Pipeline(SOURCE, [al.MixUp(0.4, until_epoch=1)], batch_size=COUNT, shuffle=False)
    assert not np.array_equal(pipe.batch(0, 0)["labels"], LABELS)
    assert np.array_equal(pipe.batch(1, 0)["labels"], LABELS)
    assert np.array_equal(pipe.batch(1, 0)["images"], IMAGES)


def test_evaluation_mixes_nothing():
    assert np.array_equal(next(iter(al.Pipeline(SOURCE, STACKED, batch_size=COUNT).evaluation()))["images"], IMAGES)


def test_evaluation_keeps_the_size_that_a_mosaic_gives():
    pipe = al.Pipeline(SOURCE, [al.Mosaic(44, 36, fill_value=7), al.RandomFlip()], batch_size=4)
    assert pipe.batch(0, 0)["images"].shape == pipe.evaluation().batch(0, 0)["images"].shape == (4, 44, 36, 3)
    assert pipe.evaluation().transforms == (al.LetterBox(44, 36, 7),)


def test_values_are_rescaled_last():
    plain, scaled = epoch([al.MixUp(0.4)])["images"], epoch([al.MixUp(0.4), al.Rescaling(1 / 255)])["images"]
    assert scaled.dtype == np.float32
    assert np.abs(scaled * 255 - plain).max() < 1e-3


IMPOSSIBLE = {
    "labels must be one-hot or soft": lambda: al.Pipeline(al.Arrays(IMAGES, np.arange(COUNT)), [al.MixUp()]),
    "there must be something to mix": lambda: al.Pipeline(al.Arrays(IMAGES), [al.CutMix()]),
    "it needs segmentation masks": lambda: al.Pipeline(al.Arrays(IMAGES, LABELS), [al.CopyPaste()]),
    "values are rescaled behind": lambda: al.Pipeline(SOURCE, [al.Rescaling(1 / 255), al.MixUp()]),
    "at the top level": lambda: al.Pipeline(SOURCE, [al.OneOf([al.MixUp(), al.CutMix()])]),
    "top level of a Pipeline's list": lambda: al.augment(IMAGES, [al.MixUp()]),
    "images must have one size": lambda: al.Pipeline(al.Arrays([IMAGES[0], IMAGES[1][:30]], LABELS[:2]), [al.CutMix()]),
}


@pytest.mark.parametrize("rule", IMPOSSIBLE)
def test_what_cannot_be_mixed_is_refused_when_the_pipeline_is_built(rule):
    with pytest.raises(al.ArgumentError, match=rule):
        IMPOSSIBLE[rule]()


def test_a_schedule_gives_each_epoch_its_numbers():
    scheduled = al.Pipeline(SOURCE, [al.MixUp(0.4, p=al.steps({0: 0.0, 1: 1.0, 2: 0.5}))], batch_size=COUNT, seed=9)
    for number, p in enumerate((0.0, 1.0, 0.5)):
        plain = al.Pipeline(SOURCE, [al.MixUp(0.4, p=p)], batch_size=COUNT, seed=9)
        assert np.array_equal(scheduled.batch(number, 0)["images"], plain.batch(number, 0)["images"])

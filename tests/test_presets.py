"""Presets: they run, they are what their sources say, and one for another task is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import augline as al
from augline.presets import PRESETS
from pictures import smooth

SIZES = {"dino_local": (96, 96), "yolo": (640, 640), "ssd": (300, 300), "nnunet": (512, 512)}


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_makes_batches(name: str) -> None:
    boxes = [[[20.0, 20, 70, 60]]] * 2 if PRESETS[name][1] == "detection" else None
    masks = [np.ones((120, 90), np.uint8), np.ones((70, 150), np.uint8)]
    masks = masks if PRESETS[name][1] == "segmentation" else None
    source = al.Arrays([smooth(120, 90), smooth(70, 150)], labels=np.arange(2), boxes=boxes, masks=masks)
    pipe = al.Pipeline(source, al.presets.preset(name), batch_size=2)
    batch = pipe.batch(0, 0)
    images = batch["images"] if isinstance(batch, dict) else batch[0]
    assert images.shape == (2, *SIZES.get(name, (224, 224)), 3)
    assert images.dtype == np.float32
    if isinstance(al.presets.preset(name)[-1], al.Normalize) and al.presets.preset(name)[-1].mean == 0:
        assert 0 <= images.min() < images.max() <= 1


@pytest.mark.parametrize("name", [n for n in sorted(PRESETS) if PRESETS[n][1] in ("detection", "segmentation")])
def test_targets_follow_presets_for_them(name: str) -> None:
    boxes = [np.asarray([[40.0, 40, 80, 70]])] * 3
    masks = [np.ones((120, 90), np.uint8)] * 3
    work = al.presets.preset(name)
    out = al.augment([smooth(120, 90)] * 3, work, boxes=boxes, masks=masks, labels=[np.asarray([1])] * 3)
    assert {"images", "boxes", "masks", "labels"} == {*out}
    assert all(len(row) == len(names) for row, names in zip(out["boxes"], out["labels"], strict=True))
    assert {*np.unique(np.stack(out["masks"])).tolist()} <= {0, 1}


def test_classification_is_the_reference_recipe() -> None:
    assert al.presets.classification(176, policy="ta_wide", erasing=0.1) == [
        al.RandomResizedCrop(176, 176), al.RandomFlip("horizontal"), al.TrivialAugmentWide(), al.Normalize(),
        al.RandomErasing((0.1, 0.1), fill_value=0.0),
    ]  # fmt: skip
    assert al.presets.classification(policy="ra", magnitude=7)[2] == al.RandAugment(magnitude=7)
    assert al.presets.classification(policy="svhn")[2] == al.AutoAugment("svhn")
    assert al.presets.classification(policy="augmix", severity=5)[2] == al.AugMix(5)
    assert len(al.presets.classification()) == 3


def test_what_is_erased_after_normalizing_is_the_mean_colour() -> None:
    work = [al.Normalize(), al.presets.classification(erasing=1.0)[-1]]
    out = al.augment(np.full((4, 40, 40, 3), 255, np.uint8), work)
    white = (1 - np.asarray([0.485, 0.456, 0.406])) / [0.229, 0.224, 0.225]
    erased = np.abs(out - white).max(axis=-1) > 1e-3
    assert erased.any(axis=(1, 2)).all()
    assert np.abs(out[erased]).max() < 0.01  # half a level of 255, over 0.225


def test_the_views_of_contrastive_recipes_differ() -> None:
    assert al.presets.byol(view=1)[4] == al.RandomGaussianBlur((1, 1), 23, (0.1, 2.0))
    assert al.presets.byol(view=2)[4] == al.RandomGaussianBlur((0.1, 0.1), 23, (0.1, 2.0))
    assert al.presets.dino(view=2)[5].p == 0.2
    assert al.presets.simclr(size=32)[4].kernel_size == 3


def test_nnunet_turns_elongated_windows_less() -> None:
    assert al.presets.nnunet(256, 192)[1].degrees == 180
    assert al.presets.nnunet(256, 128)[1].degrees == 15


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: al.presets.preset("yolo", task="classification"), "for detection. Use classification or"),
        (lambda: al.presets.preset("simclr", task="segmentation"), "for representation. Use nnunet"),
        (lambda: al.presets.preset("resnet"), "there is no such preset"),
        (lambda: al.presets.classification(policy="randaugment"), "there is no such policy"),
        (lambda: al.presets.byol(view=3), "there are two views"),
        (lambda: al.augment(np.zeros((1, 50, 50, 5), np.uint8), al.presets.simclr()), "colours need images of 3"),
    ],
)
def test_wrong_presets(wrong: Any, message: str) -> None:
    with pytest.raises(al.ArgumentError, match=message):
        wrong()

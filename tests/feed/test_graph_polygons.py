"""Boxes that follow polygons in the graph engine, beside those of the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import augline as al
from pictures import smooth, stars

tf = pytest.importorskip("tensorflow")

COUNT, HEIGHT, WIDTH = 7, 40, 52
BLUR = al.RandomGaussianBlur((1.0, 1.0))  # nothing fuses across it
LISTS = {
    "a crop that looks": [al.RandomRotation(0.1), al.BBoxSafeRandomCrop(), al.Resizing(30, 40)],
    "one warp": [al.RandomFlip(), al.RandomRotation(0.2), al.RandomZoom(0.4)],
    "three warps": [
        al.RandomRotation(0.2), al.CoarseDropout((1, 4)), al.RandomTranslation(0.5, 0.5), BLUR,
        al.RandomZoom((-0.4, 0.3)),
    ],
    "bent": [al.RandomElasticTransform((1, 1), (0.6, 0.6), cells=4), BLUR, al.RandomTranslation(0.3, 0.3)],
}  # fmt: skip


def source(form: str, lead: int = 0) -> al.Arrays:
    """One image has no object; with `lead`, videos of so many frames."""
    number = COUNT * (lead or 1)
    rows = [stars(HEIGHT, WIDTH, (k + 1) % 4, k) for k in range(number)]
    units = [WIDTH, HEIGHT] if form.startswith("rel") else [1, 1]
    rows = [[outline / units for outline in row] for row in rows]
    names = [np.arange(len(row)) + 1 for row in rows]
    images = np.stack([smooth(HEIGHT, WIDTH, 3, "uint8", k) for k in range(number)])
    given = {"polygons": rows, "box_labels": names}
    if lead:
        images = images.reshape(COUNT, lead, HEIGHT, WIDTH, 3)
        given = {name: [column[k : k + lead] for k in range(0, number, lead)] for name, column in given.items()}
    return al.Arrays(images, np.eye(COUNT, dtype=np.float32), bounding_box_format=form, **given)


def compare(given: al.Source, work: Any, **settings: Any) -> int:
    """How many boxes were found alike."""
    settings = {"batch_size": 3, "seed": 2, "shuffle": False, **settings}
    graph = al.Pipeline(given, work, engine="tensorflow", **settings).to_tf()
    reference = al.Pipeline(given, work, engine="reference", **settings)
    assert b"PyFunc" not in graph._as_serialized_graph(allow_stateful=True).numpy()
    found = 0
    for step, batch in enumerate(graph):
        wanted = reference.batch(0, step)["bounding_boxes"]
        got = tf.nest.map_structure(np.asarray, batch["bounding_boxes"])
        assert np.array_equal(got["labels"], wanted["labels"])
        assert got["boxes"].dtype == wanted["boxes"].dtype
        assert np.allclose(got["boxes"], wanted["boxes"], atol=2e-3), step
        found += int((got["labels"] >= 0).sum())
    return found


@pytest.mark.parametrize(
    ("name", "form"), [("three warps", "xyxy"), ("bent", "rel_yxyx"), ("a crop that looks", "xyxy")]
)
def test_boxes_are_those_of_the_reference(name: str, form: str) -> None:
    keep = al.BoxFilter(min_visibility=0.2)
    assert compare(source(form), LISTS[name], box_filter=keep) >= 5


def test_they_are_tighter_than_those_of_four_sides() -> None:
    diamond = np.float32([[26, 4], [40, 20], [26, 36], [12, 20]])
    images = np.zeros((1, HEIGHT, WIDTH, 3), np.uint8)
    turn = [al.RandomRotation((0.125, 0.125), fill_mode="constant")]
    found = []
    polygon, sides = al.Arrays(images, polygons=[[diamond]]), al.Arrays(images, boxes=[[[12, 4, 40, 36]]])
    for given, engine in ((polygon, "tensorflow"), (sides, "reference")):
        (batch,) = al.Pipeline(given, turn, engine=engine).to_tf()
        box = batch["bounding_boxes"]["boxes"].numpy()[0, 0]
        found.append(float((box[2] - box[0]) * (box[3] - box[1])))
    assert found[0] < 0.6 * found[1]


def test_the_largest_stay_and_batches_without_any_are_possible() -> None:
    assert compare(source("xyxy"), LISTS["one warp"], box_filter=al.BoxFilter(max_boxes=1)) >= 4
    images = np.zeros((3, HEIGHT, WIDTH, 3), np.uint8)
    given = al.Arrays(images, polygons=[[], [], stars(HEIGHT, WIDTH, 2, 1)])
    assert compare(given, LISTS["one warp"], batch_size=1) in (1, 2)


def test_of_videos() -> None:
    assert compare(source("xyxy", lead=2), LISTS["one warp"]) >= 9

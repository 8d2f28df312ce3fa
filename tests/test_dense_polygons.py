"""Boxes around the polygons of a whole batch, against `targets.move_boxes`, which goes image by image."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import augline as al
from augline import targets
from augline.box_filter import ANY_BOX, BoxFilter
from augline.dense_boxes import move_boxes
from augline.engines.arrays import tensorflow as tfx
from augline.sources.polygons import rings_of
from augline.sources.rings import Rings
from dense import BENT, BLUR, HEIGHT, ROWS, WIDTH, plan_of
from pictures import stars

ROOM = 5
COUNTS = (5, 0, 3, 1)
LISTS = {
    "nothing moves": [al.RandomBrightness(0.2)],
    "one warp": [al.RandomRotation(0.2), al.RandomZoom(0.4)],
    "a window": [al.RandomCrop(30, 40), al.RandomFlip()],
    "three warps": [al.RandomRotation(0.2), BLUR, al.RandomZoom((-0.4, 0.3)), BLUR, al.RandomTranslation(0.5, 0.5)],
    "painted over on the way": [
        al.CoarseDropout((1, 6)), al.RandomRotation(0.2), al.RandomErasing((0.5, 1.0), (0.02, 0.1)),
        al.RandomZoom(0.2), al.GridMask((2, 4), 0.1),
    ],
    "bent, then projected": [BENT, BLUR, al.RandomPerspective((1.0, 1.0), scale=0.3)],
}  # fmt: skip


def outlines(form: str) -> list[list[Any]]:
    unit = np.array([WIDTH, HEIGHT]) if form.startswith("rel") else 1
    return [[star / unit for star in stars(HEIGHT, WIDTH, count, seed)] for seed, count in enumerate(COUNTS)]


def together(rows: list[list[Any]]) -> Rings:
    rings = rings_of([*chain.from_iterable(rows)])
    place = np.concatenate([row * ROOM + np.arange(count) for row, count in enumerate(COUNTS)]).astype(np.int64)
    return Rings(rings.points, rings.ring, place[rings.owner])


@pytest.mark.parametrize("box_filter", [ANY_BOX, BoxFilter(min_visibility=0.5, max_boxes=3)])
@pytest.mark.parametrize("form", ["xyxy", "rel_center_xywh", "yxyx"])
@pytest.mark.parametrize("name", LISTS)
def test_boxes_go_where_they_go_one_by_one(name: str, form: str, box_filter: BoxFilter) -> None:
    rows, plan = outlines(form), plan_of(LISTS[name])
    sides = [np.ones((count, 4), np.float32) for count in COUNTS]  # they count for nothing
    boxes, kept = targets.move_boxes(plan, sides, form, box_filter, rows)
    there = np.arange(ROOM) < np.array(COUNTS)[:, None]
    got, stays = move_boxes(np, plan, np.ones((ROWS, ROOM, 4)), there, form, box_filter, together(rows))
    for row in range(ROWS):
        assert np.flatnonzero(stays[row]).tolist() == kept[row].tolist()
        assert np.allclose(got[row][stays[row]], boxes[row], atol=1e-5)
    assert stays.sum() >= (4 if box_filter is ANY_BOX else 2)


@pytest.mark.parametrize("name", ["painted over on the way", "bent, then projected"])
def test_a_graph_moves_them_too(name: str) -> None:
    plan, rings = plan_of(LISTS[name], tfx), together(outlines("xyxy"))
    there = tf.constant(np.arange(ROOM) < np.array(COUNTS)[:, None])

    @tf.function(input_signature=[tf.TensorSpec((None, 2)), *[tf.TensorSpec((None,), tf.int64)] * 2], autograph=False)
    def graph(points: tf.Tensor, ring: tf.Tensor, owner: tf.Tensor) -> Any:
        return move_boxes(tfx, plan, tf.ones((ROWS, ROOM, 4)), there, "xyxy", ANY_BOX, Rings(points, ring, owner))

    got = graph(rings.points.astype(np.float32), rings.ring, rings.owner)
    want = move_boxes(np, plan_of(LISTS[name]), np.ones((ROWS, ROOM, 4)), there.numpy(), "xyxy", ANY_BOX, rings)
    assert np.array_equal(got[1], want[1])
    assert np.allclose(got[0][want[1]], want[0][want[1]], atol=1e-3)


def test_a_batch_without_polygons() -> None:
    none = Rings(np.zeros((0, 2)), np.zeros(0, np.int64), np.zeros(0, np.int64))
    there, plan = np.zeros((ROWS, ROOM), bool), plan_of(LISTS["three warps"])
    _, stays = move_boxes(np, plan, np.ones((ROWS, ROOM, 4)), there, "xyxy", ANY_BOX, none)
    assert not stays.any()


def test_edges_bend() -> None:
    """A rectangle given as a polygon of four corners has the box of a rectangle given as a box."""
    plan = plan_of([BENT])
    boxes = [np.float32([[8 + row, 6, WIDTH - 9, HEIGHT - 7 - row]]) for row in range(ROWS)]
    corners = [[box[0, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(4, 2)] for box in boxes]
    want, _ = targets.move_boxes(plan, boxes, "xyxy")
    got, kept = targets.move_boxes(plan, boxes, "xyxy", polygons=corners)
    assert np.abs(np.concatenate(want) - np.concatenate(got)).max() < 0.3
    ((finer,), *_) = targets.move_polygons(plan, corners, kept, "xyxy")
    assert len(finer) > 40

"""Dense boxes of a whole batch against `augment`, which moves them one image at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

import augline as al
from augline import targets
from augline.box_filter import ANY_BOX, BoxFilter
from augline.dense_boxes import move_boxes, packed
from augline.engines.arrays import tensorflow as tfx
from dense import BENT, BLUR, HEIGHT, ROWS, WIDTH, plan_of

BOXES, ROOM = 5, 7
LISTS = {
    "nothing moves": [al.RandomBrightness(0.2)],
    "one warp": [al.RandomRotation(0.1), al.RandomZoom(0.2)],
    "a window": [al.RandomCrop(40, 50), al.RandomFlip()],
    "three warps": [
        al.RandomRotation(0.1), BLUR, al.RandomZoom(0.3), al.RandomSharpness(0.5), al.RandomTranslation(0.3, 0.3),
    ],
    "painted over": [al.RandomErasing((1.0, 1.0), (0.1, 0.3)), al.CoarseDropout((1, 6), (0.1, 0.6), (0.1, 0.6))],
    "painted over on the way": [
        al.GridMask((2, 5), 0.7), al.RandomRotation(0.1), al.CoarseDropout((1, 6), (0.1, 0.6), (0.1, 0.6)),
        al.RandomZoom(0.3), al.RandomErasing((0.5, 1.0), (0.1, 0.3)),
    ],
    "bent": [BENT],
    "bent, then projected": [BENT, BLUR, al.RandomPerspective((1.0, 1.0), scale=0.3)],
}  # fmt: skip


def dense(box_format: str) -> NDArray[np.float32]:
    """`(ROWS, ROOM, 4)`, the last two of each row being none."""
    rng = np.random.default_rng(0)
    start = rng.uniform(0, 0.7, (ROWS, ROOM, 2)) * [WIDTH, HEIGHT]
    end = np.minimum(start + rng.uniform(4, 30, start.shape), [WIDTH, HEIGHT])
    boxes = targets.from_xyxy(np.concatenate([start, end], axis=-1), box_format, (HEIGHT, WIDTH)).astype("float32")
    boxes[:, BOXES:] = -1
    return boxes


def moved(xp: Any, rows: Any, transforms: Sequence[al.Transform], boxes: Any, form: str, box_filter: BoxFilter) -> Any:
    plan = plan_of(transforms, xp, rows)
    labels = xp.broadcast_to(xp.arange(ROOM)[None, :], (rows, ROOM))
    found, stays = move_boxes(xp, plan, boxes, labels < BOXES, form, box_filter)
    return packed(xp, stays, {"boxes": found, "labels": labels})


def wanted(transforms: Sequence[al.Transform], boxes: NDArray[Any], form: str, box_filter: BoxFilter) -> Any:
    out = al.augment(
        np.zeros((ROWS, HEIGHT, WIDTH, 3), "uint8"), transforms, seed=3, epoch=1, boxes=[*boxes[:, :BOXES]],
        labels=[np.arange(BOXES)] * ROWS, bounding_box_format=form, box_filter=box_filter,
    )  # fmt: skip
    return targets.pad_boxes(out["boxes"], out["labels"], ROOM)


@pytest.mark.parametrize("box_filter", [ANY_BOX, BoxFilter(min_visibility=0.5, min_area=30, max_boxes=3)])
@pytest.mark.parametrize("form", ["xyxy", "rel_center_xywh", "yxyx"])
@pytest.mark.parametrize("name", LISTS)
def test_boxes_go_where_augment_moves_them(name: str, form: str, box_filter: BoxFilter) -> None:
    boxes = dense(form)
    got = moved(np, ROWS, LISTS[name], boxes, form, box_filter)
    want = wanted(LISTS[name], boxes, form, box_filter)
    assert np.array_equal(got["labels"], want["labels"])
    assert np.abs(got["boxes"] - want["boxes"]).max() < 1e-5
    assert 0 < (want["labels"] >= 0).sum() < ROWS * ROOM


@pytest.mark.parametrize("name", ["painted over on the way", "bent"])
def test_a_graph_traced_for_any_number_of_rows_moves_them_too(name: str) -> None:
    boxes = dense("xyxy")

    @tf.function(input_signature=[tf.TensorSpec((None, ROOM, 4), tf.float32)], autograph=False)
    def graph(given: tf.Tensor) -> Any:
        return moved(tfx, tf.shape(given, tf.int64)[0], LISTS[name], given, "xyxy", ANY_BOX)

    got, want = graph(boxes), wanted(LISTS[name], boxes, "xyxy", ANY_BOX)
    assert np.array_equal(got["labels"], want["labels"])
    assert np.abs(got["boxes"] - want["boxes"]).max() < 1e-4

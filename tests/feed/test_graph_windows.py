"""What a graph does not decode of a file matters to no pixel."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import augline as al
from augline.program import Program
from pictures import noisy

tf = pytest.importorskip("tensorflow")

from augline.engines.arrays import tensorflow as xp  # noqa: E402
from augline.feed.graph import files, window  # noqa: E402
from augline.feed.graph.compiled import carry_out  # noqa: E402
from augline.feed.graph.strip import bucket  # noqa: E402

SIZES = ((175, 200), (241, 167), (530, 411), (190, 300))


def encoded(kind: str) -> list[bytes]:
    found = []
    for number, size in enumerate(SIZES):
        data = io.BytesIO()
        Image.fromarray(noisy(*size, seed=number)).save(data, kind, quality=95)
        found.append(data.getvalue())
    return found


def carried(work: Sequence[al.Transform], data: list[bytes], seed: int) -> NDArray[Any]:
    program = Program(work, seed=seed, channels=3, dtype="uint8", value_range=(0, 255), size=None)
    opened = files.opened(tf.constant(data), tf.fill((len(data),), "some"), exif=True)
    ids, sizes = tf.range(len(data), dtype=tf.int64), tf.cast(opened.sizes, tf.int64)
    plan = program.plan(tf.constant(0, tf.int64), ids, sizes, xp=xp)[1]
    images: NDArray[Any] = carry_out(*files.decoded(opened, plan, 3, "uint8"), compiled=False).numpy()
    return images


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("mode", ["reflect", "mirror", "wrap", "nearest"])
def test_nothing_outside_of_a_window_matters(mode: Any, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data, areas = encoded(kind), []

    def part(*given: Any) -> Any:
        found = windows(*given)
        areas.append(tf.reduce_prod(found[:, 2:], axis=1).numpy() / np.prod(SIZES, axis=1))
        return found

    def whole(_: Any, sizes: Any, *rest: Any) -> Any:
        return tf.concat([tf.zeros_like(sizes), sizes], axis=1)

    windows, moved = window.windows, al.RandomTranslation((-0.7, 0.7), (-0.9, 0.9), fill_mode=mode)
    for seed, work in enumerate((
        [moved, al.RandomCrop(24, 19)],
        [al.RandomZoom((-0.8, -0.4), fill_mode=mode), moved, al.RandomCrop(24, 19)],
        [moved, al.RandomResizedCrop(24, 19, scale=(0.1, 0.4))],
        [al.RandomCrop(130, 150), al.Resizing(6, 5)],  # blocks of 16 x 16
    )):  # fmt: skip
        monkeypatch.setattr(files, "windows", part)
        images = carried(work, data, seed)
        monkeypatch.setattr(files, "windows", whole)
        assert np.array_equal(images, carried(work, data, seed)), seed
    assert mode == "wrap" or np.max(areas[:2]) < 0.03
    assert np.min(areas, axis=1).max() < 0.5


def test_a_bucket_holds_what_it_is_for_even_just_above_a_power_of_two() -> None:
    sizes = np.array([1, 12, 13, 2**21, 2**21 + 95, 3 * 2**20 + 1, 2**29 + 1])
    assert bucket(tf.constant(sizes, tf.int32)).numpy().tolist() == [12, 12, 16, 2**21, 3 * 2**20, 2**22, 3 * 2**28]

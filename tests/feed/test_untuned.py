"""TensorFlow's tuner, which may hold up the end of an iterator for a minute, runs beside none of our data sets."""

from __future__ import annotations

import numpy as np
import pytest

import augline as al
from augline.keras import ImageDataGenerator

tf = pytest.importorskip("tensorflow")
adapters = pytest.importorskip("keras.src.trainers.data_adapters")


def test_no_data_set_has_a_tuner() -> None:
    images, labels = np.zeros((5, 6, 7, 3), np.uint8), np.arange(5)
    flow = ImageDataGenerator(horizontal_flip=True).flow(images, labels, batch_size=2)
    by_keras = adapters.get_data_adapter(flow).get_tf_dataset()
    pipe = al.Pipeline(al.Arrays(images, labels), batch_size=2)
    for dataset in (pipe.to_tf(), al.to_dataset((images, labels)), flow.to_dataset(), by_keras):
        assert dataset.options().autotune.enabled is False
    assert [len(rows) for _, rows in by_keras] == [2, 2, 1]

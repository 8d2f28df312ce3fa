"""The graph engine, a pure TensorFlow graph: beside tf.data with Keras layers, and a pipeline written by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from decode_roof_rrc import RATIO, SCALE, by_hand
from harness import Build, Metrics, Question, Subject, Target, Task, main, throughput
from six_transforms import _keras, _pipe, six
from subjects import POOL, ROOF, TF_DATA, our_epochs, tensorflow


def _graph(transforms: Callable[[], Sequence[Any]], size: tuple[int, int] | None = (224, 224)) -> Build:
    def build(task: Task) -> Callable[[], Iterable[Any]]:
        tensorflow()
        import augline as al

        pipe = al.Pipeline(al.Files(task.files), transforms(), size=size, batch_size=32, engine="tensorflow", workers=2)
        dataset = pipe.to_tf()
        return lambda: iter(dataset)

    return build


def _six_of_ours() -> Sequence[Any]:
    import augline as al

    return six(al)


def _one_and_one() -> Sequence[Any]:
    import augline as al

    return [al.RandomRotation(20 / 360), al.RandomBrightness(0.2)]


def _four_and_four() -> Sequence[Any]:
    import augline as al

    return [*six(al), al.RandomSaturation(0.2, space="yiq"), al.RandomHue(0.05, space="yiq")]


def _crop() -> Sequence[Any]:
    import augline as al

    return [al.RandomResizedCrop(224, 224, SCALE, RATIO), al.RandomFlip("horizontal")]


def _first_batch(build: Build) -> Subject:
    """Seconds from a pipeline to its first batch, with everything that is traced and compiled for it."""

    def measure(task: Task) -> Metrics:
        tensorflow()
        import augline  # noqa: F401  # as one that has been used before
        import keras  # noqa: F401

        begin = time.perf_counter()
        next(iter(build(task)()))
        return {"first batch, s": time.perf_counter() - begin}

    return Subject(measure, TF_DATA, requires=("tensorflow", "keras"))


def _numpy(task: Task) -> Callable[[], Iterable[Any]]:
    tensorflow()  # the same process, the same memory
    return our_epochs(_pipe(task))


def _to_tf(task: Task) -> Callable[[], Iterable[Any]]:
    tensorflow()
    dataset = _pipe(task).to_tf()
    return lambda: iter(dataset)


_TF = ("tensorflow",)
_LONGER = 4
"""Passes are so many times those of other questions: still short beside an epoch of training."""


def passed(build: Build, threads: str, **settings: Any) -> Subject:
    """Measured in a second pass; what the first costs more is in the time to the first batch."""

    def longer(task: Task) -> Callable[[], Iterable[Any]]:
        return build(replace(task, images=_LONGER * task.images))

    return throughput(longer, threads, whole_warm_up=True, **settings)


QUESTION = Question(
    "The graph engine, from files: no Python while batches are made",
    {
        "decode": ROOF["decode"],
        "graph-six": passed(_graph(_six_of_ours), TF_DATA, requires=_TF),
        "keras-layers": passed(_keras, TF_DATA, requires=("tensorflow", "keras"), note="the six, batched"),
        "graph-1+1": passed(_graph(_one_and_one), TF_DATA, requires=_TF, note="one geometric, one of colour"),
        "graph-4+4": passed(_graph(_four_and_four), TF_DATA, requires=_TF, note="four of each"),
        "graph-crop": passed(_graph(_crop, None), TF_DATA, requires=_TF, note="RandomResizedCrop, flip"),
        "by-hand-crop": passed(by_hand, TF_DATA, requires=_TF, note="decode_and_crop_jpeg, resize, flip"),
        "by-hand-crop-smooth": passed(
            partial(by_hand, antialias=True), TF_DATA, requires=_TF, note="the same, resized with antialias=True"
        ),
        "opencv": passed(_numpy, POOL, requires=_TF, note="the six, plain NumPy iteration"),
        "opencv-to_tf": passed(_to_tf, POOL, requires=_TF),
        "first-graph-six": _first_batch(_graph(_six_of_ours)),
        "first-keras-layers": _first_batch(_keras),
    },
    [
        Target("images/s", "graph-six", ["keras-layers"], at_least=3),
        Target("CPU ms/image", "graph-4+4", ["graph-1+1"], at_most=1.1),
        Target("images/s", "graph-crop", ["by-hand-crop"], at_least=1.0),
        Target("images/s", "graph-crop", ["by-hand-crop-smooth"]),
        Target("images/s", "opencv-to_tf", ["opencv"], at_least=0.92),
        Target("first batch, s", "first-graph-six", ["first-keras-layers"], at_most=2),
        Target("images/s", "graph-six", ["decode"]),
        Target("images/s", "graph-six", ["opencv-to_tf"]),
    ],
)

if __name__ == "__main__":
    main(QUESTION)

"""Whole recipes beside the peers, and the dearest transforms beside the decoding of one JPEG."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from harness import BATCH, Metrics, Output, Question, Subject, Target, Task, main, median_time, one_core, throughput
from subjects import POOL, TF_DATA, albumentations, keras_batches, our_epochs, our_pipeline, pictures, tensorflow

_PASS = 8 * BATCH
_REPEATS = 21
_TIME = "µs/image"


def _recipe(task: Task) -> Callable[[], Iterable[Any]]:
    import augline as al

    transforms = [
        al.RandomResizedCrop(224, 224),
        al.RandomAffine(15, (0.1, 0.1), (0.9, 1.1), 10),
        al.ColorJitter(0.4, 0.4, 0.4, 0.1),
        al.Normalize(),
    ]
    return our_epochs(our_pipeline(al.Files(task.files), transforms))


def _their_recipe(library: Any) -> Sequence[Any]:
    import cv2

    return [
        library.RandomResizedCrop((224, 224)),
        library.Affine((0.9, 1.1), (-0.1, 0.1), None, (-15, 15), (-10, 10), border_mode=cv2.BORDER_REFLECT, p=1),
        library.ColorJitter((0.6, 1.4), (0.6, 1.4), (0.6, 1.4), (-0.1, 0.1), p=1),
        library.Normalize(),
    ]


def _rand_augment(task: Task) -> Callable[[], Iterable[Any]]:
    import augline as al

    return our_epochs(our_pipeline(al.Arrays(pictures(task, task.images)), [al.RandAugment(2, 9)]))


def _rand_augment_keras(task: Task) -> Callable[[], Iterable[Any]]:
    tf = tensorflow()
    import keras

    batches = tf.data.Dataset.from_tensor_slices(pictures(task, task.images)).batch(BATCH)
    return keras_batches(batches, [keras.layers.RandAugment(num_ops=2, factor=0.9)])


def _costs(name: str) -> Subject:
    """Time per image of one transform of ours, on one thread."""

    def measure(task: Task) -> Metrics:
        import augline as al

        one_core()
        made = {
            "elastic": al.RandomElasticTransform((1, 1), (1, 1)),
            "noise": al.RandomGaussianNoise((0.05, 0.1)),
            "clahe": al.CLAHE((1, 4)),
        }[name]
        pipe = al.Pipeline(al.Arrays(pictures(task, _PASS)), [made], batch_size=BATCH, workers=1)
        return {_TIME: 1e6 * median_time(lambda: sum(len(b) for b in pipe), task.scaled(_REPEATS)) / _PASS}

    return Subject(measure, "1", str(Output()), note="arrays in memory, with drawing and planning")


def _one_jpeg(task: Task) -> Metrics:
    import cv2
    import numpy as np
    import simplejpeg

    one_core()
    photos = [cv2.resize(cv2.imread(path), (500, 375), interpolation=cv2.INTER_AREA) for path in task.files[:BATCH]]
    encoded = [cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes() for photo in photos]
    buffer = np.empty(3 * 500 * 375, np.uint8)

    def decode() -> None:
        for data in encoded:
            simplejpeg.decode_jpeg(data, buffer=buffer)

    return {_TIME: 1e6 * median_time(decode, task.scaled(_REPEATS)) / len(encoded)}


QUESTION = Question(
    "Recipes, and the dearest transforms beside the decoding of one JPEG",
    {
        "recipe": throughput(
            _recipe, POOL, Output("float32"), note="crop, affine, colour jitter, normalise; from files"
        ),
        "recipe-albumentations": throughput(
            albumentations(_their_recipe, "float32"), POOL, Output("float32"), requires=("albumentations",)
        ),
        "randaugment": throughput(_rand_augment, POOL, note="RandAugment(2, 9) on images in memory"),
        "randaugment-keras": throughput(
            _rand_augment_keras, TF_DATA, requires=("tensorflow", "keras"), note="num_ops=2, factor=0.9"
        ),
        **{name: _costs(name) for name in ("elastic", "noise", "clahe")},
        "jpeg": Subject(_one_jpeg, "1", "500×375", note="photos at 500×375 and quality 92, one reused buffer"),
    },
    [
        Target("images/s", "recipe", ["recipe-albumentations"], at_least=2),
        Target("images/s", "randaugment", ["randaugment-keras"], at_least=5),
        *(Target(_TIME, name, ["jpeg"], at_most=2) for name in ("elastic", "noise", "clahe")),
    ],
)

if __name__ == "__main__":
    main(QUESTION)

"""RandomResizedCrop and a flip: how near to decoding alone?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from harness import Question, Target, Task, main, throughput
from subjects import POOL, ROOF, TF_DATA, albumentations, our_epochs, our_pipeline, started, tensorflow

SCALE, RATIO = (0.08, 1.0), (3 / 4, 4 / 3)


def _augline(task: Task) -> Callable[[], Iterable[Any]]:
    import augline as al

    transforms = [al.RandomResizedCrop(224, 224, SCALE, RATIO), al.RandomFlip("horizontal")]
    return our_epochs(our_pipeline(al.Files(task.files), transforms))


def by_hand(task: Task, *, antialias: bool = False) -> Callable[[], Iterable[Any]]:
    """tf.data as people write it; by default `tf.image.resize` passes over pixels where it makes images smaller."""
    tf = tensorflow()

    def load(path: Any) -> Any:
        data = tf.io.read_file(path)
        begin, size, _ = tf.image.sample_distorted_bounding_box(
            tf.image.extract_jpeg_shape(data), tf.zeros((1, 0, 4)), min_object_covered=0.0, aspect_ratio_range=RATIO,
            area_range=SCALE, max_attempts=10, use_image_if_no_bounding_boxes=True,
        )  # fmt: skip
        window = tf.concat([begin[:2], size[:2]], 0)
        image = tf.image.decode_and_crop_jpeg(data, window, channels=3, dct_method="INTEGER_ACCURATE")
        resized = tf.image.resize(image, (224, 224), antialias=antialias)
        return tf.cast(tf.image.random_flip_left_right(resized), tf.uint8)

    files = tf.data.Dataset.from_tensor_slices(task.files)
    return started(files.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(32))


def _crop_and_flip(library: Any) -> Sequence[Any]:
    return [library.RandomResizedCrop((224, 224), SCALE, RATIO), library.HorizontalFlip(p=0.5)]


QUESTION = Question(
    "RandomResizedCrop + flip from files, beside bare decoding",
    {
        **ROOF,
        "augline": throughput(_augline, POOL),
        "tf.data": throughput(
            by_hand, TF_DATA, requires=("tensorflow",), note="decode_and_crop_jpeg, resize, flip; AUTOTUNE"
        ),
        "albumentations": throughput(albumentations(_crop_and_flip), POOL, requires=("albumentations",)),
    },
    [
        Target("images/s", "augline", ["decode"], at_least=0.85),
        Target("images/s", "augline", ["decode-reused"]),
        Target("images/s", "augline", ["tf.data"]),
        Target("images/s", "augline", ["albumentations"]),
    ],
)

if __name__ == "__main__":
    main(QUESTION)

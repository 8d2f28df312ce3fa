"""Flip, rotation, zoom, translation, brightness and contrast: beside bare decoding, and beside the peers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from harness import BATCH, THREADS, Build, Output, Question, Target, Task, main, throughput
from subjects import (
    ONE_LOOP,
    POOL,
    ROOF,
    TF_DATA,
    albumentations,
    generator_epochs,
    keras_batches,
    link_folder,
    our_epochs,
    our_pipeline,
    started,
    tensorflow,
    tf_decoded,
)


def six(library: Any) -> list[Any]:
    """The six with Keras's names and meanings, of Keras or of augline."""
    return [
        library.RandomFlip("horizontal"),
        library.RandomRotation(20 / 360),
        library.RandomZoom(0.2),
        library.RandomTranslation(0.1, 0.1),
        library.RandomBrightness(0.2),
        library.RandomContrast(0.2),
    ]


def _pipe(task: Task, *, as_float: bool = False) -> Any:
    import augline as al

    transforms = [*six(al), *([al.Rescaling(1 / 255)] if as_float else [])]
    return our_pipeline(al.Files(task.files), transforms, size=(224, 224))


def _augline_tf(task: Task) -> Callable[[], Iterable[Any]]:
    tensorflow()
    dataset = _pipe(task).to_tf()
    return lambda: iter(dataset)


def _affine(library: Any) -> Sequence[Any]:
    import cv2

    move = {"scale": (0.8, 1.2), "translate_percent": (-0.1, 0.1), "rotate": (-20, 20), "keep_ratio": True}
    return [
        library.HorizontalFlip(p=0.5),
        library.Affine(**move, border_mode=cv2.BORDER_REFLECT, p=1.0),
    ]


def _resize_first(library: Any) -> Sequence[Any]:
    return [library.Resize(224, 224), *_affine(library), library.RandomBrightnessContrast(0.2, 0.2, p=1.0)]


def _antialiased(library: Any) -> Sequence[Any]:
    return [library.Resize(224, 224, area_for_downscale="image"), *_resize_first(library)[1:]]


def _affine_first(library: Any) -> Sequence[Any]:
    return [*_affine(library), library.Resize(224, 224), library.RandomBrightnessContrast(0.2, 0.2, p=1.0)]


def _keras(task: Task) -> Callable[[], Iterable[Any]]:
    tf = tensorflow()
    import keras

    files = tf.data.Dataset.from_tensor_slices(task.files)
    batches = files.map(lambda path: tf_decoded(tf, path), num_parallel_calls=THREADS).batch(BATCH)
    return keras_batches(batches, six(keras.layers))


def _tf_image(task: Task) -> Callable[[], Iterable[Any]]:
    tf = tensorflow()

    def load(path: Any) -> Any:
        image = tf.image.random_flip_left_right(tf_decoded(tf, path))
        image = tf.image.rot90(image, tf.random.uniform((), 0, 4, tf.int32))
        return tf.cast(tf.ensure_shape(image, (224, 224, 3)), tf.uint8)

    files = tf.data.Dataset.from_tensor_slices(task.files)
    return started(files.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(BATCH))


def _image_data_generator(threads: int) -> Build:
    def build(task: Task) -> Callable[[], Iterable[Any]]:
        from keras.src.legacy.preprocessing.image import ImageDataGenerator

        generator = ImageDataGenerator(
            rotation_range=20, width_shift_range=0.1, height_shift_range=0.1, zoom_range=0.2, horizontal_flip=True,
            brightness_range=(0.8, 1.2), fill_mode="reflect", dtype="uint8",
        )  # fmt: skip
        folder = link_folder(task.files)
        iterator = generator.flow_from_directory(folder.name, (224, 224), class_mode=None, batch_size=BATCH)
        iterator.folder = folder  # lives as long as who reads it
        return generator_epochs(iterator, threads)

    return build


_KERAS = ("tensorflow", "keras")
_IDG = {"requires": ("tensorflow", "keras", "scipy"), "note": "its defaults, nearest resize; it has no contrast"}
_ALBUMENTATIONS = {"requires": ("albumentations",), "note": "Affine does rotation, zoom and translation in one"}

QUESTION = Question(
    "Six transforms from files: flip, rotation, zoom, translation, brightness, contrast",
    {
        "decode": ROOF["decode"],
        "augline": throughput(lambda task: our_epochs(_pipe(task)), POOL),
        "augline-float32": throughput(
            lambda task: our_epochs(_pipe(task, as_float=True)), POOL, Output("float32"), note="with Rescaling(1 / 255)"
        ),
        "augline-to_tf": throughput(_augline_tf, f"{POOL}, {TF_DATA}", requires=("tensorflow",)),
        "albumentations-resize-first": throughput(albumentations(_resize_first), POOL, **_ALBUMENTATIONS),
        "albumentations-affine-first": throughput(albumentations(_affine_first), POOL, **_ALBUMENTATIONS),
        "albumentations-antialiased": throughput(
            albumentations(_antialiased),
            POOL,
            requires=("albumentations",),
            note="resize first, with INTER_AREA: shrinks without aliasing, as augline does",
        ),
        "keras-layers": throughput(
            _keras, TF_DATA, requires=_KERAS, note="tf.data: decode, resize, batch, then six layers"
        ),
        "tf.image": throughput(_tf_image, TF_DATA, requires=_KERAS, note="flip, quarter turns: no warp, no tone"),
        "imagedatagenerator": throughput(_image_data_generator(1), ONE_LOOP, **_IDG),
        "imagedatagenerator-threads": throughput(_image_data_generator(THREADS), f"pool of {THREADS}", **_IDG),
    },
    [
        Target("images/s", "augline", ["decode"], at_least=0.72),
        Target(
            "images/s", "augline", ["albumentations-resize-first", "albumentations-affine-first"], at_least=1.25
        ),
        Target("images/s", "augline", ["keras-layers"], at_least=5),
        Target("images/s", "augline", ["albumentations-antialiased"], at_least=1.25),
        Target("images/s", "augline", ["imagedatagenerator"], at_least=9),
        Target("images/s", "augline", ["imagedatagenerator-threads"]),
        Target("images/s", "augline", ["tf.image"]),
        Target("images/s", "augline-float32", ["augline"]),
        Target("images/s", "augline-to_tf", ["augline"]),
    ],
)  # fmt: skip

if __name__ == "__main__":
    main(QUESTION)

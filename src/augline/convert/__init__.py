"""`to_dataset`: what people already have, generators, Sequences, iterators, arrays, as a `tf.data.Dataset`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from augline.box_filter import ANY_BOX, BoxFilter
from augline.convert.build import Wishes, build
from augline.transforms.base import Transform

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["to_dataset"]


def to_dataset(
    x: Any,
    *,
    signature: Any = None,
    batch_size: int | None = None,
    steps: int | None = None,
    shuffle: bool = False,
    augment: Sequence[Transform] | None = None,
    value_range: tuple[float, float] | None = None,
    bounding_box_format: str = "xyxy",
    box_filter: BoxFilter = ANY_BOX,
    keypoint_swaps: Sequence[tuple[int, int]] = (),
    workers: int | None = None,
    processes: bool | None = None,
    seed: int = 0,
    native: bool = True,
    replicas: int | None = None,
) -> tf.data.Dataset:
    """A `tf.data.Dataset` of what a source gives, for `model.fit` on one device or under any strategy.

    Each pass over the data set is a pass over the source. A generator function is called anew; `on_epoch_begin` and
    `on_epoch_end` of a Sequence are called before its first and after its last element; a generator object goes on
    where it stopped. Elements are read ahead in the background, and come in the source's order.

    Under a strategy, rows may move from one batch to the next where a replica would else get none (the last batch of
    one row, for example): no sample is left out or given twice. Where several devices are there and no strategy is in
    scope, the last three batches suit any number of them. Too few samples for that (13 in batches of 8, 4 replicas) are
    filled up in training, with weight 0 where there are weights. The batch that Keras takes only to learn its shapes
    does not count as a pass.

    Args:
        x: A generator function or generator, any iterable of batches or samples, a `keras.utils.PyDataset` or Sequence
            (anything with a length and an index), an iterator of Keras's ImageDataGenerator, a torch Dataset or
            DataLoader (bfloat16 becomes float32), arrays in tuples or dicts. A `tf.data.Dataset` comes back as it is,
            unless it is to be augmented or the like; then it is read as any iterable.
        signature: `tf.TensorSpec`s in the structure of the elements. By default the first element shows shapes and
            types (it is not lost), and the axis of the samples is left open.
        batch_size: Makes batches of a source of single samples. Arrays are cut into batches of 32 by default.
        steps: Elements per pass of an iterable that never ends or does not know; samples, where `batch_size` makes
            batches of them.
        shuffle: Whether a source with an index is read in another order each pass, as Keras's `fit` does with a
            Sequence.
        augment: What may happen to the images (channels last): an array, or "images" of a dict with Keras's keys
            ("segmentation_masks", "bounding_boxes", "keypoints"), which are moved along; by itself or the first of a
            tuple. All else stays, and may not be as large as images that move. Numbers are drawn by (seed, pass, number
            of the sample).
        value_range: Of float images to augment; (0, 1) by default. The first 64 images must lie in it.
        bounding_box_format: One of Keras's formats.
        box_filter: Which boxes stay once the image around them was cut.
        keypoint_swaps: Pairs of keypoints, by number, that change places where an image comes out mirrored.
        workers: Threads or processes that read a source with an index; by default what a PyDataset asks for, else one
            thread. With 0 nothing is read ahead.
        processes: Whether workers are processes: by default where several are asked for. Before each element they seed
            `random` and `np.random` by (seed, pass, index), so draws are the same for any number of them.
        seed: Of the order, the workers and the augmentation.
        native: Whether an iterator of Keras's ImageDataGenerator is rebuilt as augline's own, which gives the same
            batches several times faster; `workers` are its threads. False wraps Keras's own, and so do a subclass of it
            and `processes=True`.
        replicas: Devices that share a batch. By default the strategy's in scope, or those of the Keras model that asks.

    Raises:
        ArgumentError: An argument cannot be.
        SourceError: The source gives nothing, or (later, through TensorFlow) an element that differs from the first in
            structure, type or shape, ends early, or raises; the message names the element.

    Example:
        >>> import augline as al, numpy as np
        >>> def batches():
        ...     for start in range(0, 10, 4):
        ...         yield np.zeros((min(4, 10 - start), 32, 32, 3), "uint8"), np.arange(start, min(start + 4, 10))
        >>> dataset = al.to_dataset(batches, augment=[al.RandomFlip("horizontal")])
        >>> [(tuple(images.shape), labels.numpy().tolist()) for images, labels in dataset]
        [((4, 32, 32, 3), [0, 1, 2, 3]), ((4, 32, 32, 3), [4, 5, 6, 7]), ((2, 32, 32, 3), [8, 9])]
    """
    return build(x, Wishes(
        signature=signature, batch_size=batch_size, steps=steps, shuffle=shuffle, augment=augment,
        value_range=value_range, bounding_box_format=bounding_box_format, box_filter=box_filter,
        keypoint_swaps=keypoint_swaps, workers=workers, processes=processes, seed=seed, native=native,
        replicas=replicas,
    ))  # fmt: skip

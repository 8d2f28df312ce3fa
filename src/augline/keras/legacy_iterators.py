"""The iterators that an ImageDataGenerator's `flow` methods give: order, counters and seeds as Keras keeps them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator as Iterates
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from augline.buffers import Buffers
from augline.convert.distribute import Caller, caller
from augline.errors import ArgumentError
from augline.feed.balance import balanced, filled, looked_at, rounded_up
from augline.feed.numpy import default_workers
from augline.keras.feeding import tuples, untune
from augline.keras.legacy_draws import Draws, draw, fresh_seed
from augline.keras.legacy_samples import Samples, Work

if TYPE_CHECKING:
    import tensorflow as tf

    from augline.pipeline import Pipeline

Array = NDArray[Any]
_QUICK = (np.float32, np.float64)
_ADAPTER = "keras.src.trainers.data_adapters.py_dataset_adapter"
"""What takes batches by their numbers for `fit`, and refuses lists in them (Keras 3.15)."""


class Iterator:
    """Batches without end through `next`, or one by its number.

    The order of the samples and every number drawn are Keras's, batch for batch: batch k, counted by
    `total_batches_seen`, comes from `RandomState(seed + k)`, and what comes first in it is the order of the epoch.
    NumPy's global generator is left alone.

    It is a `keras.utils.PyDataset` to whoever asks, once Keras is imported, and goes to `model.fit` as it is, on one
    device or under a strategy, with batches of any length. Threads of its own share the work within a batch, so Keras
    is told that `workers` is 1; setting `workers` sets the number of threads.

    Args:
        n: How many samples.
        batch_size: Samples per batch.
        shuffle: Whether each epoch has an order of its own.
        seed: Of order and draws; `drawn_seed` is what stands in for None.
        generator: The ImageDataGenerator.
        samples: Where images come from.
        dtype: Of the images that come out.
        save: (folder, prefix, format) to write every batch to, the folder None to write nothing.
        most_hash: Bound of the random number in the names of files written.
    """

    white_list_formats = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")
    use_multiprocessing = False
    max_queue_size = 10

    def __init__(
        self, n: int, batch_size: int, shuffle: bool, seed: int | None, *, generator: Any, samples: Samples, dtype: Any,
        save: tuple[Any, str, str], most_hash: int,
    ) -> None:  # fmt: skip
        if batch_size < 1:
            raise ArgumentError(
                f"ImageDataGenerator.flow(batch_size={batch_size!r}): it must be a whole number from 1. Received "
                f"{batch_size!r}. Write 32, for example."
            )
        self.n, self.batch_size, self.shuffle, self.seed = n, int(batch_size), shuffle, seed
        self.drawn_seed = fresh_seed() if seed is None else seed
        self.image_data_generator, self.data_format, self.dtype = generator, generator.data_format, dtype
        self.save_to_dir, self.save_prefix, self.save_format = save
        self.total_batches_seen = self.batch_index = 0
        self.index_array: NDArray[np.int64] | None = None
        self.lock = threading.Lock()
        self.threads: int = generator.workers or default_workers()
        self._samples, self._most_hash = samples, most_hash
        self._random, self._buffers = np.random.RandomState(self.drawn_seed % 2**32), Buffers()
        self._in_epoch, self._reads, self._order_due, self._caller = False, 0, False, Caller()
        self._evened: Iterates[Any] = iter(())

    # What Keras 3's adapter for a PyDataset asks for.

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """Keras asks `isinstance(x, keras.utils.PyDataset)`; without Keras nobody does, and it is not imported."""
        keras = sys.modules.get("keras")
        dataset = getattr(getattr(keras, "utils", None), "PyDataset", None)
        return type(self) if dataset is None else _as_dataset(type(self), dataset)

    @property
    def workers(self) -> int:
        asks = sys._getframe(1)
        if asks.f_globals.get("__name__") == _ADAPTER:  # as it is made
            untune(asks.f_locals["self"])
        return 1

    @workers.setter
    def workers(self, threads: int) -> None:
        self.threads = threads

    @property
    def num_batches(self) -> int:
        return 1 if self._caller.rehearses else len(self)

    def on_epoch_begin(self) -> None:
        self._caller = caller()
        self._in_epoch = not self._caller.rehearses

    def on_epoch_end(self) -> None:
        """Draws the next epoch's order; where Keras leaves a pass unfinished to go on with it, once that is done."""
        with self.lock:
            unfinished = self._in_epoch and 0 < self._reads < len(self)
            self._in_epoch = False
            if unfinished:
                self._order_due = True
            else:
                self._new_order()

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def __getitem__(self, idx: int) -> Any:
        if self._caller.rehearses:
            rows = rounded_up(min(self.batch_size, self.n), self._caller.replicas)
            self._caller = Caller()  # one is enough, and from here on `num_batches` tells the truth again
            return tuples(self.blank(rows))
        if sys._getframe(1).f_globals.get("__name__") != _ADAPTER:
            return self.batch(idx)
        if self._caller.trains:
            return filled(tuples(self.batch(idx)), [self._caller.replicas])
        return self._in_turn(idx) if self._caller.replicas > 1 else tuples(self.batch(idx))

    def _in_turn(self, idx: int) -> Any:
        """The batches of a pass one after the other, as `evaluate` and `predict` take them, with rows for all."""
        if idx == 0:
            batches = (tuples(self.batch(number)) for number in range(len(self)))
            evened = balanced(batches, self._caller.replicas, samples=self.n)
            self._evened = looked_at(evened, self._caller.replicas, self._caller.uses)
        return next(self._evened)

    def batch(self, idx: int) -> Any:
        """Batch `idx` of the epoch, whoever asks: what an index gives outside `model.fit`."""
        if idx >= len(self):
            raise ArgumentError(f"Asked to retrieve element {idx}, but the Sequence has length {len(self)}")
        with self.lock:
            if self._reads >= len(self):
                self._reads = 0
                if self._order_due:
                    self._new_order()
            self._reads += 1
            self._reseed()
            self.total_batches_seen += 1
            if self.index_array is None:
                self._set_index_array()
            return self._batch(self.batch_size * idx)

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> Any:
        with self.lock:
            self._reseed()
            if self.batch_index == 0:
                self._set_index_array()
            first = self.batch_index * self.batch_size % self.n if self.n else 0
            self.batch_index = self.batch_index + 1 if self.n > first + self.batch_size else 0
            self.total_batches_seen += 1
            return self._batch(first)

    def next(self) -> Any:
        """The next batch, as in Keras 2."""
        return next(self)

    def reset(self) -> None:
        """Makes the next batch the first of an epoch."""
        self.batch_index = 0

    def to_dataset(self) -> tf.data.Dataset:
        """A `tf.data.Dataset` whose passes are the epochs: what `next` gives a fresh iterator, for `len(self)` batches.

        Image sizes are static, and so is the length of batches where all are equally long and divide among the
        devices. Where there are several devices, rows may move among the last batches of an epoch, so that a
        strategy leaves none without. It does not share its place with this iterator.
        """
        from augline.keras.feeding import to_dataset

        return to_dataset(self)

    def to_pipeline(self) -> Pipeline:
        """The same data and augmentation as an `augline.Pipeline`: draws of its own, and the mended geometry.

        Raises:
            ArgumentError: There is no such transform, for `preprocessing_function` for example.
        """
        from augline.keras.modern import to_pipeline

        return to_pipeline(self)

    def restarted(self, total_batches_seen: int) -> Iterator:
        """Another iterator over the same, before the first batch of an epoch."""
        copy: Iterator = object.__new__(type(self))
        copy.__dict__.update(self.__dict__, total_batches_seen=total_batches_seen, batch_index=0, lock=threading.Lock())
        copy._random = np.random.RandomState(0)
        return copy

    def glance(self) -> Any:
        """Batch 0 of the epoch, as a look that changes nothing and saves nothing."""
        copy = self.restarted(self.total_batches_seen)
        copy.save_to_dir = None
        return copy.batch(0)

    def skip_to(self, total_batches_seen: int) -> None:
        """Goes on as if so many batches had been made, of which the last was the last of an epoch.

        What that one draws is drawn, for the order of the next epoch comes after it.
        """
        rows, (height, width, _) = self.n - (len(self) - 1) * self.batch_size, self._samples.shape
        with self.lock:
            self.total_batches_seen, self._reads = total_batches_seen, 0
            self._random.seed(self.drawn_seed + total_batches_seen - 1)
            draw(self._random, self.image_data_generator, height, width, rows)
            for _ in range(rows if self.save_to_dir else 0):
                self._random.randint(self._most_hash)

    def blank(self, rows: int) -> Any:
        """A black batch of that many rows, with the shapes, types and structure of all."""
        if not self.n:
            raise ArgumentError(f"{self!r}: there must be images. Received none. Check the folder or the arrays.")
        return self._output(np.zeros((rows, *self._shape), self.dtype), np.zeros(rows, np.int64))

    @property
    def _shape(self) -> tuple[int, ...]:
        height, width, channels = self._samples.shape
        return (height, width, channels) if self.data_format == "channels_last" else (channels, height, width)

    def _reseed(self) -> None:
        self._random.seed(self.drawn_seed + self.total_batches_seen)

    def _new_order(self) -> None:
        self._set_index_array()
        self._order_due, self._reads = False, 0

    def _set_index_array(self) -> None:
        self.index_array = self._random.permutation(self.n) if self.shuffle else np.arange(self.n)

    def _batch(self, first: int) -> Any:
        assert self.index_array is not None
        rows = np.asarray(self.index_array[first : first + self.batch_size], np.int64)
        generator, (height, width, _) = self.image_data_generator, self._samples.shape
        generator.check_fitted(4)
        if generator.customised or self._working_dtype() not in _QUICK:
            images = self._one_by_one(rows)
        else:
            images = self._made(rows, draw(self._random, generator, height, width, len(rows)))
        if self.save_to_dir:
            self._save(images, rows)
        return self._output(images, rows)

    def _made(self, rows: NDArray[np.int64], draws: Draws) -> Array:
        batch = self._buffers.take((len(rows), *self._shape), np.dtype(self._working_dtype()).name)
        Work(self.image_data_generator, self._samples, rows, draws, batch).run(self.threads)
        return batch.astype(self.dtype, copy=False)

    def _one_by_one(self, rows: NDArray[np.int64]) -> Array:
        """Through the generator's public methods: for classes that have their own, and for types but floats."""
        generator = self.image_data_generator
        batch = np.zeros((len(rows), *self._shape), self.dtype)
        with generator.drawing_from(self._random):
            for number, row in enumerate(rows):
                image = self._read(int(row))
                image = generator.apply_transform(image, generator.get_random_transform(image.shape))
                batch[number] = generator.standardize(image)
        return batch

    def _working_dtype(self) -> Any:
        """The type that Keras computes in."""
        return np.float32

    def _read(self, row: int) -> Array:
        image = self._samples.read(np.array([row]), False)[0].astype(np.float32)
        return image if self.data_format == "channels_last" else np.ascontiguousarray(image.transpose(2, 0, 1))

    def _save(self, images: Array, rows: NDArray[np.int64]) -> None:
        for image, row in zip(images, rows.tolist(), strict=True):
            name = f"{self.save_prefix}_{row}_{self._random.randint(self._most_hash)}.{self.save_format}"
            picture(image, self.data_format).save(Path(self.save_to_dir) / name)

    def _output(self, images: Array, rows: NDArray[np.int64]) -> Any:
        """The batch as Keras gives it."""
        raise NotImplementedError

    def __repr__(self) -> str:
        drawn = " (drawn)" if self.seed is None else ""
        return f"{type(self).__name__}({self.n} images, batch_size={self.batch_size}, seed={self.drawn_seed}{drawn})"


_datasets: dict[tuple[type, type], type] = {}


def _as_dataset(iterator: type, dataset: type) -> type:
    """A class that says it is both; nothing is ever made of it."""
    key = (iterator, dataset)
    if key not in _datasets:
        _datasets[key] = type(iterator.__name__, (iterator, dataset), {})
    return _datasets[key]


def picture(image: Array, data_format: str) -> Pillow.Image:
    """An image spread over 0 to 255, for files and for looking at."""
    levels = image if data_format == "channels_last" else image.transpose(1, 2, 0)
    levels = levels.astype(np.float32)
    levels -= levels.min()
    most = levels.max()
    if most != 0:
        levels /= most
    pixels = (levels * 255).astype(np.uint8)
    return Pillow.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)

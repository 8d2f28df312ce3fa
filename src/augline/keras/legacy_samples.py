"""Batches of an ImageDataGenerator: samples read, moved, shaded and standardised, a few at a time, in several threads.

A batch is cut into chunks that fit a core's cache. Which samples make a chunk depends on their size alone, and every
number was drawn before, so the bytes are the same for any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from augline.errors import ArgumentError
from augline.keras import legacy_geometry
from augline.keras.legacy_draws import Draws
from augline.keras.legacy_files import Loader
from augline.keras.legacy_memory import scratch, widened
from augline.keras.legacy_pixels import brighten, brighten_mended, flip, shift_channels
from augline.keras.standardize import standardize
from augline.keras.team import share

Array = NDArray[Any]
_CHUNK = 2**17  # values: half a megabyte of float32
_LONGEST = 64
_WORTH_SHARING = 2**13  # values in a sample: kernels that run shorter leave no time for another thread to take the GIL


class Samples(Protocol):
    """Where images come from, all of one size."""

    shape: tuple[int, int, int]
    """(height, width, channels)."""
    dear: bool
    """Whether reading one takes long enough to share even a small batch among threads."""
    bounded: bool
    """Whether all values are known to lie from 0 to 255."""

    def read(self, rows: NDArray[np.int64], wide: bool) -> Array:
        """The images with these numbers, `(len(rows), height, width, channels)`, uint8 or float32.

        The memory is good until this thread reads again. `wide` asks for a fourth channel, of any value, after three.
        """


class ArraySamples:
    """Images in memory.

    Args:
        images: `(count, height, width, channels)`, or channels first.
        channels_first: Which.
    """

    dear = False

    def __init__(self, images: Array, channels_first: bool) -> None:
        self._images = images.transpose(0, 2, 3, 1) if channels_first else images
        height, width, channels = self._images.shape[1:]
        self.shape = (height, width, channels)
        self.bounded = self._images.dtype == np.uint8
        self._ready = self._images.dtype in (np.uint8, np.float32) and self._images.flags.c_contiguous

    def read(self, rows: NDArray[np.int64], wide: bool) -> Array:
        shape = (len(rows), *self.shape)
        if not self._ready:
            found = scratch("read", shape)
            np.copyto(found, self._images[rows], casting="unsafe")
        elif len(rows) == 1:
            found = self._images[int(rows[0])][None]
        else:
            found = scratch("read", shape, self._images.dtype)
            np.take(self._images, rows, 0, found, "clip")  # "raise" would go through a copy
        return widened(found) if wide else found


class FileSamples:
    """Images in files.

    Args:
        loader: Reads them.
        paths: The files.
        channels: Of the images.
    """

    dear = True

    def __init__(self, loader: Loader, paths: Sequence[str], channels: int) -> None:
        self._loader, self._paths, self.shape = loader, paths, (*loader.size, channels)
        self._dtype: Any = np.float32 if channels == 1 else np.uint8  # grey files may have more than 8 bits
        self.bounded = channels != 1

    def read(self, rows: NDArray[np.int64], wide: bool) -> Array:
        shape = (len(rows), *self.shape[:2], 4 if wide else self.shape[2])
        found = scratch("read", shape, self._dtype)
        for row, place in zip(rows.tolist(), found, strict=True):
            self._loader.load(self._paths[row], place)
        return found


Tone = Callable[[Array, NDArray[np.float64]], None]


class Work:
    """One batch in the making.

    Args:
        settings: An ImageDataGenerator.
        samples: Where images come from.
        rows: Which of them.
        draws: What happens to them; None for nothing.
        batch: Where they go: `(rows, height, width, channels)` or channels first, float32 or float64.
        standardizes: Whether to end with that.
    """

    def __init__(
        self, settings: Any, samples: Samples, rows: NDArray[np.int64], draws: Draws | None, batch: Array,
        standardizes: bool = True,
    ) -> None:  # fmt: skip
        self._settings, self._samples, self._rows, self._draws, self._batch = settings, samples, rows, draws, batch
        self._channels_first = settings.data_format == "channels_first"
        self._resampling = settings.resampling()
        self._matrices = None if draws is None or not draws.moves else self._matrix(draws)
        # a function of the user's may keep state, so it sees the samples in their order, from one thread
        self._in_order = standardizes and settings.preprocessing_function is not None
        self._standardizes = standardizes and not self._in_order
        bounded = samples.bounded and self._resampling.bounded
        self._tones = [] if draws is None else _tones(settings, draws, bounded)

    def run(self, workers: int) -> None:
        """Fills the batch."""
        count, values = len(self._rows), int(np.prod(self._samples.shape))
        self._step = max(1, min(_LONGEST, _CHUNK // max(values, 1)))
        shared = self._samples.dear or values >= _WORTH_SHARING
        share(self._chunk, range(0, count, self._step), workers if shared else 1)
        if self._in_order:
            for number in range(count):
                self._preprocess(number)

    def _chunk(self, first: int) -> None:
        part = slice(first, min(first + self._step, len(self._rows)))
        place = self._batch[part]
        direct = not self._channels_first and place.dtype == np.float32
        block = place if direct else scratch("block", (len(place), *self._samples.shape))
        self._move(part, block)
        for tone, numbers in self._tones:
            tone(block, numbers[part])
        if not direct:
            np.copyto(place, block.transpose(0, 3, 1, 2) if self._channels_first else block)
        if self._standardizes:
            done = standardize(self._settings, place, (1, 2, 3))
            if done is not place:
                np.copyto(place, done, casting="unsafe")

    def _move(self, part: slice, block: Array) -> None:
        rows = self._rows[part]
        if self._matrices is None:
            np.copyto(block, self._samples.read(rows, False))
        else:
            wide = self._resampling.prefers_four(self._samples.shape)
            self._resampling.warp_many(self._samples.read(rows, wide), self._matrices[part], block)
        if self._draws is not None and (self._matrices is None or self._resampling.by_scipy):
            flips = self._draws.flip_horizontal[part].tolist(), self._draws.flip_vertical[part].tolist()
            for image, horizontal, vertical in zip(block, *flips, strict=True):
                flip(image, horizontal, vertical)

    def _matrix(self, draws: Draws) -> NDArray[np.float64]:
        height, width, _ = self._samples.shape
        plain = legacy_geometry.matrices(draws, height, width, self._settings.legacy_geometry)
        return plain if self._resampling.by_scipy else legacy_geometry.with_flips(plain, draws, height, width)

    def _preprocess(self, number: int) -> None:
        image = self._batch[number]
        done = np.asarray(self._settings.standardize(image))
        if done.shape != image.shape:
            raise ArgumentError(
                "ImageDataGenerator(preprocessing_function=...): it must return an image of the shape it is given. "
                f"Received {done.shape} for {image.shape}. Resize by target_size instead."
            )
        if done is not image:
            np.copyto(image, done, casting="unsafe")


def _tones(settings: Any, draws: Draws, bounded: bool) -> list[tuple[Tone, NDArray[np.float64]]]:
    """The changes of value that are drawn, in order: what changes a block of images, and its numbers for the batch."""
    tones: list[tuple[Tone, NDArray[np.float64]]] = []
    if draws.channel_shift is not None:
        tones.append((shift_channels, np.asarray(draws.channel_shift)))
    if draws.brightness is not None:
        tone = partial(brighten, bounded=bounded) if settings.legacy_geometry else brighten_mended
        tones.append((tone, np.asarray(draws.brightness)))
    return tones

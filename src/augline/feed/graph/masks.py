"""Segmentation masks in a graph: from arrays, or from PNG files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from augline.arrays import Array
from augline.batches import Batches
from augline.engines.arrays import tensorflow as xp
from augline.engines.portable.state import Each
from augline.errors import SourceError
from augline.feed.graph.check import check_bends
from augline.feed.graph.compiled import carry_out
from augline.feed.graph.files import view
from augline.feed.graph.formats import by_ending, spread
from augline.feed.graph.frames import by_video, framed, frames_of, plan_of_frames
from augline.feed.graph.header import GIF, PNG, all_ended
from augline.feed.graph.refuse import refused
from augline.feed.graph.source import Parts
from augline.feed.graph.stored import Store, Stored
from augline.feed.graph.strip import bucket
from augline.plan import Plan, Warp
from augline.sight import counted
from augline.sources import remote
from augline.sources.base import Source
from augline.sources.mask_folder import Layers
from augline.sources.tfrecord_targets import RecordMask
from augline.targets import mask_array

_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # channels: colour type of a PNG
_PALETTE = 3
_MAGIC, _FORMAT = b"\x89PNG\r\n\x1a\n", slice(24, 26)

_LARGEST = 2**24  # of whole numbers, float32 holds each up to here

Opened = dict[str, tuple[Array, Each]]
"""The masks of a batch as they come, by name: what `carry_out` takes behind a plan."""


class MaskColumn:
    """The masks of a source, one or several by name.

    Args:
        batches: Of the source.

    Raises:
        EngineError: No graph can read them.
    """

    def __init__(self, batches: Batches) -> None:
        assert batches.masks is not None
        self._masks, self._source, everything = batches.masks, batches.source, np.arange(len(batches.source))
        self._readers = {
            name: _reader(self._source, [self._source.targets.mask(k, name) for k in everything.tolist()], plan.before)
            for name, plan in self._masks.plans(batches.program.trial).items()
        }

    def opened(self, indices: Array, sizes: Array, names: Array) -> Opened:
        """The masks of samples `(batch,)`; of the sizes `(batch, 2)` of their images, whose names are for errors."""
        return {name: read(indices, sizes, names) for name, read in self._readers.items()}

    def moved(self, plan: Plan, masks: Opened) -> Any:
        """What comes out of them, by name where they have names."""
        lead = self._source.lead
        plans = self._masks.plans(plan_of_frames(plan, lead))
        found = {name: by_video(carry_out(plans[name], *given), lead) for name, given in masks.items()}
        return found if isinstance(self._source.targets.masks, Mapping) else found[""]

    def filled(
        self, way: Plan, masks: Opened, place: Array, ignore_values: Sequence[int], ignore_channels: Sequence[int]
    ) -> tuple[Array, Array]:
        """A pixel of each, of several by name of the first; see `augline.plan.Sight`.

        What is drawn comes of it, so it stays out of XLA, as all that does.
        """
        check_bends(way, "crops that look at masks")
        name, (pixels, *_) = next(iter(masks.items()))
        rows, way = place.shape[0], plan_of_frames(way, self._source.lead)
        pixels, size = _with_room(pixels, way), way.before.extent
        sides = tf.stack([size.height, size.width, 0 * size.height, 0 * size.width], axis=1)
        there = carry_out(self._masks.plans(way)[name], pixels, Each(None, view(sides), settled=True), compiled=False)
        there = counted(xp, there, ignore_values, ignore_channels)
        inside = [
            tf.range(tf.shape(there)[axis], dtype=tf.int32) < tf.cast(end, tf.int32)[:, None]
            for axis, end in ((1, way.extent.height), (2, way.extent.width))
        ]
        there = there & inside[0][:, :, None] & inside[1][:, None, :]
        return _one_of(tf.reshape(there, (rows, -1, *tf.unstack(tf.shape(there)[1:]))), place)


def _with_room(pixels: Array, way: Plan) -> Array:
    """Arrays of masks as large as any frame on the way."""
    frames = [way.extent, *(stage.extent for stage in way.stages if isinstance(stage, Warp))]
    for axis, sides in ((1, [frame.height for frame in frames]), (2, [frame.width for frame in frames])):
        more = tf.cast(tf.reduce_max(tf.stack(sides)), tf.int32) - tf.shape(pixels)[axis]
        shape = [tf.maximum(more, 0) if k == axis else side for k, side in enumerate(tf.unstack(tf.shape(pixels)))]
        pixels = tf.concat([pixels, tf.zeros(shape, pixels.dtype)], axis=axis)
    return pixels


def _one_of(there: Array, place: Array) -> tuple[Array, Array]:
    """One of the pixels `(batch, ..., height, width)` that are there, x and y, `(batch, 2)`; and whether any is."""
    height, width = tf.unstack(tf.shape(there)[-2:])
    passed = tf.cumsum(tf.cast(tf.reshape(there, (there.shape[0], -1)), tf.int32), axis=1)
    count, looks = passed[:, -1], ~tf.math.is_nan(place)
    number = tf.cast(tf.where(looks, place, 0.0) * tf.cast(count, tf.float64), tf.int32)
    at = tf.reduce_sum(tf.cast(passed <= number[:, None], tf.int32), axis=1)
    some = looks & (count > 0)
    point = tf.cast(tf.stack([at % width, at // width % height], axis=1), tf.float64)
    return tf.where(some[:, None], point, 0.0), some


def _reader(source: Source, rows: list[Any], before: Any) -> Callable[..., tuple[Array, Each]]:
    channels, dtype = before.channels, getattr(tf, before.dtype)
    if all(isinstance(row, (str, RecordMask, Layers)) for row in rows):
        if before.dtype not in ("uint8", "uint16"):
            raise refused(source.name(0), "mask files must hold 8 or 16 bits", before.dtype)
        layers = channels if isinstance(rows[0], Layers) else 1
        read = _bytes(rows, channels // layers, dtype)
        return lambda indices, sizes, names: _decoded(read(indices), sizes, names, channels // layers, dtype)
    arrays = [mask_array(row, len(source.lead)) for row in rows]
    most = max(max(int(array.max(initial=0)), -int(array.min(initial=0))) for array in arrays)
    if most > _LARGEST:
        raise refused(repr(source), f"masks must hold no number beyond {_LARGEST}", f"{most}")
    if source.size is None:
        store = Store(arrays)
        return lambda indices, sizes, names: in_corners(store.take(frames_of(indices, source.lead)), sizes, names)
    stacked = tf.constant(np.stack(arrays))
    return lambda indices, *_: (framed(tf.gather(stacked, indices), source.lead), Each(settled=True))


def in_corners(masks: Stored, sizes: Array, names: Array) -> tuple[Array, Each]:
    """Whole masks, in the top left corners of arrays of one size; they must be of the sizes of their images."""
    rows, channels = masks.start.shape[0], masks.pixels.shape[1]
    frames, canvas = rows // sizes.shape[0], bucket(tf.reduce_max(sizes, axis=0))
    sizes = tf.repeat(sizes, frames, axis=0)
    alike = tf.reduce_all(masks.sizes == sizes, axis=1)
    first = tf.argmin(tf.cast(alike, tf.int32)) // frames

    def one(given: tuple[Array, Array]) -> Array:
        return _in_corner(masks.image(given[0], None, given[1]), canvas[0], canvas[1])

    with tf.control_dependencies([_of_size(tf.reduce_all(alike), names[first])]):
        whole = tf.concat([tf.zeros_like(sizes), sizes], axis=1)
    found = tf.map_fn(one, (tf.range(rows), whole), fn_output_signature=masks.pixels.dtype)
    found = tf.reshape(found, (rows, canvas[0], canvas[1], channels))
    return found, Each(None, view(tf.concat([sizes, tf.zeros_like(sizes)], axis=1)), settled=True)


def _check_formats(files: Sequence[str | RecordMask], channels: int, dtype: Any) -> None:
    """Refuses masks that no graph reads: looks at a few of each ending; the others are looked at with the batches.

    Raises:
        EngineError: One is a PNG of another kind, or none of an ending is a PNG.
    """
    for numbers in by_ending([file if isinstance(file, str) else "" for file in files]).values():
        some = {number: _start(files[number]) for number in spread(numbers)}
        pngs = {number: data for number, data in some.items() if data[: len(_MAGIC)] == _MAGIC}
        for number, data in (pngs or some).items():
            if data[: len(_MAGIC)] != _MAGIC or data[_FORMAT] != _format(channels, dtype):
                fix = "Save them so, as Pillow does: Image.fromarray(np.asarray(Image.open(path))).save('mask.png')"
                raise refused(f"the mask {files[number]!r}", _rule(channels, dtype), _shown(data), fix)


def _start(file: str | RecordMask) -> bytes:
    """The first bytes of a mask; none where it cannot be read, which is told with its batch."""
    path, start = (file, 0) if isinstance(file, str) else (file.path, file.start)
    try:
        return remote.read(path, start, start + _FORMAT.stop)
    except (OSError, SourceError):
        return b""


def _shown(data: bytes) -> str:
    if data[: len(_MAGIC)] != _MAGIC or len(data) < _FORMAT.stop:
        return f"{data[: len(_MAGIC)]!r} as first bytes"
    bits, colour = data[_FORMAT]
    return "one with a palette" if colour == _PALETTE else f"{bits} bits and colour type {colour}"


def _format(channels: int, dtype: Any) -> bytes:
    """The bytes of a PNG that say its depth and colour type."""
    return bytes([8 * dtype.size, _COLOURS[channels]])


def _rule(channels: int, dtype: Any) -> str:
    return f"masks must be PNG files of {8 * dtype.size} bits and {channels} channels, without palette"


def _bytes(rows: list[Any], channels: int, dtype: Any) -> Callable[[Array], Array]:
    """The function that reads PNG files `(batch, layers)`, which lie by themselves or in larger ones."""
    if isinstance(rows[0], RecordMask):
        _check_formats(rows, channels, dtype)
        files = sorted({row.path for row in rows})
        numbers = {path: number for number, path in enumerate(files)}
        parts = Parts(files, np.asarray([(numbers[row.path], row.start, row.end) for row in rows], np.int64))
        return lambda indices: parts.read(indices)[:, None]
    layers = [[row] if isinstance(row, str) else row.paths for row in rows]
    for column in zip(*layers, strict=True):
        _check_formats(column, channels, dtype)
    paths = tf.constant([[os.fsencode(path) for path in row] for row in layers])
    read = tf.io.read_file
    return lambda indices: tf.reshape(
        tf.map_fn(read, tf.reshape(tf.gather(paths, indices), [-1])), (-1, len(layers[0]))
    )


def _decoded(files: Array, sizes: Array, names: Array, channels: int, dtype: Any) -> tuple[Array, Each]:
    """Whole masks, in the top left corners of arrays of one size; of layers `(batch, layers)` with so many channels."""
    canvas = bucket(tf.reduce_max(sizes, axis=0))
    layers = files.shape[1]

    def read(file: tuple[Array, Array, Array]) -> Array:
        data, size, name = file
        masks = [_layer(data[k], size, name, channels, dtype) for k in range(layers)]
        return _in_corner(tf.concat(masks, axis=-1), canvas[0], canvas[1])

    with tf.control_dependencies([_whole(tf.reshape(files, [-1]), tf.repeat(names, layers))]):
        masks = tf.map_fn(read, (files, sizes, names), fn_output_signature=dtype)
    masks = tf.reshape(masks, (files.shape[0], canvas[0], canvas[1], layers * channels))
    return masks, Each(None, view(tf.concat([sizes, tf.zeros_like(sizes)], axis=1)), settled=True)


def _whole(data: Array, names: Array) -> tf.Operation:
    """Refuses masks `(batch,)` that are cut short; those that are no PNGs at all are refused later."""
    kind = tf.where(tf.strings.substr(data, 0, len(_MAGIC)) == _MAGIC, PNG, GIF)
    return all_ended(data, kind, tf.zeros_like(kind), tf.strings.join(["mask of ", names]))


def _layer(data: Array, size: Array, name: Array, channels: int, dtype: Any) -> Array:
    """A mask, or some of its channels, from a file; of the size of its image."""
    fits = tf.strings.substr(data, _FORMAT.start, 2) == _format(channels, dtype)
    rule = f": in a graph {_rule(channels, dtype)}."
    with tf.control_dependencies([tf.raw_ops.Assert(condition=fits, data=[tf.strings.join(["mask of ", name, rule])])]):
        mask = tf.io.decode_png(data, channels=channels, dtype=dtype)
    with tf.control_dependencies([_of_size(tf.reduce_all(tf.shape(mask)[:2] == size), name)]):
        return tf.identity(mask)


def _of_size(alike: Array, name: Array) -> tf.Operation:
    message = tf.strings.join(["mask of ", name, ": it must have the size of its image."])
    return tf.raw_ops.Assert(condition=alike, data=[message])


def _in_corner(image: Array, height: Array, width: Array) -> Array:
    """An image in the top left corner of a larger one; ten times faster than `tf.pad`, which goes pixel by pixel."""
    tall, wide, channels = tf.shape(image)[0], tf.shape(image)[1], image.shape[2]
    image = tf.concat([image, tf.zeros((tall, width - wide, channels), image.dtype)], axis=1)
    return tf.concat([image, tf.zeros((height - tall, width, channels), image.dtype)], axis=0)

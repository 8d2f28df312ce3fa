"""Segmentation masks in a graph: from arrays, or from PNG files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from augline.arrays import Array
from augline.batches import Batches
from augline.feed.graph.compiled import carry_out
from augline.feed.graph.files import bucket, in_corner
from augline.feed.graph.frames import by_video, framed, plan_of_frames
from augline.feed.graph.refuse import refused
from augline.plan import Plan
from augline.sources.base import Source
from augline.targets import mask_array

_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # channels: colour type of a PNG

Column = Callable[[Plan, Array, Array, Array], Any]


def mask_column(batches: Batches) -> Column:
    """The function `(plan, indices, sizes, names)` that gives the masks of a batch, by name where they have names.

    Raises:
        EngineError: They lie in memory in different sizes.
    """
    masks, source, everything = batches.masks, batches.source, np.arange(len(batches.source))
    assert masks is not None
    readers = {
        name: _reader(source, [source.targets.mask(k, name) for k in everything.tolist()], plan.before)
        for name, plan in masks.plans(batches.program.trial).items()
    }

    def column(plan: Plan, indices: Array, sizes: Array, names: Array) -> Any:
        plans = masks.plans(plan_of_frames(plan, source.lead))
        found = {
            name: by_video(carry_out(plans[name], *read(indices, sizes, names), settled=True), source.lead)
            for name, read in readers.items()
        }
        return found if isinstance(source.targets.masks, Mapping) else found[""]

    return column


def _reader(source: Source, rows: list[Any], before: Any) -> Callable[..., tuple[Any, ...]]:
    channels, dtype = before.channels, getattr(tf, before.dtype)
    if isinstance(rows[0], str):
        if before.dtype not in ("uint8", "uint16"):
            raise refused(source.name(0), "mask files must hold 8 or 16 bits", before.dtype)
        paths = tf.constant(rows)
        return lambda indices, sizes, names: _from_files(tf.gather(paths, indices), sizes, names, channels, dtype)
    arrays = [mask_array(row, len(source.lead)) for row in rows]
    if len({array.shape for array in arrays}) > 1:
        raise refused(repr(source), "masks in memory must have one size", "masks of several sizes")
    stacked = tf.constant(np.stack(arrays))
    return lambda indices, *_: (framed(tf.gather(stacked, indices), source.lead),)


def _from_files(paths: Array, sizes: Array, names: Array, channels: int, dtype: Any) -> tuple[Array, None, Array]:
    """Whole masks, in the top left corners of arrays of one size."""
    canvas = bucket(tf.reduce_max(sizes, axis=0))

    def read(file: tuple[Array, Array, Array]) -> Array:
        path, size, name = file
        data = tf.io.read_file(path)
        fits = tf.strings.substr(data, 24, 2) == bytes([8 * dtype.size, _COLOURS[channels]])
        rule = (
            f": in a graph masks must be PNG files of {8 * dtype.size} bits and {channels} channels, without palette."
        )
        with tf.control_dependencies([tf.debugging.Assert(fits, [tf.strings.join(["mask of ", name, rule])])]):
            mask = tf.io.decode_png(data, channels=channels, dtype=dtype)
        alike = tf.reduce_all(tf.shape(mask)[:2] == size)
        with tf.control_dependencies(
            [tf.debugging.Assert(alike, [tf.strings.join(["mask of ", name, ": it must have the size of its image."])])]
        ):
            return in_corner(mask, canvas[0], canvas[1])

    masks = tf.map_fn(read, (paths, sizes, names), fn_output_signature=dtype)
    masks = tf.reshape(masks, (paths.shape[0], canvas[0], canvas[1], channels))
    return masks, None, tf.concat([sizes, tf.zeros_like(sizes)], axis=1)

"""A batch of files: opened, and decoded as far as a plan needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import tensorflow as tf

from augline.arrays import Array
from augline.decode import SMALLEST_SHRUNK
from augline.engines.portable.state import FRESH, Each
from augline.engines.portable.warp import Strip, View
from augline.feed.graph.decode import SCALES, decode
from augline.feed.graph.header import JPEG, probe
from augline.feed.graph.shrink import way
from augline.feed.graph.singly import alone, evened
from augline.feed.graph.stored import Stored
from augline.feed.graph.strip import Reading, in_strip, read
from augline.feed.graph.window import windows
from augline.plan import Plan, Warp


@dataclass(frozen=True)
class Opened:
    """Files with what their headers say; `(batch,)` each, sizes `(batch, 2)` upright."""

    data: Array
    kind: Array
    turn: Array
    sizes: Array

    def image(self, number: Array, scale: Array, window: Array, channels: int, dtype: str) -> Array:
        """The pixels of one in a window; see `decode`."""
        kind, turn = tf.gather(self.kind, number), tf.gather(self.turn, number)
        data = self.data[number]  # the same memory; `tf.gather` would copy the file
        return decode(data, kind, turn, scale, window, channels, dtype)


def opened(data: Array, names: Array, exif: bool) -> Opened:
    """What the headers of encoded files `(batch,)` say; names are for errors."""
    kind, stored, turn = probe(data, names, exif)
    return Opened(data, kind, turn, tf.where((turn >= 5)[:, None], stored[:, ::-1], stored))


def decoded(
    files: Opened | Stored, plan: Plan, channels: int, dtype: str, *, beside: Sequence[Opened | Stored] = ()
) -> tuple[Plan, Array, Each]:
    """The images of files as a plan wants them, what is left of it, and their state: what `carry_out` takes.

    Each is decoded no larger, and no more of it, than the first warp needs. Where a sample has images `beside` these,
    none of them is decoded smaller than all of them can be.
    """
    first = plan.stages[0] if plan.stages and isinstance(plan.stages[0], Warp) else None
    shrinks, singly = None if first is None else plan.shrinks[0], alone(plan) > 0
    scale = reduce(tf.minimum, [_scales(each, shrinks) for each in (files, *beside)])
    block = _rest(files, shrinks, scale)
    factors = tf.gather(tf.constant(SCALES), scale)[:, None]
    sizes = -(-files.sizes // factors)
    window = windows(None if singly else first, sizes, factors[:, 0], block, files.turn != 1)
    done = tf.cast(factors * block, tf.int64)
    how = Reading(files.image, scale, window, block, way(block))
    if singly:
        rest, images = evened(plan, lambda number: read(how, number, channels, dtype), None if first is None else done)
        return rest, images, FRESH
    images, strip = in_strip(how, channels, dtype)
    shown = tf.concat([-(-sizes // block), window[:, :2] // block], axis=1)
    return plan, images, Each(done, view(shown, strip), settled=True)


def view(sizes: Array, strip: Strip | None = None) -> View:
    """Of images whose height and width, and the row and column of it where their array begins, are `(batch, 4)`."""
    height, width, top, left = tf.unstack(tf.cast(sizes, tf.float32), axis=1)
    return View(height, width, top, left, strip)


def _scales(files: Opened | Stored, shrinks: Array | None) -> Array:
    """At which of `SCALES` each file can be decoded."""
    if shrinks is None:
        return tf.zeros_like(files.kind)
    factors = tf.constant(SCALES)
    whole = tf.reduce_all(files.sizes[:, None] % factors[:, None] == 0, axis=2) | (files.turn == 1)[:, None]
    within = factors <= tf.cast(tf.reduce_min(shrinks, axis=1), tf.int32)[:, None]
    scale = tf.reduce_max(tf.where(whole & within, tf.range(len(SCALES)), 0), axis=1)
    possible = (files.kind == JPEG) & (tf.reduce_max(files.sizes, axis=1) >= SMALLEST_SHRUNK)
    return tf.where(possible, scale, 0)


def _rest(files: Opened | Stored, shrinks: Array | None, scale: Array) -> Array:
    """By how much, in y and x, each image is to be shrunk after its decoder."""
    if shrinks is None:
        return tf.ones_like(files.sizes)
    return tf.cast(shrinks, tf.int32) // tf.gather(tf.constant(SCALES), scale)[:, None]

"""Samples by their indices, through a program that mixes none: read, planned and carried out, with their targets."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from augline.arrays import Array
from augline.batches import Batches
from augline.engines.arrays import tensorflow as xp
from augline.engines.portable.state import FRESH, Each
from augline.feed.graph.compiled import carry_out
from augline.feed.graph.files import Opened, decoded
from augline.feed.graph.frames import by_video, framed, plan_of_frames
from augline.feed.graph.source import Samples
from augline.feed.graph.stored import Stored
from augline.feed.graph.targets import Shown, Targets
from augline.plan import Plan
from augline.program import Program
from augline.sight import Shown as Known
from augline.sources.base import Source
from augline.sources.boxes import to_xyxy

_Read: TypeAlias = "tuple[Plan, dict[str, tuple[Plan, Array, Each]], Shown]"
"""A plan; what `carry_out` takes, for each of the images by name; and the targets as they come."""


class Rows:
    """Makes samples in a graph.

    Args:
        batches: Their source and program.

    Raises:
        EngineError: No graph can read the source, or move its targets.
    """

    def __init__(self, batches: Batches) -> None:
        source = batches.source
        self._batches, self._samples, self._targets = batches, Samples(source), Targets(batches)
        self._beside = {name: Samples(part) for name, part in source.extra_images.items()}
        self._annotated = None if source.annotated_sizes is None else tf.constant(source.annotated_sizes, tf.float32)
        self._reach = _reach(source)

    def __call__(self, epoch: Array, indices: Array) -> dict[str, Any]:
        """What comes out of samples `(batch,)` of the source, by name."""
        lead, (plan, images, shown) = self._batches.source.lead, self._read(epoch, indices)
        made = {name: by_video(carry_out(*part), lead) for name, part in images.items()}
        return {**made, **shown.moved(plan)}

    def read(self, epoch: Array, indices: Array) -> list[Array]:
        """The pixels of samples and of their masks, of which all else is made."""
        _, images, shown = self._read(epoch, indices)
        return [pixels for *_, pixels, _ in (*images.values(), *shown.masks.values())]

    def names(self, indices: Array) -> Array:
        """What to call samples in messages."""
        return self._samples.names(indices)

    def ids(self, indices: Array) -> Array:
        """Of samples, by their indices."""
        return tf.gather(self._samples.ids, indices)

    def _read(self, epoch: Array, indices: Array) -> _Read:
        samples = {"images": self._samples, **self._beside}
        return (self._uneven if self._samples.images is None else self._even)(epoch, indices, samples)

    def _even(self, epoch: Array, indices: Array, samples: dict[str, Samples]) -> _Read:
        given = {name: part.image(indices) for name, part in samples.items()}
        sizes = tf.constant([given["images"].shape[-3:-1].as_list()] * indices.shape[0])
        shown = self._targets.of(indices, sizes, self.names(indices))
        plan = self._plan(epoch, indices, sizes, shown)
        lead = self._batches.source.lead
        frames = plan_of_frames(plan, lead)
        return plan, {name: (frames, framed(part, lead), FRESH) for name, part in given.items()}, shown

    def _uneven(self, epoch: Array, indices: Array, samples: dict[str, Samples]) -> _Read:
        source = self._batches.source
        names = {name: part.names(indices) for name, part in samples.items()}
        files = {name: part.opened(indices) for name, part in samples.items()}
        sizes = files["images"].sizes[:: (*source.lead, 1)[0]]
        checks = [_alike(name, files, names) for name in self._beside]
        if self._annotated is not None:
            checks.append(as_annotated(tf.gather(self._annotated, indices), sizes, names["images"]))
        if self._reach is not None:
            checks.append(_inside(tf.gather(self._reach, indices), sizes, names["images"]))
        with tf.control_dependencies(checks):
            sizes = tf.identity(sizes)
        shown = self._targets.of(indices, sizes, names["images"])
        plan = self._plan(epoch, indices, sizes, shown)
        frames = plan_of_frames(plan, source.lead)
        images = {
            name: decoded(part, frames, source.channels, source.dtype, beside=_others(files, name))
            for name, part in files.items()
        }
        return plan, images, shown

    def _plan(self, epoch: Array, indices: Array, sizes: Array, shown: Shown) -> Plan:
        return planned(self._batches.program, epoch, self.ids(indices), sizes, shown)


def planned(program: Program, epoch: Array, ids: Array, sizes: Array, known: Known | None) -> Plan:
    """The plan of a batch, whose targets are known."""
    return program.plan(epoch, ids, tf.cast(sizes, tf.int64), known=known, xp=xp)[1]


def _others(files: dict[str, Opened | Stored], name: str) -> list[Opened | Stored]:
    return [part for other, part in files.items() if other != name]


def _alike(name: str, files: dict[str, Opened | Stored], names: dict[str, Array]) -> tf.Operation:
    """Refuses further images of another size than the first."""
    alike = tf.reduce_all(files[name].sizes == files["images"].sizes, axis=1)
    at = tf.argmin(tf.cast(alike, tf.int32)) // (alike.shape[0] // names[name].shape[0])
    rule = f"extra_images {name}: images of a sample must have one size: "
    message = tf.strings.join([rule, names[name][at], " has another than ", names["images"][at]])
    return tf.raw_ops.Assert(condition=tf.reduce_all(alike), data=[message])


def as_annotated(annotated: Array, sizes: Array, names: Array) -> tf.Operation:
    """Refuses images of another size than their annotations are of, as `Batches` does; NaN where nobody says."""
    apart = tf.reduce_any(tf.abs(annotated - tf.cast(sizes, tf.float32)) > 1, axis=1)
    rule = ": it must be of an image of this size. Received {} (height, width) for {}. "
    fix = "Correct the one, or scale the other; or pass exif=False if it was made of the file as it is stored."
    return _none(apart, "annotation of ", names, rule, (annotated, sizes), fix)


def _inside(reach: Array, sizes: Array, names: Array) -> tf.Operation:
    """Refuses boxes beyond their image, as `Batches` does."""
    out = tf.reduce_any(reach > tf.cast(sizes, tf.float32) + 1, axis=1)
    rule = ": they must lie in their image. Received some down to {} (y, x) for {} (height, width). "
    fix = "Scale them with the image; or pass exif=False if they were drawn on the file as it is stored."
    return _none(out, "boxes of ", names, rule, (reach, sizes), fix)


def _none(wrong: Array, what: str, names: Array, rule: str, values: tuple[Array, ...], fix: str) -> tf.Operation:
    """Refuses the first sample of which something is wrong; `rule` has places for its values."""
    at = tf.argmax(tf.cast(wrong, tf.int32))
    received = tf.strings.format(rule, tuple(value[at] for value in values))
    return tf.raw_ops.Assert(condition=~tf.reduce_any(wrong), data=[tf.strings.join([what, names[at], received, fix])])


def _reach(source: Source) -> Array | None:
    """How far down and to the right the boxes of each image go, `(N, 2)`; infinitely where one begins outside of it.

    None where that has been looked at before, or says nothing.
    """
    form, boxes = source.bounding_box_format, source.targets.boxes
    if boxes is None or source.size is not None or source.lead or form.startswith("rel_"):
        return None
    rows = [np.asarray(row, np.float64).reshape(-1, 4) for row in boxes]
    corners = to_xyxy(np.concatenate(rows), form, (1.0, 1.0))
    ends = np.where((corners >= -1).all(axis=1)[:, None], corners[:, [3, 2]], np.inf)
    found = np.zeros((len(rows), 2))
    np.maximum.at(found, np.repeat(np.arange(len(rows)), [len(row) for row in rows]), ends)
    return tf.constant(found, tf.float32)

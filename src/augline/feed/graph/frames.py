"""Videos as the batches of their frames, and back."""

from __future__ import annotations

from dataclasses import replace

import tensorflow as tf

from augline.arrays import Array
from augline.plan import Plan
from augline.plan.mix import Mix
from augline.plan.plan import mapped


def plan_of_frames(plan: Plan, lead: tuple[int, ...]) -> Plan:
    """The plan of a batch for the frames of its videos, where samples are videos: `lead` is (time,) then, else ()."""
    if not lead:
        return plan
    # which boxes are dropped is told of all frames of a video together
    dropped = None if plan.dropped is None else tf.reshape(plan.dropped, (-1, plan.dropped.shape[1] // lead[0]))
    return replace(plan.each(*lead), dropped=dropped)


def framed(videos: Array, lead: tuple[int, ...]) -> Array:
    """`(batch, time, ...)` as `(batch * time, ...)`, where samples are videos."""
    return tf.reshape(videos, (-1, *videos.shape[2:])) if lead else videos


def by_video(frames: Array, lead: tuple[int, ...]) -> Array:
    """The inverse of `framed`."""
    return tf.reshape(frames, (-1, *lead, *frames.shape[1:])) if lead else frames


def frames_of(indices: Array, lead: tuple[int, ...]) -> Array:
    """Which frames, counted through all videos, belong to some of them: `(batch * time,)`."""
    if not lead:
        return indices
    return tf.reshape(indices[:, None] * lead[0] + tf.range(lead[0], dtype=indices.dtype), (-1,))


def mix_of_frames(mix: Mix, lead: tuple[int, ...]) -> Mix:
    """How samples are mixed, for each frame of videos."""
    return mapped(mix, lambda array: tf.repeat(array, lead[0], axis=0)) if lead else mix


def together(videos: Array, count: int, lead: tuple[int, ...]) -> Array:
    """`(batch * count, time, ...)` as `(batch * time * count, ...)`: frames that are mixed, one behind the other."""
    if not lead:
        return videos
    shape = videos.shape[2:]
    grouped = tf.reshape(videos, (-1, count, *lead, *shape))
    return tf.reshape(tf.experimental.numpy.swapaxes(grouped, 1, 2), (-1, *shape))

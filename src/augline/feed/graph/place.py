"""Where a data set stands: the (epoch, step) its next pass begins at, kept where a graph can read and change it."""

from __future__ import annotations

import secrets
import uuid

import tensorflow as tf

from augline.arrays import Array

_BEGUN = 64
"""Passes that may be on their way from `begin` to `held` at once."""


class Place:
    """A resource of numbers. Not a `tf.Variable`, of which a strategy would make one for each replica.

    Each pass has a name, which no other process gives. A pass that is held under a name that was not just given has
    been restored from a checkpoint: what follows it is the next epoch.

    Args:
        epoch: To begin with.
        step: To begin with.
    """

    def __init__(self, epoch: int, step: int) -> None:
        with tf.init_scope(), tf.device("CPU:0"):
            self._handle = tf.raw_ops.VarHandleOp(
                dtype=tf.int64, shape=[3 + _BEGUN], shared_name=f"augline_{uuid.uuid4().hex}"
            )
            self._become(tf.constant([epoch, step, secrets.randbits(62), *[-1] * _BEGUN], tf.int64))

    def read(self) -> tuple[Array, Array]:
        """(epoch, step)."""
        now = self._now()
        return now[0], now[1]

    def begin(self) -> tuple[Array, Array, Array]:
        """(epoch, step) of a pass, and a name for it."""
        now = self._now()
        name = now[2] + 1
        with tf.control_dependencies([self._become(tf.concat([now[:2], [name], _noted(now, name)], axis=0))]):
            return tf.identity(now[0]), tf.identity(now[1]), tf.identity(name)

    def held(self, epoch: Array, name: Array) -> tf.Operation:
        """A pass begins to give its elements, or goes on with them in an iterator that was restored."""
        now = self._now()
        fresh = tf.reduce_any(now[3:] == name)
        place = tf.where(fresh, now[:2], tf.stack([epoch + 1, tf.zeros_like(epoch)]))
        begun = tf.where(now[3:] == name, tf.constant(-1, tf.int64), now[3:])
        return self._become(tf.concat([place, now[2:3], begun], axis=0))

    def passed(self, epoch: Array) -> tf.Operation:
        """An epoch has come to its end: the next pass is the next epoch, unless another has gone further."""
        now = self._now()
        then = tf.concat([tf.stack([epoch + 1, tf.zeros_like(epoch)]), now[2:]], axis=0)
        return self._become(tf.where(now[0] > epoch, now, then))

    def _become(self, value: Array) -> tf.Operation:
        return tf.raw_ops.AssignVariableOp(resource=self._handle, value=value)

    def _now(self) -> Array:
        return tf.ensure_shape(tf.raw_ops.ReadVariableOp(resource=self._handle, dtype=tf.int64), (3 + _BEGUN,))


def _noted(now: Array, name: Array) -> Array:
    """The names of passes that were begun, with another in the place of the oldest."""
    return tf.where(tf.range(_BEGUN, dtype=tf.int64) == name % _BEGUN, name, now[3:])

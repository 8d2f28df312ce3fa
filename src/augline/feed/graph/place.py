"""Where a data set stands: the (epoch, step) its next pass begins at, kept where a graph can read and change it."""

from __future__ import annotations

import uuid

import tensorflow as tf

from augline.arrays import Array


class Place:
    """A resource of two numbers. Not a `tf.Variable`, of which a strategy would make one for each replica.

    Args:
        epoch: To begin with.
        step: To begin with.
    """

    def __init__(self, epoch: int, step: int) -> None:
        with tf.init_scope(), tf.device("CPU:0"):
            self._handle = tf.raw_ops.VarHandleOp(dtype=tf.int64, shape=[2], shared_name=f"augline_{uuid.uuid4().hex}")
            tf.raw_ops.AssignVariableOp(resource=self._handle, value=tf.constant([epoch, step], tf.int64))

    def read(self) -> tuple[Array, Array]:
        """(epoch, step)."""
        now = self._now()
        return now[0], now[1]

    def passed(self, epoch: Array) -> tf.Operation:
        """An epoch has come to its end: the next pass is the next epoch, unless another has gone further."""
        now = self._now()
        then = tf.cond(now[0] > epoch, lambda: now, lambda: tf.stack([epoch + 1, tf.zeros_like(epoch)]))
        return tf.raw_ops.AssignVariableOp(resource=self._handle, value=then)

    def _now(self) -> Array:
        return tf.ensure_shape(tf.raw_ops.ReadVariableOp(resource=self._handle, dtype=tf.int64), (2,))

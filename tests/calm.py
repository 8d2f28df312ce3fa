"""TensorFlow as scripts under strategies need it where the cores are busy."""

from __future__ import annotations


def calm() -> None:
    """Leaves TensorFlow's tuner out of the data sets that a strategy puts behind ours, one for each device.

    It may hold up the end of each for a minute (see `augline.feed.tf.untuned`), and a script until it is ended.
    """
    import tensorflow as tf
    from tensorflow.python.data.ops import multi_device_iterator_ops as devices

    make, untuned = devices._create_device_dataset, tf.data.Options()
    untuned.autotune.enabled = False
    devices._create_device_dataset = lambda *given, **named: make(*given, **named).with_options(untuned)

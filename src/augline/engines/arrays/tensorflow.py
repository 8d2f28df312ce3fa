"""TensorFlow as an array namespace: the functions of the Python array API standard that augline's code uses.

Everything is a plain TensorFlow operation, so the same code gives numbers when run eagerly, and a graph inside
`tf.function` or `tf.data`. Two things differ from a full namespace: floats of different width do not mix, and a Python
number takes the type of the tensor it meets.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from augline.arrays import Array

inf = float("inf")
float32, float64 = tf.float32, tf.float64
int8, int16, int32, int64 = tf.int8, tf.int16, tf.int32, tf.int64
uint8, uint16, uint32, uint64 = tf.uint8, tf.uint16, tf.uint32, tf.uint64
bool = tf.bool  # noqa: A001

exp, log2_, sin, cos, tan, sqrt, floor, ceil, abs = (  # noqa: A001
    tf.exp, tf.math.log, tf.sin, tf.cos, tf.tan, tf.sqrt, tf.floor, tf.math.ceil, tf.abs,
)  # fmt: skip
round = tf.round  # noqa: A001  half to even, as in NumPy
minimum, maximum, isfinite = tf.minimum, tf.maximum, tf.math.is_finite
zeros_like, broadcast_to, matmul = tf.zeros_like, tf.broadcast_to, tf.matmul
matrix_transpose = tf.linalg.matrix_transpose


def asarray(value: Any, dtype: Any = None, **_: Any) -> Array:
    """A tensor; Python floats become float64 and integers int64, as in NumPy."""
    if _is_tensor(value):
        return tf.convert_to_tensor(value) if dtype is None else tf.cast(value, dtype)
    if isinstance(value, (list, tuple)) and builtins.any(_is_tensor(item) for item in value):
        return stack([asarray(item, dtype) for item in value])
    return tf.constant(np.asarray(value), dtype)


def _is_tensor(value: Any) -> Any:
    return tf.is_tensor(value) or hasattr(value, "__tf_tensor__")


def astype(x: Array, dtype: Any) -> Array:
    """Floats are truncated on the way to integers."""
    return tf.cast(x, dtype)


def arange(start: Any, stop: Any = None, step: int = 1, dtype: Any = tf.int64) -> Array:
    """Whole numbers, int64."""
    return tf.range(start, stop, step, dtype=dtype) if stop is not None else tf.range(0, start, step, dtype=dtype)


def ones(shape: Sequence[int], dtype: Any = tf.float64) -> Array:
    """See the standard."""
    return tf.ones(shape, dtype)


def zeros(shape: Sequence[int], dtype: Any = tf.float64) -> Array:
    """See the standard."""
    return tf.zeros(shape, dtype)


def full(shape: Sequence[int], fill_value: float, dtype: Any = tf.float64) -> Array:
    """See the standard; a constant where the shape is known."""
    known = builtins.all(isinstance(side, int) for side in shape)
    return tf.constant(fill_value, dtype, shape) if known else tf.fill(shape, tf.constant(fill_value, dtype))


def eye(n: int, dtype: Any = tf.float64) -> Array:
    """See the standard."""
    return tf.eye(n, dtype=dtype)


def where(condition: Array, x: Any, y: Any) -> Array:
    """A Python number takes the type of the other value."""
    like = x if tf.is_tensor(x) else y
    x, y = (value if tf.is_tensor(value) else tf.constant(value, like.dtype) for value in (x, y))
    return tf.where(condition, x, y)


def clip(x: Array, min: Any = None, max: Any = None) -> Array:  # noqa: A002
    """See the standard; either bound may be left out."""
    x = x if min is None else tf.maximum(x, _of_type(min, x.dtype))
    return x if max is None else tf.minimum(x, _of_type(max, x.dtype))


def _of_type(value: Any, dtype: Any) -> Array:
    """A number is cast before it comes into a graph."""
    return tf.cast(value, dtype) if _is_tensor(value) else tf.constant(np.asarray(value).astype(dtype.as_numpy_dtype))


def trunc(x: Array) -> Array:
    """Towards zero."""
    return tf.sign(x) * tf.floor(tf.abs(x))


def log2(x: Array) -> Array:
    """The exponent of two; exact for powers of two, which a quotient of logarithms is not."""
    raw = tf.math.log(x) / tf.cast(np.log(2.0), x.dtype)
    whole = tf.round(raw)
    return tf.where(tf.pow(tf.cast(2.0, x.dtype), whole) == x, whole, raw)


def shape(x: Array) -> tuple[Any, ...]:
    """Each side as a number where it is known, else as an int64 tensor."""
    known, asked = x.shape.as_list(), None
    for axis, side in enumerate(known):
        if side is None:
            asked = tf.shape(x, tf.int64) if asked is None else asked
            known[axis] = asked[axis]
    return tuple(known)


def reshape(x: Array, shape: Any) -> Array:
    """See the standard."""
    return tf.reshape(x, shape)


def permute_dims(x: Array, axes: Sequence[int]) -> Array:
    """See the standard."""
    return tf.transpose(x, axes)


def flip(x: Array, axis: int | None = None) -> Array:
    """See the standard."""
    return tf.reverse(x, list(range(len(x.shape))) if axis is None else [axis % len(x.shape)])


def stack(arrays: Sequence[Array], axis: int = 0) -> Array:
    """See the standard."""
    return tf.stack(list(arrays), axis)


def unstack(x: Array, axis: int = 0) -> tuple[Array, ...]:
    """See the standard."""
    return tuple(tf.unstack(x, axis=axis))


def concat(arrays: Sequence[Array], axis: int = 0) -> Array:
    """See the standard."""
    return tf.concat(list(arrays), axis)


def take(x: Array, indices: Array, axis: int = 0) -> Array:
    """See the standard."""
    return tf.gather(x, indices, axis=axis)


def bitwise_right_shift(x: Array, by: int) -> Array:
    """See the standard."""
    return tf.bitwise.right_shift(x, tf.constant(by, x.dtype))


def argmax(x: Array, axis: int = -1) -> Array:
    """See the standard."""
    return tf.argmax(x, axis=axis)


def argsort(x: Array, axis: int = -1, stable: Any = True) -> Array:
    """See the standard; int64 as NumPy's."""
    return tf.cast(tf.argsort(x, axis=axis, stable=stable), tf.int64)


def sort(x: Array, axis: int = -1) -> Array:
    """See the standard."""
    return tf.sort(x, axis=axis)


def searchsorted(x1: Array, x2: Array) -> Array:
    """See the standard; int64."""
    return tf.searchsorted(x1, x2, out_type=tf.int64)


def nonzero(x: Array) -> tuple[Array, ...]:
    """See the standard; int64."""
    return tuple(tf.unstack(tf.where(x), axis=1))


def tile(x: Array, repetitions: Sequence[int]) -> Array:
    """See the standard."""
    return tf.tile(x, repetitions)


def grouped(kind: str, values: Array, group: Array, count: Any) -> Array:
    """See `augline.arrays.grouped`."""
    function = tf.math.unsorted_segment_sum if kind == "sum" else tf.math.unsorted_segment_min
    return function(values, group, count)


def cumulative_sum(x: Array, axis: int = -1) -> Array:
    """See the standard."""
    return tf.cumsum(x, axis=axis)


def _reduction(function: Callable[..., Array]) -> Callable[..., Array]:
    def reduced(x: Array, axis: Any = None, keepdims: Any = False) -> Array:
        return function(x, axis=axis, keepdims=keepdims)

    return reduced


sum, mean, min, max, any, all = map(_reduction, (  # noqa: A001
    tf.reduce_sum, tf.reduce_mean, tf.reduce_min, tf.reduce_max, tf.reduce_any, tf.reduce_all,
))  # fmt: skip


class _Bounds:
    def __init__(self, dtype: Any) -> None:
        self.min, self.max = dtype.min, dtype.max


def iinfo(dtype: Any) -> _Bounds:
    """The smallest and the largest number of an integer type."""
    return _Bounds(tf.as_dtype(dtype))


def while_loop(condition: Callable[[Array], Array], body: Callable[[Array], Array], x: Array) -> Array:
    """`x` through `body` for as long as `condition` holds."""
    (result,) = tf.while_loop(condition, lambda x: (body(x),), (x,))
    return result


def repeated(times: int, body: Callable[[Any], Any], x: Any) -> Any:
    """See `augline.arrays.repeated`."""

    def step(k: Array, x: Any) -> tuple[Array, Any]:
        return k + 1, tf.nest.map_structure(lambda old, new: tf.ensure_shape(new, old.shape), x, body(x))

    return tf.while_loop(lambda k, _: k < times, step, (0, x))[1]


def cond(condition: Array, yes: Callable[[], Array], no: Callable[[], Array]) -> Array:
    """One of two, whichever the condition says."""
    return tf.cond(condition, yes, no)

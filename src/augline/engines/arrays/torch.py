"""PyTorch as an array namespace, for pixels: the functions of the Python array API standard that engines use.

New arrays come to lie on PyTorch's default device: use it inside `with torch.device(...)`. PyTorch cannot compute in
unsigned 64-bit integers, so random numbers and plans are made in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from augline.arrays import Array

abs = torch.abs  # noqa: A001
permute_dims, matrix_transpose = torch.permute, torch.adjoint


def asarray(value: Any, dtype: Any = None, **_: Any) -> Array:
    """A tensor; Python floats become float64 and integers int64, as in NumPy."""
    value = value if isinstance(value, torch.Tensor) else np.array(value)  # a copy: read-only ones are warned of
    return torch.as_tensor(value, dtype=dtype)


def astype(x: Array, dtype: Any) -> Array:
    """Floats are truncated on the way to integers."""
    return x.to(dtype)


def clip(x: Array, min: Any = None, max: Any = None) -> Array:  # noqa: A002
    """See the standard; either bound may be left out."""
    lowest = None if min is None else torch.as_tensor(min, dtype=x.dtype)
    return torch.clip(x, lowest, None if max is None else torch.as_tensor(max, dtype=x.dtype))


def take(x: Array, indices: Array, axis: int = 0) -> Array:
    """See the standard."""
    if x.dtype == torch.uint16:  # which PyTorch does not gather
        return torch.index_select(x.view(torch.int16), axis, indices).view(torch.uint16)
    return torch.index_select(x, axis, indices)


def flip(x: Array, axis: int) -> Array:
    """See the standard."""
    return torch.flip(x, (axis,))


def stack(arrays: Sequence[Array], axis: int = 0) -> Array:
    """See the standard."""
    return torch.stack(list(arrays), axis)


def unstack(x: Array, axis: int = 0) -> tuple[Array, ...]:
    """See the standard."""
    parts: tuple[Array, ...] = torch.unbind(x, axis)
    return parts


def concat(arrays: Sequence[Array], axis: int = 0) -> Array:
    """See the standard."""
    return torch.cat(list(arrays), axis)


def sort(x: Array, axis: int = -1) -> Array:
    """See the standard."""
    return torch.sort(x, dim=axis).values


def cumulative_sum(x: Array, axis: int = -1) -> Array:
    """See the standard."""
    return torch.cumsum(x, axis)


def grouped(kind: str, values: Array, group: Array, count: int) -> Array:
    """See `augline.arrays.grouped`."""
    if kind == "sum":
        empty = torch.zeros((count, *values.shape[1:]), dtype=values.dtype, device=values.device)
        return empty.index_add(0, group, values)
    empty = torch.full((count, *values.shape[1:]), torch.inf, dtype=values.dtype, device=values.device)
    return empty.index_reduce(0, group, values, "amin")


def _reduction(function: Callable[..., Array]) -> Callable[..., Array]:
    def reduced(x: Array, axis: Any = None, keepdims: Any = False) -> Array:
        axes = tuple(range(x.ndim)) if axis is None else axis
        return function(x, dim=axes, keepdim=keepdims)

    return reduced


sum, mean, min, max, any, all = map(_reduction, (  # noqa: A001
    torch.sum, torch.mean, torch.amin, torch.amax, torch.any, torch.all,
))  # fmt: skip


def cond(condition: Array, yes: Callable[[], Array], no: Callable[[], Array]) -> Array:
    """One of two, whichever the condition says."""
    return yes() if condition else no()


def __getattr__(name: str) -> Any:
    return getattr(torch, name)

"""JAX as an array namespace: `jax.numpy`, which nearly follows the Python array API standard, and what it lacks.

Random numbers and plans need 64 bits, which JAX does without unless told: use it inside `precise()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp

from augline.arrays import Array


@contextmanager
def precise() -> Iterator[None]:
    """64-bit numbers, and products as exact as their type, for what is computed or traced inside."""
    wide = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64
    with wide(True), jax.default_matmul_precision("highest"):
        yield


def take(x: Array, indices: Array, axis: int = 0) -> Array:
    """See the standard; no index is ever outside, so none is looked for."""
    return jnp.take(x, indices, axis=axis, mode="clip")


def grouped(kind: str, values: Array, group: Array, count: Any) -> Array:
    """See `augline.arrays.grouped`."""
    function = jax.ops.segment_sum if kind == "sum" else jax.ops.segment_min
    return function(values, group, count)


def cond(condition: Array, yes: Callable[[], Array], no: Callable[[], Array]) -> Array:
    """One of two, whichever the condition says."""
    return jax.lax.cond(condition, yes, no)


def __getattr__(name: str) -> Any:
    return getattr(jnp, name)

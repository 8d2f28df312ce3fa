"""Where a layer computes: the array namespaces of Keras's backend, and how its work becomes one program."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from types import FrameType
from typing import Any

import numpy as np

import keras
from augline.arrays import Array, Namespace
from augline.errors import EngineError


@dataclass(frozen=True)
class Device:
    """A backend of Keras.

    Attributes:
        pixels: The array namespace of its tensors.
        numbers: That of draws, plans and boxes: the same, or NumPy where the backend cannot compute them.
        scope: What to compute in, given the images.
        fused: Makes one compiled program of a function of tensors.
        to_numbers: A tensor for `numbers`.
        to_pixels: An array of `numbers` as a tensor.
        first: Position in the whole batch of the first of this replica's rows, given how many it has.
    """

    pixels: Namespace
    numbers: Namespace
    scope: Callable[[Array], AbstractContextManager[Any]] = nullcontext
    fused: Callable[[Callable[..., Any]], Callable[..., Any]] = lambda function: function
    to_numbers: Callable[[Array], Array] = lambda array: array
    to_pixels: Callable[[Array], Array] = lambda array: array
    first: Callable[[Any], Any] = lambda _: 0


def exporting() -> bool:
    """Whether Keras writes a model for serving; `model.export` (3.15) calls it as it stands, and says nothing of it."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if str(frame.f_globals.get("__name__")).startswith("keras.src.export."):
            return True
        frame = frame.f_back
    return False


def is_concrete(tensor: Any) -> bool:
    """Whether the values of a tensor are there to be looked at, and not those of a program being made."""
    if keras.backend.backend() == "tensorflow":
        return isinstance(tensor, np.ndarray) or hasattr(tensor, "numpy")
    return not isinstance(tensor, keras.KerasTensor) and "Tracer" not in type(tensor).__name__


@cache
def device() -> Device:
    """Keras's backend.

    Raises:
        EngineError: There is no way to compute on it.
    """
    name = keras.backend.backend()
    known: dict[str, Callable[[], Device]] = {
        "tensorflow": _tensorflow, "jax": _jax, "torch": _torch, "numpy": lambda: Device(np, np),
    }  # fmt: skip
    if name not in known:
        raise EngineError(
            f"Augment: Keras's backend must be one of {', '.join(known)}. Received {name!r}. Set KERAS_BACKEND "
            "to one of them before Keras is imported, or augment with a Pipeline."
        )
    return known[name]()


def _tensorflow() -> Device:
    import tensorflow as tf

    from augline.engines.arrays import tensorflow as xp

    def fused(function: Callable[..., Any]) -> Callable[..., Any]:
        compiled: Callable[..., Any] = tf.function(function, jit_compile=True, autograph=False)
        return compiled

    def first(rows: Array) -> Array:
        context = tf.distribute.get_replica_context()
        return 0 if context is None else tf.cast(context.replica_id_in_sync_group, tf.int64) * rows

    return Device(xp, xp, fused=fused, first=first)


def _jax() -> Device:
    import jax

    from augline.engines.arrays import jax as xp

    def fused(function: Callable[..., Any]) -> Callable[..., Any]:
        compiled: Callable[..., Any] = jax.jit(function)
        return compiled

    return Device(xp, xp, lambda _: xp.precise(), fused)


def _torch() -> Device:
    import torch

    from augline.engines.arrays import torch as xp

    @contextmanager
    def scope(images: Array) -> Iterator[None]:
        with torch.no_grad(), torch.device(images.device):
            yield

    return Device(xp, np, scope, to_numbers=lambda tensor: tensor.detach().cpu().numpy(), to_pixels=xp.asarray)

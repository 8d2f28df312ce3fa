"""Batches in the form that each of Keras's backends takes: what `fit`, `evaluate` and `predict` are given."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from types import FrameType
from typing import TYPE_CHECKING, Any

from keras.src.trainers.data_adapters.data_adapter import DataAdapter
from keras.src.trainers.data_adapters.data_adapter_utils import get_torch_dataloader

from augline.errors import ArgumentError

if TYPE_CHECKING:
    import tensorflow as tf

_FIXES = {
    "y": "Give the labels to the source.",
    "sample_weight": "Give weights= to the source.",
    "class_weight": "Write fit(pipe.to_keras(class_weight=...)).",
}


class Feed(DataAdapter):  # type: ignore[misc]  # Keras is not typed
    """What Keras asks of data, for any backend: passes, each the next epoch. It takes a `DataAdapter` as it is (3.15).

    TensorFlow's is given a `tf.data.Dataset`; TensorFlow is not needed for the others. A pass that is left before its
    end is begun again by the next one. Iterating gives a pass as NumPy.

    Args:
        steps: Of an epoch.
        start: (epoch, step) of the first pass, which is the rest of that epoch.
        batches: Those of an epoch from a step on, as NumPy.
        dataset: Makes the `tf.data.Dataset`.
    """

    def __init__(
        self, steps: int, start: tuple[int, int], batches: Callable[[int, int], Iterator[Any]],
        dataset: Callable[[], tf.data.Dataset],
    ) -> None:  # fmt: skip
        self._steps, self._place, self._batches, self._make = steps, start, batches, dataset

    def __len__(self) -> int:
        """Steps per epoch."""
        return self._steps

    def __iter__(self) -> Iterator[Any]:
        """A pass."""
        epoch, first = self._place
        for step, batch in enumerate(self._batches(epoch, first), first):
            if step == self._steps - 1 and not _looks(sys._getframe(1)):
                self._place = max(self._place, (epoch + 1, 0))
            yield batch

    def map(self, function: Callable[..., Any]) -> Feed:
        """The same passes, with what a function makes of each batch; called as by `tf.data.Dataset.map`.

        Args:
            function: Of the parts of a batch that is a tuple, or of the dict or array that it is: NumPy's arrays, or
                tensors in a graph where TensorFlow is Keras's backend.
        """

        def batches(epoch: int, step: int) -> Iterator[Any]:
            found = self._batches(epoch, step)
            return (function(*batch) if isinstance(batch, tuple) else function(batch) for batch in found)

        return Feed(self._steps, self._place, batches, lambda: self._make().map(function))

    @property
    def num_batches(self) -> int:
        """Steps per epoch; Keras asks, among others, where it was given something beside the data."""
        _check_beside(sys._getframe(1))
        return self._steps

    @property
    def batch_size(self) -> None:
        """Keras need not know."""

    def get_numpy_iterator(self) -> Iterator[Any]:
        """A pass."""
        return iter(self)

    def get_jax_iterator(self) -> Iterator[Any]:
        """A pass; JAX takes NumPy's arrays."""
        return iter(self)

    def get_torch_dataloader(self) -> Any:
        """A pass, as a `torch.utils.data.DataLoader` of tensors."""
        return get_torch_dataloader(iter(self))

    def get_tf_dataset(self) -> tf.data.Dataset:
        """All passes: each over the data set is the next."""
        return self._dataset

    @cached_property
    def _dataset(self) -> tf.data.Dataset:
        return self._make()


def _looks(asks: FrameType | None) -> bool:
    """Whether a batch is taken only to learn its shapes, as JAX's and PyTorch's `fit` begin: that is no pass."""
    while asks is not None and asks.f_code.co_name != "_symbolic_build":  # of keras.src.trainers.trainer.Trainer
        asks = asks.f_back
    return asks is not None


def _check_beside(asks: FrameType | None) -> None:
    """Refuses what Keras would silently leave out: it hands nothing to an adapter that it did not make."""
    while asks is not None and asks.f_globals.get("__name__", "").startswith("augline."):
        asks = asks.f_back
    for name, fix in _FIXES.items() if asks is not None and asks.f_code.co_name == "__init__" else ():
        if asks is not None and asks.f_locals.get(name) is not None:
            raise ArgumentError(f"fit({name}=...): it comes with the data of a pipeline. Received it beside. {fix}")

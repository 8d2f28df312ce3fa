"""Several views of each sample: for contrastive learning, multi-crop, and repeated augmentation."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from augline.errors import ArgumentError
from augline.feed.adapted import Adapted
from augline.pipeline import Pipeline
from augline.sources import Source
from augline.transforms.base import Transform
from augline.transforms.compose import Sequential

if TYPE_CHECKING:
    import tensorflow as tf

    from augline.keras.feed import Feed

_ONCE = ("labels", "weights")
"""What all views of a sample have in common."""


class Views(Adapted):
    """A data set of which every sample comes in several views, each with a list and draws of its own.

    Batches are those of a `Pipeline`, with a tuple of images, one entry per view, where that has images (and of masks,
    boxes and points where it has those); labels and weights come once. Views may differ in size. The order of samples
    is the pipeline's, and a view depends on (seed, epoch, sample id) and on its place among the views alone: one more
    view changes none before it. Each view reads the files anew.

    Args:
        source: Where samples come from.
        views: A list of transforms for each view; `[transforms] * 2` for two alike.
        stacked: Whether views of one size come as one batch, view after view, with labels and weights repeated:
            repeated augmentation (E. Hoffer et al., Augment Your Batch, 2020).
        settings: As of `Pipeline`, without `transforms`.

    Raises:
        ArgumentError: There is no view, a list mixes samples, or views to be stacked differ in size or type.

    Example:
        >>> import augline as al, numpy as np
        >>> source = al.Arrays(np.zeros((8, 48, 48, 3), "uint8"), labels=np.arange(8))
        >>> views = al.Views(source, [al.presets.dino(32), al.presets.dino_local(16)], batch_size=4)
        >>> (first, second), labels = views.batch(0, 0)
        >>> first.shape, second.shape, labels.shape
        ((4, 32, 32, 3), (4, 16, 16, 3), (4,))
    """

    def __init__(
        self, source: Source, views: Sequence[Sequence[Transform]], *, stacked: bool = False, **settings: Any
    ) -> None:
        if not views:
            raise ArgumentError("Views([]): there must be a view. Received none. Write [transforms] * 2.")
        lists = [[Sequential(each, name=f"view {number}")] for number, each in enumerate(views)]
        self.pipelines = tuple(Pipeline(source, each, **settings) for each in lists)
        self.stacked = stacked
        shapes = {(*pipe.batches.size, pipe.program.output_dtype) for pipe in self.pipelines}
        if stacked and len(shapes) > 1:
            raise ArgumentError(
                f"Views(stacked=True): views must have one size and type. Received {sorted(shapes)}. Make them alike, "
                "or leave stacked out."
            )
        self._next_epoch = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Steps per epoch."""
        return len(self.pipelines[0])

    def __iter__(self) -> Iterator[Any]:
        """The batches of the next epoch: the first pass gives epoch 0, the second epoch 1."""
        with self._lock:
            epoch, self._next_epoch = self._next_epoch, self._next_epoch + 1
        return self.epoch(epoch)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Any]:
        """The batches of one epoch, from step `start` on."""
        passes = [pipe.epoch(epoch, start) for pipe in self.pipelines]
        return (combined(parts, self.stacked, np.concatenate) for parts in zip(*passes, strict=True))

    def batch(self, epoch: int, step: int) -> Any:
        """Exactly that batch, at once."""
        return combined([pipe.batch(epoch, step) for pipe in self.pipelines], self.stacked, np.concatenate)

    def to_tf(self, start: tuple[int, int] = (0, 0)) -> tf.data.Dataset:
        """A `tf.data.Dataset` of the same batches; see `Pipeline.to_tf`.

        Without labels, and unless stacked, an element is the tuple of views itself, for a `train_step` of your own.

        Args:
            start: (epoch, step) to begin at.
        """
        from augline.feed.views import zipped

        return zipped([pipe.to_tf(start) for pipe in self.pipelines], self.stacked)

    def to_keras(self, start: tuple[int, int] = (0, 0)) -> Feed:
        """What `fit` takes on any backend of Keras's: the same batches; see `Pipeline.to_keras`."""
        from augline.keras.feed import Feed

        return Feed(len(self), start, self.epoch, partial(self.to_tf, start))

    def __reduce__(self) -> tuple[Any, ...]:
        state = {name: value for name, value in vars(self).items() if name not in ("_lock", "_fed")}
        return partial(object.__new__, type(self)), (), state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=threading.Lock())

    def __repr__(self) -> str:
        lists = [list(pipe.transforms[0].transforms) for pipe in self.pipelines]
        return f"Views({self.pipelines[0].source!r}, {lists!r}, stacked={self.stacked})"


def combined(parts: Sequence[Any], stacked: bool, join: Callable[[Sequence[Any]], Any]) -> Any:
    """One batch of several of the same samples; `join` puts arrays behind each other."""
    first = parts[0]
    if isinstance(first, dict):
        return {
            name: _once(first[name], len(parts), stacked, join)
            if name in _ONCE
            else _several([part[name] for part in parts], stacked, join)
            for name in first
        }
    if isinstance(first, (tuple, list)):
        images = _several([part[0] for part in parts], stacked, join)
        return (images, *(_once(column, len(parts), stacked, join) for column in first[1:]))
    return _several(parts, stacked, join)


def _once(column: Any, views: int, stacked: bool, join: Callable[[Sequence[Any]], Any]) -> Any:
    return join([column] * views) if stacked else column


def _several(columns: Sequence[Any], stacked: bool, join: Callable[[Sequence[Any]], Any]) -> Any:
    if not stacked:
        return tuple(columns)
    if isinstance(columns[0], dict):
        return {name: join([column[name] for column in columns]) for name in columns[0]}
    if isinstance(columns[0], list):  # keypoints whose number differs from sample to sample
        return [row for column in columns for row in column]
    return join(columns)

"""From a source and the user's wishes to the data set: recognised, looked at once, read by the workers it can have."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from augline.box_filter import BoxFilter
from augline.convert.augmented import Augmenter, images_of
from augline.convert.distribute import scope_replicas
from augline.convert.elements import Element, normalised, stacked
from augline.convert.infer import Layout, layout_from, layout_of
from augline.convert.memory import pack
from augline.convert.passes import Passes, Settings
from augline.convert.recognise import Ended, Indexed, NativeIterator, Reader, Rows, reader_of, rebuild
from augline.errors import ArgumentError, SourceError
from augline.feed.generated import generated
from augline.feed.tf import options
from augline.transforms.base import Transform

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True, slots=True)
class Wishes:
    """The arguments of `to_dataset`."""

    signature: Any
    batch_size: int | None
    steps: int | None
    shuffle: bool
    augment: Sequence[Transform] | None
    value_range: tuple[float, float] | None
    bounding_box_format: str
    box_filter: BoxFilter
    keypoint_swaps: Sequence[tuple[int, int]]
    workers: int | None
    processes: bool | None
    seed: int
    native: bool
    replicas: int | None


def build(x: Any, wishes: Wishes) -> tf.data.Dataset:
    """See `to_dataset`."""
    import tensorflow as tf

    _check(wishes)
    changed = _changes(wishes)
    if isinstance(x, tf.data.Dataset) and not changed:
        return x
    if hasattr(x, "to_tf") and hasattr(x, "transforms"):
        if changed:
            raise ArgumentError(
                f"to_dataset({type(x).__name__}): a pipeline says itself how its batches are made. Received "
                f"{', '.join(changed)}. Give those to the pipeline, and write pipe.to_tf()."
            )
        return x.to_tf()
    if wishes.native and not wishes.processes:  # other processes can have Keras's iterator, but not ours
        x = rebuild(x)
    reader = reader_of(x, wishes.batch_size, wishes.steps, wishes.seed, wishes.shuffle)
    if wishes.shuffle and (not reader.indexed or reader.length is None):
        raise ArgumentError(
            f"to_dataset({reader.name}, shuffle=True): only a source with an index and a length can be shuffled. "
            "Received a stream. Shuffle in the source, or the data set: dataset.shuffle(...)."
        )
    settings, first = _settings(reader, x, wishes)
    replicas = scope_replicas() if wishes.replicas is None else wishes.replicas
    passes = Passes(reader, settings, replicas, first)
    dataset = generated(passes, settings.out.signature())
    if (count := _count(reader, settings.batch_size)) is not None:
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(count))
    return dataset.prefetch(1).with_options(options("DATA"))


def _changes(wishes: Wishes) -> list[str]:
    """Arguments that ask for other elements than the source has."""
    asked = {
        "signature": wishes.signature is not None, "batch_size": wishes.batch_size is not None,
        "steps": wishes.steps is not None, "shuffle": wishes.shuffle, "augment": wishes.augment is not None,
    }  # fmt: skip
    return [f"{name}=" for name, given in asked.items() if given]


def _settings(reader: Reader, x: Any, wishes: Wishes) -> tuple[Settings, Callable[[], Element]]:
    """How to read the source, and what gives the first element that comes out."""
    gathers = wishes.batch_size is not None and not isinstance(reader, Rows)
    batch_size = wishes.batch_size if gathers else None
    given = None if wishes.signature is None else layout_from(wishes.signature)
    raw = augmenter = None
    if given is None or wishes.augment is not None:
        element = _first(reader)
        raw = _laid_out(reader, element, False if gathers else _is_batch(reader, element, wishes))
        augmenter = None if wishes.augment is None else _augmenter(reader, element, raw, wishes)

    def first() -> Element:
        return _treated(_first(reader), batch_size, augmenter)

    out = given
    if out is None and raw is not None:
        out = _laid_out(reader, first(), gathers or raw.batched) if gathers or augmenter else raw
    assert out is not None, "a layout comes from the signature or from the first element"
    workers, processes = _workers(reader, x, wishes)
    settings = Settings(
        workers, processes, wishes.seed, wishes.shuffle and not isinstance(reader, Rows), batch_size,
        None if augmenter or given else raw, out, augmenter,
    )  # fmt: skip
    return settings, first


def _first(reader: Reader) -> Element:
    try:
        return normalised(reader.peek())
    except Ended:
        raise SourceError(
            f"to_dataset({reader.name}): it must give at least one element. Received none. Check what it reads from; a "
            "generator that has been used up gives nothing more."
        ) from None
    except Exception as error:
        raise SourceError(
            f"to_dataset({reader.name}): every element must be readable. Received {type(error).__name__} at element 0: "
            f"{error}. The traceback above shows where."
        ) from error


def _is_batch(reader: Reader, element: Element, wishes: Wishes) -> bool | None:
    """Whether elements are batches, if the source or the images tell: an image and its mask are equally long, too."""
    if reader.batched is not None or wishes.augment is None:
        return reader.batched
    try:
        return bool(np.ndim(images_of(element)) != 3)
    except SourceError:
        return None


def _laid_out(reader: Reader, element: Element, batched: bool | None) -> Layout:
    try:
        return layout_of(element, batched)
    except SourceError as error:
        raise SourceError(
            f"to_dataset({reader.name}): elements must be arrays, or tuples or dicts of arrays. Received element 0 "
            f"with {error}."
        ) from error


def _augmenter(reader: Reader, element: Element, raw: Layout, wishes: Wishes) -> Augmenter:
    try:
        return Augmenter(
            wishes.augment or (), element, samples=not raw.batched, seed=wishes.seed, value_range=wishes.value_range,
            bounding_box_format=wishes.bounding_box_format, box_filter=wishes.box_filter, swaps=wishes.keypoint_swaps,
        )  # fmt: skip
    except SourceError as error:
        raise SourceError(f"to_dataset({reader.name}, augment=...): Received element 0 with {error}.") from error


def _treated(element: Element, batch_size: int | None, augmenter: Augmenter | None) -> Element:
    if batch_size is not None:
        samples = [element] * batch_size
        return stacked(samples) if augmenter is None else augmenter.gathered(samples, 0, 0)
    if augmenter is None:
        return element
    return augmenter.sample(element, 0, 0) if augmenter.samples else augmenter.batch(element, 0, 0)


def _count(reader: Reader, batch_size: int | None) -> int | None:
    if reader.infinite:
        return -1  # tf.data.INFINITE_CARDINALITY
    if reader.length is None or batch_size is None:
        return reader.length
    return -(-reader.length // batch_size)


def _workers(reader: Reader, x: Any, wishes: Wishes) -> tuple[int, bool]:
    """How many, and whether they are processes."""
    wanted, processes = wishes.workers, wishes.processes
    if isinstance(reader, NativeIterator) and not processes:
        reader.source.threads = wanted or reader.source.threads
        return min(1, 1 if wanted is None else wanted), False
    if wanted is None and isinstance(reader, Indexed):
        wanted = max(1, int(getattr(x, "workers", 1) or 1))
        processes = bool(getattr(x, "use_multiprocessing", False)) if processes is None else processes
    workers = 1 if wanted is None else wanted
    if not reader.indexed and workers > 1:
        raise ArgumentError(
            f"to_dataset({reader.name}, workers={workers}): only a source with an index can be read by several. "
            "Received a stream. Write it as a keras.utils.PyDataset, or leave workers out."
        )
    if processes is None:
        processes = workers > 1
    if not processes or not workers:
        return workers, False
    reason = _unsendable(reader)
    if reason and wishes.processes:
        raise ArgumentError(
            f"to_dataset({reader.name}, processes=True): the source must go to other processes. Received one that "
            f"cannot: {reason}. Leave out what cannot be pickled (open files, locks), or write processes=False."
        )
    if reason:
        warnings.warn(
            f"to_dataset({reader.name}): {workers} threads read it, not processes, because it cannot go to another "
            f"process: {reason}. Write processes=False to say that this is fine.", stacklevel=5,
        )  # fmt: skip
    return workers, not reason


def _unsendable(reader: Reader) -> str:
    """Why a source cannot be sent to a process; empty if it can."""
    if os.name != "posix":
        return "worker processes need a POSIX system"
    try:
        pack(reader, code=True)
    except Exception as error:  # noqa: BLE001 - whatever its parts raise when they are pickled
        return f"{type(error).__name__}: {error}"
    return ""


def _check(wishes: Wishes) -> None:
    whole = {"batch_size": 1, "steps": 1, "workers": 0, "replicas": 1, "seed": 0}
    for name, low in whole.items():
        value = getattr(wishes, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < low):
            raise ArgumentError(
                f"to_dataset({name}=...): {name} must be a whole number from {low}. Received {name}={value!r}. "
                f"Write {name}={max(low, 1)}, for example."
            )

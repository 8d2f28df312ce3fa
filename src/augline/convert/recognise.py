"""What a source is, by what it can do: indexed, streamed, arrays, or a legacy Keras iterator."""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np

from augline.convert.elements import leaves, mapped, normalised, rows
from augline.errors import ArgumentError, SourceError
from augline.order import shuffled

Read = Callable[[int], Any]
"""`(index)`: one element of a pass, as the source has it. Raises `Ended` after the last."""


class Ended(Exception):  # noqa: N818 - an end is no error
    """A stream has no further element."""


class Reader(Protocol):
    """One kind of source.

    Attributes:
        name: For messages.
        length: Elements per pass; None if nobody knows.
        infinite: Whether a pass never ends.
        indexed: Whether any element can be had at any time, and so several at once.
        batched: Whether elements are batches; None if their shapes must tell.
    """

    name: str
    length: int | None
    infinite: bool
    indexed: bool
    batched: bool | None

    def peek(self) -> Any:
        """The first element, which the first pass gives again."""

    def begin(self, epoch: int) -> Read:
        """Begins a pass."""

    def end(self) -> None:
        """Ends a pass: no element of it is read any more."""


class Indexed:
    """Anything with `__getitem__` and a length: PyDataset, Sequence, torch's map-style Dataset, a list."""

    infinite, indexed = False, True

    def __init__(self, source: Any, name: str, length: int | None, batched: bool | None) -> None:
        self.source, self.name, self.length, self.batched = source, name, length, batched
        self.infinite = length is None

    def peek(self) -> Any:
        return self.source[0]

    def begin(self, epoch: int) -> Read:
        self.hook("on_epoch_begin")
        return self.at(epoch)

    def at(self, epoch: int) -> Read:
        """What reads in a pass that has begun elsewhere."""
        return self._item

    def end(self) -> None:
        self.hook("on_epoch_end")

    def hook(self, name: str) -> None:
        """Calls one of Keras's hooks, where the source has it."""
        if callable(function := getattr(self.source, name, None)):
            function()

    def _item(self, index: int) -> Any:
        return self.source[index]


class LegacyIterator(Indexed):
    """An iterator of Keras's ImageDataGenerator: what it draws hangs on how many batches it has counted."""

    _unsendable = ("lock", "index_generator")

    def __init__(self, source: Any, name: str, length: int) -> None:
        super().__init__(source, name, length, batched=True)
        self._before: int = source.total_batches_seen
        self._fresh = source.index_array is None and source.seed is not None
        self._steps = length

    def peek(self) -> Any:
        kept = self.source.total_batches_seen, self.source.index_array, np.random.get_state()  # noqa: NPY002
        try:
            return self.source[0]
        finally:
            self.source.total_batches_seen, self.source.index_array = kept[:2]
            np.random.set_state(kept[2])  # noqa: NPY002

    def at(self, epoch: int) -> Read:
        def read(index: int) -> Any:
            if self._fresh and epoch == index == 0:
                self.source.index_array = None  # made anew, with the same numbers, before the first batch draws its own
            self.source.total_batches_seen = self._before + epoch * self._steps + index
            return self.source[index]

        return read

    def begin(self, epoch: int) -> Read:
        super().begin(epoch)
        self._first = self.source.total_batches_seen = self._before + epoch * self._steps
        return self._item  # it counts by itself, batch after batch

    def end(self) -> None:
        if self.source.total_batches_seen == self._first:  # others have read, so their draws have not moved ours
            self.source.total_batches_seen += self._steps
            if self.source.seed is not None:
                np.random.seed(self.source.seed + self.source.total_batches_seen)  # noqa: NPY002
        super().end()

    def __getstate__(self) -> dict[str, Any]:
        if self.source.index_array is None:  # every worker would make an order of its own
            if self.source.seed is not None:
                np.random.seed(self.source.seed + self.source.total_batches_seen)  # noqa: NPY002
            self.source._set_index_array()
        state = {key: value for key, value in vars(self.source).items() if key not in self._unsendable}
        return {**vars(self), "source": (type(self.source), state)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        kind, attributes = state["source"]
        source = kind.__new__(kind)
        vars(source).update(attributes, lock=threading.Lock(), index_generator=None)
        vars(self).update(state, source=source)


class NativeIterator(Indexed):
    """An iterator of augline's own ImageDataGenerator, read as Keras's `fit` reads Keras's.

    Threads of its own share the work within a batch, so one reads; how many they are is `workers`.
    """

    def __init__(self, source: Any, name: str, length: int) -> None:
        super().__init__(source, name, length, batched=True)
        self._before: int = source.total_batches_seen
        self._end = self._before

    def peek(self) -> Any:
        return self.source.glance()

    def begin(self, epoch: int) -> Read:
        assert self.length is not None
        self.source.total_batches_seen = self._before + epoch * self.length
        self._end = self.source.total_batches_seen + self.length
        return self.at(epoch)

    def at(self, epoch: int) -> Read:
        return self.source.batch  # type: ignore[no-any-return]

    def end(self) -> None:
        if self.source.total_batches_seen != self._end:  # left early, who knows after which batch
            self.source.skip_to(self._end)
        self.source.on_epoch_end()


class Rows:
    """Arrays, cut into batches along their first axis."""

    infinite, indexed = False, True

    def __init__(self, arrays: Any, batch_size: int, seed: int, shuffle: bool) -> None:
        self.name, self.arrays = "arrays", normalised(arrays)
        self.count = rows(self.arrays) or 0
        if not self.count:
            lengths = ", ".join(f"{path} {list(array.shape)}" for path, array in leaves(self.arrays, "x"))
            raise SourceError(
                f"to_dataset(arrays): all arrays must have one number of samples, at least 1. Received {lengths}. "
                "Make them equally long."
            )
        self.batch_size, self.seed, self.shuffle = batch_size, seed, shuffle
        self.batched: bool | None = True
        self.length: int | None = -(-self.count // batch_size)

    def peek(self) -> Any:
        return mapped(lambda array: array[: self.batch_size], self.arrays)

    def begin(self, epoch: int) -> Read:
        return self.at(epoch)

    def at(self, epoch: int) -> Read:
        """What reads a batch of a pass."""

        def read(index: int) -> Any:
            first = index * self.batch_size
            places = np.arange(first, min(first + self.batch_size, self.count))
            chosen: Any = slice(places[0], places[-1] + 1)
            if self.shuffle:
                chosen = shuffled(places, self.count, self.seed, epoch)
            return mapped(lambda array: array[chosen], self.arrays)

        return read

    def end(self) -> None:
        """Nothing to end."""


class Streamed:
    """Anything to iterate over.

    Args:
        make: Gives an iterator over the elements.
        name: For messages.
        length: Elements of a pass, if known; more than these are left for the next pass, or for nobody.
        again: Whether `make` gives a fresh iterator every time; else the one goes on where the last pass stopped.
        batched: See `Reader`.
    """

    indexed, infinite = False, False

    def __init__(
        self, make: Callable[[], Iterator[Any]], name: str, length: int | None, again: bool, batched: bool | None = None
    ) -> None:
        self.make, self.name, self.length, self.again, self.batched = make, name, length, again, batched
        self._iterator: Iterator[Any] | None = None
        self._front: list[Any] = []
        self._over = False

    def peek(self) -> Any:
        self._iterator = self.make() if self._iterator is None else self._iterator
        if not self._front:
            self._front.append(self._next(self._iterator))
        return self._front[0]

    def begin(self, epoch: int) -> Read:
        if self._over:
            raise SourceError(
                f"to_dataset({self.name}): a generator object gives one pass. Received a request for another, but it "
                "is exhausted. Pass the generator function itself, uncalled, or steps= for one that never ends."
            )
        iterator = self.make() if self._iterator is None else self._iterator  # torch's have a length, or an error
        self._iterator = None if self.again else iterator
        front, self._front = self._front, []

        def read(index: int) -> Any:
            return front.pop() if front else self._next(iterator)

        return read

    def at(self, epoch: int) -> Read:
        """What reads in a worker process, where a pass begins too."""
        return self.begin(epoch)

    def end(self) -> None:
        """Nothing to end: what the pass did not take waits for the next."""

    def _next(self, iterator: Iterator[Any]) -> Any:
        for item in iterator:
            return item
        self._over = not self.again
        raise Ended

    def __getstate__(self) -> dict[str, Any]:
        if not self.again:
            raise TypeError("a generator object cannot leave its process; pass the generator function itself")
        return {**vars(self), "_iterator": None, "_front": []}


def reader_of(source: Any, batch_size: int | None, steps: int | None, seed: int, shuffle: bool) -> Reader:
    """The reader for what a user hands in, once `rebuild` has seen it.

    Raises:
        ArgumentError: Nothing that elements can be read from.
    """
    name = getattr(source, "__name__", type(source).__name__)
    if hasattr(source, "glance") and hasattr(source, "skip_to"):
        return NativeIterator(source, name, _counted(source, name))
    if _is_legacy(source):
        return LegacyIterator(source, name, _counted(source, name))
    if hasattr(source, "__dlpack__") or (isinstance(source, (tuple, Mapping)) and _all_arrays(source)):
        return Rows(source, batch_size or 32, seed, shuffle)
    if hasattr(source, "num_batches") and hasattr(source, "__getitem__"):
        count = source.num_batches
        return Indexed(source, name, None if count is None else _counted(source, name, count), batched=True)
    if isinstance(source, (str, bytes, Mapping)) or hasattr(source, "columns"):
        raise _refused(source)
    if batch_size is not None and getattr(source, "batch_sampler", None) is not None:
        raise ArgumentError(
            f"to_dataset({name}, batch_size={batch_size}): batch_size makes batches of single samples. Received a "
            "DataLoader that makes batches itself. Leave batch_size out here, or write DataLoader(batch_size=None)."
        )
    streams = _is_torch_stream(source) or inspect.isgenerator(source) or hasattr(source, "__next__")
    if not streams and hasattr(source, "__getitem__") and hasattr(source, "__len__"):
        batched = True if hasattr(source, "on_epoch_end") else None
        return Indexed(source, name, _counted(source, name), batched)
    if callable(source) and not isinstance(source, Iterable):
        _check_callable(source, name)
        return Streamed(lambda: iter(source()), name, steps, again=True)
    if isinstance(source, Iterable):
        length = _counted(source, name) if steps is None and _has_length(source) else steps
        return Streamed(lambda: iter(source), name, length, again=not hasattr(source, "__next__"))
    raise _refused(source)


def rebuild(source: Any) -> Any:
    """An iterator of Keras's ImageDataGenerator as augline's own, where that can be; anything else as it is."""
    if not _is_legacy(source):
        return source
    from augline.keras import from_keras_iterator

    return from_keras_iterator(source) or source


def _is_legacy(source: Any) -> bool:
    return all(hasattr(source, name) for name in ("_get_batches_of_transformed_samples", "index_array", "n"))


def _is_torch_stream(source: Any) -> bool:
    """Whether it is a DataLoader, or a Dataset of torch's to iterate over, which inherits an index that it lacks."""
    data = sys.modules.get("torch.utils.data")
    return hasattr(source, "batch_sampler") or (data is not None and isinstance(source, data.IterableDataset))


def _all_arrays(value: Any) -> bool:
    if isinstance(value, Mapping):
        return bool(value) and all(_all_arrays(part) for part in value.values())
    if isinstance(value, tuple):
        return bool(value) and all(_all_arrays(part) for part in value)
    return hasattr(value, "shape") and hasattr(value, "dtype") and not hasattr(value, "columns")


def _counted(source: Any, name: str, count: int | None = None) -> int:
    length = len(source) if count is None else count
    if length < 1:
        raise SourceError(
            f"to_dataset({name}): there must be an element. Received one of length {length}. Check what it was made "
            "of: a wrong folder, or a batch size beyond the number of samples with the remainder dropped."
        )
    return int(length)


def _has_length(source: Any) -> bool:
    """Whether it knows how many elements it has; a `tf.data.Dataset` or a DataLoader may not."""
    cardinality = getattr(source, "cardinality", None)
    if cardinality is not None:
        return int(cardinality()) >= 0
    if getattr(source, "num_workers", 0) > 1 and _is_torch_stream(getattr(source, "dataset", None)):
        return False  # each worker has a last batch of its own: the length that the loader says is a guess
    try:
        return len(source) >= 0
    except TypeError:  # torch's have a `__len__` also where what they read from has none
        return False


def _check_callable(source: Any, name: str) -> None:
    try:
        needed = [
            p.name
            for p in inspect.signature(source).parameters.values()
            if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ]
    except (TypeError, ValueError):
        return
    if needed:
        raise ArgumentError(
            f"to_dataset({name}): a generator function is called without arguments. Received one that needs "
            f"{', '.join(needed)}. Write functools.partial({name}, {needed[0]}=...)."
        )


def _refused(source: Any) -> ArgumentError:
    fix = "Give it __len__" if hasattr(source, "__getitem__") else "Pass one of these"
    fixes = {
        "str": "For a folder of images write al.Pipeline(al.Folder(path), ...).to_tf()",
        "ImageDataGenerator": "Pass what its flow or flow_from_directory gives",
        "DataFrame": "For a table of files write al.Pipeline(al.Table(x, ...), ...).to_tf(); for numbers, x.to_numpy()",
    }
    fix = fixes.get(type(source).__name__, fix)
    return ArgumentError(
        "to_dataset(x): x must be a generator or generator function, an iterable, a Sequence or PyDataset, an iterator "
        "of ImageDataGenerator, a torch Dataset or DataLoader, NumPy arrays, or a tf.data.Dataset. Received "
        f"{type(source).__name__}. {fix}."
    )

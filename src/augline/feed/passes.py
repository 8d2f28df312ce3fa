"""What a data set asks of a pipeline: passes that begin one after the other, and their batches, each by its number."""

from __future__ import annotations

import itertools
import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from augline.convert.distribute import caller, looking_replicas
from augline.feed.balance import divisible, evened, filled
from augline.feed.parts import Parts

if TYPE_CHECKING:
    from augline.pipeline import Pipeline


@dataclass(slots=True)
class _Stream:
    """Batches that come one after the other, and the number of the next."""

    batches: Generator[Any]
    number: int
    batch: Any = None


class Passes:
    """Starts the passes, one after the other; the epoch counts on once a pass has given its last batch.

    Elements are numbered through all epochs: parts of step s of epoch e are (e * steps + s) * parts and the next ones.
    TensorFlow keeps the number, and so a checkpoint of its iterator does; a stream of batches runs behind it, and is
    begun anew where the numbers jump. A pass left early is begun again by the next.

    Under a strategy Keras looks at a batch before it trains, which is no pass; what that and the replicas ask of
    batches whose rows are not `fixed` is in `feed.balance`.
    """

    def __init__(self, pipe: Pipeline, start: tuple[int, int], parts: Parts, replicas: int, *, fixed: bool) -> None:
        self._pipe, self._place, self._parts = pipe, start, parts
        self._replicas, self._fixed = replicas, fixed
        self._streams: dict[int, _Stream | None] = {}
        self._begun: dict[int, float] = {}  # by name, from which number on elements are only looked at
        self._looked_at: dict[int, float] = {}  # the same by token
        self._tokens = itertools.count()

    def begin(self) -> NDArray[np.int64]:
        """A pass: its first element's number and that after its last; replicas, if only to look; a name of its own."""
        (epoch, step), steps, parts = self._place, len(self._pipe), self._parts.count
        first, name = (epoch * steps + step) * parts, next(self._tokens)
        self._begun[name] = math.inf
        if replicas := looking_replicas():
            self._replicas = max(self._replicas, replicas)
            return np.asarray([first, first + parts, 1 if self._fixed else replicas, name])
        asked = caller()
        self._replicas = max(self._replicas, asked.replicas)  # `predict` takes no look before
        if asked.uses is not None:
            self._begun[name] = first + asked.uses * parts
        return np.asarray([first, (epoch + 1) * steps * parts, 0, name])

    def lease(self, bounds: NDArray[np.int64]) -> Iterator[int]:
        """Gives a token for `element`, again and again; once closed, the stream begun under it has ended."""
        token, name = next(self._tokens), int(bounds[3])
        if name not in self._begun:  # restored from a checkpoint; what follows it is the next epoch
            self._place = int(bounds[1]) // (len(self._pipe) * self._parts.count), 0
        self._looked_at[token] = self._begun.pop(name, math.inf)
        self._streams[token] = None
        try:
            yield from itertools.repeat(token)
        finally:
            del self._looked_at[token]
            if (stream := self._streams.pop(token)) is not None:
                stream.batches.close()

    def element(self, token: int, number: int, look: int) -> Any:
        """The element of that number, from the stream of that token."""
        count = self._parts.count
        place, part = divmod(number, count)
        epoch, step = divmod(place, len(self._pipe))
        if look:
            batch = self._parts.batch(epoch, step)
            return divisible(self._parts.of(batch, step, part), look)
        stream = self._at(token, place, part)
        if part == 0:
            stream.batch = next(stream.batches)
        element = self._parts.of(stream.batch, step, part, 1 if self._fixed else self._replicas)
        if part == count - 1:
            stream.number, stream.batch = place + 1, None
            if step == len(self._pipe) - 1:
                self._place = max(self._place, (epoch + 1, 0))
        return divisible(element, self._replicas) if number >= self._looked_at[token] and not self._fixed else element

    def _at(self, token: int, place: int, part: int) -> _Stream:
        """The stream, ready to give that batch."""
        stream = self._streams[token]
        if stream is None or stream.number != place:
            if stream is not None:
                stream.batches.close()
            epoch, step = divmod(place, len(self._pipe))
            stream = self._streams[token] = _Stream(self._batches(epoch, step), place)
            if part:
                stream.batch = next(stream.batches)
        return stream

    def _batches(self, epoch: int, step: int) -> Generator[Any]:
        """The rest of an epoch, so that no replica stands empty."""
        pipe, steps, replicas = self._pipe, len(self._pipe), self._replicas
        if self._fixed or replicas == 1 or self._parts.rows is not None:
            yield from self._parts.epoch(epoch, step)
            return
        counts = steps, len(pipe.positions(0)), len(pipe.positions(steps - 1))
        batches = evened(lambda first: self._parts.epoch(epoch, first), step, counts, replicas)
        trains = caller().trains
        yield from (filled(batch, [replicas]) if trains else batch for batch in batches)

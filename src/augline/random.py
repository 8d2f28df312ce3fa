"""Random numbers: Philox4x32-10, one stream per draw, and `Draw`, the numbers of one batch.

Every number is a pure function of (seed, epoch, sample id, path of the draw), so it depends on no thread, batch, host
or engine, and adding a transform leaves the numbers of the others alone. One Philox block gives four 32-bit words:

    key     = (low, high) halves of the 64-bit seed
    counter = (block, stream, low, high halves of epoch << 40 | sample id)

`stream` is a hash of the draw's full path, such as "RandomRotation/angle". Word k of block b serves element 4 b + k of
the draw's flattened shape.

The code needs only uint64 arrays and functions of the Python array API standard: NumPy, TensorFlow and others get
the same bits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import pairwise
from math import prod, sqrt
from operator import index
from statistics import NormalDist
from types import MappingProxyType
from typing import Any

import numpy as np

from augline.arrays import Array, Namespace
from augline.errors import ArgumentError
from augline.philox import WORD, Words, philox4x32
from augline.quantiles import beta_table

ID_BITS = 40
EPOCH_BITS = 24
_LARGEST_RECORDED = 64  # blocks per sample; a larger draw earns its own Philox call, and the cache stays small


@lru_cache(maxsize=65536)
def stream_id(path: str) -> int:
    """The 32-bit stream of a draw's full path, such as "RandomRotation/angle"; the same on every machine."""
    return int.from_bytes(hashlib.blake2s(path.encode(), digest_size=4).digest(), "little")


ORDER_STREAM = stream_id("order")
"""The stream of the round keys in `augline.order`; no draw may have it."""


def seed_key(owner: str, seed: Any) -> tuple[int, int]:
    """The Philox key of a seed; `owner` stands at the head of the error if the seed is not one."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**64:
        raise ArgumentError(f"{owner}: seed must be an int in [0, 2**64). Received {seed!r}. Pass one, such as seed=7.")
    return int(seed) & WORD, int(seed) >> 32


def check_range(owner: str, name: str, value: Any, low: int, high: int) -> None:
    """Raise unless `value` is integer and in [low, high); arrays outside NumPy, maybe traced, are taken on trust."""
    if not isinstance(value, bool | int | float | np.generic | np.ndarray):
        return
    array = np.asarray(value)
    if array.dtype.kind in "iu" and (array.size == 0 or low <= array.min() <= array.max() < high):
        return
    received = f"{array.dtype} values from {array.min()} to {array.max()}" if array.size > 1 else f"{array.tolist()!r}"
    raise ArgumentError(
        f"{owner}: {name} must be integers in [{low}, {high}). Received {received}. "
        f"Keep {name} at {low} or more and below {high}."
    )


@dataclass(frozen=True)
class Layout:
    """Which streams a batch asked for, and how many blocks of each, so the next batch computes all in one call.

    A pure cache: the numbers are the same with any layout or none. Immutable, so threads may share one.
    """

    blocks: tuple[tuple[str, int], ...] = ()
    """(path, blocks per sample) of each draw, in the order of the rows they take."""

    rows: MappingProxyType[str, slice] = field(init=False, repr=False, compare=False)
    """Path -> the rows of the evaluated words that are its blocks."""

    counters: tuple[Array, Array] = field(init=False, repr=False, compare=False)
    """(block, stream) of each row: uint64 (rows, 1)."""

    def __post_init__(self) -> None:
        ends = np.cumsum([count for _, count in self.blocks]).tolist()
        rows = {path: slice(end - count, end) for (path, count), end in zip(self.blocks, ends, strict=True)}
        object.__setattr__(self, "rows", MappingProxyType(rows))
        block = [b for _, count in self.blocks for b in range(count)]
        stream = [stream_id(path) for path, count in self.blocks for _ in range(count)]
        object.__setattr__(self, "counters", (_column(block), _column(stream)))

    def extended(self, blocks: dict[str, int]) -> Layout:
        """This layout with room for `blocks` as well; itself when it has that already."""
        known = dict(self.blocks)
        wider = known | {path: max(count, known.get(path, 0)) for path, count in blocks.items()}
        return self if wider == known else Layout(tuple(wider.items()))

    def find(self, path: str, count: int) -> slice | None:
        """The rows of a path, or None if they are fewer than `count`."""
        rows = self.rows.get(path, slice(0, 0))
        return rows if rows.stop - rows.start >= count else None


def _column(values: Iterable[int]) -> Array:
    column = np.asarray(list(values), dtype=np.uint64).reshape(-1, 1)
    column.flags.writeable = False  # layouts are shared between threads
    return column


class Draw:
    """The random numbers of one batch, each a pure function of (seed, epoch, sample id, path, name).

    Args:
        seed: The user's seed, in [0, 2**64).
        epoch: The epoch, in [0, 2**24), or one per sample as (batch,) integers.
        ids: (batch,) integer sample ids, in [0, 2**40).
        xp: The array namespace of the numbers.
        layout: `draw.layout` of an earlier batch: all that it asked for is then computed in one call.

    Raises:
        ArgumentError: The seed, an epoch or an id is out of range; a name was asked for twice; or two names fall on
            the same stream.

    Example:
        >>> draw = Draw(seed=7, epoch=0, ids=[0, 1, 2])
        >>> draw.at("RandomRotation").uniform("angle", -0.1, 0.1).shape
        (3,)
    """

    __slots__ = ("_prefix", "_source")

    def __init__(
        self, seed: int, epoch: int | Array, ids: Array, *, xp: Namespace = np, layout: Layout | None = None
    ) -> None:
        self._source = _Source(xp, seed, epoch, ids, layout or Layout())
        self._prefix = ""

    @property
    def size(self) -> int:
        """The number of samples."""
        return self._source.size

    @property
    def xp(self) -> Namespace:
        """The array namespace of the numbers."""
        return self._source.xp

    @property
    def epoch(self) -> int | Array:
        """The epoch, or one per sample."""
        return self._source.epoch

    @property
    def layout(self) -> Layout:
        """What has been asked for so far, on top of the layout given: hand it to the next batch's `Draw`."""
        return self._source.recorded()

    def at(self, path: str) -> Draw:
        """The same source of numbers with names below `path`, nested by "/"; costs nothing."""
        view = object.__new__(Draw)
        view._source, view._prefix = self._source, f"{self._prefix}{path}/"
        return view

    def uniform(
        self, name: str, low: float | Array = 0.0, high: float | Array = 1.0, shape: tuple[int, ...] = ()
    ) -> Array:
        """Uniform float64 (batch, *shape) in [low, high); the bounds are floats or (batch,) arrays.

        u = (x >> 8) · 2**-24 is exact in float32 and float64, so every namespace sees the same u.
        """
        xp, u = self._source.xp, self._source.units(self._prefix + name, shape)
        low, high = _per_sample(xp, low, shape), _per_sample(xp, high, shape)
        return u * (high - low) + low

    def integers(self, name: str, low: int | Array, high: int | Array, shape: tuple[int, ...] = ()) -> Array:
        """Uniform int64 (batch, *shape) in [low, high), of at most 2**32 values; bounds are ints or (batch,) arrays.

        low + (x · n >> 32): the bias is below n / 2**32 (Lemire, "Fast random integer generation in an interval",
        2019, without the rejection, which would make the count of words vary).
        """
        xp = self._source.xp
        count = high - low
        check_range(f"Draw.integers({self._prefix + name!r})", "high - low", count, 1, 2**32 + 1)
        if not isinstance(count, int):
            count = xp.astype(_per_sample(xp, count, shape), xp.uint64)
        offset = xp.bitwise_right_shift(self._words(name, shape) * count, 32)
        return xp.astype(offset, xp.int64) + _per_sample(xp, low, shape)

    def chance(self, name: str, p: float | Array, shape: tuple[int, ...] = ()) -> Array:
        """Bool (batch, *shape), true with probability p: never for p = 0, always for p = 1."""
        return self.uniform(name, shape=shape) < _per_sample(self._source.xp, p, shape)

    def normal(
        self, name: str, mean: float | Array = 0.0, std: float | Array = 1.0, shape: tuple[int, ...] = ()
    ) -> Array:
        """Normal float64 (batch, *shape); mean and std are floats or (batch,) arrays.

        Φ⁻¹ is read from a table of 4,096 equal intervals and interpolated linearly. The mean is exactly 0 and the
        standard deviation 1; the tails end at ±4.02 standard deviations. Every step is exact in float64, so every
        namespace sees the same numbers.
        """
        xp = self._source.xp
        z = self._tabulated(name, shape, _normal_table())
        return z * _per_sample(xp, std, shape) + _per_sample(xp, mean, shape)

    def beta(self, name: str, a: float, b: float, shape: tuple[int, ...] = ()) -> Array:
        """Beta(a, b) float64 (batch, *shape); from a table of 4,096 intervals, as `normal`; a and b from 0.01 to 1000.

        Raises:
            ArgumentError: a or b lies outside.
        """
        if not (0.01 <= a <= 1000 and 0.01 <= b <= 1000):
            raise ArgumentError(
                f"Draw.beta({self._prefix + name!r}): a and b must lie between 0.01 and 1000. Received a={a}, b={b}. "
                "Write 1.0, for example."
            )
        return self._tabulated(name, shape, beta_table(float(a), float(b)))

    def permutation(self, name: str, n: int, shape: tuple[int, ...] = ()) -> Array:
        """Random orders of range(n): int64 (batch, *shape, n).

        The first k entries are k distinct choices out of n.
        """
        xp = self._source.xp
        words = xp.astype(self._words(name, (*shape, n)), xp.int64)
        return xp.astype(xp.argsort(words, axis=-1, stable=True), xp.int64)

    def _tabulated(self, name: str, shape: tuple[int, ...], table: tuple[Array, Array]) -> Array:
        """An inverse CDF, given as start and width of 4,096 intervals, at random places."""
        xp = self._source.xp
        words = self._words(name, shape)
        interval = xp.reshape(xp.astype(xp.bitwise_right_shift(words, 20), xp.int64), (-1,))
        # Half a step up: the fractions are then symmetric about 1/2, and normal numbers about 0.
        fraction = (xp.astype(words & 0xFFFFF, xp.float64) + 0.5) * 2.0**-20
        start, width = (xp.reshape(xp.take(xp.asarray(t), interval), (-1, *shape)) for t in table)
        return start + width * fraction

    def _words(self, name: str, shape: tuple[int, ...]) -> Array:
        return self._source.words(self._prefix + name, shape)


def _per_sample(xp: Namespace, value: Any, shape: tuple[int, ...]) -> Any:
    """A bound ready to meet (batch, *shape): scalars as they are, (batch,) arrays with axes added behind."""
    if isinstance(value, int | float) or not shape or len(value.shape) == 0:
        return value
    return xp.reshape(value, (-1, *(1 for _ in shape)))


@cache
def _normal_table() -> tuple[Array, Array]:
    """Start and width of the 4,096 intervals of Φ⁻¹, float64 (4096,) each.

    Values are multiples of 2**-24, so that start + width · fraction rounds nowhere, and a math library whose last bit
    differs still gives the same table.
    """
    half = 2048
    knots = [NormalDist().inv_cdf(0.5 + i / (2 * half)) for i in range(half)]
    # Φ⁻¹(1) is infinite: the last knot is the one for which the variance, ∑ (a² + a b + b²) / 3 · 2 / 4096, is 1.
    last = knots[-1]
    rest = 3 * half - sum(a * a + a * b + b * b for a, b in pairwise(knots))
    knots.append((-last + sqrt(last * last - 4 * (last * last - rest))) / 2)
    positive = np.round(np.asarray(knots) * 2.0**24) * 2.0**-24
    table = np.concatenate([-positive[:0:-1], positive])
    return table[:-1], np.diff(table)


NOISE_LENGTH = 1 << 20
"""Entries of `noise_table`."""


@cache
def noise_table() -> Array:
    """A fixed table of 2**20 standard normal numbers, float32: what every engine reads per-pixel noise from.

    A megapixel of noise costs milliseconds to draw and microseconds to copy. Samples start at places of their own.
    """
    draw = Draw(0, 0, np.arange(NOISE_LENGTH // 1024))
    table = np.asarray(draw.normal("noise table", shape=(1024,)), dtype=np.float32).reshape(-1)
    table.flags.writeable = False
    return table


class _Source:
    """The words behind a `Draw` and its views, and the record of what was asked for."""

    def __init__(self, xp: Namespace, seed: int, epoch: int | Array, ids: Array, layout: Layout) -> None:
        self.xp, self.epoch = xp, epoch
        self._key = seed_key("Draw(seed)", seed)
        self._sample = _sample_words(xp, epoch, ids)
        self.size: int = self._sample[0].shape[0]
        self._given = layout
        self._evaluated: Words | None = None
        self._units: tuple[Array, ...] | None = None
        self._asked: dict[str, int] = {}
        self._owners = {ORDER_STREAM: "the order of the samples"} | {stream_id(path): path for path in layout.rows}

    def recorded(self) -> Layout:
        return self._given.extended({path: n for path, n in self._asked.items() if n <= _LARGEST_RECORDED})

    def words(self, path: str, shape: tuple[int, ...]) -> Array:
        """The words of one draw: uint64 (batch, *shape)."""
        count = index(prod(shape))
        blocks = -(-count // 4)
        self._claim(path, blocks)
        words = self._blocks(path, blocks)
        return words[0][0, :] if shape == () else self._shaped(words, count, shape)

    def units(self, path: str, shape: tuple[int, ...]) -> Array:
        """The words of one draw as numbers in [0, 1): float64 (batch, *shape)."""
        row = self._given.find(path, 1)
        if shape != () or row is None:
            return _unit(self.xp, self.words(path, shape))
        self._claim(path, 1)
        if self._units is None:
            self._units = self.xp.unstack(_unit(self.xp, self._given_words()[0]))
        return self._units[row.start]

    def _claim(self, path: str, blocks: int) -> None:
        """Make sure that no other draw of this batch has the same counters."""
        if path in self._asked:
            raise ArgumentError(
                f"Draw({path!r}): a name serves one draw per batch, or two draws would be the same numbers. "
                "Received it a second time. Give one of the two a name= of its own."
            )
        owner = self._owners.setdefault(stream_id(path), path)
        if owner != path:
            raise ArgumentError(
                f"Draw({path!r}): every name needs a stream of its own. Received a name with the stream of {owner}. "
                "Give one of them a name=."
            )
        self._asked[path] = blocks

    def _blocks(self, path: str, count: int) -> Words:
        """The first blocks of a path: four uint64 (count or more, batch), from the cache or on the spot."""
        rows = self._given.find(path, count)
        if rows is None:
            return self._philox(_column(range(count)), _column([stream_id(path)]))
        w0, w1, w2, w3 = self._given_words()
        return w0[rows, :], w1[rows, :], w2[rows, :], w3[rows, :]

    def _given_words(self) -> Words:
        """All that the layout names: four uint64 (rows, batch)."""
        if self._evaluated is None:
            self._evaluated = self._philox(*self._given.counters)
        return self._evaluated

    def _philox(self, block: Array, stream: Array) -> Words:
        xp = self.xp
        return philox4x32(xp, (xp.asarray(block), xp.asarray(stream), *self._sample), self._key)

    def _shaped(self, words: Words, count: int, shape: tuple[int, ...]) -> Array:
        """Blocks as (batch, *shape): element 4 b + k is word k of block b."""
        xp = self.xp
        by_sample = xp.permute_dims(xp.stack(words, axis=-1), (1, 0, 2))
        return xp.reshape(xp.reshape(by_sample, (-1, 4 * words[0].shape[0]))[:, :count], (-1, *shape))


def _unit(xp: Namespace, words: Array) -> Array:
    return xp.astype(xp.bitwise_right_shift(words, 8), xp.float64) * 2.0**-24


def _sample_words(xp: Namespace, epoch: int | Array, ids: Array) -> tuple[Array, Array]:
    """The low and high words of epoch << 40 | id: uint64 (batch,) each."""
    ids, epoch = (np.asarray(v) if isinstance(v, list | tuple | range) else v for v in (ids, epoch))
    check_range("Draw(ids)", "sample ids", ids, 0, 1 << ID_BITS)
    check_range("Draw(epoch)", "epoch", epoch, 0, 1 << EPOCH_BITS)
    ids = xp.astype(xp.asarray(ids), xp.uint64)
    if len(ids.shape) != 1:
        raise ArgumentError(
            f"Draw(ids): ids have one axis. Received shape {ids.shape}. Pass a flat list of sample ids."
        )
    return ids & WORD, xp.bitwise_right_shift(ids, 32) + epoch_word(xp, epoch)


def epoch_word(xp: Namespace, epoch: int | Array) -> int | Array:
    """What an epoch adds to the highest word of the counter, where the sample id has its upper 8 bits."""
    scale: int = 1 << (ID_BITS - 32)
    return (
        int(epoch) * scale if isinstance(epoch, int | np.integer) else xp.astype(xp.asarray(epoch), xp.uint64) * scale
    )

"""Order: which sample stands at a position of an epoch.

A keyed permutation of range(n) that is computed, not stored: O(1) memory, any position at once, the same in every
namespace. Positions are cut into two digits, x = left · b + right, with left < a, right < b and a · b just over n;
each round adds to one digit a keyed hash of the other, modulo a or b. A result of n or more goes through the rounds
again until it falls below n (cycle walking), which keeps the map a bijection.

Source: Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002 (the generalised Feistel network).
Digits in place of bits fit every n: the excess a · b − n is below √n, so hardly any position walks, where a domain
of ⌈log₂ n⌉ bits is up to twice as large as n.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from augline.arrays import Array, Namespace, repeated
from augline.philox import philox4x32
from augline.random import EPOCH_BITS, ID_BITS, ORDER_STREAM, check_range, epoch_word, seed_key

ROUNDS = 12
_MARK, _UNMARKED = 1 << 62, (1 << 62) - 1  # of positions that have yet to be moved
_MULTIPLIER = 0x9FB21C651E98DF25  # of the rrmxmx mixer, Pelle Evensen, 2018


def shuffled(positions: Array, n: int, seed: int, epoch: int | Array, *, xp: Namespace = np) -> Array:
    """The sample ids that stand at `positions` of an epoch: a bijection of range(n) for each (seed, epoch).

    Args:
        positions: Integers in [0, n), of any shape.
        n: How many samples there are, in [1, 2**40].
        seed: The user's seed, in [0, 2**64).
        epoch: The epoch, in [0, 2**24); an int, or a scalar array of `xp`.
        xp: The array namespace of positions and result.

    Returns:
        int64 sample ids, of the shape of `positions`.

    Raises:
        ArgumentError: An argument is out of its range.

    Example:
        >>> sorted(shuffled(np.arange(5), n=5, seed=7, epoch=0).tolist())
        [0, 1, 2, 3, 4]
    """
    return _permuted(_forward, "shuffled", positions, n, seed, epoch, xp)


def position_of(indices: Array, n: int, seed: int, epoch: int | Array, *, xp: Namespace = np) -> Array:
    """The positions at which samples stand: the inverse of `shuffled`, with the same arguments and errors."""
    return _permuted(_backward, "position_of", indices, n, seed, epoch, xp)


def _permuted(
    rounds: Callable[..., Array], owner: str, values: Array, n: int, seed: int, epoch: int | Array, xp: Namespace
) -> Array:
    values = np.asarray(values) if isinstance(values, list | tuple | range | int) else values
    check_range(f"{owner}(n)", "n", n, 1, (1 << ID_BITS) + 1)
    check_range(f"{owner}(n={n})", "positions" if rounds is _forward else "indices", values, 0, n)
    check_range(f"{owner}(epoch)", "epoch", epoch, 0, 1 << EPOCH_BITS)
    key = seed_key(f"{owner}(seed)", seed)
    keys = xp.asarray(_host_keys(key, int(epoch))) if isinstance(epoch, int | np.integer) else _keys(xp, key, epoch)
    a = isqrt(n - 1) + 1
    values = xp.asarray(values)
    flat = xp.reshape(xp.astype(values, xp.uint64), (-1,))
    mapped = xp.astype(_walk(xp, flat, n, partial(rounds, xp, a=a, b=-(-n // a), keys=keys)), xp.int64)
    return mapped if len(values.shape) == 1 else xp.reshape(mapped, values.shape)


def _walk(xp: Namespace, x: Array, n: int, step: Callable[[Array], Array]) -> Array:
    """Apply `step` once, then again to whatever is still n or more.

    A namespace that traces graphs brings its own `while_loop(condition, body, x)`, of fixed shapes. All of x goes
    through the loop once, marked, so that the step stands in the graph once.
    """
    if xp is np:
        return _walk_sparse(step(x), n, step)

    def outside(x: Array) -> Array:
        return xp.any(x >= n)

    def again(x: Array) -> Array:
        return xp.where(x >= n, step(x & _UNMARKED), x)

    loop = getattr(xp, "while_loop", _while)
    return loop(outside, again, x | _MARK)


def _while(condition: Callable[[Array], Array], body: Callable[[Array], Array], x: Array) -> Array:
    while bool(condition(x)):
        x = body(x)
    return x


def _walk_sparse(x: Array, n: int, step: Callable[[Array], Array]) -> Array:
    """The walk where indexing is cheap: only what is still outside moves."""
    (outside,) = np.nonzero(x >= n)
    while outside.size:
        x[outside] = step(x[outside])
        outside = outside[x[outside] >= n]
    return x


def _forward(xp: Namespace, x: Array, *, a: int, b: int, keys: Array) -> Array:
    def both(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        left, right, keys = state
        left = (left + _hash(xp, right, keys[0])) % a
        right = (right + _hash(xp, left, keys[1])) % b
        return left, right, xp.concat([keys[2:], keys[:2]])

    left = x // b
    left, right, _ = repeated(xp, ROUNDS // 2, both, (left, x - left * b, keys))
    return left * b + right


def _backward(xp: Namespace, x: Array, *, a: int, b: int, keys: Array) -> Array:
    # Multiples of a and b above any hash keep the differences from going below zero.
    above_a, above_b = a * (2**40 // a + 1), b * (2**40 // b + 1)

    def both(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        left, right, keys = state
        right = (right + (above_b - _hash(xp, left, keys[-1]))) % b
        left = (left + (above_a - _hash(xp, right, keys[-2]))) % a
        return left, right, xp.concat([keys[-2:], keys[:-2]])

    left = x // b
    left, right, _ = repeated(xp, ROUNDS // 2, both, (left, x - left * b, keys))
    return left * b + right


def _hash(xp: Namespace, x: Array, key: Array) -> Array:
    """40 bits of a digit under a key: the sum with a digit stays far from 2**64, and modulo 2**20 has no bias to see.

    Products wrap modulo 2**64, as uint64 arrays do everywhere.
    """
    x = (x + key) * _MULTIPLIER
    x = (x ^ xp.bitwise_right_shift(x, 32)) * _MULTIPLIER
    return xp.bitwise_right_shift(x, 24)


@lru_cache(maxsize=64)
def _host_keys(key: tuple[int, int], epoch: int) -> NDArray[np.uint64]:
    # Philox on twelve numbers costs more than the rounds of a batch; an epoch needs it once.
    keys: NDArray[np.uint64] = _keys(np, key, np.asarray(epoch))
    return keys


def _keys(xp: Namespace, key: tuple[int, int], epoch: Array) -> Array:
    """Round keys, `(ROUNDS,)` uint64: the two halves of each Philox block of stream "order", with sample id 0."""
    block = xp.asarray(np.arange(ROUNDS // 2, dtype=np.uint64))
    stream, zero = block * 0 + ORDER_STREAM, block * 0
    w0, w1, w2, w3 = philox4x32(xp, (block, stream, zero, zero + epoch_word(xp, epoch)), key)
    even, odd = w0 + w1 * 2**32, w2 + w3 * 2**32
    return xp.reshape(xp.stack([even, odd], axis=1), (ROUNDS,))

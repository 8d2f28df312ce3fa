"""The numbers that an ImageDataGenerator draws: the same ones, in the same order, from the same legacy generator.

Per sample, in this order, one double each unless it says otherwise::

    theta, height shift, width shift, shear, zoom (two), horizontal flip, vertical flip, channel shift, brightness

What is switched off draws nothing, but for the two flips, which always draw. A shift range that is a whole number or a
list of pixels goes through `choice`, which takes another number of bits from the generator; all other ranges are
plain doubles, so that a whole batch of them is one `random_sample((batch, columns))`, row by row the same stream.

Iterators leave NumPy's global generator alone: `fresh_seed` looks at its state. What is drawn for one image without a
seed comes from it, as in Keras.
"""

from __future__ import annotations

import hashlib
import math
import pickle
import threading
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Parameters = dict[str, Any]
"""What `get_random_transform` gives: theta, tx, ty, shear, zx, zy, flip_horizontal, flip_vertical,
channel_shift_intensity, brightness."""


class Ranges(Protocol):
    """What is drawn from: the attributes of an ImageDataGenerator."""

    rotation_range: Any
    height_shift_range: Any
    width_shift_range: Any
    shear_range: Any
    zoom_range: Any
    horizontal_flip: Any
    vertical_flip: Any
    channel_shift_range: Any
    brightness_range: Any
    legacy_geometry: bool


@dataclass(frozen=True, slots=True)
class Draws:
    """The numbers of a batch, one entry per sample; None where a thing is switched off."""

    theta: Floats
    tx: Floats
    ty: Floats
    shear: Floats
    zx: Floats
    zy: Floats
    flip_horizontal: NDArray[np.bool_]
    flip_vertical: NDArray[np.bool_]
    channel_shift: list[float] | None
    brightness: list[float] | None

    @property
    def moves(self) -> bool:
        """Whether any sample is moved in another way than by flips."""
        still = (self.theta, self.tx, self.ty, self.shear, self.zx - 1, self.zy - 1)
        return any(column.any() for column in still)


def draw(random: np.random.RandomState, ranges: Ranges, height: int, width: int, count: int) -> Draws:
    """The numbers of `count` samples of one size."""
    columns = _columns(ranges)
    if columns is None:
        return gather([draw_one(random, ranges, height, width) for _ in range(count)])
    low, high = (np.array([column[k] for column in columns], np.float64) for k in (1, 2))
    values = low + (high - low) * random.random_sample((count, len(columns)))
    named = {column[0]: values[:, number] for number, column in enumerate(columns)}
    _scale_shifts(named, ranges, height, width)
    still = np.zeros(count)
    shift, brightness = named.get("channel_shift"), named.get("brightness")
    return Draws(
        **{name: named.get(name, still) for name in ("theta", "tx", "ty", "shear")},
        **{name: named.get(name, still + 1) for name in ("zx", "zy")},
        flip_horizontal=(named["flip_horizontal"] < 0.5) & bool(ranges.horizontal_flip),
        flip_vertical=(named["flip_vertical"] < 0.5) & bool(ranges.vertical_flip),
        channel_shift=None if shift is None else shift.tolist(),
        brightness=None if brightness is None else brightness.tolist(),
    )


def draw_one(random: np.random.RandomState, ranges: Ranges, height: int, width: int) -> Parameters:
    """The numbers of one sample, as `get_random_transform` gives them."""
    theta = random.uniform(-ranges.rotation_range, ranges.rotation_range) if ranges.rotation_range else 0
    by_height = _shift(random, ranges.height_shift_range, height)
    by_width = _shift(random, ranges.width_shift_range, width)
    tx, ty = (by_height, by_width) if ranges.legacy_geometry else (by_width, by_height)
    shear = random.uniform(-ranges.shear_range, ranges.shear_range) if ranges.shear_range else 0
    low, high = ranges.zoom_range
    zx, zy = (1, 1) if low == 1 and high == 1 else random.uniform(low, high, 2)
    flip_horizontal = (random.random_sample() < 0.5) * ranges.horizontal_flip
    flip_vertical = (random.random_sample() < 0.5) * ranges.vertical_flip
    most = ranges.channel_shift_range
    channel_shift = random.uniform(-most, most) if most != 0 else None
    brightness = None if ranges.brightness_range is None else random.uniform(*ranges.brightness_range)
    return {
        "theta": theta, "tx": tx, "ty": ty, "shear": shear, "zx": zx, "zy": zy,
        "flip_horizontal": flip_horizontal, "flip_vertical": flip_vertical,
        "channel_shift_intensity": channel_shift, "brightness": brightness,
    }  # fmt: skip


def gather(rows: list[Parameters]) -> Draws:
    """One batch of samples drawn one by one; what a row leaves out is switched off in it."""

    def column(name: str, default: float) -> Floats:
        return np.array([row.get(name, default) for row in rows], np.float64)

    def optional(name: str) -> list[float] | None:
        values = [row.get(name) for row in rows]
        return None if not values or values[0] is None else [float(v) for v in values if v is not None]

    return Draws(
        **{name: column(name, 0) for name in ("theta", "tx", "ty", "shear")},
        **{name: column(name, 1) for name in ("zx", "zy")},
        flip_horizontal=column("flip_horizontal", 0).astype(bool),
        flip_vertical=column("flip_vertical", 0).astype(bool),
        channel_shift=optional("channel_shift_intensity"),
        brightness=optional("brightness"),
    )


def _columns(ranges: Ranges) -> list[tuple[str, float, float]] | None:
    """(name, low, high) of every double drawn per sample, in order; None where not all are plain doubles."""
    first, second = ("tx", "ty") if ranges.legacy_geometry else ("ty", "tx")
    symmetric = (
        ("theta", ranges.rotation_range), (first, ranges.height_shift_range), (second, ranges.width_shift_range),
        ("shear", ranges.shear_range),
    )  # fmt: skip
    columns = []
    for name, most in symmetric:
        if not most:
            continue
        if name in ("tx", "ty") and not isinstance(most, (float, np.floating)):
            return None
        columns.append((name, -most, most))
    low, high = ranges.zoom_range
    if not (low == 1 and high == 1):
        columns += [("zx", low, high), ("zy", low, high)]
    columns += [("flip_horizontal", 0, 1), ("flip_vertical", 0, 1)]
    if ranges.channel_shift_range != 0:
        columns.append(("channel_shift", -ranges.channel_shift_range, ranges.channel_shift_range))
    if ranges.brightness_range is not None:
        columns.append(("brightness", *ranges.brightness_range))
    finite = all(math.isfinite(high - low) for _, low, high in columns)
    return columns if finite else None  # one by one, so that NumPy says what is wrong


def _scale_shifts(named: dict[str, Floats], ranges: Ranges, height: int, width: int) -> None:
    """A range below 1 is a fraction of the side it is named after."""
    first, second = ("tx", "ty") if ranges.legacy_geometry else ("ty", "tx")
    for name, most, side in ((first, ranges.height_shift_range, height), (second, ranges.width_shift_range, width)):
        if name in named and most < 1:
            named[name] = named[name] * side


def _shift(random: np.random.RandomState, most: Any, side: int) -> Any:
    """One of the pixels listed, or 0 to n - 1, with either sign; else a double, a fraction of the side if below 1."""
    if not most:
        return 0
    try:
        value = random.choice(most)
        value *= random.choice([-1, 1])
    except ValueError:  # how `choice` says that it is no list and no whole number above 0
        value = random.uniform(-most, most)
    if np.max(most) < 1:
        value *= side
    return value


_seen: tuple[bytes, int] = (b"", 0)
_lock = threading.Lock()


def global_state() -> bytes:
    """The state of NumPy's global generator."""
    return pickle.dumps(np.random.get_state(legacy=False))  # noqa: NPY002 - the drop-in follows the legacy generator


def fresh_seed() -> int:
    """A seed for those who gave none: a hash of the state of NumPy's global generator, which is read but not moved.

    So it is as random as NumPy's own start, and a script that calls `np.random.seed` or
    `keras.utils.set_random_seed` repeats itself. Asked again in the same state it gives another seed.
    """
    global _seen
    state = global_state()
    with _lock:
        _seen = (state, _seen[1] + 1 if _seen[0] == state else 0)
        digest = hashlib.blake2b(state + _seen[1].to_bytes(8, "little"), digest_size=4).digest()
    return int.from_bytes(digest, "little") >> 1  # room for the number of batches seen that is added to it

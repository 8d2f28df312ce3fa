"""What the first bytes of files say, in TensorFlow: formats, sizes, EXIF orientations; see `augline.decode.header`.

A whole batch is walked at once: an operation on 32 numbers takes no longer than on one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import tensorflow as tf

from augline.arrays import Array
from augline.decode import MAX_PIXELS
from augline.decode.header import ALONE, APP1, EOI, FRAMES, SOS

JPEG, PNG, GIF, BMP = range(4)
_MAGIC = (b"\xff\xd8", b"\x89PNG", b"GIF8", b"BM")
_FIRST = 34  # bytes that say the size of all but JPEGs, and how a BMP is stored
_SEGMENT = 10  # bytes of a JPEG's segment that are looked at
_CHUNK = 14  # of a PNG's chunk
_EXIF = b"Exif\0\0"
_MOST_TAGS = 64
_SHORT, _LONG = 3, 4
_LITTLE, _BIG = int.from_bytes(b"II*\0", "little"), int.from_bytes(b"MM\0*", "big")  # how tags may begin
_ANY = (-1,)  # in place of a byte
_LAST = ((*6 * _ANY, 0xFF, 0xD9), (*b"IEND", *4 * _ANY), 8 * _ANY, 8 * _ANY)  # bytes; a PNG's end with a checksum
_KNOWN = (
    ": a file must be a JPEG, PNG, GIF or BMP image. A graph reads no WebP and no TIFF: convert the file, or use "
    "engine='opencv'."
)
_WHOLE = ": the header must be whole. Copy or download the file again."
_SMALL = f": an image may have up to {MAX_PIXELS:,} pixels. Shrink the file first."
_PLAIN = ": in a graph a BMP must be grey or have 24 or 32 bits. Save it so, or use engine='opencv'."
_ENDED = ": the file must not end before its image. Copy or download the file again."
_OS2 = 12  # length of the older kind of BMP header
_PLACES = {  # of the bytes of height and width, the lowest first
    PNG: ((23, 22, 21, 20), (19, 18, 17, 16)),
    GIF: ((8, 9), (6, 7)),
    BMP: ((22, 23, 24, 25), (18, 19, 20, 21)),
    BMP + 1: ((20, 21), (18, 19)),  # the older kind
}


def probe(data: Array, names: Array, exif: bool) -> tuple[Array, Array, Array]:
    """Formats `(batch,)`, (height, width) as stored `(batch, 2)`, and orientations `(batch,)` of files; all int32.

    EXIF is read from the application segments of a JPEG and the eXIf chunk of a PNG, where their standards put it.

    Args:
        data: Whole files, `(batch,)`.
        names: Of the files, for errors.
        exif: Whether orientations count.
    """
    first = _bytes(data, tf.zeros_like(tf.strings.length(data)), _FIRST)
    alike = [_spells(first[:, : len(magic)], magic) for magic in _MAGIC]
    kind = tf.reduce_max(tf.where(tf.stack(alike, axis=1), tf.range(len(_MAGIC)), -1), axis=1)
    size, tags, scan = _jpeg(data, kind == JPEG)
    size = tf.where((kind == JPEG)[:, None], size, _fixed(first, kind))
    rules = {
        _KNOWN: kind >= 0,
        _WHOLE: tf.reduce_all(size > 0, axis=1),
        _SMALL: tf.reduce_prod(tf.cast(size, tf.int64), axis=1) <= MAX_PIXELS,
        _PLAIN: _plain(data, first, kind),
        _ENDED: _ended(data, kind, scan),
    }
    with tf.control_dependencies([_all(rules, names)]):
        turn = _orientation(data, tags + _png_tags(data, kind == PNG)) if exif else tf.ones_like(kind)
        return tf.identity(kind), tf.identity(size), turn


def _fixed(first: Array, kind: Array) -> Array:
    """Heights and widths `(batch, 2)` of files that hold them at places of their own; 0 for others."""
    places, weights = np.zeros((BMP + 2, 2, 4), np.int32), np.zeros((BMP + 2, 1, 4), np.int32)
    for layout, sides in _PLACES.items():
        places[layout, :, : len(sides[0])] = sides
        weights[layout, :, : len(sides[0])] = 256 ** np.arange(len(sides[0]))
    layout = tf.where((kind == BMP) & (first[:, 14] == _OS2), BMP + 1, tf.maximum(kind, 0))
    found = tf.gather(first, tf.gather(places, layout), axis=1, batch_dims=1) * tf.gather(weights, layout)
    size = tf.reduce_sum(found, axis=2)
    return tf.where((kind == BMP)[:, None], tf.abs(size), size)  # a BMP that runs from the top down has height < 0


def _plain(data: Array, first: Array, kind: Array) -> Array:
    """Which BMPs TensorFlow decodes to what they show, and all others: it knows no palettes but grey ones."""
    bits, packed, header = first[:, 28], first[:, 30], first[:, 14]
    stored = (kind != BMP) | (header == _OS2) | (bits >= 24)
    grey = (bits == 8) & (packed == 0)

    def looked_at() -> Array:
        palette = tf.reshape(_bytes(data, 14 + header, 4 * 256), (-1, 256, 4))[..., :3]
        return stored | (grey & tf.reduce_all(palette == tf.range(256)[:, None], axis=(1, 2)))

    return tf.cond(tf.reduce_all(stored), lambda: stored, looked_at)


def _all(rules: Mapping[str, Array], names: Array) -> tf.Operation:
    """Refuses the first file that fails the first rule that does not hold for all."""
    fails = ~tf.stack([*rules.values()])
    first = tf.argmax(tf.reshape(tf.cast(fails, tf.int32), (-1,)), output_type=tf.int32)
    rule, at = tf.gather([*rules], first // tf.size(names)), tf.gather(names, first % tf.size(names))
    return tf.raw_ops.Assert(condition=~tf.reduce_any(fails), data=[at + rule])


def _bytes(data: Array, at: Array, count: int) -> Array:
    """`(batch, count)` int32: bytes of each file from a place of its own; behind its end 0."""
    return tf.cast(tf.io.decode_raw(_part(data, at, count), tf.uint8, fixed_length=count), tf.int32)


def _numbers(data: Array, at: Array, count: int, dtype: tf.DType) -> list[Array]:
    """The same of numbers of several bytes, of which the lowest comes first; and the highest."""
    size = count * dtype.size
    part = _part(data, at, size)
    found = [tf.io.decode_raw(part, dtype, little_endian=lowest, fixed_length=size) for lowest in (True, False)]
    return [tf.cast(numbers, tf.int32) for numbers in found]


def _part(data: Array, at: Array, size: int) -> Array:
    return tf.strings.substr(data, tf.clip_by_value(at, 0, tf.strings.length(data)), tf.fill(tf.shape(at), size))


def _big(data: Array, places: tuple[int, ...], count: int = 4) -> Array:
    """Numbers that begin at these places, `(batch, places)`, whose highest byte comes first."""
    bytes_ = tf.gather(data, [[place + k for k in range(count)] for place in places], axis=1)
    return tf.reduce_sum(bytes_ * [256 ** (count - 1 - k) for k in range(count)], axis=2)


def _jpeg(data: Array, looks: Array) -> tuple[Array, Array, Array]:
    """Walks the segments of JPEGs up to the first scan (ITU-T T.81, annex B).

    Args:
        data: The files.
        looks: Which of them are JPEGs.

    Returns:
        Heights and widths `(batch, 2)`, 0 where there is no frame; where the tags of EXIF begin `(batch,)`, or 0; and
        where the first scan does.
    """

    def step(at: Array, size: Array, tags: Array) -> tuple[Array, Array, Array]:
        head = _bytes(data, tf.abs(at), _SEGMENT)
        marker, length = head[:, 1], head[:, 2] * 256 + head[:, 3]
        alone, fill = _among(marker, ALONE), marker == 0xFF
        ends = (head[:, 0] != 0xFF) | _among(marker, {SOS, EOI}) | ((length < 2) & ~alone & ~fill)
        goes = (at > 0) & ~ends
        frame = goes & _among(marker, FRAMES) & (size[:, 0] == 0)
        size = tf.where(frame[:, None], _big(head, (5, 7), 2), size)
        is_exif = (marker == APP1) & _spells(head[:, 4:10], _EXIF)
        tags = tf.where(goes & is_exif & (tags == 0), at + _SEGMENT, tags)
        further = tf.where(fill, 1, tf.where(alone, 2, 2 + length))
        return tf.where(goes, at + further, -tf.abs(at)), size, tags

    none = tf.zeros(tf.shape(looks), tf.int32)
    start = tf.where(looks, 2, none), tf.stack([none, none], axis=1), none
    at, size, tags = tf.while_loop(lambda at, *_: tf.reduce_any(at > 0), step, start)
    return size, tags, tf.abs(at)


def all_ended(data: Array, kind: Array, scan: Array, names: Array) -> tf.Operation:
    """Refuses files `(batch,)` that are cut short, whose first scans begin there if they are JPEGs."""
    return _all({_ENDED: _ended(data, kind, scan)}, names)


def _ended(data: Array, kind: Array, scan: Array) -> Array:
    """Which JPEGs and PNGs have an end, and all others: of a part of a file a decoder may see no more than is there."""
    last, wanted = _bytes(data, tf.strings.length(data) - 8, 8), tf.gather(_LAST, tf.where(kind < 0, GIF, kind))
    there = tf.reduce_all((last == wanted) | (wanted == _ANY), axis=1)

    def found(file: tuple[Array, ...]) -> Array:
        """Whether it stands somewhere, if other bytes follow it."""
        data, is_png, scan, there = file
        rest = tf.strings.length(data) - scan - tf.where(is_png, 4, 0)
        rest = tf.strings.substr(data, tf.minimum(scan, tf.strings.length(data)), tf.maximum(rest, 0))
        parts = tf.raw_ops.StringSplitV2(input=[rest], sep=tf.where(is_png, b"IEND", b"\xff\xd9"))
        return there | (parts.shape[1] > 1)

    def looked_for() -> Array:
        return tf.map_fn(found, (data, kind == PNG, scan, there), fn_output_signature=tf.bool)

    return tf.cond(tf.reduce_all(there), lambda: there, looked_for)


def _png_tags(data: Array, looks: Array) -> Array:
    """Where the tags of EXIF begin in files `(batch,)`, or 0; walks the chunks of PNGs (PNG, third edition, 5.3)."""

    def step(at: Array, tags: Array) -> tuple[Array, Array]:
        head = _bytes(data, tf.abs(at), _CHUNK)
        length, is_exif = _big(head, (0,))[:, 0], _spells(head[:, 4:8], b"eXIf")
        tags = tf.where((at > 0) & is_exif, at + 8 + 6 * tf.cast(_spells(head[:, 8:], _EXIF), tf.int32), tags)
        ends = is_exif | _spells(head[:, 4:8], b"IEND") | (length < 0) | (length > tf.strings.length(data) - at - 12)
        return tf.where((at > 0) & ~ends, at + 12 + length, -tf.abs(at)), tags

    none = tf.zeros(tf.shape(looks), tf.int32)
    start = tf.where(looks, len(b"\x89PNG\r\n\x1a\n"), none), none
    return tf.while_loop(lambda at, _: tf.reduce_any(at > 0), step, start)[1]


def _spells(found: Array, text: bytes) -> Array:
    """Which rows of bytes `(batch, n)` are those of a text."""
    return tf.reduce_all(found == [*text], axis=1)


def _among(values: Array, some: Collection[int]) -> Array:
    """Which values `(batch,)` are among some."""
    return tf.reduce_any(values[:, None] == sorted(some), axis=1)


def _orientation(data: Array, start: Array) -> Array:
    """What the directories of tags (TIFF 6.0, section 2) that begin at `start` state, if they do; else 1."""

    def stated() -> Array:
        little, big = _numbers(data, start, 2, tf.int32)
        rising, falling = little[:, 0] == _LITTLE, big[:, 0] == _BIG
        offset = tf.where(rising, little[:, 1], big[:, 1])
        shorts = tf.where(rising[:, None], *_numbers(data, start + offset, 1 + 6 * _MOST_TAGS, tf.uint16))
        entries = tf.reshape(shorts[:, 1:], (-1, _MOST_TAGS, 6))
        tag, kind, _, _, first, second = tf.unstack(entries, axis=2)
        long = tf.where(rising[:, None], first + second * 65536, first * 65536 + second)
        is_it = (tag == 0x0112) & (tf.range(_MOST_TAGS) < shorts[:, :1]) & ((kind == _SHORT) | (kind == _LONG))
        value = tf.reduce_max(tf.where(is_it, tf.where(kind == _SHORT, first, long), 0), axis=1)
        return tf.where((start > 0) & (rising | falling) & (value >= 1) & (value <= 8), value, 1)

    return tf.cond(tf.reduce_any(start > 0), stated, lambda: tf.ones_like(start))

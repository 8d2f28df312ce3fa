"""What decides what comes out of a pipeline, as a text that can be compared: data, order, draws, transforms, engine."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from augline import plain_yaml, spec
from augline.errors import AuglineError, SpecError

if TYPE_CHECKING:
    from augline.pipeline import Pipeline
    from augline.sources import Source

MEANING = 5
"""Counted on when the same pipeline comes to give another order, other draws, other pixels or other targets."""
_NAMED, _READ = 1 << 20, 64
_NO_RESULT = ("workers", "shard", "engine")  # the engine counts by the name it has once "auto" is resolved


@dataclass(frozen=True)
class Fingerprint:
    """What decides the batches of a pipeline; see `Pipeline.fingerprint`.

    Args:
        text: All of it, as YAML; what is long, as a digest.

    Example:
        >>> import augline as al, numpy as np
        >>> source = al.Arrays(np.zeros((4, 8, 8, 3), "uint8"))
        >>> one, other = (al.Pipeline(source, [al.RandomRotation(turn)]).fingerprint() for turn in (0.1, 0.2))
        >>> print(other.difference(one))
        --- saved
        +++ now
        @@ -5 +5 @@
        -- RandomRotation: {factor: 0.1}
        +- RandomRotation: {factor: 0.2}
    """

    text: str

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the text, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def __str__(self) -> str:
        return self.digest

    def difference(self, saved: Fingerprint) -> str:
        """What changed since another was made, line by line; empty if nothing did."""
        texts = (saved.text.splitlines(), self.text.splitlines())
        return "\n".join(difflib.unified_diff(*texts, "saved", "now", n=0, lineterm=""))

    def check(self, saved: Fingerprint, owner: str, fix: str) -> None:
        """Refuses another one.

        Raises:
            SpecError: They differ; the message says in what.
        """
        if difference := self.difference(saved):
            raise SpecError(
                f"{owner}: the pipeline must be the one it was saved with. Received another:\n{difference}\n{fix}"
            )


def fingerprint(pipe: Pipeline) -> Fingerprint:
    """See `Pipeline.fingerprint`."""
    described = spec.described(pipe, strict=False)
    settings = {name: value for name, value in described.items() if name not in _NO_RESULT}
    facts = {"augline": spec.VERSION, "meaning": MEANING, "engine": pipe.program.engine, **settings}
    return Fingerprint(plain_yaml.dump(facts | {"source": _source(pipe.source)}))


def _source(source: Source) -> dict[str, Any]:
    """The data set by number, names, targets, and what is in some of its files; where they lie does not count."""
    count = len(source)
    some, few = _spread(count, _NAMED), _spread(count, _READ)
    facts: dict[str, Any] = {"samples": count, "names": _names([source.name(index) for index in some.tolist()])}
    for name in ("channels", "dtype", "value_range", "exif", "bounding_box_format"):
        facts[name] = spec.plain(getattr(source, name))
    if source.class_names is not None:
        facts["class_names"] = list(source.class_names) if len(source.class_names) <= _READ else _digest(
            source.class_names
        )  # fmt: skip
    facts["ids"] = _digest(source.ids(some))
    facts["contents"] = _digest([_content(source.read, index) for index in few.tolist()])
    for field in dataclasses.fields(source.targets):
        column = getattr(source.targets, field.name)
        if column is not None:
            facts[field.name] = _column(column, some, few)
    facts |= {name: _source(part) for name, part in source.extra_images.items()}
    return facts


def _spread(count: int, limit: int) -> Any:
    """All numbers below `count`, or as many as the limit, evenly spread."""
    return np.linspace(0, count - 1, min(count, limit)).astype(np.int64)


def _names(names: Sequence[str]) -> dict[str, Any]:
    """First, last, and a digest of all, without the folder they share."""
    shared = os.path.commonprefix([min(names), max(names)])  # noqa: RUF071 - cut at a separator below
    start = max(shared.rfind("/"), shared.rfind("\\")) + 1
    short = [name[start:].replace("\\", "/") for name in names]
    return {"first": short[0], "last": short[-1], "digest": _digest("\n".join(short))}


def _content(read: Callable[[int], Any], index: int) -> Any:
    try:
        return read(index)
    except (AuglineError, OSError):
        return "unreadable"


def _column(column: Any, some: Any, few: Any) -> Any:
    """A column of targets: arrays of numbers whole, rows of samples by many of them, what is painted or read by few."""
    if isinstance(column, (bool, int, float, str)):
        return column
    if isinstance(column, Mapping):
        return {name: _column(part, some, few) for name, part in column.items()}
    if isinstance(column, np.ndarray) and column.ndim <= 2:
        return _digest(column)
    if not isinstance(column, (Sequence, np.ndarray)) or not len(column):
        return _digest(repr(column))
    first = column[0]
    made = hasattr(first, "__array__") and not isinstance(first, (np.ndarray, np.generic))
    if made or (isinstance(first, np.ndarray) and first.size > 4096):
        there = [index for index in few.tolist() if index < len(column)]
        return _digest([_content(lambda index: np.asarray(column[index]), index) for index in there])
    rows = [column[index] for index in some.tolist() if index < len(column)]
    if all(isinstance(row, str) for row in rows):
        return _names(rows)
    return _digest([os.path.basename(row) if isinstance(row, str) else row for row in rows])  # noqa: PTH119


def _digest(value: Any) -> str:
    found = hashlib.sha256()
    _feed(found, value)
    return found.hexdigest()[:16]


def _feed(found: Any, value: Any) -> None:
    if isinstance(value, np.ndarray) and value.dtype != object:
        found.update(f"{value.dtype.str}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
    elif isinstance(value, bytes):
        found.update(value)
    elif isinstance(value, Mapping):
        _feed(found, sorted(value.items()))
    elif isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str):
        found.update(f"[{len(value)}]".encode())
        for part in value:
            _feed(found, part)
    else:
        found.update(repr(value).encode())

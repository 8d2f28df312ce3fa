"""Elements: arrays in tuples and dicts, as sources yield them and as TensorFlow takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from augline.errors import SourceError

Element: TypeAlias = Any
"""An array, or a tuple or dict of elements."""


def normalised(value: Any) -> Element:
    """What a source yields, as arrays in tuples and dicts: tensors become NumPy arrays, lists of arrays tuples.

    Python's own numbers become int64 and float32; a missing last part of a tuple (Keras's `(x, y, None)`) is left out.
    """
    if isinstance(value, Mapping):
        return {key: normalised(part) for key, part in value.items()}
    if isinstance(value, tuple) or (isinstance(value, list) and any(_holds_arrays(part) for part in value)):
        parts = list(value)
        while parts and parts[-1] is None:
            parts.pop()
        return tuple(normalised(part) for part in parts)
    return _array(value)


def leaves(element: Element, path: str = "element") -> list[tuple[str, Any]]:
    """The parts that are no tuples or dicts, each with the way to it as one would write it: `element[0]['images']`."""
    if isinstance(element, Mapping):
        return [leaf for key, part in element.items() for leaf in leaves(part, f"{path}[{key!r}]")]
    if isinstance(element, (tuple, list)):
        return [leaf for place, part in enumerate(element) for leaf in leaves(part, f"{path}[{place}]")]
    return [(path, element)]


def mapped(function: Callable[..., Any], first: Element, *others: Element) -> Element:
    """`function` of the parts that stand in the same place of elements of one structure."""
    if isinstance(first, Mapping):
        return {key: mapped(function, part, *(other[key] for other in others)) for key, part in first.items()}
    if isinstance(first, (tuple, list)):
        kind = tuple if isinstance(first, tuple) else list
        return kind(mapped(function, *parts) for parts in zip(first, *others, strict=True))
    return function(first, *others)


def structure(element: Element) -> str:
    """The structure in words: `(·, {'a': ·})`. The order of keys means nothing."""
    if isinstance(element, Mapping):
        parts = sorted((repr(key), structure(part)) for key, part in element.items())
        return "{" + ", ".join(f"{key}: {part}" for key, part in parts) + "}"
    if isinstance(element, tuple):
        return "(" + ", ".join(structure(part) for part in element) + ("," if len(element) == 1 else "") + ")"
    return "·"


def rows(element: Element) -> int | None:
    """The common length of the first axis of all parts, if they have one."""
    lengths = {part.shape[0] if part.ndim else None for _, part in leaves(element)}
    return lengths.pop() if len(lengths) == 1 else None


def stacked(samples: Sequence[Element]) -> Element:
    """A batch of samples."""
    return mapped(lambda *parts: np.stack(parts), *samples)


def _holds_arrays(value: Any) -> bool:
    return (
        (hasattr(value, "shape") and np.ndim(value) > 0) or isinstance(value, (tuple, Mapping)) or
        (isinstance(value, list) and any(_holds_arrays(part) for part in value))
    )  # fmt: skip


def _array(value: Any) -> NDArray[Any]:
    if hasattr(value, "detach"):  # torch, one of whose types NumPy lacks
        value = (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy(force=True)
    elif not isinstance(value, np.ndarray) and callable(getattr(value, "numpy", None)):
        value = value.numpy()
    if value is None:
        raise SourceError("None stands where an array should. Leave it out, or yield an array")
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise SourceError(f"{type(value).__name__} of unequal parts is no array. Pad the parts to one shape") from error
    if array.dtype == np.float64 and not hasattr(value, "dtype"):
        array = array.astype(np.float32)
    if array.dtype.kind == "U" or (array.dtype == object and all(isinstance(v, (str, bytes)) for v in array.flat)):
        array = array.astype(object)
    elif array.dtype.kind not in "biufcSO" or array.dtype == object:
        raise SourceError(f"{type(value).__name__} of type {array.dtype} is no array that TensorFlow takes. Convert it")
    return array

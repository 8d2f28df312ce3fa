"""Shapes, types and structure: from the first element or a signature, and every later element held to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from augline.convert.elements import Element, leaves, mapped, rows, structure
from augline.errors import ArgumentError, SourceError


@dataclass(frozen=True, slots=True)
class Leaf:
    """One array of an element: None stands for an axis of any length."""

    shape: tuple[int | None, ...] | None
    dtype: str

    def __str__(self) -> str:
        return f"{self.dtype}{list(self.shape) if self.shape is not None else ' of any shape'}".replace("None", "?")


@dataclass(frozen=True, slots=True)
class Layout:
    """What all elements look like.

    Attributes:
        parts: `Leaf`s in the elements' structure; other TensorFlow specs of a signature stand as they are.
        batched: Whether the first axis counts samples, and so may differ from batch to batch, but not within one.
        given: Whether it comes from the user's signature, to whose types elements are converted.
    """

    parts: Element
    batched: bool
    given: bool = False

    def check(self, element: Element) -> Element:
        """The element, in the types of the layout.

        Raises:
            SourceError: It differs; the message is a piece that goes after the element's number.
        """
        if structure(element) != structure(self.parts):
            raise SourceError(f"structure {structure(element)}, where {structure(self.parts)} was expected")
        paths = iter([path for path, _ in leaves(element)])
        result = mapped(lambda array, leaf: self._checked(array, leaf, next(paths)), element, self.parts)
        if self.batched and not self.given and rows(result) is None:
            lengths = ", ".join(f"{path} has {len(array)}" for path, array in leaves(result))
            raise SourceError(f"parts with different numbers of samples: {lengths}")
        return result

    def signature(self) -> Any:
        """The same for `tf.data`."""
        import tensorflow as tf

        def spec(leaf: Any) -> Any:
            return tf.TensorSpec(leaf.shape, leaf.dtype) if isinstance(leaf, Leaf) else leaf

        return mapped(spec, self.parts)

    def _checked(self, array: Any, leaf: Any, path: str) -> Any:
        if not isinstance(leaf, Leaf):  # ragged and sparse specs: TensorFlow compares those itself
            return array
        if _name(array) != leaf.dtype:
            if not (self.given and np.can_cast(array.dtype, leaf.dtype, "same_kind")):
                raise SourceError(f"{path} of type {_name(array)}, where {leaf.dtype} was expected")
            array = array.astype(leaf.dtype)
        if leaf.shape is not None and not _fits(array.shape, leaf.shape):
            wanted = str(list(leaf.shape)).replace("None", "?")
            raise SourceError(f"{path} of shape {list(array.shape)}, where {wanted} was expected")
        return array


def layout_of(element: Element, batched: bool | None) -> Layout:
    """The layout that the first element shows.

    Args:
        element: Normalised.
        batched: Whether it is a batch; None leaves that to its shapes: it is one if all parts are equally long.
    """
    if not leaves(element):
        raise SourceError("no array in it. Yield arrays, or tuples or dicts of arrays")
    if batched is None:
        batched = rows(element) is not None
    elif batched and rows(element) is None:
        shapes = ", ".join(f"{path} {list(array.shape)}" for path, array in leaves(element))
        raise SourceError(f"parts with different numbers of samples: {shapes}")

    def leaf(array: Any) -> Leaf:
        return Leaf((None, *array.shape[1:]) if batched else array.shape, _name(array))

    return Layout(mapped(leaf, element), batched)


def layout_from(signature: Any) -> Layout:
    """The layout that a user's `signature=` describes."""
    import tensorflow as tf

    def leaf(spec: Any) -> Any:
        if not isinstance(spec, tf.TypeSpec):
            raise ArgumentError(
                f"to_dataset(signature=...): it must hold tf.TensorSpec in tuples or dicts. Received {spec!r}. Write "
                "(tf.TensorSpec((None, 32, 32, 3), 'uint8'), tf.TensorSpec((None,), 'int64')), for example."
            )
        if not isinstance(spec, tf.TensorSpec):
            return spec
        return Leaf(None if spec.shape.rank is None else tuple(spec.shape.as_list()), spec.dtype.name)

    parts = mapped(leaf, tuple(signature) if isinstance(signature, list) else signature)
    found = [part for _, part in leaves(parts) if isinstance(part, Leaf)]
    batched = bool(found) and all(part.shape is not None and part.shape[:1] == (None,) for part in found)
    return Layout(parts, batched, given=True)


def _name(array: Any) -> str:
    return "string" if array.dtype.kind in "OS" else str(array.dtype.name)


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(w in (None, s) for s, w in zip(shape, wanted, strict=True))

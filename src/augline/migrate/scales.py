"""What white is in the arrays of a script: 1 or 255, going by how it fills them."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from augline.migrate.script import Script


def is_unit(factor: float) -> bool:
    """Whether a factor brings 255 to 1."""
    return abs(factor * 255 - 1) < 1e-6


def value_scale(script: Script, images: cst.BaseExpression) -> int | None:
    """What white is in an array: 1, 255, or None if it does not show."""
    if not isinstance(images, cst.Name):
        return None
    compact = "".join(_texts(script, images.value, {images.value})).replace(" ", "")
    if "?" in compact or "mean" in compact or "preprocess" in compact:
        return None
    if "/255" in compact or "/=255" in compact:
        return 1
    return 255 if "float" in compact else None


def _texts(script: Script, name: str, seen: set[str]) -> Iterator[str]:
    """How a name, and those that it is cut from, are filled."""
    for node in script.all(cst.Assign):
        for target in node.targets:
            value = _part_of(script, target.target, node.value, name)
            if value is None:
                continue
            origin = value.value if isinstance(value, cst.Subscript) else value
            if isinstance(origin, cst.Name) and origin.value not in seen:
                yield from _texts(script, origin.value, seen | {origin.value})
            yield script.source(value) + "\n"
    for augmented in script.all(cst.AugAssign):
        if isinstance(augmented.target, cst.Name) and augmented.target.value == name:
            divides = isinstance(augmented.operator, cst.DivideAssign)
            yield f"{'/' if divides else '?'} {script.source(augmented.value)}\n"


def _part_of(
    script: Script, target: cst.BaseExpression, value: cst.BaseExpression, name: str
) -> cst.BaseExpression | None:
    """What of an assigned value a name gets; None where it gets nothing."""
    if isinstance(target, cst.Name):
        return value if target.value == name else None
    if not isinstance(target, cst.Tuple | cst.List):
        return None
    for place, element in enumerate(target.elements):
        split = isinstance(value, cst.Call) and script.source(value.func).endswith("train_test_split")
        held = value
        if isinstance(value, cst.Call) and split and place // 2 < len(value.args):
            held = value.args[place // 2].value
        if isinstance(value, cst.Tuple | cst.List) and len(value.elements) == len(target.elements):
            held = value.elements[place].value
        found = _part_of(script, element.value, held, name)
        if found is not None:
            return found
    return None

"""What a script keeps in its objects: `self.name = value`, and where that is used."""

from __future__ import annotations

from typing import TypeAlias

import libcst as cst

from augline.migrate.script import Script

Use: TypeAlias = cst.Name | cst.Attribute
"""A place that uses what is assigned: a name, or a field."""


def value_of(script: Script, node: cst.BaseExpression) -> cst.BaseExpression | None:
    """The expression that a name or a field stands for; None where that is unclear. Other expressions are their own."""
    if isinstance(node, cst.Name):
        return script.value(node)
    if isinstance(node, cst.Attribute):
        assign = _assignment(script, node.attr.value)
        return None if assign is None else assign.value
    return node


def uses_of(script: Script, assign: cst.Assign) -> list[Use] | None:
    """The places that use what is assigned to a name or a field; None where some of them are unclear."""
    target = assign.targets[0].target
    if not isinstance(target, cst.Attribute):
        found = script.uses(assign)
        return None if found is None else [*found]
    if _assignment(script, target.attr.value) is not assign:
        return None
    return [node for node in _fields(script, target.attr.value) if node is not target]


def written(target: cst.BaseExpression) -> str | None:
    """A name, or a field of an object that has a name, as it is written."""
    if isinstance(target, cst.Attribute) and isinstance(target.value, cst.Name):
        return f"{target.value.value}.{target.attr.value}"
    return target.value if isinstance(target, cst.Name) else None


def _fields(script: Script, name: str) -> list[cst.Attribute]:
    return [node for node in script.all(cst.Attribute) if node.attr.value == name]


def _assignment(script: Script, name: str) -> cst.Assign | None:
    """The one place in a script that gives a field of that name a value, in a method of its object."""
    if any(script.literal(text) == name for text in script.all(cst.SimpleString)):
        return None  # setattr may be given it
    targets = [node for node in _fields(script, name) if _is_given_a_value(script, node)]
    holder = script.parent(targets[0]) if len(targets) == 1 else None
    assign = script.parent(holder) if isinstance(holder, cst.AssignTarget) else None
    if not isinstance(assign, cst.Assign) or len(assign.targets) != 1 or not _of_its_object(script, targets[0]):
        return None
    return assign


def _is_given_a_value(script: Script, node: cst.Attribute) -> bool:
    holder = script.parent(node)
    while isinstance(holder, cst.Element | cst.Tuple | cst.List | cst.StarredElement):
        node, holder = holder, script.parent(holder)  # type: ignore[assignment]
    return isinstance(holder, cst.AssignTarget | cst.Del | cst.AsName) or (
        isinstance(holder, cst.AugAssign | cst.AnnAssign | cst.For | cst.CompFor) and holder.target is node
    )


def _of_its_object(script: Script, field: cst.Attribute) -> bool:
    """Whether it is `self.name`, in a method."""
    method = next((above for above in script.ancestors(field) if isinstance(above, cst.FunctionDef)), None)
    first = method.params.params[0].name.value if method is not None and method.params.params else None
    block = script.parent(method) if method is not None else None
    in_class = block is not None and isinstance(script.parent(block), cst.ClassDef)
    return in_class and isinstance(field.value, cst.Name) and field.value.value == first

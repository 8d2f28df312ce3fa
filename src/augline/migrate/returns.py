"""Where what a function returns comes to: the calls of the function, and what they are assigned to."""

from __future__ import annotations

from dataclasses import dataclass

import libcst as cst

from augline.migrate.notes import Unclear
from augline.migrate.script import Script


@dataclass(frozen=True)
class Received:
    """One call of a function that returns something.

    Args:
        call: The call.
        uses: Of the name that its result, or that part of it, is assigned to; None where it is used on the spot.
    """

    call: cst.Call
    uses: list[cst.Name] | None


def received(script: Script, node: cst.CSTNode) -> list[Received] | None:
    """What becomes of an expression that is returned, by itself or in a tuple; None if it is not returned.

    Raises:
        Unclear: Not all calls of the function are plain.
    """
    holder, place = script.parent(node), None
    if isinstance(holder, cst.Element) and isinstance(values := script.parent(holder), cst.Tuple):
        place, holder = list(values.elements).index(holder), script.parent(values)
    if not isinstance(holder, cst.Return):
        return None
    function = next((above for above in script.ancestors(holder) if isinstance(above, cst.FunctionDef)), None)
    if function is None or not _is_plain(script, function):
        raise Unclear(f"{script.source(node)} is returned on line {script.line(node)}, and not followed further")
    calls = _calls(script, function)
    if not calls:
        name = function.name.value
        raise Unclear(f"{name}, which returns it on line {script.line(node)}, is not called in this script")
    return [_received(script, call, place) for call in calls]


def _is_plain(script: Script, function: cst.FunctionDef) -> bool:
    """Whether it is a function at the top that returns at one place, as it is written."""
    returns = [found for found in script.inside(function, cst.Return) if found.value is not None]
    at_top = script.parent(function) is script.module
    return at_top and len(returns) == 1 and not function.decorators and not any(script.inside(function, cst.Yield))


def _calls(script: Script, function: cst.FunctionDef) -> list[cst.Call]:
    calls = []
    for binding in script.bindings(function.name):
        if getattr(binding, "node", None) is not function:
            raise Unclear(f"{function.name.value} is also bound elsewhere")
        for access in binding.references:
            call = script.parent(access.node)
            if not isinstance(call, cst.Call) or call.func is not access.node:
                raise Unclear(f"what happens to {function.name.value} on line {script.line(access.node)} is unclear")
            calls.append(call)
    return calls


def _received(script: Script, call: cst.Call, place: int | None) -> Received:
    holder = script.parent(call)
    if isinstance(holder, cst.Assign) and len(holder.targets) == 1:
        target = holder.targets[0].target
        several = isinstance(target, cst.Tuple) and place is not None and place < len(target.elements)
        if several or (isinstance(target, cst.Name) and place is None):
            uses = script.uses(holder, place)
            if uses is not None:
                return Received(call, uses)
    elif isinstance(holder, cst.Arg) and place is None:
        return Received(call, None)
    raise Unclear(f"what happens to the result of {script.source(call.func)} on line {script.line(call)} is unclear")

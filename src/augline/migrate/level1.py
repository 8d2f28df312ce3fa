"""Level 1: the import of ImageDataGenerator, and nothing else."""

from __future__ import annotations

from collections.abc import Collection

import libcst as cst

from augline.migrate.rules import DROP_IN, GENERATORS, MODEL_CALLS
from augline.migrate.script import Script, normalised

_NAME = "ImageDataGenerator"
_LINE = f"from augline.keras import {_NAME}"


def rewrite_imports(script: Script, gone: Collection[cst.CSTNode] = ()) -> None:
    """Takes ImageDataGenerator from augline wherever the script takes it from Keras.

    Args:
        script: Gets the edits.
        gone: The uses that will be no more; a name that all of them had is not imported again.
    """
    stays = any(_is_use(script, node) and node not in gone for node in _names(script))
    for statement in script.all(cst.ImportFrom):
        _from_import(script, statement, stays)
    _dotted(script, gone)
    _note_leftovers(script)


def _names(script: Script) -> list[cst.CSTNode]:
    return [node for kind in (cst.Name, cst.Attribute) for node in script.all(kind) if script.name(node) in GENERATORS]


def _is_use(script: Script, node: cst.CSTNode) -> bool:
    """Whether a name that means ImageDataGenerator is read: not part of an import, of a longer name, or a target."""
    above = list(script.ancestors(node))
    if any(isinstance(outer, cst.Import | cst.ImportFrom | cst.AssignTarget) for outer in above):
        return False
    return not (isinstance(above[0], cst.Attribute) and above[0].attr is node)


def _from_import(script: Script, statement: cst.ImportFrom, stays: bool) -> None:
    if isinstance(statement.names, cst.ImportStar):
        _star(script, statement)
        return
    module = script.source(statement.module) if statement.module is not None and not statement.relative else ""
    ours = [alias for alias in statement.names if _means_generator(script, module, alias)]
    if not ours:
        return
    line = script.parent(statement)
    kept = [alias for alias in statement.names if alias not in ours]
    new = [f"{_LINE}{_as(alias)}" for alias in ours] if stays else []
    if kept:
        _drop_names(script, statement, kept, ours)
        new.insert(0, "")
    if not new and isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1:
        script.remove(line)
    elif kept:
        joint = f"{script.newline}{script.indent(statement)}" if _alone(line) else "; "
        script.edits.insert(script.span(statement)[1], joint.join(new) if stays else "")
    else:
        script.edits.replace(script.span(statement), "; ".join(new) or "pass")


def _means_generator(script: Script, module: str, alias: cst.ImportAlias) -> bool:
    if not isinstance(alias.name, cst.Name) or alias.name.value != _NAME:
        return False
    name = normalised(f"{module}.{_NAME}")
    return name in GENERATORS and name != DROP_IN


def _alone(line: cst.CSTNode) -> bool:
    return isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1


def _as(alias: cst.ImportAlias) -> str:
    name = alias.asname.name if alias.asname else None
    return f" as {name.value}" if isinstance(name, cst.Name) else ""


def _drop_names(
    script: Script, statement: cst.ImportFrom, kept: list[cst.ImportAlias], ours: list[cst.ImportAlias]
) -> None:
    assert not isinstance(statement.names, cst.ImportStar)
    names = list(statement.names)
    for alias in ours:
        place = names.index(alias)
        later = [other for other in names[place + 1 :] if other in kept]
        if later:
            script.edits.replace((script.span(alias)[0], script.span(names[place + 1])[0]), "")
        else:  # nothing is kept behind it: the comma before it goes with it
            before = next(other for other in reversed(names[:place]) if other in kept)
            script.edits.replace((script.span(before)[1], script.span(names[-1])[1]), "")


def _star(script: Script, statement: cst.ImportFrom) -> None:
    """`from keras.preprocessing.image import *`: the name is taken from augline behind it."""
    module = normalised(script.source(statement.module)) if statement.module is not None else ""
    used = any(n.value == _NAME and not script.bindings(n) for n in script.all(cst.Name))
    already = any(_LINE in script.source(other) for other in script.all(cst.ImportFrom))
    if f"{module}.{_NAME}" in GENERATORS and used and not already:
        joint = f"{script.newline}{script.indent(statement)}"
        script.edits.insert(script.span(statement)[1], joint + _LINE)


def _dotted(script: Script, gone: Collection[cst.CSTNode]) -> None:
    """`tf.keras.preprocessing.image.ImageDataGenerator` and the like, wherever they stand."""
    places = [
        node
        for node in script.all(cst.Attribute)
        if node.attr.value == _NAME and script.name(node) in GENERATORS and script.name(node) != DROP_IN
        and _is_use(script, node) and node not in gone
    ]  # fmt: skip
    name = _free_name(script)
    imported = False
    for node in places:
        assign = script.parent(node)
        target = assign.targets[0].target if isinstance(assign, cst.Assign) and len(assign.targets) == 1 else None
        if isinstance(target, cst.Name):  # X = tf.keras...ImageDataGenerator is an import in all but name
            alias = "" if target.value == _NAME else f" as {target.value}"
            script.edits.replace(script.span(assign), _LINE + alias)
        else:
            script.edits.replace(script.span(node), name)
            imported = True
    if imported and not _has_import(script, name):
        add_import(script, _LINE + ("" if name == _NAME else f" as {name}"))


def _free_name(script: Script) -> str:
    taken = script.bound(_NAME) and not _has_import(script, _NAME)
    return "AuglineImageDataGenerator" if taken else _NAME


def _has_import(script: Script, name: str) -> bool:
    """Whether the module has, or will have, the generator under a name at its top."""
    for statement in script.all(cst.ImportFrom):
        top = script.parent(script.parent(statement)) is script.module
        if not top or isinstance(statement.names, cst.ImportStar):
            continue
        for alias in statement.names:
            bound = alias.asname.name if alias.asname else alias.name
            if script.source(alias.name) == _NAME and isinstance(bound, cst.Name) and bound.value == name:
                return True
    return False


def add_import(script: Script, line: str) -> None:
    """Adds an import behind the imports at the top of the module."""
    place = None
    for statement in script.module.body:
        small = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
        docstring = place is None and isinstance(small, cst.Expr) and isinstance(small.value, cst.SimpleString)
        if isinstance(small, cst.Import | cst.ImportFrom) or docstring:
            place = statement
        elif not isinstance(small, cst.Pass) and not isinstance(statement, cst.Try):  # a notebook's magic; old imports
            break
    if place is None:
        start = script.span(script.module.body[0])[0]
        script.edits.insert(script.edits.line_start(start), line + script.newline)
    elif place in script.removed:
        script.edits.keep_lines(script.span(place))
        script.edits.replace(script.span(place), line)
    else:
        script.edits.insert(script.span(place)[1], _behind(script, place) + line)


def _behind(script: Script, place: cst.BaseStatement | cst.SimpleStatementLine) -> str:
    docstring = isinstance(place, cst.SimpleStatementLine) and isinstance(place.body[0], cst.Expr)
    return script.newline * (2 if docstring else 1)


def _note_leftovers(script: Script) -> None:
    """What the drop-in does not cover, and what Keras 3 no longer has."""
    for node in script.all(cst.ClassDef):
        if any(script.name(base.value) in GENERATORS for base in node.bases):
            script.notes.add(
                script.line(node), f"{node.name.value} extends ImageDataGenerator: check what it overrides"
            )
    for call in script.all(cst.Call):
        if isinstance(call.func, cst.Attribute) and call.func.attr.value in MODEL_CALLS:
            old, new = call.func.attr.value, MODEL_CALLS[call.func.attr.value][0]
            if old != new and call not in script.modernised:
                text = f"Keras 3 has no {old}: write {new}, or let --level 2 do it"
                script.notes.add(script.line(call), text, everywhere=True)

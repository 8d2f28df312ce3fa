"""A parsed script: what names mean, where values come from, and the edits to it."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

import libcst as cst
from libcst import metadata as meta

from augline.migrate.edits import Edits, Span
from augline.migrate.notes import Notes, ScriptError, Unclear
from augline.migrate.rules import PREFIXES

UNKNOWN: Final = object()
"""A value that only running the script would tell."""

_ARITHMETIC: dict[type[cst.BaseBinaryOp], Callable[[Any, Any], Any]] = {
    cst.Add: operator.add, cst.Subtract: operator.sub, cst.Multiply: operator.mul, cst.Divide: operator.truediv,
    cst.FloorDivide: operator.floordiv,
}  # fmt: skip
_CONSTANTS = {"True": True, "False": False, "None": None}
_Node = TypeVar("_Node", bound=cst.CSTNode)


class Script:
    """A script with what LibCST knows of it.

    Args:
        text: The source.
        name: What to call it in messages.
    """

    def __init__(self, text: str, name: str = "the script") -> None:
        self.text, self.edits, self.notes = text, Edits(text), Notes()
        wrapper = meta.MetadataWrapper(_parsed(text, name), unsafe_skip_copy=True)
        self.module = wrapper.module
        self.newline, self.unit = self.module.default_newline, self.module.default_indent
        self._spans: Mapping[cst.CSTNode, Any] = wrapper.resolve(meta.ByteSpanPositionProvider)
        self._places: Mapping[cst.CSTNode, Any] = wrapper.resolve(meta.PositionProvider)
        self._parents: Mapping[cst.CSTNode, Any] = wrapper.resolve(meta.ParentNodeProvider)
        self._scopes: Mapping[cst.CSTNode, Any] = wrapper.resolve(meta.ScopeProvider)
        self._qualified: Mapping[cst.CSTNode, Any] = wrapper.resolve(meta.QualifiedNameProvider)
        self._nodes: list[cst.CSTNode] = []
        _Collector(self._nodes).visit(self.module)
        self.removed: set[cst.CSTNode] = set()
        self.modernised: set[cst.CSTNode] = set()
        self.needs_augline = False
        self.needed: list[str] = []
        self._alias: str | None = None

    def all(self, kind: type[_Node]) -> Iterator[_Node]:
        """The nodes of a kind, in the order of the text."""
        return (node for node in self._nodes if isinstance(node, kind))

    def inside(self, node: cst.CSTNode, kind: type[_Node]) -> Iterator[_Node]:
        """The nodes of a kind that a node holds."""
        nodes: list[cst.CSTNode] = []
        _Collector(nodes).visit(node)
        return (inner for inner in nodes if isinstance(inner, kind))

    def reached(self, nodes: Iterable[cst.CSTNode]) -> list[cst.CSTNode]:
        """These nodes, and the functions, classes and values that the names in them stand for, and so on."""
        seen = list(nodes)
        for node in seen:  # grows while it is walked
            for name in self.inside(node, cst.Name):
                found = [getattr(binding, "node", None) for binding in self.bindings(name)]
                used = [*(node for node in found if isinstance(node, cst.FunctionDef | cst.ClassDef)), self.value(name)]
                seen += [node for node in used if node is not None and node not in seen]
        return seen

    def span(self, node: cst.CSTNode) -> Span:
        """Where a node stands, with the brackets around it."""
        left, right = getattr(node, "lpar", ()), getattr(node, "rpar", ())
        if not isinstance(left, list | tuple) or not isinstance(right, list | tuple):  # those inside an import
            left = right = ()
        first, last = self._spans[left[0] if left else node], self._spans[right[-1] if right else node]
        return first.start, last.start + last.length

    def line(self, node: cst.CSTNode) -> int:
        """The line a node begins on."""
        return int(self._places[node].start.line)

    def code(self, node: cst.CSTNode) -> str:
        """A node's source, with the edits to it."""
        return self.edits.text(self.span(node))

    def source(self, node: cst.CSTNode) -> str:
        """A node's source as it was."""
        start, end = self.span(node)
        return self.edits.source[start:end].decode("utf-8")

    def parent(self, node: cst.CSTNode) -> cst.CSTNode:
        """What a node is part of."""
        return self._parents[node]  # type: ignore[no-any-return]

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """What a node is part of, inside out."""
        while node in self._parents:
            node = self._parents[node]
            yield node

    def statement(self, node: cst.CSTNode) -> cst.CSTNode:
        """The statement a node is part of."""
        for above in (node, *self.ancestors(node)):
            if isinstance(above, cst.SimpleStatementLine | cst.BaseCompoundStatement):
                return above
        return self.module

    def name(self, node: cst.CSTNode) -> str | None:
        """What a dotted name refers to: its full name, with the many homes of Keras brought to one; None if unclear."""
        found = self._qualified.get(node)
        names = found() if callable(found) else found or ()
        for qualified in names:
            if qualified.source is meta.QualifiedNameSource.IMPORT:
                return normalised(qualified.name)
        if isinstance(node, cst.Attribute) and (base := self.name(node.value)):
            return normalised(f"{base}.{node.attr.value}")
        if isinstance(node, cst.Name) and (value := self.value(node)) is not None:
            return self.name(value) if isinstance(value, cst.Attribute | cst.Name) else None
        return None

    def bindings(self, name: cst.Name) -> list[Any]:
        """Everything that binds a name in the scope it is looked up in."""
        scope = self._scopes.get(name)
        return [] if scope is None else list(scope[name.value])

    def assignment(self, name: cst.Name) -> cst.Assign | None:
        """The simple assignment `name = value` whose value a use of the name has; None where that is unclear."""
        found = self._latest(name)
        return found if found is not None and isinstance(found.targets[0].target, cst.Name) else None

    def unpacked(self, name: cst.Name) -> tuple[cst.Assign, int] | None:
        """The assignment `first, second = value` that a use of a name goes back to, and which of them it is."""
        found = self._latest(name)
        target = found.targets[0].target if found is not None else None
        if found is None or not isinstance(target, cst.Tuple):
            return None
        return found, [self.source(element.value) for element in target.elements].index(name.value)

    def _latest(self, name: cst.Name) -> cst.Assign | None:
        """The assignment, to one name or to several, whose value a use of the name has."""
        bindings = self.bindings(name)
        targets = [self._assign(getattr(binding, "node", None)) for binding in bindings]
        if not targets or None in targets:
            return None
        same_scope = bindings[0].scope is self._scopes.get(name)
        start = self.span(name)[0]
        if len(targets) == 1 and targets[0] is not None:
            first, last = self.span(targets[0])
            # `x = x.astype(...)` uses another x; so may a loop's earlier lines
            return None if first <= start < last or (same_scope and start < first) else targets[0]
        homes = {self.parent(self.parent(target)) for target in targets if target is not None}
        before = [t for t in targets if t is not None and self.span(t)[1] <= start]
        if len(homes) > 1 or not before or not same_scope:
            return None
        home = homes.pop()
        looped = any(isinstance(above, cst.For | cst.While) for above in self.ancestors(home))
        return None if looped else max(before, key=self.span)

    def _assign(self, target: cst.CSTNode | None) -> cst.Assign | None:
        """The assignment to a name, or to a tuple of names, where it is a statement of its own."""
        holder = self._parents.get(target) if target is not None else None
        if isinstance(holder, cst.Element) and isinstance(self._parents[holder], cst.Tuple):
            holder = self._parents[self._parents[holder]]
        assign = self._parents.get(holder) if isinstance(holder, cst.AssignTarget) else None
        if not isinstance(assign, cst.Assign) or len(assign.targets) != 1:
            return None
        line = self.parent(assign)
        return assign if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1 else None

    def value(self, name: cst.Name) -> cst.BaseExpression | None:
        """The expression a name stands for, where that is clear; also of `first, second = 1, 2`."""
        assign = self.assignment(name)
        if assign is not None or (several := self.unpacked(name)) is None:
            return None if assign is None else assign.value
        values, place = several[0].value, several[1]
        if not isinstance(values, cst.Tuple | cst.List) or place >= len(values.elements):
            return None
        starred = any(isinstance(element, cst.StarredElement) for element in values.elements)
        return None if starred else values.elements[place].value

    def uses(self, assign: cst.Assign, place: int | None = None) -> list[cst.Name] | None:
        """The places that use what is assigned, or one of several; None where some of them are unclear."""
        target: cst.CSTNode = assign.targets[0].target
        if place is not None and isinstance(target, cst.Tuple):
            target = target.elements[place].value
        if not isinstance(target, cst.Name):
            return None
        uses = []
        for binding in self.bindings(target):
            for access in binding.references:
                if not isinstance(access.node, cst.Name):
                    return None
                found = self._latest(access.node)
                if found is assign:
                    uses.append(access.node)
                elif found is None:
                    return None
        return sorted(set(uses), key=self.span)

    def bound(self, name: str) -> bool:
        """Whether the script binds a name anywhere."""
        scopes = {scope for scope in self._scopes.values() if scope is not None}
        return any(name in {assignment.name for assignment in scope.assignments} for scope in scopes)

    def literal(self, node: cst.CSTNode | None) -> Any:
        """The value of an expression of constants, also through names bound once; else UNKNOWN."""
        if isinstance(node, cst.Name):
            if node.value in _CONSTANTS:
                return _CONSTANTS[node.value]
            value = self.value(node)
            return UNKNOWN if value is None or len(self.bindings(node)) > 1 else self.literal(value)
        if isinstance(node, cst.Integer | cst.Float | cst.SimpleString):
            return ast.literal_eval(self.source(node))
        if isinstance(node, cst.UnaryOperation) and isinstance(node.operator, cst.Minus):
            value = self.literal(node.expression)
            return -value if isinstance(value, int | float) else UNKNOWN
        if isinstance(node, cst.BinaryOperation) and type(node.operator) in _ARITHMETIC:
            left, right = self.literal(node.left), self.literal(node.right)
            if isinstance(left, int | float) and isinstance(right, int | float):
                return _computed(_ARITHMETIC[type(node.operator)], left, right)
            return UNKNOWN
        if isinstance(node, cst.Tuple | cst.List):
            values = [self.literal(element.value) for element in node.elements]
            return UNKNOWN if UNKNOWN in values else (tuple(values) if isinstance(node, cst.Tuple) else values)
        return UNKNOWN

    @property
    def al(self) -> str:
        """What augline is called in the script; whoever writes it sets `needs_augline`."""
        if self._alias is None:
            mine = next((n for n in self.all(cst.ImportAlias) if self.source(n.name) == "augline"), None)
            if mine is not None:
                self._alias = self.source(mine.asname.name) if mine.asname else "augline"
            else:
                self._alias = "augline" if self.bound("al") else "al"
        return self._alias

    @property
    def has_augline(self) -> bool:
        """Whether the script imports augline itself already."""
        return any(self.source(alias.name) == "augline" for alias in self.all(cst.ImportAlias))

    def means_the_same(self, expression: cst.CSTNode, there: cst.CSTNode) -> bool:
        """Whether an expression has its value elsewhere too: each name in it is bound once, and seen from there."""
        scope = self._scopes.get(there)
        for name in self.inside(expression, cst.Name):
            bound = self.bindings(name)
            if bound and (len(bound) > 1 or scope is None or bound[0] not in scope[name.value]):
                return False
        return True

    def module_name(self, name: str) -> str:
        """A module of Python's own under its name, imported at the top unless it is there.

        Raises:
            Unclear: The name means something else in the script.
        """
        bindings = list(self._scopes[self.module][name])
        nodes = [getattr(binding, "node", None) for binding in bindings]
        if any(not isinstance(node, cst.Import) for node in nodes):
            raise Unclear(f"{name} is not Python's module in this script")
        if not nodes and name not in self.needed:
            self.needed.append(name)
        return name

    def indent(self, node: cst.CSTNode) -> str:
        """The white space a node's statement begins with."""
        start = self.span(self.statement(node))[0]
        line = self.edits.source[self.edits.line_start(start) : start].decode("utf-8")
        return line[: len(line) - len(line.lstrip())]

    def remove(self, statement: cst.CSTNode) -> None:
        """Takes out a statement; a block that would be left empty gets `pass`."""
        self.removed.add(statement)
        block = self.parent(statement)
        body = getattr(block, "body", ())
        if isinstance(block, cst.IndentedBlock) and all(line in self.removed for line in body):
            self.edits.replace(self.span(statement), "pass")
        else:
            self.edits.remove_lines(self.span(statement))

    def comment(self, node: cst.CSTNode, text: str) -> None:
        """Puts a comment above a node's statement."""
        start = self.span(self.statement(node))[0]
        self.edits.insert(self.edits.line_start(start), f"{self.indent(node)}# {text}{self.newline}")


def _parsed(text: str, name: str) -> cst.Module:
    try:
        return cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        shown = text.splitlines()[error.raw_line - 1].strip() if error.raw_line <= len(text.splitlines()) else ""
        fix = "Correct it, or convert Python 2 with an older 2to3 first."
        raise ScriptError(
            f"migrate({name!r}): the script must be Python 3. Received a syntax error on line {error.raw_line}: "
            f"{shown!r}. {fix}"
        ) from None
    except ValueError as error:
        raise ScriptError(f"migrate({name!r}): the script must be Python 3. Received {error}. Correct it.") from None


def normalised(name: str) -> str:
    """A full name with the many homes of Keras brought to one."""
    for prefix, short in PREFIXES:
        if name == prefix or name.startswith(prefix + "."):
            return short + name[len(prefix) :]
    return name


def _computed(operation: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    try:
        return operation(left, right)
    except ZeroDivisionError:
        return UNKNOWN


class _Collector:
    def __init__(self, nodes: list[cst.CSTNode]) -> None:
        self._nodes = nodes

    def visit(self, node: cst.CSTNode) -> None:
        self._nodes.append(node)
        for child in node.children:
            self.visit(child)

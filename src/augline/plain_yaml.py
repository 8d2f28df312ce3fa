"""YAML with nothing but data in it: no tags, anchors, aliases or repeated keys, and not too deep."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import yaml

DEPTH = 20
"""Mappings and lists within each other."""

_RESOLVERS = (
    ("null", r"null|~|", ("n", "~", "")),
    ("bool", r"true|false", "tf"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan", "-+.0123456789"),
    ("float", r"[-+]?[0-9]+[eE][-+]?[0-9]+", "-+0123456789"),
)
"""What unquoted text stands for, as in YAML 1.2: `no`, `on`, 007 and 2024-01-01 are text, and 1e-3 is a number."""


def load(text: str) -> Any:
    """The data that a text holds.

    Raises:
        ValueError: It is not YAML, or more than data; the message says what stands in which line.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise ValueError(f"{problem}{where}") from None


def dump(document: Any) -> str:
    """Text that `load`, or any other YAML reader, turns into the same data."""
    return str(
        yaml.dump(document, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=110, allow_unicode=True)
    )


def _table() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    table = defaultdict(list)
    for tag, pattern, firsts in _RESOLVERS:
        for first in firsts:
            table[first].append((f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{pattern})\Z")))
    return dict(table)


def _refusal(node: Any, problem: str) -> yaml.YAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


class _Loader(yaml.SafeLoader):
    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _refusal(event, "an anchor or alias (& or *), which is not taken,")
        if getattr(event, "tag", None):
            raise _refusal(event, f"a tag ({event.tag}), which is not taken,")
        if self.depth >= DEPTH:
            raise _refusal(event, f"nesting deeper than {DEPTH}")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        seen = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if name in seen:
                raise _refusal(key, f"the key {name!r} twice")
            seen.add(name)
        return mapping


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


_Loader.yaml_implicit_resolvers = _table()
# text that either version of YAML would read as something else is put in quotes
_Dumper.yaml_implicit_resolvers = {
    first: [*yaml.SafeDumper.yaml_implicit_resolvers.get(first, ()), *_table().get(first, ())]
    for first in {*yaml.SafeDumper.yaml_implicit_resolvers, *_table()}
}

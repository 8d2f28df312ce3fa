"""The arguments of a call, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst

from augline.migrate.notes import Unclear
from augline.migrate.script import UNKNOWN, Script


class Arguments:
    """The arguments of a call, by name, also those that come through `**options` of a dict written out in the script.

    Args:
        script: Where the call stands.
        call: The call.
        order: The names of positional arguments.
    """

    def __init__(self, script: Script, call: cst.Call, order: Sequence[str]) -> None:
        self._script, self.function = script, call.func
        self.given: dict[str, cst.BaseExpression] = {}
        for place, arg in enumerate(call.args):
            if arg.star == "**":
                self.given |= _options(script, arg.value)
            elif arg.star or (arg.keyword is None and place >= len(order)):
                raise Unclear(f"its argument {script.source(arg)} is not plain")
            else:
                self.given[arg.keyword.value if arg.keyword else order[place]] = arg.value

    def __contains__(self, name: str) -> bool:
        return name in self.given

    def feeding(self) -> dict[str, str]:
        """Batch size, seed and order as they are written, where a pipeline would take others; Keras's have one set."""
        told = {
            "batch_size": self.differs("batch_size", 32),
            "seed": self.value("seed") is not None,
            "shuffle": self.value("shuffle", True) is not True,
        }
        return {name: self.code(name) for name, is_told in told.items() if is_told}

    def code(self, name: str, default: str = "None") -> str:
        """An argument as it is written."""
        return self._script.code(self.given[name]) if name in self.given else default

    def value(self, name: str, default: Any = None) -> Any:
        """An argument's value, or UNKNOWN."""
        return self._script.literal(self.given[name]) if name in self.given else default

    def differs(self, name: str, default: Any) -> bool:
        """Whether an argument is another than the default, or may come to be, having a name of its own."""
        return name in self and (isinstance(self.given[name], cst.Name) or self.value(name) != default)

    def known(self, name: str, default: Any = None) -> Any:
        """An argument's value.

        Raises:
            Unclear: It cannot be read off the script.
        """
        value = self.value(name, default)
        if value is UNKNOWN:
            raise Unclear(f"the value of {name}={self.code(name)} cannot be read off the script")
        return value

    def literals(self) -> dict[str, Any]:
        """The arguments whose values are known."""
        values = {name: self.value(name) for name in self.given}
        return {name: value for name, value in values.items() if value is not UNKNOWN}


def _options(script: Script, value: cst.BaseExpression) -> dict[str, cst.BaseExpression]:
    found = script.value(value) if isinstance(value, cst.Name) else value
    if isinstance(found, cst.Call) and script.source(found.func) == "dict":
        named = {arg.keyword.value: arg.value for arg in found.args if arg.keyword is not None}
        if len(named) == len(found.args):
            return named
    if isinstance(found, cst.Dict):
        pairs = [(script.literal(e.key), e.value) for e in found.elements if isinstance(e, cst.DictElement)]
        if len(pairs) == len(found.elements) and all(isinstance(key, str) for key, _ in pairs):
            return dict(pairs)
    raise Unclear(f"**{script.source(value)} cannot be read off the script")

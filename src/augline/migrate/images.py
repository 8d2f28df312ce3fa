"""What a function given to `Dataset.map` does to an image, as a list of transforms; straight-line code only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import libcst as cst

from augline.migrate.arguments import Arguments
from augline.migrate.image_ops import OPERATIONS, Image, Label
from augline.migrate.layers import applied, layers
from augline.migrate.layout import number, part
from augline.migrate.notes import Unclear
from augline.migrate.rules import IMAGE_OPS
from augline.migrate.scales import is_unit
from augline.migrate.script import UNKNOWN, Script

_MASKS = "images and masks by one draw are al.Pipeline(al.Files(images, masks=masks), ...)"
_DICTS = "MixUp and CutMix, which want that in Keras, stand in the list of a Pipeline, whose labels are one-hot"
_FIXED_SEED = "a constant seed gave every image the same draw; each has a draw of its own now"


Known: TypeAlias = Image | Label | cst.BaseExpression
"""What a name stands for in a function on images: one of the two that it is given, or something constant."""


@dataclass
class Reader:
    """Reads functions on images.

    Args:
        script: Where they stand.
        labelled: Whether elements are (image, label).
    """

    script: Script
    labelled: bool
    _depth: int = 0

    def mapped(self, function: cst.BaseExpression, image: Image, label: Label) -> tuple[Image, Label]:
        """What `dataset.map(function)` makes of an element."""
        if isinstance(function, cst.Lambda):
            return self._element(function.body, self._environment(function.params, *self._both(image, label)))
        found = self._function(function)
        if found is not None:
            return self._body(found, self._environment(found.params, *self._both(image, label)))
        if not self.labelled and self.script.name(function) in IMAGE_OPS:
            op, order = IMAGE_OPS[self.script.name(function) or ""]
            nothing = Arguments(self.script, cst.Call(function), ("image", *order))
            return OPERATIONS[op](self.script, image, nothing, self.script.line(function)), label
        if not self.labelled and (found_layers := layers(self.script, function)) is not None:
            return self._applied(found_layers, image), label
        raise Unclear(f"{self.script.source(function)} is not a function of this script")

    def _both(self, image: Image, label: Label) -> tuple[Known, ...]:
        return (image, label) if self.labelled else (image,)

    def _function(self, node: cst.BaseExpression) -> cst.FunctionDef | None:
        if not isinstance(node, cst.Name):
            return None
        found = [getattr(binding, "node", None) for binding in self.script.bindings(node)]
        if len(found) != 1 or not isinstance(found[0], cst.FunctionDef):
            return None
        decorated = any(not (self.script.name(d.decorator) or "").startswith("tf.") for d in found[0].decorators)
        return None if decorated else found[0]

    def _environment(self, params: cst.Parameters, *given: Known, named: Sequence[cst.Arg] = ()) -> dict[str, Known]:
        """What the names of a function's arguments stand for: defaults where nothing is given."""
        places = [param.name.value for param in params.params]
        env: dict[str, Known] = {
            param.name.value: param.default
            for param in (*params.params, *params.kwonly_params)
            if param.default is not None
        }
        env |= dict(zip(places, given, strict=False))
        env |= {arg.keyword.value: arg.value for arg in named if arg.keyword is not None}
        wanted = {param.name.value for param in (*params.params, *params.kwonly_params)}
        if (
            len(given) > len(places)
            or set(env) != wanted
            or params.star_kwarg
            or isinstance(params.star_arg, cst.Param)
        ):
            raise Unclear("its function must take (image, label), or the image alone")
        return env

    def _body(self, function: cst.FunctionDef, env: dict[str, Known]) -> tuple[Image, Label]:
        self._depth += 1
        if self._depth > 8:
            raise Unclear(f"{function.name.value} is not straight-line code")
        result = self._statements(function.body, env)
        if result is None:
            raise Unclear(f"{function.name.value} returns nothing")
        self._depth -= 1
        return self._element(result, env)

    def _statements(self, block: cst.BaseSuite, env: dict[str, Known]) -> cst.BaseExpression | None:
        """Reads a block; what it returns, if it does."""
        if isinstance(block, cst.SimpleStatementSuite):
            return self._line(block, env)
        for statement in block.body:
            assert isinstance(statement, cst.BaseStatement)
            result = self._statement(statement, env)
            if result is not None:
                return result
        return None

    def _statement(self, statement: cst.BaseStatement, env: dict[str, Known]) -> cst.BaseExpression | None:
        if isinstance(statement, cst.If):
            known = self._decided(statement.test, env)
            if known is None:
                self._chance(statement, env)
                return None
            if known:
                return self._statements(statement.body, env)
            if isinstance(statement.orelse, cst.If):
                return self._statement(statement.orelse, env)
            return self._statements(statement.orelse.body, env) if statement.orelse is not None else None
        if isinstance(statement, cst.For):
            self._loop(statement, env)
            return None
        if not isinstance(statement, cst.SimpleStatementLine):
            raise Unclear(f"line {self.script.line(statement)} is not straight-line code")
        return self._line(statement, env)

    def _line(
        self, line: cst.SimpleStatementLine | cst.SimpleStatementSuite, env: dict[str, Known]
    ) -> cst.BaseExpression | None:
        for small in line.body:
            if isinstance(small, cst.Return) and small.value is not None:
                return small.value
            if isinstance(small, cst.Assign) and len(small.targets) == 1:
                self._assign(small.targets[0].target, small.value, env)
            elif isinstance(small, cst.AugAssign) and isinstance(small.target, cst.Name):
                env[small.target.value] = self._augmented(small, env)
            elif not (isinstance(small, cst.Expr) and isinstance(small.value, cst.SimpleString)):
                raise Unclear(f"line {self.script.line(small)} is not understood")
        return None

    def _decided(self, test: cst.BaseExpression, env: dict[str, Known]) -> bool | None:
        """Whether a condition holds, where that is the same for all images: `label is None`, or a flag."""
        if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
            inner = self._decided(test.expression, env)
            return None if inner is None else not inner
        if isinstance(test, cst.Comparison) and isinstance(test.left, cst.Name) and len(test.comparisons) == 1:
            operator, value = test.comparisons[0].operator, env.get(test.left.value)
            if value is None or self.script.source(test.comparisons[0].comparator) != "None":
                return None
            is_none = isinstance(value, cst.BaseExpression) and self.script.source(value) == "None"
            known = {cst.Is: is_none, cst.Equal: is_none, cst.IsNot: not is_none, cst.NotEqual: not is_none}
            return known.get(type(operator))
        value = env.get(test.value) if isinstance(test, cst.Name) else test
        flag = self.script.literal(value) if isinstance(value, cst.BaseExpression) else None
        return flag if isinstance(flag, bool) else None

    def _meant(self, node: cst.BaseExpression, env: dict[str, Known]) -> cst.BaseExpression:
        """An expression as it can stand outside of the function: a constant for its name.

        Raises:
            Unclear: It holds other names of the function's own.
        """
        value = env.get(node.value) if isinstance(node, cst.Name) else None
        if isinstance(value, cst.BaseExpression):
            return value
        own = [name.value for name in self.script.inside(node, cst.Name) if name.value in env]
        if own:
            raise Unclear(f"{own[0]} on line {self.script.line(node)} is the function's own")
        return node

    def _loop(self, statement: cst.For, env: dict[str, Known]) -> None:
        """`for layer in augmentation_layers: images = layer(images)`."""
        script, body = self.script, statement.body.body
        line = body[0].body[0] if len(body) == 1 and isinstance(body[0], cst.SimpleStatementLine) else None
        found = layers(script, statement.iter)
        call = line.value if isinstance(line, cst.Assign) else None
        plain = isinstance(call, cst.Call) and script.source(call.func) == script.source(statement.target)
        name = script.source(call.args[0].value) if isinstance(call, cst.Call) and call.args else ""
        image = env.get(name)
        if found is None or not plain or not isinstance(line, cst.Assign) or not isinstance(image, Image):
            raise Unclear(f"the loop on line {script.line(statement)} is not understood")
        if [script.source(target.target) for target in line.targets] != [name]:
            raise Unclear(f"the loop on line {script.line(statement)} is not understood")
        env[name] = self._applied(found, image)

    def _applied(self, found: list[cst.Call], image: Image) -> Image:
        for layer in found:
            image = applied(self.script, layer, image)
        return image

    def _assign(self, target: cst.BaseAssignTargetExpression, value: cst.BaseExpression, env: dict[str, Known]) -> None:
        if isinstance(target, cst.Tuple) and len(target.elements) == 2 and self.labelled:
            first, second = (self.script.source(element.value) for element in target.elements)
            env[first], env[second] = self._element(value, env)
            return
        if not isinstance(target, cst.Name):
            raise Unclear(f"line {self.script.line(target)} is not understood")
        if self.script.literal(value) is not UNKNOWN:
            env[target.value] = value
        else:
            env[target.value] = self._value(value, env)

    def _augmented(self, small: cst.AugAssign, env: dict[str, Known]) -> Image:
        image = env.get(self.script.source(small.target))
        if not isinstance(image, Image):
            raise Unclear(f"line {self.script.line(small)} is not understood")
        return self._computed(image, small.operator, self._meant(small.value, env), small)

    def _element(self, node: cst.BaseExpression, env: dict[str, Known]) -> tuple[Image, Label]:
        """What a function returns."""
        given = node.args[0].value if isinstance(node, cst.Call) and node.args else node
        if isinstance(given, cst.Dict):
            self._value(given, env)
        if isinstance(node, cst.Tuple) and len(node.elements) == 2 and self.labelled:
            image, label = (self._value(element.value, env) for element in node.elements)
        elif self.labelled and isinstance(node, cst.Call) and (found := self._function(node.func)) is not None:
            return self._body(found, self._given(node, found, env))
        elif not self.labelled:
            image, label = self._value(node, env), Label()
        else:
            raise Unclear(f"line {self.script.line(node)} does not return (image, label)")
        if not isinstance(image, Image) or not isinstance(label, Label):
            raise Unclear(f"line {self.script.line(node)} does not return (image, label)")
        return image, label

    def _given(self, call: cst.Call, function: cst.FunctionDef, env: dict[str, Known]) -> dict[str, Known]:
        """What a function of the script is called with: what it makes of an element first, then constants."""
        if any(arg.star for arg in call.args):
            raise Unclear(f"line {self.script.line(call)} is not understood")
        named = [arg.with_changes(value=self._meant(arg.value, env)) for arg in call.args if arg.keyword is not None]
        places = [arg.value for arg in call.args if arg.keyword is None]
        given = [self._value(node, env) for node in places[: 1 + self.labelled]]
        if [type(value) for value in given] != [Image, Label][: 1 + self.labelled]:
            raise Unclear(f"line {self.script.line(call)} is not understood")
        return self._environment(
            function.params, *given, *(self._meant(node, env) for node in places[len(given) :]), named=named
        )

    def _value(self, node: cst.BaseExpression, env: dict[str, Known]) -> Image | Label:
        known = env.get(node.value) if isinstance(node, cst.Name) else None
        if isinstance(known, Image | Label):
            return known
        if isinstance(node, cst.Call):
            return self._call(node, env)
        if isinstance(node, cst.BinaryOperation):
            return self._arithmetic(node, env)
        if isinstance(node, cst.Dict):
            raise Unclear(f"elements become dicts on line {self.script.line(node)}; {_DICTS}")
        if isinstance(node, cst.IfExp):
            return self._either(node, (node.test, node.body, node.orelse), env)
        raise Unclear(f"{self.script.source(node)} on line {self.script.line(node)} is not understood")

    def _call(self, node: cst.Call, env: dict[str, Known]) -> Image | Label:
        script, name = self.script, self.script.name(node.func)
        if name == "tf.cond":
            held = [arg.value.body if isinstance(arg.value, cst.Lambda) else arg.value for arg in node.args]
            return self._either(node, held, env)
        if not node.args:
            raise Unclear(f"{script.source(node)} on line {script.line(node)} is not understood")
        inner = self._value(node.args[0].value, env)
        if isinstance(inner, Label):
            return self._label(node, name, inner, env)
        if name in IMAGE_OPS:
            op, order = IMAGE_OPS[name]
            arguments = Arguments(script, node, ("image", *order))
            arguments.given |= {
                key: self._meant(arguments.given[key], env) for key in order if key in arguments and key != "seed"
            }
            if name.startswith("tf.image.stateless_") and "seed" in arguments.literals():
                inner = inner.noted(script.line(node), _FIXED_SEED)
            return OPERATIONS[op](script, inner, arguments, script.line(node))
        if (found_layers := layers(script, node.func)) is not None:
            return self._applied(found_layers, inner)
        found = self._function(node.func)
        if found is not None:
            alone = Reader(script, labelled=False, _depth=self._depth)
            return alone._body(found, alone._given(node, found, env))[0]
        raise Unclear(f"{script.source(node.func)} on line {script.line(node)} has no counterpart in a Pipeline")

    def _label(self, node: cst.Call, name: str | None, label: Label, env: dict[str, Known]) -> Label:
        if name in IMAGE_OPS and name != "tf.cast":
            raise Unclear(f"the second of a pair is an image too (line {self.script.line(node)}); {_MASKS}")
        if name not in ("tf.one_hot", "tf.cast") or label.after is not None:
            raise Unclear(f"{self.script.source(node)} on line {self.script.line(node)} is left to be done by hand")
        named = [f"{arg.keyword.value}=" if arg.keyword is not None else "" for arg in node.args[1:]]
        values = [self.script.source(self._meant(arg.value, env)) for arg in node.args[1:]]
        rest = ", ".join(name + value for name, value in zip(named, values, strict=True))
        return Label(f"{self.script.source(node.func)}(labels, {rest})")

    def _arithmetic(self, node: cst.BinaryOperation, env: dict[str, Known]) -> Image:
        image = self._value(node.left, env)
        if not isinstance(image, Image):
            raise Unclear(f"{self.script.source(node)} on line {self.script.line(node)} is not understood")
        return self._computed(image, node.operator, self._meant(node.right, env), node)

    def _computed(self, image: Image, sign: cst.CSTNode, right: cst.BaseExpression, node: cst.CSTNode) -> Image:
        """An image and a constant: `image / 127.5 - 1`, step by step."""
        script, value = self.script, self.script.literal(right)
        if isinstance(value, int | float) and not isinstance(value, bool):
            if isinstance(sign, cst.Divide | cst.DivideAssign):
                return self._rescaled(image, script.source(right), value, inverse=True)
            if isinstance(sign, cst.Multiply | cst.MultiplyAssign):
                return self._rescaled(image, script.source(right), value, inverse=False)
            if isinstance(sign, cst.Add | cst.AddAssign):
                return self._moved(image, part(script.source(right)))
            if isinstance(sign, cst.Subtract | cst.SubtractAssign):
                return self._moved(image, f"-{part(script.source(right))}")
        raise Unclear(f"{script.source(node)} on line {script.line(node)} is not understood")

    def _moved(self, image: Image, offset: str) -> Image:
        last = image.transforms[-1] if image.transforms else ""
        if ".Rescaling(" not in last or "offset" in last:
            last = f"{self.script.al}.Rescaling(1)"
            image = image.then(last)
        text = f"{last[:-1]}, offset={offset})"
        return replace(image, transforms=(*image.transforms[:-1], text), scale=None, whole=False)

    def _rescaled(self, image: Image, text: str, value: float, *, inverse: bool) -> Image:
        factor = 1 / value if inverse else value
        shown = f"1 / {part(text)}" if inverse else text
        unit = image.scale in (None, 255) and is_unit(factor)
        if image.scale is None and (unit or is_unit(factor / 2)):  # to 0 to 1, or on the way to -1 to 1
            image = replace(image, white=255)
        rescaling = f"{self.script.al}.Rescaling({shown})"
        return image.then(rescaling, scale=1 if unit else None, whole=False)

    def _chance(self, statement: cst.If, env: dict[str, Known]) -> None:
        """`if tf.random.uniform(()) > 0.5: image = f(image)`."""
        p = self._probability(statement.test)
        if p is None or statement.orelse is not None or not isinstance(statement.body, cst.IndentedBlock):
            raise Unclear(f"the condition on line {self.script.line(statement)} is not understood")
        before = dict(env)
        if self._statements(statement.body, env) is not None:
            raise Unclear(f"a return under the condition on line {self.script.line(statement)}")
        for name, image in env.items():
            old = before.get(name)
            if isinstance(image, Image) and isinstance(old, Image) and image is not old:
                env[name] = _sometimes(self.script, old, image, number(p))

    def _probability(self, test: cst.BaseExpression) -> float | None:
        """How often `tf.random.uniform(()) > 0.5` holds; None if it is another condition."""
        if not isinstance(test, cst.Comparison) or len(test.comparisons) != 1:
            return None
        value = self.script.literal(test.comparisons[0].comparator)
        uniform = isinstance(test.left, cst.Call) and self.script.name(test.left.func) == "tf.random.uniform"
        plain = uniform and isinstance(test.left, cst.Call) and len(test.left.args) == 1
        if not plain or not isinstance(value, int | float):
            return None
        below = isinstance(test.comparisons[0].operator, cst.LessThan | cst.LessThanEqual)
        return value if below else 1 - value

    def _either(self, node: cst.CSTNode, parts: Sequence[cst.BaseExpression], env: dict[str, Known]) -> Image:
        """`f(image) if tf.random.uniform(()) > 0.5 else image`, and `tf.cond`."""
        p = self._probability(parts[0]) if len(parts) == 3 else None
        found = [self._value(part_of, env) for part_of in parts[1:]] if p is not None else []
        images = [image for image in found if isinstance(image, Image)]
        if p is None or len(images) != 2:
            raise Unclear(f"the condition on line {self.script.line(node)} is not understood")
        new, old = images
        if len(new.transforms) < len(old.transforms):
            new, old, p = old, new, 1 - p
        return _sometimes(self.script, old, new, number(p))


def _sometimes(script: Script, old: Image, new: Image, p: str) -> Image:
    """The transforms that came under a condition, with its chance."""
    added = new.transforms[len(old.transforms) :]
    same = replace(new, transforms=old.transforms, notes=old.notes) == old
    if not same or not added or any("p=" in text and "p=1)" not in text for text in added):
        raise Unclear("what is done under a condition has no counterpart in a Pipeline")
    plain = [text.replace(", p=1)", ")") for text in added]
    if len(plain) == 1:
        flip = ".RandomFlip(" in plain[0]
        if flip and ", p=1)" not in added[0]:  # a random flip under a coin
            p = number(float(p) / 2)
        inner = plain[0][:-1]
        joined = "" if inner.endswith("(") else ", "
        text = plain[0] if flip and p == "0.5" else f"{inner}{joined}p={p})"
        return replace(new, transforms=(*old.transforms, text))
    return replace(new, transforms=(*old.transforms, f"{script.al}.Sequential([{', '.join(added)}], p={p})"))

"""What a function given to `Dataset.map` does to an image, as a list of transforms; straight-line code only."""

from __future__ import annotations

from dataclasses import dataclass, replace

import libcst as cst

from augline.migrate.arguments import Arguments
from augline.migrate.image_ops import OPERATIONS, Image, Label
from augline.migrate.layers import applied, layers
from augline.migrate.layout import number, part
from augline.migrate.notes import Unclear
from augline.migrate.rules import IMAGE_OPS
from augline.migrate.script import Script

_MASKS = "images and masks by one draw are al.Pipeline(al.Files(images, masks=masks), ...)"
_DICTS = "MixUp and CutMix, which want that in Keras, stand in the list of a Pipeline, whose labels are one-hot"
_CONSTANT = "a constant seed gave every image the same draw; each has a draw of its own now"


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
            return self._element(function.body, self._environment(function.params, image, label))
        found = self._function(function)
        if found is not None:
            return self._body(found, self._environment(found.params, image, label))
        if not self.labelled and (found_layers := layers(self.script, function)) is not None:
            return self._applied(found_layers, image), label
        raise Unclear(f"{self.script.source(function)} is not a function of this script")

    def _function(self, node: cst.BaseExpression) -> cst.FunctionDef | None:
        if not isinstance(node, cst.Name):
            return None
        found = [getattr(binding, "node", None) for binding in self.script.bindings(node)]
        return found[0] if len(found) == 1 and isinstance(found[0], cst.FunctionDef) else None

    def _environment(self, params: cst.Parameters, image: Image, label: Label) -> dict[str, Image | Label]:
        names = [param.name.value for param in params.params]
        if len(names) != 1 + self.labelled or params.star_kwarg or isinstance(params.star_arg, cst.Param):
            raise Unclear("its function must take (image, label), or the image alone")
        return dict(zip(names, (image, label), strict=False))

    def _body(self, function: cst.FunctionDef, env: dict[str, Image | Label]) -> tuple[Image, Label]:
        self._depth += 1
        if self._depth > 8 or not isinstance(function.body, cst.IndentedBlock):
            raise Unclear(f"{function.name.value} is not straight-line code")
        for statement in function.body.body:
            result = self._statement(statement, env)
            if result is not None:
                self._depth -= 1
                return self._element(result, env)
        raise Unclear(f"{function.name.value} returns nothing")

    def _statement(self, statement: cst.BaseStatement, env: dict[str, Image | Label]) -> cst.BaseExpression | None:
        if isinstance(statement, cst.If):
            self._chance(statement, env)
            return None
        if isinstance(statement, cst.For):
            self._loop(statement, env)
            return None
        if not isinstance(statement, cst.SimpleStatementLine):
            raise Unclear(f"line {self.script.line(statement)} is not straight-line code")
        for small in statement.body:
            if isinstance(small, cst.Return) and small.value is not None:
                return small.value
            if isinstance(small, cst.Assign) and len(small.targets) == 1:
                self._assign(small.targets[0].target, small.value, env)
            elif isinstance(small, cst.AugAssign) and isinstance(small.target, cst.Name):
                env[small.target.value] = self._augmented(small, env)
            elif not (isinstance(small, cst.Expr) and isinstance(small.value, cst.SimpleString)):
                raise Unclear(f"line {self.script.line(small)} is not understood")
        return None

    def _loop(self, statement: cst.For, env: dict[str, Image | Label]) -> None:
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

    def _assign(
        self, target: cst.BaseAssignTargetExpression, value: cst.BaseExpression, env: dict[str, Image | Label]
    ) -> None:
        if isinstance(target, cst.Tuple) and len(target.elements) == 2 and self.labelled:
            first, second = (self.script.source(element.value) for element in target.elements)
            env[first], env[second] = self._element(value, env)
            return
        if not isinstance(target, cst.Name):
            raise Unclear(f"line {self.script.line(target)} is not understood")
        env[target.value] = self._value(value, env)

    def _augmented(self, small: cst.AugAssign, env: dict[str, Image | Label]) -> Image:
        image = env.get(self.script.source(small.target))
        value = self.script.literal(small.value)
        factors = {cst.DivideAssign: -1, cst.MultiplyAssign: 1}
        if not isinstance(image, Image) or type(small.operator) not in factors or not isinstance(value, int | float):
            raise Unclear(f"line {self.script.line(small)} is not understood")
        inverse = factors[type(small.operator)] < 0
        return self._rescaled(image, self.script.source(small.value), value, inverse=inverse)

    def _element(self, node: cst.BaseExpression, env: dict[str, Image | Label]) -> tuple[Image, Label]:
        """What a function returns."""
        given = node.args[0].value if isinstance(node, cst.Call) and node.args else node
        if isinstance(given, cst.Dict):
            raise Unclear(f"elements become dicts on line {self.script.line(node)}; {_DICTS}")
        if isinstance(node, cst.Tuple) and len(node.elements) == 2 and self.labelled:
            image, label = (self._value(element.value, env) for element in node.elements)
        elif self.labelled and isinstance(node, cst.Call) and (found := self._function(node.func)) is not None:
            values = [self._value(arg.value, env) for arg in node.args if arg.keyword is None]
            if len(values) != 2 or not isinstance(values[0], Image) or not isinstance(values[1], Label):
                raise Unclear(f"line {self.script.line(node)} is not understood")
            return self._body(found, self._environment(found.params, values[0], values[1]))
        elif not self.labelled:
            image, label = self._value(node, env), Label()
        else:
            raise Unclear(f"line {self.script.line(node)} does not return (image, label)")
        if not isinstance(image, Image) or not isinstance(label, Label):
            raise Unclear(f"line {self.script.line(node)} does not return (image, label)")
        return image, label

    def _value(self, node: cst.BaseExpression, env: dict[str, Image | Label]) -> Image | Label:
        if isinstance(node, cst.Name) and node.value in env:
            return env[node.value]
        if isinstance(node, cst.Call):
            return self._call(node, env)
        if isinstance(node, cst.BinaryOperation):
            return self._arithmetic(node, env)
        raise Unclear(f"{self.script.source(node)} on line {self.script.line(node)} is not understood")

    def _call(self, node: cst.Call, env: dict[str, Image | Label]) -> Image | Label:
        script, name = self.script, self.script.name(node.func)
        if not node.args:
            raise Unclear(f"{script.source(node)} on line {script.line(node)} is not understood")
        inner = self._value(node.args[0].value, env)
        if isinstance(inner, Label):
            return self._label(node, name, inner, env)
        if name in IMAGE_OPS:
            op, order = IMAGE_OPS[name]
            arguments = Arguments(script, node, ("image", *order))
            if name.startswith("tf.image.stateless_") and "seed" in arguments.literals():
                inner = inner.noted(script.line(node), _CONSTANT)
            return OPERATIONS[op](script, inner, arguments, script.line(node))
        if (found_layers := layers(script, node.func)) is not None:
            return self._applied(found_layers, inner)
        found = self._function(node.func)
        if found is not None and len(found.params.params) == 1 and len(node.args) == 1:
            alone = Reader(script, labelled=False, _depth=self._depth)
            return alone._body(found, {found.params.params[0].name.value: inner})[0]
        raise Unclear(f"{script.source(node.func)} on line {script.line(node)} has no counterpart in a Pipeline")

    def _label(self, node: cst.Call, name: str | None, label: Label, env: dict[str, Image | Label]) -> Label:
        if name in IMAGE_OPS and name != "tf.cast":
            raise Unclear(f"the second of a pair is an image too (line {self.script.line(node)}); {_MASKS}")
        if name not in ("tf.one_hot", "tf.cast") or label.after is not None:
            raise Unclear(f"{self.script.source(node)} on line {self.script.line(node)} is left to be done by hand")
        rest = ", ".join(self.script.source(arg) for arg in node.args[1:])
        return Label(f"{self.script.source(node.func)}(labels, {rest})")

    def _arithmetic(self, node: cst.BinaryOperation, env: dict[str, Image | Label]) -> Image:
        """Division and multiplication by a constant, and `/ 127.5 - 1`."""
        script = self.script
        image, value = self._value(node.left, env), script.literal(node.right)
        if not isinstance(image, Image) or not isinstance(value, int | float):
            raise Unclear(f"{script.source(node)} on line {script.line(node)} is not understood")
        if isinstance(node.operator, cst.Divide | cst.Multiply):
            inverse = isinstance(node.operator, cst.Divide)
            return self._rescaled(image, script.source(node.right), value, inverse=inverse)
        last = image.transforms[-1] if image.transforms else ""
        if isinstance(node.operator, cst.Subtract | cst.Add) and ".Rescaling(" in last and "offset" not in last:
            sign = "-" if isinstance(node.operator, cst.Subtract) else ""
            text = f"{last[:-1]}, offset={sign}{script.source(node.right)})"
            return replace(image, transforms=(*image.transforms[:-1], text), scale=None)
        raise Unclear(f"{script.source(node)} on line {script.line(node)} is not understood")

    def _rescaled(self, image: Image, text: str, value: float, *, inverse: bool) -> Image:
        factor = 1 / value if inverse else value
        shown = f"1 / {part(text)}" if inverse else text
        unit = (image.scale in (None, 255)) and abs(factor * 255 - 1) < 1e-6
        rescaling = f"{self.script.al}.Rescaling({shown})"
        return image.then(rescaling, scale=1 if unit else None, whole=False)

    def _chance(self, statement: cst.If, env: dict[str, Image | Label]) -> None:
        """`if tf.random.uniform(()) > 0.5: image = f(image)`."""
        script, test = self.script, statement.test
        if statement.orelse is not None or not isinstance(test, cst.Comparison) or len(test.comparisons) != 1:
            raise Unclear(f"the condition on line {script.line(statement)} is not understood")
        value = script.literal(test.comparisons[0].comparator)
        uniform = isinstance(test.left, cst.Call) and script.name(test.left.func) == "tf.random.uniform"
        plain = uniform and isinstance(test.left, cst.Call) and len(test.left.args) == 1
        below = isinstance(test.comparisons[0].operator, cst.LessThan | cst.LessThanEqual)
        if not plain or not isinstance(value, int | float) or not isinstance(statement.body, cst.IndentedBlock):
            raise Unclear(f"the condition on line {script.line(statement)} is not understood")
        p = number(value if below else 1 - value)
        before = dict(env)
        for inner in statement.body.body:
            if self._statement(inner, env) is not None:
                raise Unclear(f"a return under the condition on line {script.line(statement)}")
        for name, image in env.items():
            old = before.get(name)
            if isinstance(image, Image) and isinstance(old, Image) and image is not old:
                env[name] = _sometimes(script, old, image, p)


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

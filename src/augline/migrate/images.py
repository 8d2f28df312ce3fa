"""What a function given to `Dataset.map` does to an image, as a list of transforms; straight-line code only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import libcst as cst

from augline.migrate.arguments import Arguments
from augline.migrate.generators import as_tuple
from augline.migrate.layout import number, part
from augline.migrate.notes import Unclear
from augline.migrate.rules import IMAGE_OPS, LAYER_ARGUMENTS_DROPPED, LAYERS
from augline.migrate.script import UNKNOWN, Script

_SATURATION = (
    "tf.image draws the factor of saturation evenly, RandomSaturation its share factor / (1 + factor): the same range, "
    "a little more often pale"
)
_TINY = (
    "random_brightness({delta}) on float pixels of 0 to 255 changes nearly nothing; if a share of the range was meant, "
    "write RandomBrightness({delta})"
)
_RANGE = "random_brightness is taken to act on pixels of 0 to 1"
_RESIZE = "augline antialiases when it shrinks images; tf.image.resize does not unless told to"


@dataclass
class Image:
    """What has happened to an image so far.

    Args:
        scale: What white is: 1, 255, or None if it does not show.
        whole: Whether pixels are whole numbers.
    """

    scale: int | None = None
    whole: bool = False
    transforms: tuple[str, ...] = ()
    size: str | None = None
    pixels: tuple[int, int] | None = None
    file: bool = False
    after: str | None = None
    """A function that is left to be done on the batches."""
    notes: tuple[tuple[int, str], ...] = ()

    def then(self, *texts: str, **changes: Any) -> Image:
        """One step further."""
        if self.after is not None:
            raise Unclear(f"something follows {self.after}, which a Pipeline does not have")
        return replace(self, transforms=self.transforms + texts, **changes)

    def noted(self, line: int, text: str) -> Image:
        """With a remark."""
        return replace(self, notes=(*self.notes, (line, text)))


@dataclass
class Label:
    """The other part of an element, and a function on it that can as well be done on batches."""

    after: str | None = None


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
        if not self.labelled and (layers := self.layers(function)) is not None:
            return self._apply_layers(layers, image), label
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

    def _assign(
        self, target: cst.BaseAssignTargetExpression, value: cst.BaseExpression, env: dict[str, Image | Label]
    ) -> None:
        if isinstance(target, cst.Tuple) and len(target.elements) == 2 and self.labelled:
            results = self._element(value, env)
            names = [element.value for element in target.elements]
            if all(isinstance(name, cst.Name) for name in names):
                env.update({self.script.source(name): r for name, r in zip(names, results, strict=True)})
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
            done = _OPS[op](self, inner, arguments, script.line(node))
            return done
        if (layers := self.layers(node.func)) is not None:
            return self._apply_layers(layers, inner)
        found = self._function(node.func)
        if found is not None and len(found.params.params) == 1 and len(node.args) == 1:
            alone = Reader(script, labelled=False, _depth=self._depth)
            return alone._body(found, {found.params.params[0].name.value: inner})[0]
        raise Unclear(f"{script.source(node.func)} on line {script.line(node)} has no counterpart in a Pipeline")

    def _label(self, node: cst.Call, name: str | None, label: Label, env: dict[str, Image | Label]) -> Label:
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

    def layers(self, node: cst.BaseExpression) -> list[cst.Call] | None:
        """The Keras layers that an expression stands for: a layer, or a Sequential of layers."""
        made = self.script.value(node) if isinstance(node, cst.Name) else node
        if not isinstance(made, cst.Call):
            return None
        name = self.script.name(made.func) or ""
        if name in ("keras.Sequential", "keras.models.Sequential"):
            held = made.args[0].value if made.args else None
            if not isinstance(held, cst.List | cst.Tuple):
                return None
            inner = [self.layers(element.value) for element in held.elements]
            if any(found is None for found in inner):
                raise Unclear(f"a layer in {self.script.source(node)} is not Keras's")
            return [layer for found in inner if found is not None for layer in found]
        return [made] if name.startswith("keras.layers.") else None

    def _apply_layers(self, layers: Sequence[cst.Call], image: Image) -> Image:
        script = self.script
        for layer in layers:
            name = (script.name(layer.func) or "").rpartition(".")[2]
            if name == "Input" or name == "InputLayer":
                continue
            if name not in LAYERS:
                raise Unclear(f"augline has no {name} (line {script.line(layer)})")
            kept = [a for a in layer.args if not (a.keyword and a.keyword.value in LAYER_ARGUMENTS_DROPPED)]
            text = f"{script.al}.{name}({', '.join(script.source(arg) for arg in kept)})"
            if name == "Resizing" and not image.transforms and image.size is None and len(kept) == 2:
                image = image.then(size=f"({', '.join(script.source(a.value) for a in kept)})", whole=False)
                continue
            scale = image.scale
            if name == "Rescaling":
                factor = script.literal(kept[0].value) if kept else UNKNOWN
                unit = isinstance(factor, int | float) and abs(factor * 255 - 1) < 1e-6 and len(kept) == 1
                scale = 1 if unit else None
            image = image.then(text, scale=scale, whole=False)
        return image


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


_Op = Callable[[Reader, Image, Arguments, int], Image]


def _flip(side: str, tail: str = "") -> _Op:
    return lambda reader, image, args, line: image.then(f'{reader.script.al}.RandomFlip("{side}"{tail})')


def _brightness(reader: Reader, image: Image, args: Arguments, line: int) -> Image:
    delta = args.code("max_delta")
    if image.scale == 255 and not image.whole:
        value = args.value("max_delta")
        if isinstance(value, int | float) and value <= 1:
            image = image.noted(line, _TINY.format(delta=delta))
        delta = f"{part(delta)} / 255"
    elif image.scale is None:
        image = image.noted(line, _RANGE)
    return image.then(f"{reader.script.al}.RandomBrightness({delta})")


def _contrast(reader: Reader, image: Image, args: Arguments, line: int) -> Image:
    low, high = args.value("lower"), args.value("upper")
    if isinstance(low, int | float) and isinstance(high, int | float):
        down, up = number(1 - low), number(high - 1)
        return image.then(f"{reader.script.al}.RandomContrast({down if down == up else f'({down}, {up})'})")
    text = f"(1 - {part(args.code('lower'))}, {part(args.code('upper'))} - 1)"
    return image.then(f"{reader.script.al}.RandomContrast({text})")


def _saturation(reader: Reader, image: Image, args: Arguments, line: int) -> Image:
    low, high = (number(float(args.known(name)) / (1 + float(args.known(name)))) for name in ("lower", "upper"))
    return image.noted(line, _SATURATION).then(f"{reader.script.al}.RandomSaturation(({low}, {high}))")


def _hue(reader: Reader, image: Image, args: Arguments, line: int) -> Image:
    value = args.value("max_delta")
    text = number(2 * value) if isinstance(value, int | float) else f"2 * {part(args.code('max_delta'))}"
    return image.then(f"{reader.script.al}.RandomHue({text})")


def _rot90(reader: Reader, image: Image, args: Arguments, line: int) -> Image:
    k = args.given.get("k")
    drawn = reader.script.value(k) if isinstance(k, cst.Name) else k
    text = reader.script.source(drawn).replace(" ", "") if drawn is not None else ""
    if "random.uniform" not in text or not ("maxval=4" in text or ",0,4" in text):
        raise Unclear(f"rot90 on line {line} turns by a fixed angle, for which a Pipeline has no transform")
    return image.then(f"{reader.script.al}.RandomRotate90()")


def _resize(reader: Reader, image: Image, args: Arguments, line: int) -> Image:
    if args.value("preserve_aspect_ratio", False) is not False:
        raise Unclear(f"preserve_aspect_ratio on line {line} has no counterpart in a Pipeline")
    method = args.code("method", "bilinear").lower()
    if not ("bilinear" in method or "nearest" in method):
        raise Unclear(f"{method} on line {line}: a Pipeline resizes with bilinear or nearest")
    size, value = as_tuple(args.code("size")), args.value("size")
    pixels = (value[0], value[1]) if isinstance(value, tuple | list) and len(value) == 2 else None
    changes: dict[str, Any] = {"pixels": pixels, "whole": False}
    image = image.noted(line, _RESIZE) if args.value("antialias", False) is not True else image
    if not image.transforms and image.size is None and "nearest" not in method:
        return image.then(size=size, **changes)
    inner = size[1:-1] if size.startswith("(") else f"*{size}"
    tail = ', interpolation="nearest"' if "nearest" in method else ""
    return image.then(f"{reader.script.al}.Resizing({inner}{tail})", **changes)


def _central_crop(reader: Reader, image: Image, args: Arguments, line: int) -> Image:
    fraction = args.known("central_fraction")
    if image.pixels is None or not all(isinstance(side, int) for side in image.pixels):
        raise Unclear(f"central_crop on line {line} needs a known size: resize before it")
    height, width = (side - 2 * int((side - side * fraction) / 2) for side in image.pixels)
    return image.then(f"{reader.script.al}.CenterCrop({height}, {width})", pixels=(height, width))


def _random_crop(reader: Reader, image: Image, args: Arguments, line: int) -> Image:
    node = args.given.get("size")
    if not isinstance(node, cst.List | cst.Tuple) or len(node.elements) != 3:
        raise Unclear(f"the size of random_crop on line {line} is not [height, width, channels]")
    sides = [node.elements[0].value, node.elements[1].value]
    height, width = (reader.script.source(side) for side in sides)
    known = [reader.script.literal(side) for side in sides]
    pixels = (known[0], known[1]) if all(isinstance(side, int) for side in known) else None
    return image.then(f"{reader.script.al}.RandomCrop({height}, {width})", pixels=pixels)


def _standardize(reader: Reader, image: Image, args: Arguments, line: int) -> Image:
    """Per image, and it takes batches: it is left to be done at the end."""
    return image.then(after=f"{reader.script.source(args.function)}(images)")


def _convert(reader: Reader, image: Image, args: Arguments, line: int) -> Image:
    if "float32" not in args.code("dtype"):
        raise Unclear(f"convert_image_dtype on line {line} is not to float32")
    if image.scale == 1:
        return image
    if not image.whole:
        raise Unclear(f"what convert_image_dtype on line {line} is given does not show")
    return image.then(f"{reader.script.al}.Rescaling(1 / 255)", scale=1, whole=False)


def _cast(reader: Reader, image: Image, args: Arguments, line: int) -> Image:
    if "float32" not in args.code("dtype"):
        raise Unclear(f"cast on line {line} is not to float32")
    return image.then(whole=False)


def _clip(reader: Reader, image: Image, args: Arguments, line: int) -> Image:
    return image  # augline's transforms clip to the range of the images


def _read(reader: Reader, image: Image, args: Arguments, line: int) -> Image:
    return image.then(file=True)


def _decode(reader: Reader, image: Image, args: Arguments, line: int) -> Image:
    if args.value("channels", 0) not in (0, 3) or not image.file:
        raise Unclear(f"decoding on line {line} is not of files to three channels")
    return image.then(scale=255, whole=True)


_OPS: dict[str, _Op] = {
    "flip_x": _flip("horizontal"),
    "flip_y": _flip("vertical"),
    "always_flip_x": _flip("horizontal", ", p=1"),
    "always_flip_y": _flip("vertical", ", p=1"),
    "brightness": _brightness,
    "contrast": _contrast,
    "saturation": _saturation,
    "hue": _hue,
    "rot90": _rot90,
    "resize": _resize,
    "central_crop": _central_crop,
    "random_crop": _random_crop,
    "standardize": _standardize,
    "convert": _convert,
    "cast": _cast,
    "clip": _clip,
    "read": _read,
    "decode": _decode,
}

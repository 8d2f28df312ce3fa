"""Level 2 for model.fit and its old relatives: what they are given, and the arguments they no longer have."""

from __future__ import annotations

from collections.abc import Iterable

import libcst as cst

from augline.migrate.fields import value_of
from augline.migrate.flows import Flows, data_argument
from augline.migrate.rules import (
    COUNTS_OF_IMAGES,
    DROPPED_ARGUMENTS,
    KERAS_1,
    MODEL_CALLS,
    RENAMED_ARGUMENTS,
    SEQUENCES,
    STEPS,
)
from augline.migrate.script import Script

_EPOCH = "an epoch is every image once, len(pipe) steps; the number of steps that was given is gone"
_KEPT = "{name} is not the length of the data: it is kept, and the data repeated"
_THREADS = "workers stay threads; without processes=False they are processes, which pure Python code gains from"
_IMAGES = (
    "{names}: Keras 1 counted images, and steps count batches; the call stays as it is: write {new} with the number of "
    "images divided by the batch size"
)
_OPTIONS = "Keras 3's fit has no {names}; gone"


def rewrite_training(script: Script, flows: Flows) -> None:
    """Rewrites the calls of fit, evaluate and predict that have an old name or are given something of ours."""
    for call in script.all(cst.Call):
        if isinstance(call.func, cst.Attribute) and call.func.attr.value in MODEL_CALLS:
            _Call(script, call, flows).rewrite()


class _Call:
    def __init__(self, script: Script, call: cst.Call, flows: Flows) -> None:
        assert isinstance(call.func, cst.Attribute)
        self.script, self.call, self.fed, self._flows = script, call, flows.fed, flows.calls
        self.old = call.func.attr.value
        self.new, self.order = MODEL_CALLS[self.old]

    def rewrite(self) -> None:
        script = self.script
        data = [arg for arg in self.call.args if data_argument(script, arg)]
        sequences = [arg for arg in data if self._is_sequence(arg.value)]
        ours = [arg for arg in data if arg.value in self.fed]
        if self.old == self.new and not ours and not sequences:
            return
        with_length = [arg for arg in data if arg in (*ours, *sequences) or self._is_flow(arg.value)]
        fed = {self._steps_name(arg) for arg in with_length}
        counted = [arg for arg in self.call.args if self._counts_images(arg) and self._name(arg) not in fed]
        if counted:
            names = " and ".join(arg.keyword.value if arg.keyword else script.source(arg) for arg in counted)
            script.notes.add(script.line(self.call), _IMAGES.format(names=names, new=self.new), everywhere=True)
            script.modernised.add(self.call)
            return
        assert isinstance(self.call.func, cst.Attribute)
        if self.old != self.new:
            script.modernised.add(self.call)
            script.edits.replace(script.span(self.call.func.attr), self.new)
        gone = [arg for arg in self.call.args if self._name(arg) in DROPPED_ARGUMENTS]
        kept_steps = self._steps(with_length, gone)
        for arg in sequences:
            self._wrap(arg)
        for arg in ours:
            self._feed(arg, repeated=self._steps_name(arg) in kept_steps)
        self._arguments(gone)
        if self.new == "fit" and any(self._name(arg) != "validation_data" for arg in (*ours, *sequences)):
            self._unshuffled(gone)

    def _unshuffled(self, gone: list[cst.Arg]) -> None:
        """Data sets come in an order of their own: told to shuffle them, which is its default, fit warns."""
        script = self.script
        given = [arg for arg in self.call.args if self._name(arg) == "shuffle"]
        if given and script.literal(given[0].value) is True:
            script.edits.replace(script.span(given[0].value), "False")
        elif not given:
            last = next(arg for arg in reversed(self.call.args) if arg not in gone)
            script.edits.insert(script.span(last.value)[1], ", shuffle=False")

    def _name(self, arg: cst.Arg) -> str:
        if arg.keyword is not None:
            return RENAMED_ARGUMENTS.get(arg.keyword.value, arg.keyword.value)
        place = list(self.call.args).index(arg)
        return self.order[place] if place < len(self.order) and not arg.star else ""

    def _counts_images(self, arg: cst.Arg) -> bool:
        """Whether it is a number of images, as Keras 1 had it, and not of batches."""
        keywords = [other.keyword.value for other in self.call.args if other.keyword is not None]
        if arg.keyword is not None:
            return arg.keyword.value in COUNTS_OF_IMAGES
        return self._name(arg) in STEPS and any(name in KERAS_1 for name in keywords)

    def _is_flow(self, value: cst.BaseExpression) -> bool:
        """Whether it is an iterator of an ImageDataGenerator, which has a length, whatever becomes of it."""
        return value_of(self.script, value) in self._flows

    def _is_sequence(self, value: cst.BaseExpression) -> bool:
        """Whether it is an object of a class in this script that extends Sequence or PyDataset."""
        made = self.script.value(value) if isinstance(value, cst.Name) else value
        if not isinstance(made, cst.Call) or not isinstance(made.func, cst.Name):
            return False
        classes = {binding.node for binding in self.script.bindings(made.func) if hasattr(binding, "node")}
        return any(
            isinstance(node, cst.ClassDef) and any(self.script.name(base.value) in SEQUENCES for base in node.bases)
            for node in classes
        )

    def _wrap(self, arg: cst.Arg) -> None:
        """A Sequence: fit reads its batches in another order each epoch, with threads unless told otherwise."""
        script, value = self.script, arg.value
        trains = self.new == "fit" and self._name(arg) != "validation_data"
        options = [", shuffle=True"] if trains and self._literal("shuffle", True) is not False else []
        if self._literal("workers", 1) not in (0, 1, None):
            options.append(f", workers={script.source(self._given('workers'))}")
            if self._literal("use_multiprocessing", False) is not True:
                options.append(", processes=False")
                script.notes.add(script.line(self.call), _THREADS)
        written = script.edits.text(script.span(value))
        script.edits.replace(script.span(value), f"{script.al}.to_dataset({written}{''.join(options)})")
        script.needs_augline = True

    def _given(self, name: str) -> cst.BaseExpression:
        return next(arg.value for arg in self.call.args if self._name(arg) == name)

    def _literal(self, name: str, default: object) -> object:
        given = any(self._name(arg) == name for arg in self.call.args)
        return self.script.literal(self._given(name)) if given else default

    def _feed(self, arg: cst.Arg, *, repeated: bool) -> None:
        script, value = self.script, arg.value
        tail = ".repeat()" if repeated else ""
        resumed = self.new == "fit" and self._name(arg) != "validation_data"
        start = ""
        if resumed and self._literal("initial_epoch", 0) != 0:
            start = f"start=({script.source(self._given('initial_epoch'))}, 0)"
        made = isinstance(value, cst.Call) and value is not self.fed[value].call
        if isinstance(value, cst.Name | cst.Attribute) or made:
            script.edits.insert(script.span(value)[1], f".to_tf({start}){tail}")
        elif repeated or start:
            written = script.edits.text(script.span(value)).removesuffix("to_tf()")
            script.edits.replace(script.span(value), f"{written}to_tf({start}){tail}")

    def _steps_name(self, arg: cst.Arg) -> str:
        if self._name(arg) == "validation_data":
            return "validation_steps"
        return "steps_per_epoch" if self.new == "fit" else "steps"

    def _steps(self, data: Iterable[cst.Arg], gone: list[cst.Arg]) -> set[str]:
        """Drops the numbers of steps that say how long the data is; the names of those that say something else."""
        kept = set()
        fed = {self._steps_name(arg): arg for arg in data}
        for arg in self.call.args:
            name = self._name(arg)
            if name not in STEPS or name not in fed or self.script.literal(arg.value) is None:
                continue
            kept_flow = self._is_flow(fed[name].value) and fed[name].value not in self.fed
            if self._counts_images(arg) or (not kept_flow and self._is_length(arg.value, fed[name])):
                gone.append(arg)
                if not self._exact(arg.value):
                    self.script.notes.add(self.script.line(arg), _EPOCH)
            elif fed[name].value in self.fed:
                kept.add(name)
                self.script.notes.add(self.script.line(arg), _KEPT.format(name=name))
        return kept

    def _exact(self, steps: cst.BaseExpression) -> bool:
        return isinstance(steps, cst.Call) and self.script.source(steps.func) == "len"

    def _is_length(self, steps: cst.BaseExpression, data: cst.Arg) -> bool:
        """Whether it is `len(data)`, or something divided by the batch size and perhaps rounded."""
        script = self.script
        if isinstance(steps, cst.Name) and (value := script.value(steps)) is not None:
            return self._is_length(value, data)
        if isinstance(steps, cst.Call) and steps.args:
            function = script.source(steps.func).rpartition(".")[2]
            inner = steps.args[0].value
            if function == "len":
                return script.source(inner) == script.source(data.value)
            return function in ("ceil", "int", "floor", "round", "max") and self._is_length(inner, data)
        if isinstance(steps, cst.BinaryOperation) and isinstance(steps.operator, cst.Add):
            return script.literal(steps.right) == 1 and self._is_length(steps.left, data)
        if isinstance(steps, cst.BinaryOperation) and isinstance(steps.operator, cst.FloorDivide | cst.Divide):
            return self._is_batch_size(steps.right, data)
        return False

    def _is_batch_size(self, divisor: cst.BaseExpression, data: cst.Arg) -> bool:
        script = self.script
        text = script.source(divisor)
        if text.endswith(".batch_size"):
            return True
        flow = self.fed.get(data.value)
        if flow is None or flow.parts is None:
            return "batch" in text.lower()
        mine = flow.parts.settings.get("batch_size", "32")
        value = script.literal(divisor)
        return (
            text == mine
            or (isinstance(value, int) and str(value) == mine)
            or (isinstance(value, int) and value == flow.batch_size)
        )

    def _arguments(self, gone: list[cst.Arg]) -> None:
        """Takes out arguments, and names those that stood by place where the order has changed."""
        script, args = self.script, list(self.call.args)
        options = [self._name(arg) for arg in gone if self._name(arg) in DROPPED_ARGUMENTS]
        if options:
            script.notes.add(script.line(self.call), _OPTIONS.format(names=", ".join(sorted(options))))
        renamed = self.old != self.new
        for arg in args:
            if renamed and arg not in gone and not arg.star and (args.index(arg) > 0 or arg.keyword is not None):
                self._named(arg)
        kept = [place for place, arg in enumerate(args) if arg not in gone]
        for place, arg in enumerate(args):
            if arg in gone and kept and place < kept[-1]:
                self._cut(script.span(arg)[0], script.span(arg)[1], script.span(args[place + 1])[0])
        if args and args[-1] in gone:
            first = kept[-1] + 1 if kept else 0
            self._cut_tail(script.span(args[first - 1])[1] if first else None, script.span(args[first])[0])

    def _cut(self, start: int, end: int, following: int) -> None:
        """Takes out an argument with the comment behind it; a comment above the one that follows stays."""
        source = self.script.edits.source
        line_end = source.find(b"\n", end, following)
        if line_end >= 0 and b"#" in source[line_end:following]:
            start = len(source[:start].rstrip(b" \t"))
            alone = source[start - 1 : start] == b"\n"
            line_end -= source[line_end - 1 : line_end] == b"\r"
            start, following = (start, source.find(b"\n", line_end) + 1) if alone else (start, line_end)
        self.script.edits.replace((start, following), "")

    def _cut_tail(self, kept_end: int | None, start: int) -> None:
        """Takes out the last arguments; a comment behind the last that stays stays too."""
        script, args = self.script, self.call.args
        source = script.edits.source
        if kept_end is None or b"#" in source[kept_end:start]:
            script.edits.replace((start, script.span(self.call)[1] - 1), "")
        else:
            script.edits.replace((kept_end, script.span(args[-1])[1]), "")

    def _named(self, arg: cst.Arg) -> None:
        script, name = self.script, self._name(arg)
        if arg.keyword is not None and arg.keyword.value != name:
            script.edits.replace(script.span(arg.keyword), name)
        elif arg.keyword is None and name:
            at = script.span(arg)[0]
            script.edits.insert(at, f"{name}=")

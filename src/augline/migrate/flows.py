"""Level 2 for ImageDataGenerator: each flow becomes a Pipeline, where all that is done with it is understood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import libcst as cst

from augline.migrate.arguments import Arguments
from augline.migrate.attributes import attribute
from augline.migrate.fields import Use, uses_of, value_of, written
from augline.migrate.flow_sources import Parts
from augline.migrate.generators import translated
from augline.migrate.layout import Code, Group, laid_out
from augline.migrate.notes import Unclear
from augline.migrate.returns import received
from augline.migrate.rules import FLOW_ARGUMENTS, GENERATORS, MODEL_CALLS
from augline.migrate.script import Script

_SPLIT = (
    "split() holds out other files than validation_split did (a keyed choice, not the first of each class), and does "
    "not augment them"
)
_HALF = (
    "split() holds out other files than validation_split did: every script that uses the other part must take it from "
    "split() too"
)
_ONE_PASS = "a loop over a Pipeline ends after one epoch; over ImageDataGenerator's iterator it went on for ever"
_NEXT = "next(iter(pipe)) is the first batch of the pipeline's next epoch"
_BATCH = "pipe.batch(epoch, step) is always the same batch; the iterator augmented it anew each time"
_AGAIN = (
    "each to_tf() begins at epoch 0 with its draws: for further training write to_tf(start=(epoch, 0)), or keep one "
    "data set in a variable"
)
_SAME = (
    "each to_tf() begins at epoch 0 with its draws, so that these predictions repeat the same images; to_tf(start=(n, "
    "0)) gives the draws of epoch n"
)
_ZIPPED = "images and masks by one draw are al.Pipeline(al.MaskFolder(images, masks), ...)"
_LOOPS = (cst.For, cst.While)
_DATA_ARGUMENTS = ("x", "generator", "validation_data")


@dataclass(eq=False)
class Flow:
    """One call of `flow...` and what becomes of it."""

    call: cst.Call
    method: str
    generator: cst.Call
    assign: cst.Assign | None = None
    parts: Parts | None = None
    batch_size: object = 32
    fed: list[cst.CSTNode] = field(default_factory=list)
    made: list[cst.CSTNode] = field(default_factory=list)
    changes: list[Callable[[], None]] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)

    @property
    def name(self) -> str | None:
        """The variable it is assigned to."""
        return written(self.assign.targets[0].target) if self.assign else None


@dataclass
class Flows:
    """What level 2 did with the generators of a script."""

    fed: dict[cst.CSTNode, Flow]
    """Arguments of model calls that are pipelines now."""
    gone: set[cst.CSTNode]
    """Uses of ImageDataGenerator that are no more."""
    calls: set[cst.CSTNode]
    """All calls of `flow...`, also those that stay."""


def rewrite_flows(script: Script) -> Flows:
    """Rewrites what can be rewritten; the rest is noted, and keeps ImageDataGenerator."""
    calls = [c for c in script.all(cst.Call) if script.name(c.func) in GENERATORS]
    flows = found(script)
    for flow in flows:
        _understand(script, flow)
    _keep_halves_together(script, flows)
    good = [flow for flow in flows if flow.parts is not None]
    paired = _pairs(script, good)
    for flow in good:
        for change in flow.changes:
            change()
        for line, text in flow.notes:
            script.notes.add(line, text)
        if flow not in paired:
            _write(script, flow)
    for training, validation in paired.items():
        if training.parts is not None and training.parts.subset == "training":
            _write_pair(script, training, validation)
    gone: set[cst.CSTNode] = {call.func for call in calls if _finish(script, call, good)}
    return Flows({node: flow for flow in good for node in flow.fed}, gone, {flow.call for flow in flows})


def found(script: Script) -> list[Flow]:
    """All calls of `flow...` on generators that are clear."""
    generators = [c for c in script.all(cst.Call) if script.name(c.func) in GENERATORS]
    if not generators:
        return []
    return [flow for call in script.all(cst.Call) if (flow := _flow(script, call, generators)) is not None]


def _flow(script: Script, call: cst.Call, generators: list[cst.Call]) -> Flow | None:
    if not isinstance(call.func, cst.Attribute) or call.func.attr.value not in FLOW_ARGUMENTS:
        return None
    owner = call.func.value
    generator = value_of(script, owner)
    if isinstance(generator, cst.Call) and generator in generators:
        return Flow(call, call.func.attr.value, generator)
    if call.func.attr.value != "flow":
        text = f"where {script.source(owner)} comes from is unclear: {call.func.attr.value} stays as it is"
        script.notes.add(script.line(call), text, everywhere=True)
    return None


def _understand(script: Script, flow: Flow) -> None:
    """Finds the parts of the pipeline and all uses; a flow without parts stays as it is."""
    try:
        holder = script.parent(flow.call)
        if isinstance(holder, cst.Assign):
            flow.assign = holder
            uses = uses_of(script, holder)
            if uses is None:
                raise Unclear("the name it is assigned to is also bound elsewhere")
            for use in uses:
                _use(script, flow, use)
            _check_single(script, flow)
        elif data_argument(script, holder):
            flow.fed.append(flow.call)
        elif not _followed(script, flow, flow.call):
            raise Unclear("it is neither assigned to a name nor passed to a model")
        flow.parts = translated(script, flow.generator, flow.call, flow.method)
        _note_again(script, flow, flow.parts)
        flow.batch_size = Arguments(script, flow.call, FLOW_ARGUMENTS[flow.method]).value("batch_size", 32)
    except Unclear as reason:
        flow.fed.clear()
        text = f"{flow.method} stays, with augline's ImageDataGenerator: {reason}"
        script.notes.add(script.line(flow.call), text, everywhere=True)


def _keep_halves_together(script: Script, flows: list[Flow]) -> None:
    """Both subsets of a data set are split by augline, or neither: else a file could be in both."""
    halves: dict[str, list[Flow]] = {}
    for flow in flows:
        try:
            args = Arguments(script, flow.call, FLOW_ARGUMENTS[flow.method])
        except Unclear:
            continue
        if "subset" in args:
            data = next(iter(args.given.values()))
            halves.setdefault(script.source(data), []).append(flow)
    for group in halves.values():
        kept = [flow for flow in group if flow.parts is None]
        for flow in group if kept else ():
            if flow.parts is not None:
                flow.parts = None
                flow.fed.clear()
                script.notes.add(
                    script.line(flow.call),
                    f"{flow.method} stays, with augline's ImageDataGenerator: the other subset (line "
                    f"{script.line(kept[0].call)}) does, and both must be split alike",
                    everywhere=True,
                )


def _check_single(script: Script, flow: Flow) -> None:
    line = script.parent(flow.assign) if flow.assign else None
    plain = isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1 and flow.name is not None
    if not plain or (flow.assign and len(flow.assign.targets) != 1):
        raise Unclear("it is not a plain assignment to one name")


def data_argument(script: Script, arg: cst.CSTNode) -> bool:
    """Whether an argument is the data, or the validation data, of a model's fit, evaluate or predict."""
    call = script.parent(arg) if isinstance(arg, cst.Arg) else None
    if not isinstance(arg, cst.Arg) or not isinstance(call, cst.Call) or not isinstance(call.func, cst.Attribute):
        return False
    if call.func.attr.value not in MODEL_CALLS or arg not in call.args:
        return False
    if arg.keyword is not None:
        return arg.keyword.value in _DATA_ARGUMENTS
    order = MODEL_CALLS[call.func.attr.value][1]
    place = list(call.args).index(arg)
    return place < len(order) and order[place] in _DATA_ARGUMENTS


def _use(script: Script, flow: Flow, use: Use) -> None:
    """Understands one use of the variable, or raises Unclear."""
    holder, name = script.parent(use), script.source(use)
    line = script.line(use)
    if isinstance(holder, cst.Arg):
        call = script.parent(holder)
        function = script.source(call.func) if isinstance(call, cst.Call) else ""
        if data_argument(script, holder):
            flow.fed.append(use)
        elif function == "next":
            _check_once(script, flow, use)
            flow.changes.append(lambda: script.edits.replace(script.span(use), f"iter({name})"))
        elif function == "enumerate":
            flow.notes.append((line, _ONE_PASS))
        elif function == "zip":
            raise Unclear(f"zip(...) on line {line} is given {name}; {_ZIPPED}")
        elif function not in ("len", "print", "type"):
            raise Unclear(f"{function or 'a call'}(...) on line {line} is given {name}")
    elif isinstance(holder, cst.Attribute) and holder.value is use:
        _attribute(script, flow, holder)
    elif isinstance(holder, cst.Subscript) and len(holder.slice) == 1 and isinstance(holder.slice[0].slice, cst.Index):
        index = holder.slice[0].slice.value
        flow.notes.append((line, _BATCH))
        flow.changes.append(
            lambda: script.edits.replace(script.span(holder), lambda: f"{name}.batch(0, {script.code(index)})")
        )
    elif isinstance(holder, cst.For | cst.CompFor) and holder.iter is use:
        flow.notes.append((line, _ONE_PASS))
    elif not _followed(script, flow, use):
        returned = any(isinstance(above, cst.Return) for above in script.ancestors(use))
        what = f"{name} is returned on line {line}, and not followed further"
        raise Unclear(what if returned else f"what happens to {name} on line {line} is unclear")


def _followed(script: Script, flow: Flow, node: cst.CSTNode) -> bool:
    """Understands what becomes of a flow that a function returns; False where it is not returned."""
    places = received(script, node)
    for place in places or ():
        flow.made.append(place.call)
        if place.uses is None and not data_argument(script, script.parent(place.call)):
            raise Unclear(f"the result of {script.source(place.call.func)} on line {script.line(place.call)} goes on")
        flow.fed += [place.call] if place.uses is None else []
        for use in place.uses or ():
            _use(script, flow, use)
    return places is not None


def _check_once(script: Script, flow: Flow, node: cst.CSTNode) -> None:
    """`next` in a loop goes through the batches, which `next(iter(pipe))` would not."""
    if any(isinstance(above, cst.For | cst.While | cst.BaseComp) for above in script.ancestors(node)):
        raise Unclear(
            f"next in a loop on line {script.line(node)} has no counterpart in a Pipeline; loop over it instead"
        )
    flow.notes.append((script.line(node), _NEXT))


def _note_again(script: Script, flow: Flow, parts: Parts) -> None:
    """Notes where training, or predicting augmented images, would begin with epoch 0 more than once."""
    made = {above for place in (flow.call, *flow.made) for above in script.ancestors(place)}
    random = len(parts.fixed) < len(parts.transforms)
    for method, text in (("fit", _AGAIN), ("predict", _SAME)):
        fed = [node for node in flow.fed if _feeds(script, script.parent(node), method)]
        looped = [
            n for n in fed if any(isinstance(a, cst.For | cst.While) and a not in made for a in script.ancestors(n))
        ]
        for node in (looped or fed[1:]) if method == "fit" or random else ():
            flow.notes.append((script.line(node), text))


def _feeds(script: Script, arg: cst.CSTNode, what: str) -> bool:
    """Whether an argument is what a model is fitted on, or predicts."""
    call = script.parent(arg)
    method = call.func.attr.value if isinstance(call, cst.Call) and isinstance(call.func, cst.Attribute) else ""
    keyword = arg.keyword.value if isinstance(arg, cst.Arg) and arg.keyword is not None else ""
    return MODEL_CALLS.get(method, ("", ()))[0] == what and keyword != "validation_data"


def _attribute(script: Script, flow: Flow, node: cst.Attribute) -> None:
    name = node.attr.value
    call = script.parent(node)
    if name == "__len__":
        return
    if name == "__getitem__" and isinstance(call, cst.Call) and len(call.args) == 1:
        flow.notes.append((script.line(node), _BATCH))
        flow.changes.append(
            lambda: script.edits.replace(
                script.span(call), f"{script.source(node.value)}.batch(0, {script.code(call.args[0].value)})"
            )
        )
    elif name in ("next", "__next__") and isinstance(call, cst.Call):
        _check_once(script, flow, node)
        flow.changes.append(lambda: script.edits.replace(script.span(call), f"next(iter({script.source(node.value)}))"))
    elif name == "reset" and isinstance(script.parent(call), cst.Expr):
        flow.changes.append(lambda: script.remove(script.statement(node)))
    else:
        text = attribute(script, Arguments(script, flow.call, FLOW_ARGUMENTS[flow.method]), flow.method, node)
        flow.changes.append(lambda: script.edits.replace(script.span(node), text))


def _pairs(script: Script, flows: list[Flow]) -> dict[Flow, Flow]:
    """Training and validation subsets of one data set that can be one `split`, both ways round."""
    pairs: dict[Flow, Flow] = {}
    for training in flows:
        for validation in flows:
            if training not in pairs and validation not in pairs and _belong(script, training, validation):
                pairs |= {training: validation, validation: training}
    return pairs


def _belong(script: Script, training: Flow, validation: Flow) -> bool:
    a, b = training.parts, validation.parts
    if a is None or b is None or (a.subset, b.subset) != ("training", "validation"):
        return False
    if not training.assign or not validation.assign:
        return False
    same_block = script.parent(script.statement(training.call)) is script.parent(script.statement(validation.call))
    same = [str(a.source), a.size, a.split, a.settings.get("batch_size"), a.fixed]
    return same_block and same == [str(b.source), b.size, b.split, b.settings.get("batch_size"), b.fixed]


def _write(script: Script, flow: Flow) -> None:
    assert flow.parts is not None
    script.needs_augline = True
    if flow.parts.subset is not None:
        flow.parts.notes.append(_HALF)
    pipeline = flow.parts.of_subset().pipeline(script.al)
    _remark(script, flow.call, flow.parts)
    if flow.assign is None:
        shown: Code = Group(pipeline.opening, pipeline.items, ").to_tf()")
        script.edits.replace(script.span(flow.call), _code(script, flow.call, shown))
    else:
        script.edits.replace(script.span(flow.call), _code(script, flow.call, pipeline))


def _write_pair(script: Script, training: Flow, validation: Flow) -> None:
    assert training.parts is not None
    assert validation.parts is not None
    assert training.assign is not None
    assert validation.assign is not None
    script.needs_augline = True
    training.parts.notes.append(_SPLIT)
    first, second = sorted((training, validation), key=lambda flow: script.span(flow.call))
    assert first.assign is not None
    pipeline = training.parts.pipeline(script.al)
    shown = Group(pipeline.opening, pipeline.items, f").split({training.parts.split})")
    names = f"{training.name}, {validation.name} = "
    _remark(script, first.call, training.parts)
    script.edits.replace(script.span(first.assign), names + _code(script, first.assign, shown, len(names)))
    script.remove(script.statement(second.call))


def _remark(script: Script, node: cst.CSTNode, parts: Parts) -> None:
    for text in parts.notes:
        script.notes.add(script.line(node), text)
    for text in parts.comments:
        script.comment(node, text)


def _code(script: Script, node: cst.CSTNode, code: Code, ahead: int = 0) -> str:
    """New code in a node's place."""
    start = script.span(node)[0]
    source = script.edits.source
    line = source[script.edits.line_start(start) : start].decode("utf-8")
    own = line[: len(line) - len(line.lstrip())]
    return laid_out(code, len(line) + ahead, own, script.unit, script.newline)


def _finish(script: Script, generator: cst.Call, good: list[Flow]) -> bool:
    """Takes out a generator none of whose uses is left; whether it is gone."""
    mine = [flow for flow in good if flow.generator is generator]
    holder = script.parent(generator)
    if isinstance(holder, cst.Attribute):  # ImageDataGenerator(...).flow(...)
        return bool(mine)
    uses = uses_of(script, holder) if isinstance(holder, cst.Assign) else None
    if not mine or not uses or not isinstance(holder, cst.Assign):
        return False
    owners = {flow.call.func.value for flow in mine if isinstance(flow.call.func, cst.Attribute)}
    rest = [use for use in uses if use not in owners]
    fits = [script.parent(script.parent(use)) for use in rest]
    if not all(_is_fit(script, use, call) for use, call in zip(rest, fits, strict=True)):
        return False
    for call in fits:
        script.remove(script.statement(call))
    script.remove(script.statement(generator))
    return True


def _is_fit(script: Script, use: Use, call: cst.CSTNode) -> bool:
    """`datagen.fit(x)` as a statement: without statistics to measure it does nothing."""
    owner = script.parent(use)
    return (
        isinstance(owner, cst.Attribute)
        and owner.attr.value == "fit"
        and isinstance(call, cst.Call)
        and isinstance(script.parent(call), cst.Expr)
    )

"""Chains of calls on a `tf.data.Dataset`, and what of them goes into a Pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field

import libcst as cst

from augline.migrate.image_ops import Image, Label
from augline.migrate.layout import Group
from augline.migrate.script import Script

SLICES = "tf.data.Dataset.from_tensor_slices"
DIRECTORY = "keras.utils.image_dataset_from_directory"
EXIF = "images are turned upright by their EXIF orientation, which TensorFlow ignores; exif=False ignores it too"


@dataclass
class Chain:
    """`source.op().op()`, written as one expression or over several assignments."""

    source: cst.Call
    steps: list[cst.Call]
    statements: list[cst.CSTNode]
    """What goes when the chain is rewritten at its end."""
    shared: bool
    """Whether something else uses what the chain begins with."""
    both: tuple[cst.Assign, int] | None = None
    """Of `training, validation = image_dataset_from_directory(...)`: the assignment, and which of the two it is."""


@dataclass
class Loader:
    """What goes into the Pipeline."""

    image: Image
    label: Label
    labelled: bool
    settings: dict[str, str]
    repeat: str = ""
    batched: bool = False
    tail: list[str] = field(default_factory=list)
    source_scale: int | None = None
    """What white is in the arrays that go in."""
    other: tuple[cst.CSTNode, Group] | None = None
    """What makes the other subset of the same data, and what it must become."""
    named: list[cst.Name] = field(default_factory=list)
    """Names whose `class_names` are read, and that are no more."""
    folder: str = ""
    """What has the class names then."""


def name_of(call: cst.Call) -> str:
    """What is called on something."""
    return call.func.attr.value if isinstance(call.func, cst.Attribute) else ""


def is_class_names(script: Script, use: cst.Name) -> bool:
    """Whether it is `use.class_names`, which folders have too."""
    above = script.parent(use)
    return isinstance(above, cst.Attribute) and above.value is use and above.attr.value == "class_names"


def chain_of(script: Script, end: cst.Call) -> Chain | None:
    """The chain that ends with a call; None where it is unclear, or where its images are used half way too."""
    steps: list[cst.Call] = []
    statements: list[cst.CSTNode] = []
    own: int | None = None  # how many steps nothing else uses
    node: cst.BaseExpression = end
    both: tuple[cst.Assign, int] | None = None
    while not (isinstance(node, cst.Call) and script.name(node.func) in (SLICES, DIRECTORY)):
        if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute) and both is None:
            steps.append(node)
            node = node.func.value
            continue
        both = script.unpacked(node) if isinstance(node, cst.Name) else None
        assign = both[0] if both else script.assignment(node) if isinstance(node, cst.Name) else None
        uses = script.uses(assign, both[1] if both else None) if assign else None
        if assign is None or uses is None:
            return None
        if script.parent(script.statement(end)) is not script.parent(script.statement(assign)):
            return None
        if isinstance(assign.value, cst.Call) and script.name(assign.value.func) == DIRECTORY:
            uses = [use for use in uses if not is_class_names(script, use)]
        own = len(steps) if own is None and len(uses) != 1 else own
        statements += [script.statement(assign)] if own is None and both is None else []
        node = assign.value
    shared = own is not None
    if any(name_of(step) == "map" for step in steps[own:] if shared) or (both and script.name(node.func) != DIRECTORY):
        return None
    return Chain(node, steps[::-1], statements, shared, both)

"""The `output_types` and `output_shapes` of `from_generator` as one signature."""

from __future__ import annotations

import libcst as cst

from augline.migrate.arguments import Arguments
from augline.migrate.layout import Code, Group
from augline.migrate.notes import Unclear
from augline.migrate.script import Script


def signature(script: Script, args: Arguments) -> Code:
    """`tf.TensorSpec`s in the structure of the types.

    Raises:
        Unclear: Types or shapes are missing, or cannot be read off the script.
    """
    if "output_types" not in args or "output_shapes" not in args:
        raise Unclear("its types and shapes are not both given")
    module = script.source(args.function).removesuffix(".data.Dataset.from_generator")
    if not module.isidentifier():
        raise Unclear("TensorFlow's name is unclear")
    return _specs(script, f"{module}.TensorSpec", args.given["output_types"], args.given["output_shapes"])


def _specs(script: Script, spec: str, types: cst.BaseExpression, shapes: cst.BaseExpression) -> Code:
    types, shapes = _meant(script, types), _meant(script, shapes)
    if isinstance(types, cst.Attribute | cst.SimpleString):
        return f"{spec}({script.code(shapes)}, {script.code(types)})"
    if not isinstance(types, cst.Tuple) or not isinstance(shapes, cst.Tuple):
        raise Unclear("its types and shapes are not written out as tuples")
    if len(types.elements) != len(shapes.elements):
        raise Unclear("there are not as many types as shapes")
    pairs = zip(types.elements, shapes.elements, strict=True)
    parts = [_specs(script, spec, one.value, other.value) for one, other in pairs]
    return Group("(", parts, ",)" if len(parts) == 1 else ")")


def _meant(script: Script, node: cst.BaseExpression) -> cst.BaseExpression:
    return (script.value(node) or node) if isinstance(node, cst.Name) else node

"""Keras layers in a `map` as transforms."""

from __future__ import annotations

from dataclasses import replace

import libcst as cst

from augline.migrate.image_ops import Image
from augline.migrate.notes import Unclear
from augline.migrate.rules import LAYER_ARGUMENTS_DROPPED, LAYER_POSITIONS, LAYERS, LAYERS_THAT_MIX
from augline.migrate.scales import is_unit
from augline.migrate.script import UNKNOWN, Script

_SEQUENCES = ("keras.Sequential", "keras.models.Sequential", "keras.layers.Pipeline")
_KERAS = (
    "where augline's layers differ from Keras's, and why: print(al.translate(layer)), or docs/keras_divergences.toml"
)


def layers(script: Script, node: cst.BaseExpression) -> list[cst.Call] | None:
    """The Keras layers that an expression is, or that a Sequential or a list holds; None if it is none of these."""
    made = script.value(node) if isinstance(node, cst.Name) else node
    if isinstance(made, cst.List | cst.Tuple):
        return _inner(script, made, node)
    if not isinstance(made, cst.Call):
        return None
    name = script.name(made.func) or ""
    if name in _SEQUENCES:
        held = made.args[0].value if made.args else None
        held = script.value(held) if isinstance(held, cst.Name) else held
        return _inner(script, held, node) if isinstance(held, cst.List | cst.Tuple) else None
    return [made] if name.startswith("keras.layers.") else None


def _inner(script: Script, held: cst.List | cst.Tuple, node: cst.BaseExpression) -> list[cst.Call]:
    inner = [layers(script, element.value) for element in held.elements]
    if any(found is None for found in inner):
        raise Unclear(f"a layer in {script.source(node)} is not Keras's")
    return [layer for found in inner if found is not None for layer in found]


def applied(script: Script, layer: cst.Call, image: Image) -> Image:
    """What a layer does to an image.

    Raises:
        Unclear: It is none of Keras's image layers, or mixes samples.
    """
    name = (script.name(layer.func) or "").rpartition(".")[2]
    if name in ("Input", "InputLayer"):
        return image
    if name in LAYERS_THAT_MIX:
        raise Unclear(
            f"{name} (line {script.line(layer)}) mixes samples: write {script.al}.{name} into the Pipeline's list"
        )
    if not any(known == _KERAS for _, known in image.notes):
        image = image.noted(script.line(layer), _KERAS)
    if name not in LAYERS:
        return _translated(script, layer, name, image)
    kept = _arguments(script, layer, name)
    if name == "Resizing" and not image.transforms and image.size is None and len(kept) == 2:
        sides = ", ".join(script.source(arg.value) for arg in layer.args[:2])
        return image.then(size=f"({sides})", whole=False)
    scale = image.scale
    if name == "Rescaling":
        factor = script.literal(layer.args[0].value) if layer.args else UNKNOWN
        factor = factor if isinstance(factor, int | float) else 0
        unit = is_unit(factor) and len(kept) == 1
        if image.scale is None and (unit or is_unit(factor / 2)):
            image = replace(image, white=255)
        scale = 1 if unit else None
    return image.then(f"{script.al}.{name}({', '.join(kept)})", scale=scale, whole=False, floats=True)


def _arguments(script: Script, layer: cst.Call, name: str) -> list[str]:
    """The arguments as augline takes them: those that Keras has in other places by name."""
    order, kept = LAYERS[name], []
    for place, arg in enumerate(layer.args):
        if arg.star or (arg.keyword is None and place >= len(order)):
            raise Unclear(f"the argument {script.source(arg)} of {name} (line {script.line(layer)}) is not plain")
        key = arg.keyword.value if arg.keyword else order[place]
        if key not in LAYER_ARGUMENTS_DROPPED and not (name == "RandAugment" and key == "interpolation"):
            plain = arg.keyword is None and key in LAYER_POSITIONS and name != "RandAugment"
            text = script.source(arg.value)
            kept.append(text if plain else f"{key}={text}")
    if name == "RandAugment" and not any(text.startswith("factor=") for text in kept):
        kept.append("factor=0.5")  # Keras's default
    return kept


def _translated(script: Script, layer: cst.Call, name: str, image: Image) -> Image:
    """A layer whose arguments mean other things here: `al.translate` knows, when the script runs."""
    from augline.translate.keras_layers import RULES

    if name not in RULES:
        raise Unclear(f"augline has no {name} (line {script.line(layer)})")
    return image.then(f"*{script.al}.translate({script.source(layer)})", scale=image.scale, whole=False, floats=True)

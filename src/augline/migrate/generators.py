"""The arguments of ImageDataGenerator as transforms of a Pipeline."""

from __future__ import annotations

from dataclasses import dataclass

import libcst as cst

from augline.migrate.arguments import Arguments
from augline.migrate.flow_sources import FLOWS, Parts
from augline.migrate.image_ops import Image, Label
from augline.migrate.images import Reader
from augline.migrate.layout import gives_floats, number, part
from augline.migrate.notes import Unclear
from augline.migrate.rules import (
    FLOW_ARGUMENTS,
    GENERATOR_ARGUMENTS,
    PREPROCESSING,
    SAMPLEWISE,
    STATISTICS,
)
from augline.migrate.script import Script

_DRAWS = (
    "the random numbers are others than ImageDataGenerator's, from the same ranges: train from the start, not from "
    "a checkpoint that must match; Pipeline(seed=...) fixes them (0 by default)"
)
_SHEAR = (
    "shear_range is in degrees, and so is RandomAffine(shear=): {value} is nearly nothing. If a slope was meant, write "
    "al.RandomShear({value})"
)
_SWAPPED = (
    "ImageDataGenerator shifts up and down by width_shift_range and sideways by height_shift_range (a fault of "
    "Keras's); RandomTranslation(height, width) does what the names say"
)
_CHANNEL = (
    "channel_shift_range adds one number to all channels, as RandomBrightness does, on pixels of 0 to 255; "
    "ImageDataGenerator also clipped to the image's own darkest and lightest value"
)
FLOATS = (
    "Rescaling(1) gives float32 images, as before; without it uint8 images stay what they are, a quarter of the "
    "memory, which Sequential and functional models take as well"
)


@dataclass(frozen=True)
class Target:
    """The size that images will have, as far as the script says."""

    size: tuple[int, int] | None


def translated(script: Script, generator: cst.Call, flow: cst.Call, method: str) -> Parts:
    """What `generator.flow...(...)` becomes.

    Raises:
        Unclear: A Pipeline cannot do the same.
    """
    ctor = Arguments(script, generator, GENERATOR_ARGUMENTS)
    args = Arguments(script, flow, FLOW_ARGUMENTS[method])
    for name in (*ctor.given, *args.given):
        if name not in GENERATOR_ARGUMENTS and name not in FLOW_ARGUMENTS[method]:
            raise Unclear(f"there is no argument {name}")
    parts = FLOWS[method](script, args, ctor)
    size = None if method == "flow" else args.value("target_size", (256, 256))
    whole = size if isinstance(size, tuple | list) and len(size) == 2 else None
    target = Target((int(whole[0]), int(whole[1])) if whole else None)
    parts.transforms += transforms(script, ctor, parts, target)
    if not any(gives_floats(text) for text in parts.transforms) and parts.scale != 1:
        parts.transforms.append(f"{script.al}.Rescaling(1)")
        parts.notes.append(FLOATS)
    parts.notes.append(_DRAWS)
    _common(args, ctor, parts)
    return parts


def _common(args: Arguments, ctor: Arguments, parts: Parts) -> None:
    """Batch size, order, seed and subset, which all flows have alike."""
    parts.settings |= args.feeding()
    if args.value("save_to_dir") is not None:
        parts.notes.append("save_to_dir is gone: pipe.preview('sheet.png') shows what the augmentation does")
    split = ctor.value("validation_split", 0.0)
    parts.subset = args.known("subset")
    if parts.subset is not None:
        if not split:
            raise Unclear("subset without validation_split")
        parts.split = ctor.code("validation_split")
    elif split:
        parts.notes.append("validation_split without subset did nothing, and is gone")


def transforms(script: Script, ctor: Arguments, parts: Parts, target: Target) -> list[str]:
    """The arguments of ImageDataGenerator as transforms, in the order in which it applies them."""
    for name, instead in STATISTICS.items():
        if ctor.known(name, False):
            raise Unclear(f"{name} needs datagen.fit(x); for a Pipeline {instead} measures and gives a transform")
    if ctor.value("data_format") not in (None, "channels_last"):
        raise Unclear("data_format must be channels_last in a Pipeline")
    if ctor.value("dtype") not in (None, "float32"):
        raise Unclear(f"dtype={ctor.code('dtype')} has no counterpart in a Pipeline")
    fill = _fill(ctor)
    al = script.al
    return [
        *(text.format(al=al, fill=fill) for rule in _GEOMETRY for text in rule(ctor, parts, target)),
        *(text.format(al=al) for rule in _REST for text in rule(ctor, parts)),
        *_preprocessing(script, ctor, parts),
        *([f"{al}.Rescaling({ctor.code('rescale')})"] if ctor.value("rescale") not in (None, 0) else []),
        *_samplewise(ctor, al),
    ]


def _samplewise(ctor: Arguments, al: str) -> list[str]:
    center, scale = (ctor.known(name, False) for name in SAMPLEWISE)
    if not center and not scale:
        return []
    arguments = "epsilon=1e-6" if scale else "scale=False"  # samplewise_std_normalization switches center on too
    return [f"{al}.PerImageStandardization({arguments})"]


def _fill(ctor: Arguments) -> str:
    """The arguments that say what lies outside: ImageDataGenerator's default is "nearest", augline's "reflect"."""
    mode = ctor.code("fill_mode", '"nearest"')
    value = f", fill_value={ctor.code('cval')}" if ctor.value("cval", 0.0) != 0 and "constant" in mode else ""
    order = ctor.known("interpolation_order", 1)
    if order not in (0, 1):
        raise Unclear(f"interpolation_order={order} has no counterpart: a Pipeline interpolates with order 0 or 1")
    nearest = ', interpolation="nearest"' if order == 0 else ""
    return f", fill_mode={mode}{value}{nearest}"


def _rotation(ctor: Arguments, parts: Parts, target: Target) -> list[str]:
    if not ctor.value("rotation_range", 0):
        return []
    return [f"{{al}}.RandomRotation({part(ctor.code('rotation_range'))} / 360{{fill}})"]


def _shift(ctor: Arguments, parts: Parts, target: Target) -> list[str]:
    names = ("height_shift_range", "width_shift_range")
    values = [ctor.known(name, 0.0) for name in names]
    if not any(values):
        return []
    for name, value in zip(names, values, strict=True):
        if not isinstance(value, int | float):
            raise Unclear(
                f"{name}={ctor.code(name)} picks one of these values, for which a Pipeline has nothing; if the range "
                "between them was meant, write RandomTranslation(height_factor, width_factor) with pairs"
            )
    sides = target.size or (None, None)
    height, width = (_share(ctor, name, value, side) for name, value, side in zip(names, values, sides, strict=True))
    if values[0] != values[1]:
        parts.notes.append(_SWAPPED)
        parts.comments.append("(height, width); ImageDataGenerator swapped its two shift ranges")
    return [f"{{al}}.RandomTranslation({height}, {width}{{fill}})"]


def _share(ctor: Arguments, name: str, value: float, side: int | None) -> str:
    if value < 1:
        return ctor.code(name, "0.0")
    if side is None:
        raise Unclear(f"{name}={value} is in pixels, and the size of the images is not written in the call")
    return f"{part(ctor.code(name))} / {side}"


def _shear(ctor: Arguments, parts: Parts, target: Target) -> list[str]:
    value = ctor.value("shear_range", 0.0)
    if not value:
        return []
    if isinstance(value, float) and value < 1:
        parts.notes.append(_SHEAR.format(value=ctor.code("shear_range")))
    return [f"{{al}}.RandomAffine(shear={ctor.code('shear_range')}{{fill}})"]


def _zoom(ctor: Arguments, parts: Parts, target: Target) -> list[str]:
    value = ctor.known("zoom_range", 0.0)
    if isinstance(value, int | float):
        both = ctor.code("zoom_range")
        low, high = 1 - value, 1 + value
    else:
        low, high = value
        both = f"({number(low - 1)}, {number(high - 1)})"
        parts.notes.append(
            f"zoom_range {low:g} to {high:g} is a factor of {number(low - 1)} to {number(high - 1)} in RandomZoom: "
            "negative ones enlarge, as in Keras's layer"
        )
    if not 0 < low <= high <= 2:
        raise Unclear(f"zoom_range of {low:g} to {high:g} is beyond RandomZoom, which takes 0 to 2 in order")
    return [] if low == high == 1 else [f"{{al}}.RandomZoom({both}, {both}{{fill}})"]


_GEOMETRY = (_rotation, _shift, _shear, _zoom)


def _channels(ctor: Arguments, parts: Parts) -> list[str]:
    if not ctor.value("channel_shift_range", 0.0):
        return []
    parts.notes.append(_CHANNEL)
    return [f"{{al}}.RandomBrightness({part(ctor.code('channel_shift_range'))} / 255)"]


def _flips(ctor: Arguments, parts: Parts) -> list[str]:
    x, y = ctor.known("horizontal_flip", False), ctor.known("vertical_flip", False)
    if x and y:
        return ["{al}.RandomFlip()"]
    return [f'{{al}}.RandomFlip("{side}")' for side, wanted in (("horizontal", x), ("vertical", y)) if wanted]


def _brightness(ctor: Arguments, parts: Parts) -> list[str]:
    value = ctor.known("brightness_range")
    if value is None:
        return []
    low, high = value
    if not 0 <= low <= high <= 10:
        raise Unclear(f"brightness_range of {low:g} to {high:g} is beyond ColorJitter, which takes 0 to 10 in order")
    return [f"{{al}}.ColorJitter(({number(low)}, {number(high)}), shuffle=False)"]


_REST = (_channels, _flips, _brightness)


def _preprocessing(script: Script, ctor: Arguments, parts: Parts) -> list[str]:
    if ctor.value("preprocessing_function") is None:
        return []
    function = ctor.given["preprocessing_function"]
    name = script.name(function)
    if name in PREPROCESSING:
        text = PREPROCESSING[name]
        return [] if text is None else [text.format(al=script.al)]
    try:
        image, _ = Reader(script, labelled=False).mapped(function, Image(scale=255, floats=True), Label())
    except Unclear:
        raise Unclear(
            f"preprocessing_function={ctor.code('preprocessing_function')} is not understood; it could be al.Map(...) "
            "in the list, which hands it uint8 images, the model's first layer, or a .map(...) on pipe.to_tf()"
        ) from None
    if image.size is not None or image.file:
        raise Unclear("a preprocessing_function must keep the size of its image")
    parts.notes += [text for _, text in image.notes]
    return list(image.transforms)

"""Keras's image preprocessing layers as transforms of ours: nearly all have the same names and arguments.

Where a layer does not do what Keras documents, it is translated as documented, and the difference says so.
"""

from __future__ import annotations

import math
from typing import Any, NoReturn

import numpy as np

from augline.transforms import (
    CLAHE,
    AugMix,
    AutoContrast,
    CenterCrop,
    Equalization,
    RandAugment,
    RandomBrightness,
    RandomColorDegeneration,
    RandomColorJitter,
    RandomContrast,
    RandomCrop,
    RandomElasticTransform,
    RandomErasing,
    RandomFlip,
    RandomGaussianBlur,
    RandomGrayscale,
    RandomHue,
    RandomInvert,
    RandomPerspective,
    RandomPosterization,
    RandomRotation,
    RandomSaturation,
    RandomSharpness,
    RandomShear,
    RandomTranslation,
    RandomZoom,
    Rescaling,
    Resizing,
    Solarization,
    Transform,
)
from augline.translate.translation import Difference, Given, Pairs, Rule, carry_out, counterpart, span

_BATCH = "is drawn once for all images of a batch"
_SAMPLE = "each image has its own"

ALWAYS: Pairs = {
    "RandomCrop": [
        ("one window for all images of a batch", "each image has a window of its own"),
        (
            "an image that is too small gives a window of another shape, off the centre, and is stretched",
            "its largest window of the shape asked for, from the middle",
        ),
        ("with training=False images pass in whatever size", "in evaluation() it is Resizing, crop_to_aspect_ratio"),
    ],
    "RandomSharpness": [("black lies outside of the image, so its border is changed", "the outermost pixels stay")],
    "RandomGaussianBlur": [
        (f"sigma {_BATCH}, apart for width and height", "one sigma for both, drawn for each image"),
        ("what lies outside of the image is black", "what lies outside mirrors it"),
    ],
    "RandomErasing": [
        (
            "each side is the square root of a draw from scale, of the image's side: any shape",
            "an area is drawn from scale, and width / height from 0.3 to 3.3",
        ),
        ("without a fill_value, normal noise about black, clipped", "noise about the middle of the range"),
        ("boxes stay", "they shrink to what is left, and go where nothing is"),
    ],
    "RandomElasticTransform": [
        (
            f"scale {_BATCH}; it says how smooth the bend is, which moves pixels by nearly as much whatever it is",
            "scale is the strength, drawn for each image: 1 moves pixels by 2 % of the side",
        )
    ],
    "Equalization": [
        ("one table for all images of a batch", "each image has its own"),
        ("levels are spread from the lowest that occurs", "levels are spread as Pillow spreads them"),
    ],
    "ContrastLimitedAdaptiveHistogramEqualization": [
        (
            "the limit is not rounded to whole pixels, which tells on small tiles; the lowest level becomes black",
            "as OpenCV",
        ),
    ],
    "RandAugment": [
        (
            "the operations are drawn once for all images of a batch, out of 11",
            "each image has its own, out of torchvision's 14",
        ),
        (
            "full strength is half a turn to either side, a whole side, twice the brightness",
            "full strength is 30 degrees, 150/331 of the side, 0.9 of the brightness: torchvision's",
        ),
        ("what lies outside reflects the image", "what lies outside is black"),
    ],
    "MixUp": [("partners are of the same batch, and an image may be its own", "partners are of the whole data set")],
    "CutMix": [
        ("the parameter of the Beta distribution is itself drawn from factor", "it is the upper end of factor"),
        ("partners are of the same batch, and an image may be its own", "partners are of the whole data set"),
    ],
    "AugMix": [
        ("the chains, and how they are mixed, are drawn once for all images of a batch", _SAMPLE),
        ("operations go as far as Keras's layers of their names, times factor", "torchvision's ranges, times factor"),
        ("masks are mixed as images are", "masks, boxes and points stay where the image has them"),
    ],
}


def from_layer(layer: Any, differences: list[Difference]) -> list[Transform]:
    """Our transforms for a layer, or for the layers of a Sequential or Pipeline."""
    name, home = type(layer).__name__, type(layer).__module__
    if home.partition(".")[0] == "keras" and name in ("Sequential", "Pipeline"):
        return [item for inner in layer.layers for item in from_layer(inner, differences)]
    if name == "InputLayer":
        return []
    try:
        config = dict(layer.get_config())
    except NotImplementedError:
        config = {}
    if name == "Normalization" and config.get("mean") is None and getattr(layer, "mean", None) is not None:
        config |= {"mean": np.ravel(layer.mean), "variance": np.ravel(layer.variance)}  # it was adapted
    given = Given("Keras", name if home.partition(".")[0] == "keras" else f"{home}.{name}", config, differences)
    made = carry_out(given, RULES, ALWAYS)
    given.unless(config.get("data_format", "channels_last") == "channels_last", "channels stand first", "channels last")
    floats = Difference("all", "images become float32", "they keep their type until Rescaling or Normalize")
    if floats not in differences:
        differences.append(floats)
    return made


def _flip(g: Given) -> Transform:
    g.unless(
        g["mode"] != "horizontal_and_vertical", "one coin: an image is turned by 180 degrees or left alone",
        "a coin for each direction: all four poses",
    )  # fmt: skip
    return RandomFlip(g["mode"])


def _options(g: Given, fill_mode: str | None = None) -> dict[str, Any]:
    mode = fill_mode or g["fill_mode"]
    g.unless(mode != "wrap", "the last column is not blended with the first", "they are blended")
    return {"fill_mode": mode, "fill_value": float(g["fill_value"]), "interpolation": g["interpolation"]}


def _factor(value: Any, single: str) -> Any:
    """A factor, which Keras keeps as a pair or as the user wrote it, as ours would be written."""
    if value is None or np.ndim(value) == 0:
        return value
    return span(float(value[0]), float(value[1]), single)


def _range(g: Given) -> dict[str, Any]:
    low, high = map(float, g["value_range"])
    return {"value_range": (low, high)}


def _resizing(g: Given) -> Transform:
    exact = g["interpolation"] in ("bilinear", "nearest")
    g.unless(exact, f"{g['interpolation']} interpolation", "bilinear, antialiased")
    g.unless(
        bool(g.get("antialias")), "shrinks without antialiasing: pixels between are skipped",
        "blocks are averaged until less than 2 input pixels are left to a step",
    )  # fmt: skip
    g.unless(
        not g["pad_to_aspect_ratio"], "pads both sides by half the rest, rounded down, and stretches by a pixel",
        "the window has the exact size",
    )  # fmt: skip
    _cut(g, bool(g["crop_to_aspect_ratio"]))
    return Resizing(
        g["height"], g["width"], g["interpolation"] if exact else "bilinear",
        crop_to_aspect_ratio=g["crop_to_aspect_ratio"], pad_to_aspect_ratio=g["pad_to_aspect_ratio"],
        fill_mode=g["fill_mode"], fill_value=float(g["fill_value"]),
    )  # fmt: skip


def _cut(g: Given, cuts: bool = True) -> None:
    g.unless(
        not cuts, "a window that is cut out and enlarged repeats its edge pixels",
        "half a pixel beyond the edge of the window the picture goes on",
    )  # fmt: skip


def _center_crop(g: Given) -> Transform:
    _cut(g)
    return CenterCrop(g["height"], g["width"])


def _normalization(g: Given) -> Transform:
    g.only("invert", False)
    if g.get("mean") is None:
        raise g.refusal("must know its mean and variance", "mean=None", "Call layer.adapt(images) first")
    if tuple(g.get("axis", (-1,))) not in ((-1,), (3,), ()):
        raise g.refusal("must have one mean per channel, or one", f"axis={g['axis']}", "Write axis=-1")
    mean = np.ravel(np.asarray(g["mean"], np.float64))
    std = np.maximum(np.sqrt(np.ravel(np.asarray(g["variance"], np.float64))), 1e-7)  # as Keras guards it
    return Rescaling(tuple(1 / std), tuple(-mean / std))


def _contrast(g: Given) -> Transform:
    low, high = map(float, g["factor"])
    single = low == 0 < high or low == -high
    g.unless(
        not single, f"a single factor of {high:g}, or (0, {high:g}), only strengthens: from 1 to {1 + high:g}",
        f"from {1 - high:g} to {1 + high:g}, what Keras documents; write RandomContrast((0, {high:g})) for the other",
    )  # fmt: skip
    return RandomContrast(high if single else (low, high), **_range(g))


def _from_zero(g: Given, what: str) -> Any:
    """A single factor f that Keras reads as (-f, f), though it documents (0, f)."""
    low, high = map(float, g["factor"])
    g.unless(low >= 0, f"a single factor f draws from (-f, f): {what}", "from (0, f), what Keras documents")
    return span(max(low, 0.0), high, "from 0") if high > 0 else (0.0, max(high, 0.0))


def _saturation(g: Given) -> Transform:
    clips = g["value_range"][1] <= 1
    g.unless(clips, "saturation is not clipped to 1, and strong colours become negative", "saturation ends at 1")
    return RandomSaturation(_from_zero(g, "half of all images become grey"), **_range(g))


def _jitter(g: Given) -> Transform:
    names = ("brightness", "contrast", "saturation", "hue")
    factors = {f"{name}_factor": _factor(g.get(f"{name}_factor"), "") for name in names}
    contrast, saturation = factors["contrast_factor"], factors["saturation_factor"]
    g.unless(np.ndim(contrast) > 0 or not contrast, "a single contrast_factor f draws from 1 to 1 + f",
             "from 1 - f to 1 + f, what Keras documents")  # fmt: skip
    g.unless(np.ndim(saturation) > 0 or not saturation, "a single saturation_factor f draws from (-f, f)",
             "from (0, f), what Keras documents")  # fmt: skip
    return RandomColorJitter(**factors, **_range(g))


def _posterization(g: Given) -> Transform:
    low, high = map(int, g["factor"])
    if low == 1 < high:
        g.say(f"a single number of bits {high} draws from 1 to {high - 1}", f"{high} bits, always")
        return RandomPosterization(high, **_range(g))
    g.unless(low == high, f"(low, high) never draws high, here {high}", "both ends are drawn")
    return RandomPosterization(high if low == high else (low, high), **_range(g))


def _invert(g: Given) -> Transform:
    low = g["value_range"][0]
    g.unless(low == 0, "high - value, which leaves a range that does not start at 0", "low + high - value")
    return RandomInvert(_factor(g["factor"], "from 0"), **_range(g))


def _blur(g: Given) -> Transform:
    sides = g["kernel_size"]
    g.unless(sides[0] == sides[1], f"a kernel of {sides[0]} by {sides[1]}", f"one of {max(sides)} by {max(sides)}")
    return RandomGaussianBlur(
        _factor(g["factor"], "from 0"), int(max(sides)), _factor(g["sigma"], "from 0")
    )  # fmt: skip


def _erasing(g: Given) -> Transform:
    fill: Any = g.get("fill_value")
    fill = fill if fill is None or np.ndim(fill) == 0 else tuple(map(float, fill))
    return RandomErasing(_factor(g["factor"], "from 0"), _factor(g["scale"], ""), fill)


def _solarization(g: Given) -> Transform:
    pairs = [g["addition_factor"], g["threshold_factor"]]
    g.unless(
        all(low == 0 for low, _ in pairs), "of a range (low, high), only the upper end is scaled to 255",
        "both ends are fractions of the range",
    )  # fmt: skip
    addition, threshold = (0.0 if tuple(pair) == (0, 0) else _factor(pair, "from 0") for pair in pairs)
    return Solarization(addition, threshold, **_range(g))


def _equalization(g: Given) -> Transform:
    g.unless(g["bins"] == 256, f"{g['bins']} levels", "256 levels")
    return Equalization(**_range(g))


def _clahe(g: Given) -> Transform:
    limit = float(g["clip_limit"]) or 1000.0  # theirs means no limit by 0
    down, across = g["tile_grid_size"]
    return CLAHE((limit, limit), (int(down), int(across)), **_range(g))


def _aug_mix(g: Given) -> Transform:
    high = float(g["factor"][1])
    severity = min(max(1 + math.ceil(9 * high - 1e-9), 1), 10)
    return AugMix(severity, g["num_chains"], g["chain_depth"], float(g["alpha"]), bool(g["all_ops"]))


def _most_boxes(g: Given) -> NoReturn:
    most = g["max_number"]
    rule, fix = "is no transform of ours", f"Leave it out, and give box_filter=al.BoxFilter(max_boxes={most})"
    raise g.refusal(rule, f"max_number={most}", fix)


RULES: dict[str, Rule] = {
    "RandomFlip": _flip,
    "RandomRotation": lambda g: RandomRotation(_factor(g["factor"], "symmetric"), **_options(g)),
    "RandomZoom": lambda g: RandomZoom(
        _factor(g["height_factor"], "symmetric"), _factor(g.get("width_factor"), "symmetric"), **_options(g)
    ),
    "RandomTranslation": lambda g: RandomTranslation(
        _factor(g["height_factor"], "symmetric"), _factor(g["width_factor"], "symmetric"), **_options(g)
    ),
    "RandomShear": lambda g: RandomShear(
        _factor(g["x_factor"], "symmetric"), _factor(g["y_factor"], "symmetric"), **_options(g)
    ),
    "RandomPerspective": lambda g: RandomPerspective(
        _factor(g["factor"], "from 0"), float(g["scale"]), **_options(g, "constant")
    ),
    "RandomCrop": lambda g: RandomCrop(g["height"], g["width"]),
    "Resizing": _resizing,
    "CenterCrop": _center_crop,
    "Rescaling": lambda g: Rescaling(g["scale"], g["offset"]),
    "Normalization": _normalization,
    "RandomBrightness": lambda g: RandomBrightness(_factor(g["factor"], "symmetric"), **_range(g)),
    "RandomContrast": _contrast,
    "RandomSaturation": _saturation,
    "RandomHue": lambda g: RandomHue(_factor(g["factor"], "from 0"), **_range(g)),
    "RandomColorJitter": _jitter,
    "RandomColorDegeneration": lambda g: RandomColorDegeneration(
        _from_zero(g, "half of all images get stronger colours"), **_range(g)
    ),
    "RandomGrayscale": lambda g: RandomGrayscale(float(g["factor"])),
    "RandomPosterization": _posterization,
    "RandomInvert": _invert,
    "RandomSharpness": lambda g: RandomSharpness(_factor(g["factor"], "from 0"), **_range(g)),
    "RandomGaussianBlur": _blur,
    "RandomErasing": _erasing,
    "RandomElasticTransform": lambda g: RandomElasticTransform(
        _factor(g["factor"], "from 0"), _factor(g["scale"], "from 0"), **_options(g)
    ),
    "Solarization": _solarization,
    "AutoContrast": lambda g: AutoContrast(**_range(g)),
    "Equalization": _equalization,
    "ContrastLimitedAdaptiveHistogramEqualization": _clahe,
    "RandAugment": lambda g: RandAugment(g["num_ops"], factor=_factor(g["factor"], "from 0")),
    "AugMix": _aug_mix,
    "MaxNumBoundingBoxes": _most_boxes,
    "MixUp": lambda g: counterpart(g, "MixUp", alpha=float(g["alpha"])),
    "CutMix": lambda g: counterpart(g, "CutMix", alpha=max(float(g["factor"][1]), 0.01)),
}
"""A rule for every image layer of Keras 3.15, by its name."""

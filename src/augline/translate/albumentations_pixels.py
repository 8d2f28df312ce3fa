"""Albumentations's transforms of colour, noise and blur as ours; their units converted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from augline.transforms import (
    CLAHE,
    AutoContrast,
    CoarseDropout,
    ColorJitter,
    ConvertDtype,
    Equalization,
    GridMask,
    HueSaturationValue,
    Normalize,
    PerImageStandardization,
    RandomBrightness,
    RandomChannelShift,
    RandomChannelShuffle,
    RandomDownscale,
    RandomErasing,
    RandomGamma,
    RandomGaussianBlur,
    RandomGaussianNoise,
    RandomGrayscale,
    RandomInvert,
    RandomJpegCompression,
    RandomMedianBlur,
    RandomMotionBlur,
    RandomPosterization,
    Rescaling,
    Solarization,
    Transform,
)
from augline.translate.translation import Given, Pairs, Rule, span, tidy
from augline.translate.units import STILL, WHOLE, ends, over


def _brightness_contrast(g: Given) -> list[Transform]:
    g.unless(bool(g.get("brightness_by_max", True)), "brightness is a share of the image's mean",
             "brightness is a share of the range")  # fmt: skip
    g.unless(not g.get("ensure_safe_range"), "draws are narrowed so that nothing is clipped", "values are clipped")
    low, high = over([1 + float(v) for v in g["contrast_limit"]], 1)
    g.unless((low, high) == WHOLE, "contrast is about black, and values are clipped once, at the end",
             "the same, but what contrast lifts above white is clipped before brightness")  # fmt: skip
    # value * (1 + contrast) + brightness: what torchvision calls brightness, and then what Keras calls so
    gain = [] if (low, high) == WHOLE else [ColorJitter((low, high), shuffle=False)]
    limits = ends(g["brightness_limit"])
    return [*gain, *([] if limits == STILL else [RandomBrightness(span(*limits, "symmetric"))])]


def _jitter(g: Given) -> Transform:
    factors: dict[str, Any] = {name: ends(g[name]) for name in ("brightness", "contrast", "saturation", "hue")}
    return ColorJitter(**factors)


def _hue_saturation_value(g: Given) -> Transform:
    parts = (("hue_shift_limit", 180), ("sat_shift_limit", 255), ("val_shift_limit", 255))
    shifts: list[Any] = [span(*over(ends(g[name]), by), "symmetric") for name, by in parts]
    return HueSaturationValue(*shifts)


def _rgb_shift(g: Given) -> Transform:
    limits = [over(ends(g[f"{name}_shift_limit"]), 255) for name in "rgb"]
    low, high = min(v for v, _ in limits), max(v for _, v in limits)
    g.unless(len({*limits}) == 1, f"each channel has limits of its own, {limits}", f"all have {(low, high)}")
    return RandomChannelShift(span(low, high, "symmetric"))


def _clahe(g: Given) -> Transform:
    across, down = g["tile_grid_size"]
    return CLAHE(ends(g["clip_limit"]), (int(down), int(across)))


def _equalize(g: Given) -> Transform:
    g.only("mask", None)
    g.unless(bool(g.get("by_channels", True)), "only luma is equalized", "each channel is")
    return Equalization()


def _auto_contrast(g: Given) -> Transform:
    g.only("ignore", None)
    cutoff = float(g.get("cutoff", 0.0))
    g.unless(cutoff == 0, f"{cutoff:g} % of the pixels are cut off at each end", "none")
    g.unless(g.get("method", "cdf") == "pil", "method='cdf' spreads levels by how many pixels lie below them",
             "stretches them evenly, which is method='pil'")  # fmt: skip
    return AutoContrast()


def _posterize(g: Given) -> Transform:
    bits: Any = g["num_bits"]
    if isinstance(bits, Sequence) and any(isinstance(each, Sequence) for each in bits):
        raise g.refusal("has a counterpart only with one range for all channels", f"num_bits={bits}", "Write (4, 6)")
    low, high = (bits, bits) if isinstance(bits, int) else map(int, bits)
    return RandomPosterization(high if low == high else (low, high))


def _to_gray(g: Given) -> Transform:
    method = g.get("method", "weighted_average")
    g.unless(method == "weighted_average", f"grey by {method}", "grey by the luma 0.299, 0.587, 0.114")
    g.unless(g.get("num_output_channels", 3) == 3, "one channel comes out", "the channels stay, all alike")
    return RandomGrayscale(1.0)


def _gaussian_blur(g: Given) -> Transform:
    low, high = map(int, ends(g["blur_limit"]))
    g.unless(low == high, f"a kernel of {low} to {high} pixels", f"{high} pixels: sigma decides")
    return RandomGaussianBlur((1.0, 1.0), high + (high > 0 and high % 2 == 0), ends(g["sigma_limit"]))


def _median_blur(g: Given) -> Transform:
    low, high = map(int, ends(g["blur_limit"]))
    size = min(high, 7)
    g.unless(low == 3 and high <= 7, f"squares of {low} to {high} pixels", f"of 3 to {size}")
    return RandomMedianBlur(size)


def _motion_blur(g: Given) -> Transform:
    low, high = (-v for v in reversed(ends(g.get("angle_range", (0.0, 360.0)))))
    return RandomMotionBlur(ends(g["blur_limit"]), (tidy(low), tidy(high)))


def _gauss_noise(g: Given) -> Transform:
    g.unless(ends(g.get("mean_range", 0.0)) == (0, 0), f"the mean is drawn from {g.get('mean_range')}", "it is 0")
    g.unless(bool(g.get("per_channel", True)), "one number for the channels of a pixel", "each value has its own")
    g.unless(g.get("noise_scale_factor", 1.0) == 1, "coarse noise, enlarged", "each pixel has its own")
    return RandomGaussianNoise(ends(g["std_range"]))


def _compression(g: Given) -> Transform:
    g.unless(g.get("compression_type", "jpeg") == "jpeg", "WebP", "JPEG")
    low, high = map(int, ends(g["quality_range"]))
    return RandomJpegCompression((low, high))


def _fill(g: Given) -> Any:
    fill: Any = g.get("fill", 0.0)
    if not isinstance(fill, str):
        return fill if isinstance(fill, (int, float)) else tuple(map(float, fill))
    g.unless(fill == "random", f"fill={fill!r}", "noise about the middle of the range")
    g.unless(fill != "random", "even noise over the whole range", "noise about the middle of the range")
    return None


def _mask(g: Given) -> int | None:
    value = g.get("fill_mask")
    return None if value is None else int(value if isinstance(value, (int, float)) else value[0])


def _coarse_dropout(g: Given) -> Transform:
    sides = [g["hole_height_range"], g["hole_width_range"]]
    if any(value > 1 or isinstance(value, int) for side in sides for value in side):
        rule = "has a counterpart only with holes in parts of the side"
        raise g.refusal(rule, f"{sides[0]} and {sides[1]} pixels", "Write hole_height_range=(0.1, 0.2), for example")
    low, high = map(int, ends(g["num_holes_range"]))
    return CoarseDropout(high if low == high else (low, high), ends(sides[0]), ends(sides[1]), _fill(g), _mask(g))


def _erasing(g: Given) -> Transform:
    return RandomErasing((1.0, 1.0), ends(g["scale"]), _fill(g), ends(g["ratio"]), _mask(g))


def _grid_dropout(g: Given) -> Transform:
    cells = g.get("holes_number_xy", (10, 10))
    g.unless(g.get("unit_size_range") is None, f"cells of {g.get('unit_size_range')} pixels", "10 along a side")
    g.unless(cells[0] == cells[1], f"{cells[0]} by {cells[1]} cells", f"square ones, {min(cells)} along a side")
    g.say("cells as wide and high as the image's sides ask, each hole at a place of its own in its cell",
          "square cells, in one grid that starts at a random place")  # fmt: skip
    return GridMask((int(min(cells)), int(min(cells))), float(g["ratio"]), _fill(g), _mask(g))


def _normalize(g: Given) -> Transform:
    kind = g.get("normalization", "standard")
    if kind in ("image", "image_per_channel"):
        return PerImageStandardization(epsilon=1e-4, per_channel=kind == "image_per_channel")
    g.only("normalization", "standard", "standard")
    full = float(g.get("max_pixel_value", 255.0))
    mean, std = (tuple(map(float, v)) if isinstance(v, Sequence) else (float(v),) for v in (g["mean"], g["std"]))
    if full == 255:
        return Normalize(mean, std)
    length = max(len(mean), len(std))
    mean, std = (v * length if len(v) == 1 else v for v in (mean, std))
    return Rescaling(tuple(1 / (s * full) for s in std), tuple(-m / s for m, s in zip(mean, std, strict=True)))


def _to_float(g: Given) -> Transform:
    if g.get("max_value") is None:
        return ConvertDtype("float32")
    return Rescaling(1 / float(g["max_value"]))


def _from_float(g: Given) -> list[Transform]:
    kind: Any = g.get("dtype", "uint8")
    if kind not in ("uint8", "uint16"):
        rule = "has a counterpart only with dtype='uint8' or 'uint16'"
        raise g.refusal(rule, f"dtype={kind!r}", "Write dtype='uint8'")
    top = float(g.get("max_value", 255.0 if kind == "uint8" else 65535.0))
    return [Rescaling(top), ConvertDtype(kind, scale=False)]


PIXELS: dict[str, Rule] = {
    "RandomBrightnessContrast": _brightness_contrast,
    "ColorJitter": _jitter,
    "HueSaturationValue": _hue_saturation_value,
    "RGBShift": _rgb_shift,
    "RandomGamma": lambda g: RandomGamma(over(ends(g["gamma_limit"]), 100)),
    "CLAHE": _clahe,
    "Equalize": _equalize,
    "AutoContrast": _auto_contrast,
    "Posterize": _posterize,
    "Solarize": lambda g: Solarization(0.0, ends(g["threshold_range"])),
    "InvertImg": lambda _: RandomInvert((1.0, 1.0)),
    "ToGray": _to_gray,
    "ChannelShuffle": lambda _: RandomChannelShuffle(),
    "GaussianBlur": _gaussian_blur,
    "MedianBlur": _median_blur,
    "MotionBlur": _motion_blur,
    "GaussNoise": _gauss_noise,
    "ImageCompression": _compression,
    "Downscale": lambda g: RandomDownscale(ends(g["scale_range"])),
    "CoarseDropout": _coarse_dropout,
    "Erasing": _erasing,
    "GridDropout": _grid_dropout,
    "Normalize": _normalize,
    "ToFloat": _to_float,
    "FromFloat": _from_float,
}
"""A rule for each name."""

_HOLES = (
    "keypoints under a hole go; min_visibility compares boxes",
    "they get visibility 0; what holes cover inside a box counts as hidden too",
)
ALWAYS: Pairs = {
    "CoarseDropout": [_HOLES],
    "Erasing": [_HOLES],
    "GridDropout": [_HOLES],
    "HueSaturationValue": [
        ("hue in steps of 2 degrees; a saturation above 0 leaves grey pixels grey", "no steps; grey pixels change too"),
    ],
    "RandomGamma": [("gamma is drawn evenly", "its logarithm is: darker is as likely as lighter")],
    "CLAHE": [("the lightness of Lab is equalized", "each channel is")],
    "Equalize": [("up to 5 levels of 255 from Pillow's, in both modes", "levels are spread exactly as Pillow does")],
    "MotionBlur": [
        ("a line of single pixels, shifted to one side at random", "a soft line through the middle, as long as drawn"),
    ],
    "ImageCompression": [("red and blue change places within the codec, so luma weighs them wrongly", "they do not")],
    "Downscale": [("pixels are repeated, or what interpolation_pair says", "bilinear both ways, antialiased")],
}

"""torchvision's transforms (v2, and v1 of the same names) as ours, from the attributes they keep their arguments in.

torchvision is not imported: classes are known by their names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from augline.transforms import (
    AugMix,
    AutoAugment,
    AutoContrast,
    CenterCrop,
    ColorJitter,
    ConvertDtype,
    CutMix,
    Equalization,
    MixUp,
    MixUpOrCutMix,
    Normalize,
    Padding,
    PhotometricDistort,
    RandAugment,
    RandomAffine,
    RandomChannelShuffle,
    RandomCrop,
    RandomElasticTransform,
    RandomErasing,
    RandomFlip,
    RandomGaussianBlur,
    RandomGaussianNoise,
    RandomGrayscale,
    RandomInvert,
    RandomIoUCrop,
    RandomJpegCompression,
    RandomPerspective,
    RandomPosterization,
    RandomResizedCrop,
    RandomRotation,
    RandomSharpness,
    RandomZoomOut,
    ResizeShortestEdge,
    Resizing,
    ScaleJitter,
    Sequential,
    Solarization,
    SomeOf,
    Transform,
    TrivialAugmentWide,
)
from augline.translate.torchvision_arguments import (
    beyond,
    fills,
    for_kind,
    interpolation,
    outside,
    resizing,
    size_of,
)
from augline.translate.translation import (
    Difference,
    Given,
    Pairs,
    Rule,
    carry_out,
    counterpart,
    one,
    one_of,
    span,
    tidy,
    with_chance,
)
from augline.translate.units import ANTIALIAS, MASKS, SMALL, STILL, WHOLE, Motion, ends, filled, moved

OVERLAPS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
"""What both draw from unless told."""
ROUNDED = ("sides are rounded down", "sides are rounded")
SIDE = 256
"""Where theirs is in pixels and ours in parts of the side, images are taken to have this one."""


def from_object(x: Any, differences: list[Difference]) -> list[Transform]:
    """Our transforms for a transform or a container, torch.nn.Sequential included."""
    name = type(x).__name__
    arguments = {key: value for key, value in vars(x).items() if not key.startswith("_")}
    for key in ("transforms", "p", "probabilities"):
        if key not in arguments and hasattr(x, key):
            arguments[key] = getattr(x, key)
    if name in ("Sequential", "ModuleList"):
        name, arguments["transforms"] = "Compose", list(x)
    home = type(x).__module__.partition(".")[0]
    if "fill" in arguments and not type(x).__module__.startswith("torchvision.transforms.v2"):
        arguments["fill"] = {"Image": for_kind(arguments["fill"], "Image")}  # v1 knows no masks
    if home not in ("torchvision", "torch"):
        name = f"{type(x).__module__}.{name}"
    return carry_out(Given("torchvision", name, arguments, differences), RULES, ALWAYS)


def _inside(g: Given) -> list[list[Transform]]:
    return [from_object(each, g.differences) for each in g["transforms"]]


def _all(g: Given) -> list[Transform]:
    return [item for items in _inside(g) for item in items]


def _random_apply(g: Given) -> list[Transform]:
    items = _all(g)
    return with_chance(items, float(g["p"])) if len(items) < 2 else [Sequential(items, p=float(g["p"]))]


def _random_choice(g: Given) -> Transform:
    weights = g.get("probabilities")
    if weights is None and isinstance(g.get("p"), Sequence):
        weights = g["p"]
    inside = _inside(g)
    return _mixing(inside, weights) or one_of(inside, None if weights is None else [float(w) for w in weights])


def _mixing(inside: Sequence[Sequence[Transform]], weights: Sequence[float] | None) -> Transform | None:
    """The choice between MixUp and CutMix, if it is that."""
    shares = [float(weight) for weight in weights or (1, 1)]
    match inside:
        case [[MixUp(alpha=blended)], [CutMix(alpha=cut)]]:
            return MixUpOrCutMix(blended, cut, shares[1] / sum(shares))
        case [[CutMix(alpha=cut)], [MixUp(alpha=blended)]]:
            return MixUpOrCutMix(blended, cut, shares[0] / sum(shares))
    return None


def _random_order(g: Given) -> Transform:
    items = [one(each) for each in _inside(g)]
    return SomeOf(items, len(items))


def _p(g: Given, *items: Transform) -> list[Transform]:
    return with_chance(items, float(g["p"]))


def _rotation(g: Given) -> Transform:
    g.only("expand", False, False)
    g.only("center", None)
    low, high = ends(g["degrees"])
    return RandomRotation(span(low / 360, high / 360, "symmetric"), **beyond(g))


def _affine(g: Given) -> list[Transform]:
    g.only("center", None)
    shear = [float(v) for v in g.get("shear", (0, 0))]
    x, y = g.get("translate", (0.0, 0.0))
    low, high = ends(g["degrees"])
    scale = ends(g.get("scale", WHOLE))
    g.unless(x == y == 0, "shifts by whole pixels", "shifts by parts of a pixel too")
    motion = Motion(
        degrees=(tidy(-high), tidy(-low)), scale_x=scale, scale_y=scale, shear_x=(tidy(-shear[1]), tidy(-shear[0])),
        shear_y=(shear[2], shear[3]) if len(shear) == 4 else STILL, shift_x=(-x, x), shift_y=(-y, y),
    )  # fmt: skip
    return moved(g, motion, beyond(g)) or [RandomAffine()]


def _perspective(g: Given) -> list[Transform]:
    scale = min(1.0, float(g["distortion_scale"]))
    return _p(g, RandomPerspective((1.0, 1.0), scale, **beyond(g)))


def _elastic(g: Given) -> Transform:
    alpha, sigma = (float(ends(g[name])[1]) for name in ("alpha", "sigma"))
    g.unless(all(len({*ends(g[name])}) == 1 for name in ("alpha", "sigma")), "x and y apart", "both as y")
    # even noise of ±1, blurred: 1 / (2 √π σ) of its deviation of √⅓ is left; alpha is in half pixels
    pixels = alpha / 2 * 3**-0.5 / (2 * 3.14159265**0.5 * max(sigma, 0.3))
    cells = min(max(round(SIDE / (4 * max(sigma, 1.0))), 1), 64)
    scale = min(round(pixels / (0.02 * SIDE), 3), 10.0)
    g.say(
        f"alpha={alpha:g} is in half pixels, sigma={sigma:g} in pixels: they move by {pixels:.2g} (standard deviation)",
        f"scale and cells are in parts of the side: the same on images of {SIDE} pixels",
    )
    return RandomElasticTransform((1.0, 1.0), (scale, scale), cells, **beyond(g))


def _resize(g: Given) -> Transform:
    size = g["size"]
    if size is None:
        raise g.refusal("must have a size", "size=None", "Write ResizeLongestEdge(max_size)")
    between = resizing(g)
    if isinstance(size, Sequence) and len(size) == 2:
        return Resizing(*size_of(size), between)
    g.say(*ROUNDED)
    return ResizeShortestEdge(size_of(size)[0], g.get("max_size"), between)


def _resized_crop(g: Given) -> Transform:
    return RandomResizedCrop(*size_of(g["size"]), ends(g["scale"]), ends(g["ratio"]), resizing(g))


def _random_crop(g: Given) -> list[Transform]:
    height, width = size_of(g["size"])
    mode: Any = {"edge": "nearest", "reflect": "mirror", "symmetric": "reflect"}.get(g.get("padding_mode"), "constant")
    border = {"fill_mode": mode, **(fills(g) if mode == "constant" else {})}
    crop = RandomCrop(height, width)
    if g.get("padding"):
        sides = g["padding"] if isinstance(g["padding"], Sequence) else [g["padding"]]
        if len({*sides}) > 1:
            raise g.refusal("has a counterpart only with one padding", f"padding={sides}", "Write one number")
        g.say("images of any size are padded", "up to the size asked for and padding: the same for images of that size")
        return [Padding(height + 2 * sides[0], width + 2 * sides[0], **border), crop]
    if not g.get("pad_if_needed", False):
        g.say(*SMALL)
        return [crop]
    g.say("a small image is padded by all that it lacks on each side", "evenly, up to the size asked for")
    return [Padding(height, width, **border), crop]


def _jitter(g: Given) -> Transform:
    names = ("brightness", "contrast", "saturation", "hue")
    factors: dict[str, Any] = {name: ends(g[name]) for name in names if g.get(name) is not None}
    return ColorJitter(**factors)


def _blur(g: Given) -> Transform:
    sides = [int(v) for v in (g["kernel_size"] if isinstance(g["kernel_size"], Sequence) else [g["kernel_size"]])]
    g.unless(len({*sides}) == 1, f"a kernel of {sides}", f"one of {max(sides)} by {max(sides)}")
    return RandomGaussianBlur((1.0, 1.0), max(sides), ends(g["sigma"]))


def _erasing(g: Given) -> Transform:
    value: Any = g.get("value")
    fill: Any = None if value is None or isinstance(value, str) else value
    if isinstance(fill, Sequence):
        fill = float(fill[0]) if len(fill) == 1 else tuple(map(float, fill))
    g.unless(fill is not None, "normal noise about 0", "noise about the middle of the range")
    low, high = ends(g["ratio"])  # height / width
    ratio, p = (tidy(1 / high), tidy(1 / low)), float(g["p"])
    return RandomErasing((p, p), ends(g["scale"]), fill, ratio)


def _noise(g: Given) -> Transform:
    mean, sigma = float(g.get("mean", 0.0)), float(g["sigma"])
    g.unless(mean == 0, f"the mean is {mean:g}", "it is 0")
    g.unless(bool(g.arguments.get("clip", True)), "values beyond the range stay", "they are clipped")
    return RandomGaussianNoise((sigma, sigma))


def _solarize(g: Given) -> list[Transform]:
    threshold = float(g["threshold"])
    share = threshold / 255 if threshold > 1 else threshold  # to the last digit: pixels of 128 reach 128
    return _p(g, Solarization(0.0, (share, share)))


def _auto_augment(g: Given) -> Transform:
    return AutoAugment(getattr(g["policy"], "value", g["policy"]), **_policy(g))


def _policy(g: Given) -> dict[str, Any]:
    between = interpolation(g)
    return outside(filled(g, for_kind(g.get("fill", 0), "Image"))) | (
        {} if between == "bilinear" else {"interpolation": between}
    )


def _scaling(g: Given) -> list[Transform]:
    dtype = g.get("dtype", "float32")
    if isinstance(dtype, dict):  # by type of target; images are what is not said otherwise
        dtype = next((v for v in dtype.values() if "float" in str(v)), "uint8")
    kind = str(dtype).rpartition(".")[2]
    scales = g.name == "ConvertImageDtype" or g.name == "ToTensor" or bool(g.get("scale", False))
    known: Any = "float32" if kind.startswith("float") or kind not in ("uint8", "uint16") else kind
    g.unless(kind == known, f"images become {kind}", f"they become {known}")
    g.unless(known == "float32" or not scales, "values are cut off", "values are rounded")
    return [ConvertDtype(known, scales)]


def _normalize(g: Given) -> Transform:
    mean, std = (tuple(float(v) for v in g[name]) for name in ("mean", "std"))
    return Normalize(mean, std)


def _distort(g: Given) -> Transform:
    names = ("brightness", "contrast", "saturation", "hue")
    ranges: dict[str, Any] = {name: ends(g[name]) for name in names}
    return PhotometricDistort(**ranges, chance=float(g["p"]))


def _zoom_out(g: Given) -> list[Transform]:
    return _p(g, RandomZoomOut(ends(g["side_range"]), **fills(g)))


def _scale_jitter(g: Given) -> Transform:
    width, height = size_of(g["target_size"])  # in this order there
    return ScaleJitter(height, width, ends(g["scale_range"]), interpolation=resizing(g), **fills(g))


def _iou_crop(g: Given) -> Transform:
    options = tuple(float(v) for v in g.get("options", ()))
    names = ("min_scale", "max_scale", "min_aspect_ratio", "max_aspect_ratio")
    low, high, tall, wide = (float(g[name]) for name in names)
    return RandomIoUCrop(low, high, tall, wide, None if options == OVERLAPS else options, int(g["trials"]))


def _shortest(g: Given) -> Transform:
    sizes = [int(v) for v in (g["min_size"] if isinstance(g["min_size"], Sequence) else [g["min_size"]])]
    between = resizing(g)
    made = [ResizeShortestEdge(size, g.get("max_size"), between) for size in sizes]
    return made[0] if len(made) == 1 else one_of([[each] for each in made])


def _chance(make: Callable[[Given], Transform]) -> Rule:
    return lambda g: _p(g, make(g))


def _nothing(g: Given) -> list[Transform]:
    return []


RULES: dict[str, Rule] = {
    "Compose": _all, "RandomApply": _random_apply, "RandomChoice": _random_choice, "RandomOrder": _random_order,
    "Identity": _nothing, "ToImage": _nothing, "ToPILImage": _nothing, "PILToTensor": _nothing,
    "ToPureTensor": _nothing, "ClampBoundingBoxes": _nothing, "SanitizeBoundingBoxes": _nothing,
    "ToTensor": _scaling, "ToDtype": _scaling, "ConvertImageDtype": _scaling, "Normalize": _normalize,
    "RandomHorizontalFlip": _chance(lambda _: RandomFlip("horizontal", p=1.0)),
    "RandomVerticalFlip": _chance(lambda _: RandomFlip("vertical", p=1.0)),
    "RandomRotation": _rotation, "RandomAffine": _affine, "RandomPerspective": _perspective,
    "ElasticTransform": _elastic, "Resize": _resize, "RandomResizedCrop": _resized_crop,
    "CenterCrop": lambda g: CenterCrop(*size_of(g["size"])), "RandomCrop": _random_crop,
    "RandomShortestSize": _shortest, "ScaleJitter": _scale_jitter, "RandomZoomOut": _zoom_out,
    "RandomIoUCrop": _iou_crop,
    "ColorJitter": _jitter, "RandomPhotometricDistort": _distort,
    "Grayscale": lambda _: RandomGrayscale(1.0),
    "RandomGrayscale": lambda g: RandomGrayscale(float(g["p"])),
    "GaussianBlur": _blur, "RandomErasing": _erasing,
    "RandomInvert": _chance(lambda _: RandomInvert((1.0, 1.0))),
    "RandomPosterize": _chance(lambda g: RandomPosterization(int(g["bits"]))),
    "RandomSolarize": _solarize,
    "RandomAdjustSharpness": _chance(lambda g: RandomSharpness((float(g["sharpness_factor"]) / 2,) * 2)),
    "RandomAutocontrast": _chance(lambda _: AutoContrast()), "RandomEqualize": _chance(lambda _: Equalization()),
    "RandomChannelPermutation": lambda _: RandomChannelShuffle(),
    "JPEG": lambda g: RandomJpegCompression((int(ends(g["quality"])[0]), int(ends(g["quality"])[1]))),
    "GaussianNoise": _noise,
    "RandAugment": lambda g: RandAugment(
        int(g["num_ops"]), float(g["magnitude"]), int(g["num_magnitude_bins"]), **_policy(g)
    ),
    "TrivialAugmentWide": lambda g: TrivialAugmentWide(int(g["num_magnitude_bins"]), **_policy(g)),
    "AutoAugment": _auto_augment,
    "AugMix": lambda g: AugMix(
        int(g["severity"]), int(g["mixture_width"]), int(g["chain_depth"]), float(g["alpha"]), bool(g["all_ops"]),
        **_policy(g),
    ),
    "MixUp": lambda g: counterpart(g, "MixUp", alpha=float(g["alpha"])),
    "CutMix": lambda g: counterpart(g, "CutMix", alpha=float(g["alpha"])),
}  # fmt: skip
"""A rule for each name."""

_POLICY = ("images, alike for all of a batch that is given as one tensor", "each image has its own operations")
_MIX = ("each image with the one before it in the batch, and one weight for all", "partners and weights are drawn")
_RESIZED = (
    ("antialiased with a triangle as wide as a step (antialias=True)", ANTIALIAS[1]),
    MASKS,
)
ALWAYS: Pairs = {
    "Grayscale": [("one channel comes out, unless it says 3", "the channels stay, all alike")],
    "ToTensor": [("torch tensors, channels first", "arrays, channels last")],
    "RandomOrder": [("in a random order", "all of them, in the order of the list")],
    **dict.fromkeys(("Resize", "RandomResizedCrop"), _RESIZED),
    "RandomShortestSize": [*_RESIZED, ROUNDED],
    "ScaleJitter": [
        *_RESIZED,
        ("images keep the size that they are scaled to", "they are cut, or filled up, to target_size (width, height)"),
    ],
    "CenterCrop": [
        ("an image that is too small is padded with black", SMALL[1]),
        ("a middle between two pixels is rounded to the even one", "rounded down"),
    ],
    "RandomPerspective": [
        (
            "each corner moves inwards, by up to distortion_scale / 2 of the side",
            "each moves either way, by up to that share of its own coordinates; the top left one stays",
        )
    ],
    "RandomErasing": [
        ("value is what tensors hold there, after Normalize perhaps", "a pixel value of the place in the list"),
        ("ten tries, nothing if none fits", "a rectangle that does not fit is cut to the image"),
        ("boxes and masks stay", "boxes shrink to what is left, and go where nothing is; masks stay"),
    ],
    "RandomIoUCrop": [("tries options over and over, with fresh windows", "each option once, on the same windows")],
    "SanitizeBoundingBoxes": [("drops degenerate boxes here", "boxes are clipped and dropped at the end, always")],
    "MixUp": [_MIX],
    "CutMix": [_MIX],
    "RandAugment": [_POLICY],
    "TrivialAugmentWide": [_POLICY],
    "AutoAugment": [_POLICY],
}

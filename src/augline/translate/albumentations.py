"""Albumentations (2.x) as transforms of ours, from what its `to_dict()` gives: the containers, and geometry."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from augline import plain_yaml
from augline.errors import ArgumentError
from augline.transforms import (
    D4,
    BBoxSafeRandomCrop,
    CenterCrop,
    CropNonEmptyMaskIfExists,
    GridDistortion,
    OpticalDistortion,
    Padding,
    PadToMultiple,
    RandomCrop,
    RandomElasticTransform,
    RandomFlip,
    RandomPerspective,
    RandomResizedCrop,
    RandomRotate90,
    RandomRotation,
    ResizeLongestEdge,
    ResizeShortestEdge,
    Resizing,
    SomeOf,
    Transform,
    Transpose,
)
from augline.translate.albumentations_pixels import ALWAYS as PIXELS_ALWAYS
from augline.translate.albumentations_pixels import PIXELS
from augline.translate.translation import (
    Difference,
    Given,
    Pairs,
    Rule,
    carry_out,
    one,
    one_of,
    span,
    tidy,
    with_chance,
)
from augline.translate.units import ANTIALIAS, MASKS, SMALL, Motion, ends, filled, mask_filled, moved, over

BORDERS = {0: "constant", 1: "nearest", 2: "reflect", 3: "wrap", 4: "mirror"}
"""OpenCV's border modes: 4, BORDER_REFLECT_101, leaves the edge pixel out."""
SIDE = 256
"""Where theirs is in pixels and ours in parts of the side, images are taken to have this one."""


def read(x: Mapping[str, Any] | str | Path) -> Mapping[str, Any]:
    """What `to_dict()` gave, from a dict, a file, or text in JSON or YAML."""
    if isinstance(x, Mapping):
        return x
    text = x if isinstance(x, str) and ("{" in x or "\n" in x) else None
    try:
        text = Path(x).read_text(encoding="utf-8") if text is None else text
        found = json.loads(text) if text.lstrip().startswith("{") else plain_yaml.load(text)
    except (OSError, ValueError) as error:
        raise _unreadable(str(x), str(error)) from None
    if not isinstance(found, Mapping):
        raise _unreadable(str(x), type(found).__name__)
    return found


def _unreadable(name: str, received: str) -> ArgumentError:
    shown = name if len(name) < 80 else f"{name[:80]}..."
    return ArgumentError(
        f"translate({shown!r}): text must be what Albumentations's to_dict() gives, in JSON or plain YAML, or the path "
        f"of a file of that. Received {received}. Write albumentations.save(transform, 'transform.json')."
    )


def from_object(x: Any, differences: list[Difference]) -> list[Transform]:
    """Our transforms for a transform or a container of Albumentations."""
    try:
        described = x.to_dict()
    except Exception as error:  # noqa: BLE001 -- theirs raises what it likes, for lambdas above all
        given = Given("Albumentations", type(x).__name__, {}, differences)
        raise given.refusal(
            "must have a to_dict()", str(error).rstrip("."), "Leave it out, and add it to the list"
        ) from None
    return from_dict(described, differences)


def from_dict(described: Mapping[str, Any], differences: list[Difference]) -> list[Transform]:
    """Our transforms for what `to_dict()` gave."""
    described = described.get("transform", described)
    if "__class_fullname__" not in described:
        raise _unreadable("x", f"the keys {', '.join(map(str, described)) or '(none)'}")
    name = str(described["__class_fullname__"]).rpartition(".")[2]
    given = Given("Albumentations", name, {k: v for k, v in described.items() if k[:2] != "__"}, differences)
    _say_targets(given)
    made = carry_out(given, RULES, ALWAYS)
    return made if name == "OneOrOther" else with_chance(made, float(given.get("p", 1.0)))


BOXES = {"coco": "xywh", "pascal_voc": "xyxy", "yolo": "rel_center_xywh", "albumentations": "rel_xyxy"}
"""Albumentations' names for the ways to write a box, and Keras's."""


def _say_targets(g: Given) -> None:
    """Notes where augline is told what a Compose is told about boxes, points and further images."""
    boxes = g.get("bbox_params") or g.get("bboxes")
    if boxes:
        limits = {key: boxes.get(key) for key in ("min_area", "min_visibility", "min_width", "min_height")}
        limits = {key: value for key, value in limits.items() if value}
        written = ", ".join(f"{key}={value!r}" for key, value in limits.items())
        form = BOXES.get(boxes.get("format", ""), "xyxy")
        g.say("bbox_params say how boxes are written and which are dropped",
              f"the source is given bounding_box_format={form!r}"
              f"{f', the Pipeline box_filter=al.BoxFilter({written})' if written else ''}")  # fmt: skip
    if g.get("keypoint_params"):
        g.say("keypoint_params say what points are; those that leave the image are dropped",
              "points are x and y, perhaps with a visibility, which becomes 0 for those that leave")  # fmt: skip
    if more := g.get("additional_targets"):
        g.say(f"additional_targets={dict(more)!r}", "the source is given extra_images={...}, and masks={...} by name")


def _inside(g: Given, force: bool = False) -> list[list[Transform]]:
    """The lists that the transforms inside come to; `force` makes each act for sure."""
    found = []
    for each in g["transforms"]:
        keeps = str(each.get("__class_fullname__", "")).rpartition(".")[2] in ("SomeOf", "RandomOrder", "OneOrOther")
        found.append(from_dict({**each, "p": 1.0} if force and not keeps else each, g.differences))
    return found


def _all(g: Given) -> list[Transform]:
    return [item for items in _inside(g) for item in items]


def _one_of(g: Given) -> Transform:
    # theirs reads the chances of those inside as weights
    return one_of(_inside(g, force=True), [float(each.get("p", 1.0)) for each in g["transforms"]])


def _one_or_other(g: Given) -> Transform:
    p = float(g.get("p", 1.0))  # of the first; one of the two acts for sure
    first, *_, last = _inside(g, force=True)
    return one_of([first, last], [p, tidy(1 - p)])


def _some_of(g: Given) -> list[Transform]:
    items, n = _inside(g), int(g["n"])
    if g.get("replace"):
        g.say("n draws with repetition, carried out in the order of the list", "in the order they are drawn")
        return [one_of(items) for _ in range(n)]
    return [SomeOf([one(each) for each in items], min(n, len(items)))]


def _options(g: Given) -> dict[str, Any]:
    """What ours take for the outside and between pixels."""
    code = int(g["border_mode"])
    if code not in BORDERS:
        raise g.refusal("must have a border mode of OpenCV", f"border_mode={code}", "Write cv2.BORDER_REFLECT_101")
    options: dict[str, Any] = {"interpolation": interpolation(g)} | ({} if code == 2 else {"fill_mode": BORDERS[code]})
    if code == 0:
        fill, mask = filled(g, g["fill"]), mask_filled(g, g["fill_mask"])
        options |= ({"fill_value": fill} if fill else {}) | ({"mask_fill_value": mask} if mask else {})
    return options


def interpolation(g: Given) -> Any:
    """OpenCV's number by our name."""
    names = {2: "cubic", 3: "area", 4: "Lanczos"}
    code, masks = int(g.get("interpolation", 1)), int(g.get("mask_interpolation", 0))
    g.unless(code in (0, 1, 5, 6), f"{names.get(code, code)} interpolation", "bilinear, antialiased")
    g.unless(masks in (0, 6), "masks are interpolated", "masks are read with nearest")
    return "nearest" if code in (0, 6) else "bilinear"


def _say_boxes(g: Given) -> None:
    ellipses = g.get("rotate_method", "largest_box") == "ellipse"
    g.unless(not ellipses, "boxes are turned as ellipses", "boxes are the bounds of their corners")


def _rotate(g: Given) -> Transform:
    g.only("crop_border", False, False)
    _say_boxes(g)
    low, high = over(g["limit"], 360)
    return RandomRotation(span(low, high, "symmetric"), **_options(g))


def _affine(g: Given) -> list[Transform]:
    g.only("fit_output", False, False)
    pixels = g.get("translate_px", {})
    if any(any(ends(value)) for value in pixels.values()):
        rule = "has a counterpart only with shifts in parts of the side"
        raise g.refusal(rule, f"translate_px={pixels}", "Write translate_percent={'x': (-0.1, 0.1), 'y': (-0.1, 0.1)}")
    shift = g.get("translate_percent", {"x": 0.0, "y": 0.0})
    scale, shear = g["scale"], g["shear"]
    g.unless(not g.get("balanced_scale"), "shrinks as often as it enlarges", "the scale is drawn evenly")
    return _moved(g, ends(g["rotate"]), ends(scale["x"]), ends(scale["y"]), ends(shear["x"]), ends(shear["y"]),
                  ends(shift["x"]), ends(shift["y"]), bool(g.get("keep_ratio")))  # fmt: skip


def _shift_scale_rotate(g: Given) -> list[Transform]:
    low, high = over([1 + v for v in g["scale_limit"]], 1)
    none = (0.0, 0.0)
    return _moved(g, ends(g["rotate_limit"]), (low, high), (low, high), none, none,
                  ends(g["shift_limit_x"]), ends(g["shift_limit_y"]), False)  # fmt: skip


def _moved(g: Given, degrees: Any, scale_x: Any, scale_y: Any, shear_x: Any, shear_y: Any, shift_x: Any, shift_y: Any,
           alike: bool) -> list[Transform]:  # fmt: skip
    still = not any((*shift_x, *shift_y))
    g.unless(still, "shifts by whole pixels, rounded towards 0", "shifts by parts of a pixel too")
    _say_boxes(g)
    motion = Motion(
        degrees, scale_x, scale_y, over(shear_x, -1), shear_y, shift_x, shift_y, alike, turns_first=True
    )  # fmt: skip
    return moved(g, motion, _options(g))


def _perspective(g: Given) -> Transform:
    g.only("keep_size", True, True)
    low, high = ends(g["scale"])
    g.say(
        f"each corner moves inwards by a normal share of the side, of {low:g} to {high:g}",
        f"each corner moves either way by up to {high:g} of its coordinates; the top left one stays",
    )
    return RandomPerspective((1.0, 1.0), min(1.0, 2 * high), **{"fill_mode": "reflect"} | _options(g))


def _resizing(g: Given) -> Any:
    """The interpolation of what changes the size."""
    between = interpolation(g)
    g.unless(between != "nearest", "nearest takes the pixel up and to the left", "the nearest pixel, as it says")
    return between


def _resize(g: Given) -> Transform:
    return Resizing(int(g["height"]), int(g["width"]), _resizing(g))


def _resized_crop(g: Given) -> Transform:
    height, width = g["size"]
    return RandomResizedCrop(int(height), int(width), ends(g["scale"]), ends(g["ratio"]), _resizing(g))


def _crop(kind: Callable[[int, int], Transform]) -> Rule:
    def rule(g: Given) -> list[Transform]:
        height, width = int(g["height"]), int(g["width"])
        if not g.get("pad_if_needed"):
            g.say(*SMALL)
            return [kind(height, width)]
        return [_padding(g, height, width, g.get("pad_position", "center")), kind(height, width)]

    return rule


def _box_safe(g: Given) -> Transform:
    height, width = (None if g.get(name) is None else int(g[name]) for name in ("height", "width"))
    rate = float(g.get("erosion_rate", 0.0))
    g.unless(rate == 0, "an image's only box is never eroded", "it is, as several are")
    return BBoxSafeRandomCrop(height, width, rate, "bilinear" if height is None else _resizing(g))


def _around_mask(g: Given) -> Transform:
    values, channels = (tuple(int(v) for v in g.get(name, ())) for name in ("ignore_values", "ignore_channels"))
    return CropNonEmptyMaskIfExists(int(g["height"]), int(g["width"]), values, channels)


def _padding(g: Given, height: int, width: int, position: str) -> Transform:
    g.unless(position == "center", f"the picture stands at {position}", "it stands in the middle")
    return Padding(height, width, **_border(g))


def _border(g: Given) -> dict[str, Any]:
    return {"fill_mode": "reflect"} | {k: v for k, v in _options(g).items() if k != "interpolation"}


def _pad_if_needed(g: Given) -> Transform:
    height, width = g.get("pad_height_divisor"), g.get("pad_width_divisor")
    position = g.get("position", "center")
    if height is None and width is None:
        return _padding(g, int(g["min_height"]), int(g["min_width"]), position)
    if height != width:
        rule = "has a counterpart only with one divisor for both sides"
        raise g.refusal(rule, f"{height} and {width}", "Give both the same")
    g.unless(position == "center", f"the picture stands at {position}", "it stands in the middle")
    return PadToMultiple(int(height), **_border(g))


def _edge(kind: Callable[[int, Any], Transform]) -> Rule:
    def rule(g: Given) -> Transform:
        g.only("max_size_hw", None)
        sizes, between = g["max_size"], _resizing(g)
        sizes = [sizes] if isinstance(sizes, int) else sorted({*map(int, sizes)})
        made = [kind(size, between) for size in sizes]
        return made[0] if len(made) == 1 else one_of([[each] for each in made])

    return rule


def _elastic(g: Given) -> Transform:
    alpha, sigma = float(g["alpha"]), float(g["sigma"])
    # noise of ±1 (normal: divided by its largest, about 4.5 of its deviations), blurred: 1 / (2 √π σ) of it is left
    spread = 1 / 4.5 if g.get("noise_distribution", "gaussian") == "gaussian" else 3**-0.5
    pixels = alpha * spread / (2 * 3.14159265**0.5 * max(sigma, 0.3))
    cells = min(max(round(SIDE / (4 * max(sigma, 1.0))), 1), 64)
    scale = min(round(pixels / (0.02 * SIDE), 3), 10.0)
    g.say(
        f"alpha={alpha:g} and sigma={sigma:g} are in pixels: pixels move by {pixels:.2g} (standard deviation)",
        f"scale and cells are in parts of the side: the same on images of {SIDE} pixels",
    )
    g.unless(not g.get("same_dxdy"), "the same displacement for x and y", "x and y are independent")
    return RandomElasticTransform((1.0, 1.0), (scale, scale), cells, **_options(g))


def _grid(g: Given) -> Transform:
    g.unless(bool(g.get("normalized")), "columns may leave the frame", "they are fitted to the frame")
    limits = ends(g["distort_limit"])
    return GridDistortion(int(g["num_steps"]), span(*limits, "symmetric"), **_options(g))


def _optical(g: Given) -> Transform:
    camera = g.get("mode", "camera") == "camera"
    # the same displacement in the corners, where r² is 1 for us, and 1/2 for the camera matrix
    low, high = over(g["distort_limit"], 1 / 0.375 if camera else 2)
    g.say(
        "r (1 + k r² + k r⁴), with x and y as parts of width and height" if camera else "r (1 + k r²)",
        "r (1 + k r² + k r⁴), r being 1 in the corners; k is chosen so that the corners agree",
    )
    return OpticalDistortion(span(low, high, "symmetric"), **_options(g))


RULES: dict[str, Rule] = PIXELS | {
    "Compose": _all, "Sequential": _all, "ReplayCompose": _all, "OneOf": _one_of, "SomeOf": _some_of,
    "RandomOrder": _some_of, "NoOp": lambda _: [],
    "OneOrOther": _one_or_other,
    "ToTensorV2": lambda _: [],
    "HorizontalFlip": lambda _: RandomFlip("horizontal", p=1.0),
    "VerticalFlip": lambda _: RandomFlip("vertical", p=1.0),
    "Transpose": lambda _: Transpose(), "RandomRotate90": lambda _: RandomRotate90(), "D4": lambda _: D4(),
    "SquareSymmetry": lambda _: D4(),
    "Rotate": _rotate, "Affine": _affine, "ShiftScaleRotate": _shift_scale_rotate, "Perspective": _perspective,
    "RandomResizedCrop": _resized_crop, "RandomCrop": _crop(RandomCrop), "CenterCrop": _crop(CenterCrop),
    "BBoxSafeRandomCrop": _box_safe, "RandomSizedBBoxSafeCrop": _box_safe, "CropNonEmptyMaskIfExists": _around_mask,
    "Resize": _resize, "PadIfNeeded": _pad_if_needed,
    "SmallestMaxSize": _edge(lambda size, between: ResizeShortestEdge(size, None, between)),
    "LongestMaxSize": _edge(ResizeLongestEdge),
    "ElasticTransform": _elastic, "GridDistortion": _grid, "OpticalDistortion": _optical,
}  # fmt: skip
"""A rule for each name."""

_RESIZE = ("Resize", "RandomResizedCrop", "RandomSizedBBoxSafeCrop", "SmallestMaxSize", "LongestMaxSize")
ALWAYS: Pairs = {
    **PIXELS_ALWAYS,
    **dict.fromkeys(_RESIZE, (ANTIALIAS, MASKS)),
    "CropNonEmptyMaskIfExists": [SMALL],
    "RandomOrder": [("in a random order", "in the order of the list")],
    "ToTensorV2": [("torch tensors, channels first", "arrays, channels last")],
    "GridDistortion": [
        ("even a limit of 0 stretches the picture by a pixel or so", "a limit of 0 changes nothing"),
        ("one more column and row than num_steps, the last cut off", "num_steps of each"),
    ],
}

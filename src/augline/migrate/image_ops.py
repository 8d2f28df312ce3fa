"""What each function on images that a `map` may call does to an image, as a transform."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import libcst as cst

from augline.migrate.arguments import Arguments
from augline.migrate.layout import as_tuple, gives_floats, number, part
from augline.migrate.notes import Unclear
from augline.migrate.script import Script

_SATURATION = (
    "tf.image draws the factor of saturation evenly, RandomSaturation its share factor / (1 + factor): the same range, "
    "a little more often pale"
)
_TINY = (
    "random_brightness({delta}) on float pixels of 0 to 255 changes nearly nothing; if a share of the range was meant, "
    "write RandomBrightness({delta})"
)
_RANGE = "random_brightness is taken to act on pixels of 0 to 1"
_PAD = "proportions are kept exactly; resize_with_pad rounds the sides of the picture to whole pixels first"
_CLIPS = (
    "values stay in the range of the images (0 to 1, for example); on floats tf.image goes beyond it unless "
    "clip_by_value follows"
)
_COMMUTING = ("Rescaling", "ConvertDtype")
"""What may as well come after the images were brought to their size."""
RESIZE = "augline antialiases when it shrinks images; tf.image.resize does not unless told to"


@dataclass
class Image:
    """What has happened to an image so far.

    Args:
        scale: What white is: 1, 255, or None if it does not show.
        whole: Whether pixels are whole numbers.
        white: What white was at the beginning, where only what is done with the image shows it.
    """

    scale: int | None = None
    whole: bool = False
    transforms: tuple[str, ...] = ()
    size: str | None = None
    pixels: tuple[int, int] | None = None
    file: bool = False
    floats: bool = False
    """Whether pixels are certainly floats."""
    white: int | None = None
    notes: tuple[tuple[int, str], ...] = ()

    def then(self, *texts: str, **changes: Any) -> Image:
        """One step further."""
        if any("PerImageStandardization" in text for text in self.transforms) and not all(map(gives_floats, texts)):
            raise Unclear("what follows per_image_standardization must change no pixels but by a factor")
        return replace(self, transforms=self.transforms + texts, **changes)

    def noted(self, line: int, text: str) -> Image:
        """With a remark."""
        return replace(self, notes=(*self.notes, (line, text)))


@dataclass
class Label:
    """The other part of an element, and a function on it that can as well be done on batches."""

    after: str | None = None


Op = Callable[[Script, Image, Arguments, int], Image]


def _flip(side: str, tail: str = "") -> Op:
    def flip(script: Script, image: Image, args: Arguments, line: int) -> Image:
        return image.then(f'{script.al}.RandomFlip("{side}"{tail})')

    return flip


def _brightness(script: Script, image: Image, args: Arguments, line: int) -> Image:
    delta, value = args.code("max_delta"), args.value("max_delta")
    if image.scale is None and isinstance(value, int | float) and value > 1:
        image = replace(image, scale=255, white=255)
    if image.scale == 255 and not image.whole:
        if isinstance(value, int | float) and value <= 1:
            image = image.noted(line, _TINY.format(delta=delta))
        delta = f"{part(delta)} / 255"
    elif image.scale is None:
        image = image.noted(line, _RANGE)
    return _unclipped(image, line).then(f"{script.al}.RandomBrightness({delta})")


def _unclipped(image: Image, line: int) -> Image:
    """Before work on colours that may leave the range, where nothing clips them to it in tf.image."""
    return image.noted(line, _CLIPS) if image.scale is not None and not image.whole else image


def _contrast(script: Script, image: Image, args: Arguments, line: int) -> Image:
    low, high = args.value("lower"), args.value("upper")
    image = _unclipped(image, line)
    if isinstance(low, int | float) and isinstance(high, int | float):
        down, up = number(1 - low), number(high - 1)
        return image.then(f"{script.al}.RandomContrast({down if down == up else f'({down}, {up})'})")
    text = f"(1 - {part(args.code('lower'))}, {part(args.code('upper'))} - 1)"
    return image.then(f"{script.al}.RandomContrast({text})")


def _saturation(script: Script, image: Image, args: Arguments, line: int) -> Image:
    low, high = (number(float(args.known(name)) / (1 + float(args.known(name)))) for name in ("lower", "upper"))
    return image.noted(line, _SATURATION).then(f"{script.al}.RandomSaturation(({low}, {high}))")


def _hue(script: Script, image: Image, args: Arguments, line: int) -> Image:
    value = args.value("max_delta")
    text = number(2 * value) if isinstance(value, int | float) else f"2 * {part(args.code('max_delta'))}"
    return image.then(f"{script.al}.RandomHue({text})")


def _rot90(script: Script, image: Image, args: Arguments, line: int) -> Image:
    k = args.given.get("k")
    drawn = script.value(k) if isinstance(k, cst.Name) else k
    text = script.source(drawn).replace(" ", "") if drawn is not None else ""
    if "random.uniform" not in text or not ("maxval=4" in text or ",0,4" in text):
        raise Unclear(f"rot90 on line {line} turns by a fixed angle, for which a Pipeline has no transform")
    return image.then(f"{script.al}.RandomRotate90()")


def _resize(script: Script, image: Image, args: Arguments, line: int) -> Image:
    if args.value("preserve_aspect_ratio", False) is not False:
        raise Unclear(f"preserve_aspect_ratio on line {line} has no counterpart in a Pipeline")
    method = args.code("method", "bilinear").lower()
    if not ("bilinear" in method or "nearest" in method):
        raise Unclear(f"{method} on line {line}: a Pipeline resizes with bilinear or nearest")
    size, value = as_tuple(args.code("size")), args.value("size")
    pixels = (value[0], value[1]) if isinstance(value, tuple | list) and len(value) == 2 else None
    changes: dict[str, Any] = {"pixels": pixels, "whole": False, "floats": "nearest" not in method}
    image = image.noted(line, RESIZE) if args.value("antialias", False) is not True else image
    commute = all(any(f".{name}(" in text for name in _COMMUTING) for text in image.transforms)
    if commute and image.size is None and "nearest" not in method:
        return image.then(size=size, **changes)
    inner = size[1:-1] if size.startswith("(") else f"*{size}"
    tail = ', interpolation="nearest"' if "nearest" in method else ""
    return image.then(f"{script.al}.Resizing({inner}{tail})", **changes)


def _target(args: Arguments) -> tuple[str, tuple[int, int] | None]:
    """`target_height, target_width` as they are written, and as numbers."""
    sides = args.value("target_height"), args.value("target_width")
    known = (sides[0], sides[1]) if all(isinstance(side, int) for side in sides) else None
    return f"{args.code('target_height')}, {args.code('target_width')}", known


def _resize_with_pad(script: Script, image: Image, args: Arguments, line: int) -> Image:
    if "bilinear" not in args.code("method", "bilinear").lower():
        raise Unclear(f"{args.code('method')} on line {line}: a Pipeline resizes with bilinear or nearest")
    text, known = _target(args)
    image = image.noted(line, RESIZE) if args.value("antialias", False) is not True else image
    text = f"{script.al}.Resizing({text}, pad_to_aspect_ratio=True)"
    return image.noted(line, _PAD).then(text, pixels=known, whole=False, floats=True)


def _crop_or_pad(script: Script, image: Image, args: Arguments, line: int) -> Image:
    text, known = _target(args)
    steps = [f"{script.al}.Padding({text})", f"{script.al}.CenterCrop({text})"]
    if known and image.pixels:
        pads, crops = (
            any(a > b for a, b in zip(first, second, strict=True))
            for first, second in ((known, image.pixels), (image.pixels, known))
        )
        steps = [step for step, wanted in zip(steps, (pads, crops), strict=True) if wanted]
    return image.then(*steps, pixels=known)


def _central_crop(script: Script, image: Image, args: Arguments, line: int) -> Image:
    fraction = args.known("central_fraction")
    if image.pixels is None or not all(isinstance(side, int) for side in image.pixels):
        raise Unclear(f"central_crop on line {line} needs a known size: resize before it")
    height, width = (side - 2 * int((side - side * fraction) / 2) for side in image.pixels)
    return image.then(f"{script.al}.CenterCrop({height}, {width})", pixels=(height, width))


def _random_crop(script: Script, image: Image, args: Arguments, line: int) -> Image:
    node = args.given.get("size")
    if not isinstance(node, cst.List | cst.Tuple) or len(node.elements) != 3:
        raise Unclear(f"the size of random_crop on line {line} is not [height, width, channels]")
    sides = [node.elements[0].value, node.elements[1].value]
    height, width = (script.source(side) for side in sides)
    known = [script.literal(side) for side in sides]
    pixels = (known[0], known[1]) if all(isinstance(side, int) for side in known) else None
    return image.then(f"{script.al}.RandomCrop({height}, {width})", pixels=pixels)


def _standardize(script: Script, image: Image, args: Arguments, line: int) -> Image:
    return image.then(f"{script.al}.PerImageStandardization()", scale=None, whole=False, floats=True)


def _convert(script: Script, image: Image, args: Arguments, line: int) -> Image:
    if "float32" not in args.code("dtype"):
        raise Unclear(f"convert_image_dtype on line {line} is not to float32")
    if image.scale == 1:
        return image
    if image.scale is None and not image.transforms:  # whole numbers come to 0 to 1, floats stay
        return image.then(f'{script.al}.ConvertDtype("float32", scale=True)', scale=1, whole=False)
    if not image.whole:
        raise Unclear(f"what convert_image_dtype on line {line} is given does not show")
    return image.then(f"{script.al}.Rescaling(1 / 255)", scale=1, whole=False)


def _cast(script: Script, image: Image, args: Arguments, line: int) -> Image:
    if "float32" not in args.code("dtype"):
        raise Unclear(f"cast on line {line} is not to float32")
    return image.then(whole=False, floats=True)


def _clip(script: Script, image: Image, args: Arguments, line: int) -> Image:
    return replace(image, notes=tuple(note for note in image.notes if note[1] != _CLIPS))


def _read(script: Script, image: Image, args: Arguments, line: int) -> Image:
    return image.then(file=True)


def _decode(script: Script, image: Image, args: Arguments, line: int) -> Image:
    if args.value("channels", 0) not in (0, 3) or not image.file:
        raise Unclear(f"decoding on line {line} is not of files to three channels")
    return image.then(scale=255, whole=True)


OPERATIONS: dict[str, Op] = {
    "flip_x": _flip("horizontal"),
    "flip_y": _flip("vertical"),
    "always_flip_x": _flip("horizontal", ", p=1"),
    "always_flip_y": _flip("vertical", ", p=1"),
    "brightness": _brightness,
    "contrast": _contrast,
    "saturation": _saturation,
    "hue": _hue,
    "rot90": _rot90,
    "resize": _resize,
    "resize_with_pad": _resize_with_pad,
    "crop_or_pad": _crop_or_pad,
    "central_crop": _central_crop,
    "random_crop": _random_crop,
    "standardize": _standardize,
    "convert": _convert,
    "cast": _cast,
    "clip": _clip,
    "read": _read,
    "decode": _decode,
}
"""By the names that `rules.IMAGE_OPS` gives them."""

"""Filters, local contrast, noise, holes and JPEG on OpenCV and simplejpeg; where cv2 lacks a type, by the reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from augline.engines.opencv.channels import Image, by_groups
from augline.engines.opencv.colour import Values, from_unit, to_unit
from augline.engines.opencv.warp import Step
from augline.engines.portable import local as portable
from augline.engines.portable.clahe import clahe as portable_clahe
from augline.plan.call import Call
from augline.plan.local import Clahe, Codec, Erase, Filter, Median, Noise
from augline.random import NOISE_LENGTH, noise_table


def filter_step(stage: Filter, values: Values) -> Step:
    """One kernel on all channels; the smallest part of it that is not zero, split in two where it can be."""
    size = stage.kernel.shape[1]
    delta = np.zeros((size, size))
    delta[size // 2, size // 2] = 1
    active = (stage.kernel != delta).any(axis=(1, 2)).tolist()

    def step(index: int, image: Image, out: Image | None) -> Image:
        if not active[index]:
            return image
        kernel, border = _trimmed(stage.kernel[index]), cv2.BORDER_REFLECT_101
        lines = kernel.sum(axis=0), kernel.sum(axis=1)

        def filtered(part: Image, dst: Image | None, _: int) -> Any:
            if stage.separable:
                return cv2.sepFilter2D(part, -1, *lines, dst=dst, borderType=border)
            return cv2.filter2D(part, -1, kernel, dst=dst, borderType=border)

        done = by_groups(image, None if stage.keeps_edge else out, _size(image), filtered)
        if stage.keeps_edge:
            done[[0, -1]], done[:, [0, -1]] = image[[0, -1]], image[:, [0, -1]]
        return done if values.levels else np.clip(done, values.offset, _top(values), out=done, casting="unsafe")

    return step


def median_step(stage: Median, values: Values) -> Step:
    """cv2.medianBlur, which takes any size for 8 bits and up to 5 for others."""
    sizes: list[int] = stage.size.tolist()

    def step(index: int, image: Image, out: Image | None) -> Image:
        size = sizes[index]
        if size == 1:
            return image
        if values.dtype == "uint8" or size <= 5:
            return by_groups(image, out, _size(image), lambda part, dst, _: cv2.medianBlur(part, size, dst=dst))
        one = Median(np.asarray([size]), (size,))
        return from_unit(portable.median(np, to_unit(image, values)[None], one)[0], values)

    return step


def clahe_step(stage: Clahe, values: Values) -> Step:
    """cv2's CLAHE on each channel of 8-bit images."""
    limits: list[float] = stage.clip_limit.tolist()

    def step(index: int, image: Image, out: Image | None) -> Image:
        if not limits[index]:
            return image
        if values.dtype != "uint8":
            one = Clahe(np.asarray(limits[index : index + 1]), stage.grid)
            return from_unit(portable_clahe(np, to_unit(image, values)[None], one)[0], values)
        kernel = cv2.createCLAHE(limits[index], (stage.grid[1], stage.grid[0]))
        result = np.empty_like(image) if out is None else out
        for channel in range(image.shape[2]):
            result[:, :, channel] = kernel.apply(np.ascontiguousarray(image[:, :, channel]))
        return result

    return step


def noise_step(stage: Noise, values: Values) -> Step:
    """A stretch of the noise table, scaled, added and rounded in one call."""
    stds: list[float] = (stage.std * values.scale[0]).tolist()
    starts: list[int] = stage.start.tolist()

    def step(index: int, image: Image, out: Image | None) -> Image:
        if not stds[index]:
            return image
        added = _stretch(starts[index], image.shape) * np.float32(stds[index])
        if values.levels is None:
            return np.clip(image + added, np.float32(values.offset[0]), np.float32(_top(values)[0]), out=out)
        depth = cv2.CV_8U if values.dtype == "uint8" else cv2.CV_16U
        flat = image.reshape(image.shape[0], -1)
        dst = None if out is None else out.reshape(flat.shape)
        return np.asarray(cv2.add(flat, added.reshape(flat.shape), dst=dst, dtype=depth)).reshape(image.shape)

    return step


def erase_step(stage: Erase, values: Values) -> Step:
    """Rectangles painted into a copy."""
    boxes: list[list[list[int]]] = stage.boxes.astype(int).tolist()
    scale, offset = np.asarray(values.scale), np.asarray(values.offset)
    paint = stage.value * scale + offset
    noise = None if stage.noise is None else stage.noise.tolist()

    def step(index: int, image: Image, out: Image | None) -> Image:
        holes = [box for box in boxes[index] if box[0] < box[2] and box[1] < box[3]]
        if not holes:
            return image
        result = _copied(image, out)
        for top, left, bottom, right in holes:
            colour = paint[index]
            if noise is not None:
                spread = _stretch(noise[index], image.shape)[top:bottom, left:right] * (portable.ERASE_STD * scale)
                colour = np.clip(colour + spread, offset, offset + scale)
            result[top:bottom, left:right] = colour if values.levels is None else np.rint(colour)
        return result

    return step


def codec_step(stage: Codec, values: Values) -> Step:
    """libjpeg-turbo there and back, through 8 bits."""
    import simplejpeg

    qualities: list[int] = stage.quality.tolist()

    def step(index: int, image: Image, out: Image | None) -> Image:
        if not qualities[index]:
            return image
        levels = (
            image if values.dtype == "uint8" else np.rint(np.clip(to_unit(image, values), 0, 1) * 255).astype(np.uint8)
        )
        colours, name = (3, "RGB") if image.shape[2] >= 3 else (1, "GRAY")
        part = np.ascontiguousarray(levels[:, :, :colours])
        encoded = simplejpeg.encode_jpeg(
            part, quality=qualities[index], colorspace=name, colorsubsampling="420" if colours == 3 else "Gray"
        )
        decoded = simplejpeg.decode_jpeg(encoded, colorspace=name)
        result = _copied(image, out)
        result[:, :, :colours] = (
            decoded if values.dtype == "uint8" else from_unit(decoded / np.float32(255), values, colours)
        )
        return result

    return step


def call_step(stage: Call, values: Values) -> Step:
    """A function of the user's, on a copy of its own in the values that the user sees."""
    scale, offset = (v * len(values.scale) if len(v) == 1 else v for v in (stage.scale, stage.offset))
    seen = Values(scale, offset, stage.dtype)

    def step(index: int, image: Image, out: Image | None) -> Image:
        if not stage.acts_on(index):
            return image
        given = np.array(image, order="C") if seen == values else from_unit(to_unit(image, values), seen)
        done: Image = stage.checked(stage.function(given, **stage.arguments(index)), given)
        if seen != values:
            return from_unit(np.clip(to_unit(done, seen), 0, 1), values)
        return np.clip(done, values.offset, _top(values)).astype(done.dtype) if values.dtype == "float32" else done

    return step


STEPS: dict[type[Any], Callable[..., Step]] = {
    Filter: filter_step,
    Median: median_step,
    Clahe: clahe_step,
    Noise: noise_step,
    Erase: erase_step,
    Codec: codec_step,
    Call: call_step,
}


def _trimmed(kernel: Image) -> Image:
    """The kernel without the zeros around it."""
    half = kernel.shape[0] // 2
    reach = max((abs(k - half) for axis in np.nonzero(kernel) for k in axis.tolist()), default=0)
    return np.ascontiguousarray(kernel[half - reach : half + reach + 1, half - reach : half + reach + 1])


def _stretch(start: int, shape: tuple[int, ...]) -> Image:
    count = int(np.prod(shape))
    table = noise_table()
    if start + count <= NOISE_LENGTH:
        return np.asarray(table[start : start + count].reshape(shape))
    return np.asarray(np.take(table, np.arange(start, start + count), mode="wrap").reshape(shape))


def _copied(image: Image, out: Image | None) -> Image:
    if out is None:
        return image.copy()
    if out is not image:
        np.copyto(out, image)
    return out


def _size(image: Image) -> tuple[int, int]:
    return image.shape[1], image.shape[0]


def _top(values: Values) -> Image:
    return np.asarray(np.add(values.offset, values.scale))

"""Pointwise work on OpenCV: curves as tables, matrices by cv2.transform, hue and saturation by cv2.cvtColor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augline.engines.opencv.channels import Image
from augline.engines.opencv.warp import Step
from augline.engines.portable import colour as portable
from augline.plan.stages import LUMA, Colour, Curve, Hsv, Output, Tone, affine, affine_about_mean


@dataclass(frozen=True)
class Values:
    """How the numbers in an image relate to 0 to 1: `value = unit * scale + offset`, one entry per channel."""

    scale: tuple[float, ...]
    offset: tuple[float, ...]
    dtype: str

    @property
    def levels(self) -> int | None:
        """Number of values an integer image can hold; None for floats."""
        return None if self.dtype == "float32" else int(np.iinfo(self.dtype).max) + 1


def tone_step(stage: Tone, values: Values, output: Output | None) -> Step:
    """Curves on every channel; with `output`, straight to the values that the batch holds."""
    if values.levels is None:
        return _evaluated(stage, values)
    if (
        output is None
        and len(values.scale) <= 4
        and all(c.function in (affine, affine_about_mean) for c in stage.curves)
    ):
        return _affine(stage, values)
    tabulate = _tables(stage, values, output or Output(values.scale, values.offset, values.dtype))

    def step(index: int, image: Image, out: Image | None) -> Image:
        table = tabulate(index, image)
        return image if table is None else look_up(image, table, out)

    return step


def _affine(stage: Tone, values: Values) -> Step:
    """Runs of affine curves: cv2.transform and cv2.mean, several times faster than a histogram and three tables."""
    active = [None if c.active is None else c.active.tolist() for c in stage.curves]
    rows = [_matrices(c, values) for c in stage.curves]
    means = [_mean_shift(c, rows[k], values) if c.measure else None for k, c in enumerate(stage.curves)]
    flat = len(values.scale) == 1  # cv2 drops a last axis of one channel

    def step(index: int, image: Image, out: Image | None) -> Image:
        dst = None if out is None else (out[:, :, 0] if flat else out)
        for on, matrices, shift in zip(active, rows, means, strict=True):
            if on is None or on[index]:
                if shift is not None:
                    shift(index, image)
                image = np.asarray(cv2.transform(image, matrices[index], dst=dst)).reshape(image.shape)
        return image

    return step


def _matrices(curve: Curve, values: Values) -> Image:
    """`(batch, channels, channels + 1)` for cv2.transform; a curve that measures fills in the last column later."""
    channels = len(values.scale)
    # cv2.transform is slow with diagonal matrices; 1e-5 beside the diagonal, 0.003 of a level of 256, is the fast way
    beside = 1e-5 if channels > 1 and values.levels == 256 else 0.0
    matrices = np.full((len(curve.params[0]), channels, channels + 1), beside)
    matrices[:, range(channels), range(channels)] = _columns(curve.params[0], channels)
    if not curve.measure:
        matrices[:, :, channels] = _columns(curve.params[1], channels) * values.scale[0]
    return matrices


def _mean_shift(curve: Curve, matrices: Image, values: Values) -> Callable[[int, Image], None]:
    """Writes into a sample's matrix what leaves the mean of its image where it is."""
    channels, luma = len(values.scale), curve.measure == "luma" and len(values.scale) >= 3
    rest = 1 - _columns(curve.params[0], channels)
    red, green, blue = LUMA

    def shift(index: int, image: Image) -> None:
        means = cv2.mean(image)
        mean = means[0] * red + means[1] * green + means[2] * blue if luma else means[:channels]
        np.multiply(rest[index], mean, out=matrices[index, :, channels])

    return shift


def _columns(param: Image, channels: int) -> Image:
    return np.broadcast_to(param[:, None] if param.ndim == 1 else param, (len(param), channels))


def look_up(image: Image, table: Image, out: Image | None) -> Image:
    """Each value replaced by its entry; `table` is `(levels, channels)` or `(levels, 1)` for all channels alike."""
    if image.dtype == np.uint8:
        flat = image[:, :, 0] if image.shape[2] == 1 else image
        dst = None if out is None else (out[:, :, 0] if image.shape[2] == 1 else out)
        result = cv2.LUT(flat, table[None] if table.shape[1] > 1 else table[:, 0], dst=dst)
        return np.asarray(result).reshape(image.shape)
    if table.shape[1] == 1:
        return np.take(table[:, 0], image, out=out)
    result = np.empty(image.shape, table.dtype) if out is None else out
    for channel in range(image.shape[2]):
        result[:, :, channel] = table[:, channel][image[:, :, channel]]
    return result


def colour_step(stage: Colour, values: Values) -> Step:
    """Channel matrices, in the image's own values: `scale * L ((x - offset) / scale) + scale * c + offset`."""
    scale, offset = np.asarray(values.scale), np.asarray(values.offset)
    linear = stage.matrix[:, :-1, :-1] * (scale[:, None] / scale)
    constant = stage.matrix[:, :-1, -1] * scale + offset - linear @ offset
    matrix = np.concatenate([linear, constant[:, :, None]], axis=2)
    active = (stage.matrix != np.eye(stage.matrix.shape[1])).any(axis=(1, 2)).tolist()

    def step(index: int, image: Image, out: Image | None) -> Image:
        if not active[index]:
            return image
        result = np.asarray(cv2.transform(image, matrix[index], dst=out))
        return result if values.levels else np.clip(result, offset, offset + scale, out=result, casting="unsafe")

    return step


def hsv_step(stage: Hsv, values: Values) -> Step:
    """Hue and saturation; 8-bit images through cv2's 8-bit HSV, others in float32 by the formula of the reference."""
    active = stage.active.tolist()
    levels = np.arange(256)
    # cv2 reads a hue of 0 to 1 as 0 to 256, and writes it as 0 to 255
    hue = np.round((levels / 256 + stage.hue[:, None]) % 1 * 255)
    rest = [np.rint(np.clip(levels * v[:, :1] + 255 * v[:, 1:], 0, 255)) for v in (stage.saturation, stage.value)]
    tables = np.stack([hue, *rest], axis=-1).astype(np.uint8)

    def eight_bit(index: int, image: Image, out: Image | None) -> Image:
        if not active[index]:
            return image
        colours = np.ascontiguousarray(image[:, :, :3])
        turned = cv2.LUT(cv2.cvtColor(colours, cv2.COLOR_RGB2HSV_FULL), tables[index][None])
        if image.shape[2] == 3:
            return np.asarray(cv2.cvtColor(turned, cv2.COLOR_HSV2RGB_FULL, dst=out))
        result = image.copy() if out is None else out
        result[:, :, :3], result[:, :, 3:] = cv2.cvtColor(turned, cv2.COLOR_HSV2RGB_FULL), image[:, :, 3:]
        return result

    def other(index: int, image: Image, out: Image | None) -> Image:
        if not active[index]:
            return image
        one = Hsv(*(v[index : index + 1].astype(np.float32) for v in (stage.hue, stage.saturation, stage.value)))
        return from_unit(portable.hsv(np, to_unit(image, values)[None], one)[0], values)

    return eight_bit if values.dtype == "uint8" else other


def output_step(values: Values, output: Output) -> Callable[[Image, Image], None]:
    """Writes an image into its slot of the batch, in the values and the type asked for."""
    scale = np.asarray(output.scale) / np.asarray(values.scale)
    offset = np.asarray(output.offset) - np.asarray(values.offset) * scale
    uniform = len({*scale.tolist()}) == len({*offset.tolist()}) == 1
    numbers = [(v[:1] if uniform else v).astype(np.float32) for v in (scale, offset)]

    @lru_cache(maxsize=1)
    def row(times: int) -> list[Image]:
        return [np.tile(v, times) for v in numbers]

    def write(image: Image, out: Image) -> None:
        if out.dtype.kind == "u":
            values_out = np.empty(out.shape, np.float32)
            fill(image, values_out)
            np.rint(np.clip(values_out, 0, np.iinfo(out.dtype).max, out=values_out), out=values_out)
            np.copyto(out, values_out, casting="unsafe")
        else:
            fill(image, out)

    def fill(image: Image, out: Image) -> None:
        # whole rows at a time: numpy's inner loop over three channels would be the slow one
        rows = out.reshape(out.shape[0], -1)
        gain, shift = row(1 if uniform else out.shape[1])
        np.multiply(image.reshape(rows.shape), gain, out=rows)
        if offset.any():
            np.add(rows, shift, out=rows)

    return write


def _tables(stage: Tone, values: Values, output: Output) -> Callable[[int, Image], Image | None]:
    """Per sample, the `(levels, channels or 1)` table of all its active curves, or None where none is active."""
    levels = values.levels or 0
    grid = (np.arange(levels)[:, None] - np.asarray(values.offset[:1])) / np.asarray(values.scale[:1])
    active = [None if c.active is None else c.active.tolist() for c in stage.curves]
    straight = (output.scale, output.offset, output.dtype) == (values.scale, values.offset, values.dtype)
    uniform = len({*output.scale}) == len({*output.offset}) == 1
    scale, offset = (np.asarray(v[:1] if uniform else v) for v in (output.scale, output.offset))

    def finished(unit: Image) -> Image:
        result = unit * scale + offset
        if output.dtype.startswith("uint"):
            result = np.rint(np.clip(result, 0, np.iinfo(output.dtype).max))
        return np.asarray(result, output.dtype)

    def table(index: int, image: Image) -> Image | None:
        curves = [_one(c, index) for c, on in zip(stage.curves, active, strict=True) if on is None or on[index]]
        if not curves and straight:
            return None
        measures = _from_histogram(image, levels) if any(c.measure for c in curves) else {}
        return finished(portable.tone(np, grid[None, :, None, :], Tone(tuple(curves)), measures)[0, :, 0, :])

    if levels == 256 and not stage.measures and stage.curves[0].params:  # small, and known now: all of them at once
        tables = finished(portable.tone(np, grid[None, :, None, :], stage)[:, :, 0, :])
        idle = [straight and not any(on is None or on[k] for on in active) for k in range(len(tables))]
        return lambda index, _: None if idle[index] else tables[index]

    return table


def _from_histogram(image: Image, levels: int) -> dict[str, Callable[[Any, Image], Image]]:
    """What curves may ask of any curve of the image, from how often each level occurs in the image itself."""
    flat = image[:, :, 0] if image.shape[2] == 1 else image
    channels, pixels = image.shape[2], image.shape[0] * image.shape[1]
    counts = [np.ravel(cv2.calcHist([flat], [c], None, [levels], [0, levels])) for c in range(channels)]
    count = np.stack(counts, axis=1).astype(np.float64)

    def mean(_: Any, grid: Image) -> Image:
        return np.asarray((grid[:, :, 0, :] * count).sum(axis=1)[:, None, None, :] / pixels)

    def luma(_: Any, grid: Image) -> Image:
        means = mean(_, grid)
        return means[..., :1] if channels < 3 else means[..., :3] @ np.asarray(LUMA)[:, None]

    def extremes(_: Any, grid: Image) -> Image:
        occurs = count[None] > 0
        low = np.where(occurs, grid[:, :, 0, :], np.inf).min(axis=1)
        high = np.where(occurs, grid[:, :, 0, :], -np.inf).max(axis=1)
        return np.stack([low, high])[:, :, None, None, :]

    def histogram(_: Any, grid: Image) -> Image:
        bins = np.rint(np.clip(np.broadcast_to(grid[0, :, 0, :], count.shape), 0, 1) * 255).astype(np.int64)
        sums = [np.bincount(bins[:, c], weights=count[:, c], minlength=256) for c in range(channels)]
        return np.stack(sums, axis=1)[:, None, None, None, :]

    return {"mean": mean, "luma": luma, "extremes": extremes, "histogram": histogram}


def _evaluated(stage: Tone, values: Values) -> Step:
    """Float images: the curves themselves, in float32."""

    def step(index: int, image: Image, out: Image | None) -> Image:
        curves = tuple(
            replace(_one(c, index), params=tuple(p[index : index + 1].astype(np.float32) for p in c.params))
            for c in stage.curves
            if c.active is None or c.active[index]
        )
        if not curves:
            return image
        return from_unit(portable.tone(np, to_unit(image, values)[None], Tone(curves))[0], values)

    return step


def _one(curve: Curve, index: int) -> Curve:
    return Curve(curve.function, tuple(p[index : index + 1] for p in curve.params), curve.measure)


def to_unit(image: Image, values: Values) -> NDArray[np.float32]:
    """The image on the plan's scale of 0 to 1."""
    scale, offset = (np.asarray(v, np.float32) for v in (values.scale, values.offset))
    return (image.astype(np.float32) - offset) / scale


def from_unit(unit: Image, values: Values, channels: int | None = None) -> Image:
    """Values of 0 to 1 back to the image's own; `channels` where there are only the first so many."""
    scale, offset = (np.asarray(v, np.float32) for v in (values.scale[:channels], values.offset[:channels]))
    result = unit * scale + offset
    result = result if values.levels is None else np.rint(np.clip(result, 0, values.levels - 1))
    return np.asarray(result, values.dtype)

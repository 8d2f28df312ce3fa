"""The work of a layer: draws, plan, pixels, masks and boxes of one batch, as a function of tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import keras
from augline.arrays import Array, Namespace, choose, rows_of
from augline.box_filter import BoxFilter
from augline.dense_boxes import move_boxes, packed
from augline.engines.portable.run import run_batch
from augline.errors import ArgumentError, EngineError
from augline.keras.layer_checks import FLOATS, Images, image_spec
from augline.keras.layer_device import device
from augline.plan import Plan
from augline.plan.plan import mapped, uneven
from augline.plan.segments import segments
from augline.program import Program
from augline.sources.base import VALUE_RANGES
from augline.sources.refusal import refusal
from augline.targets import mask_plan
from augline.transforms.base import Transform

_MOVED = ("images", "segmentation_masks", "bounding_boxes")


class Output(NamedTuple):
    """What images come out as."""

    size: tuple[int, int]
    channels: int
    dtype: str


class Prepared(NamedTuple):
    """A program for images of one size, and what comes out of it."""

    program: Program
    output: Output


class Work:
    """Carries a list out on batches.

    Args:
        transforms: The list.
        seed: Of its draws.
        value_range: Of floating-point images, or None for (0, 1).
        box_format: Of boxes in and out.
        box_filter: Which boxes stay.
        fused: Whether to make one compiled program of it.
        steps_per_epoch: For schedules.
    """

    def __init__(
        self, transforms: Sequence[Transform], seed: int, value_range: tuple[float, float] | None, box_format: str,
        box_filter: BoxFilter, *, fused: bool, steps_per_epoch: int | None,
    ) -> None:  # fmt: skip
        self._transforms, self._seed, self._value_range = tuple(transforms), seed, value_range
        self._box_format, self._box_filter, self._fused = box_format, box_filter, fused
        self._carried: Callable[..., Any] = device().fused(self._carry_out) if fused else self._carry_out
        self.program, self._steps_per_epoch = cache(self._prepare), steps_per_epoch

    def __call__(self, data: Mapping[str, Any], step: Array, ids: Array) -> dict[str, Any]:
        """A batch, with everything that does not move as it was."""
        if not self._transforms:
            return {**data, "images": _as_float32(data["images"])}
        if device().numbers is not device().pixels:
            step = int(step)
        return {**data, **self._carried({key: data[key] for key in data if key in _MOVED}, step, ids)}

    def _prepare(self, images: Images) -> Prepared:
        dtype = "float32" if images.dtype in FLOATS else images.dtype
        default = VALUE_RANGES[dtype]
        low, high = default if self._value_range is None else self._value_range
        if dtype != "float32" and (low, high) != default:
            rule, fix = f"{dtype} images range over {default}", "Leave value_range out, or pass floats."
            raise refusal(ArgumentError, "Augment(value_range)", rule, f"{(low, high)}", fix)
        program = Program(
            self._transforms, seed=self._seed, channels=images.channels, dtype=dtype, value_range=(low, high),
            size=(images.height, images.width), engine="reference",
        )  # fmt: skip
        if program.output_size is None:
            fix = "End the geometry with Resizing, CenterCrop or RandomResizedCrop."
            received = f"{list(self._transforms)} for {images.height} x {images.width}"
            raise refusal(ArgumentError, "Augment", "all images must come out in one size", received, fix)
        if found := uneven(program.trial):
            rule = "images must have one size where anything looks at their pixels"
            raise refusal(EngineError, "Augment", rule, found, "Put Resizing between.")
        return Prepared(program, Output(program.output_size, program.output_channels, program.output_dtype))

    def _carry_out(self, data: Mapping[str, Any], step: Array, ids: Array) -> dict[str, Any]:
        prepared, here = self.program(image_spec(data["images"])), device()
        with here.scope(data["images"]):
            numbers = here.numbers
            plan = _planned(numbers, prepared.program, step, ids, self._steps_per_epoch)
            on_device = plan if numbers is here.pixels else mapped(plan, here.to_pixels)
            images = _as_float32(data["images"])
            parts = segments(on_device) if self._fused else [on_device]
            carried = _in_parts(here.pixels, parts, images, step >= 0)
            result = {"images": _shaped(here.pixels, carried, prepared.output)}
            if (masks := data.get("segmentation_masks")) is not None:
                result["segmentation_masks"] = _masks(here.pixels, on_device, masks, prepared.output)
            if "bounding_boxes" in data:
                result["bounding_boxes"] = self._boxes(plan, data["bounding_boxes"])
        return result

    def _boxes(self, plan: Plan, given: Mapping[str, Any]) -> dict[str, Any]:
        """Dense boxes, and whatever else there is one of for each, those that are left in front."""
        here = device()
        columns = {name: here.to_numbers(column) for name, column in given.items()}
        there = columns["labels"] != -1
        boxes, stays = move_boxes(here.numbers, plan, columns["boxes"], there, self._box_format, self._box_filter)
        moved = packed(here.numbers, stays, {**columns, "boxes": boxes})
        return {name: here.to_pixels(column) for name, column in moved.items()}


def ids_of(images: Array) -> Array:
    """`(batch,)` positions in the batch: over all replicas, if there are several."""
    here = device()
    with here.scope(images):
        rows = rows_of(here.pixels, images)
        return here.numbers.arange(rows) + here.first(rows)


def _planned(xp: Namespace, program: Program, step: Array, ids: Array, steps_per_epoch: int | None) -> Plan:
    assert program.size is not None
    sizes = xp.zeros((rows_of(xp, ids), 2), dtype=xp.int64) + xp.asarray(program.size)
    epoch = None if steps_per_epoch is None else xp.astype(xp.asarray(step), xp.int64) // steps_per_epoch
    _, plan = program.plan(step, ids, sizes, xp=xp, scheduled=epoch)
    return plan


def _masks(xp: Namespace, plan: Plan, masks: Any, output: Output) -> Any:
    """Segmentation masks through the plan; several by name, or one."""
    if isinstance(masks, Mapping):
        return {name: _mask(xp, plan, mask, output, name) for name, mask in masks.items()}
    return _mask(xp, plan, masks, output, "")


def _mask(xp: Namespace, plan: Plan, mask: Array, output: Output, name: str) -> Array:
    flat = len(mask.shape) == 3
    dtype, deep = keras.backend.standardize_dtype(mask.dtype), mask[..., None] if flat else mask
    channels = int(deep.shape[3])
    moved = run_batch(xp, mask_plan(plan, channels, dtype, name), deep)
    moved = _shaped(xp, moved, output._replace(channels=channels))
    return moved[..., 0] if flat else moved


def _in_parts(xp: Namespace, parts: Sequence[Plan], images: Array, sure: Array) -> Array:
    """A batch through plans, one after the other, as part of one compiled program.

    XLA computes anew what is read twice, such as a warped image whose mean is taken: see `segments`. Its own barrier is
    gone before that on CPUs, so between two parts stands a choice of which only we know how it ends.
    """
    first, *rest = parts
    images = run_batch(xp, first, images)
    for part in rest:
        images = run_batch(xp, part, _held(xp, images, sure))
    return images


def _held(xp: Namespace, images: Array, sure: Array) -> Array:
    return choose(xp, sure, lambda: images, lambda: xp.zeros_like(images))


def _shaped(xp: Namespace, images: Array, output: Output) -> Array:
    """A batch in a shape that is known."""
    return xp.reshape(images, (rows_of(xp, images), *output.size, output.channels))


def _as_float32(images: Array) -> Array:
    floats = keras.backend.standardize_dtype(images.dtype) in FLOATS
    return device().pixels.astype(images, device().pixels.float32) if floats else images

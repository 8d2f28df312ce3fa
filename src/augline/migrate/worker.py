"""One side of `--verify`, in a process of its own: `python -m augline.migrate.worker OUT.npz < job.json`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

_COMPARED = 4
_PICTURES = 6


def main(out: str) -> None:
    """Does the job that stands on stdin, and writes what it found."""
    job = json.load(sys.stdin)
    arrays: dict[str, Any] = {"speed": 0.0, "count": 0, "rows": "[]"}
    if job["side"] == "geometry":
        arrays["rows"] = json.dumps(_geometry(job))
    else:
        arrays |= _timed(_batches(job), job["batches"])
    np.savez(out, **arrays)


def _generator_class(side: str) -> Any:
    if side == "augline":
        from augline.keras import ImageDataGenerator

        return ImageDataGenerator
    from tensorflow.keras.preprocessing.image import ImageDataGenerator as Old

    return Old


def _batches(job: dict[str, Any]) -> Iterator[Any]:
    if job["side"] == "pipeline":
        names: dict[str, Any] = {}
        exec(job["code"], names)  # written by augline.migrate from literals; nothing of the user's script
        while True:
            yield from names["flow"]
    generator = _generator_class(job["side"])(**_tuples(job["generator"]))
    yield from generator.flow_from_directory(job["folder"], **_tuples(job["flow"]))


def _tuples(arguments: dict[str, Any]) -> dict[str, Any]:
    """JSON has no tuples, and Keras tells sizes by them."""
    return {name: tuple(value) if name == "target_size" else value for name, value in arguments.items()}


def _timed(stream: Iterator[Any], batches: int) -> dict[str, Any]:
    """Images/s without the first batch, and the first few batches."""
    kept = [next(stream)]
    images, start = 0, perf_counter()
    for batch in islice(stream, batches):
        images += len(_images(batch))
        if len(kept) < _COMPARED:
            kept.append(batch)
    arrays: dict[str, Any] = {"speed": images / (perf_counter() - start), "count": len(kept)}
    for number, batch in enumerate(kept):
        arrays[f"images{number}"] = np.asarray(_images(batch))
        if isinstance(batch, tuple) and len(batch) > 1:
            arrays[f"labels{number}"] = np.asarray(batch[1])
    return arrays


def _images(batch: Any) -> Any:
    return batch[0] if isinstance(batch, tuple) else batch


def _geometry(job: dict[str, Any]) -> list[tuple[str, float, float]]:
    """Each argument alone, fixed to the end of its range, on square pictures that both sides get as they are."""
    import augline as al

    size = job["flow"].get("target_size", (256, 256))
    pictures = _pictures(Path(job["folder"]), min(int(side) for side in size))
    given = job["generator"]
    fill = {"fill_mode": given.get("fill_mode", "nearest"), "fill_value": given.get("cval", 0.0)}
    old = _generator_class("keras")(fill_mode=fill["fill_mode"], cval=fill["fill_value"])
    rows = []
    for name, legacy, transform in _fixed(given, len(pictures[0]), fill):
        theirs = np.stack([old.apply_transform(picture.astype(np.float32), legacy) for picture in pictures])
        ours = al.augment(pictures, [transform]).astype(np.float64)
        gap = np.abs(theirs - ours)
        rows.append((name, float(gap.mean()), float(gap.max())))
    return rows


def _fixed(given: dict[str, Any], side: int, fill: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """(argument, Keras's parameters, our transform), all with one value instead of a range."""
    import augline as al

    if value := given.get("rotation_range"):
        yield "rotation_range", {"theta": value}, al.RandomRotation((value / 360,) * 2, **fill)
    for name, key in (("width_shift_range", "tx"), ("height_shift_range", "ty")):
        if (value := given.get(name)) and isinstance(value, int | float):
            share = value if value < 1 else value / side
            factors = {"tx": ((0, 0), (share, share)), "ty": ((share, share), (0, 0))}[key]
            yield f"{name} (axes put right)", {key: -share * side}, al.RandomTranslation(*factors, **fill)
    if value := given.get("shear_range"):
        yield "shear_range", {"shear": value}, al.RandomAffine(shear=(value, value), **fill)
    if value := given.get("zoom_range"):
        low, high = value if isinstance(value, list | tuple) else (1 - value, 1 + value)
        for zoom in (zoom for zoom in (low, high) if zoom != 1):
            factor = (zoom - 1,) * 2
            yield f"zoom_range at {zoom:g}", {"zx": zoom, "zy": zoom}, al.RandomZoom(factor, factor, **fill)
    if given.get("horizontal_flip"):
        yield "horizontal_flip", {"flip_horizontal": True}, al.RandomFlip("horizontal", p=1)
    if given.get("vertical_flip"):
        yield "vertical_flip", {"flip_vertical": True}, al.RandomFlip("vertical", p=1)
    if value := given.get("channel_shift_range"):
        yield "channel_shift_range", {"channel_shift_intensity": value}, al.RandomBrightness((value / 255,) * 2)
    if value := given.get("brightness_range"):
        yield "brightness_range", {"brightness": value[1]}, al.ColorJitter((value[1],) * 2, shuffle=False)


def _pictures(folder: Path, side: int) -> NDArray[np.uint8]:
    from PIL import Image

    from augline.sources.folder import EXTENSIONS

    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in EXTENSIONS)[:_PICTURES]
    if not paths:
        raise FileNotFoundError(f"no pictures in {folder}")
    opened = [Image.open(path).convert("RGB").resize((side, side), Image.Resampling.BILINEAR) for path in paths]
    return np.stack([np.asarray(picture, np.uint8) for picture in opened])


if __name__ == "__main__":
    main(sys.argv[1])

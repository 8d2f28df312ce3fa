"""A source written as TFRecord files."""

# Their names may have a scheme, which a Path would spoil.
# ruff: noqa: PTH118, PTH119, PTH120
from __future__ import annotations

import itertools
import json
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from augline.convert.smaller import Smaller, shrunk_mask
from augline.decode import probe
from augline.errors import ArgumentError, AuglineError, DecodeError, SourceError
from augline.feed.numpy import default_workers
from augline.settings import whole
from augline.sources import remote
from augline.sources import tfrecord_targets as keys
from augline.sources.base import Source
from augline.sources.boxes import from_xyxy, to_xyxy
from augline.sources.refusal import check_choice, refusal
from augline.targets import read_mask

if TYPE_CHECKING:
    import tensorflow as tf

_AHEAD = 8
"""Samples for each thread that are made before any of them is written."""

Size = tuple[int, int]


def write_tfrecords(
    source: Source, prefix: str | Path, *, shards: int = 1, shortest: int | None = None, quality: int | None = 95,
    on_error: str = "raise", workers: int | None = None, progress: Callable[[], object] | None = None,
) -> list[Any]:  # fmt: skip
    """Writes images and targets of a source as TFRecord files, which `TFRecords` reads, and any other reader.

    Files keep their bytes; arrays become PNG. With `shortest`, images that are larger are made smaller on the way, once
    instead of in each epoch; they are stored upright, without EXIF. Each shard is whole when it gets its name. Class
    names and `keypoint_swaps` go into a small JSON file beside the shards. It needs TensorFlow. The features, as usual
    in TensorFlow's detection models:

    - `image/encoded`, `image/height`, `image/width`; `image/class/label`, `image/weight`;
    - `image/object/bbox/xmin`, `ymin`, `xmax`, `ymax`: the sides of boxes relative to the image's, one number per box;
      `image/object/class/label`;
    - `image/object/keypoint/x`, `y`, relative as well, and `visibility`: one number per keypoint of the image;
    - `image/segmentation/class/encoded`: the mask as PNG; masks with names have theirs in place of `class`.

    Heights and widths are those of the image as written, turned upright as the source does. Polygons and further
    images are not written.

    Args:
        source: Of encoded files, or of arrays of uint8 or uint16.
        prefix: "dir/train" gives dir/train-00000-of-00008.tfrecord and so on, and dir/train.json; also in what
            `tf.io.gfile` writes to, such as "gs://bucket/train".
        shards: How many files; neighbouring samples lie in one.
        shortest: Images whose shorter side is longer come to this many pixels, proportions kept, each pixel the mean of
            the area that it covers; masks take the label at its centre. Choose what the pipeline needs and a margin:
            256 to 320 for crops of 224. None keeps files as they are.
        quality: Of images that are made smaller: 1 to 100 writes JPEG, None PNG. Images of 16 bits or with alpha
            become PNG in any case.
        on_error: What becomes of files that cannot be read: "raise", or "skip" leaves them out and warns in the end.
        workers: Threads; None for one per core.
        progress: Called after each sample.

    Returns:
        The paths of the shards; strings where the prefix has a scheme.

    Raises:
        ArgumentError: Images or targets cannot be written, or an argument is out of its range.
        SourceError or DecodeError: A file cannot be read, or is no image.

    Example:
        >>> import augline as al, numpy as np, tempfile
        >>> images = al.Arrays(np.zeros((4, 80, 60, 3), "uint8"), labels=[0, 1, 0, 1])
        >>> paths = al.write_tfrecords(images, tempfile.mkdtemp() + "/train", shards=2, shortest=30)
        >>> source = al.TFRecords(paths)
        >>> source
        TFRecords(2 files, 4 images)
        >>> al.Pipeline(source, size=(40, 30)).batch(0, 0)[0].shape
        (4, 40, 30, 3)
    """
    import tensorflow as tf

    owner = f"write_tfrecords({source!r})"
    check_choice(owner, "on_error", on_error, ("raise", "skip"))
    _check(owner, source, shards, workers)
    examples = Examples(source, Smaller(shortest, quality))
    folder, name = os.path.split(os.fspath(prefix))
    tf.io.gfile.makedirs(folder or ".")
    edges = [len(source) * k // shards for k in range(shards + 1)]
    paths = [os.path.join(folder, f"{name}-{k:05}-of-{shards:05}.tfrecord") for k in range(shards)]
    failed: list[AuglineError] = []
    threads = default_workers() if workers is None else workers
    with ThreadPoolExecutor(threads) as pool:
        for path, samples in zip(paths, itertools.pairwise(edges), strict=True):
            kept = failed if on_error == "skip" else None
            made = _made(pool, examples, range(*samples), _AHEAD * threads, kept)
            _write(tf, made, path, progress)
    if len(failed) == len(source):
        raise failed[0]
    names = None if source.class_names is None else list(source.class_names)
    beside = {"class_names": names, "keypoint_swaps": source.targets.keypoint_swaps}
    remote.write(f"{os.fspath(prefix)}.json", json.dumps(beside, ensure_ascii=False).encode())
    if failed:
        warnings.warn(f"{owner}: {len(failed)} files were left out. The first: {failed[0]}", stacklevel=2)
    return paths if remote.is_remote(folder) else [Path(path) for path in paths]


def _check(owner: str, source: Source, shards: int, workers: int | None) -> None:
    if not whole(shards, 1, len(source) + 1):
        rule = f"shards must be a whole number from 1 to {len(source)}"
        raise refusal(ArgumentError, owner, rule, f"shards={shards!r}", f"Pass {min(8, len(source))}, for example.")
    if source.lead or source.channels not in (1, 3, 4) or source.dtype == "float32":
        received = f"{source.dtype} with {source.channels} channels{' and a time axis' * bool(source.lead)}"
        fix = "Convert them first."
        raise refusal(ArgumentError, owner, "images must be uint8 or uint16 with 1, 3 or 4 channels", received, fix)
    if workers is not None and not whole(workers, 1):
        fix = "Pass 4, for example, or None for one per core."
        raise refusal(ArgumentError, owner, "workers must be a number of threads", f"workers={workers!r}", fix)


def _made(
    pool: ThreadPoolExecutor, example: Callable[[int], bytes], samples: range, ahead: int,
    failed: list[AuglineError] | None,
) -> Iterator[bytes | None]:  # fmt: skip
    """Examples in their order, None for those that are left out, which fill a list; without one they are errors."""

    def tried(index: int) -> bytes | AuglineError:
        try:
            return example(index)
        except (DecodeError, SourceError) as error:
            return error

    for first in range(0, len(samples), ahead):
        for made in pool.map(tried, samples[first : first + ahead]):
            if isinstance(made, AuglineError):
                if failed is None:
                    raise made
                failed.append(made)
            yield None if isinstance(made, AuglineError) else made


def _write(tf: Any, examples: Iterable[bytes | None], path: str, progress: Callable[[], object] | None) -> None:
    """One shard, under another name until it is whole."""
    part = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.part")
    try:
        with tf.io.TFRecordWriter(part) as file:
            for example in examples:
                if example is not None:
                    file.write(example)
                if progress is not None:
                    progress()
        tf.io.gfile.rename(part, path, overwrite=True)
    except BaseException:
        if tf.io.gfile.exists(part):
            tf.io.gfile.remove(part)
        raise


@dataclass(frozen=True)
class Examples:
    """Samples of a source as `tf.train.Example`, serialized.

    Attributes:
        source: Of images, with their targets.
        smaller: What becomes of large ones.
    """

    source: Source
    smaller: Smaller

    def __call__(self, index: int) -> bytes:
        """Of a sample.

        Raises:
            SourceError or DecodeError: Its file cannot be read.
            ArgumentError: Its mask cannot be written.
        """
        import tensorflow as tf

        source, name = self.source, self.source.name(index)
        try:
            data, size, new = self._image(tf, source.read(index))
        except DecodeError as error:
            raise DecodeError(f"{name} (sample {index}): {error}") from error
        taken = source.targets.take([index])
        found: dict[str, Any] = {"image/encoded": [data], keys.HEIGHT: [new[0]], keys.WIDTH: [new[1]]}
        if "labels" in taken:
            found["image/class/label"] = np.ravel(taken["labels"])
        if "weights" in taken:
            found[keys.WEIGHT] = taken["weights"]
        if "boxes" in taken:
            found |= _boxes(taken, source.bounding_box_format, size)
        if "keypoints" in taken:
            found |= _keypoints(taken["keypoints"][0], size)
        if "masks" in taken:
            masks = taken["masks"] if isinstance(taken["masks"], dict) else {keys.UNNAMED: taken["masks"]}
            for kind, (mask,) in masks.items():
                found[keys.MASK.format(kind)] = [_png(tf, shrunk_mask(read_mask(mask, size, name), new), name)]
        features = {name: _feature(tf, values) for name, values in found.items()}
        serialized: bytes = tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
        return serialized

    def _image(self, tf: Any, image: Any) -> tuple[bytes, Size, Size]:
        """As a file, the size it had, and that it has now."""
        header = probe(image, exif=self.source.exif) if isinstance(image, bytes) else None
        size = image.shape[:2] if header is None else (header.height, header.width)
        new = self.smaller.size(*size)
        if new == size:
            return (tf.io.encode_png(image).numpy() if header is None else image), size, size
        pixels = self.smaller.pixels(image, header, new, self.source)
        return self.smaller.encoded(pixels) or tf.io.encode_png(pixels).numpy(), size, new


def _boxes(taken: dict[str, Any], box_format: str, size: Size) -> dict[str, Any]:
    corners = to_xyxy(np.asarray(taken["boxes"][0], np.float64).reshape(-1, 4), box_format, size)
    found: dict[str, Any] = dict(zip(keys.BOX, from_xyxy(corners, "rel_xyxy", size).T, strict=True))
    return found | ({keys.BOX_LABEL: taken["box_labels"][0]} if "box_labels" in taken else {})


def _keypoints(points: NDArray[Any], size: Size) -> dict[str, Any]:
    columns = np.asarray(points, np.float64).T / np.asarray([size[1], size[0], 1.0])[: points.shape[1], None]
    return dict(zip((*keys.POINT, keys.VISIBILITY), columns, strict=False))


def _png(tf: Any, pixels: NDArray[Any], name: str) -> bytes:
    pixels = pixels.astype(np.uint8) if pixels.dtype == bool else pixels
    if pixels.shape[-1] > (1 if pixels.dtype == np.uint16 else 4 if pixels.dtype == np.uint8 else 0):
        rule = "masks must be uint8 with 1 to 4 channels, or uint16 with one"
        received = f"{pixels.dtype} with {pixels.shape[-1]} channels"
        raise refusal(ArgumentError, f"write_tfrecords, mask of {name}", rule, received, "Convert them first.")
    data: bytes = tf.io.encode_png(pixels).numpy()
    return data


def _feature(tf: Any, values: Any) -> tf.train.Feature:
    if isinstance(values, list) and isinstance(values[0], bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if np.asarray(values).dtype.kind in "biu":
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))

"""A source written as TFRecord files."""

# Their names may have a scheme, which a Path would spoil.
# ruff: noqa: PTH118, PTH119, PTH120
from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from augline.decode import probe
from augline.errors import ArgumentError, DecodeError
from augline.settings import whole
from augline.sources import remote
from augline.sources import tfrecord_targets as keys
from augline.sources.base import Source
from augline.sources.boxes import from_xyxy, to_xyxy
from augline.sources.refusal import refusal
from augline.targets import read_mask

if TYPE_CHECKING:
    import tensorflow as tf


def write_tfrecords(source: Source, prefix: str | Path, *, shards: int = 1) -> list[Any]:
    """Writes images and targets of a source as TFRecord files, which `TFRecords` reads, and any other reader.

    Files keep their bytes; arrays become PNG. Each shard is whole when it gets its name. Class names and
    `keypoint_swaps` go into a small JSON file beside the shards. It needs TensorFlow. The features, as usual in
    TensorFlow's detection models:

    - `image/encoded`, `image/height`, `image/width`; `image/class/label`, `image/weight`;
    - `image/object/bbox/xmin`, `ymin`, `xmax`, `ymax`: the sides of boxes relative to the image's, one number per box;
      `image/object/class/label`;
    - `image/object/keypoint/x`, `y`, relative as well, and `visibility`: one number per keypoint of the image;
    - `image/segmentation/class/encoded`: the mask as PNG; masks with names have theirs in place of `class`.

    Heights and widths are those of the image turned upright as the source does. Polygons and further images are not
    written.

    Args:
        source: Of encoded files, or of arrays of uint8 or uint16.
        prefix: "dir/train" gives dir/train-00000-of-00008.tfrecord and so on, and dir/train.json; also in what
            `tf.io.gfile` writes to, such as "gs://bucket/train".
        shards: How many files; neighbouring samples lie in one.

    Returns:
        The paths of the shards; strings where the prefix has a scheme.

    Raises:
        ArgumentError: Images or targets cannot be written, or `shards` is no number from 1 to that of the samples.
        SourceError or DecodeError: A file cannot be read, or is no image.

    Example:
        >>> import augline as al, numpy as np, tempfile
        >>> images = al.Arrays(np.zeros((4, 8, 8, 3), "uint8"), labels=[0, 1, 0, 1])
        >>> paths = al.write_tfrecords(images, tempfile.mkdtemp() + "/train", shards=2)
        >>> al.TFRecords(paths)
        TFRecords(2 files, 4 images)
    """
    import tensorflow as tf

    owner = f"write_tfrecords({source!r})"
    if not whole(shards, 1, len(source) + 1):
        rule = f"shards must be a whole number from 1 to {len(source)}"
        raise refusal(ArgumentError, owner, rule, f"shards={shards!r}", f"Pass {min(8, len(source))}, for example.")
    if source.lead or source.channels not in (1, 3, 4) or source.dtype == "float32":
        received = f"{source.dtype} with {source.channels} channels{' and a time axis' * bool(source.lead)}"
        fix = "Convert them first."
        raise refusal(ArgumentError, owner, "images must be uint8 or uint16 with 1, 3 or 4 channels", received, fix)
    folder, name = os.path.split(os.fspath(prefix))
    tf.io.gfile.makedirs(folder or ".")
    edges = [len(source) * k // shards for k in range(shards + 1)]
    paths = [os.path.join(folder, f"{name}-{k:05}-of-{shards:05}.tfrecord") for k in range(shards)]
    for path, samples in zip(paths, itertools.pairwise(edges), strict=True):
        _write(tf, source, range(*samples), path)
    names = None if source.class_names is None else list(source.class_names)
    beside = {"class_names": names, "keypoint_swaps": source.targets.keypoint_swaps}
    remote.write(f"{os.fspath(prefix)}.json", json.dumps(beside, ensure_ascii=False).encode())
    return paths if remote.is_remote(folder) else [Path(path) for path in paths]


def _write(tf: Any, source: Source, samples: range, path: str) -> None:
    """One shard, under another name until it is whole."""
    part = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.part")
    try:
        with tf.io.TFRecordWriter(part) as file:
            for index in samples:
                file.write(_example(tf, source, index).SerializeToString())
        tf.io.gfile.rename(part, path, overwrite=True)
    except BaseException:
        if tf.io.gfile.exists(part):
            tf.io.gfile.remove(part)
        raise


def _example(tf: Any, source: Source, index: int) -> tf.train.Example:
    image = source.read(index)
    data = image if isinstance(image, bytes) else tf.io.encode_png(image).numpy()
    try:
        header = probe(data, exif=source.exif)
    except DecodeError as error:
        raise DecodeError(f"{source.name(index)} (sample {index}): {error}") from error
    size, taken = (header.height, header.width), source.targets.take([index])
    found: dict[str, Any] = {"image/encoded": [data], keys.HEIGHT: [size[0]], keys.WIDTH: [size[1]]}
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
        named = {name: _png(tf, mask, size, source.name(index)) for name, (mask,) in masks.items()}
        found |= {keys.MASK.format(name): [data] for name, data in named.items()}
    features = {name: _feature(tf, values) for name, values in found.items()}
    return tf.train.Example(features=tf.train.Features(feature=features))


def _boxes(taken: dict[str, Any], box_format: str, size: tuple[int, int]) -> dict[str, Any]:
    corners = to_xyxy(np.asarray(taken["boxes"][0], np.float64).reshape(-1, 4), box_format, size)
    found: dict[str, Any] = dict(zip(keys.BOX, from_xyxy(corners, "rel_xyxy", size).T, strict=True))
    return found | ({keys.BOX_LABEL: taken["box_labels"][0]} if "box_labels" in taken else {})


def _keypoints(points: NDArray[Any], size: tuple[int, int]) -> dict[str, Any]:
    columns = np.asarray(points, np.float64).T / np.asarray([size[1], size[0], 1.0])[: points.shape[1], None]
    return dict(zip((*keys.POINT, keys.VISIBILITY), columns, strict=False))


def _png(tf: Any, mask: Any, size: tuple[int, int], name: str) -> bytes:
    pixels = read_mask(mask, size, name)
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

"""A source written as TFRecord files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from augline.errors import ArgumentError
from augline.settings import whole
from augline.sources.base import Source
from augline.sources.refusal import refusal

if TYPE_CHECKING:
    import tensorflow as tf


def write_tfrecords(source: Source, prefix: str | Path, *, shards: int = 1) -> list[Path]:
    """Writes images and labels of a source as TFRecord files, which `TFRecords` reads, and any other reader.

    Files keep their bytes; arrays become PNG. Each shard is whole when it gets its name. Class names go into a small
    JSON file beside the shards. It needs TensorFlow. Boxes, masks and keypoints are not written.

    Args:
        source: Of encoded files, or of arrays of uint8 or uint16.
        prefix: "dir/train" gives dir/train-00000-of-00008.tfrecord and so on, and dir/train.json.
        shards: How many files; neighbouring samples lie in one.

    Returns:
        The paths of the shards.

    Raises:
        ArgumentError: Images or labels cannot be written, or `shards` is no number from 1 to that of the samples.
        SourceError: A file cannot be read.

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
        raise refusal(ArgumentError, owner, rule, f"shards={shards!r}", "Pass 8, for example.")
    if source.lead or source.channels not in (1, 3, 4) or source.dtype == "float32":
        received = f"{source.dtype} with {source.channels} channels{' and a time axis' * bool(source.lead)}"
        fix = "Convert them first."
        raise refusal(ArgumentError, owner, "images must be uint8 or uint16 with 1, 3 or 4 channels", received, fix)
    Path(prefix).parent.mkdir(parents=True, exist_ok=True)
    edges = [len(source) * k // shards for k in range(shards + 1)]
    paths = []
    for number in range(shards):
        path = Path(f"{prefix}-{number:05}-of-{shards:05}.tfrecord")
        part = path.with_name(f".{path.name}.part")
        with tf.io.TFRecordWriter(str(part)) as file:
            for index in range(edges[number], edges[number + 1]):
                file.write(_example(tf, source, index).SerializeToString())
        paths.append(part.replace(path))
    names = None if source.class_names is None else list(source.class_names)
    Path(f"{prefix}.json").write_text(json.dumps({"class_names": names}, ensure_ascii=False), encoding="utf-8")
    return paths


def _example(tf: Any, source: Source, index: int) -> tf.train.Example:
    image = source.read(index)
    data = image if isinstance(image, bytes) else tf.io.encode_png(image).numpy()
    found = {"image/encoded": tf.train.Feature(bytes_list=tf.train.BytesList(value=[data]))}
    label = source.targets.take([index]).get("labels")
    if label is not None:
        values = np.ravel(label)
        kind = (
            {"int64_list": tf.train.Int64List(value=values)}
            if values.dtype.kind in "biu"
            else {"float_list": tf.train.FloatList(value=values)}
        )
        found["image/class/label"] = tf.train.Feature(**kind)
    return tf.train.Example(features=tf.train.Features(feature=found))

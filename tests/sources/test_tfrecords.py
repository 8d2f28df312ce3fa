"""TFRecords: written, read at random, in a graph; what is damaged is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import augline as al
from augline.sources.tfrecord_file import features
from pictures import smooth

tf = pytest.importorskip("tensorflow")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> al.Folder:
    root = tmp_path_factory.mktemp("photos")
    for number in range(11):
        (root / ["Katze", "Hündin"][number % 2]).mkdir(exist_ok=True)
        image = Image.fromarray(smooth(20 + number, 31, 3, "uint8", number))
        image.save(root / ["Katze", "Hündin"][number % 2] / f"{number}.{'png' if number % 3 else 'jpg'}")
    return al.Folder(root)


def test_what_is_written_is_read_in_any_order(photos: al.Folder, tmp_path: Path) -> None:
    paths = al.write_tfrecords(photos, tmp_path / "new" / "train", shards=3)
    assert [path.name for path in paths] == [f"train-0000{k}-of-00003.tfrecord" for k in range(3)]
    source = al.TFRecords(str(tmp_path / "new" / "train-*.tfrecord"))
    assert repr(source) == "TFRecords(3 files, 11 images, 2 classes)"
    assert source.class_names == photos.class_names
    assert np.array_equal(source.targets.labels, photos.targets.labels)
    assert all(source.read(k) == photos.read(k) for k in (10, 0, 5, 3))
    assert len([*(tmp_path / "new").iterdir()]) == 5  # shards, classes, index; nothing half-written
    examples = [record.numpy() for record in tf.data.TFRecordDataset([str(path) for path in paths])]
    theirs = tf.train.Example.FromString(examples[7]).features.feature
    assert theirs["image/encoded"].bytes_list.value[0] == photos.read(7)
    for engine in ("opencv", "tensorflow"):
        ours, other = (
            al.Pipeline(part, [al.RandomRotation(0.1)], size=(16, 18), batch_size=4, seed=3, engine=engine)
            for part in (source.split(0.3)[0], photos.split(0.3)[0])
        )
        for got, wanted in zip(ours.to_tf(), other.to_tf(), strict=True):
            assert all(np.array_equal(*pair) for pair in zip(got, wanted, strict=True))
    assert al.Pipeline.from_yaml(ours.to_yaml()).batch(1, 1)[1].tolist() == ours.batch(1, 1)[1].tolist()


@pytest.mark.parametrize("labels", [[3, -2, 2**40], [0.5, 1.5, -2.0], [[1, 0], [0, 1], [1, 1]], [[0.5], [1.0], [2.0]]])
def test_labels_of_every_kind(labels: Any, tmp_path: Path) -> None:
    images = np.stack([smooth(8, 9, 1, "uint16", k) for k in range(3)])
    paths = al.write_tfrecords(al.Arrays(images, labels), tmp_path / "a")
    source = al.TFRecords(paths, color_mode="grayscale", dtype="uint16")
    assert np.array_equal(source.targets.labels, np.squeeze(np.asarray(labels)))
    batch = al.Pipeline(source, shuffle=False, size=(8, 9)).batch(0, 0)
    assert np.array_equal(batch[0], images)


def test_an_example_of_any_content() -> None:
    example = tf.train.Example()
    example.features.feature["n"].int64_list.value.extend([0, 1, -1, 2**62, 300])
    example.features.feature["f"].float_list.value.extend([1.5, -2.25])
    example.features.feature["names"].bytes_list.value.extend([b"a", "ü".encode(), b""])
    example.features.feature["nothing"].SetInParent()
    found = features(example.SerializeToString())
    assert found["n"].values.tolist() == [0, 1, -1, 2**62, 300]
    assert found["f"].values.tolist() == [1.5, -2.25]
    assert found["names"].values == [b"a", "ü".encode(), b""]
    assert found["nothing"].values == []


def test_the_index_is_kept_and_made_anew_for_other_files(photos: al.Folder, tmp_path: Path) -> None:
    (path,) = al.write_tfrecords(photos, tmp_path / "a")
    al.TFRecords(path)
    (index,) = tmp_path.glob(".augline-*.npz")
    before = index.stat().st_mtime_ns
    al.TFRecords(path)
    assert index.stat().st_mtime_ns == before
    al.write_tfrecords(photos.select([4, 2]), tmp_path / "a")
    assert al.TFRecords(path).read(1) == photos.read(2)


def test_what_is_damaged_or_missing_is_named(photos: al.Folder, tmp_path: Path) -> None:
    (path,) = al.write_tfrecords(photos, tmp_path / "a")
    whole = path.read_bytes()
    for data, says in (
        (whole[:-30], r"a-00000-of-00001\.tfrecord: the record at byte \d+ needs \d+ bytes, and the file ends before"),
        (b"\x01" + whole[1:], "no record begins at byte 0"),
        (b"no record at all", "no record begins at byte 0"),
    ):
        path.write_bytes(data)
        with pytest.raises(al.SourceError, match=says):
            al.TFRecords(path)
    path.write_bytes(whole)
    with pytest.raises(al.SourceError, match=r"every record must hold 'label'. Received .*image/class/label"):
        al.TFRecords(path, label_key="label")
    with pytest.raises(al.SourceError, match="none of that name"):
        al.TFRecords(str(tmp_path / "b-*"))
    with pytest.raises(al.ArgumentError, match="shards must be a whole number from 1 to 11"):
        al.write_tfrecords(photos, tmp_path / "b", shards=12)
    with pytest.raises(al.ArgumentError, match="images must be uint8 or uint16"):
        al.write_tfrecords(al.Arrays(np.zeros((1, 4, 4, 3), "float32")), tmp_path / "b")

"""TFRecords: written, read at random, in a graph; what is damaged is named."""

from __future__ import annotations

import tracemalloc
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
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 8]) + whole[middle + 1 :])
    assert len(al.TFRecords(path)) == 11  # a bit of an image is another
    with pytest.raises(al.SourceError, match=r"every file must be a TFRecord\. Received .*tfrecord: corrupted record"):
        al.TFRecords(path, verify=True)
    path.write_bytes(whole)
    assert len(al.TFRecords(path, verify=True)) == 11
    with pytest.raises(al.SourceError, match=r"every record must hold 'label'. Received .*image/class/label"):
        al.TFRecords(path, label_key="label")
    with pytest.raises(al.SourceError, match="none of that name"):
        al.TFRecords(str(tmp_path / "b-*"))
    with pytest.raises(al.SourceError, match=r"every file must be readable\. Received .*Is a directory"):
        al.TFRecords(tmp_path)
    with pytest.raises(al.ArgumentError, match="shards must be a whole number from 1 to 11"):
        al.write_tfrecords(photos, tmp_path / "b", shards=12)
    with pytest.raises(al.ArgumentError, match="images must be uint8 or uint16"):
        al.write_tfrecords(al.Arrays(np.zeros((1, 4, 4, 3), "float32")), tmp_path / "b")
    (tmp_path / "odd.jpg").write_bytes(b"<html>")
    with pytest.raises(al.DecodeError, match=r"odd\.jpg \(sample 1\): .*Received 6 bytes that begin with b'<html>'"):
        al.write_tfrecords(al.Files([photos.name(0), tmp_path / "odd.jpg"]), tmp_path / "c")
    assert not [*tmp_path.glob(".c*")]


def test_a_name_with_brackets_is_a_name(photos: al.Source, tmp_path: Path) -> None:
    (tmp_path / "set [v2]").mkdir()
    (path,) = al.write_tfrecords(photos, tmp_path / "set [v2]" / "a")
    assert len(al.TFRecords(path)) == len(al.TFRecords(str(path))) == 11


def with_targets(folder: Path, *, named: bool, pixels: bool) -> al.Source:
    """Photos of two sizes with boxes, one of them without any, keypoints, masks and weights."""
    sizes = [(24, 31), (40, 26), (24, 31), (40, 26), (24, 31)]
    paths = []
    for number, (height, width) in enumerate(sizes):
        paths.append(folder / f"{number}.png")
        Image.fromarray(smooth(height, width, 3, "uint8", number)).save(paths[-1])
    masks: Any = {"liver": [folder / f"liver{k}.png" for k in range(5)]}
    for k, size in enumerate(sizes):
        Image.fromarray(smooth(*size, 1, "uint8", 9 + k)[..., 0]).save(masks["liver"][k])
        Image.fromarray(smooth(*size, 3, "uint8", k)).save(folder / f"tumour{k}.png")
    masks = {**masks, "tumour": [folder / f"tumour{k}.png" for k in range(5)]} if named else masks["liver"]
    boxes = [[[2, 3, 12, 20], [5.5, 1.25, 25, 22.75]], [[0, 0, 26, 40]], [], [[1, 30, 9, 36]], [[4, 4, 30, 9]]]
    if not pixels:
        boxes = [[[top / h, left / w, low / h, right / w] for left, top, right, low in row]
                 for row, (h, w) in zip(boxes, sizes, strict=True)]  # fmt: skip
    points = np.random.default_rng(2).uniform(1, 23, (5, 3, 3))
    points[..., 2] = [1, 0, 2]
    labels = [["cat", "dog"], ["dog"], [], ["cat"], ["eel"]]
    return al.Files(
        paths, masks=masks, boxes=boxes, bounding_box_format="xyxy" if pixels else "rel_yxyx", box_labels=labels,
        keypoints=[*points], keypoint_swaps=[(0, 2)], weights=[1, 2, 0.5, 1, 3],
    )  # fmt: skip


@pytest.mark.parametrize(("engine", "named"), [("opencv", False), ("reference", True), ("tensorflow", True)])
def test_boxes_masks_and_points_come_back(engine: str, named: bool, tmp_path: Path) -> None:
    original = with_targets(tmp_path, named=named, pixels=True)
    source = al.TFRecords(al.write_tfrecords(original, tmp_path / "train", shards=2), label_key=None)
    assert source.targets.keypoint_swaps == ((0, 2),)
    work = [al.RandomFlip(), al.RandomRotation(0.1)]
    ours, theirs = (
        al.Pipeline(part, work, size=(16, 18), batch_size=2, seed=3, engine=engine).to_tf()
        for part in (source.select([4, 1, 0, 2]), original.select([4, 1, 0, 2]))
    )
    for got, wanted in zip(ours, theirs, strict=True):
        assert {*got} == {"images", "weights", "bounding_boxes", "keypoints", "segmentation_masks"}
        assert np.array_equal(got["images"], wanted["images"])
        tf.nest.map_structure(lambda one, other: np.testing.assert_allclose(one, other, atol=1e-4), got, wanted)
        tf.nest.map_structure(np.testing.assert_array_equal, got["segmentation_masks"], wanted["segmentation_masks"])


def test_class_names_and_formats_of_boxes(tmp_path: Path) -> None:
    original = with_targets(tmp_path, named=False, pixels=False)
    pattern = str(tmp_path / "train-*")
    al.write_tfrecords(original, tmp_path / "train")
    source = al.TFRecords(pattern, label_key=None, bounding_box_format="rel_yxyx", class_names=["cat", "dog", "eel"])
    assert [row.tolist() for row in source.targets.box_labels] == [[0, 1], [1], [], [0], [2]]
    for got, wanted in zip(source.targets.boxes, original.targets.boxes, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-6)
    pixels = al.TFRecords(pattern, label_key=None, bounding_box_format="center_xywh").targets.boxes
    np.testing.assert_allclose(pixels[0][0], [7, 11.5, 10, 17], atol=1e-4)
    again = al.Pipeline.from_yaml(al.Pipeline(source, size=(8, 8)).to_yaml())
    assert again.fingerprint() == al.Pipeline(source, size=(8, 8)).fingerprint()
    few = al.TFRecords(pattern, label_key=None, targets=["keypoints"])
    assert (few.targets.boxes, few.targets.masks, few.targets.weights) == (None, None, None)
    np.testing.assert_allclose(np.stack(few.targets.keypoints), np.stack(original.targets.keypoints), atol=1e-4)
    Image.fromarray(smooth(8, 9, 3, "uint8")).save(tmp_path / "plain.png")
    plain = al.write_tfrecords(al.Files([tmp_path / "plain.png"]), tmp_path / "plain")
    with pytest.raises(al.SourceError, match=r"records must hold boxes\. Received none"):
        al.TFRecords(plain, label_key=None, targets=["boxes"])
    wide = np.zeros((8, 9, 3), np.uint16)
    with pytest.raises(al.ArgumentError, match=r"uint16 with one\. Received uint16 with 3 channels"):
        al.write_tfrecords(al.Files([tmp_path / "plain.png"], masks=[wide]), tmp_path / "wide")


def test_records_of_others(tmp_path: Path) -> None:
    def record(*sides: list[float]) -> bytes:
        example = tf.train.Example()
        feature = example.features.feature
        feature["image/encoded"].bytes_list.value.append(tf.io.encode_png(smooth(8, 9, 3, "uint8")).numpy())
        for name, values in zip(("xmin", "ymin", "xmax", "ymax"), sides, strict=False):
            feature[f"image/object/bbox/{name}"].float_list.value.extend(values)
        return example.SerializeToString()

    path = str(tmp_path / "theirs.tfrecord")

    def written(*records: bytes) -> str:
        with tf.io.TFRecordWriter(path) as file:
            for data in records:
                file.write(data)
        return path

    written(record([0.25], [0.5], [0.75], [1.0]), record())
    found = al.TFRecords(path, label_key=None, bounding_box_format="rel_xyxy").targets.boxes
    assert [row.tolist() for row in found] == [[[0.25, 0.5, 0.75, 1.0]], []]
    with pytest.raises(al.SourceError, match=r"boxes in 'xyxy' need the sizes .* bounding_box_format='rel_xyxy'"):
        al.TFRecords(path, label_key=None)
    (tmp_path / "none.tfrecord").write_bytes(Path(written(record(), record())).read_bytes())
    written(record([0.25], [0.5], [0.75], [1.0]))
    both = al.TFRecords([tmp_path / "none.tfrecord", path], label_key=None, bounding_box_format="rel_xyxy")
    assert [len(row) for row in both.targets.boxes] == [0, 0, 1], "of files that hold different things"
    written(record([0.25], [0.5], [0.75, 0.9], [1.0]))
    with pytest.raises(al.SourceError, match=r"equally many of each\. Received .* 2 of 'image/object/bbox/xmax'"):
        al.TFRecords(path, label_key=None, bounding_box_format="rel_xyxy")


def test_a_scan_holds_one_file_at_a_time(tmp_path: Path) -> None:
    """A million records as Python objects are a gigabyte."""
    example = tf.train.Example()
    example.features.feature["image/encoded"].bytes_list.value.append(b"none")
    example.features.feature["image/class/label"].int64_list.value.append(7)
    for name in "abcdefgh":
        with tf.io.TFRecordWriter(str(tmp_path / name)) as file:
            for _ in range(500):
                file.write(example.SerializeToString())
    peaks = []
    for count in (1, 8):
        tracemalloc.start()
        assert len(al.TFRecords([tmp_path / name for name in "abcdefgh"[:count]])) == 500 * count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 3 * peaks[0]


@pytest.mark.parametrize("engine", ["opencv", "tensorflow"])
def test_names_with_a_scheme_are_read_by_tensorflow(engine: str, tmp_path: Path) -> None:
    original = with_targets(tmp_path, named=False, pixels=True)
    al.write_tfrecords(original, tmp_path / "train", shards=2)
    here, there = (
        al.Pipeline(
            al.TFRecords(f"{prefix}{tmp_path}/train-*.tfrecord", label_key=None), size=(9, 8), batch_size=5,
            engine=engine,
        )
        for prefix in ("", "file://")
    )  # fmt: skip
    assert there.source.shards[0].startswith("file:///")
    tf.nest.map_structure(np.testing.assert_array_equal, *(next(iter(pipe.to_tf())) for pipe in (here, there)))
    for index in tmp_path.glob(".augline-*.npz"):
        index.unlink()
    for path in al.write_tfrecords(original, f"file://{tmp_path}/new/train", shards=2):
        name = path.removeprefix(f"file://{tmp_path}/new/")
        assert (tmp_path / "new" / name).read_bytes() == (tmp_path / name).read_bytes()
    assert (tmp_path / "new" / "train.json").read_bytes() == (tmp_path / "train.json").read_bytes()
    al.TFRecords([f"file://{tmp_path}/train-00000-of-00002.tfrecord"], label_key=None)
    (index,) = tmp_path.glob(".augline-*")
    before = index.stat().st_mtime_ns
    al.TFRecords([f"file://{tmp_path}/train-00000-of-00002.tfrecord"], label_key=None)
    assert index.stat().st_mtime_ns == before
    with pytest.raises(al.SourceError, match="every file must exist"):
        al.TFRecords([f"file://{tmp_path}/none.tfrecord"])
    for shard in tmp_path.glob("*.tfrecord"):
        shard.unlink()
    with pytest.raises(al.SourceError, match=r"every file must be readable\. Received file:///"):
        there.source.read(0)

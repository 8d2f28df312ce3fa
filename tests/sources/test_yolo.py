"""YOLO's layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import augline as al
from augline.errors import SourceError
from augline.sources import Yolo, from_config
from augline.sources.polygons import tight_boxes
from augline.sources.yolo_files import label_path

HEIGHT, WIDTH = 20, 32
TRIANGLE = [0.125, 0.25, 0.5, 0.3, 0.25, 0.75]


def put(root: Path, name: str, labels: str | None, layout: str = "{kind}/train") -> None:
    seed = ord(name[0])
    image = root / layout.format(kind="images") / f"{name}.png"
    image.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)).save(image)
    if labels is not None:
        path = root / layout.format(kind="labels") / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(labels)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path, "b", "1 0.25 0.5 0.5 0.2\n0 0.5 0.5 1 1\n\n")
    put(tmp_path, "a", None)
    put(tmp_path, "sub/c", "2 " + " ".join(map(str, TRIANGLE)) + "\n0 0.75 0.5 0.25 0.1\n")
    put(tmp_path, "d", "")
    return tmp_path


def yaml(root: Path, text: str) -> Path:
    (root / "data.yaml").write_text(text)
    return root / "data.yaml"


def stems(source) -> str:
    return "".join(Path(source.name(index)).stem for index in range(len(source)))


class TestRows:
    def test_boxes_outlines_and_background(self, root) -> None:
        source = Yolo(root)
        assert stems(source) == "abdc"
        assert source.class_names is None
        assert source.bounding_box_format == "rel_center_xywh"
        boxes = source.targets.boxes
        assert [len(rows) for rows in boxes] == [0, 2, 0, 2]
        np.testing.assert_allclose(boxes[1], [[0.25, 0.5, 0.5, 0.2], [0.5, 0.5, 1, 1]], rtol=1e-6)
        np.testing.assert_allclose(boxes[3], [[0.3125, 0.5, 0.375, 0.5], [0.75, 0.5, 0.25, 0.1]], rtol=1e-6)
        assert [rows.tolist() for rows in source.targets.box_labels] == [[], [1, 0], [], [2, 0]]
        polygons = source.targets.take([3])["polygons"][0]
        np.testing.assert_allclose(polygons[0], np.reshape(TRIANGLE, (-1, 2)), rtol=1e-6)
        np.testing.assert_allclose(tight_boxes(polygons)[1], [0.625, 0.45, 0.875, 0.55], rtol=1e-6)
        assert [len(rows) for rows in source.targets.polygons] == [0, 2, 0, 2]

    def test_without_outlines_there_is_no_column(self, tmp_path) -> None:
        put(tmp_path, "a", "0 0.5 0.5 0.2 0.2")
        assert Yolo(tmp_path).targets.polygons is None

    def test_a_flip_moves_boxes(self, root) -> None:
        pipe = al.Pipeline(
            Yolo(root), [al.RandomFlip("horizontal", p=1)], size=(HEIGHT, WIDTH), batch_size=4, shuffle=False
        )
        found = pipe.batch(0, 0)["bounding_boxes"]
        np.testing.assert_allclose(found["boxes"][1], [[0.75, 0.5, 0.5, 0.2], [0.5, 0.5, 1, 1]], rtol=1e-5)
        np.testing.assert_allclose(found["boxes"][3, 0], [0.6875, 0.5, 0.375, 0.5], rtol=1e-5)
        assert found["labels"].tolist() == [[-1, -1], [1, 0], [-1, -1], [2, 0]]

    def test_where_labels_are(self) -> None:
        assert label_path("/x/images/train/images/a/b.c.jpg") == "/x/images/train/labels/a/b.c.txt"
        assert label_path("x/images.jpg") == "x/images.txt"


class TestLayouts:
    def test_a_yaml_names_splits_and_classes(self, root) -> None:
        put(root, "v", "0 0.5 0.5 0.2 0.2", "{kind}/val")
        path = yaml(root, "path: .\ntrain: images/train\nval: [images/val]\ntest:\nnames: {0: cat, 2: ape, 1: dog}\n")
        for data in (path, root):
            source = Yolo(data)
            assert source.class_names == ("cat", "dog", "ape")
            assert stems(source) == "abdc"
        assert stems(Yolo(path, "val")) == "v"
        assert repr(Yolo(path, "val")) == f"Yolo({str(path)!r}, 'val', 1 images, 3 classes, 1 objects)"
        again = from_config(source.config())
        assert again.config() == source.config()
        assert again.class_names == source.class_names
        with pytest.raises(SourceError, match=r"split must be a key .*Received 'test': None\. It has .*'val'"):
            Yolo(path, "test")
        with pytest.raises(SourceError, match=r"split must be a key .*Received 'vall': None\. Did you mean 'val'\?"):
            Yolo(path, "vall")

    def test_a_list_of_paths(self, root) -> None:
        (root / "train.txt").write_text("./images/train/b.png\nimages/train/a.png\n")
        assert stems(Yolo(yaml(root, "train: train.txt\nnames: [x, y]"))) == "ab"
        (root / "train.txt").write_text("./images/train/b.png\nlost.png\n")
        with pytest.raises(SourceError, match=r"must exist\. Received 1 of 2 that do not: '.*lost\.png'"):
            Yolo(root)

    def test_roboflow(self, tmp_path) -> None:
        put(tmp_path, "a", "0 0.5 0.5 0.2 0.2", "train/{kind}")
        path = yaml(tmp_path, "train: ../train/images\nval: ../valid/images\nnc: 1\nnames: ['x']\n")
        assert len(Yolo(path).targets.boxes[0]) == 1
        with pytest.raises(
            SourceError, match=r"every folder in the data.yaml must exist\. Received '\.\./valid/images'"
        ):
            Yolo(path, "val")

    def test_folders_without_a_yaml(self, tmp_path) -> None:
        put(tmp_path, "a", "0 0.5 0.5 0.2 0.2", "train/{kind}")
        assert len(Yolo(tmp_path)) == 1
        with pytest.raises(
            SourceError, match=r"one of the folders .*must exist\. Received neither\. Did you mean 'train'"
        ):
            Yolo(tmp_path, "trian")
        put(tmp_path, "b", "0 0.5 0.5 0.2 0.2", "{kind}")
        source = Yolo(tmp_path, None, class_names=["x"])
        assert (stems(source), source.class_names) == ("b", ("x",))

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("train: [", r"readable data.yaml or a folder\. Received .*data\.yaml"),
            ("- train", r"readable data.yaml or a folder\. Received .*\['train'\]"),
            ("!!python/object/apply:os.getcwd []", r"readable data.yaml or a folder"),
            ("train: images/train\nnames: 3", r"names must be a list, or a name for each.*Received 3"),
            ("train: images/train\nnames: {1: a}", r"names must be a list, or a name for each"),
            ("train: images/train\nkpt_shape: [17, 3]", r"boxes or outlines\. Received kpt_shape"),
            ("train: 3", r"split must be a key"),
            ("train: images/tarin", r"every folder in the data.yaml must exist"),
        ],
    )
    def test_wrong_yaml(self, root, text: str, words: str) -> None:
        with pytest.raises(SourceError, match=rf"^Yolo\('.*data\.yaml', 'train'\): .*{words}"):
            Yolo(yaml(root, text))

    def test_no_labels_at_all(self, tmp_path) -> None:
        put(tmp_path, "a", None)
        with pytest.raises(
            SourceError, match=r"some images must have a label file\. Received none, such as '.*labels/train/a"
        ):
            Yolo(tmp_path)


class TestWrongRows:
    @pytest.mark.parametrize(
        ("row", "words"),
        [
            ("0 0.5 0.5 0.2", "4 values"),
            ("0 0.5 0.5 0.2 0.2 0.9", "6 values"),
            ("0 0.1 0.1 0.2 0.2 0.9 0.9 0.1", "8 values"),
            ("dog 0.5 0.5 0.2 0.2", "could not convert string to float: 'dog'"),
            ("0 0.5 nan 0.2 0.2", "'nan', which is no finite number"),
            ("0.5 0.5 0.5 0.2 0.2", "class 0.5 of 0 to 2"),
            ("-1 0.5 0.5 0.2 0.2", "class -1 of 0 to 2"),
            ("3 0.5 0.5 0.2 0.2", "class 3 of 0 to 2"),
        ],
    )
    def test_broken_ones_name_file_and_line(self, root, row: str, words: str) -> None:
        put(root, "b", f"0 0.5 0.5 0.2 0.2\n{row}\n")
        for on_invalid in ("raise", "drop"):
            with pytest.raises(
                SourceError, match=rf"every line .*Received '.*train/b\.txt', line 2: {words}\. Correct"
            ):
                Yolo(root, class_names=["x", "y", "z"], on_invalid=on_invalid)

    @pytest.mark.parametrize(
        ("row", "words"),
        [
            ("0 0.5 0.5 0 0.2", "a box without area"),
            ("0 0.5 0.5 -0.1 0.2", "a box without area"),
            ("0 0.95 0.5 0.2 0.2", "out of the image by more than 0.01 of its side"),
            ("0 0.1 0.1 0.3 0.1 0.2 0.1", "a box without area"),
            ("0 30 5 10 8", "out of the image"),
        ],
    )
    def test_invalid_boxes(self, root, row: str, words: str) -> None:
        put(root, "b", f"0 0.5 0.5 0.2 0.2\n{row}\n1 0.505 0.5 1 1")
        with pytest.raises(SourceError, match=rf"Received 1 of 5 that do not: '.*train/b\.txt', line 2: .*{words}"):
            Yolo(root)
        source = Yolo(root, on_invalid="drop")
        assert source.targets.box_labels[1].tolist() == [0, 1]
        assert (source.objects, source.dropped) == (4, 1)
        assert [len(rows) for rows in source.targets.polygons] == [0, 2, 0, 2]

    def test_no_text(self, root) -> None:
        (root / "labels/train/b.txt").write_bytes(b"\xff\xfe0\x00")
        with pytest.raises(SourceError, match=r"every line .*Received '.*b\.txt': 'utf-8' codec"):
            Yolo(root)


def test_a_crop_keeps_the_boxes_it_is_to_keep(root) -> None:
    """Relative boxes of plain rows and of outlines are seen in pixels of the frame that the crop meets."""
    settings = {"batch_size": 4, "shuffle": False, "seed": 4}
    before = [al.Resizing(60, 50), al.RandomFlip()]
    pipes = [
        al.Pipeline(Yolo(root), [*before, *crop, al.Resizing(60, 50)], **settings)
        for crop in ((), (al.BBoxSafeRandomCrop(),), (al.RandomIoUCrop(sampler_options=(0.01,)),))
    ]
    whole, safe, overlapping = (pipe.batch(0, 0)["bounding_boxes"] for pipe in pipes)
    assert np.array_equal(whole["labels"], safe["labels"])
    real = whole["labels"] >= 0
    assert (safe["boxes"][real][:, 2:] >= whole["boxes"][real][:, 2:] - 1e-3).all()
    assert 0 < (overlapping["labels"] >= 0).sum() <= real.sum()


def test_a_data_yaml_that_blows_up_is_refused_at_once(tmp_path: Path) -> None:
    """Ten lists of ten of the list before would be a text of a billion characters."""
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{k}: &l{k} [{', '.join([f'*l{k - 1}'] * 10)}]" for k in range(1, 9)]
    path = tmp_path / "data.yaml"
    path.write_text("\n".join([*lines, "train: *l8", "names: *l8"]))
    with pytest.raises(SourceError, match="split must be a key") as caught:
        Yolo(path)
    assert len(str(caught.value)) < 2000

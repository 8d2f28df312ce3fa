"""Pascal VOC's layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import augline as al
from augline.errors import ArgumentError, SourceError
from augline.sources import Voc, from_config

HEIGHT, WIDTH = 20, 31


def sheet(*objects: tuple[str, tuple[float, ...], int], size: str = f"<width>{WIDTH}</width><height>{HEIGHT}</height>"):
    parts = []
    for name, (left, top, right, bottom), difficult in objects:
        box = f"<xmin>{left}</xmin><ymin>{top}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax>"
        part = "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>"
        parts.append(
            f"<object>{part}<name> {name}\n</name><difficult>{difficult}</difficult><bndbox>{box}</bndbox></object>"
        )
    return f"<annotation><size>{size}</size>{''.join(parts)}</annotation>"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Four images: two of "train", and of the rest one has the only sheep."""
    for folder in ("JPEGImages", "Annotations", "ImageSets/Main", "ImageSets/Segmentation", "SegmentationClass"):
        (tmp_path / folder).mkdir(parents=True)
    for seed, name in enumerate("abcd"):
        pixels = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"JPEGImages/{name}.jpg")
    write(tmp_path, "a", sheet(("dog", (5, 3, 12, 9), 0), ("cat", (1, 1, WIDTH, HEIGHT), 1)))
    write(tmp_path, "b", sheet(("dog", (2, 4, 2, 4), 0)))
    write(tmp_path, "c", sheet())
    write(tmp_path, "d", sheet(("sheep", (7.5, 8, 20, 10), 0)))
    (tmp_path / "ImageSets/Main/train.txt").write_text("b\na\n\n")
    (tmp_path / "ImageSets/Main/val.txt").write_text("d\nc")
    (tmp_path / "ImageSets/Main/dog_all.txt").write_text("a  1\nb  0\nc -1\n")
    (tmp_path / "ImageSets/Segmentation/val.txt").write_text("d\n")
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[7:10, 6:20], mask[6, 6:20] = 3, 255
    image = Image.fromarray(mask)
    image.putpalette(np.arange(768).astype(np.uint8).tobytes())
    image.save(tmp_path / "SegmentationClass/d.png")
    return tmp_path


def write(root: Path, name: str, text: str | bytes) -> None:
    data = text if isinstance(text, bytes) else text.encode()
    (root / f"Annotations/{name}.xml").write_bytes(data)


def stems(source) -> str:
    return "".join(Path(source.name(index)).stem for index in range(len(source)))


class TestBoxes:
    def test_first_and_last_pixel_from_one_become_edges_from_zero(self, root) -> None:
        source = Voc(root, "train")
        assert stems(source) == "ab"
        assert source.bounding_box_format == "xyxy"
        assert source.targets.boxes[0].tolist() == [[4, 2, 12, 9], [0, 0, WIDTH, HEIGHT]]
        assert source.targets.boxes[1].tolist() == [[1, 3, 2, 4]]  # one pixel has an area of 1
        assert [row.tolist() for row in source.targets.box_labels] == [[1, 0], [1]]
        assert repr(source) == f"Voc({str(root)!r}, 'train', 2 images, 3 classes, 3 objects)"

    def test_splits_agree_on_the_classes(self, root) -> None:
        for split in ("train", "val", None):
            assert Voc(root, split).class_names == ("cat", "dog", "sheep")
        assert stems(Voc(root)) == "abcd"
        assert stems(Voc(root, "dog_all")) == "ab"
        assert [len(rows) for rows in Voc(root, "val").targets.boxes] == [0, 1]

    def test_names_with_spaces_and_numbers(self, root) -> None:
        for old, new in (("a", "Bild 1"), ("c", "ein Bild")):
            for path in (f"JPEGImages/{old}.jpg", f"Annotations/{old}.xml"):
                (root / path).rename((root / path).with_stem(new))
        (root / "ImageSets/Main/dog_all.txt").write_text("Bild 1\r\nb\t-1\r\nein Bild  0\r\n")
        assert stems(Voc(root, "dog_all")) == "Bild 1ein Bild"

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "UTF-16", "GB2312", "Windows-1252"])
    def test_files_say_their_encoding(self, root, encoding: str) -> None:
        name = "狗" if encoding == "GB2312" else "Hündin"
        write(
            root, "b", f"<?xml version='1.0' encoding='{encoding}'?>{sheet((name, (2, 4, 5, 6), 0))}".encode(encoding)
        )
        assert name in Voc(root).class_names

    def test_config(self, root) -> None:
        source = Voc(root, "train", difficult=False)
        again = from_config(source.config())
        assert again.config() == source.config()
        write(root, "d", sheet(("llama", (7, 8, 20, 10), 0)))
        assert from_config(source.config()).class_names == ("cat", "dog", "sheep")

    def test_difficult_objects_can_be_left_out(self, root) -> None:
        source = Voc(root, "train", difficult=False)
        assert [rows.tolist() for rows in source.targets.box_labels] == [[1], [1]]
        assert source.class_names == ("cat", "dog", "sheep")

    def test_a_flip_moves_boxes(self, root) -> None:
        pipe = al.Pipeline(
            Voc(root, "train"), [al.RandomFlip("vertical", p=1)], size=(HEIGHT, WIDTH), batch_size=2, shuffle=False
        )
        boxes = pipe.batch(0, 0)["bounding_boxes"]
        np.testing.assert_allclose(boxes["boxes"][0, 0], [4, HEIGHT - 9, 12, HEIGHT - 2])
        assert boxes["labels"].tolist() == [[1, 0], [1, -1]]

    def test_masks(self, root) -> None:
        for split in ("val", None):
            source = Voc(root, split, masks=True)
            assert stems(source) == "d"
            mask = al.Pipeline(source, [], size=(HEIGHT, WIDTH), batch_size=1).batch(0, 0)["segmentation_masks"]
            assert np.unique(mask).tolist() == [0, 3, 255]
            assert (mask[0, 7:10, 6:20] == 3).all()
        (root / "ImageSets/Segmentation/val.txt").write_text("d\nc\n")
        with pytest.raises(SourceError, match=r"SegmentationClass'\. Received 1 of 2 that are not: 'c'\. Add"):
            Voc(root, "val", masks=True)


class TestWrong:
    @pytest.mark.parametrize(
        ("box", "words"),
        [
            ((5, 3, 4, 9), r"a box without area, \(4, 2, 4, 9\)"),
            ((5, 3, 33, 9), r"out of the image by more than 1 px, \(4, 2, 33, 9\) in 20 x 31"),
            ((-1, 3, 9, 9), r"out of the image"),
            (("nan", 3, 9, 9), "not four finite numbers"),
        ],
    )
    def test_boxes(self, root, box, words: str) -> None:
        write(root, "b", sheet(("dog", box, 0), ("cat", (1, 1, 2, 2), 0)))
        with pytest.raises(
            SourceError, match=rf"^Voc\('.*', 'train'\): .*Received 1 of 4 that do not: .*b\.jpg: .*{words}"
        ):
            Voc(root, "train")
        source = Voc(root, "train", on_invalid="drop")
        assert [rows.tolist() for rows in source.targets.box_labels] == [[1, 0], [0]]
        assert repr(source).endswith("3 objects, 1 dropped)")

    def test_a_pixel_out_is_taken_and_a_size_may_be_missing(self, root) -> None:
        write(root, "b", sheet(("dog", (0, 1, WIDTH + 1, 5), 0)))
        assert Voc(root, "train").targets.boxes[1].tolist() == [[-1, 0, WIDTH + 1, 5]]
        write(root, "b", sheet(("dog", (1, 1, 500, 5), 0), size=""))
        assert Voc(root, "train").targets.boxes[1].tolist() == [[0, 0, 500, 5]]

    def test_an_annotation_of_the_file_as_it_is_stored_is_refused_where_that_is_turned(self, root) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.fromarray(np.zeros((HEIGHT, WIDTH, 3), np.uint8)).save(root / "JPEGImages/a.jpg", exif=exif)
        for source in (Voc(root, "train"), Voc(root, "train", exif=False)):
            pipe = al.Pipeline(source, size=(HEIGHT, WIDTH), batch_size=2)
            if source.exif:
                with pytest.raises(SourceError, match=r"a\.jpg.*Received 20 x 31 .* for 31 x 20.*or pass exif=False"):
                    pipe.batch(0, 0)
            else:
                pipe.batch(0, 0)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ('<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>', "<!DOCTYPE, which is not taken"),
            ('<annotation><!ENTITY b "c"></annotation>', "<!ENTITY, which is not taken"),
            ('<!DOCTYPE a><annotation/>'.encode("utf-16"), "<!DOCTYPE, which is not taken"),
            ("<annotation>", "no XML, no element found"),
            ("", "no XML"),
            ("<annotation><object><name>x</name></object></annotation>", "an object without bndbox"),
            ("<annotation><object><bndbox/></object></annotation>", "a object without name"),
            ("<annotation><object><name>x</name><bndbox/></object></annotation>", "a bndbox without xmin"),
            (sheet(("dog", ("x", 1, 2, 3), 0)), "could not convert string to float: 'x'"),
        ],
    )  # fmt: skip
    def test_files(self, root, text, words: str) -> None:
        write(root, "b", text)
        with pytest.raises(SourceError, match=rf"XML file of VOC's form\. Received '.*b\.xml': .*{words}.*\. Correct"):
            Voc(root, "train")

    def test_what_is_missing(self, root, tmp_path) -> None:
        with pytest.raises(
            SourceError, match=r"split must be a list in '.*Main'.*mean 'train'\? There are 'dog_all', 'tr"
        ):
            Voc(root, "trian")
        with pytest.raises(ArgumentError, match=r"class_names.*Received 'cat', 'dog'"):
            Voc(root, "train", class_names=["sheep"])
        (root / "ImageSets/Main/train.txt").write_text("\n".join("avwxyz"))
        with pytest.raises(
            SourceError, match=r"JPEGImages'\. Received 5 of 6 that are not: 'v', 'w', 'x' and 2 more\."
        ):
            Voc(root, "train")
        (root / "Annotations/a.xml").unlink()
        (root / "ImageSets/Main/train.txt").write_text("a")
        with pytest.raises(SourceError, match=r"Annotations'\. Received 1 of 1 that are not: 'a'"):
            Voc(root, "train")
        (root / "ImageSets/Main/train.txt").write_text("\n")
        with pytest.raises(SourceError, match=r"must list images\. Received none"):
            Voc(root, "train")
        with pytest.raises(SourceError, match=r"JPEGImages must be a folder"):
            Voc(root / "ImageSets")

"""Folders: classes by sub-folder and by file name."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from augline.decode import decode, probe
from augline.errors import ArgumentError, SourceError
from augline.sources import Folder, from_config


def names(folder: Folder, root: Path) -> list[str]:
    return [os.path.relpath(folder.name(index), root) for index in range(len(folder))]


class TestClassFolders:
    def test_order_labels_and_names(self, write, tmp_path: Path) -> None:
        write("dog/b.png", "dog/a.png", "cat/z.png", "Ape/m.PNG", "cat/deep/er/a.png", "cat/deep/b.png")
        folder = Folder(tmp_path)
        assert folder.class_names == ("Ape", "cat", "dog")
        expected = ["Ape/m.PNG", "cat/z.png", "cat/deep/b.png", "cat/deep/er/a.png", "dog/a.png", "dog/b.png"]
        assert names(folder, tmp_path) == expected
        np.testing.assert_array_equal(folder.targets.labels, [0, 1, 1, 1, 2, 2])
        assert folder.targets.labels.dtype == np.int32

    def test_reads_the_file_it_names(self, write, tmp_path: Path) -> None:
        write("b/x.png", "a/y.png")
        folder = Folder(tmp_path)
        data = folder.read(0)
        assert decode(data, probe(data))[0, 0, 0] == 1

    def test_what_a_pipeline_asks(self, write, tmp_path: Path) -> None:
        write("b/x.png", "a/y.png")
        folder = Folder(tmp_path, color_mode="rgba", dtype="uint16", exif=False)
        assert (folder.channels, folder.dtype, folder.value_range, folder.size) == (4, "uint16", (0, 65535), None)
        assert not folder.exif
        assert repr(folder) == f"Folder({str(tmp_path)!r}, 2 images, 2 classes)"
        np.testing.assert_array_equal(folder.ids(np.array([1, 0])), [1, 0])

    def test_hidden_and_other_files_are_passed_over(self, write, tmp_path: Path) -> None:
        write("a/x.png", "b/y.png", "a/._x.png", ".cache/z.png", "a/.thumbs/q.png", "flat.png")
        (tmp_path / "a" / "notes.txt").write_text("no image")
        (tmp_path / "a" / "odd.png").mkdir()
        folder = Folder(tmp_path)
        assert names(folder, tmp_path) == ["a/x.png", "b/y.png"]
        assert repr(folder).endswith(", 2 images, 2 classes, 1 in no class left out)")

    def test_as_keras_finds_them(self, write, tmp_path: Path) -> None:
        dataset_utils = pytest.importorskip("keras.src.utils.dataset_utils")
        write(
            *(f"{c}/{sub}{i}.png" for c in ("b", "a", "B", "c-1") for sub in ("", "t/", "s-1/", "s/") for i in (10, 9))
        )
        found, labels, classes = dataset_utils.index_directory(
            str(tmp_path), "inferred", formats=(".png",), shuffle=False, verbose=False
        )
        folder = Folder(tmp_path)
        assert folder.paths == found
        assert folder.class_names == tuple(classes)
        np.testing.assert_array_equal(folder.targets.labels, labels)

    def test_links(self, write, tmp_path: Path) -> None:
        write("data/a/x.png", "data/b/y.png", "elsewhere/z.png")
        (tmp_path / "data" / "a" / "more").symlink_to(tmp_path / "elsewhere")
        (tmp_path / "data" / "b" / "loop").symlink_to(tmp_path / "data" / "b")
        (tmp_path / "data" / "c").symlink_to(tmp_path / "elsewhere")
        assert names(Folder(tmp_path / "data"), tmp_path / "data") == ["a/x.png", "b/y.png", "c/z.png"]
        followed = names(Folder(tmp_path / "data", follow_links=True), tmp_path / "data")
        assert followed == ["a/x.png", "a/more/z.png", "b/y.png", "c/z.png"]

    def test_names_that_are_not_utf8(self, write, tmp_path: Path) -> None:
        (path,) = write("a/x.png")
        try:
            os.rename(path, os.fsencode(tmp_path) + b"/a/\xff\xfe.png")  # noqa: PTH104
        except OSError:
            pytest.skip("the file system takes no such name")
        folder = Folder(tmp_path)
        assert folder.read(0)
        assert repr(folder.name(0))

    def test_class_names_fix_order_and_choice(self, write, tmp_path: Path) -> None:
        write("a/x.png", "b/y.png", "c/z.png")
        folder = Folder(tmp_path, class_names=["c", "a"])
        assert names(folder, tmp_path) == ["c/z.png", "a/x.png"]
        assert folder.class_names == ("c", "a")
        np.testing.assert_array_equal(folder.targets.labels, [0, 1])

    def test_categorical(self, write, tmp_path: Path) -> None:
        write("a/x.png", "b/y.png", "c/z.png")
        folder = Folder(tmp_path, label_mode="categorical")
        rows = folder.targets.take([2, 0])["labels"]
        np.testing.assert_array_equal(rows, [[0, 0, 1], [1, 0, 0]])
        assert rows.dtype == np.float32
        assert folder.targets.label_spec == ((3,), np.float32)

    def test_binary_has_keras_shape(self, write, tmp_path: Path) -> None:
        write("a/x.png", "b/y.png")
        labels = Folder(tmp_path, label_mode="binary").targets.take([1, 0])["labels"]
        np.testing.assert_array_equal(labels, [[1], [0]])
        assert labels.dtype == np.float32

    def test_no_labels(self, write, tmp_path: Path) -> None:
        write("flat.png", "b/y.png")
        folder = Folder(tmp_path, label_mode=None)
        assert names(folder, tmp_path) == ["flat.png", "b/y.png"]
        assert folder.class_names is None
        assert folder.targets.take([0]) == {}

    def test_config_builds_the_same(self, write, tmp_path: Path) -> None:
        write("a/x.png", "b/y.png", "c/z.png")
        folder = Folder(tmp_path, class_names=["c", "a"], label_mode="categorical", color_mode="grayscale")
        config = folder.config()
        again = from_config(config)
        assert again.config() == config
        assert (again.paths, again.class_names, again.channels) == (folder.paths, ("c", "a"), 1)

    def test_config_keeps_the_classes_found(self, write, tmp_path: Path) -> None:
        write("a/x.png", "b/y.png")
        config = Folder(tmp_path).config()
        write("Aardvark/x.png")
        assert from_config(config).class_names == ("a", "b")


class TestLabelsFromNames:
    def test_one_vocabulary(self, write, tmp_path: Path) -> None:
        write("train/dog_1.png", "train/cat_2.png", "test/cat_10.png", "test/big_dog_3.png")
        folder = Folder(tmp_path, label=r"(\w+)_\d+")
        assert folder.class_names == ("big_dog", "cat", "dog")
        assert names(folder, tmp_path)[0] == "test/big_dog_3.png"
        np.testing.assert_array_equal(folder.targets.labels, [0, 1, 1, 2])

    def test_named_group(self, write, tmp_path: Path) -> None:
        write("1_dog.png", "2_cat.png")
        assert Folder(tmp_path, label=r"(\d)_(?P<label>\w+)").class_names == ("cat", "dog")

    def test_class_names_may_hold_more(self, write, tmp_path: Path) -> None:
        write("dog_1.png")
        folder = Folder(tmp_path, label=r"(\w+)_\d+", class_names=["dog", "cat"], label_mode="binary")
        assert folder.class_names == ("dog", "cat")

    def test_a_name_that_does_not_match(self, write, tmp_path: Path) -> None:
        write("dog_1.png", *(f"stray{i}.png" for i in range(5)))
        with pytest.raises(SourceError) as caught:
            Folder(tmp_path, label=r"(\w+)_\d+")
        with pytest.raises(SourceError, match="Received 5 of 6 that do not: 'stray0"):
            Folder(tmp_path, label=r"^([dog]*)")  # of the others it finds nothing, which is no label
        message = str(caught.value)
        assert message.startswith(f"Folder({str(tmp_path)!r}): every file name")
        assert "Received 5 of 6 that do not: 'stray0.png', 'stray1.png', 'stray2.png' and 2 more. Correct" in message

    def test_an_unknown_label(self, write, tmp_path: Path) -> None:
        write("dog_1.png", "cta_1.png")
        with pytest.raises(ArgumentError, match=r"class_names .*Received 'cta'\. Did you mean 'cat'\?"):
            Folder(tmp_path, label=r"(\w+)_\d+", class_names=["dog", "cat"])

    @pytest.mark.parametrize(("pattern", "rule"), [("(", "regular expression"), (r"\w+", "must have a group")])
    def test_bad_patterns(self, write, tmp_path: Path, pattern: str, rule: str) -> None:
        write("dog_1.png")
        with pytest.raises(ArgumentError, match=rf"Folder\(.*{rule}.*\. Received label=.*\. P"):
            Folder(tmp_path, label=pattern)


class TestErrors:
    @pytest.mark.parametrize(
        ("files", "arguments", "rule", "received", "fix"),
        [
            (["x.png"], {}, "each class must be a sub-folder", "1 images and no sub-folder", "label_mode=None"),
            ([], {}, "must hold images", "no files", "Readable are .jpg"),
            (["a.heic", "b.txt"], {"label_mode": None}, "must hold images", "'.heic', '.txt'", "convert"),
            (["a.heic"], {}, "must hold images", "'.heic'", "convert"),
            (["a/x.png", "b/y.txt"], {}, "class folder 'b' must hold images", "'.txt'", "remove the folder"),
            (["a/x.png"], {"label_mode": "binary"}, "exactly 2 classes", "1 classes", "'int'"),
            (["apes/x.png"], {"class_names": ["ape"]}, "must be a sub-folder", "'ape'", "Did you mean 'apes'?"),
        ],
    )
    def test_contents(self, write, tmp_path: Path, files, arguments, rule: str, received: str, fix: str) -> None:
        write(*files)
        with pytest.raises((SourceError, ArgumentError)) as caught:
            Folder(tmp_path, **arguments)
        message = str(caught.value)
        head, _, tail = message.partition(". Received ")
        assert head.startswith(f"Folder({str(tmp_path)!r}): ")
        assert rule in head
        assert received in tail
        assert fix in tail

    def test_missing(self, tmp_path: Path) -> None:
        (tmp_path / "photos").mkdir()
        with pytest.raises(SourceError, match=r"does not exist.* Did you mean 'photos'\? Correct the path"):
            Folder(tmp_path / "photo")
        with pytest.raises(SourceError, match=r"Write os\.path\.expanduser\('~/photos'\)"):
            Folder("~/photos")
        with pytest.raises(ArgumentError, match=r"path must be .*Received None"):
            Folder(None)

    def test_a_file(self, write) -> None:
        (path,) = write("x.png")
        with pytest.raises(SourceError, match=r"must be a folder\. Received a file\. Pass the folder"):
            Folder(path)

    @pytest.mark.parametrize(
        "arguments",
        [{"label_mode": "integer"}, {"color_mode": "bgr"}, {"dtype": "float32"}, {"label_mode": None, "label": "(a)"},
         {"extensions": ".png"}],
    )  # fmt: skip
    def test_arguments(self, write, tmp_path: Path, arguments) -> None:
        write("a/x.png")
        with pytest.raises(ArgumentError, match=r"^Folder\('.*'\): .+\. Received .+\. .+\.$"):
            Folder(tmp_path, **arguments)

    def test_a_file_that_vanishes(self, write, tmp_path: Path) -> None:
        (path,) = write("a/x.png")
        folder = Folder(tmp_path)
        Path(path).unlink()
        with pytest.raises(SourceError, match=r"readable\. Received '.*x\.png': No such file.*\. Restore"):
            folder.read(0)

    def test_a_folder_that_may_not_be_read(self, write, tmp_path: Path) -> None:
        write("a/x.png", "b/y.png")
        (tmp_path / "b").chmod(0)
        try:
            if os.access(tmp_path / "b", os.R_OK):
                pytest.skip("this user may read anything")
            with pytest.raises(SourceError, match=r"readable\. Received '.*b': Permission denied\. Correct"):
                Folder(tmp_path)
        finally:
            (tmp_path / "b").chmod(0o755)

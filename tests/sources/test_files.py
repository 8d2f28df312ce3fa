"""Lists of files and their targets."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from augline.errors import ArgumentError, SourceError, SpecError
from augline.sources import Files, from_config, listing, remote
from augline.sources.listing import absent
from augline.targets import mask_array


@pytest.fixture
def paths(write) -> list[str]:
    return write("c.png", "a.png", "b.png")


class TestLabels:
    def test_strings_become_a_vocabulary(self, paths) -> None:
        files = Files(paths, ["dog", "cat", "dog"])
        assert files.class_names == ("cat", "dog")
        np.testing.assert_array_equal(files.targets.labels, [1, 0, 1])
        assert files.targets.labels.dtype == np.int32
        assert [files.name(index) for index in range(3)] == paths
        assert repr(files) == "Files(3 images, 2 classes)"

    def test_integers_stay(self, paths) -> None:
        files = Files(paths, [4, 0, 9])
        np.testing.assert_array_equal(files.targets.labels, [4, 0, 9])
        assert files.class_names is None

    @pytest.mark.parametrize(
        "labels", [[0.5, 1.5, -2.0], np.array([0.5, 1, np.float32(2)], object), [[0.0, 1.0]] * 3, np.ones((3, 2, 2))]
    )
    def test_numbers_become_float32(self, paths, labels) -> None:
        column = Files(paths, labels).targets.labels
        assert column.dtype == np.float32
        np.testing.assert_array_equal(column, np.asarray(labels, float))

    def test_class_names_fix_the_order(self, paths) -> None:
        files = Files(paths, ["dog", "cat", "dog"], class_names=["dog", "cat", "ape"])
        np.testing.assert_array_equal(files.targets.labels, [0, 1, 0])
        assert files.class_names == ("dog", "cat", "ape")

    @pytest.mark.parametrize(
        ("labels", "names", "words"),
        [
            (
                ["dog", "cot", "dog"],
                ["dog", "cat"],
                r"every label must be in class_names.*Received 'cot'\. Did you mean 'cat'",
            ),
            ([0, 1, 2], ["dog", "cat"], r"indices into the 2 class_names\. Received 2 .*sample 2.* Use 0 to 1"),
            ([0.0, 1.0, np.nan], None, r"must be finite\. Received NaN or infinity at 2\. Fill"),
            ([[1], [1, 2], []], None, r"one shape\. Received rows of several lengths\. Pass"),
            ([None, "a", None], None, r"a label for every image\. Received none at 0, 2\. Fill"),
            ([3j, "a", {}], None, r"numbers or strings.*Received list of object"),
            ([["a"], ["b"], ["c"]], None, r"one per image\. Received shape \(3, 1\)"),
            (
                ["a", "b", "a"],
                __file__,
                r"must be a list\. .*Pass Path\('.*test_files\.py'\)\.read_text\(\)\.splitlines",
            ),
            (["a", "b", "a"], ["a", "b", "a"], r"must differ\. Received 'a' twice"),
        ],
    )
    def test_wrong_ones(self, paths, labels, names, words: str) -> None:
        with pytest.raises(ArgumentError, match=rf"^Files\(3 paths\): .*{words}"):
            Files(paths, labels, class_names=names)


class TestTargets:
    def test_all_of_them(self, paths, write) -> None:
        masks = write("m/1.png", "m/2.png", "m/3.png")
        files = Files(
            paths,
            [0, 1, 2],
            masks=[Path(mask) for mask in masks],
            boxes=[[[0, 0, 1, 2]], [], np.full((2, 4), 3)],
            box_labels=[["nose"], [], ["ear", "nose"]],
            bounding_box_format="xywh",
            keypoints=[[[1, 2, 1]], [], [[3, 4, 0]]],
            weights=[1, 2, 0.5],
        )
        taken = files.targets.take(np.array([2, 0]))
        assert list(taken) == ["labels", "weights", "masks", "boxes", "box_labels", "keypoints"]
        np.testing.assert_array_equal(taken["weights"], np.float32([0.5, 1]))
        assert taken["masks"] == [masks[2], masks[0]]
        assert [boxes.shape for boxes in taken["boxes"]] == [(2, 4), (1, 4)]
        assert [rows.tolist() for rows in taken["box_labels"]] == [[0, 1], [1]]
        assert files.class_names == ("ear", "nose")
        assert files.bounding_box_format == "xywh"
        assert files.targets.boxes[1].shape == (0, 4)
        subset = files.select([2, 1])
        assert subset.targets.take([0])["masks"] == [masks[2]]
        assert subset.bounding_box_format == "xywh"
        assert from_config(files.config()).config() == files.config()

    @pytest.mark.parametrize("name", ["labels", "weights", "masks", "boxes", "keypoints"])
    def test_lengths(self, paths, name: str) -> None:
        with pytest.raises(ArgumentError, match=rf"{name} must be as long.*Received 2 {name} for 3 images\. Pass one"):
            Files(paths, **{name: [1, 2]})

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"boxes": [[[0, 0, 1]], [], []]}, r"\(n, 4\) per image\. Received shape \(1, 3\) at boxes\[0\]"),
            ({"keypoints": [[], [[0]], []]}, r"\(n, 2\) or \(n, 3\).* Received shape \(1, 1\) at keypoints\[1\]"),
            ({"box_labels": [[], [], []]}, r"box_labels need boxes\. Received boxes=None"),
            ({"boxes": [[], [], []], "box_labels": [[], [1], []]}, r"one per box\. Received shape \(1,\) for 0 boxes"),
            ({"weights": [1, -1, 0]}, r"weights must be .*at least 0.* Received shape \(3,\) from -1"),
            ({"bounding_box_format": "xyhw"}, r"must be one of 'xyxy'.*Received .*'xyhw'\. Did you mean 'x"),
            ({"masks": "masks/"}, r"masks must be a list\. Received 'masks/'"),
        ],
    )
    def test_shapes(self, paths, arguments, words: str) -> None:
        with pytest.raises(ArgumentError, match=rf"^Files\(3 paths\): .*{words}"):
            Files(paths, **arguments)

    def test_box_labels_own_the_class_names(self, paths) -> None:
        boxes = [np.array([[1, 2, 5, 7]])] * 3
        files = Files(
            paths, [0, 5, 9], boxes=boxes, box_labels=[["ear"], ["nose"], ["ear"]], class_names=["nose", "ear"]
        )
        assert [rows.tolist() for rows in files.targets.box_labels] == [[1], [0], [1]]
        with pytest.raises(ArgumentError, match=r"must be numbers\. Received strings\. Pass class indices"):
            Files(paths, ["a", "b", "c"], boxes=boxes, box_labels=[[0], [1], [0]])
        with pytest.raises(ArgumentError, match=r"class_names.*Received 'tail'"):
            Files(paths, boxes=boxes, box_labels=[["ear"], ["tail"], ["ear"]], class_names=["nose", "ear"])

    def test_masks_in_memory_have_no_config(self, paths) -> None:
        files = Files(paths, masks=np.zeros((3, 4, 5), np.uint8))
        assert files.targets.take([1])["masks"][0].shape == (4, 5)
        with pytest.raises(SpecError, match=r"masks in memory.*from_yaml\(\.\.\., source=\.\.\.\)"):
            files.config()


class TestPaths:
    def test_missing_files_are_counted_and_named(self, paths) -> None:
        lost = [f"lost{i}.png" for i in range(5)]
        with pytest.raises(
            SourceError, match=r"exist\. Received 5 of 8 that do not: 'lost0.png', .* and 2 more\. Correct"
        ):
            Files(paths + lost)

    def test_missing_masks(self, paths) -> None:
        with pytest.raises(SourceError, match=r"Received 1 of 3 that do not: 'lost\.png'"):
            Files(paths, masks=[paths[0], paths[1], "lost.png"])

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ("photos", r"must be a list\. Received 'photos'\. .*Folder"),
            ([], r"there must be images"),
            ([3], r"must be strings"),
        ],
    )
    def test_no_list(self, given, words: str) -> None:
        with pytest.raises((ArgumentError, SourceError), match=words):
            Files(given)


def test_folders_are_no_files(paths, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"paths must be of files\. Received 1 folders: .*Folder\(path"):
        Files([*paths, tmp_path])


def test_of_many_files_in_a_folder_none_is_asked_for_by_itself(tmp_path: Path, monkeypatch) -> None:
    """A network drive takes a millisecond for each question; a list of the folder answers all."""
    for number in range(20):
        (tmp_path / f"{number}.png").touch()
    (tmp_path / "folder.png").mkdir()
    for name, target in (("link.png", "1.png"), ("dangling.png", "nowhere.png")):
        (tmp_path / name).symlink_to(tmp_path / target)
    asked, is_file = [], os.path.isfile
    monkeypatch.setattr(os.path, "isfile", lambda path: asked.append(path) or is_file(path))
    there = [str(tmp_path / name) for name in ("link.png", *(f"{number}.png" for number in range(20)))]
    assert Files(np.array(there)).paths == there
    assert {*map(type, Files(np.array(there)).paths)} == {str}
    assert not asked
    odd = [str(tmp_path / name) for name in ("folder.png", "dangling.png", "none.png")]
    assert absent([odd[0], *there, *odd[1:]]) == [0, len(there) + 1, len(there) + 2]
    assert asked == odd
    monkeypatch.chdir(tmp_path)
    assert absent([*(f"{number}.png" for number in range(20)), "none.png", str(tmp_path / "1.png"), ""]) == [20, 22]
    assert absent([]) == []


def test_the_rest_of_a_huge_folder_is_not_listed(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number}.png").touch()
    few = [str(tmp_path / f"{number}.png") for number in range(290, 306)]
    assert absent(few) == list(range(10, 16))
    assert len(listing._files_in(f"{tmp_path}/", 8 * len(few))) == 128


@pytest.mark.parametrize(("number", "trials"), [(errno.EIO, 3), (errno.ESTALE, 3), (errno.ENOENT, 1)])
def test_what_a_network_drive_says_in_passing_is_asked_again(paths, monkeypatch, number: int, trials: int) -> None:
    source, opened, left = Files(paths), os.open, []
    slept: list[float] = []

    def refuse(*args):
        if left and left.pop():
            raise OSError(number, os.strerror(number))
        return opened(*args)

    monkeypatch.setattr("os.open", refuse)
    monkeypatch.setattr(remote, "sleep", slept.append)
    for failures in range(4):
        left[:], slept[:] = [True] * failures, []
        if failures < trials:
            assert source.read(0) == Path(paths[0]).read_bytes()
        else:
            with pytest.raises(SourceError, match=rf"every file must be readable.*{os.strerror(number)}"):
                source.read(0)
        assert len(slept) == min(failures, trials - 1)


def test_masks_are_asked_for_again_too(paths, monkeypatch) -> None:
    left = [True, True]

    def refuse(*args):
        if left and left.pop():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return Path(args[0]).open("rb")

    monkeypatch.setattr(remote, "open", refuse, raising=False)
    monkeypatch.setattr(remote, "sleep", lambda pause: None)
    assert mask_array(paths[0]).shape == (3, 5, 3)
    assert not left

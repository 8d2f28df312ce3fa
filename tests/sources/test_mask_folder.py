"""Folders of images and masks, paired by name."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import augline as al
from augline.errors import ArgumentError, SourceError
from augline.sources import MaskFolder, from_config

HEIGHT, WIDTH = 4, 6


def picture(seed: int):
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def mask_of(seed: int):
    return np.random.default_rng(seed + 100).integers(0, 4, (HEIGHT, WIDTH), np.uint8)


def save(path: Path, array, palette: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(array)
    if palette:
        image.putpalette(np.random.default_rng(0).integers(0, 256, 768, np.uint8).tobytes())
    image.save(path)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    for number, name in enumerate(("b", "a", "deep/c")):
        save(tmp_path / "images" / f"{name}.bmp", picture(number))
        save(tmp_path / "masks" / f"{name}_mask.png", mask_of(number), palette=True)
    return str(tmp_path / "images"), str(tmp_path / "masks")


class TestPairs:
    def test_by_stem_in_nested_folders(self, folders) -> None:
        source = MaskFolder(*folders, suffix="_mask")
        stems = [Path(source.name(index)).stem for index in range(3)]
        assert stems == ["a", "b", "c"]
        assert [Path(mask).stem for mask in source.targets.masks] == ["a_mask", "b_mask", "c_mask"]
        assert repr(source) == f"MaskFolder({folders[0]!r}, {folders[1]!r}, 3 images)"
        assert from_config(source.config()).config() == source.config()

    def test_batches_keep_palette_indices_and_flip_with_the_image(self, folders) -> None:
        source = MaskFolder(*folders, suffix="_mask")
        pipe = al.Pipeline(
            source, [al.RandomFlip("horizontal", p=1)], size=(HEIGHT, WIDTH), batch_size=3, shuffle=False
        )
        batch = pipe.batch(0, 0)
        for row, seed in enumerate((1, 0, 2)):
            np.testing.assert_array_equal(batch["images"][row], picture(seed)[:, ::-1])
            np.testing.assert_array_equal(batch["segmentation_masks"][row, :, :, 0], mask_of(seed)[:, ::-1])

    def test_both_in_one_folder(self, tmp_path) -> None:
        for number, name in enumerate("ab"):
            save(tmp_path / f"{name}.png", picture(number))
            save(tmp_path / f"{name}-seg.png", mask_of(number))
        source = MaskFolder(tmp_path, tmp_path, suffix="-seg")
        assert [Path(source.name(index)).name for index in range(len(source))] == ["a.png", "b.png"]
        with pytest.raises(ArgumentError, match=r"in one folder need a suffix.*Received suffix=''\. Pass"):
            MaskFolder(tmp_path, tmp_path)

    def test_a_mask_folder_below_the_images(self, tmp_path) -> None:
        save(tmp_path / "a.png", picture(0))
        save(tmp_path / "masks/a.png", mask_of(0))
        assert len(MaskFolder(tmp_path, tmp_path / "masks")) == 1

    def test_parts_keep_their_masks(self, folders) -> None:
        source = MaskFolder(*folders, suffix="_mask")
        part = source.select([2, 0])
        assert part.targets.take([0])["masks"] == [source.targets.masks[2]]
        np.testing.assert_array_equal(part.ids(np.arange(2)), [2, 0])
        assert sum(map(len, source.split(0.4))) == 3


class TestSeveral:
    def test_by_name_or_as_channels(self, tmp_path) -> None:
        for number, name in enumerate("ab"):
            save(tmp_path / "images" / f"{name}.png", picture(number))
            for organ, shift in (("liver", 0), ("tumour", 50)):
                save(tmp_path / organ / f"{name}.png", mask_of(number + shift))
        masks = [tmp_path / "tumour", tmp_path / "liver"]
        source = MaskFolder(tmp_path / "images", masks)
        named = MaskFolder(tmp_path / "images", {"tumour": masks[0], "liver": str(masks[1])})
        batch, apart = (
            al.Pipeline(from_config(one.config()), [], size=(HEIGHT, WIDTH), batch_size=2, shuffle=False).batch(0, 0)
            for one in (source, named)
        )
        assert [*apart["segmentation_masks"]] == ["tumour", "liver"]
        for row in range(2):
            expected = np.stack([mask_of(row + 50), mask_of(row)], axis=-1)
            np.testing.assert_array_equal(batch["segmentation_masks"][row], expected)
            for channel, mask in enumerate(apart["segmentation_masks"].values()):
                np.testing.assert_array_equal(mask[row], expected[..., channel : channel + 1])
        save(tmp_path / "liver/b.png", mask_of(0).astype(np.uint16))
        with pytest.raises(
            SourceError, match=r"one channel, one size and one type\. Received .*uint16 in .*\. Convert"
        ):
            al.Pipeline(source, [], size=(HEIGHT, WIDTH), batch_size=2).batch(0, 0)
        (tmp_path / "liver/a.png").unlink()
        with pytest.raises(SourceError, match=r"every image must have a mask .*liver.*Received 1 of 2.*a\.png"):
            MaskFolder(tmp_path / "images", masks)


class TestWrong:
    def test_images_without_mask_and_masks_without_image(self, folders) -> None:
        images, masks = map(Path, folders)
        for number in range(4):
            save(images / f"x{number}.png", picture(number))
        words = (
            r"must have a mask of its name in '.*masks' with suffix='_mask'\. Received 4 of 7 .*x0.*x2.png' and 1 more"
        )
        with pytest.raises(SourceError, match=words):
            MaskFolder(images, masks, suffix="_mask")
        for number in range(5):
            save(masks / f"x{number}_mask.png", mask_of(number))
        with pytest.raises(
            SourceError, match=r"every mask must have an image .*Received 1 of 8 that have none: .*x4_mask"
        ):
            MaskFolder(images, masks, suffix="_mask")

    def test_a_suffix_that_no_mask_has(self, folders) -> None:
        with pytest.raises(SourceError, match=r"every image must have a mask .*'_seg'.*Received 3 of 3"):
            MaskFolder(*folders, suffix="_seg")

    def test_two_files_of_one_stem(self, folders) -> None:
        save(Path(folders[0]) / "a.png", picture(0))
        with pytest.raises(SourceError, match=r"differ in more than their extensions.*Received 1 .*a\.png.* Rename"):
            MaskFolder(*folders, suffix="_mask")

    def test_folders_that_are_not_there(self, folders) -> None:
        with pytest.raises(SourceError, match=r"masks must be a folder\. Received .*does not exist.*mean 'masks'\?"):
            MaskFolder(folders[0], folders[1] + "k")
        with pytest.raises(ArgumentError, match="there must be masks"):
            MaskFolder(folders[0], {})

    def test_values_beyond_the_classes(self, folders) -> None:
        names = ["ground", "sky", "tree"]
        source = MaskFolder(*folders, suffix="_mask", class_names=[*names, "sea"])
        assert source.class_names == ("ground", "sky", "tree", "sea")
        with pytest.raises(SourceError, match=r"the values 0 to 2 of the 3 class_names\. Received 3 in '.*_mask\.png'"):
            MaskFolder(*folders, suffix="_mask", class_names=names)
        assert MaskFolder(*folders, suffix="_mask", class_names=names, ignore=3).ignore == 3

    def test_a_mask_that_is_no_image(self, folders) -> None:
        (Path(folders[1]) / "a_mask.png").write_bytes(b"no")
        with pytest.raises(SourceError, match=r"every mask must be a readable image\. Received '.*a_mask\.png'"):
            MaskFolder(*folders, suffix="_mask", class_names=["x"])


def test_folders_apart_are_paired_without_a_question_for_each_file(tmp_path, monkeypatch) -> None:
    for number in range(30):
        for folder in ("images", "masks"):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / f"{number}.png").touch()
    asked, absolute = [], os.path.abspath
    monkeypatch.setattr(os.path, "abspath", lambda path: asked.append(path) or absolute(path))
    assert len(MaskFolder(tmp_path / "images", tmp_path / "masks")) == 30
    assert len(asked) < 10

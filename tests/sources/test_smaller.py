"""Images that are made smaller while they are written as TFRecords."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import augline as al
from augline.targets import read_mask
from pictures import smooth

pytest.importorskip("tensorflow")

TALL, WIDE = (96, 60), (40, 130)
"""Of which the first comes to 48 x 30 where the shorter side is to be 30, and the second to 30 x 98."""


def saved(folder: Path, name: str, pixels: Any, **options: Any) -> Path:
    path = folder / name
    Image.fromarray(np.squeeze(pixels)).save(path, **options)
    return path


def images_of(source: al.Source, size: tuple[int, int]) -> Any:
    return al.Pipeline(source, size=size, shuffle=False, batch_size=len(source)).batch(0, 0).astype(float)


def areas(image: Any, size: tuple[int, int]) -> Any:
    """Exact means over the area of each new pixel: differences of the integral, which is linear within a pixel."""
    for axis, new in enumerate(size):
        sums = np.cumsum(np.moveaxis(image, axis, 0).astype(float), axis=0)
        sums = np.concatenate([0 * sums[:1], sums])
        edges = np.linspace(0, len(sums) - 1, new + 1)
        low = np.minimum(edges.astype(int), len(sums) - 2)
        share = (edges - low)[:, None, None]
        image = np.moveaxis(np.diff(sums[low] * (1 - share) + sums[low + 1] * share, axis=0) * new, 0, axis)
        image = image / (len(sums) - 1)
    return image


@pytest.mark.parametrize("quality", [None, 95])
def test_each_pixel_is_the_mean_of_its_area(quality: int | None, tmp_path: Path) -> None:
    wide, turned, large = smooth(*WIDE, seed=1), smooth(*TALL, seed=2), smooth(480, 300, seed=3)
    exif = Image.Exif()
    exif[0x0112] = 6  # stored on its side
    files = [
        saved(tmp_path, "wide.png", wide),
        saved(tmp_path, "turned.jpg", np.rot90(turned), quality=100, subsampling=0, exif=exif),
        saved(tmp_path, "large.jpg", large, quality=100, subsampling=0),
        saved(tmp_path, "small.png", wide[:20]),
    ]
    source = al.TFRecords(
        al.write_tfrecords(al.Files(files), tmp_path / "a", shortest=30, quality=quality), label_key=None
    )
    heads = [b"\x89PNG" if quality is None else b"\xff\xd8\xff"] * 3 + [b"\x89PNG"]
    assert all(source.read(k).startswith(head) for k, head in enumerate(heads))
    assert source.read(3) == files[3].read_bytes()
    for index, (image, size) in enumerate([(wide, (30, 98)), (turned, (48, 30)), (large, (48, 30))]):
        apart = images_of(source.select([index]), size)[0] - areas(image, size)
        if quality is not None:  # half the colours are gone then
            apart = apart @ [0.299, 0.587, 0.114]
        assert np.abs(apart).mean() < (0.6 if quality is None else 2), index
        assert np.abs(apart).max() < (2.5 if quality is None else 12), index


def test_targets_stay_where_they_were_in_the_picture(tmp_path: Path) -> None:
    sizes = [TALL, WIDE]
    files = [saved(tmp_path, f"{k}.png", smooth(*size, seed=k)) for k, size in enumerate(sizes)]
    masks = [np.zeros(size, np.uint8) for size in sizes]
    masks[0][32:64, 16:40], masks[1][8:24, 52:104] = 3, 200
    boxes = [[[16, 32, 40, 64]], [[52, 8, 104, 24]]]
    points = [np.array([[15.5, 31.5, 1], [40, 2, 0]]), np.array([[0, 0, 1], [129.0, 39.0, 1]])]
    original = al.Files(files, masks=masks, boxes=boxes, box_labels=[[0], [1]], keypoints=points, labels=[0, 1])
    paths = al.write_tfrecords(original, tmp_path / "a", shortest=30, quality=None)
    source = al.TFRecords(paths)
    for index, new in enumerate([(48, 30), (30, 98)]):
        scale = np.array(new) / sizes[index]
        got = source.targets.take([index])
        (mask,) = got["masks"]
        mask = read_mask(mask, new, "")[..., 0]
        rows, columns = np.nonzero(mask)
        tight = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(tight, np.multiply(boxes[index][0], [*scale[::-1], *scale[::-1]]), atol=0.51)
        np.testing.assert_allclose(got["boxes"][0][0], np.multiply(boxes[index][0], [*scale[::-1]] * 2), atol=1e-4)
        np.testing.assert_allclose(got["keypoints"][0][:, :2], points[index][:, :2] * scale[::-1], atol=1e-4)
        assert set(np.unique(mask)) == {0, masks[index].max()}
    assert source.targets.labels.tolist() == [0, 1]


def test_sixteen_bits_and_alpha_become_png_and_grey_stays_grey(tmp_path: Path) -> None:
    for channels, dtype, head in ((1, "uint16", b"\x89PNG"), (4, "uint8", b"\x89PNG"), (1, "uint8", b"\xff\xd8")):
        images = np.stack([smooth(40, 60, channels, dtype, k) for k in range(2)])
        paths = al.write_tfrecords(al.Arrays(images), tmp_path / f"{channels}{dtype}", shortest=20)
        source = al.TFRecords(paths, label_key=None, dtype=dtype, color_mode={1: "grayscale", 4: "rgba"}[channels])
        assert source.read(1).startswith(head)
        means = images.reshape(2, 20, 2, 30, 2, channels).mean((2, 4))
        assert np.abs(images_of(source, (20, 30)) - means).mean() < (1 if head == b"\x89PNG" else 3)


def test_files_that_fail_are_left_out_and_named(tmp_path: Path) -> None:
    files = [saved(tmp_path, f"{k}.jpg", smooth(*TALL, seed=k)) for k in range(20)]
    whole = files[3].read_bytes()
    files[3].write_bytes(whole[: len(whole) // 2])
    files[17].write_bytes(b"<html>")
    source, ticks = al.Files(files, labels=range(20)), []
    with pytest.raises(al.DecodeError, match=r"3\.jpg \(sample 3\): "):
        al.write_tfrecords(source, tmp_path / "a", shortest=30)
    with pytest.warns(UserWarning, match=r"2 files were left out\. The first: .*3\.jpg \(sample 3\): "):
        paths = al.write_tfrecords(
            source, tmp_path / "b", shards=3, shortest=30, on_error="skip", workers=3, progress=lambda: ticks.append(1)
        )
    written = al.TFRecords(paths)
    assert written.targets.labels.tolist() == [k for k in range(20) if k not in (3, 17)]
    assert len(ticks) == 20
    one = al.TFRecords(al.write_tfrecords(source.select(range(4, 17)), tmp_path / "c", shortest=30, workers=1))
    assert [one.read(k) for k in range(13)] == [written.read(k) for k in range(3, 16)]
    with pytest.raises(al.DecodeError, match=r"17\.jpg"):
        al.write_tfrecords(source.select([17, 17]), tmp_path / "d", on_error="skip")


def test_what_is_out_of_range_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    source = al.Arrays(np.zeros((2, 8, 8, 3), np.uint8))
    for wrong in ({"shortest": 0}, {"shortest": 2.5}, {"quality": 101}, {"on_error": "replace"}, {"workers": 0}):
        with pytest.raises(al.ArgumentError, match=rf"write_tfrecords.*Received {next(iter(wrong))}="):
            al.write_tfrecords(source, tmp_path / "new" / "a", **wrong)
    assert not (tmp_path / "new").exists()


def test_what_is_written_can_be_read_by_whoever_may_read_new_files(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        (path,) = al.write_tfrecords(al.Arrays(np.zeros((2, 8, 8, 3), np.uint8), [0, 1]), tmp_path / "a")
        al.TFRecords(path)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o644}

"""JPEGs decoded no further down than asked: the same pixels, and the same damage found, for less work."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import augline as al
from augline import batches
from augline.decode import Scratch, cut, dct_shrink, decode, probe
from augline.errors import AuglineError, DecodeError
from pictures import noisy, smooth

UNTOUCHED = 0xA7


class Marked(Scratch):
    """Shows what has been decoded into it: the rest holds `UNTOUCHED`."""

    def take(self, size: int, slot: int = 0) -> NDArray[np.uint8]:
        place = super().take(size, slot)
        place[:] = UNTOUCHED
        return place


def jpeg(height: int, width: int, *, sampling: str = "420", grey: bool = False, restart: int = 0) -> bytes:
    """A photograph-like JPEG with some grain; restart markers stand after so many blocks."""
    image = smooth(height, width) // 2 + noisy(height, width) // 5
    factor = getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{sampling}")
    options = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor, cv2.IMWRITE_JPEG_RST_INTERVAL, restart]
    return cv2.imencode(".jpg", image[..., 0] if grey else image, options)[1].tobytes()


def saved_by(image: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def upper(data: bytes, rows: int | None, **options: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """An image of which so many rows are asked for, and which of its rows were decoded."""
    image = decode(data, probe(data), rows=rows, scratch=Marked(), **options)
    return image, (image != UNTOUCHED).any(axis=(1, 2))


def check_rows(data: bytes, asked: range | list[int], **options: Any) -> int:
    """Compares with the whole image; how many times the decoder stopped early."""
    whole, early = decode(data, probe(data), **options), 0
    for rows in asked:
        image, touched = upper(data, rows, **options)
        assert image.shape == whole.shape
        assert np.array_equal(image[:rows], whole[:rows]), rows
        early += not touched[-1]
        if not touched[-1]:
            assert not touched[max(rows + 1, 16) :].any()
    return early


@pytest.mark.parametrize("restart", [0, 3])
@pytest.mark.parametrize("shrink", [1, 2, 4, 8])
@pytest.mark.parametrize("sampling", ["444", "422", "420", "440", "411", "grey"])
def test_rows_are_those_of_the_whole_image(sampling: str, shrink: int, restart: int) -> None:
    for height, width in ((131, 67), (128, 9), (250, 143)):
        kind = {"grey": True} if sampling == "grey" else {"sampling": sampling}
        data = jpeg(height, width, restart=restart, **kind)
        assert dct_shrink(probe(data), shrink) == shrink
        asked = range(1, -(-height // shrink) + 1, 1 if shrink > 2 else 3)
        assert check_rows(data, asked, shrink=shrink) > 0.7 * len(asked)


@pytest.mark.parametrize("accurate", [True, False])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("sampling", ["444", "420"])
def test_rows_in_all_channels_and_by_fast_decoding(sampling: str, channels: int, accurate: bool) -> None:
    data = jpeg(131, 67, sampling=sampling)
    for dtype in ("uint8", "uint16"):
        whole = decode(data, probe(data), channels=channels, dtype=dtype, accurate=accurate)
        for rows in range(1, 131, 5):
            got = decode(data, probe(data), channels=channels, dtype=dtype, accurate=accurate, rows=rows)
            assert np.array_equal(got[:rows], whole[:rows])


def test_files_are_cut_only_where_it_saves_enough() -> None:
    data = jpeg(160, 40)
    assert [upper(data, rows)[1].sum() for rows in (5, 100, 143, 144, 160)] == [16, 101, 144, 160, 160]
    data = jpeg(1600, 8)
    assert [upper(data, rows)[1].sum() for rows in (1499, 1500)] == [1500, 1600]


def test_others_are_decoded_whole() -> None:
    photo = Image.fromarray(smooth(96, 64))
    exif = Image.Exif()
    exif[0x0112] = 3
    files = {
        "progressive": saved_by(photo, progressive=True),
        "turned": saved_by(photo, exif=exif),
        "inks": saved_by(photo.convert("CMYK")),
    }
    for name, data in files.items():
        got, whole = (decode(data, probe(data), rows=rows) for rows in (20, None))
        assert np.array_equal(got, whole), name
    file = io.BytesIO()
    photo.save(file, "PNG")
    assert np.array_equal(decode(file.getvalue(), probe(file.getvalue()), rows=20), np.asarray(photo))


def test_scans_of_single_components_are_not_cut() -> None:
    """Such a file holds all rows of one component before the first of the next."""
    data, tried = bytearray(jpeg(96, 64)), []
    assert not cut.decodes(bytes(data), probe(data), 40, tried.append)
    assert len(tried) == 1
    data[data.index(b"\xff\xda") + 4] = 1
    assert not cut.decodes(bytes(data), probe(data), 40, tried.append)
    assert len(tried) == 1


@pytest.mark.parametrize("restart", [0, 3])
def test_damage_is_found_in_the_rows_that_are_asked_for(restart: int) -> None:
    data = jpeg(160, 120, restart=restart)
    start = data.index(b"\xff\xda") + 14
    end = len(data) - 2 if not restart else start + (len(data) - start) // 5
    for kept in range(start, end, 97):  # wherever the file ends
        with pytest.raises(DecodeError):
            decode(data[:kept], probe(data), rows=40)
    for marker in (b"\xff\xd9", b"\xff\xd5"):
        broken = bytearray(data)
        broken[start + 300 : start + 302] = marker
        with pytest.raises(DecodeError):
            decode(bytes(broken), probe(data), rows=40)
    broken = bytearray(data)
    broken[-300:-298] = b"\xff\xd9"
    assert np.array_equal(decode(bytes(broken), probe(data), rows=40)[:40], decode(data, probe(data))[:40])
    with pytest.raises(DecodeError):
        decode(bytes(broken), probe(data))


# In pipelines


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """The rows that pipelines ask for; they decode into memory that shows them nothing they did not ask for."""
    found: list[int | None] = []

    def recorded(*args: Any, **options: Any) -> NDArray[Any]:
        found.append(options["rows"])
        return decode(*args, **{**options, "scratch": Marked()})

    monkeypatch.setattr(batches, "decode", recorded)
    return found


def folder(tmp_path: Path, count: int = 12) -> al.Files:
    """Photos of several sizes and kinds, two of them turned, one a PNG."""
    paths = []
    for number in range(count):
        path = tmp_path / f"{number}.{'png' if number == 5 else 'jpg'}"
        image = Image.fromarray(smooth(150 + 17 * number, 260 - 9 * number, seed=number))
        exif = Image.Exif()
        exif[0x0112] = {3: 6, 4: 2}.get(number, 1)
        image.save(path, subsampling=number % 3, exif=exif)
        paths.append(str(path))
    return al.Files(paths, labels=np.eye(count, dtype="float32"))


LISTS = (
    [al.RandomResizedCrop(64, 64), al.RandomFlip("horizontal_and_vertical")],
    [al.RandomResizedCrop(20, 30, scale=(0.5, 1.0)), al.RandomContrast(0.3)],
    [al.RandomRotation(0.1, fill_mode="constant"), al.RandomCrop(70, 90)],
    [al.RandomPerspective(1.0, scale=0.4), al.CenterCrop(64, 64)],
    [al.RandomHue(0.2), al.RandomGamma(), al.RandomResizedCrop(64, 64, scale=(0.04, 0.2))],
    [al.RandomTranslation((0.15, 0.6), 0.1), al.RandomRotation(0.1), al.CenterCrop(64, 64)],
    [al.RandomResizedCrop(64, 64), al.MixUp(), al.RandomFlip()],
)


@pytest.mark.parametrize("engine", ["opencv", "reference"])
@pytest.mark.parametrize("transforms", LISTS, ids=repr)
def test_batches_are_those_of_whole_images(
    transforms: list[al.Transform], engine: str, tmp_path: Path, asked: list[int | None]
) -> None:
    source = folder(tmp_path)
    pipe = al.Pipeline(source, transforms, batch_size=12, seed=3, engine=engine, workers=1)
    pipe.batch(0, 0)
    assert asked.count(None) == 12  # the first time, every file is decoded to its end
    for epoch in (1, 2, 3):
        asked.clear()
        cut_short, _ = pipe.batch(epoch, 0)
        assert None not in asked
        assert sum(rows < 130 for rows in asked) >= 2
        whole, _ = al.Pipeline(source, transforms, batch_size=12, seed=3, engine=engine, workers=1).batch(epoch, 0)
        assert np.array_equal(cut_short, whole)


@pytest.mark.parametrize("harm", [b"\xff\xd9", bytes(200)], ids=["marker", "zeros"])
@pytest.mark.parametrize("place", [0.2, 0.95])
def test_a_damaged_file_is_found_in_every_epoch(harm: bytes, place: float, tmp_path: Path) -> None:
    """Wherever it is damaged, and whatever is read of it: zeros above are noticed at the end of the scan, if at all."""
    data = bytearray(jpeg(300, 200))
    at = int(len(data) * place)
    data[at : at + len(harm)] = harm
    (tmp_path / "a.jpg").write_bytes(data)
    pipe = al.Pipeline(al.Files([str(tmp_path / "a.jpg")]), [al.CenterCrop(100, 100)], workers=1)
    for epoch in range(3):
        with pytest.raises(AuglineError, match=r"a\.jpg"):
            pipe.batch(epoch, 0)


def test_further_images_of_a_sample_are_cut_alike(tmp_path: Path, asked: list[int | None]) -> None:
    first, second = (tmp_path / name for name in ("one", "two"))
    for path in (first, second):
        path.mkdir()
        for number in range(3):
            Image.fromarray(smooth(300, 120, seed=number)).save(path / f"{number}.jpg")
    files = [[str(path / f"{number}.jpg") for number in range(3)] for path in (first, second)]
    source = al.Files(files[0], extra_images={"depth": files[1]})
    pipe = al.Pipeline(source, [al.CenterCrop(100, 100)], batch_size=3, workers=1)
    whole, cut_short = pipe.batch(0, 0), pipe.batch(0, 0)
    assert asked == [None] * 6 + [202] * 6
    for name in ("images", "depth"):
        assert np.array_equal(whole[name], cut_short[name])

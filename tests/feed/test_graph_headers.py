"""What a graph reads of a file's first bytes is what `augline.decode.probe` reads."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from augline.decode import decode, probe
from pictures import smooth
from test_decode import encoded, exif, picture, with_exif

tf = pytest.importorskip("tensorflow")

from augline.feed.graph.decode import decode as decode_in_graph  # noqa: E402
from augline.feed.graph.header import BMP, GIF, JPEG, PNG  # noqa: E402
from augline.feed.graph.header import probe as probe_in_graph  # noqa: E402

KINDS = {"jpeg": JPEG, "png": PNG, "gif": GIF, "bmp": BMP}


def moved_behind_the_frame(jpeg: bytes, block: bytes) -> bytes:
    at = jpeg.index(b"\xff\xc4")
    content = b"Exif\0\0" + block
    return jpeg[:at] + b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content + jpeg[at:]


def with_chunk(png: bytes, block: bytes, before: bytes = b"IDAT") -> bytes:
    at = png.index(before) - 4
    return png[:at] + struct.pack(">I", len(block)) + b"eXIf" + block + b"\0\0\0\0" + png[at:]


def files() -> dict[str, bytes]:
    jpeg, tall = encoded(picture(20, 30)), encoded(picture(37, 51), "JPEG", progressive=True)
    thumbnail = with_exif(jpeg, exif(3) + encoded(picture(8, 8)))
    found = {
        "plain": jpeg,
        "progressive": tall,
        "behind the frame": moved_behind_the_frame(tall, exif(8)),
        "fill bytes and a thumbnail": thumbnail[:2] + b"\xff\xff\xff" + thumbnail[2:],
        "other segments before it": with_exif(tall, exif(5))[:2]
        + b"\xff\xe2\0\x0cExif\0\0abcd"
        + with_exif(tall, exif(5))[2:],
        "the first of two counts": with_exif(with_exif(jpeg, exif(2)), exif(7)),
        **{f"{order}{kind}": with_exif(jpeg, exif(6, order, kind)) for order in "<>" for kind in (3, 4)},
        **{kind: encoded(picture(33, 47), kind) for kind in ("PNG", "BMP", "GIF")},
    }
    damaged = [
        b"",
        b"II",
        exif(9),
        exif(0),
        exif(6)[:9],
        b"XX*\0" + exif(6)[4:],
        b"II*\0\xff\xff\xff\xff" + exif(6)[8:],
    ]
    png = found["PNG"]
    late = with_chunk(png, exif(7), before=b"IEND")
    found |= {
        "a PNG's EXIF": with_chunk(png, exif(8)),
        "with the header of a JPEG's": with_chunk(png, b"Exif\0\0" + exif(5, ">")),
        "behind the pixels, the first of two": with_chunk(late, exif(3), before=b"IEND"),
        "a PNG's damaged EXIF": with_chunk(png, b"II*\0"),
    }
    return {**found, **{f"damaged EXIF {k}": with_exif(jpeg, block) for k, block in enumerate(damaged)}}


@pytest.mark.parametrize("counts", [True, False])
def test_formats_sizes_and_orientations(counts: bool) -> None:
    data = files()
    kinds, sizes, turns = probe_in_graph(tf.constant([*data.values()]), tf.constant([*data]), counts)
    for name, kind, (height, width), turn in zip(data, kinds.numpy(), sizes.numpy(), turns.numpy(), strict=True):
        wanted = probe(data[name], exif=counts)
        stored = (wanted.width, wanted.height) if wanted.orientation >= 5 else (wanted.height, wanted.width)
        assert (kind, height, width, turn) == (KINDS[wanted.format], *stored, wanted.orientation), name
    assert len({*turns.numpy()}) == (6 if counts else 1)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pixels_of_pngs_that_are_turned_and_of_few_bits(channels: int) -> None:
    image = Image.fromarray(picture(20, 33))
    pngs = [with_chunk(encoded(picture(20, 33), "PNG"), exif(turn)) for turn in (3, 6)]
    for bits in (1, 2, 4):
        image.quantize(2**bits).save(data := io.BytesIO(), "PNG", bits=bits)
        pngs.append(data.getvalue())
    image.convert("1").save(data := io.BytesIO(), "PNG")
    for png in [*pngs, data.getvalue()]:
        header = probe(png)
        window = tf.constant([0, 0, header.height, header.width])
        numbers = tf.constant(PNG), tf.constant(header.orientation), tf.constant(0)
        found = decode_in_graph(tf.constant(png), *numbers, window, channels, "uint8")
        np.testing.assert_array_equal(found.numpy(), decode(png, header, channels=channels))


@pytest.mark.parametrize("jpeg", [b"\xff\xd8", b"\xff\xd8\xff", encoded(picture(20, 30))[:40], b"\xff\xd8\xff\xe0\0\1"])
def test_headers_that_end_too_soon(jpeg: bytes) -> None:
    names = tf.constant(["whole.jpg", "short.jpg"])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"short\.jpg: the header must be whole"):
        probe_in_graph(tf.constant([encoded(picture(20, 30)), jpeg]), names, True)


def test_files_that_end_before_their_image_are_named() -> None:
    """Whatever part of them is looked at; what follows an end is no matter."""
    plain, progressive = encoded(picture(40, 50)), encoded(picture(40, 50), "JPEG", progressive=True)
    whole = [plain, progressive, with_exif(plain, exif(6) + plain), encoded(picture(40, 50), "PNG")]
    files = tf.constant([data + more for data in whole for more in (b"", b"\0" * 20)])
    probe_in_graph(files, files, True)
    for data in whole:
        for cut in (len(data) - 1, len(data) - 9, len(data) * 2 // 3):
            with pytest.raises(tf.errors.InvalidArgumentError, match=r"short: the (file must not end|header must be)"):
                probe_in_graph(tf.constant([plain, data[:cut]]), tf.constant(["whole", "short"]), True)


def test_bmps_with_palettes_of_colours_are_refused() -> None:
    """TensorFlow takes the numbers of colours for grey."""
    image, files = Image.fromarray(picture(20, 30)), []
    for mode in ("RGB", "RGBA", "L", "P", "1"):
        image.convert(mode).save(data := io.BytesIO(), "BMP")
        files.append(data.getvalue())
    probe_in_graph(tf.constant(files[:3]), tf.constant(["whole"] * 3), True)
    for palette in files[3:]:
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"odd: in a graph a BMP must be grey or have 24"):
            probe_in_graph(tf.constant([files[0], palette]), tf.constant(["whole", "odd"]), True)


def test_more_pixels_than_any_image_has_are_refused() -> None:
    png = bytearray(encoded(picture(20, 30), "PNG"))
    png[16:24] = struct.pack(">II", 20000, 20000)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"bomb: an image may have up to 178,956,970 pixels"):
        probe_in_graph(tf.constant([bytes(png)]), tf.constant(["bomb"]), True)


def test_what_is_no_image_is_named() -> None:
    tiff = io.BytesIO()
    Image.fromarray(smooth(9, 8)).save(tiff, "tiff")
    for data in (b"", b"hello", tiff.getvalue()):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"odd: a file must be a JPEG, PNG, GIF or BMP image"):
            probe_in_graph(tf.constant([data]), tf.constant(["odd"]), True)

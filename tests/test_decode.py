"""Bytes to pixels, against Pillow."""

from __future__ import annotations

import contextlib
import struct
import time
import zlib
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from augline.decode import MAX_PIXELS, Header, Scratch, dct_shrink, decode, probe
from augline.errors import ArgumentError, DecodeError

MESSAGE = r"^decode\(photo\): .+\. Received .+\. .+\.$"


MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def picture(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Two ramps, a wave and some noise: no symmetry, no two channels alike."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [
        x * 255 / max(width, 2),
        y * 200 / max(height, 2),
        128 + 90 * np.sin(x / 9 + y / 5),
        255 - (x + 2 * y) % 200,
    ]
    noise = np.random.default_rng(seed).integers(-12, 12, (height, width, channels))
    return np.clip(np.stack(planes[:channels], -1) + noise, 0, 255).astype(np.uint8)


def encoded(image: np.ndarray | Image.Image, format_: str = "JPEG", **options: object) -> bytes:
    file = BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(file, format_, **options)
    return file.getvalue()


def pillow(data: bytes, mode: str = "RGB") -> np.ndarray:
    with Image.open(BytesIO(data)) as image:
        pixels = np.asarray(ImageOps.exif_transpose(image).convert(mode))
    return pixels[..., None] if pixels.ndim == 2 else pixels


def read(data: bytes, **options: object) -> np.ndarray:
    return decode(data, probe(data), **options)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(pixels: np.ndarray, colour: int, bits: int, extra: bytes = b"", rows: int | None = None) -> bytes:
    """A PNG of any colour type, written by hand; `rows` cuts the data stream short in a way no checksum shows."""
    height, width = pixels.shape[:2]
    lines = [b"\0" + line.astype(">u2" if bits == 16 else "u1").tobytes() for line in pixels[:rows]]
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", zlib.compress(b"".join(lines))) + chunk(b"IEND", b"")


def tiff(pixels: np.ndarray, orientation: int = 1, photometric: int = 2) -> bytes:
    """An uncompressed one-strip little-endian TIFF of any depth and number of bands, written by hand."""
    height, width, bands = pixels.shape
    bits = pixels.dtype.itemsize * 8
    body = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    at = 8 + len(body)
    depth = (struct.pack("<HH", bits, bits)) if bands <= 2 else struct.pack("<I", at)
    shorts = {256: width, 257: height, 259: 1, 262: photometric, 274: orientation, 277: bands, 278: height, 284: 1}
    entries = {tag: struct.pack("<HHIHH", tag, 3, 1, value, 0) for tag, value in shorts.items()}
    entries[258] = struct.pack("<HHI", 258, 3, bands) + depth
    entries[273] = struct.pack("<HHII", 273, 4, 1, 8)
    entries[279] = struct.pack("<HHII", 279, 4, 1, len(body))
    if extra := bands - (3 if photometric == 2 else 1):
        value = struct.pack("<HH", 2, 2) if extra <= 2 else struct.pack("<I", at + 2 * bands)
        entries[338] = struct.pack("<HHI", 338, 3, extra) + value
    arrays = struct.pack(f"<{bands}H", *[bits] * bands) + struct.pack(f"<{bands}H", *[0] * bands)
    directory = b"".join(entries[tag] for tag in sorted(entries))
    start = struct.pack("<I", at + len(arrays))
    return b"II*\0" + start + body + arrays + struct.pack("<H", len(entries)) + directory + b"\0\0\0\0"


def exif(orientation: int, order: str = "<", kind: int = 3) -> bytes:
    """An EXIF block with nothing but an orientation."""
    value = struct.pack(order + ("HH" if kind == 3 else "I"), orientation, *([0] if kind == 3 else []))
    head = b"II*\0" if order == "<" else b"MM\0*"
    return head + struct.pack(order + "IHHHI", 8, 1, 0x0112, kind, 1) + value + b"\0\0\0\0"


def with_exif(jpeg: bytes, block: bytes) -> bytes:
    content = b"Exif\0\0" + block
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content + jpeg[2:]


class TestProbe:
    @pytest.mark.parametrize(
        ("format_", "options"),
        [("JPEG", {}), ("PNG", {}), ("WEBP", {}), ("WEBP", {"lossless": True}), ("BMP", {}), ("GIF", {}), ("TIFF", {})],
    )
    def test_size_and_format(self, format_: str, options: dict[str, object]) -> None:
        header = probe(encoded(picture(37, 51), format_, **options))
        assert (header.format, header.height, header.width, header.orientation) == (format_.lower(), 37, 51, 1)

    def test_extended_webp(self) -> None:
        data = encoded(picture(37, 51), "WEBP", exif=b"Exif\0\0" + exif(6))
        assert data[12:16] == b"VP8X"
        assert probe(data) == Header("webp", 51, 37, 6)

    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize("kind", [3, 4])
    def test_orientation_in_both_byte_orders_and_widths(self, order: str, kind: int) -> None:
        data = with_exif(encoded(picture(20, 30)), exif(6, order, kind))
        assert probe(data) == Header("jpeg", 30, 20, 6)
        assert probe(data, exif=False) == Header("jpeg", 20, 30, 1)

    def test_exif_behind_the_frame_header(self) -> None:
        data = encoded(picture(20, 30))
        at = data.index(b"\xff\xc4")
        content = b"Exif\0\0" + exif(8)
        moved = data[:at] + b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content + data[at:]
        assert probe(moved).orientation == 8
        np.testing.assert_array_equal(read(moved), pillow(moved))

    @pytest.mark.parametrize(
        "block",
        [b"", b"II", exif(9), exif(0), exif(6)[:9], b"XX*\0" + exif(6)[4:], b"II*\0\xff\xff\xff\xff" + exif(6)[8:]],
    )
    def test_damaged_exif_counts_as_upright(self, block: bytes) -> None:
        data = with_exif(encoded(picture(20, 30)), block)
        assert probe(data) == Header("jpeg", 20, 30, 1)
        assert read(data).shape == (20, 30, 3)

    def test_fill_bytes_and_thumbnails_are_passed_over(self) -> None:
        thumbnail = encoded(picture(8, 8))
        data = with_exif(encoded(picture(20, 30)), exif(1) + thumbnail)
        data = data[:2] + b"\xff\xff\xff" + data[2:]
        assert probe(data) == Header("jpeg", 20, 30, 1)

    @pytest.mark.parametrize(
        "data", [b"", b"\xff", b"hello, I am text", b"\xff\xd8", b"\xff\xd8\xff", b"RIFF....WEBPVP8 "]
    )
    def test_no_image(self, data: bytes) -> None:
        with pytest.raises(DecodeError, match=MESSAGE):
            probe(data)

    @pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
    def test_garbage_never_escapes_or_hangs(self, format_: str) -> None:
        """Cut and corrupted headers either read as something or raise DecodeError, and quickly."""
        whole = encoded(picture(37, 51), format_)
        rng = np.random.default_rng(3)
        start = time.thread_time()
        for trial in range(300):
            data = bytearray(whole[: rng.integers(2, 200)] if trial % 2 else whole)
            for at in rng.integers(2, min(len(data), 120), 4) if len(data) > 2 else []:
                data[at] = rng.integers(256)
            with contextlib.suppress(DecodeError):
                probe(bytes(data))
        assert time.thread_time() - start < 5

    def test_monsters_are_refused_from_the_header(self) -> None:
        wide = png(picture(1, 1), 2, 8).replace(struct.pack(">II", 1, 1), struct.pack(">II", 20_000, 20_000))
        data = encoded(picture(16, 16))
        tall = data.replace(struct.pack(">HH", 16, 16), struct.pack(">HH", 65_500, 65_500))
        gif = encoded(picture(16, 16), "GIF").replace(struct.pack("<HH", 16, 16), struct.pack("<HH", 65_500, 65_500), 1)
        for monster in (wide, tall, gif):
            with pytest.raises(DecodeError, match=f"up to {MAX_PIXELS:,} pixels.*Received .* x .*Shrink"):
                probe(monster)

    def test_no_pixels(self) -> None:
        data = encoded(picture(16, 16)).replace(struct.pack(">HH", 16, 16), struct.pack(">HH", 0, 16))
        with pytest.raises(DecodeError, match=r"must have pixels\. Received 16 x 0"):
            probe(data)


class TestJpeg:
    @pytest.mark.parametrize("size", [(1, 1), (7, 9), (33, 17), (99, 101)])
    @pytest.mark.parametrize("subsampling", [0, 1, 2])
    @pytest.mark.parametrize("options", [{"quality": 30}, {"quality": 95}, {"quality": 80, "progressive": True}])
    def test_equals_pillow(self, size: tuple[int, int], subsampling: int, options: dict[str, object]) -> None:
        data = encoded(picture(*size), subsampling=subsampling, **options)
        for channels, mode in ((3, "RGB"), (1, "L"), (4, "RGBA")):
            np.testing.assert_array_equal(read(data, channels=channels), pillow(data, mode))

    def test_grey(self) -> None:
        data = encoded(picture(33, 17)[..., 2])
        for channels, mode in ((3, "RGB"), (1, "L"), (4, "RGBA")):
            np.testing.assert_array_equal(read(data, channels=channels), pillow(data, mode))

    @pytest.mark.parametrize("options", [{"keep_rgb": True}, {"restart_marker_rows": 1}, {"optimize": True}])
    def test_rarer_kinds(self, options: dict[str, object]) -> None:
        data = encoded(picture(33, 47), **options)
        np.testing.assert_array_equal(read(data), pillow(data))

    def test_what_follows_the_image_does_not_matter(self) -> None:
        data = encoded(picture(33, 47))
        np.testing.assert_array_equal(read(data + b"a maker's notes" * 9), pillow(data))

    def test_padding_before_the_end_marker_is_harmless_but_a_missing_one_is_not(self) -> None:
        data = encoded(picture(33, 47))
        np.testing.assert_array_equal(read(data[:-2] + b"\0\0" + data[-2:]), pillow(data))
        with pytest.raises(DecodeError, match="Premature end"):
            read(data[:-2])

    def test_cmyk(self) -> None:
        data = encoded(_cmyk(picture(33, 47, 4)))
        assert probe(data).bands == 4
        np.testing.assert_array_equal(read(data), pillow(data))
        np.testing.assert_array_equal(read(data, channels=1), pillow(data, "L"))
        np.testing.assert_array_equal(read(data, channels=4)[..., :3], pillow(data))

    def test_ycck(self) -> None:
        """The same bytes under Adobe's transform 2: the inks are stored as YCC."""
        data = encoded(_cmyk(picture(33, 47, 4)))
        at = data.index(b"Adobe") + 11
        data = data[:at] + b"\x02" + data[at + 1 :]
        np.testing.assert_array_equal(read(data), pillow(data))

    @pytest.mark.parametrize("size", [(9, 8), (8, 9), (33, 47), (96, 64), (100, 13)])
    @pytest.mark.parametrize("shrink", [2, 4, 8])
    @pytest.mark.parametrize("subsampling", [0, 2])
    def test_shrink_is_exactly_that(self, size: tuple[int, int], shrink: int, subsampling: int) -> None:
        data = encoded(picture(*size), subsampling=subsampling, quality=95)
        header = probe(data)
        assert dct_shrink(header, shrink) == shrink
        small = decode(data, header, shrink=shrink)
        assert small.shape == (-(-size[0] // shrink), -(-size[1] // shrink), 3)
        with Image.open(BytesIO(data)) as image:
            image.draft("RGB", (max(1, size[1] // shrink), max(1, size[0] // shrink)))
            if image.size == small.shape[1::-1]:  # Pillow will not go below one pixel
                np.testing.assert_array_equal(small, np.asarray(image))

    @pytest.mark.parametrize("shrink", [2, 4, 8])
    def test_shrunk_is_near_the_area_average(self, shrink: int) -> None:
        photo = cv2.GaussianBlur(picture(96, 160), (0, 0), 3)
        small = decode(data := encoded(photo, quality=98), probe(data), shrink=shrink)
        average = cv2.resize(photo, (160 // shrink, 96 // shrink), interpolation=cv2.INTER_AREA)
        assert np.abs(small.astype(float) - average).mean() < 2.5

    @pytest.mark.parametrize(("asked", "given"), [(1, 1), (2, 2), (3, 2), (4, 4), (7, 4), (8, 8), (100, 8)])
    def test_powers_of_two(self, asked: int, given: int) -> None:
        assert dct_shrink(Header("jpeg", 375, 500, 1), asked) == given
        assert dct_shrink(Header("png", 375, 500, 1), asked) == 1

    def test_turned_images_shrink_only_by_what_divides_them(self) -> None:
        assert dct_shrink(Header("jpeg", 500, 376, 6), 8) == 4
        assert dct_shrink(Header("jpeg", 500, 375, 3), 8) == 1
        assert dct_shrink(Header("jpeg", 8, 8, 1), 8) == 1

    def test_turned_and_shrunk(self) -> None:
        data = with_exif(encoded(picture(64, 96)), exif(6))
        plain = with_exif(data[:2] + data[2:], b"")
        small = decode(data, probe(data), shrink=4)
        assert small.shape == (24, 16, 3)
        upright = decode(plain, probe(plain, exif=False), shrink=4)
        np.testing.assert_array_equal(small, np.rot90(upright, -1))

    def test_a_shrink_that_cannot_be_is_refused(self) -> None:
        data = encoded(picture(33, 47), "PNG")
        with pytest.raises(ArgumentError, match=r"decode\(shrink=2\): .* Received Header.* Pass what dct_shrink"):
            read(data, shrink=2)

    def test_fast_is_near(self) -> None:
        data = encoded(picture(99, 101))
        fast, exact = read(data, accurate=False).astype(int), read(data).astype(int)
        assert 0 < np.abs(fast - exact).mean() < 4


def _cmyk(inks: np.ndarray) -> Image.Image:
    return Image.frombytes("CMYK", inks.shape[1::-1], inks.tobytes())


class TestOrientation:
    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF"])
    @pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
    def test_equals_pillow(self, orientation: int, format_: str, mode: str) -> None:
        tags = Image.Exif()
        tags[0x0112] = orientation
        data = encoded(picture(13, 22), format_, exif=tags, **({"lossless": True} if format_ == "WEBP" else {}))
        header = probe(data)
        expected = pillow(data, mode)
        assert header.orientation == orientation
        assert (header.height, header.width) == expected.shape[:2] == ((13, 22) if orientation < 5 else (22, 13))
        channels = expected.shape[2]
        for scratch in (None, Scratch()):
            np.testing.assert_array_equal(decode(data, header, channels=channels, scratch=scratch), expected)

    @pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF"])
    def test_can_be_left_out(self, format_: str) -> None:
        tags = Image.Exif()
        tags[0x0112] = 6
        turned = encoded(picture(13, 22), format_, exif=tags)
        plain = encoded(picture(13, 22), format_)
        np.testing.assert_array_equal(decode(turned, probe(turned, exif=False)), read(plain))

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_deep_and_many_banded_tiff(self, orientation: int) -> None:
        deep = picture(13, 22).astype(np.uint16) * 257
        data = tiff(deep, orientation)
        np.testing.assert_array_equal(read(data, dtype="uint16"), pillow(data).astype(np.uint16) * 257)
        bands = np.concatenate([deep, deep[..., :2] // 3], axis=-1)
        pytest.importorskip("tifffile")
        five = read(tiff(bands, orientation, photometric=1), channels=5, dtype="uint16")
        np.testing.assert_array_equal(five[..., :3], pillow(data).astype(np.uint16) * 257)


class TestPng:
    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
    @pytest.mark.parametrize("channels", [1, 3, 4])
    def test_modes_equal_pillow(self, mode: str, channels: int) -> None:
        data = encoded(
            Image.fromarray(picture(13, 22, 4)).convert("RGB" if mode == "P" else "RGBA").convert(mode), "PNG"
        )
        np.testing.assert_array_equal(read(data, channels=channels), pillow(data, MODES[channels]))

    @pytest.mark.parametrize("channels", [1, 3, 4])
    @pytest.mark.parametrize("transparency", [3, bytes(range(0, 250, 10))])
    def test_palette_with_transparency(self, channels: int, transparency: object) -> None:
        image = Image.fromarray(picture(13, 22)).quantize(25)
        data = encoded(image, "PNG", transparency=transparency)
        result = read(data, channels=channels)
        rgba = pillow(data, "RGBA")
        opaque = Image.fromarray(rgba[..., :3])
        expected = {1: np.asarray(opaque.convert("L"))[..., None], 3: np.asarray(opaque), 4: rgba}
        np.testing.assert_array_equal(result, expected[channels])

    def test_grey_with_alpha_as_two_channels(self) -> None:
        pixels = picture(13, 22, 4)[..., [0, 3]]
        np.testing.assert_array_equal(read(png(pixels, 4, 8), channels=2), pixels)

    @pytest.mark.parametrize(("colour", "bands"), [(0, 1), (2, 3), (4, 2), (6, 4)])
    def test_sixteen_bits(self, colour: int, bands: int) -> None:
        deep = np.random.default_rng(4).integers(0, 65536, (13, 22, bands)).astype(np.uint16)
        data = png(deep, colour, 16)
        assert probe(data).bits == 16
        rgb = deep[..., [0, 0, 0]] if bands < 3 else deep[..., :3]
        alpha = deep[..., -1:] if bands in (2, 4) else np.full((13, 22, 1), 65535)
        np.testing.assert_array_equal(read(data, dtype="uint16"), rgb)
        np.testing.assert_array_equal(read(data, dtype="uint16", channels=4), np.concatenate([rgb, alpha], -1))
        np.testing.assert_array_equal(read(data), np.round(rgb / 257))
        luma = rgb @ np.array([19595, 38470, 7471]) / 65536
        assert np.abs(read(data, dtype="uint16", channels=1)[..., 0] - luma).max() <= 0.5

    @pytest.mark.parametrize("bits", [8, 16])
    def test_transparent_colour(self, bits: int) -> None:
        pixels = picture(13, 22).astype(np.uint16) * (1 if bits == 8 else 251)
        key = chunk(b"tRNS", pixels[5, 7].astype(">u2").tobytes())
        data = png(pixels, 2, bits, key)
        result = read(data, channels=4, dtype=f"uint{bits}")
        transparent = (pixels == pixels[5, 7]).all(-1)
        np.testing.assert_array_equal(result[..., 3] == 0, transparent)
        np.testing.assert_array_equal(result[..., :3], pixels)
        np.testing.assert_array_equal(read(data, dtype=f"uint{bits}"), pixels)

    @pytest.mark.parametrize("bits", [8, 16])
    def test_transparent_grey(self, bits: int) -> None:
        pixels = picture(13, 22)[..., :1].astype(np.uint16) * (1 if bits == 8 else 251)
        data = png(pixels, 0, bits, chunk(b"tRNS", pixels[5, 7].astype(">u2").tobytes()))
        result = read(data, channels=4, dtype=f"uint{bits}")
        np.testing.assert_array_equal(result[..., 3] == 0, pixels[..., 0] == pixels[5, 7, 0])
        if bits == 8:
            np.testing.assert_array_equal(result, pillow(data, "RGBA"))

    def test_two_bit_grey_with_a_transparent_one(self) -> None:
        packed = np.random.default_rng(5).integers(0, 256, (13, 6, 1)).astype(np.uint8)
        data = png(packed, 0, 2, chunk(b"tRNS", b"\0\2")).replace(struct.pack(">II", 6, 13), struct.pack(">II", 23, 13))
        data = data[:29] + struct.pack(">I", zlib.crc32(data[12:29])) + data[33:]
        grey = pillow(data, "L")[..., 0]
        assert set(np.unique(grey)) == {0, 85, 170, 255}
        result = read(data, channels=4)
        np.testing.assert_array_equal(result[..., 0], grey)
        np.testing.assert_array_equal(result[..., 3] == 0, grey == 170)  # Pillow would look for a grey of 2

    def test_animated_gives_the_still(self) -> None:
        frames = [Image.fromarray(picture(13, 22, seed=seed)) for seed in range(3)]
        data = encoded(frames[0], "PNG", save_all=True, append_images=frames[1:])
        np.testing.assert_array_equal(read(data), np.asarray(frames[0]))

    def test_interlaced(self) -> None:
        """Adam7 by hand: seven sub-images, each with its own filter bytes."""
        pixels = picture(13, 22)
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        lines = b"".join(b"\0" + line.tobytes() for y, x, dy, dx in passes for line in pixels[y::dy, x::dx])
        head = chunk(b"IHDR", struct.pack(">IIBBBBB", 22, 13, 8, 2, 0, 0, 1))
        data = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
        np.testing.assert_array_equal(read(data), pixels)


class TestOtherFormats:
    @pytest.mark.parametrize("channels", [1, 3, 4])
    @pytest.mark.parametrize(
        ("format_", "options"),
        [
            ("WEBP", {}),
            ("WEBP", {"lossless": True}),
            ("BMP", {}),
            ("GIF", {}),
            ("TIFF", {}),
            ("TIFF", {"compression": "tiff_lzw"}),
            ("TIFF", {"compression": "tiff_deflate"}),
        ],
    )
    def test_equal_pillow(self, format_: str, options: dict[str, object], channels: int) -> None:
        for source in (picture(13, 22), picture(13, 22, 4), picture(13, 22)[..., 0]):
            data = encoded(source, format_, **options)
            expected = pillow(data, MODES[channels])
            np.testing.assert_array_equal(read(data, channels=channels), expected)

    @pytest.mark.parametrize("format_", ["GIF", "WEBP"])
    def test_first_frame_of_an_animation(self, format_: str) -> None:
        frames = [Image.fromarray(picture(13, 22, seed=seed)) for seed in range(3)]
        data = encoded(frames[0], format_, save_all=True, append_images=frames[1:])
        np.testing.assert_array_equal(read(data), pillow(data))

    def test_cmyk_tiff(self) -> None:
        data = encoded(_cmyk(picture(13, 22, 4)), "TIFF")
        np.testing.assert_array_equal(read(data), pillow(data))

    def test_grey_tiff_of_16_bits(self) -> None:
        deep = np.random.default_rng(6).integers(0, 65536, (13, 22)).astype(np.uint16)
        data = encoded(deep, "TIFF")
        np.testing.assert_array_equal(read(data, channels=1, dtype="uint16")[..., 0], deep)
        np.testing.assert_array_equal(read(data, channels=1)[..., 0], np.round(deep / 257))

    def test_colour_tiff_of_16_bits(self) -> None:
        deep = np.random.default_rng(6).integers(0, 65536, (13, 22, 4)).astype(np.uint16)
        np.testing.assert_array_equal(read(tiff(deep[..., :3]), dtype="uint16"), deep[..., :3])
        np.testing.assert_array_equal(read(tiff(deep), channels=4, dtype="uint16"), deep)

    @pytest.mark.parametrize("bands", [2, 5, 9])
    @pytest.mark.parametrize("dtype", ["uint8", "uint16"])
    def test_many_bands(self, bands: int, dtype: str) -> None:
        pytest.importorskip("tifffile")
        values = np.random.default_rng(6).integers(0, np.iinfo(dtype).max, (13, 22, bands)).astype(dtype)
        data = tiff(values, photometric=1)
        np.testing.assert_array_equal(read(data, channels=bands, dtype=dtype), values)
        if bands > 4:
            with pytest.raises(DecodeError, match=f"{bands} channels .*Received a request for 3.* Ask for {bands}"):
                read(data, channels=3)

    @pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
    @pytest.mark.parametrize("channels", [2, 5])
    def test_no_such_channels(self, format_: str, channels: int) -> None:
        with pytest.raises(DecodeError, match=MESSAGE):
            read(encoded(picture(13, 22), format_), channels=channels)

    def test_floating_point_tiff(self) -> None:
        with pytest.raises(DecodeError, match=r"8 or 16 bits\. Received mode 'F'"):
            read(encoded(picture(13, 22)[..., 0].astype(np.float32), "TIFF"))


class TestDepth:
    def test_ends_of_the_range_stay(self) -> None:
        ramp = np.arange(256, dtype=np.uint8).reshape(8, 32)
        data = encoded(ramp, "PNG")
        np.testing.assert_array_equal(read(data, channels=1, dtype="uint16")[..., 0], ramp.astype(np.uint16) * 257)
        jpeg = encoded(picture(13, 22))
        np.testing.assert_array_equal(read(jpeg, dtype="uint16"), read(jpeg).astype(np.uint16) * 257)

    def test_other_types_are_refused(self) -> None:
        with pytest.raises(ArgumentError, match=r"decode\(dtype='float32'\): .* Received 'float32'\. Convert"):
            read(encoded(picture(13, 22)), dtype="float32")


class TestDamage:
    @pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
    @pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
    def test_truncated(self, format_: str, kept: float) -> None:
        data = encoded(picture(99, 101), format_)
        with pytest.raises(DecodeError, match=MESSAGE):
            read(data[: int(len(data) * kept)])

    @pytest.mark.parametrize("depth", [8, 16])
    def test_png_stream_that_ends_early(self, depth: int) -> None:
        """All checksums are right and Pillow reads it, the missing rows black."""
        with pytest.raises(DecodeError, match=MESSAGE):
            read(png(picture(20, 22), 2, depth, rows=10))

    def test_corrupt_png_bytes(self) -> None:
        data = bytearray(encoded(picture(99, 101), "PNG"))
        data[len(data) // 2] ^= 0x10
        with pytest.raises(DecodeError, match=MESSAGE):
            read(bytes(data))

    @pytest.mark.parametrize("colours", ["RGB", "CMYK"])
    def test_corrupt_jpeg_entropy_data(self, colours: str) -> None:
        """A marker amid the scan: libjpeg only warns, and would leave the rest grey."""
        data = bytearray(encoded(picture(99, 101) if colours == "RGB" else _cmyk(picture(99, 101, 4))))
        data[len(data) // 2 : len(data) // 2 + 2] = b"\xff\xd9"
        with pytest.raises(DecodeError, match=MESSAGE) as caught:
            read(bytes(data))
        assert caught.value.__cause__ is not None

    def test_wrong_header(self) -> None:
        data = encoded(picture(20, 30))
        for channels, scratch in ((3, None), (3, Scratch())):
            with pytest.raises(DecodeError, match=MESSAGE):
                decode(data, Header("jpeg", 10, 30, 1), channels=channels, scratch=scratch)

    @pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
    def test_no_other_exception_escapes(self, format_: str) -> None:
        whole = encoded(picture(37, 51), format_)
        rng = np.random.default_rng(8)
        for _ in range(150):
            data = bytearray(whole)
            for at in rng.integers(2, len(data), 6):
                data[at] = rng.integers(256)
            with contextlib.suppress(DecodeError):
                header = probe(bytes(data))
                if header.height * header.width < 1_000_000:
                    assert decode(bytes(data), header).shape == (header.height, header.width, 3)


class TestScratch:
    def test_result_lies_in_it_and_is_right(self) -> None:
        scratch = Scratch()
        for size in ((33, 47), (99, 101), (9, 9)):
            for channels in (1, 3, 4):
                data = encoded(picture(*size))
                np.testing.assert_array_equal(
                    read(data, channels=channels, scratch=scratch), read(data, channels=channels)
                )

    def test_memory_is_reused(self) -> None:
        scratch = Scratch()
        first = read(encoded(picture(99, 101)), scratch=scratch)
        second = read(encoded(picture(33, 47)), scratch=scratch)
        assert np.shares_memory(first, second)
        turned = read(with_exif(encoded(picture(33, 47)), exif(6)), scratch=scratch)
        assert turned.flags.c_contiguous
        assert np.shares_memory(turned, scratch.take(1, slot=1))

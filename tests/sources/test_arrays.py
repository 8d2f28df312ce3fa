"""Images in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from augline.errors import ArgumentError, SourceError, SpecError
from augline.sources import Arrays


class TestImages:
    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
    @pytest.mark.parametrize("shape", [(5, 6, 7, 3), (5, 6, 7)])
    def test_nothing_is_copied(self, dtype: str, shape: tuple[int, ...]) -> None:
        images = np.zeros(shape, dtype)
        images[3, 2, 1] = 1
        source = Arrays(images)
        image = source.read(3)
        assert np.shares_memory(image, images)
        assert image.shape == (6, 7, source.channels) == (6, 7, 3 if len(shape) == 4 else 1)
        assert image[2, 1, 0] == 1
        assert (source.dtype, source.size, source.name(3), len(source)) == (dtype, (6, 7), "images[3]", 5)
        assert source.value_range == {"uint8": (0, 255), "uint16": (0, 65535), "float32": (0, 1)}[dtype]

    def test_memory_map(self, tmp_path: Path) -> None:
        np.save(tmp_path / "images.npy", np.arange(5 * 6 * 7, dtype=np.uint8).reshape(5, 6, 7))
        images = np.load(tmp_path / "images.npy", mmap_mode="r")
        assert np.shares_memory(Arrays(images).read(2), images)

    def test_other_floats_are_converted(self) -> None:
        images = np.random.default_rng(0).random((5, 6, 7, 3))
        source = Arrays(images)
        assert source.dtype == "float32"
        np.testing.assert_array_equal(source.read(4), images[4].astype(np.float32))

    def test_other_byte_order_is_converted(self) -> None:
        images = np.arange(5 * 6 * 7, dtype=">u2").reshape(5, 6, 7)
        assert Arrays(images).dtype == "uint16"
        np.testing.assert_array_equal(Arrays(images).read(4)[..., 0], images[4])

    def test_different_sizes(self) -> None:
        source = Arrays([np.zeros((4, 5, 3), np.uint8), np.zeros((6, 7, 3), np.uint8)])
        assert (source.size, source.channels) == (None, 3)
        assert repr(source) == "Arrays(2 images, various sizes, uint8)"
        assert Arrays([np.zeros((4, 5), np.uint8)] * 2).size == (4, 5)

    @pytest.mark.parametrize(
        ("images", "words"),
        [
            (np.zeros((5, 6, 7), np.int64), r"uint8, uint16 or float32\. Received int64\. Use .*astype"),
            (
                np.zeros((50, 60, 3), np.uint8),
                r"Received shape \(50, 60, 3\), which looks like one image\. .*images\[None\]",
            ),
            (np.zeros((50,), np.uint8), r"Received shape \(50,\)\. Reshape"),
            (np.zeros((0, 6, 7, 3), np.uint8), r"Received shape \(0, 6, 7, 3\)"),
            ([], r"Received an empty list"),
            ([np.zeros(3, np.uint8)], r"Received shape \(3,\) at images\[0\]"),
            (
                [np.zeros((4, 5), "u1"), np.zeros((4, 5, 3), "u2")],
                r"one dtype.*Received 'uint16 with 3 channels', 'uint8 with 1",
            ),
        ],
    )
    def test_wrong_ones(self, images, words: str) -> None:
        with pytest.raises((ArgumentError, SourceError), match=rf"^Arrays\(images\): .*{words}"):
            Arrays(images)


class TestValueRange:
    @pytest.mark.parametrize(
        ("low", "high", "hint"),
        [(0, 255, r"value_range=\(0, 255\)"), (-1, 1, r"value_range=\(-1, 1\)"), (-9, 1e6, r"Rescale the images")],
    )
    def test_values_outside_are_refused_with_a_hint(self, low: float, high: float, hint: str) -> None:
        images = np.linspace(low, high, 5 * 6 * 7, dtype=np.float32).reshape(5, 6, 7)
        with pytest.raises(
            ArgumentError, match=rf"value_range \(0, 1\)\. Received values from {low:g} to .*\. .*{hint}"
        ):
            Arrays(images)
        assert Arrays(images, value_range=(low, high)).value_range == (low, high)

    def test_nan(self) -> None:
        images = np.zeros((5, 6, 7), np.float32)
        images[3, 2:, 4] = np.nan
        with pytest.raises(
            ArgumentError, match=r"must be finite\. Received NaN or infinity in image 3\. Fill .*nan=-9\)"
        ):
            Arrays(images, value_range=(-9, 9))

    def test_64_are_read_the_first_and_the_last_among_them(self) -> None:
        images = np.zeros((640, 2, 5), np.float32)
        images[1] = 200  # between two of them
        Arrays(images)
        images[-1] = 200
        with pytest.raises(ArgumentError, match=r"value_range=\(0, 255\)"):
            Arrays(images)

    @pytest.mark.parametrize(("dtype", "given"), [("uint8", (0, 1)), ("float32", (1, 0))])
    def test_ranges_that_make_no_sense(self, dtype: str, given: tuple[int, int]) -> None:
        with pytest.raises(ArgumentError, match=rf"Received value_range=\({given[0]}, {given[1]}\)"):
            Arrays(np.zeros((5, 6, 7), dtype), value_range=given)


def test_targets() -> None:
    source = Arrays(np.zeros((3, 6, 7), np.uint8), ["b", "a", "b"], masks=np.arange(3 * 42).reshape(3, 6, 7))
    assert source.class_names == ("a", "b")
    assert source.targets.take([2])["masks"][0][0, 0] == 84
    with pytest.raises(ArgumentError, match="Received 2 labels for 3 images"):
        Arrays(np.zeros((3, 6, 7), np.uint8), [0, 1])


def test_no_config() -> None:
    with pytest.raises(
        SpecError, match=r"^Arrays\(3 images.*configuration file\. Received .*from_yaml\(\.\.\., source=\.\.\.\)"
    ):
        Arrays(np.zeros((3, 6, 7), np.uint8)).config()


def test_what_holds_arrays_is_made_a_list_of_them() -> None:
    ragged = np.empty(2, object)
    ragged[:] = [np.zeros((3, 4, 3)), np.zeros((4, 4, 3))]
    for images, received in ((ragged, r"an array of objects, \(2,\)"), (iter([]), "list_iterator"), (None, "NoneType")):
        with pytest.raises(ArgumentError, match=rf"Received {received}\. Pass a list of arrays"):
            Arrays(images)

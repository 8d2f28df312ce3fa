"""Polygons and run lengths, against pictures made by other means."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from augline.sources.polygons import clipped, joined, moved, outline, paint, tight_boxes
from augline.sources.rle import runs

STAR = np.float32([[3.2, 1.1], [14.7, 9.4], [22.3, 2.6], [17.9, 13.1], [27.6, 17.3], [9.5, 14.2], [1.4, 18.7]])


def coverage(points, height: int, width: int, fine: int = 16):
    """The share of each pixel that a polygon covers, by Pillow on a grid `fine` times as fine."""
    canvas = Image.new("L", (width * fine, height * fine))
    ImageDraw.Draw(canvas).polygon([(x * fine - 0.5, y * fine - 0.5) for x, y in points], fill=1)
    return np.asarray(canvas).reshape(height, fine, width, fine).mean(axis=(1, 3))


def by_rays(points, height: int, width: int):
    """Pixel centres in a polygon, one by one: an odd number of edges lies to the right."""
    inside = np.zeros((height, width), bool)
    for row in range(height):
        for column in range(width):
            x, y, odd = column + 0.5, row + 0.5, False
            for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True):
                if (ay > y) != (by > y) and x < ax + (y - ay) * (bx - ax) / (by - ay):
                    odd = not odd
            inside[row, column] = odd
    return inside


def painted(polygon, height: int, width: int, value: int = 1):
    canvas = np.zeros((height, width), np.uint8)
    paint(canvas, polygon, value)
    return canvas


class TestPaint:
    def test_pixels_whose_centres_lie_inside(self) -> None:
        mask = painted(STAR, 20, 31) == 1
        np.testing.assert_array_equal(mask, by_rays(STAR.astype(float).tolist(), 20, 31))
        share = coverage(STAR.tolist(), 20, 31)
        assert mask[share > 0.95].all()
        assert not mask[share < 0.05].any()
        assert abs(mask.sum() - share.sum()) < 4

    @pytest.mark.parametrize("seed", range(8))
    def test_anything_partly_outside_and_crossing_itself(self, seed: int) -> None:
        points = np.random.default_rng(seed).uniform(-9, 30, (7, 2))
        np.testing.assert_array_equal(painted(points, 17, 23) == 1, by_rays(points.tolist(), 17, 23))

    def test_edges_through_centres_belong_to_one_side(self) -> None:
        halves = [[[0.5, 0.5], [3.5, 0.5], [3.5, 2.5], [0.5, 2.5]], [[3.5, 0.5], [6.5, 0.5], [6.5, 2.5], [3.5, 2.5]]]
        masks = [painted(np.float32(half), 4, 8) for half in halves]
        assert [mask.sum() for mask in masks] == [6, 6]
        assert masks[0][:2, :3].all()  # left and top edges take them
        assert (masks[0] + masks[1]).max() == 1

    def test_parts_are_united(self) -> None:
        parts = [[[1, 1], [4, 1], [4, 3], [1, 3]], [[3, 2], [6, 2], [6, 4], [3, 4]]]
        expected = np.zeros((5, 7), np.uint8)
        expected[1:3, 1:4] = expected[2:4, 3:6] = 9
        np.testing.assert_array_equal(painted(joined(parts), 5, 7, 9), expected)

    def test_outside_nothing_happens(self) -> None:
        assert not painted(STAR + 50, 20, 31).any()
        assert not painted(STAR - 50, 20, 31).any()


class TestTightBoxes:
    def test_around_all_parts(self) -> None:
        polygons = [STAR, joined([STAR[:3], STAR[3:] + 7]), STAR[:3]]
        expected = [[1.4, 1.1, 27.6, 18.7], [3.2, 1.1, 34.6, 25.7], [3.2, 1.1, 22.3, 9.4]]
        np.testing.assert_allclose(tight_boxes(polygons), expected, rtol=1e-6)
        assert tight_boxes([]).shape == (0, 4)

    @pytest.mark.parametrize("seed", range(60))
    def test_of_what_lies_in_the_image(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        points = rng.uniform(-25, 55, (rng.integers(3, 7), 2))
        height, width = 20, 31
        y, x = np.nonzero(by_rays((points * 4).tolist(), height * 4, width * 4))  # what is inside, roughly
        along = np.linspace(points, np.roll(points, -1, axis=0), 20001).reshape(-1, 2)  # and its edges, finely
        along = along[((along >= 0) & (along <= [width, height])).all(axis=1)]
        inner = np.concatenate([along, np.stack([x + 0.5, y + 0.5], axis=1) / 4])
        box = tight_boxes([points], (height, width))[0]
        if not len(inner):
            assert not box.any()
            return
        assert (box[:2] <= inner.min(axis=0)).all()
        assert (box[2:] >= inner.max(axis=0)).all()
        np.testing.assert_allclose(box, [*inner.min(axis=0), *inner.max(axis=0)], atol=0.13)  # half of a fine pixel

    def test_parts_are_cut_off_each_for_itself(self) -> None:
        """The way between two parts is no part: neither corner of the image lies in them."""
        far = [[[2, 3], [5, 3], [5, 6]], [[40, 30], [60, 30], [60, 50]]]
        np.testing.assert_array_equal(tight_boxes([joined(far)], (20, 31)), [[2, 3, 5, 6]])

    def test_an_image_within_a_polygon(self) -> None:
        big = np.float32([[-9, -7], [80, -8], [90, 70], [-5, 60]])
        np.testing.assert_array_equal(tight_boxes([big, big + 500], (20, 31)), [[0, 0, 31, 20], [0, 0, 0, 0]])

    def test_upright_edges_on_the_border(self) -> None:
        box = np.float32([[0, -3], [8, -3], [8, 5], [0, 5]])
        np.testing.assert_array_equal(tight_boxes([box], (20, 31)), [[0, 0, 8, 5]])

    def test_moved_hands_out_points_without_gaps(self) -> None:
        polygons = [joined([STAR[:3], STAR[3:]]), STAR]

        def turned(points):
            assert np.isfinite(points).all()
            return points[:, ::-1] * [1, -1]

        result = moved(polygons, turned)
        assert [len(polygon) for polygon in result] == [8, 7]
        assert np.isnan(result[0][3]).all()
        np.testing.assert_array_equal(result[1], np.stack([STAR[:, 1], -STAR[:, 0]], axis=1))
        assert moved([], turned) == []


class TestClipped:
    @pytest.mark.parametrize("seed", range(20))
    def test_the_same_pixels_and_nothing_outside(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        given = [rng.uniform(-20, 45, (corners, 2)) for corners in (3, 6, 9)]
        given.append(joined([given[0], given[1][:4]]).astype(np.float64))
        for polygon, left in zip(given, clipped(given, np.array([31, 20])), strict=True):
            if np.isnan(left).all():
                assert not painted(polygon, 20, 31).any()
                continue
            np.testing.assert_array_equal(painted(left, 20, 31), painted(polygon, 20, 31))
            assert np.nanmin(left, initial=0) >= -1e-9
            assert (np.nanmax(left, axis=0, initial=0) <= np.array([31, 20]) + 1e-9).all()

    def test_parts_that_are_gone_leave_no_gap(self) -> None:
        inside, outside = np.array([[2.0, 3], [5, 3], [5, 6]]), np.array([[40.0, 30], [60, 30], [60, 50]])
        parts = [joined([inside, outside, inside + 1]).astype(np.float64), outside, inside]
        both, gone, same = clipped(parts, np.array([31, 20]))
        np.testing.assert_array_equal(both, joined([inside, inside + 1]))
        assert np.isnan(gone).all()
        assert gone.shape == (1, 2)
        assert same is inside


class TestOutline:
    def test_its_boxes_are_tight_however_it_is_turned(self) -> None:
        mask = painted(STAR, 20, 31) == 1
        hull = outline(mask)
        y, x = np.nonzero(mask)
        corners = np.concatenate([np.stack([x + dx, y + dy], axis=1) for dx in (0, 1) for dy in (0, 1)])
        assert len(hull) < 20
        for angle in np.linspace(0, 6, 13):
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            box = tight_boxes([hull @ turn])[0]
            np.testing.assert_allclose(box[:2], (corners @ turn).min(axis=0), atol=1e-4)
            np.testing.assert_allclose(box[2:], (corners @ turn).max(axis=0), atol=1e-4)

    def test_of_one_pixel(self) -> None:
        mask = np.zeros((4, 6), bool)
        mask[2, 5] = True
        np.testing.assert_array_equal(tight_boxes([outline(mask)]), [[5, 2, 6, 3]])


def compressed(lengths: list[int]) -> str:
    """After `rleToString` in pycocotools' maskApi.c, line by line."""
    text = ""
    for i in range(len(lengths)):
        x = lengths[i] - (lengths[i - 2] if i > 2 else 0)
        more = True
        while more:
            c = x & 0x1F
            x >>= 5
            more = x != -1 if c & 0x10 else x != 0
            text += chr((c | 0x20 if more else c) + 48)
    return text


class TestRuns:
    def test_by_hand(self) -> None:
        """Down the columns: 2 off, 3 on, 4 off, 1 on, 2 off."""
        expected = [[0, 1, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0]]
        expected[0][3] = 1
        for counts in ([2, 3, 4, 1, 2], "234N2"):  # 4; 1 - 3 = -2 is 11110b; 2 - 4 = -2
            counts = "234NN" if isinstance(counts, str) else counts
            np.testing.assert_array_equal(runs({"size": [3, 4], "counts": counts}, (3, 4)).mask(), expected)

    @pytest.mark.parametrize("seed", range(6))
    def test_there_and_back(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        height, width = rng.integers(20, 200, 2).tolist()
        mask = rng.random((height, width)) < 0.5
        mask[: height // 2] = rng.random() < 0.5  # long runs too
        flat = mask.T.ravel()
        edges = np.flatnonzero(np.diff(flat)) + 1
        lengths = np.diff([0, *edges.tolist(), flat.size]).tolist()
        lengths = [0, *lengths] if flat[0] else lengths
        for counts in (lengths, compressed(lengths)):
            np.testing.assert_array_equal(
                runs({"size": [height, width], "counts": counts}, (height, width)).mask(), mask
            )

    @pytest.mark.parametrize(
        ("encoded", "words"),
        [
            ({"size": [4, 3], "counts": [12]}, r"size \[4, 3\] for an image of \[3, 4\]"),
            ({"size": [3, 4], "counts": [2, 3]}, "make 5 pixels for an image of 12"),
            ({"size": [3, 4], "counts": [13, -1]}, "neither whole numbers"),
            ({"size": [3, 4], "counts": [True, 11]}, "neither whole numbers"),
            ({"size": [3, 4], "counts": "2h"}, "no run-length string"),
            ({"size": [3, 4], "counts": "2 3"}, "no run-length string"),
            ({"size": [3, 4], "counts": ""}, "no run-length string"),
            ({"size": [3, 4], "counts": "oooooooooooo1"}, "no run-length string"),
            ({"size": [3, 4], "counts": "2N<"}, "pixels for an image of 12"),
            ({"size": [3, 4], "counts": "2é"}, "no run-length string"),
            ({}, "size None"),
        ],
    )
    def test_wrong_ones(self, encoded, words: str) -> None:
        with pytest.raises(ValueError, match=words):
            runs(encoded, (3, 4))

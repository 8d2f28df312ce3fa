"""The frame around the picture and holes in it, against slices, `np.pad` and arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import augline as al
from pictures import noisy, smooth

PADS = {"constant": "constant", "nearest": "edge", "reflect": "symmetric", "mirror": "reflect", "wrap": "wrap"}


def ours(photo: NDArray[Any], engine: str, *transforms: al.Transform, **more: Any) -> NDArray[Any]:
    return np.asarray(al.augment(photo[None], transforms, engine=engine, **more)[0])


def padded(picture: NDArray[Any], height: int, width: int, mode: str) -> NDArray[Any]:
    (top, left), down, across = ((height - 41) // 2, (width - 67) // 2), height - 41, width - 67
    options: Any = {"constant_values": 9} if mode == "constant" else {}
    return np.pad(picture, ((top, down - top), (left, across - left), (0, 0)), PADS[mode], **options)


@pytest.mark.parametrize("mode", PADS)
def test_padding_is_np_pad(engine: str, mode: Any) -> None:
    picture, fill = noisy(41, 67), {"fill_mode": mode, "fill_value": 9.0 if mode == "constant" else 0.0}
    for height, width in ((60, 90), (41, 68), (52, 40)):
        got = ours(picture, engine, al.Padding(height, width, **fill))
        assert np.array_equal(got, padded(picture, max(height, 41), max(width, 67), mode))
    assert np.array_equal(ours(picture, engine, al.PadToMultiple(32, **fill)), padded(picture, 64, 96, mode))
    assert ours(noisy(64, 96), engine, al.PadToMultiple(32)).shape == (64, 96, 3)


@pytest.mark.parametrize(
    ("size", "box", "inner"),
    [((40, 60), (30, 30), (20, 30)), ((60, 40), (30, 50), (30, 20)), ((20, 30), (60, 60), (40, 60))],
)
def test_letterbox_keeps_proportions_in_the_middle(
    engine: str, size: tuple[int, int], box: tuple[int, int], inner: tuple[int, int]
) -> None:
    picture = smooth(*size)
    got = ours(picture, engine, al.LetterBox(*box))
    top, left = (box[0] - inner[0]) // 2, (box[1] - inner[1]) // 2
    wanted = np.full((*box, 3), 114, np.uint8)
    wanted[top : top + inner[0], left : left + inner[1]] = ours(picture, engine, al.Resizing(*inner))
    off = np.abs(got.astype(int) - wanted)
    for place, length, axis in ((top, inner[0], 0), (left, inner[1], 1)):  # the edge of the picture is soft
        for edge in (place, place + length):
            np.moveaxis(off, axis, 0)[max(edge - 1, 0) : edge + 1] = 0
    assert off.max() <= (0 if engine == "reference" else 4)


@pytest.mark.parametrize(
    ("item", "size", "wanted"),
    [
        (al.ResizeShortestEdge(30), (60, 90), (30, 45)),
        (al.ResizeShortestEdge(30), (91, 60), (46, 30)),  # 45.5, halves to the even number
        (al.ResizeShortestEdge(30, max_size=40), (60, 90), (27, 40)),
        (al.ResizeShortestEdge(50), (20, 30), (50, 75)),
        (al.ResizeLongestEdge(30), (60, 90), (20, 30)),
        (al.ResizeLongestEdge(33), (61, 40), (33, 22)),
    ],
)
def test_edges_get_their_length(
    engine: str, item: al.Transform, size: tuple[int, int], wanted: tuple[int, int]
) -> None:
    picture = smooth(*size)
    got = ours(picture, engine, item)
    assert got.shape[:2] == wanted
    assert np.array_equal(got, ours(picture, engine, al.Resizing(*wanted)))


def test_zooming_out_puts_the_picture_anywhere(engine: str) -> None:
    picture, count = noisy(12, 20) // 2 + 100, 80
    item = al.RandomZoomOut((1.5, 2.5), fill_value=7)
    places = []
    for canvas in al.augment(np.repeat(picture[None], count, axis=0), [item], engine=engine, seed=4):
        ratio = np.asarray(canvas.shape[:2]) / picture.shape[:2]
        assert (ratio > 1.3).all()
        assert (ratio <= 2.5).all()
        y, x = np.nonzero((canvas != 7).any(axis=2))
        assert np.array_equal(canvas[y.min() : y.min() + 12, x.min() : x.min() + 20], picture)
        assert len(y) == 12 * 20
        places.append((y.min() / (canvas.shape[0] - 12), x.min() / (canvas.shape[1] - 20)))
    assert np.abs(np.mean(places, axis=0) - 0.5).max() < 0.12
    assert np.min(places) < 0.1
    assert np.max(places) > 0.85


@pytest.mark.parametrize("scale", [0.5, 1.0])
def test_scale_jitter_fills_up_below_and_on_the_right(engine: str, scale: float) -> None:
    picture = smooth(40, 60)
    got = ours(picture, engine, al.ScaleJitter(36, 48, (scale, scale), fill_value=3)).astype(int)
    tall, wide = round(40 * 0.8 * scale), round(60 * 0.8 * scale)  # 48 / 60 fits the whole picture
    wanted = np.full((36, 48, 3), 3)
    wanted[:tall, :wide] = ours(picture, engine, al.Resizing(tall, wide))
    off = np.abs(got - wanted)
    off[tall - 1], off[:, wide - 1], off[0], off[:, 0] = 0, 0, 0, 0
    assert off.max() <= (1 if engine == "reference" else 5)


@pytest.mark.parametrize("engine", ["reference"])
def test_scale_jitter_cuts_any_window_of_what_is_too_large(engine: str) -> None:
    picture, count = smooth(30, 40), 30
    large = ours(picture, engine, al.Resizing(60, 80)).astype(int)
    out = al.augment(np.repeat(picture[None], count, axis=0), [al.ScaleJitter(30, 40, (2, 2))], engine=engine, seed=1)
    places = set()
    for image in out:
        off = {
            (y, x): np.abs(large[y : y + 30, x : x + 40] - image)[1:-1, 1:-1].max()
            for y in range(31)
            for x in range(41)
        }
        places.add(min(off, key=lambda place: off[place]))
        assert min(off.values()) <= 1
    assert len(places) > count // 2


def test_d4_are_the_eight_symmetries(engine: str) -> None:
    square, count = noisy(9, 9), 400
    poses = [np.rot90(image, k) for image in (square, square[:, ::-1]) for k in range(4)]
    out = al.augment(np.repeat(square[None], count, axis=0), [al.D4()], engine=engine, seed=2)
    found = [next(k for k, pose in enumerate(poses) if np.array_equal(image, pose)) for image in out]
    assert np.abs(np.bincount(found, minlength=8) - count / 8).max() < 4 * np.sqrt(count / 8)


# holes


def holes(item: al.Transform, engine: str, count: int = 60, size: tuple[int, int] = (50, 80)) -> NDArray[np.bool_]:
    """Which pixels are painted over, `(count, height, width)`; masks are painted at the same places."""
    images = np.full((count, *size, 3), 200, np.uint8)
    out = al.augment(images, [item], masks=np.ones((count, *size), np.uint8), engine=engine, seed=3)
    changed = (out["images"] != 200).any(axis=3)
    assert np.array_equal(out["masks"] == 5, changed)
    return np.asarray(changed)


def box_of(painted: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    y, x = np.nonzero(painted)
    return y.min(), x.min(), y.max() + 1, x.max() + 1


def test_erasing_is_one_rectangle_of_drawn_area_and_shape(engine: str) -> None:
    item = al.RandomErasing((0.7, 0.7), (0.05, 0.2), 0.0, (0.5, 2.0), mask_fill_value=5)
    painted = holes(item, engine, 200)
    some = painted[painted.any(axis=(1, 2))]
    assert 0.6 < len(some) / 200 < 0.8
    shares, ratios = [], []
    for image in some:
        top, left, bottom, right = box_of(image)
        assert image[top:bottom, left:right].all()
        shares.append(image.mean())
        ratios.append((right - left) / (bottom - top))
    assert 0.045 < min(shares) < 0.07
    assert 0.17 < max(shares) < 0.21
    assert 0.45 < min(ratios) < 0.65
    assert 1.6 < max(ratios) < 2.2
    assert abs(np.mean(np.log(ratios))) < 0.12  # tall as often as wide
    assert some.any(axis=0).mean() > 0.95  # anywhere


def test_erasing_with_noise_is_about_the_middle_of_the_range(engine: str) -> None:
    images = np.zeros((4, 60, 80, 3), np.float32)
    out = al.augment(images, [al.RandomErasing((1, 1), (0.3, 0.3))], engine=engine)
    values = out[out != 0]
    assert values.mean() == pytest.approx(0.5, abs=0.03)
    assert values.std() > 0.2


def test_coarse_dropout_paints_as_many_holes_of_that_size(engine: str) -> None:
    item = al.CoarseDropout(1, (0.1, 0.1), (0.2, 0.2), mask_fill_value=5)
    for image in holes(item, engine):
        top, left, bottom, right = box_of(image)
        assert image.sum() == 5 * 16
        assert (bottom - top, right - left) == (5, 16)
    several = (
        holes(al.CoarseDropout((2, 4), (0.1, 0.1), (0.1, 0.1), mask_fill_value=5), engine, 200).sum(axis=(1, 2)) / 40
    )
    assert several.max() <= 4
    assert several.max() == 4
    assert 2.6 < several.mean() < 3.0  # 3 on average, some over one another


def test_grid_mask_reaches_the_end_of_a_long_image(engine: str) -> None:
    white = [np.full((30, 400, 1), 255, np.uint8), np.full((400, 30, 1), 255, np.uint8)]
    for images in (white, np.stack([white[0]] * 2)):
        for image in al.augment(images, [al.GridMask((7, 7), 0.5)], engine=engine):
            across = image[..., 0].max(axis=int(image.shape[0] > 30))  # cells of 4 pixels, 2 of them painted
            assert (image[..., 0].min(axis=int(image.shape[0] > 30)).reshape(-1, 4) == 0).any(axis=1).all()
            assert (across == 255).all()


def test_grid_mask_is_a_grid_of_squares(engine: str) -> None:
    painted = holes(al.GridMask((5, 5), 0.6, mask_fill_value=5), engine)
    offsets = set()
    for image in painted:
        assert np.array_equal(image[:-10], image[10:])  # cells of 50 / 5 pixels
        assert np.array_equal(image[:, :-10], image[:, 10:])
        assert image[:10, :10].sum() == 36
        rows, columns = image[:10, :10].any(axis=1), image[:10, :10].any(axis=0)
        assert np.array_equal(image[:10, :10], rows[:, None] & columns)
        offsets.add((int(rows.argmin()), int(columns.argmin())))
    assert len(offsets) > 10

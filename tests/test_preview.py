from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import augline as al
from augline.caption import caption
from augline.explanation import draws
from augline.picture import COLOURS, Picture, load_font
from augline.sheet import GAP, MARGIN, SIDE, shortened, wrapped

RED, BLUE = (200, 30, 20), (20, 40, 210)


def halves(count=3, height=40, width=60, dtype="uint8", channels=3):
    """Left half red, right half blue; further channels at full."""
    full = {"uint8": 1, "uint16": 257, "float32": 1 / 255}[dtype]
    image = np.full((height, width, channels), 255, np.float64)
    colours = [np.resize(colour, channels) if channels < 3 else colour for colour in (RED, BLUE)]
    image[:, : width // 2, :3], image[:, width // 2 :, :3] = colours
    return np.repeat((image * full).astype(dtype)[None], count, axis=0)


def sheet(tmp_path, pipe, name="sheet.png", **arguments):
    with Image.open(pipe.preview(tmp_path / name, **arguments)) as file:
        return np.asarray(file.convert("RGB")).astype(int)


def near(pixels, colour, tolerance=3):
    return (np.abs(pixels - np.asarray(colour)) <= tolerance).all(axis=-1)


def first_pair(picture):
    """(original, augmented) squares of the first card, found by the card's own layout."""
    rows = np.flatnonzero(near(picture, RED).any(axis=1))
    columns = np.flatnonzero(near(picture, RED).any(axis=0) | near(picture, BLUE).any(axis=0))
    top, left = rows[0], columns[0]
    bottom = top + np.flatnonzero(np.diff(rows) > 1)[0] if (np.diff(rows) > 1).any() else rows[-1]
    return [picture[top : bottom + 1, x : x + SIDE] for x in (left, left + SIDE + GAP)]


def test_original_and_augmented_stand_side_by_side(tmp_path):
    pipe = al.Pipeline(al.Arrays(halves()), [al.RandomFlip("horizontal", p=1)], seed=7)
    before, after = first_pair(sheet(tmp_path, pipe, samples=1))
    assert near(before[5:-5, : SIDE // 2 - 4], RED).all()
    assert near(before[5:-5, SIDE // 2 + 4 :], BLUE).all()
    np.testing.assert_array_equal(after[5:-5], before[5:-5, ::-1])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("ending", [[], [al.Rescaling(1 / 127.5, offset=-1)], [al.Normalize(0.4, 0.2)]])
def test_values_of_every_kind_are_shown_as_the_picture_they_mean(tmp_path, dtype, ending):
    pipe = al.Pipeline(al.Arrays(halves(dtype=dtype)), ending)
    for side in first_pair(sheet(tmp_path, pipe, samples=1)):
        assert near(side[5:-5, 4 : SIDE // 2 - 4], RED).all()


@pytest.mark.parametrize("channels", [1, 2, 4, 5])
def test_images_of_any_number_of_channels_can_be_shown(tmp_path, channels):
    picture = sheet(tmp_path, al.Pipeline(al.Arrays(halves(channels=channels)), [al.RandomFlip()]), samples=1)
    expected = RED if channels > 2 else (RED[0],) * 3
    assert near(picture, expected).sum() > 1000


def test_masks_boxes_and_points_are_drawn_on_both(tmp_path):
    images = np.full((1, 40, 60, 3), 255, np.uint8)
    masks = np.zeros((1, 40, 60), np.uint8)
    masks[:, 20:, :30] = 1
    source = al.Arrays(
        images, masks=masks, boxes=[[[6, 4, 24, 16]]], box_labels=[["bird"]], keypoints=[[[45, 8, 1], [45, 30, 0]]]
    )
    picture = sheet(tmp_path, al.Pipeline(source, [al.RandomFlip("horizontal", p=1)]), samples=1)
    covered = near(picture, [round((255 + value) / 2) for value in COLOURS[0]])
    box = near(picture, COLOURS[sum(b"bird") % len(COLOURS)])
    point = near(picture, COLOURS[0], 1)
    hidden = near(picture, COLOURS[1], 1)
    # one card: the original begins at the card's padding, the augmented one a side and a gap further right
    left = MARGIN + 14
    for x, flipped in ((left, False), (left + SIDE + GAP, True)):
        half = [x + SIDE // 2, x + SIDE] if flipped else [x, x + SIDE // 2]
        other = [x, x + SIDE // 2] if flipped else [x + SIDE // 2, x + SIDE]
        assert covered[:, slice(*half)].sum() > 5000
        assert covered[:, slice(*other)].sum() == 0
        assert box[:, slice(*half)].sum() > 200
        assert point[:, slice(*other)].sum() > 10
        assert hidden[:, slice(x, x + SIDE)].sum() == 0


def test_a_box_lies_where_it_should():
    picture = Picture(np.full((40, 60, 3), 255, np.uint8), boxes=np.asarray([[6.0, 4.0, 24.0, 16.0]]), names=[""])
    drawn = near(np.asarray(picture.fitted(600, load_font(13))).astype(int), COLOURS[0])
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (40, 159, 60, 239)


def test_small_images_keep_their_pixels_as_squares():
    image = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    fitted = np.asarray(Picture(image).fitted(80, load_font(13)))
    np.testing.assert_array_equal(fitted[5::10, 5::10], image)


def captions(transforms, count=8, **settings):
    pipe = al.Pipeline(al.Arrays(halves(count)), transforms, **settings)
    expansion, _ = pipe.program.plan(0, np.arange(count), np.asarray([[40, 60]] * count))
    lines = [caption(draws(expansion.drawn, index), expansion.stages, index) for index in range(count)]
    return [line.replace("\u00a0", " ") for line in lines]


@pytest.mark.parametrize(
    ("transforms", "expected"),
    [
        ([], "as it is"),
        ([al.RandomFlip("horizontal", p=1)], "Flip left-right"),
        ([al.RandomFlip(p=1)], "Flip left-right up-down"),
        ([al.RandomFlip(p=0)], "as it is"),
        ([al.RandomRotation((0.1, 0.1))], "Rotation +36.0°"),
        ([al.RandomZoom((0.25, 0.25))], "Zoom 1.25"),
        ([al.RandomZoom((0.25, 0.25), (-0.5, -0.5))], "Zoom y 1.25 x 0.50"),
        ([al.RandomTranslation((0.1, 0.1), (-0.2, -0.2))], "Translation y +0.10 x -0.20"),
        ([al.RandomBrightness((-0.1, -0.1)), al.RandomContrast((0, 0))], "Brightness -0.10, Contrast 1.00"),
        ([al.RandomRotation(0.1, p=0), al.RandomPosterization(3)], "Posterization 3 bits"),
        ([al.OneOf([al.RandomInvert((1, 1))])], "Invert"),
        ([al.RandomInvert((0, 0))], "as it is"),
    ],
)
def test_captions_name_what_is_active(transforms, expected):
    assert captions(transforms) == [expected] * 8


def test_a_crop_says_what_it_reads():
    (one,) = captions([al.RandomResizedCrop(20, 20, scale=(0.5, 0.5), ratio=(1, 1))], 1)
    assert one == "ResizedCrop 35 x 35"


def test_each_crop_says_what_itself_reads():
    several = captions([al.RandomResizedCrop(20, 20)], 8)
    assert len({*several}) > 4


def test_lines_fit_and_long_names_lose_their_middle():
    font = load_font(13)
    lines = wrapped("Rotation +12.3°, Zoom 1.13, Translation y +0.10", font, 120)
    assert len(lines) > 1
    assert all(font.getlength(line) <= 120 for line in lines)
    name = shortened("a_very_long_file_name_of_a_photograph.jpg", font, 120)
    assert name.startswith("a_v")
    assert name.endswith(".jpg")
    assert font.getlength(name) <= 120


def test_rows_and_columns(tmp_path):
    pipe = al.Pipeline(al.Arrays(halves(5)), [])
    one, two = (sheet(tmp_path, pipe, samples=4, columns=columns).shape for columns in (4, 2))
    assert one[1] > two[1]
    assert one[0] < two[0]
    assert sheet(tmp_path, pipe, samples=100, columns=2).shape[0] > two[0]  # as many as there are


def test_another_epoch_is_another_sheet(tmp_path):
    pipe = al.Pipeline(al.Arrays(halves()), [al.RandomRotation(0.2)], shuffle=False)
    assert (sheet(tmp_path, pipe, epoch=0) != sheet(tmp_path, pipe, epoch=1)).any()
    np.testing.assert_array_equal(sheet(tmp_path, pipe, epoch=1), sheet(tmp_path, pipe, epoch=1))


@pytest.mark.parametrize(("name", "kind"), [("a.png", "PNG"), ("a.JPG", "JPEG"), ("a.webp", "WEBP")])
def test_the_ending_says_the_format(tmp_path, name, kind):
    path = al.Pipeline(al.Arrays(halves()), []).preview(str(tmp_path / name))
    assert path == tmp_path / name
    with Image.open(path) as file:
        assert file.format == kind


@pytest.mark.parametrize(
    ("path", "arguments", "message"),
    [
        ("a.gif", {}, r"must end in .png.*Received '.gif'"),
        ("a", {}, "Received no ending"),
        ("none/a.png", {}, "Make the folder first"),
        ("a.png", {"samples": 0}, "samples must be at least 1"),
        ("a.png", {"columns": 0}, "columns must be at least 1"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path, path, arguments, message):
    with pytest.raises(al.ArgumentError, match=message):
        al.Pipeline(al.Arrays(halves()), []).preview(tmp_path / path, **arguments)
    assert not [*tmp_path.iterdir()]


def test_a_damaged_file_stops_it_or_shows_as_an_empty_place(tmp_path):
    Image.fromarray(halves(1)[0]).save(tmp_path / "a.png")
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    source = al.Folder(tmp_path, label_mode=None)
    with pytest.raises(al.DecodeError, match=r"b\.jpg"):
        al.Pipeline(source, [], size=(20, 20)).preview(tmp_path / "sheet.png")
    assert (
        near(sheet(tmp_path, al.Pipeline(source, [], size=(20, 20), on_error="skip")), (225, 225, 225)).sum() > 10_000
    )

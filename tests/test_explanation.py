from __future__ import annotations

import cv2
import numpy as np
import pytest

import augline as al

TRANSFORMS = [
    al.RandomFlip("horizontal"),
    al.RandomRotation(0.05),
    al.OneOf([al.RandomZoom(0.2), al.Sequential([al.RandomTranslation(0.1, 0.1)])]),
    al.RandomBrightness(0.2),
    al.RandomContrast(0.2, p=0.5),
    al.Rescaling(1 / 255),
]


def pipeline(transforms=TRANSFORMS, count=12, **settings):
    images = np.random.default_rng(0).integers(0, 255, (count, 40, 60, 3), dtype=np.uint8)
    source = al.Arrays(images, labels=[("cat", "dog")[k % 2] for k in range(count)])
    return al.Pipeline(source, transforms, **{"size": (24, 32), "batch_size": 4, "seed": 7} | settings)


def test_the_numbers_are_those_that_the_batch_is_made_with():
    pipe = pipeline()
    for index in range(4):
        explanation = pipe.explain(2, index)
        expansion, plan = pipe.program.plan(2, np.arange(4), np.asarray([[40, 60]] * 4))
        turns = next(row.params["turns"] for row in expansion.drawn if row.path == "RandomRotation")
        row = next(row for row in explanation.drawn if row.path == "RandomRotation")
        assert row.params == {"turns": turns[index]}
        np.testing.assert_array_equal(explanation.after[0].details["matrix"], plan.stages[0].matrix[index])


def test_behind_a_mixing_crops_see_the_boxes_of_partners():
    images = np.random.default_rng(0).integers(0, 255, (4, 40, 60, 3), dtype=np.uint8)
    boxes = [[[4 + 9 * k, 3, 12 + 9 * k, 9 + 7 * k]] for k in range(4)]
    work = [al.RandomFlip(), al.Mosaic(), al.BBoxSafeRandomCrop(), al.Resizing(24, 32)]
    pipe = al.Pipeline(al.Arrays(images, boxes=boxes), work, batch_size=4, shuffle=False)
    plan = pipe.batches.prepare(1, np.arange(4)).layers[0].plan
    for index in range(4):
        explanation = pipe.explain(1, index)
        assert [stage.kind for stage in explanation.after] == ["Warp", "Mix", "Warp", "Output"]
        assert [row.path for row in explanation.drawn] == ["RandomFlip", "Mosaic", "BBoxSafeRandomCrop", "Resizing"]
        assert explanation.drawn[3].declared == "Resizing(height=24, width=32)"
        np.testing.assert_array_equal(explanation.after[2].details["matrix"], plan.stages[0].matrix[index])


def test_another_epoch_has_other_numbers():
    first, second = (pipeline().explain(epoch, 0).drawn[2].params["turns"] for epoch in (0, 1))
    assert first != second


def test_every_transform_is_listed_and_one_branch_is_off():
    rows = pipeline().explain(0, 3).drawn
    assert [row.path for row in rows] == [
        "Resizing", "RandomFlip", "RandomRotation", "OneOf", "OneOf/RandomZoom", "OneOf/Sequential",
        "OneOf/Sequential/RandomTranslation", "RandomBrightness", "RandomContrast", "Rescaling",
    ]  # fmt: skip
    active = {row.path: row.active for row in rows}
    assert active["OneOf/RandomZoom"] != active["OneOf/Sequential"]
    assert active["OneOf/Sequential"] == active["OneOf/Sequential/RandomTranslation"]


def test_stages_before_and_after_fusion():
    explanation = pipeline().explain(0, 0)
    assert [stage.kind for stage in explanation.before] == ["Warp"] * 5 + ["Tone"] * 2 + ["Rescale"]
    assert [stage.kind for stage in explanation.after] == ["Warp", "Tone", "Output"]
    warp, tone, output = explanation.after
    assert warp.origin == tuple(stage.origin[0] for stage in explanation.before[:5])
    assert (warp.details["output"], warp.details["fill"], warp.details["reach"]) == ((24, 32), "reflect", "anywhere")
    assert [curve["function"] for curve in tone.details["curves"]] == ["affine", "affine_about_mean"]
    assert output.details == {"scale": [1.0], "offset": [0.0], "dtype": "float32"}


def test_the_text_names_it_all_within_110_columns():
    text = str(pipeline().explain(0, 3))
    assert max(map(len, text.splitlines())) <= 110
    for part in (
        "Arrays(12 images", "24 x 32 out", "seed 7", "engine opencv", "fingerprint ", "Sample 3 in epoch 0: images[3]",
        "40 x 60 x 3 uint8", "label dog", "Drawn for this sample", "turns=", " off", "Stages as declared: 8",
        "Stages after fusion: 2", "Resizing + RandomFlip + RandomRotation + OneOf / RandomZoom",
        "output pixel -> input pixel", "fill reflect", "mean of the image", "Output", "float32 = 1 x (0 to 1) + 0",
    ):  # fmt: skip
        assert part in text, part


@pytest.mark.parametrize(
    ("transforms", "reason"),
    [
        ([al.RandomRotation(0.1), al.RandomZoom(0.1, fill_mode="constant", fill_value=51)],
         "outside of the image one sees reflect, the other constant (0.2)"),
        ([al.RandomRotation(0.1), al.RandomZoom(0.1, interpolation="nearest")],
         "one interpolates bilinear, the other nearest"),
        ([al.RandomRotation(0.1), al.RandomBrightness(0.1), al.RandomZoom(0.1)],
         "RandomBrightness stands between, and works on the pixels as the first leaves them"),
    ],
)  # fmt: skip
def test_it_says_why_resamplings_stayed_apart(transforms, reason):
    explanation = pipeline(transforms, size=None).explain(0, 0)
    assert len(explanation.breaks) == 1
    assert explanation.breaks[0].endswith(reason)
    assert reason.split()[-1] in str(explanation)


def test_what_the_jpeg_decoder_takes_over(tmp_path):
    (tmp_path / "a").mkdir()
    cv2.imwrite(str(tmp_path / "a" / "0.jpg"), np.full((400, 640, 3), 90, np.uint8))
    explanation = al.Pipeline(al.Folder(tmp_path), [], size=(50, 80), batch_size=1).explain()
    assert explanation.after[0].details["shrink"] == [8, 8]
    assert explanation.after[0].details["decoder"] == 8
    assert "blocks of 8 x 8 pixels are averaged first, of which the JPEG decoder does 8 x 8" in str(explanation)


def test_idle_stages_are_said_to_be_idle():
    explanation = pipeline([al.RandomGrayscale(0.0), al.RandomHue((0, 0)), al.RandomSaturation((0.2, 0.2))]).explain()
    grey, hsv = explanation.after[1:3]
    assert (grey.kind, grey.idle) == ("Colour", True)
    assert (hsv.kind, hsv.idle, hsv.details["saturation"]) == ("Hsv", True, [1.0, 0.0])
    assert str(explanation).count("leaves this sample as it is") >= 2


@pytest.mark.parametrize("index", [-1, 12])
def test_there_must_be_such_a_sample(index):
    with pytest.raises(al.ArgumentError, match=r"index must lie in 0 to 11"):
        pipeline().explain(0, index)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "0.jpg").write_bytes(b"no picture")
    with pytest.raises(al.DecodeError, match=r"0\.jpg"):
        al.Pipeline(al.Folder(tmp_path), [], size=(8, 8)).explain()

"""Functions of the user's as transforms."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import augline as al
from pictures import TOP, noisy, smooth

FORM = re.compile(r"^\w+\(.*\): .+\. Received .+\. .+\.$", re.DOTALL)


def seen_by(calls: list[Any]) -> Any:
    def look(image: Any, **draws: float) -> Any:
        calls.append((image.copy(), draws))
        return image

    return look


@al.register("test: mirrored")
def mirrored(image: Any, shift: float) -> Any:
    return np.roll(image[:, ::-1], round(shift), axis=0)


@al.register("test: mirrored points")
def mirrored_points(points: Any, size: tuple[int, int], shift: float) -> Any:
    return np.stack([size[1] - 1 - points[:, 0], (points[:, 1] + round(shift)) % size[0]], axis=1)


MIRRORED = al.Map("test: mirrored", draws={"shift": (0, 0)}, spatial=True, points="test: mirrored points")


@pytest.mark.parametrize("engine", ["opencv", "reference"])
@pytest.mark.parametrize("dtype", sorted(TOP))
def test_it_sees_the_values_that_hold_at_its_place(dtype: str, engine: str) -> None:
    image = noisy(9, 12, 3, dtype)
    calls: list[Any] = []
    look = al.Map(seen_by(calls))
    out = al.augment(image[None], [look, al.Rescaling(2 / TOP[dtype], -1), look, al.Normalize(0.5, 0.25), look],
                     engine=engine)  # fmt: skip
    (first, _), (second, _), (third, _) = calls
    assert first.dtype == image.dtype
    assert np.array_equal(first, image)
    assert second.dtype == third.dtype == out.dtype == np.float32
    assert np.abs(second - (image * (2 / TOP[dtype]) - 1)).max() < 1e-6
    assert np.abs(third - (second - 0.5) / 0.25).max() < 1e-5
    assert np.abs(out[0] - third).max() < 1e-5


@pytest.mark.parametrize("engine", ["opencv", "reference"])
def test_draws_depend_on_the_sample_alone_and_stay_in_range(engine: str) -> None:
    images = np.stack([noisy(5, 7, 1, seed=k) for k in range(40)])
    calls: list[Any] = []
    item = al.Map(seen_by(calls), draws={"a": (2, 3), "b": (-1.0, 1.0)}, name="mine")
    al.augment(images, [item], seed=5, engine=engine)
    all_draws = [draws for _, draws in calls]
    assert all(2 <= d["a"] < 3 and -1 <= d["b"] < 1 for d in all_draws)
    assert len({d["a"] for d in all_draws}) == 40
    assert abs(np.corrcoef([d["a"] for d in all_draws], [d["b"] for d in all_draws])[0, 1]) < 0.5
    calls.clear()
    al.augment(images[7:8], [al.RandomFlip(p=0), item], seed=5, ids=[7], engine=engine)
    assert calls[0][1] == all_draws[7]


@pytest.mark.parametrize("engine", ["opencv", "reference"])
def test_choices_apply_to_it(engine: str) -> None:
    images = np.stack([smooth(6, 8, 3, "uint8", k) for k in range(60)])
    dark = al.Map(np.zeros_like)
    black = (al.augment(images, [al.OneOf([dark, al.RandomFlip(p=0)])], engine=engine) == 0).all(axis=(1, 2, 3))
    assert 15 < black.sum() < 45
    black = (al.augment(images, [al.Map(np.zeros_like, p=0.2)], engine=engine) == 0).all(axis=(1, 2, 3))
    assert 3 < black.sum() < 25
    assert np.array_equal(al.augment(images, [al.Map(np.zeros_like, p=0)], engine=engine), images)


@pytest.mark.parametrize("engine", ["opencv", "reference"])
def test_what_leaves_the_range_is_clipped(engine: str) -> None:
    image = smooth(6, 8, 3, "float32")
    out = al.augment(image[None], [al.Map(lambda image: image * 4 - 1)], engine=engine)[0]
    assert np.abs(out - np.clip(image * 4 - 1, 0, 1)).max() < 1e-6
    image = smooth(6, 8, 3, "uint8")
    work = [al.Rescaling(1 / 255), al.Map(lambda image: image * 4 - 1)]
    out = al.augment(image[None], work, engine=engine)[0]
    assert np.abs(out - np.clip(image / 255 * 4 - 1, 0, 1)).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize("engine", ["opencv", "reference"])
def test_it_may_write_into_its_image(engine: str) -> None:
    image = smooth(6, 8)
    kept = image.copy()

    def painted(image: Any) -> Any:
        image[:3] = 0
        return image

    out = al.augment(image[None], [al.Map(painted), al.RandomInvert(p=0)], engine=engine)[0]
    assert np.array_equal(image, kept)
    assert np.array_equal(out, np.concatenate([0 * image[:3], image[3:]]))


@pytest.mark.parametrize("engine", ["opencv", "reference"])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "int64"])
def test_spatial_functions_take_targets_along(engine: str, dtype: str) -> None:
    image, mask = smooth(20, 30), (noisy(20, 30, 1) % 2).astype(dtype) * np.asarray(1, dtype)
    work = [MIRRORED, al.Resizing(40, 60), al.RandomInvert(1.0)]
    points = np.asarray([[4.0, 5, 1], [20, 11, 1]])
    boxes = np.asarray([[3.0, 2, 10, 8]])
    out = al.augment(image[None], work, masks=mask[None], keypoints=[points], boxes=[boxes], engine=engine)
    same = al.augment(image[None], [al.RandomFlip("horizontal", p=1), *work[1:]], masks=mask[None], keypoints=[points],
                      boxes=[boxes], engine=engine)  # fmt: skip
    assert out["masks"].dtype == np.dtype(dtype)
    assert np.array_equal(out["masks"], same["masks"])
    assert np.abs(out["images"].astype(int) - same["images"]).max() <= 2  # resized in two ways by cv2
    assert np.allclose(out["keypoints"][0], same["keypoints"][0], atol=1e-4)
    assert np.allclose(out["boxes"][0], same["boxes"][0], atol=1e-4)


def test_other_functions_leave_targets_alone() -> None:
    image, mask = smooth(20, 30), noisy(20, 30, 1)
    out = al.augment(image[None], [al.Map(np.zeros_like)], masks=mask[None], keypoints=[[[3, 4]]])
    assert np.array_equal(out["masks"][0], mask)
    assert out["keypoints"][0].tolist() == [[3, 4]]


def test_boxes_and_points_are_refused_when_the_pipeline_is_built() -> None:
    blind = al.Map("test: mirrored", draws={"shift": (0, 0)}, spatial=True)
    words = r"Map\('test: mirrored'.*boxes and keypoints can follow .*\. Received points=None\. Write points="
    source = al.Arrays(smooth(20, 30)[None], keypoints=[[[1, 2]]])
    with pytest.raises(al.ArgumentError, match=words):
        al.Pipeline(source, [blind])
    with pytest.raises(al.ArgumentError, match=words):
        al.augment(smooth(20, 30)[None], [blind], boxes=[[[1, 2, 3, 4]]])
    al.Pipeline(al.Arrays(smooth(20, 30)[None], masks=noisy(20, 30, 1)[None]), [blind]).batch(0, 0)


def test_it_stops_fusion() -> None:
    source = al.Arrays(np.stack([smooth(200, 300)] * 4))
    turn = al.RandomRotation(0.1)
    pipe = al.Pipeline(source, [turn, al.Map(np.zeros_like), turn])
    explanation = pipe.explain()
    assert [stage.kind for stage in explanation.after] == ["Warp", "Call", "Warp", "Output"]
    assert "Map stands between" in str(explanation)


def test_yaml_names_registered_functions_only() -> None:
    source = al.Arrays(np.stack([smooth(20, 30)] * 4))
    pipe = al.Pipeline(source, [al.RandomFlip(), al.OneOf([MIRRORED, al.RandomInvert()])], seed=3)
    text = pipe.to_yaml()
    assert "function: 'test: mirrored'" in text or 'function: "test: mirrored"' in text
    again = al.Pipeline.from_yaml(text, source=source)
    assert again.transforms == pipe.transforms
    assert again.fingerprint() == pipe.fingerprint()
    assert np.array_equal(again.batch(1, 0), pipe.batch(1, 0))
    with pytest.raises(
        al.ArgumentError, match=r"function must be .* registered one\. .*@augline\.register\('os\.system'\)"
    ):
        al.Pipeline.from_yaml(text.replace("test: mirrored points", "os.system").replace("test: mirrored", "os.system"),
                              source=source)  # fmt: skip
    with pytest.raises(al.SpecError, match=r"registered functions only\. Received .*zeros_like.*\. Write @augline"):
        al.Pipeline(source, [al.Map(np.zeros_like)]).to_yaml()
    assert "zeros_like" in str(al.Pipeline(source, [al.Map(np.zeros_like)]).explain())


def test_a_name_stands_for_one_function() -> None:
    with pytest.raises(al.ArgumentError, match=r"register\('test: mirrored'\): a name stands for one function"):
        al.register("test: mirrored")(np.zeros_like)
    assert al.register("test: mirrored")(mirrored) is mirrored


BAD: list[tuple[dict[str, Any], str]] = [
    ({"function": 3}, "must be a function"),
    ({"function": "test: nothing"}, "Register it first"),
    ({"function": mirrored}, r"the function must take \(image\)"),
    ({"function": mirrored, "draws": {"angle": (0, 1)}}, r"the function must take \(image, angle\)"),
    ({"function": np.zeros_like, "draws": {"a": 3}}, r"\(low, high\)"),
    ({"function": np.zeros_like, "draws": {"a": (3, 1)}}, "low <= high"),
    ({"function": np.zeros_like, "draws": [1, 2]}, "must be a dict"),
    ({"function": np.zeros_like, "points": mirrored_points}, "spatial=True"),
    (
        {"function": mirrored, "draws": {"shift": (0, 1)}, "spatial": True, "points": np.sin},
        "points, size, shift",
    ),
]


@pytest.mark.parametrize(("arguments", "words"), BAD, ids=range(len(BAD)))
def test_bad_arguments_are_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(al.ArgumentError, match=words) as caught:
        al.Map(**arguments)
    assert FORM.match(str(caught.value)), str(caught.value)


@pytest.mark.parametrize("engine", ["opencv", "reference"])
def test_what_it_returns_must_be_an_image_like_the_one_it_got(engine: str) -> None:
    for function in (lambda image: image[:3], lambda image: image.astype(float), lambda image: None):
        with pytest.raises(al.ArgumentError, match=r"must return an array of the shape and type that it got"):
            al.augment(smooth(6, 8)[None], [al.Map(function)], engine=engine)


def test_points_must_stay_as_many() -> None:
    item = al.Map(np.flipud, spatial=True, points=lambda points, size: points[:1])
    with pytest.raises(al.ArgumentError, match="as many points as it got"):
        al.augment(smooth(6, 8)[None], [item], keypoints=[[[1, 2], [3, 4]]])


def test_evaluation_keeps_what_does_not_draw() -> None:
    fixed = al.Map(np.zeros_like)
    assert fixed.evaluation() is fixed
    assert al.Map(np.zeros_like, p=0.5).evaluation() is None
    assert MIRRORED.evaluation() is None


class Undeclared(al.Transform):
    strength: float = 1.0

    def lower(self, params: Any, frame: Any) -> Any:
        return None


def test_classes_of_ones_own_are_told_what_they_lack() -> None:
    with pytest.raises(
        al.ArgumentError, match=r"Received strength=2\. Write @augline\.transforms\.transform above class"
    ):
        Undeclared(strength=2)  # type: ignore[call-arg]
    with pytest.raises(
        al.ArgumentError, match=r"^Undeclared\(\): lower must yield stages\. Received NoneType\. Write yield"
    ):
        al.augment(noisy(9, 12)[None], [Undeclared()])

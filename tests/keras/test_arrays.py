"""`flow` beside Keras's: pixels over all arguments, order, counters, structure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from alike import OPENCV_5, assert_alike, assert_same_run, gap
from augline.keras import ImageDataGenerator, legacy_pixels
from augline.keras.image_data_generator import TOLERANCE

FILLS = {
    f"fill {mode}": {"rotation_range": 40, "shear_range": 10, "zoom_range": (0.7, 1.7), "fill_mode": mode, "cval": 77.0}
    for mode in ("nearest", "constant", "reflect", "wrap", "mirror", "grid-wrap", "grid-constant")
}
WARPS = {
    "rotation": {"rotation_range": 40},
    "shifts": {"width_shift_range": 0.3, "height_shift_range": 0.2},
    "pixel shifts": {"width_shift_range": [1, 5], "height_shift_range": 4},
    "shear": {"shear_range": 20.0},
    "zoom": {"zoom_range": 0.4},
    "cubic": {"rotation_range": 40, "interpolation_order": 3},
    "channel shift": {"channel_shift_range": 60.0, "rotation_range": 5},
    "flips": {"horizontal_flip": True, "vertical_flip": True},
    "sample": {"samplewise_center": True, "samplewise_std_normalization": True, "zoom_range": 0.2},
    "rescale": {"rotation_range": 20, "rescale": 1 / 255, "horizontal_flip": True},
    "function": {"rotation_range": 20, "preprocessing_function": lambda x: x[..., ::-1] - 100.0, "rescale": 2.0},
    **FILLS,
}
CUTTING = {
    "brightness": {"brightness_range": (0.4, 1.8)},
    "all": {
        "rotation_range": 30, "width_shift_range": 0.2, "height_shift_range": 0.1, "shear_range": 10, "zoom_range": 0.3,
        "channel_shift_range": 20.0, "brightness_range": (0.5, 1.5), "horizontal_flip": True, "vertical_flip": True,
    },
}  # fmt: skip
ALL = {**WARPS, **CUTTING, "nearest": {"rotation_range": 30, "zoom_range": 0.3, "interpolation_order": 0}}
FOUR = "through four channels"
dtypes = pytest.mark.parametrize("dtype", ["uint8", "float32"])


@dtypes
@pytest.mark.parametrize("name", ALL)
def test_exact_pixels(name: str, dtype: str, both: Any, images: np.ndarray, noise: np.ndarray) -> None:
    exact, _, theirs = both(**ALL[name])
    for pictures in (images, noise):
        flows = [g.flow(pictures.astype(dtype), np.arange(11), batch_size=4, seed=5) for g in (exact, theirs)]
        assert_same_run(*flows)


@pytest.fixture(params=[FOUR, "as they are"])
def small_ones(request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """How images of three channels are warped that are as small as those here."""
    monkeypatch.setattr(legacy_pixels, "_WORTH_FOUR", 0 if request.param == FOUR else 10**9)


@dtypes
@pytest.mark.usefixtures("small_ones")
@pytest.mark.parametrize("name", WARPS)
def test_fast_pixels(name: str, dtype: str, both: Any, images: np.ndarray, noise: np.ndarray) -> None:
    _, fast, theirs = both(**WARPS[name])
    most, mean = TOLERANCE["opencv 5" if OPENCV_5 else "opencv 4"]
    unit = {"sample": 6.0, "rescale": 1.0, "function": 510.0}.get(name, 255.0)
    for pictures in (images, noise):
        flows = [g.flow(pictures.astype(dtype), batch_size=4, seed=5) for g in (fast, theirs)]
        found = gap(*flows, batches=6, unit=unit)
        assert found <= (most, mean), found


@pytest.mark.usefixtures("small_ones")
@pytest.mark.parametrize("name", CUTTING)
def test_fast_pixels_whose_decimals_are_cut_off(name: str, both: Any, images: np.ndarray, noise: np.ndarray) -> None:
    _, fast, theirs = both(**CUTTING[name])
    most, mean = TOLERANCE["opencv 5" if OPENCV_5 else "opencv 4"]
    for pictures in (images, noise):
        flows = [g.flow(pictures, batch_size=4, seed=5) for g in (fast, theirs)]
        found = gap(*flows, batches=6, unit=255.0)
        assert found <= (1.8 * most + 2, 1.8 * mean + 0.02), found


def test_columns_read_inside_an_image() -> None:
    height, width = 9, 7
    turns = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.8, 0.6), (-0.6, 0.8), (0.0, -1.0), (1e-12, 1.0)]
    cases = [[[c, -s, x], [s, c, y]] for c, s in turns for x in (0.0, 3.0, -2.5, 40.0) for y in (0.0, 5.0, 8.0)]
    first, last = legacy_pixels.columns_within(np.array(cases), height, width)
    column, row = np.meshgrid(np.arange(width), np.arange(height))
    for (x_row, y_row), low, high in zip(cases, first, last, strict=True):
        x, y = (a * column + b * row + c for a, b, c in (x_row, y_row))
        slack = 1e-8
        inside = (x >= -slack) & (x <= width - 1 + slack) & (y >= -slack) & (y <= height - 1 + slack)
        np.testing.assert_array_equal((column >= low[:, None]) & (column <= high[:, None]), inside)


@pytest.mark.usefixtures("small_ones")
def test_fast_nearest_takes_the_same_pixels_but_for_a_few(both: Any, noise: np.ndarray) -> None:
    _, fast, theirs = both(**ALL["nearest"])
    flows = [g.flow(noise, batch_size=11, seed=5) for g in (fast, theirs)]
    assert (next(flows[0]) != next(flows[1])).mean() < 0.005


@pytest.mark.parametrize("name", ["all", "fill wrap", "fill constant", "sample", "rescale", "function"])
def test_the_fast_way_is_the_public_methods_one_by_one(name: str, images: np.ndarray) -> None:
    class Own(ImageDataGenerator):
        """Has a method of its own, which makes the iterators call it."""

        def standardize(self, x: np.ndarray) -> np.ndarray:
            return super().standardize(x)

    flows = [kind(**ALL[name]).flow(images, batch_size=4, seed=5) for kind in (ImageDataGenerator, Own)]
    unit = 255.0 if name == "rescale" else 1.0
    for _ in range(3):
        # a flip after the warp, or in its matrix: OpenCV 4 rounds positions differently
        np.testing.assert_allclose(next(flows[0]), next(flows[1]), atol=2e-3 if OPENCV_5 else 8 / unit)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
@pytest.mark.filterwarnings("ignore:NumpyArrayIterator is set:UserWarning")
@pytest.mark.filterwarnings("ignore:.*expected either 1, 3, or 4 channels:UserWarning")
def test_any_number_of_channels_in_either_layout(channels: int, both: Any) -> None:
    pictures = np.random.default_rng(0).uniform(0, 255, (6, 18, 22, channels)).astype("float32")
    for layout in ("channels_last", "channels_first"):
        given = pictures if layout == "channels_last" else np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))
        arguments = {"data_format": layout, "channel_shift_range": 30.0, "horizontal_flip": True, "rotation_range": 20}
        exact, fast, theirs = both(**arguments)
        assert_same_run(*(g.flow(given, batch_size=4, seed=1) for g in (exact, theirs)), batches=3)
        found = gap(*(g.flow(given, batch_size=4, seed=1) for g in (fast, theirs)), batches=3, unit=255.0)
        assert found[0] <= TOLERANCE["opencv 5" if OPENCV_5 else "opencv 4"][0]


@pytest.mark.parametrize("dtype", ["float64", "float16", "uint8"])
def test_other_types_of_batches(dtype: str, both: Any, images: np.ndarray) -> None:
    exact, _, theirs = both(dtype=dtype, horizontal_flip=True, rotation_range=0 if dtype == "float16" else 20)
    assert_same_run(*(g.flow(images, batch_size=4, seed=1) for g in (exact, theirs)), batches=3, most=1.0)


@pytest.mark.parametrize("low", [-300.0, -1.0])
def test_brightness_of_values_outside_0_to_255(low: float, both: Any, images: np.ndarray) -> None:
    pictures = images.astype("float32") / 255 * (-2 * low) + low
    exact, _, theirs = both(brightness_range=(0.5, 1.5), rotation_range=10)
    # a last bit decides which of 256 levels a pixel falls to
    found = gap(*(g.flow(pictures, batch_size=4, seed=2) for g in (exact, theirs)), batches=3, unit=-2 * low)
    assert found[0] <= 2
    assert found[1] < 0.01


def test_indexing_reset_and_the_ends_of_epochs(both: Any, images: np.ndarray) -> None:
    exact, _, theirs = both(rotation_range=10, horizontal_flip=True)
    flows = [g.flow(images, np.arange(11), batch_size=4, seed=9) for g in (exact, theirs)]
    assert len(flows[0]) == len(flows[1]) == 3
    for step in (1, 0, 2, "end", 2, "end", 0, "next", "next", "reset", "next", 1, "end", "next"):
        if step == "next":
            assert_alike(*(next(flow) for flow in flows))
        elif step == "end":
            [flow.on_epoch_end() for flow in flows]
        elif step == "reset":
            [flow.reset() for flow in flows]
        else:
            assert_alike(*(flow[step] for flow in flows))
        np.testing.assert_array_equal(flows[0].index_array, flows[1].index_array)
        assert flows[0].total_batches_seen == flows[1].total_batches_seen
    with pytest.raises(ValueError, match="Asked to retrieve element 3, but the Sequence has length 3"):
        flows[0][3]


@pytest.mark.parametrize("shuffle", [True, False])
def test_other_inputs_targets_and_weights(shuffle: bool, both: Any, images: np.ndarray) -> None:
    exact, _, theirs = both(horizontal_flip=True)
    numbers = np.arange(11)
    for x in (images, (images, numbers), (images, [numbers, numbers[:, None] * 0.5])):
        for y, weight in ((None, None), (numbers, None), (numbers * 1.5, numbers / 11), (images[..., :1], None)):
            arguments = {"y": y, "sample_weight": weight, "batch_size": 4, "seed": 1, "shuffle": shuffle}
            assert_same_run(*(g.flow(x, **arguments) for g in (exact, theirs)), batches=4)


@pytest.mark.parametrize("subset", ["training", "validation"])
def test_subsets(subset: str, both: Any, images: np.ndarray) -> None:
    exact, _, theirs = both(validation_split=0.3)
    arguments = {"y": np.arange(11), "subset": subset, "ignore_class_split": True, "batch_size": 3, "seed": 1}
    flows = [g.flow((images, np.arange(11)), **arguments) for g in (exact, theirs)]
    assert flows[0].n == flows[1].n
    assert_same_run(*flows)
    np.testing.assert_array_equal(flows[0].x, flows[1].x)


def test_files_written_have_the_names_and_pixels_of_keras(both: Any, images: np.ndarray, tmp_path: Any) -> None:
    exact, _, theirs = both(rotation_range=20, rescale=1 / 255)
    for layout, name in ((exact, "ours"), (theirs, "theirs")):
        (tmp_path / name).mkdir()
        flow = layout.flow(images, batch_size=4, seed=3, save_to_dir=str(tmp_path / name), save_prefix="x")
        next(flow), next(flow)
    ours, other = (sorted(path.name for path in (tmp_path / name).iterdir()) for name in ("ours", "theirs"))
    assert ours == other
    assert len(ours) == 8
    from PIL import Image

    for name in ours:
        pictures = [np.asarray(Image.open(tmp_path / side / name), float) for side in ("ours", "theirs")]
        assert np.abs(pictures[0] - pictures[1]).max() <= 1


def test_the_same_bytes_for_any_number_of_threads(images: np.ndarray) -> None:
    pictures = np.concatenate([images] * 12)
    runs = []
    for workers in (1, 2, 5):
        flow = ImageDataGenerator(**CUTTING["all"], workers=workers).flow(pictures, batch_size=64, seed=1)
        runs.append(b"".join(next(flow).tobytes() for _ in range(4)))
    assert runs[0] == runs[1] == runs[2]


def test_batches_handed_out_are_never_written_again(images: np.ndarray) -> None:
    flow = ImageDataGenerator(rotation_range=30).flow(images, batch_size=4, seed=1)
    kept = [next(flow) for _ in range(12)]
    copies = [batch.copy() for batch in kept]
    [next(flow) for _ in range(12)]
    assert all((a == b).all() for a, b in zip(kept, copies, strict=True))


def test_single_images(both: Any, images: np.ndarray) -> None:
    exact, fast, theirs = both(**CUTTING["all"])
    picture = images[0].astype("float32")
    drawn = theirs.get_random_transform(picture.shape, 3)
    assert_alike(exact.apply_transform(picture, drawn), theirs.apply_transform(picture, drawn))
    assert_alike(exact.random_transform(picture, 4), theirs.random_transform(picture, 4))
    assert fast.apply_transform(picture, {"theta": 20}).shape == picture.shape
    for part in ({"theta": 30}, {"tx": 2, "zx": 0.8}, {"flip_horizontal": True}, {"channel_shift_intensity": 9.5}, {}):
        for dtype in ("float32", "uint8", "float64"):
            given = picture.astype(dtype)
            ours, other = exact.apply_transform(given, part), theirs.apply_transform(given, part)
            assert ours.dtype == other.dtype
            np.testing.assert_allclose(ours, other, atol=1 if dtype == "uint8" else 1e-3)

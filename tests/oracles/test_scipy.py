"""The reference warp against SciPy's exact bilinear, and the OpenCV engine within its stated distance of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

import augline as al
from augline.augment import run
from augline.plan import Extent, Fill, Frame, Warp, make_plan, matrices
from pictures import noisy, smooth

MODES = {
    "constant": "grid-constant",
    "nearest": "nearest",
    "reflect": "reflect",
    "mirror": "mirror",
    "wrap": "grid-wrap",
}
HEIGHT, WIDTH, SIZE = 83, 121, (97, 75)

_angle = np.deg2rad(23.7)
MATRICES = {
    "turn": [[np.cos(_angle), -np.sin(_angle), 21.3], [np.sin(_angle), np.cos(_angle), -17.9], [0, 0, 1]],
    "shear": [[1.1, 0.31, -9.7123], [0.07, 0.83, 4.1371], [0, 0, 1]],
    "shift": [[1, 0, -13.37], [0, 1, 8.71], [0, 0, 1]],
    "perspective": [[1.2, 0.11, -8.3146], [0.05, 0.9, -6.1371], [0.0011, 0.0007, 1]],
}


def warped(
    engine: str, image: NDArray[Any], matrix: Any, fill: Fill, interpolation: str, as_float: bool
) -> NDArray[Any]:
    """One warp by one matrix, with no antialiasing in the way."""
    height, width, channels = image.shape
    before = Frame(np, Extent.of(np, 1, height, width), channels, (255.0,), (0.0,), image.dtype.name)
    after = before.with_(dtype="float32" if as_float else image.dtype.name)
    stage = Warp(np.asarray([matrix], float), Extent.of(np, 1, *SIZE), "anywhere", interpolation, fill)  # type: ignore[arg-type]
    plan = make_plan([stage], before, after.with_(extent=stage.extent))
    return np.asarray(run(engine, plan, [image])[0])


def expected(image: NDArray[Any], matrix: Any, mode: str, value: float, order: int) -> NDArray[Any]:
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    grid = np.stack([x, y, np.ones_like(x)]).reshape(3, -1)
    u, v, w = np.asarray(matrix, float) @ grid
    places = np.stack([v / w, u / w]).reshape(2, *SIZE)
    planes = [
        ndimage.map_coordinates(image[..., k].astype(np.float64), places, order=order, mode=MODES[mode], cval=value)
        for k in range(image.shape[2])
    ]
    return np.stack(planes, axis=-1)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("picture", [smooth, noisy])
def test_reference_is_exact_bilinear(picture: Any, name: str, mode: str) -> None:
    image = picture(HEIGHT, WIDTH, 2, "uint8")
    got = warped("reference", image, MATRICES[name], Fill(mode, (77 / 255,)), "bilinear", as_float=True)  # type: ignore[arg-type]
    assert np.abs(got - expected(image, MATRICES[name], mode, 77, 1)).max() < 0.01


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", MATRICES)
def test_opencv_is_near(name: str, mode: str) -> None:
    image = smooth(HEIGHT, WIDTH, 3, "uint8")
    got = warped("opencv", image, MATRICES[name], Fill(mode, (120 / 255,)), "bilinear", as_float=False)  # type: ignore[arg-type]
    apart = np.abs(got - expected(image, MATRICES[name], mode, 120, 1))
    assert apart.max() <= 4
    assert apart.mean() <= 0.4


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("engine", ["reference", "opencv"])
def test_nearest(engine: str, name: str, mode: str) -> None:
    image = noisy(HEIGHT, WIDTH, 3, "uint8")
    got = warped(engine, image, MATRICES[name], Fill(mode, (77 / 255,)), "nearest", as_float=False)  # type: ignore[arg-type]
    wanted = expected(image, MATRICES[name], mode, 77, 0)
    share = np.mean(got != wanted)
    assert share == 0 if engine == "reference" else share <= 0.004  # see tests/conformance/divergences.toml


@pytest.mark.parametrize("turns", [0.0661, -0.2])
def test_rotation_from_its_own_arguments(turns: float) -> None:
    """The public transform against affine_transform, with the matrix written out here once more."""
    image = smooth(HEIGHT, WIDTH, 3)
    angle = 2 * np.pi * turns
    # rows and columns: counter-clockwise on screen is from x to -y; affine_transform maps output to input
    linear = np.asarray([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    centre = (np.asarray([HEIGHT, WIDTH]) - 1) / 2
    wanted = np.stack(
        [
            ndimage.affine_transform(
                image[..., k].astype(float), linear, centre - linear @ centre, order=1, mode="reflect"
            )
            for k in range(3)
        ],
        axis=-1,
    )
    got = al.augment(image[None], [al.RandomRotation((turns, turns)), al.Rescaling(1.0)], engine="reference")[0]
    assert np.abs(got - wanted).max() < 0.01


def test_enlarging_is_zoom_by_pixel_edges() -> None:
    image = smooth(41, 67, 2)
    got = al.augment(image[None], [al.Resizing(97, 150), al.Rescaling(1.0)], engine="reference")[0]
    wanted = np.stack(
        [
            ndimage.zoom(image[..., k].astype(float), (97 / 41, 150 / 67), order=1, mode="nearest", grid_mode=True)
            for k in range(2)
        ],
        axis=-1,
    )
    assert np.abs(got - wanted).max() < 0.01


def test_inverse_matrices_bring_points_back() -> None:
    m = np.asarray([MATRICES["perspective"], MATRICES["turn"]], float)
    points = np.random.default_rng(0).uniform(0, 80, (2, 9, 2))
    there = matrices.transform_points(np, m, points)
    assert np.abs(matrices.transform_points(np, matrices.inverse(np, m), there) - points).max() < 1e-9

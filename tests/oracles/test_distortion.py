"""Elastic, grid and optical distortion against SciPy's splines and interpolation, and formulas by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage, stats
from scipy.interpolate import BSpline

import augline as al
from augline.plan import Extent, Frame
from augline.random import Draw
from augline.transforms.base import expand
from pictures import smooth

HEIGHT, WIDTH = 61, 83
SHOWN = (slice(8, -8), slice(8, -8))  # what no displacement below reads from outside


def drawn(item: al.Transform, n: int = 1, size: tuple[int, int] = (HEIGHT, WIDTH)) -> dict[str, NDArray[Any]]:
    frame = Frame(np, Extent.of(np, n, *size), 3)
    return expand([item], Draw(9, 0, np.arange(n)), frame).drawn[0].params


def read_at(image: NDArray[Any], x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    planes = [ndimage.map_coordinates(image[..., k].astype(float), [y, x], order=1, mode="reflect") for k in range(3)]
    return np.stack(planes, axis=-1)


def check(item: al.Transform, dx: NDArray[Any], dy: NDArray[Any]) -> None:
    """An image read where the displacement says, and a point that was there."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    image = smooth(HEIGHT, WIDTH)
    assert np.abs(dx).max() > 1.5
    wanted = read_at(image, x + dx, y + dy)
    out = al.augment(image[None], [item], seed=9, engine="reference", keypoints=[[[30, 20]]])
    assert np.abs(out["images"][0][SHOWN] - wanted[SHOWN]).max() < 0.51
    place = out["keypoints"][0][0].astype(float)  # it reads from where the point was
    moved = [ndimage.map_coordinates(d, place[::-1, None], order=1)[0] for d in (dx, dy)]
    assert np.abs(place + moved - [30, 20]).max() < 0.01


@pytest.mark.parametrize("cells", [1, 3, 8])
def test_elastic_is_a_cubic_spline_over_its_nodes(cells: int) -> None:
    item = al.RandomElasticTransform((1, 1), (1.5, 1.5), cells=cells)
    nodes = drawn(item)["nodes"][0]
    knots = np.arange(-3, cells + 4)  # uniform; the first basis function that counts at 0 is the first node's
    down, across = ((np.arange(side) + 0.5) / side * cells for side in (HEIGHT, WIDTH))
    surface = BSpline(knots, BSpline(knots, nodes, 3)(down).swapaxes(0, 1), 3)(across).swapaxes(0, 1)
    size = np.asarray([WIDTH, HEIGHT]) * 1.5 * 0.02 / (151 / 315)
    check(item, *(surface * size).transpose(2, 0, 1))


def test_elastic_displaces_by_independent_numbers_of_mean_zero_and_known_spread() -> None:
    n, cells = 3000, 4
    item = al.RandomElasticTransform((1, 1), (1, 1), cells=cells)
    nodes = drawn(item, n)["nodes"]
    knots = np.arange(-3, cells + 4)
    places = np.linspace(0.01, 0.99, 16) * cells
    surface = np.moveaxis(BSpline(knots, np.moveaxis(nodes, 1, 0), 3)(places), 0, 1)
    surface = np.moveaxis(BSpline(knots, np.moveaxis(surface, 2, 0), 3)(places), 0, 2) * 0.02 / (151 / 315)
    dx, dy = surface[..., 0], surface[..., 1]
    assert abs(np.sqrt((dx**2).mean()) - 0.02) < 0.0004  # 2 % of the side
    assert abs(np.sqrt((dy**2).mean()) - 0.02) < 0.0004
    assert np.abs(dx.mean(axis=0)).max() < 5 * 0.022 / np.sqrt(n)
    for a, b in ((dx, dy), (dy, dx)):  # not at one place, nor between places
        together = np.corrcoef(a[:, 2::5, 2::5].reshape(n, -1).T, b[:, 2::5, 2::5].reshape(n, -1).T)
        half = len(together) // 2
        assert np.abs(together[:half, half:]).max() < 5 / np.sqrt(n)
    assert stats.kstest(dx[:, 8, 8] / dx[:, 8, 8].std(), "norm").pvalue > 1e-4


def test_elastic_chance_and_strength() -> None:
    found = drawn(al.RandomElasticTransform((0.3, 0.3), (0.5, 2.0)), 20_000)
    assert abs(found["bent"].mean() - 0.3) < 0.015
    assert stats.kstest((found["scale"] - 0.5) / 1.5, "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(found["bent"], found["scale"])[0, 1]) < 0.03


def test_a_grid_is_stretched_linearly_between_its_knots() -> None:
    item = al.GridDistortion(4, (-0.5, 0.6))
    stretch = drawn(item)
    displaced = []
    for name, side in (("columns", WIDTH), ("rows", HEIGHT)):
        widths = 1 + stretch[name][0]
        borders = np.concatenate([[0], np.cumsum(widths)]) / widths.sum() * side
        even = np.linspace(0, side, 5)
        middles = np.arange(side) + 0.5  # an even column of the output shows a stretched one of the input
        displaced.append(np.interp(middles, even, borders) - middles)
    check(item, np.tile(displaced[0], (HEIGHT, 1)), np.tile(displaced[1][:, None], (1, WIDTH)))


@pytest.mark.parametrize("k", [-0.1, 0.08])
def test_a_lens_reads_from_farther_out_for_positive_k(k: float) -> None:
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    u, v = x - (WIDTH - 1) / 2, y - (HEIGHT - 1) / 2
    r2 = (u**2 + v**2) / ((WIDTH**2 + HEIGHT**2) / 4)
    factor = k * (r2 + r2**2)
    check(al.OpticalDistortion((k, k)), u * factor, v * factor)

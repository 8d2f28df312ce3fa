"""Matrices by themselves: inverse, corners, points, and how many pixels a step spans."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augline.plan import matrices

CORNERS = np.asarray(
    [
        [[3, 5], [90, 12], [-4, 77], [101, 66]],
        [[0, 0], [10, 0], [0, 7], [10, 7]],  # a rectangle: the affine case
        [[12, 3], [8, 40], [-20, 9], [-14, 61]],
    ],
    float,
)  # (0,0), (1,0), (0,1), (1,1)


def test_square_to_quad_hits_its_corners() -> None:
    m = matrices.square_to_quad(np, CORNERS)
    square = np.broadcast_to(np.asarray([[0, 0], [1, 0], [0, 1], [1, 1]], float), CORNERS.shape)
    assert np.abs(matrices.transform_points(np, m, square) - CORNERS).max() < 1e-9


def test_square_to_quad_is_opencvs() -> None:
    square = np.asarray([[0, 0], [1, 0], [0, 1], [1, 1]], np.float32)
    for corners, m in zip(CORNERS, matrices.square_to_quad(np, CORNERS), strict=True):
        wanted = cv2.getPerspectiveTransform(square, corners.astype(np.float32))
        assert np.abs(m - wanted).max() < 1e-4 * np.abs(wanted).max()


def test_inverse_is_numpys() -> None:
    m = np.random.default_rng(3).normal(size=(50, 3, 3)) + 2 * np.eye(3)
    assert np.abs(matrices.inverse(np, m) - np.linalg.inv(m)).max() < 1e-9 * np.abs(np.linalg.inv(m)).max()


@pytest.mark.parametrize(("scale_y", "scale_x"), [(2.0, 3.0), (0.25, 1.7)])
def test_resized_maps_pixel_edges_to_pixel_edges(scale_y: float, scale_x: float) -> None:
    m = matrices.resized(np, 1, scale_y, scale_x, top=4.0, left=7.0)
    edges = np.asarray([[[-0.5, -0.5], [9.5, 5.5]]])
    wanted = [[7 - 0.5, 4 - 0.5], [7 + 10 * scale_x - 0.5, 4 + 6 * scale_y - 0.5]]
    assert np.allclose(matrices.transform_points(np, m, edges)[0], wanted)


def test_about_holds_its_point() -> None:
    x, y = np.asarray([3.5, 20.0]), np.asarray([9.0, -2.0])
    m = matrices.about(np, 2, ((0.7, -1.1), (0.4, 2.0)), x, y)
    points = np.stack([x, y], axis=-1)[:, None, :]
    assert np.allclose(matrices.transform_points(np, m, points), points)


def test_matrix_takes_numbers_and_columns() -> None:
    column = np.asarray([1.0, 2.0])
    m = matrices.matrix(np, 2, ((column, 0, 5), (0, 1, -column)))
    assert m.tolist() == [[[1, 0, 5], [0, 1, -1], [0, 0, 1]], [[2, 0, 5], [0, 1, -2], [0, 0, 1]]]
    assert m.dtype == np.float64


def span(m: Any, height: float, width: float) -> tuple[float, float]:
    y, x = matrices.minification(np, np.asarray([m], float), np.asarray([height]), np.asarray([width]))
    return float(y[0]), float(x[0])


def test_minification_is_along_the_axes_of_the_input() -> None:
    assert span([[3, 0, 1], [0, 2, 5], [0, 0, 1]], 9, 7) == (2.0, 3.0)
    assert span([[0, 3, 1], [-2, 0, 5], [0, 0, 1]], 9, 7) == (2.0, 3.0)
    assert span([[-3, 0, 1], [0, -2, 5], [0, 0, 1]], 9, 7) == (2.0, 3.0)
    turned = np.deg2rad(30)
    m = 2 * np.asarray([[np.cos(turned), -np.sin(turned), 0], [np.sin(turned), np.cos(turned), 0], [0, 0, 0.5]])
    assert np.allclose(span(m, 9, 7), (2.0, 2.0))


def test_minification_of_a_projective_map_is_its_jacobian_at_the_centre() -> None:
    m = np.asarray([[1.3, 0.2, 4.0], [-0.1, 0.8, 2.0], [0.003, 0.004, 1.0]])
    height, width = 40, 60
    centre = np.asarray([[[(width - 1) / 2, (height - 1) / 2]]])
    step = 1e-5
    moved = [matrices.transform_points(np, m[None], centre + d) for d in ([step, 0], [-step, 0], [0, step], [0, -step])]
    along_x, along_y = (moved[0] - moved[1]) / (2 * step), (moved[2] - moved[3]) / (2 * step)
    jacobian = np.stack([along_x[0, 0], along_y[0, 0]], axis=1)
    wanted = np.hypot(jacobian[1, 0], jacobian[1, 1]), np.hypot(jacobian[0, 0], jacobian[0, 1])
    assert np.allclose(span(m, height, width), wanted, rtol=1e-6)


@given(st.lists(st.floats(-0.4, 0.4), min_size=8, max_size=8), st.integers(2, 400), st.integers(2, 400))
@settings(max_examples=100, deadline=None)
def test_moved_corners_of_any_image_come_back(shares: list[float], height: int, width: int) -> None:
    x, y = width - 1.0, height - 1.0
    start = np.asarray([[[0, 0], [x, 0], [0, y], [x, y]]])
    end = start * (1 + np.asarray(shares).reshape(1, 4, 2))
    m = matrices.square_to_quad(np, end)
    square = np.asarray([[[0.0, 0], [1, 0], [0, 1], [1, 1]]])
    assert np.abs(matrices.transform_points(np, m, square) - end).max() < 1e-6 * max(height, width)
    back = matrices.transform_points(np, matrices.inverse(np, m), end)
    assert np.abs(back - square).max() < 1e-6

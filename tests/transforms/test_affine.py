"""What no Keras layer can vouch for: each step of RandomAffine, and that draws are carried out as they read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import augline as al
from augline.engines import ENGINES
from augline.plan import Extent, Frame, Warp, matrices
from augline.random import Draw
from augline.transforms.base import expand
from pictures import noisy

HEIGHT, WIDTH = 41, 67
CENTRE = np.asarray([(WIDTH - 1) / 2, (HEIGHT - 1) / 2])


def from_centre(*steps: tuple[float, float]) -> Any:
    return np.asarray(steps) + CENTRE


def moved(item: al.Transform, points: Any, n: int = 1) -> tuple[dict[str, Any], Any]:
    """Where the picture's points go, of sample 0, and the numbers drawn for it."""
    frame = Frame(np, Extent.of(np, n, HEIGHT, WIDTH), 3)
    done = expand([item], Draw(3, 0, np.arange(n)), frame)
    (stage,) = done.stages
    assert isinstance(stage, Warp)
    there = matrices.transform_points(np, matrices.inverse(np, stage.matrix), np.asarray([points] * n, float))
    return done.drawn[0].params, there


def test_positive_degrees_turn_counter_clockwise() -> None:
    _, ((right,),) = moved(al.RandomAffine((30, 30)), from_centre((10, 0)))
    assert np.allclose(right - CENTRE, [10 * np.cos(np.pi / 6), -5])
    image = noisy(HEIGHT, HEIGHT)
    turned = al.augment(image[None], [al.RandomAffine((90, 90))], engine="reference")[0]
    assert np.array_equal(turned, np.rot90(image))


def test_degrees_are_those_of_random_rotation() -> None:
    points = [[3.0, 5.0], [40.0, 30.0]]
    assert np.allclose(
        moved(al.RandomAffine((25, 25)), points)[1], moved(al.RandomRotation((25 / 360, 25 / 360)), points)[1]
    )


def test_scale_above_one_enlarges() -> None:
    _, ((point,),) = moved(al.RandomAffine(scale=(2, 2)), from_centre((10, 4)))
    assert np.allclose(point - CENTRE, [20, 8])


def test_positive_shear_leans_the_bottom_to_the_right() -> None:
    _, ((below, right),) = moved(al.RandomAffine(shear=(30, 30)), from_centre((0, 10), (10, 0)))
    assert np.allclose(below - CENTRE, [10 * np.tan(np.pi / 6), 10])
    assert np.allclose(right - CENTRE, [10, 0])


def test_the_picture_is_scaled_sheared_turned_and_then_shifted() -> None:
    item = al.RandomAffine((20, 40), (0.2, 0.3), (1.5, 2.0), (10, 30))
    points = np.asarray([[12.0, 7.0], [50.0, 33.0], [30.0, 12.0]])
    params, there = moved(item, points, n=5)
    for k in range(5):
        scale, lean = params["scale"][k], np.tan(np.deg2rad(params["shear"][k]))
        angle = np.deg2rad(params["degrees"][k])
        x, y = (points - CENTRE).T * scale
        x = x + lean * y
        x, y = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
        wanted = np.stack([x + params["shift_x"][k] * WIDTH, y + params["shift_y"][k] * HEIGHT], axis=-1) + CENTRE
        assert np.allclose(there[k], wanted)


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_crops_read_down_and_right_from_their_own_draws(engine: str) -> None:
    image = noisy(HEIGHT, WIDTH)
    frame = Frame(np, Extent.of(np, 6, HEIGHT, WIDTH), 3)
    params = expand([al.RandomCrop(20, 30)], Draw(0, 0, np.arange(6)), frame).drawn[0].params
    crops = al.augment([image] * 6, [al.RandomCrop(20, 30)], engine=engine)
    for crop, down, right in zip(crops, params["top"], params["left"], strict=True):
        top, left = int(down * 22), int(right * 38)
        assert np.array_equal(crop, image[top : top + 20, left : left + 30])


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_quarter_turns_are_counter_clockwise_and_as_many_as_drawn(engine: str) -> None:
    image = noisy(HEIGHT, WIDTH)
    frame = Frame(np, Extent.of(np, 12, HEIGHT, WIDTH), 3)
    quarters = expand([al.RandomRotate90()], Draw(0, 0, np.arange(12)), frame).drawn[0].params["quarters"]
    turned = al.augment([image] * 12, [al.RandomRotate90()], engine=engine)
    for one, k in zip(turned, quarters.tolist(), strict=True):
        assert np.array_equal(one, np.rot90(image, k))

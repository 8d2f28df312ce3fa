"""What the tests of dense boxes and of dense outlines share: the plan of a batch of images of one size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import augline as al
from augline.plan import Plan
from augline.program import Program

ROWS, HEIGHT, WIDTH = 4, 60, 80
BENT = al.RandomElasticTransform((1.0, 1.0), scale=1.0)
BLUR = al.RandomGaussianBlur((1.0, 1.0))  # nothing fuses across it


def plan_of(transforms: Sequence[al.Transform], xp: Any = np, rows: Any = ROWS) -> Plan:
    """What `augment` does with seed 3 in epoch 1."""
    program = Program(
        transforms, seed=3, channels=3, dtype="uint8", value_range=(0.0, 255.0), size=(HEIGHT, WIDTH),
        engine="reference",
    )  # fmt: skip
    sizes = xp.zeros((rows, 2), dtype=xp.int64) + xp.asarray([HEIGHT, WIDTH])
    return program.plan(1, xp.arange(rows), sizes, xp=xp)[1]

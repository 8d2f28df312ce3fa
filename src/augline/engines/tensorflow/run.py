"""The portable program on TensorFlow, in float32: what `Pipeline(engine="tensorflow")` compiles into its graph.

Here it runs eagerly, sample by sample, for iteration in NumPy and `augment`; the graph is in `feed/graph/`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline.engines.portable.run import STAGES as PORTABLE
from augline.engines.portable.run import run
from augline.plan import Call
from augline.plan.plan import Plan, mapped

STAGES = PORTABLE - {Call}


def prepare(plan: Plan, decoded: NDArray[np.int64]) -> Callable[[int, NDArray[Any], NDArray[Any]], None]:
    """One sample at a time, so that every sample may have a size of its own."""
    from augline.engines.arrays import tensorflow as xp

    def sample(index: int, image: NDArray[Any], out: NDArray[Any]) -> None:
        one = mapped(plan.take(slice(index, index + 1)), xp.asarray)
        y, x = decoded[index].tolist()
        out[...] = run(xp, one, xp.asarray(image[None]), (y, x), "float32").numpy()[0]

    return sample

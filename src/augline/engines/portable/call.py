"""Functions of the user's, which know NumPy arrays and nothing else."""

from __future__ import annotations

from augline.arrays import Array, Namespace
from augline.engines.portable.colour import output
from augline.errors import EngineError
from augline.plan.call import Call
from augline.plan.stages import Output


def called(xp: Namespace, images: Array, stage: Call) -> Array:
    """Every image through the function, in the values that the user sees.

    Raises:
        EngineError: The arrays are not NumPy's; a graph cannot call Python.
    """
    if xp.__name__ != "numpy":
        raise EngineError(
            f"{stage.label}: a function of your own runs on NumPy arrays. Received those of {xp.__name__}. Use "
            "engine='opencv' or 'reference', or write a Transform that lowers to stages."
        )
    channels = int(images.shape[3])
    scale, offset = (v * channels if len(v) == 1 else v for v in (stage.scale, stage.offset))
    given = output(xp, images, Output(scale, offset, stage.dtype))
    results = []
    for index in range(int(images.shape[0])):
        if not stage.acts_on(index):
            results.append(images[index, ...])
            continue
        image = xp.asarray(given[index, ...], order="C", copy=True)
        done = stage.checked(stage.function(image, **stage.arguments(index)), given[index, ...])
        unit = (xp.astype(done, xp.float64) - xp.asarray(offset)) / xp.asarray(scale)
        results.append(xp.clip(unit, min=0.0, max=1.0) if stage.dtype == "float32" else unit)
    return xp.stack(results)

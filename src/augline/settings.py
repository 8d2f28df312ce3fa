"""The settings of a pipeline: what each may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from augline.box_filter import BoxFilter
from augline.errors import ArgumentError, described
from augline.sources import Source

if TYPE_CHECKING:
    from augline.pipeline import Pipeline

LastBatch: TypeAlias = Literal["keep", "pad", "drop"] | None

_SOURCES = (
    "Write al.Arrays(images, labels), al.Folder('photos/') or al.Table(dataframe, image='file'), for example; a data "
    "set goes through al.to_dataset(dataset, augment=[...])"
)
_ON_ERROR = ("raise", "skip", "replace")


def check_settings(pipe: Pipeline) -> None:
    """Refuses settings that cannot be, or do not fit together."""
    size = pair(pipe.size)
    host, hosts = pair(pipe.shard) or (0, 0)
    number, choice = "must be a whole number from", "must be True or False"
    rules: list[tuple[bool, str, str, str]] = [
        (isinstance(pipe.source, Source), "source", "must be a Source", _SOURCES),
        (pipe.size is None or (size is not None and all(whole(side, 1) for side in size)), "size",
         "must be (height, width), whole numbers from 1", "Write size=(224, 224)"),
        (whole(pipe.batch_size, 1), "batch_size", f"{number} 1", "Write 32, for example"),
        (whole(pipe.seed, 0, 2**64), "seed", f"{number} 0 to 2**64 - 1", "Write 7"),
        (isinstance(pipe.shuffle, bool), "shuffle", choice, "The order follows from seed"),
        (isinstance(pipe.drop_remainder, bool), "drop_remainder", choice, "Write True"),
        (pipe.on_error in _ON_ERROR, "on_error", f"must be one of {', '.join(_ON_ERROR)}", "Choose one"),
        (pipe.workers is None or whole(pipe.workers, 1), "workers", f"{number} 1, or None", "Write 4"),
        (isinstance(pipe.box_filter, BoxFilter), "box_filter", "must be a BoxFilter",
         "Write al.BoxFilter(min_visibility=0.3), for example"),
        (whole(hosts, 1) and whole(host, 0, hosts), "shard", "must be (i, n) with 0 <= i < n", "Write (0, 2)"),
        (not whole(pipe.batch_size, 1) or hosts <= pipe.batch_size, "shard",
         "must not have more hosts than a batch has samples", "Raise batch_size"),
    ]  # fmt: skip
    for good, name, rule, fix in rules:
        if not good:
            shown = described(getattr(pipe, name))
            raise ArgumentError(f"Pipeline({name}=...): {name} {rule}. Received {name}={shown}. {fix}.")
    if not len(pipe):
        cause = "drop_remainder=True" if len(pipe.source) else "source=..."
        raise ArgumentError(
            f"Pipeline({cause}): there must be a batch. Received {len(pipe.source)} samples and "
            f"batch_size={pipe.batch_size}. Lower batch_size, or keep the remainder."
        )


def pair(value: object) -> tuple[Any, Any] | None:
    """Two values, or None if it is something else."""
    return (value[0], value[1]) if isinstance(value, (tuple, list)) and len(value) == 2 else None


def whole(value: object, low: int, end: int | None = None) -> bool:
    """Whether it is a whole number from `low` to `end`, `end` left out."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
        return False
    return bool(low <= value and (end is None or value < end))

"""What stands in for samples that fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from augline.arrays import Array, Namespace
from augline.errors import AuglineError, DecodeError, SourceError
from augline.order import shuffled

if TYPE_CHECKING:
    from augline.batches import Job
    from augline.pipeline import Pipeline

ATTEMPTS = 10
"""Samples that are tried in the place of one, in turn."""

_MOST = 10_000
"""Of which more are kept of one epoch only: a hundred epochs over a million files would fill the memory."""


@dataclass(frozen=True)
class Replacement:
    """A sample that could not be read, and what stood in for it."""

    epoch: int
    position: int
    name: str
    error: str
    substitute: str


class Replacements:
    """Fills the places of samples that fail, and remembers them; threads may share one."""

    def __init__(self) -> None:
        self._found: dict[int, dict[int, Replacement]] = {}

    def report(self) -> list[Replacement]:
        """Those kept, in the order of (epoch, position)."""
        epochs = {epoch: found.copy() for epoch, found in self._found.copy().items()}  # whatever other threads add
        return [epochs[epoch][position] for epoch in sorted(epochs) for position in sorted(epochs[epoch])]

    def _keep(self, made: Replacement) -> None:
        self._found.setdefault(made.epoch, {})[made.position] = made
        while len(self._found) > 1 and sum(map(len, self._found.copy().values())) > _MOST:
            self._found.pop(min(self._found.copy()), None)

    def fill(self, pipe: Pipeline, epoch: int, position: int, job: Job, index: int, error: AuglineError) -> None:
        """Puts another sample in the place of one that failed; which depends on (seed, epoch, position) alone.

        Raises:
            SourceError: Ten in turn fail too.
        """
        for attempt in range(1, ATTEMPTS + 1):
            other = int(substitutes(pipe, epoch, np.asarray([position + attempt]))[0])
            made = pipe.batches.prepare(epoch, np.asarray([other]))
            try:
                pipe.batches.run(made, 0)
            except (DecodeError, SourceError):
                continue
            pipe.batches.replace(job, index, made)
            names = pipe.source.name(job.indices[index]), pipe.source.name(other)
            self._keep(Replacement(epoch, position, names[0], str(error), names[1]))
            return
        raise SourceError(
            f"Pipeline(on_error={pipe.on_error!r}): one of {ATTEMPTS} substitutes must be readable. Received failures "
            f"for all of them, the first for {str(error).rstrip('.')}. Check the data set."
        ) from error


def substitutes(pipe: Pipeline, epoch: int | Array, positions: Array, xp: Namespace = np) -> Array:
    """The samples at positions: of the epoch's order ("skip"), or of an order of its own ("replace")."""
    count = len(pipe.source)
    places = positions % count
    if pipe.on_error == "skip":
        return pipe.indices(epoch, places, xp)
    return shuffled(places, count, pipe.seed ^ (1 << 63), epoch, xp=xp)

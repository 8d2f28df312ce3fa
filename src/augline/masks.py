"""The segmentation masks of a data set, one per sample or several by name, read and carried out beside the images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline import engines, targets
from augline.errors import ArgumentError, SourceError
from augline.fields import Field
from augline.plan import Plan
from augline.program import Program
from augline.sources import Source

_TRIED = 10


class Masks:
    """Makes the masks of batches.

    Args:
        source: With masks.
        program: What happens to them.
        size: (height, width) that they come out in.

    Raises:
        SourceError: None can be read.
        ArgumentError: A transform fills them with a value that their type does not have.
    """

    def __init__(self, source: Source, program: Program, size: tuple[int, int]) -> None:
        self._source, self._engine = source, program.engine
        column = source.targets.masks
        self._named = isinstance(column, Mapping)
        names = tuple(column) if isinstance(column, Mapping) else ("",)
        self._fields = {name: _field(source, name, size) for name in names}
        self.plans(program.trial)

    @property
    def field(self) -> Field | dict[str, Field]:
        """What one sample's masks come out as; by name where they have names."""
        return dict(self._fields) if self._named else self._fields[""]

    def plans(self, plan: Plan) -> dict[str, Plan]:
        """For each mask, the plan of a batch of images made one of masks."""
        return {
            name: targets.mask_plan(plan, field.shape[-1], field.dtype, name) for name, field in self._fields.items()
        }

    def samples(self, plan: Plan) -> dict[str, engines.Sample]:
        """For each mask, the function that carries one sample's out."""
        ones = np.ones((plan.before.batch, 2), np.int64)
        return {name: engines.prepare(self._engine, masked, ones) for name, masked in self.plans(plan).items()}

    def room(self, count: int) -> Any:
        """Places for what comes out of so many samples."""
        rooms = {name: np.zeros((count, *field.shape), field.dtype) for name, field in self._fields.items()}
        return rooms if self._named else rooms[""]

    def carry_out(
        self, samples: dict[str, engines.Sample], index: int, number: int, size: tuple[int, int], room: Any
    ) -> None:
        """Reads the masks of a sample, `number` of the source, and puts them into row `index` of their places.

        Raises:
            SourceError: One cannot be read, or does not fit its image, of this size, or the other masks.
        """
        for name, sample in samples.items():
            mask = self._read(name, number, size)
            engines.carry(sample, index, mask, (room[name] if self._named else room)[index])

    def _read(self, name: str, number: int, size: tuple[int, int]) -> NDArray[Any]:
        image, field, source = self._source.name(number), self._fields[name], self._source
        lead = len(source.lead)
        try:
            mask = targets.read_mask(source.targets.mask(number, name), size, image, lead)
        except (ArgumentError, OSError) as error:
            raise SourceError(str(error) if isinstance(error, ArgumentError) else _bad(image, error)) from error
        if (*mask.shape[:lead], mask.shape[-1], mask.dtype.name) != (*field.shape[:lead], field.shape[-1], field.dtype):
            raise SourceError(
                f"mask of {image}: all masks must have one type and number of channels. Received {mask.dtype} x "
                f"{mask.shape[-1]} beside {field.dtype} x {field.shape[-1]}. Convert them."
            )
        return mask


def _field(source: Source, name: str, size: tuple[int, int]) -> Field:
    """What masks come out as; the first that can be read tells it for all."""
    error: OSError | None = None
    for number in range(min(_TRIED, len(source))):
        try:
            mask = targets.mask_array(source.targets.mask(number, name), len(source.lead))
        except OSError as problem:
            error = error or problem
        else:
            return Field((*source.lead, *size, mask.shape[-1]), mask.dtype.name)
    raise SourceError(_bad(source.name(0), error)) from error


def _bad(image: str, error: OSError | None) -> str:
    return f"mask of {image}: it must be a readable image. Received {type(error).__name__}: {error}. Replace the file."

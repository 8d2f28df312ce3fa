"""The first part of a list that mixes: what it gives is mixed, and not yet in the form that users get."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augline.batches import Batches, Job
from augline.mixing import objects
from augline.mixing.objects import Objects
from augline.mixing.pixels import Part
from augline.mixing.points import block, shape_of_block
from augline.plan import Plan
from augline.sources.targets import by_frame


class Below(Batches):
    """Batches whose boxes are `Objects`, and whose keypoints stand in blocks of one shape, with a visibility."""

    @cached_property
    def block(self) -> tuple[int, int]:
        """(places, columns) of the keypoints of one sample, as the source has them."""
        return shape_of_block(self.source.targets.keypoints or ())

    @cached_property
    def counts(self) -> NDArray[np.bool_]:
        """`(samples, places)`: which places of the keypoints are taken."""
        numbers = [row.shape[-2] for row in self.source.targets.keypoints or ()]
        return np.asarray(np.arange(self.block[0]) < np.asarray(numbers)[:, None])

    def keypoints(self, rows: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """Keypoints as they go through the plan: in one shape, and with a visibility."""
        return [block(row, self.block[0]) for row in rows]

    def part(self, job: Job, row: int) -> Part:
        """What one finished sample brings to a mixing."""
        columns = job.columns
        images = {"images": job.images[row], **{name: columns[name][row] for name in self.source.extra_images}}
        found = columns.get("segmentation_masks", {})
        masks = {name: mask[row] for name, mask in (found if isinstance(found, Mapping) else {"": found}).items()}
        if "keypoints" not in columns:
            return Part(images, masks)
        return Part(images, masks, columns["keypoints"][row], self.counts[job.indices[row]])

    def _boxes(self, taken: dict[str, Any], plan: Plan) -> list[Objects]:
        lead, form = self.source.lead, self.source.bounding_box_format
        boxes, labels, outlines = (by_frame(taken.get(name, []), lead) for name in ("boxes", "box_labels", "polygons"))
        rows = [
            Objects(
                np.asarray(row, np.float64),
                labels[number] if labels else np.zeros(len(row), np.int32),
                np.ones(len(row)),
                outlines[number] if outlines else None,
            )
            for number, row in enumerate(boxes)
        ]
        return objects.through(plan, rows, self.box_filter, form, lead)

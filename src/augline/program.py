"""A list of transforms made ready: from (epoch, sample ids, image sizes) to the plan of a batch."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from augline import engines
from augline.arrays import Array, Namespace
from augline.errors import ArgumentError
from augline.plan import APPROXIMATE, EXACT, Extent, Frame, Plan, Stage, make_plan
from augline.plan.fuse import Rule
from augline.plan.mix import Mix
from augline.random import Draw, Layout
from augline.sight import Known, Shown, Sight
from augline.transforms.base import Expansion, Transform, at_epoch, expand
from augline.transforms.compose import schedules

_UNKNOWN = ((97, 131), (113, 89))  # two sizes to try a list on where the real ones are not known yet


class Program:
    """Draws and plans batches of a list of transforms.

    Args:
        transforms: The list.
        seed: Of all draws.
        channels: Of the images that come in.
        dtype: Of the images that come in: "uint8", "uint16" or "float32".
        value_range: What 0 and 1 inside the plan mean for them.
        size: Their (height, width) where all share it, else None.
        engine: A name from `engines.ENGINES`, or "auto".
        mixes: Whether whoever runs the plans can mix samples.
        sees: Which of "boxes" and "masks" whoever asks for plans will show.

    Raises:
        ArgumentError: A transform does not fit the images, as far as that can be known.
        EngineError: The engine lacks something.
    """

    def __init__(
        self, transforms: Sequence[Transform], *, seed: int, channels: int, dtype: str,
        value_range: tuple[float, float], size: tuple[int, int] | None, engine: str = "auto", mixes: bool = False,
        sees: Collection[str] = (),
    ) -> None:  # fmt: skip
        self.transforms = tuple(transforms)
        self.seed, self.channels, self.dtype, self.value_range, self.size = seed, channels, dtype, value_range, size
        self.engine = engines.engine_named(engine)
        self._layout = Layout()
        sizes = np.asarray([size, size] if size else _UNKNOWN)
        expansion, plan = self.plan(0, np.arange(2), sizes, known=Known.imaginary(sees, sizes))
        for epoch in sorted({start for _, _, found in schedules(self.transforms) for start, _ in found.points} - {0}):
            self.plan(epoch, np.arange(2), sizes, known=Known.imaginary(sees, sizes))  # what would fail then fails now
        _check_mixing(plan, mixes)
        engines.check(self.engine, plan)
        self.trial = plan
        """A plan of two imaginary images: what a batch's plan will be made of."""
        self.output_size: tuple[int, int] | None = expansion.frame.extent.static
        self._uneven = _uneven(expansion.stages, self.frame(sizes, size))
        self.output_channels, self.output_dtype = expansion.frame.channels, expansion.frame.dtype

    def plan(
        self,
        epoch: int | Array,
        ids: Array,
        sizes: Array,
        rules: Sequence[Rule] = EXACT + APPROXIMATE,
        known: Shown | None = None,
        xp: Namespace = np,
        scheduled: int | Array | None = None,
    ) -> tuple[Expansion, Plan]:
        """What was drawn for these samples, and the plan that carries it out.

        Args:
            epoch: From 0.
            ids: `(batch,)` sample ids.
            sizes: `(batch, 2)` heights and widths of the images as they come.
            rules: Fusion rules.
            known: Their targets, for transforms that look at them.
            xp: Array namespace of ids and sizes, and of the plan.
            scheduled: The epoch that schedules go by, where that is another.
        """
        draw = Draw(self.seed, epoch, ids, xp=xp, layout=self._layout)
        before = self.frame(sizes, self.size, xp)
        if known is not None and known.kinds:
            before = before.with_(sight=Sight(known, before, before.extent))
        transforms = self.transforms if scheduled is None else at_epoch(self.transforms, scheduled, xp)
        expansion = expand(transforms, draw, before)
        self._layout = draw.layout
        return expansion, make_plan(expansion.stages, before, expansion.frame, rules)

    def common_size(self) -> tuple[int, int]:
        """The size of all images that come out.

        Raises:
            ArgumentError: They differ in size, so that they fit no batch.
        """
        if self.output_size is None:
            received = "a list that leaves them in sizes of their own"
            fix = "Give size=(height, width), or end the geometry with Resizing, RandomCrop or RandomResizedCrop"
            if self._uneven:
                received = f"{self._uneven}, behind which they have sizes of their own"
                fix = "Put Resizing(height, width) behind it, which leaves images of that size as they are"
            raise ArgumentError(
                f"Pipeline({list(self.transforms)}): all images of a batch must come out in one size. "
                f"Received {received}. {fix}."
            )
        return self.output_size

    def frame(self, sizes: Array, size: tuple[int, int] | None, xp: Namespace = np) -> Frame:
        """What the first transform finds: images of these sizes `(batch, 2)`, all of one `size` or not."""
        low, high = self.value_range
        height, width = (xp.astype(sizes[:, k], xp.float64) for k in (0, 1))
        return Frame(xp, Extent(height, width, size), self.channels, (high - low,), (low,), self.dtype)


def _uneven(stages: Sequence[Stage], frame: Frame) -> str:
    """What leaves images of one size in sizes of their own; nothing where they come so, or end in one."""
    name = ""
    for stage in stages:
        after = stage.after(frame)
        if after.extent.static is not None:
            name = ""
        elif frame.extent.static is not None:
            name = ", ".join(getattr(stage, "origin", ()))
        frame = after
    return name


def _check_mixing(plan: Plan, mixes: bool) -> None:
    """Refuses mixing where there are no other samples to mix with, and inside other transforms."""
    for stage in plan.stages:
        if isinstance(stage, Mix) and (not mixes or "/" in stage.origin[0]):
            received, fix = "it without a Pipeline", "Make one, of al.Arrays for example."
            if mixes:
                received = "it inside another transform"
                fix = "Take MixUpOrCutMix for one of the two, or give each a p= of its own: some are mixed twice."
            rule = "samples are mixed at the top level of a Pipeline's list"
            raise ArgumentError(f"{stage.origin[0]}: {rule}. Received {received}. {fix}")

"""Lists with mixings, and the data sets that they can mix."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence

from augline.errors import ArgumentError
from augline.sources import Source
from augline.transforms.base import Drawn, Transform, labels
from augline.transforms.mix import Mixing
from augline.transforms.values import Values


def cut(transforms: Sequence[Transform]) -> tuple[list[list[Transform]], list[Mixing]]:
    """The parts of a list between its mixings, every transform under the name it has in the whole list.

    Raises:
        ArgumentError: Values are rescaled before something is mixed.
    """
    parts: list[list[Transform]] = [[]]
    mixings: list[Mixing] = []
    for label, item in zip(labels(transforms), transforms, strict=True):
        named = dataclasses.replace(item, name=label)
        if isinstance(named, Mixing):
            mixings.append(named)
            parts.append([])
        else:
            parts[-1].append(named)
    for item in (item for part in parts[:-1] for item in part):
        if isinstance(item, Values):
            raise ArgumentError(
                f"{item!r}: values are rescaled behind the last mixing. Received it before {mixings[-1]!r}. "
                "Move it there."
            )
    return parts, mixings


def unnamed(drawn: Sequence[Drawn], transforms: Sequence[Transform]) -> tuple[Drawn, ...]:
    """What was drawn for a list that `cut` has cut, under the names that its transforms were given."""
    given = {label: item.name for label, item in zip(labels(transforms), transforms, strict=True)}
    found = []
    for one in drawn:
        plain = copy.copy(one.transform)
        object.__setattr__(plain, "name", given.get(one.path, plain.name))
        found.append(dataclasses.replace(one, transform=plain))
    return tuple(found)


def check_targets(mixing: Mixing, source: Source) -> None:
    """Refuses to mix what belongs to no label, or lacks masks or soft labels that this mixing needs.

    Raises:
        ArgumentError: That is so.
    """
    columns, spec = source.targets, source.targets.label_spec
    rule = ""
    if mixing.needs_masks and columns.masks is None:
        rule, received, fix = "it needs segmentation masks", "a source without", "Use CutMix, or give masks"
    elif spec is None and all(column is None for column in (columns.masks, columns.boxes, columns.keypoints)):
        rule, received, fix = "there must be something to mix beside pixels", "a source without labels", "Give labels"
    elif mixing.soft_labels and spec is not None and (spec[1].kind != "f" or not spec[0]):
        rule, received = "labels must be one-hot or soft", f"labels of {spec[1]} {spec[0]}"
        fix = "Use label_mode='categorical', or one-hot float32 rows"
    if rule:
        raise ArgumentError(f"{dataclasses.replace(mixing, name=None)!r}: {rule}. Received {received}. {fix}.")

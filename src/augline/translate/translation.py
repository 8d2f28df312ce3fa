"""What a translation is: transforms of ours for somebody else's, and where the two differ in meaning."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from augline.errors import ArgumentError
from augline.transforms import TRANSFORMS, OneOf, Sequential, Transform
from augline.transforms.base import arguments
from augline.transforms.compose import Composite


@dataclasses.dataclass(frozen=True)
class Difference:
    """Where a transform of ours does not mean what the one it stands for means.

    Attributes:
        transform: Name of theirs.
        theirs: What theirs does.
        ours: What ours does instead.
    """

    transform: str
    theirs: str
    ours: str

    def __str__(self) -> str:
        return f"{self.transform}\n    theirs: {self.theirs}\n    ours:   {self.ours}"


@dataclasses.dataclass(frozen=True, repr=False)
class Translation:
    """A list of transforms in place of somebody else's; goes wherever a list of transforms goes, and prints readably.

    Attributes:
        transforms: The list.
        differences: Where it differs in meaning, each once.
    """

    transforms: tuple[Transform, ...]
    differences: list[Difference]

    def __iter__(self) -> Iterator[Transform]:
        return iter(self.transforms)

    def __len__(self) -> int:
        return len(self.transforms)

    def __repr__(self) -> str:
        lines = ["[", *(line for item in self.transforms for line in _lines(item, 1)), "]", ""]
        if not self.differences:
            return "\n".join([*lines, "No difference in meaning is known."])
        return "\n".join([*lines, "Differences in meaning:", *(f"- {d}" for d in self.differences)])

    __str__ = __repr__


@dataclasses.dataclass
class Given:
    """One transform of another library: its arguments by name, and what turns out to differ."""

    library: str
    name: str
    arguments: Mapping[str, Any]
    differences: list[Difference] = dataclasses.field(default_factory=list)

    def __getitem__(self, key: str) -> Any:
        if key not in self.arguments:
            raise self.refusal(
                f"must have the argument {key}", ", ".join(self.arguments) or "none",
                f"It comes from another version of {self.library}: load it there and write it again",
            )  # fmt: skip
        return self.arguments[key]

    def get(self, key: str, default: Any = None) -> Any:
        """An argument that may be missing."""
        value = self.arguments.get(key)
        return default if value is None else value

    def say(self, theirs: str, ours: str) -> None:
        """Notes a difference, once."""
        found = Difference(self.name, theirs, ours)
        if found not in self.differences:
            self.differences.append(found)

    def unless(self, same: bool, theirs: str, ours: str) -> None:
        """Notes a difference unless the case does not arise."""
        if not same:
            self.say(theirs, ours)

    def refusal(self, rule: str, received: str, fix: str) -> ArgumentError:
        """The error for what has no counterpart."""
        return ArgumentError(
            f"translate({self.name}): {self.library}'s {self.name} {rule}. Received {received}. {fix}."
        )

    def only(self, key: str, value: Any, default: Any = None) -> None:
        """Refuses an argument that has no counterpart unless it is the one value that needs none."""
        if self.get(key, default) != value:
            rule = f"has a counterpart only with {key}={value!r}"
            raise self.refusal(rule, f"{key}={self.arguments[key]!r}", f"Write {key}={value!r}, or leave it out")

    def inner(self, name: str, arguments: Mapping[str, Any]) -> Given:
        """One that stands inside this one; its differences are noted in the same place."""
        return Given(self.library, name, arguments, self.differences)


Rule: TypeAlias = Callable[[Given], Sequence[Transform] | Transform]
"""Makes our transforms of theirs."""
Pairs: TypeAlias = Mapping[str, Sequence[tuple[str, str]]]
"""By name, (theirs, ours): the differences that hold whatever the arguments are."""


def carry_out(given: Given, rules: Mapping[str, Rule], always: Pairs) -> list[Transform]:
    """Our transforms for one of theirs, by the table of a library."""
    if given.name not in rules:
        raise unknown(given)
    for theirs, ours in always.get(given.name, ()):
        given.say(theirs, ours)
    made = rules[given.name](given)
    return [made] if isinstance(made, Transform) else list(made)


_NEAREST = {
    "Blur": "RandomGaussianBlur",
    "AdvancedBlur": "RandomGaussianBlur",
    "Defocus": "RandomGaussianBlur",
    "Sharpen": "RandomSharpness",
    "UnsharpMask": "RandomSharpness",
    "SafeRotate": "RandomRotation",
    "RandomScale": "ScaleJitter",
    "RandomSizedCrop": "RandomResizedCrop",
    "RandomResize": "ScaleJitter",
    "Pad": "Padding",
    "RandomToneCurve": "RandomGamma",
    "PlanckianJitter": "ColorJitter",
    "FancyPCA": "ColorJitter",
    "ISONoise": "RandomGaussianNoise",
    "MultiplicativeNoise": "RandomGaussianNoise",
    "ChannelDropout": "RandomChannelShuffle",
    "PiecewiseAffine": "RandomElasticTransform",
    "ThinPlateSpline": "RandomElasticTransform",
    "LinearTransformation": "Rescaling",
}
"""By name, where the nearest of ours is not the one that sounds alike."""


def unknown(given: Given) -> ArgumentError:
    """The error for a name that no table has."""
    name = given.name.rpartition(".")[2]
    sounds = {ours.removeprefix("Random").lower(): ours for ours in TRANSFORMS}
    close = difflib.get_close_matches(name.removeprefix("Random").lower(), [*sounds], n=1, cutoff=0.6)
    near = _NEAREST.get(name) or (sounds[close[0]] if close else None)
    fix = f"The nearest in augline is {near}; write it by hand, or" if near else "Nothing in augline comes near it;"
    return given.refusal("must have a counterpart in augline", given.name, f"{fix} leave this one out")


def counterpart(given: Given, name: str, **arguments: Any) -> Transform:
    """Our transform of that name, if this version has it and takes the arguments."""
    if name not in TRANSFORMS:
        raise unknown(given)
    made: Transform = TRANSFORMS[name](**arguments)
    return made


def with_chance(items: Sequence[Transform], p: float) -> list[Transform]:
    """The transforms, which so far always act, acting together with a chance."""
    if p == 1 or not items:
        return list(items)
    if len(items) == 1 and items[0].p == 1:
        return [dataclasses.replace(items[0], p=p)]
    return [Sequential(items, p=p)]


def one(items: Sequence[Transform]) -> Transform:
    """The transforms as one; none as one that does nothing."""
    return items[0] if len(items) == 1 else Sequential(items)


def one_of(choices: Sequence[Sequence[Transform]], weights: Sequence[float] | None = None) -> OneOf:
    """One of several lists; equal weights are left out."""
    even = weights is None or len({*weights}) == 1
    return OneOf([one(items) for items in choices], None if even or weights is None else tuple(weights))


def span(low: float, high: float, single: str = "") -> Any:
    """A range, as the one number that means it: "symmetric" for (-f, f), "from 0" for (0, f)."""
    low, high = tidy(low), tidy(high)
    if single == "symmetric" and low == -high and high >= 0:
        return high
    if single == "from 0" and low == 0 and high > 0:
        return high
    return low, high


def tidy(value: float) -> float:
    """A number without the last digits that single precision and subtraction leave."""
    return float(f"{value:.12g}") + 0.0


def _lines(item: Transform, depth: int) -> list[str]:
    indent = "    " * depth
    if not isinstance(item, Composite) or len(repr(item)) + len(indent) < 100:
        return [f"{indent}{item!r},"]
    rest = "".join(f", {name}={value!r}" for name, value in arguments(item).items() if name != "transforms")
    inner = [line for each in item.transforms for line in _lines(each, depth + 1)]
    return [f"{indent}{type(item).__name__}([", *inner, f"{indent}]{rest}),"]

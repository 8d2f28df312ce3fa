"""A pipeline as YAML and back. A file names transforms and sources from two fixed tables; nothing in it is ever run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augline import plain_yaml
from augline.box_filter import BoxFilter
from augline.errors import SpecError
from augline.sources import Source, from_config
from augline.sources.refusal import nearest, refusal
from augline.transforms import TRANSFORMS, Transform
from augline.transforms.base import arguments
from augline.transforms.compose import Composite
from augline.transforms.own import name_of
from augline.transforms.schedules import Schedule

if TYPE_CHECKING:
    from augline.pipeline import Pipeline

VERSION = 1
LIMIT = 1_000_000
"""Characters that a file may have: a list of transforms has a few hundred."""
_ALWAYS = ("size", "batch_size", "seed")


def to_yaml(pipe: Pipeline) -> str:
    """The pipeline as YAML: its source, transforms, and the settings that differ from their defaults.

    A source that no file can hold, such as `Arrays`, becomes a comment; `from_yaml` takes it as an argument then.

    Raises:
        SpecError: A transform is of a class of your own, or the source's list is too long for a file.
    """
    document: dict[str, Any] = {"augline": VERSION}
    comment = ""
    try:
        document["source"] = plain(pipe.source.config())
    except SpecError:
        comment = f"# source: {' '.join(repr(pipe.source).split())}: pass it to from_yaml(..., source=...)\n"
    text = comment + plain_yaml.dump(document | described(pipe))
    if len(text) > LIMIT:
        fix = "Put the list into a CSV file, and use Table; or pass the source to from_yaml(..., source=...)."
        rule = f"a configuration file may have {LIMIT:,} characters"
        raise refusal(SpecError, f"to_yaml({_short(pipe.source)})", rule, f"{len(text):,}", fix)
    return text


def from_yaml(cls: type[Pipeline], text_or_path: str | Path, source: Source | None) -> Pipeline:
    """The pipeline that a file or a text describes; see `Pipeline.from_yaml`.

    Raises:
        SpecError: It describes no pipeline.
        ArgumentError: A transform or setting refuses its value.
    """
    owner, text = _text(text_or_path)
    spec = _checked(owner, text)
    config = spec.pop("source", None)
    if source is None and config is None:
        fix = "Pass it: Pipeline.from_yaml(..., source=Arrays(images)); or write source: {Folder: {path: photos}}."
        raise refusal(SpecError, owner, "there must be a source", "none", fix)
    return cls(source if source is not None else from_config(config), spec.pop("transforms", ()), **spec)


def load_spec(path: str | Path) -> dict[str, Any]:
    """What a file says, checked: `transforms` built, `source` as `sources.from_config` takes it, and settings.

    Raises:
        SpecError: It describes no pipeline.
        ArgumentError: A transform refuses its arguments.
    """
    return _checked(*_text(path))


def described(pipe: Pipeline, strict: bool = True) -> dict[str, Any]:
    """Transforms, and the settings that are not at their defaults; what no file can name is refused if `strict`."""
    defaults = {name: p.default for name, p in inspect.signature(type(pipe)).parameters.items()}
    settings = {name: value for name, value in pipe.settings().items() if name in _ALWAYS or value != defaults[name]}
    return {"transforms": plain(pipe.transforms, strict), **plain(settings)}


def plain(value: Any, strict: bool = True) -> Any:
    """Lists, dicts, strings and numbers only; a transform as `{name: arguments}`, or as its name alone.

    What no file can name is refused if `strict`; else functions and classes of your own stand there by name.
    """
    if isinstance(value, Transform):
        name = type(value).__name__
        if TRANSFORMS.get(name) is not type(value) and strict:
            fix = "Leave it out, and add it to the list after loading."
            raise refusal(SpecError, "to_yaml", "a file can name augline's own transforms only", repr(value), fix)
        given = plain(arguments(value), strict)
        return {name: given} if given else name
    if isinstance(value, BoxFilter):
        value = {name: number for name, number in asdict(value).items() if number != getattr(BoxFilter, name)}
    if isinstance(value, Schedule):
        value = value.config()
    if isinstance(value, Mapping):
        return {str(key): plain(item, strict) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item, strict) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    if callable(value):
        if (registered := name_of(value)) is None and strict:
            fix = "Write @augline.register('a name') above its def."
            raise refusal(SpecError, "to_yaml", "a file can name registered functions only", repr(value), fix)
        return registered or f"{value.__module__}.{getattr(value, '__qualname__', type(value).__qualname__)}"
    return next((kind(value) for kind in (int, float, str) if isinstance(value, kind)), str(value))


def _text(text_or_path: str | Path) -> tuple[str, str]:
    """(owner for messages, text)."""
    if isinstance(text_or_path, str) and "\n" in text_or_path:
        return "from_yaml(text)", text_or_path
    owner = f"from_yaml({str(text_or_path)!r})"
    try:
        with Path(text_or_path).open("rb") as file:
            return owner, file.read(LIMIT + 1).decode("utf-8")
    except UnicodeDecodeError:
        received = "other bytes"
        raise refusal(SpecError, owner, "it must be a text file in UTF-8", received, "Save it as UTF-8.") from None
    except (OSError, ValueError) as error:
        fix = "Correct the path. (YAML itself is taken if it has more than one line.)"
        received = getattr(error, "strerror", None) or str(error)
        raise refusal(SpecError, owner, "it must be a file that can be read", received, fix) from None


def _checked(owner: str, text: str) -> dict[str, Any]:
    document = _parse(owner, text)
    for key in document:
        if key not in _KEYS:
            fix = f"{nearest(key, [*_KEYS])}The keys are {', '.join(_KEYS)}."
            raise refusal(SpecError, owner, f"there is no key {key!r}", f"{key}: {_short(document[key])}", fix)
    for key, value in document.items():
        good, rule, example = _KEYS[key]
        if not good(value):
            raise refusal(SpecError, owner, f"{key} must be {rule}", _short(value), f"Write {key}: {example}.")
    document.pop("augline", None)
    spec = {key: tuple(value) if isinstance(value, list) else value for key, value in document.items()}
    if "box_filter" in spec:
        spec["box_filter"] = _box_filter(owner, spec["box_filter"])
    return spec | {"transforms": transforms_of(owner, spec.get("transforms", ()))}


def transforms_of(owner: str, items: Sequence[Any]) -> tuple[Transform, ...]:
    """The transforms of which `plain` made these.

    Raises:
        SpecError: They describe none.
        ArgumentError: A transform refuses its arguments.
    """
    return tuple(_transform(owner, item) for item in items)


def _transform(owner: str, item: Any) -> Transform:
    name, given = next(iter(item.items())) if isinstance(item, dict) and len(item) == 1 else (item, None)
    given = {} if given is None else given
    if not isinstance(name, str) or not isinstance(given, dict) or not all(isinstance(key, str) for key in given):
        fix = "Write - RandomRotation: {factor: 0.05}, for example."
        raise refusal(SpecError, owner, "a transform is its name and its arguments by name", _short(item), fix)
    if name not in TRANSFORMS:
        fix = f"{nearest(name, [*TRANSFORMS])}The transforms are {', '.join(TRANSFORMS)}."
        raise refusal(SpecError, owner, f"there is no transform {name}", name, fix)
    if issubclass(TRANSFORMS[name], Composite) and isinstance(given.get("transforms"), list):
        given = given | {"transforms": [_transform(owner, inner) for inner in given["transforms"]]}
    try:
        return TRANSFORMS[name](**given)
    except TypeError as error:
        rule = f"{name} must have arguments of the right types"
        raise refusal(SpecError, owner, rule, f"{_short(given)}: {error}", "Correct them.") from None


def _box_filter(owner: str, given: Any) -> BoxFilter:
    known = [field.name for field in fields(BoxFilter)]
    if unknown := [key for key in given if key not in known]:
        fix = f"{nearest(str(unknown[0]), known)}The arguments are {', '.join(known)}."
        raise refusal(SpecError, owner, f"box_filter has no {unknown[0]!r}", _short(given), fix)
    return BoxFilter(**given)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _two(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_whole, value))


def _source(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and all(isinstance(given, dict) for given in value.values())


_KEYS: dict[str, tuple[Callable[[Any], bool], str, str]] = {
    "augline": (lambda v: _whole(v) and v == VERSION, f"{VERSION}, the version of the format", str(VERSION)),
    "source": (lambda v: v is None or _source(v), "a source and its arguments", "{Folder: {path: photos}}"),
    "transforms": (lambda v: isinstance(v, list), "a list", "[RandomFlip, RandomRotation: {factor: 0.05}]"),
    "size": (lambda v: v is None or _two(v), "a height and a width", "[224, 224]"),
    "batch_size": (_whole, "a whole number", "32"),
    "seed": (_whole, "a whole number", "7"),
    "shuffle": (lambda v: isinstance(v, bool), "true or false", "false"),
    "drop_remainder": (lambda v: isinstance(v, bool), "true or false", "true"),
    "engine": (lambda v: isinstance(v, str), "an engine's name", "auto"),
    "on_error": (lambda v: isinstance(v, str), "raise, skip or replace", "skip"),
    "workers": (lambda v: v is None or _whole(v), "a whole number", "4"),
    "box_filter": (lambda v: isinstance(v, dict), "its arguments by name", "{min_visibility: 0.3}"),
    "shard": (_two, "this host's number and how many there are", "[0, 2]"),
}
"""Per key of a file: whether a value can be one, what it must be, and an example. Ranges are checked where they act."""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def _parse(owner: str, text: str) -> dict[str, Any]:
    if len(text) > LIMIT:
        rule, fix = f"a file may have {LIMIT:,} characters", "Shorten it; long lists of files belong into a CSV."
        raise refusal(SpecError, owner, rule, "more", fix)
    try:
        document = plain_yaml.load(text)
    except ValueError as error:
        fix = "Write plain keys, values and lists, as Pipeline.to_yaml() does."
        raise refusal(SpecError, owner, "it must be plain YAML", str(error), fix) from None
    if not isinstance(document, dict):
        fix = "Write transforms: and a list under it, for example."
        raise refusal(SpecError, owner, "it must hold keys and values", _short(document), fix)
    return document

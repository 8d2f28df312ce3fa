"""The errors augline raises. Every message reads `Name(args): rule. Received value. Fix.`"""

from __future__ import annotations


class AuglineError(Exception):
    """Base of all errors that augline raises on purpose."""


class ArgumentError(AuglineError, ValueError):
    """A value that a transform, source or pipeline cannot take."""


class UnknownArgumentError(ArgumentError, TypeError):
    """An argument of a name that there is none of; a TypeError too, as Python's own."""


class SourceError(AuglineError, ValueError):
    """A data set that cannot be used: missing, empty, or inconsistent."""


class DecodeError(AuglineError, ValueError):
    """Bytes that are not an image this library reads, or are damaged."""


class EngineError(AuglineError, NotImplementedError):
    """Work that an engine cannot do; the message names an engine that can."""


class SpecError(AuglineError, ValueError):
    """A configuration file that does not describe a pipeline."""


def described(value: object) -> str:
    """A value as messages show it: arrays and tables without their numbers."""
    shape = getattr(value, "shape", None)
    return repr(value) if shape is None else f"{type(value).__name__} of shape {tuple(shape)}"

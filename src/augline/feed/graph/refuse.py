"""The error for what a graph cannot do."""

from __future__ import annotations

from augline.errors import EngineError


def refused(owner: str, rule: str, received: str) -> EngineError:
    """The error, to be raised when the data set is made."""
    return EngineError(
        f"engine='tensorflow' with {owner}: {rule}. Received {received}. Use engine='opencv', whose to_tf() gives the "
        "same batches from NumPy."
    )

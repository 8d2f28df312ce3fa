"""The error for what a graph cannot do."""

from __future__ import annotations

from augline.errors import EngineError


def refused(owner: str, rule: str, received: str, fix: str = "") -> EngineError:
    """The error, to be raised when the data set is made; `fix` is what helps beside another engine."""
    use = f"{fix}, or use" if fix else "Use"
    return EngineError(
        f"engine='tensorflow' with {owner}: {rule}. Received {received}. {use} engine='opencv', whose to_tf() gives "
        "the same batches from NumPy."
    )

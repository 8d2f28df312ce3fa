"""What every run of the tests begins with."""

from __future__ import annotations

import gc


def pytest_collection_finish() -> None:
    """Twelve thousand tests are a heap that every full garbage collection would walk through again: they all stay."""
    gc.collect()
    gc.freeze()

"""A line on stderr for whoever waits for a data set to be listed or read."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter
from typing import Any, ParamSpec

P = ParamSpec("P")

_FIRST, _EACH = 5.0, 60.0
"""Seconds until the first line, and between others."""


def announced(init: Callable[P, None]) -> Callable[P, None]:
    """A constructor that says on stderr that it is at work, if that takes longer than a few seconds."""

    @functools.wraps(init)
    def waited(*args: P.args, **kwargs: P.kwargs) -> None:
        start, done = perf_counter(), threading.Event()
        teller = threading.Thread(target=_tell, args=(args[0], start, done), name="augline-waiting", daemon=True)
        with suppress(RuntimeError):  # where there are no threads nothing is said
            teller.start()
        try:
            init(*args, **kwargs)
        finally:
            done.set()
            if teller.ident:
                teller.join()
        if (seconds := perf_counter() - start) > _FIRST:
            _say(args[0], f"ready after {seconds:.0f} s")

    return waited


def _tell(source: Any, start: float, done: threading.Event) -> None:
    pause = _FIRST
    while not done.wait(pause):
        _say(source, f"still being read after {perf_counter() - start:.0f} s")
        pause = _EACH


def _say(source: Any, what: str) -> None:
    with suppress(Exception):  # no stderr, or a closed one: nobody waits there
        sys.stderr.write(f"augline: {getattr(source, '_owner', type(source).__name__)} {what}\n")
        sys.stderr.flush()

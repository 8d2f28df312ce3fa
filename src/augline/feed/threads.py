"""OpenCV's own threads, switched off while ours run: its pool times ours would be more threads than there are cores.

And what may not wait for threads: the garbage collector, which runs in the midst of whatever a thread does.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class _Users:
    """Who has asked for one thread, and how many there were before the first did."""

    count: int = 0
    before: int = 1
    lock: threading.RLock = field(default_factory=threading.RLock)  # the collector may end a user within another


_users = _Users()


@contextmanager
def one_thread() -> Iterator[None]:
    """OpenCV works in the calling thread; the last of several overlapping users to leave restores what was before.

    The setting is OpenCV's, for the whole process. If somebody else changes it meanwhile, theirs stays.
    """
    import cv2  # with the first batch, not with the package

    with _users.lock:
        if _users.count == 0:
            _users.before = cv2.getNumThreads()
            cv2.setNumThreads(1)
        _users.count += 1
    try:
        yield
    finally:
        with _users.lock:
            _users.count -= 1
            if _users.count == 0 and cv2.getNumThreads() == 1:
                cv2.setNumThreads(_users.before)


_collector = 0


def collecting() -> bool:
    """Whether this thread collects garbage just now, and so may hold any lock: waiting could go on for ever.

    A thread that begins holds one of `threading`'s, for example, which `Thread.join` wants.
    """
    return _collector == threading.get_ident()


def _note(phase: str, _: object) -> None:
    global _collector
    _collector = threading.get_ident() if phase == "start" else 0


gc.callbacks.append(_note)

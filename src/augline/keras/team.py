"""Several threads on the parts of one batch, the caller among them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache


@cache
def _helpers(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="augline-keras")


def share(work: Callable[[int], None], parts: Iterable[int], workers: int) -> None:
    """Does every part once, in any order; when parts fail, raises what the first of them raised."""
    waiting = deque(parts)
    errors: dict[int, BaseException] = {}

    def some() -> None:
        while waiting:
            try:
                part = waiting.popleft()
            except IndexError:  # another thread was faster
                return
            try:
                work(part)
            except Exception as error:  # noqa: BLE001 - carried to the caller
                errors[part] = error

    helping = min(workers, len(waiting)) - 1
    futures = [_helpers(workers - 1).submit(some) for _ in range(helping)]
    some()
    for future in futures:
        future.result()
    if errors:
        raise errors[min(errors)]

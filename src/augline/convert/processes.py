"""Worker processes as the parent sees them; `worker.py` is the other side."""

from __future__ import annotations

import itertools
import json
import os
import pickle
import subprocess
import sys
import threading
import weakref
from collections import deque
from mmap import mmap
from multiprocessing.connection import Pipe
from multiprocessing.reduction import recv_handle, send_handle
from typing import Any

import numpy as np

from augline.convert.elements import Element
from augline.convert.memory import Packed, create, lent, pack, shared, unpack
from augline.convert.recognise import Ended, Reader
from augline.errors import SourceError

_BEGIN = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[3]); from augline.convert.worker import main; "
    "main(int(sys.argv[1]), int(sys.argv[2]))"
)
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_HEAP = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**28)}
"""glibc keeps the memory of arrays up to 32 MiB, its highest, for the next. By default large ones come from the system
and go back to it, with a page fault every 4 kB: two fifths of the time of a NumPy source of photos."""


class WorkerTraceback(Exception):  # noqa: N818 - it only carries text
    """Where in a worker process an error arose."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


class Shipment:
    """A source packed for the workers, with a number by which they know whether they have it."""

    _versions = itertools.count(1)

    def __init__(self, packed: Packed) -> None:
        self.version = next(self._versions)
        self.pickled, self.spans, self.size = packed.pickled, packed.spans, packed.size
        self.descriptor, self._memory = -1, None
        if packed.size:
            self.descriptor = create(packed.size)
            self._memory = shared(self.descriptor, packed.size)
            packed.write(self._memory)
            weakref.finalize(self, os.close, self.descriptor).atexit = False

    def holds(self, packed: Packed) -> bool:
        """Whether the source was the same."""
        return packed.equals(self.pickled, self._memory)


class Outbox:
    """The last shipment, sent again as long as the source has not changed."""

    def __init__(self) -> None:
        self._last: Shipment | None = None
        self._lock = threading.Lock()

    def shipment(self, reader: Reader) -> Shipment:
        """The source as it is now."""
        with self._lock:
            packed = pack(reader, code=True)
            if self._last is None or not self._last.holds(packed):
                self._last = Shipment(packed)
            return self._last

    def clear(self) -> None:
        """Lets go of the memory."""
        with self._lock:
            self._last = None


class Remote:
    """One worker process. Only the thread that owns it talks to it."""

    def __init__(self) -> None:
        self._connection, there = Pipe()
        gone, self._lifeline = os.pipe()
        environment = {
            **_QUIET,
            **_HEAP,
            **os.environ,
            "CUDA_VISIBLE_DEVICES": "-1",
        }  # a worker would take the whole GPU
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BEGIN, str(there.fileno()), str(gone), json.dumps(sys.path)],
            pass_fds=(there.fileno(), gone), env=environment, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        there.close()
        os.close(gone)
        self._version, self._memories, self._freed = 0, dict[int, mmap](), deque[int]()

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def read(self, shipment: Shipment, seed: int, epoch: int, index: int) -> Element:
        """One element, its arrays in shared memory that is used again when they are gone.

        Raises:
            Ended: A stream has no further one.
            SourceError: The process died.
            Exception: What the source raised, with the worker's traceback as its cause.
        """
        try:
            self.send(shipment)
            freed = [self._freed.popleft() for _ in range(len(self._freed))]
            self._connection.send(("read", seed, epoch, index, freed))
            return self._element(*self._reply())
        except (EOFError, OSError) as error:
            if isinstance(error, OSError) and self.alive:  # the source's own
                raise
            raise SourceError(
                f"its worker process ended with exit code {self._process.wait()} (-9: killed, often for want of memory)"
            ) from error

    def close(self) -> None:
        """Ends the process, whatever it does."""
        if self._lifeline < 0:
            return
        os.close(self._lifeline)
        self._lifeline = -1
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def send(self, shipment: Shipment) -> None:
        """Sends the source, unless it is there already."""
        if self._version == shipment.version:
            return
        self._connection.send(("source", shipment.pickled, shipment.spans, shipment.size))
        if shipment.size:
            send_handle(self._connection, shipment.descriptor, self._process.pid)
        self._reply()
        self._version = shipment.version

    def _reply(self) -> tuple[Any, ...]:
        kind, *rest = self._connection.recv()
        if kind == "ended":
            raise Ended
        if kind == "failed":
            pickled, text = rest
            error = pickle.loads(pickled) if pickled else SourceError(text.strip().rpartition("\n")[2])
            raise error from WorkerTraceback(text)
        return tuple(rest)

    def _element(self, pickled: bytes, spans: Any, size: int, key: int | None) -> Element:
        if key is None:
            return unpack(pickled, spans, None)
        if (memory := self._memories.get(key)) is None:
            descriptor = recv_handle(self._connection)
            memory = shared(descriptor, size)
            os.close(descriptor)
            if key < 0:  # many are held: a mapping each would exhaust the descriptors
                return unpack(pickled, spans, np.frombuffer(memory, np.uint8).copy())
            self._memories[key] = memory
        freed = self._freed  # not self: a batch that is still held must not keep its worker
        return unpack(pickled, spans, lent(memory, lambda: freed.append(key)))

"""A worker process: reads elements of a source and lays them into shared memory. Started by `processes.py`.

It is a program of its own, not a fork (a fork after TensorFlow has started threads may hang) and not
`multiprocessing`'s spawn (which runs the user's main script again, training and all, where that has no guard).
"""

from __future__ import annotations

import os
import pickle
import random
import signal
import sys
import threading
import traceback
from mmap import mmap
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from typing import Any

import numpy as np

from augline.convert.elements import mapped, normalised
from augline.convert.memory import Packed, create, pack, private, shared, unpack
from augline.convert.recognise import Ended

_KEPT = 6  # memories used over and over; an element beyond these gets one that is dropped after it


def main(connection: int, lifeline: int) -> None:
    """Serves one parent until it is gone.

    Args:
        connection: Descriptor that requests come from and replies go to.
        lifeline: Descriptor of a pipe that the parent holds open while it lives.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    threading.Thread(target=_watch, args=(lifeline,), daemon=True).start()
    server = Server(Connection(connection))
    while True:
        try:
            request = server.connection.recv()
        except (EOFError, OSError):
            os._exit(0)
        server.answer(*request)


def seed_all(seed: int, epoch: int, index: int) -> None:
    """Sets the global generators by what is to be read, so that who reads it makes no difference."""
    words = np.random.SeedSequence([seed, epoch, index]).generate_state(4)
    np.random.seed(words)  # noqa: NPY002 - it is the users' code that draws from it
    random.seed(words.tobytes())
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(int(words[0]))


class Server:
    """The source as last sent, and the memories that replies lie in."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._reader: Any = None
        self._pass: Any = None
        self._read: Any = None
        self._memories: dict[int, mmap] = {}
        self._free: list[int] = []
        self._count = 0

    def answer(self, kind: str, *arguments: Any) -> None:
        """Does what a request asks, and replies to it."""
        try:
            reply, descriptor = getattr(self, kind)(*arguments)
        except Ended:
            reply, descriptor = ("ended",), None
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent raises it
            reply, descriptor = ("failed", _pickled(error), "".join(traceback.format_exception(error))), None
        self.connection.send(reply)
        if descriptor is not None:
            send_handle(self.connection, descriptor, os.getppid())
            os.close(descriptor)

    def source(self, pickled: bytes, spans: Any, size: int) -> tuple[Any, int | None]:
        """Takes a source in, instead of the last one."""
        memory = None
        if size:
            descriptor = recv_handle(self.connection)
            memory = private(descriptor, size)
            os.close(descriptor)
        self._reader, self._pass = unpack(pickled, spans, memory), None
        return ("done",), None

    def read(self, seed: int, epoch: int, index: int, freed: list[int]) -> tuple[Any, int | None]:
        """Reads one element of a pass."""
        self._free += [key for key in freed if key in self._memories]
        if self._pass != epoch:
            seed_all(seed, epoch, 0)
            self._pass, self._read = epoch, self._reader.at(epoch)
        if self._reader.indexed:
            seed_all(seed, epoch, index)
        element = mapped(_contiguous, normalised(self._read(index)))
        return self._placed(pack(element))

    def _placed(self, packed: Packed) -> tuple[Any, int | None]:
        key, descriptor = None, None
        if packed.size:
            key = next((key for key in self._free if len(self._memories[key]) >= packed.size), None)
            if key is not None:
                self._free.remove(key)
            else:
                key, descriptor = self._new(packed.size)
            packed.write(self._memories[key])
            if key < 0:
                del self._memories[key]
        return ("element", packed.pickled, packed.spans, packed.size, key), descriptor

    def _new(self, size: int) -> tuple[int, int]:
        """A memory of at least so many bytes; of a passing kind (a negative key) if there are many."""
        while self._free:  # all too small: they go, and this one stays
            del self._memories[self._free.pop()]
        self._count += 1
        key = self._count if len(self._memories) < _KEPT else -self._count
        descriptor = create(size)
        self._memories[key] = shared(descriptor, size)
        return key, descriptor


def _contiguous(array: Any) -> Any:
    return np.asarray(array, order="C")  # ascontiguousarray would give a single number an axis


def _watch(lifeline: int) -> None:
    os.read(lifeline, 1)  # returns when the parent has closed it or died
    os._exit(0)


def _pickled(error: BaseException) -> bytes | None:
    try:
        result = pickle.dumps(error)
        pickle.loads(result)  # some errors refuse to come back: their __init__ wants more than their message
    except Exception:  # noqa: BLE001
        return None
    return result

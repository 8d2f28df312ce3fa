"""Sources that tests hand to `to_dataset`; a module of its own, so that worker processes can import it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np


class Sequence:
    """As Keras's: batches by index, in an order that each epoch's end turns around."""

    def __init__(self, count=10, batch=4, fault=None):
        self.order, self.batch, self.fault, self.log = np.arange(count), batch, fault, []

    def __len__(self):
        return len(self.order)

    def __getitem__(self, index):
        if self.fault == index:
            raise ZeroDivisionError("a fault in the source")
        return np.full((self.batch, 3), self.order[index], "float32"), np.random.rand(self.batch)  # noqa: NPY002 - as users' sources draw

    def on_epoch_begin(self):
        self.log.append("begin")

    def on_epoch_end(self):
        self.log.append("end")
        self.order = self.order[::-1].copy()


class Slow(Sequence):
    def __getitem__(self, index):
        time.sleep(0.05)
        return super().__getitem__(index)


class Dying(Sequence):
    def __getitem__(self, index):
        if index == 3:
            os._exit(7)
        return super().__getitem__(index)


class Varying(Sequence):
    """Batches that grow, with text, held by nobody but the consumer."""

    def __getitem__(self, index):
        return {"x": np.full((index + 1, 2), index), "name": np.asarray([f"n{index}"] * (index + 1))}


def counted_generator():
    for index in range(4):
        yield np.full((2, 2), index, "int32"), np.random.rand(2)  # noqa: NPY002


def children(pid=None):
    """Processes whose parent is `pid`."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == (pid or os.getpid()) and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found

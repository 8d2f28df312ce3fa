"""Who asks for batches, as the threads' stacks show it; `test_strategies.py` has it with Keras."""

from __future__ import annotations

import gc
import sys

import pytest

from augline.convert.distribute import Caller, caller


@pytest.mark.parametrize("collects", [True, False])
def test_no_garbage_is_collected_while_the_threads_are_looked_at(collects, monkeypatch):
    """Python 3.11 would hang over a `threading.local`, which takes the lock under which the threads are looked at."""
    real, looking, begun = sys._current_frames, [], []

    def watched():
        new = [set(), set()]  # what is counted; a frame is the next, and begins a collection
        gc.set_threshold(gc.get_count()[0])
        looking.extend(new)
        try:
            return real()
        finally:
            looking.clear()

    def begins(phase, _):
        begun.extend(looking)

    monkeypatch.setattr(sys, "_current_frames", watched)
    thresholds, before = gc.get_threshold(), gc.isenabled()
    gc.callbacks.append(begins)
    try:
        (gc.enable if collects else gc.disable)()
        assert caller() == Caller()
        assert not begun
        assert gc.isenabled() == collects
    finally:
        gc.callbacks.remove(begins)
        gc.set_threshold(*thresholds)
        (gc.enable if before else gc.disable)()

"""Sources with an index, read by threads and by processes."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import fresh  # noqa: E402
from augline.convert import to_dataset  # noqa: E402
from augline.errors import ArgumentError, SourceError  # noqa: E402
from convert import sources  # noqa: E402


def numbers(dataset):
    return [int(x[0, 0]) for x, _ in dataset.as_numpy_iterator()]


def draws(dataset):
    return np.stack([y for _, y in dataset.as_numpy_iterator()])


@pytest.mark.parametrize("settings", [{"workers": 0}, {}, {"workers": 3, "processes": False}, {"workers": 2}])
def test_order_length_and_hooks(settings):
    source = sources.Sequence()
    dataset = to_dataset(source, **settings)
    assert dataset.cardinality() == 10
    assert numbers(dataset) == list(range(10))
    assert numbers(dataset) == list(range(10))[::-1]
    assert source.log == ["begin", "end"] * 2


def test_left_early_ends_the_pass_before_the_next_begins():
    source = sources.Sequence()
    dataset = to_dataset(source)
    assert numbers(dataset.take(2)) == [0, 1]
    assert numbers(dataset) == list(range(10))[::-1]
    assert source.log == ["begin", "end"] * 2


def test_draws_in_processes_depend_on_seed_pass_and_index_only_and_never_repeat():
    dataset = to_dataset(sources.Sequence(), workers=1, processes=True)
    two = to_dataset(sources.Sequence(), workers=2)
    passes = [draws(dataset) for _ in range(2)]
    for expected in passes:
        np.testing.assert_array_equal(draws(two), expected)
    assert len(np.unique(np.concatenate(passes))) == 2 * 10 * 4
    assert not np.array_equal(draws(to_dataset(sources.Sequence(), workers=1, processes=True, seed=1)), passes[0])


def test_shuffle_reads_each_pass_in_another_order():
    dataset = to_dataset([np.full((2, 2), i) for i in range(30)], shuffle=True)
    passes = [[int(x[0, 0]) for x in dataset] for _ in range(2)]
    assert passes[0] != passes[1]
    assert [sorted(p) for p in passes] == [list(range(30))] * 2


def test_batches_from_processes_may_grow_and_be_kept():
    dataset = to_dataset(sources.Varying(count=30), workers=2)
    kept = list(dataset.as_numpy_iterator())
    for index, element in enumerate(kept):
        assert element["x"].shape == (index + 1, 2)
        assert (element["x"] == index).all()
        assert element["name"].tolist() == [f"n{index}".encode()] * (index + 1)


def test_a_generator_function_in_a_process():
    dataset = to_dataset(sources.counted_generator, processes=True)
    for _ in range(2):
        assert numbers(dataset) == [0, 1, 2, 3]
    with pytest.raises(ArgumentError, match="generator object cannot leave its process"):
        to_dataset(sources.counted_generator(), processes=True)


@pytest.mark.parametrize("settings", [{}, {"workers": 2}])
def test_an_exception_names_the_element_and_shows_where(settings):
    dataset = to_dataset(sources.Sequence(fault=6), **settings)
    with pytest.raises(tf.errors.InvalidArgumentError, match="ZeroDivisionError at element 6 of pass 1") as caught:
        list(dataset)
    assert 'raise ZeroDivisionError("a fault in the source")' in str(caught.value)


def test_a_worker_that_dies_is_an_error_and_the_next_pass_has_new_ones():
    dataset = to_dataset(sources.Dying(), workers=2)
    for _ in range(2):
        with pytest.raises(tf.errors.InvalidArgumentError, match="ended with exit code 7"):
            list(dataset)


def test_a_source_that_cannot_leave_is_read_by_threads_with_a_message():
    source = sources.Sequence()
    source.lock = threading.Lock()
    with pytest.warns(UserWarning, match=r"2 threads read it, not processes.*pickle"):
        dataset = to_dataset(source, workers=2)
    assert numbers(dataset) == list(range(10))
    with pytest.raises(ArgumentError, match="must go to other processes"):
        to_dataset(source, workers=2, processes=True)


def test_local_classes_go_to_processes():
    class Local:
        def __len__(self):
            return 10

        def __getitem__(self, index):
            return np.zeros(3), index

    dataset = to_dataset(Local(), workers=2)
    assert dataset.element_spec[1].shape.rank == 0
    assert [int(label) for _, label in dataset] == list(range(10))


def test_a_source_lives_as_long_as_the_data_sets_and_iterators_made_of_it():
    source = sources.Sequence()
    gone = weakref.ref(source)
    iterator = iter(to_dataset(source).map(lambda x, _: x).prefetch(1))
    next(iterator)
    del source
    gc.collect()
    assert len(list(iterator)) == 9
    del iterator
    gc.collect()
    assert gone() is None
    twice = tf.data.Dataset.range(2).flat_map(lambda _: to_dataset(sources.Sequence()))  # made where a graph is traced
    gc.collect()
    assert len(list(twice)) == 20


def test_no_process_or_shared_memory_is_left(monkeypatch):
    monkeypatch.setattr("augline.convert.pool._IDLE_SECONDS", 0.5)
    before, memory = set(sources.children()), set(Path("/dev/shm").glob("tmp*"))
    dataset = to_dataset(sources.Slow(count=100), workers=2)
    iterator = iter(dataset)
    next(iterator)
    assert len(set(sources.children()) - before) == 2
    assert not set(Path("/dev/shm").glob("tmp*")) - memory
    del iterator
    gc.collect()  # ends the pass; the idle processes end after a while
    deadline = time.monotonic() + 60
    while set(sources.children()) - before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not set(sources.children()) - before
    assert numbers(dataset.take(3)) == [99, 98, 97]  # and are started anew


SCRIPT = """
import sys, time
sys.path[:0] = {path!r}
import numpy as np
from augline.convert import to_dataset
class Mine:  # no guard around the main script, as in most training scripts
    def __len__(self): return 1000
    def __getitem__(self, i):
        time.sleep(0.01)
        return np.full((2, 2), i)
dataset = to_dataset(Mine(), workers=2)
for number, x in enumerate(dataset):
    if number == 3:
        print("started", flush=True)
    if number == {stop}:
        {how}
"""


MAIN = """
import os
import numpy as np
import keras
from augline.convert import to_dataset
VOCABULARY = {"owl": 0, "cow": 1}  # a global of the script, which its classes use
def label(name):
    return VOCABULARY[name]
class Base(keras.utils.PyDataset):
    def __len__(self):
        return 4
class Mine(Base):
    def __init__(self):
        super().__init__(workers=1, use_multiprocessing=True)
        self.names = ["owl", "cow"] * 2
    def __getitem__(self, index):
        return np.full((2, 2), os.getpid()), np.full(2, label(self.names[index]))
elements = list(to_dataset(Mine()).as_numpy_iterator())
assert [int(y[0]) for _, y in elements] == [0, 1, 0, 1], elements
assert os.getpid() not in {int(x[0, 0]) for x, _ in elements}
print("read in", len({int(x[0, 0]) for x, _ in elements}), "other processes")
"""


@pytest.mark.slow
def test_classes_of_the_main_script_go_to_processes_with_what_they_use(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(MAIN)
    command = [sys.executable, "-W", "error::UserWarning", str(script)]
    run = subprocess.run(command, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True,
                         text=True, timeout=120, check=False)  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]
    assert run.stdout.startswith("read in")


@pytest.mark.slow
@pytest.mark.parametrize("how", ["break", "raise SystemExit(0)", "pass"])
def test_a_script_that_stops_or_is_interrupted_ends_at_once_with_all_its_workers(how):
    code = SCRIPT.format(path=sys.path, stop=5, how=how)
    with fresh.Process(code) as process:
        process.says("started\n")
        workers = sources.children(process.pid)
        if how == "pass":
            os.killpg(process.pid, signal.SIGINT)
        code, errors = process.wait(30), process.stderr
    assert (code == 0) == (how != "pass"), errors
    assert how != "pass" or "KeyboardInterrupt" in errors
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


@pytest.mark.slow
def test_a_killed_parent_takes_its_workers_along():
    code = SCRIPT.format(path=sys.path, stop=10**6, how="pass")
    with fresh.Process(code) as process:  # killed as it is left
        process.says("started\n")
        workers = sources.children(process.pid)
        assert len(workers) >= 2
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def test_memory_that_is_held_does_not_exhaust_descriptors():
    dataset = to_dataset(sources.Sequence(count=60), workers=1, processes=True)
    before = len(list(Path("/proc/self/fd").iterdir()))
    kept = list(dataset.as_numpy_iterator())
    assert len(list(Path("/proc/self/fd").iterdir())) - before < 20
    assert [int(x[0, 0]) for x, _ in kept] == list(range(60))


def test_a_length_of_0_and_a_false_length():
    with pytest.raises(SourceError, match="length 0"):
        to_dataset(sources.Sequence(count=0))

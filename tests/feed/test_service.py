"""`to_tf(service=...)`: real servers in processes of their own, which are killed and started again."""

from __future__ import annotations

import gc
import signal
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import augline as al
import fresh
from augline.feed.graph.delivery import Counts, Delivery
from augline.feed.graph.service import _Jobs
from pictures import smooth
from ports import free_port

tf = pytest.importorskip("tensorflow")

PLAIN_WORKER = """
import sys
for name in [name for name in sys.modules if name.startswith("augline.")]:
    del sys.modules[name]
sys.modules["augline"] = None  # cannot be imported
import tensorflow as tf
service = tf.data.experimental.service
worker = service.WorkerServer(service.WorkerConfig(
    dispatcher_address=sys.argv[1], worker_address=f"localhost:{sys.argv[2]}", port=int(sys.argv[2]),
    heartbeat_interval_ms=500))
print("makes batches", flush=True)
worker.join()
"""


COMMAND = "from augline.cli import main; main()"


class Servers:
    """A dispatcher by the command line, and workers by TensorFlow alone."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.folder, self.port = folder, free_port()
        self.ports = [free_port() for _ in range(workers)]
        self.dispatcher = self.start_dispatcher()
        self.workers = [self.start_worker(port) for port in self.ports]

    @property
    def address(self) -> str:
        return f"grpc://localhost:{self.port}"

    def start_dispatcher(self) -> fresh.Process:
        arguments = ["serve", "dispatcher", "--port", self.port, "--work-dir", self.folder]
        return started("listens", COMMAND, *arguments)

    def start_worker(self, port: int) -> fresh.Process:
        return started("makes batches", PLAIN_WORKER, f"localhost:{self.port}", port)


RUNNING: list[fresh.Process] = []


@pytest.fixture(autouse=True)
def _no_server_stays() -> Iterator[None]:
    yield
    while RUNNING:
        with RUNNING.pop():
            pass


def started(says: str, script: str, *arguments: object) -> fresh.Process:
    RUNNING.append(fresh.Process(script, *arguments, COLUMNS="300"))
    return RUNNING[-1].says(says)


@pytest.fixture
def servers(tmp_path: Path) -> Servers:
    return Servers(tmp_path / "journal", 2)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers for tests that kill none."""
    servers = Servers(tmp_path_factory.mktemp("journal"), 1)
    with RUNNING.pop(), RUNNING.pop():
        yield servers


IMAGES = np.stack([smooth(12, 16, 3, "uint8", number) for number in range(360)])


def photos(root: Path) -> al.Folder:
    for number, image in enumerate(IMAGES):
        (root / "ab"[number % 2]).mkdir(exist_ok=True)
        Image.fromarray(image).save(root / "ab"[number % 2] / f"{number}.png")
    return al.Folder(root)


def pipeline(batch_size: int = 2, source: al.Source | None = None, **settings: Any) -> al.Pipeline:
    """One that is compiled fast: each test has servers compile it a few times."""
    source = source or al.Arrays(IMAGES, np.arange(len(IMAGES)) % 2)
    work = [al.RandomFlip(), al.RandomBrightness(0.2)]
    return al.Pipeline(source, work, batch_size=batch_size, seed=3, engine="tensorflow", **settings)


def epochs(pipe: al.Pipeline, count: int) -> list[Any]:
    """All batches of the first epochs, made here."""
    local = pipe.to_tf()
    return [batch for _ in range(count) for batch in local.as_numpy_iterator()]


def elements(delivery: Delivery, end: int) -> Iterator[Any]:
    while delivery.next < end:
        if delivery.ready():
            yield delivery.take()


def assert_same(dataset: Any, local: Any, hook: Any = None) -> None:
    """Every batch of a pass, bit for bit, and in its order."""
    count = 0
    for step, (got, wanted) in enumerate(zip(dataset, local, strict=True)):
        assert all(np.array_equal(*pair) for pair in zip(got, wanted, strict=True)), step
        count += 1
        if hook:
            hook(step)
    assert count


def test_passes_are_those_of_a_local_run_while_servers_are_killed(servers: Servers) -> None:
    pipe = pipeline()
    local, dataset = pipe.to_tf(start=(1, 150)), pipe.to_tf(start=(1, 150), service=servers.address)
    assert dataset.cardinality().numpy() == local.cardinality().numpy() == 180
    assert dataset.element_spec == local.element_spec
    assert_same(dataset, local)

    starting = threading.Thread(target=lambda: servers.start_worker(servers.ports[0]))

    def restart_worker(step: int) -> None:
        if step == 20:
            servers.workers[0].kill()
            servers.workers[0].wait()
        if step == 100:
            starting.start()

    assert_same(dataset, local, restart_worker)
    starting.join()

    def restart_dispatcher(step: int) -> None:
        if step == 20:
            servers.dispatcher.kill()
            servers.dispatcher.wait()
            servers.dispatcher = servers.start_dispatcher()

    assert_same(dataset, local, restart_dispatcher)
    report = dataset.report()
    assert report.delivered == 30 + 180 + 180
    assert report.asked_again >= report.unused >= 0


def test_the_commands_serve_files_and_stop(tmp_path: Path) -> None:
    servers = Servers(tmp_path / "journal", 0)
    worker = started("makes batches", COMMAND, "serve", "worker", "--dispatcher", f"localhost:{servers.port}")
    (tmp_path / "photos").mkdir()
    pipe = pipeline(7, photos(tmp_path / "photos"), size=(10, 11))
    padded, local = pipe.to_tf(last_batch="pad", service=servers.address), pipe.to_tf(last_batch="pad")
    assert_same(padded, local)
    *_, (images, _, weights) = local
    assert images.shape == (7, 10, 11, 3)
    assert weights.numpy().tolist() == [1, 1, 1, 0, 0, 0, 0]
    for process in (worker, servers.dispatcher):
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert "stops" in process.stdout


def test_an_address_at_which_nothing_answers_is_refused_at_once() -> None:
    begin = time.monotonic()
    with pytest.raises(
        al.ArgumentError, match=r"a dispatcher must answer there\. Received .*refused.*augline serve dispatcher"
    ):
        pipeline().to_tf(service=f"grpc://localhost:{free_port()}")
    assert time.monotonic() - begin < 20
    for wrong in ("localhost:5050", "grpc://localhost", "http://localhost:5050", "grpc://:7"):
        with pytest.raises(al.ArgumentError, match="must be grpc://host:port"):
            pipeline().to_tf(service=wrong)
    with pytest.raises(al.ArgumentError, match=r"workers run a graph\. Received engine='opencv'"):
        al.Pipeline(al.Arrays(IMAGES), engine="opencv").to_tf(service="grpc://localhost:1")


def test_epochs_share_a_job_and_a_pass_that_is_left_is_begun_again(
    lasting: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[Sequence[int]] = []
    asked = _Jobs.served
    monkeypatch.setattr(_Jobs, "served", lambda self, numbers: (jobs.append(numbers), asked(self, numbers))[1])
    pipe = pipeline(20)
    local = epochs(pipe, 4)
    dataset = pipe.to_tf(service=lasting.address)
    assert_same(dataset, local[:18])
    assert_same(dataset, local[18:36])
    assert [numbers for numbers in jobs if isinstance(numbers, range)] == [range(18 << 24)]
    assert_same(dataset.take(5), local[36:41])
    assert_same(dataset, local[36:54])
    assert [numbers.start for numbers in jobs if isinstance(numbers, range)] == [0, 36]
    one, other = iter(dataset), iter(dataset)  # two passes beside each other
    for got in (next(one), next(other)):
        assert np.array_equal(got[0], local[54][0])
    del one, other
    monkeypatch.setattr("augline.feed.graph.service._IDLE", 0.1)
    assert_same(dataset, local[54:])
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer) and thread.interval == 0.1:
            thread.join()
    count = len(jobs)
    assert np.array_equal(next(iter(dataset))[0], epochs(pipe, 5)[72][0])
    assert len(jobs) > count


def test_resume_goes_on_through_a_service(lasting: Servers, tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    pipe = pipeline(40)

    def trained(folder: Path, crash: int | None, **arguments: Any) -> Any:
        keras.utils.set_random_seed(5)
        layers = [keras.Input((12, 16, 3)), keras.layers.Rescaling(1 / 255), keras.layers.Flatten()]
        model = keras.Sequential([*layers, keras.layers.Dense(2, activation="softmax")])
        model.compile("adam", "sparse_categorical_crossentropy")
        resume = al.keras.Resume(folder, pipe, every=1)
        seen = []

        class Crash(keras.callbacks.Callback):  # type: ignore[misc]
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                seen.append(batch)
                if len(seen) == crash:
                    raise KeyboardInterrupt

        options = {"epochs": 3, "initial_epoch": resume.initial_epoch, "shuffle": False, "verbose": 0}
        model.fit(resume.dataset(**arguments), callbacks=[resume, Crash()], **options)
        assert (resume.epoch, resume.step) == (3, 0)
        return len(seen), model.get_weights()

    steps, wanted = trained(tmp_path / "local", None)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "served", 13, service=lasting.address)
    rest, weights = trained(tmp_path / "served", None, service=lasting.address)
    assert (steps, rest) == (27, 14)
    assert all(np.array_equal(*pair) for pair in zip(weights, wanted, strict=True))


def test_a_context_takes_its_replicas_parts_and_all_is_let_go(
    lasting: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, asked = [], _Jobs.served
    monkeypatch.setattr(
        _Jobs, "served", lambda self, numbers: (kept.append(weakref.ref(self)), asked(self, numbers))[1]
    )
    pipe = pipeline(50)
    for host in range(2):
        context = tf.distribute.InputContext(num_input_pipelines=2, input_pipeline_id=host, num_replicas_in_sync=4)
        options = {"start": (1, 5), "context": context, "last_batch": "pad"}
        served, local = pipe.to_tf(**options, service=lasting.address), pipe.to_tf(**options)
        assert served.element_spec == local.element_spec
        assert served.cardinality().numpy() == 8
        for _ in range(2):
            assert_same(served, local)
    with pytest.raises(al.ArgumentError, match="every batch must divide among 4 replicas"):
        pipe.to_tf(context=context, service=lasting.address)
    del served
    gc.collect()
    end = time.monotonic() + 60
    while any(jobs() for jobs in kept) and time.monotonic() < end:
        time.sleep(0.05)
    assert [jobs() for jobs in kept] == [None, None]


def test_a_mirrored_strategy_is_fed_by_a_service(lasting: Servers) -> None:
    pipe, strategy = pipeline(40), tf.distribute.MirroredStrategy(["CPU:0"])
    data = strategy.distribute_datasets_from_function(
        lambda context: pipe.to_tf(context=context, service=lasting.address)
    )
    local = epochs(pipe, 2)
    assert_same(data, local[:9])
    assert_same(data, local[9:])


def starved(dataset: Any, servers: Servers) -> Any:
    """An iterator that waits in vain, beside the program: what came before the servers were killed is used up."""
    iterator, count = iter(dataset.prefetch(2)), 0
    next(iterator)
    for process in (servers.dispatcher, *servers.workers):
        process.kill()
        process.wait()
    ended = time.monotonic() + 2
    while time.monotonic() < ended:
        if dataset.report().delivered > count + 3:
            next(iterator)
            count, ended = count + 1, time.monotonic() + 2
        time.sleep(0.001)
    return iterator


def test_an_iterator_is_dropped_when_all_servers_are_gone(servers: Servers) -> None:
    iterator = starved(pipeline().to_tf(service=servers.address), servers)
    begin = time.monotonic()
    del iterator
    assert time.monotonic() - begin < 20


def test_servers_that_stay_away_are_an_error(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augline.feed.graph.delivery._PATIENCE", 0.5)
    monkeypatch.setattr("augline.feed.graph.delivery._GONE", 3)
    dataset = pipeline().to_tf(service=servers.address)
    rest = starved(dataset, servers)
    with pytest.raises(tf.errors.OpError, match=f"the dispatcher at {servers.address} does not answer .*start them"):
        list(rest)


@pytest.mark.parametrize("last", ["threading.Event().wait(2)", "raise SystemExit(3)"])
def test_python_ends_when_all_servers_are_gone(servers: Servers, last: str, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    code = f"""
import pathlib, threading, time
import numpy as np
import augline as al
from augline.feed.graph import delivery
delivery._PATIENCE = 1  # it asks again while there is no one to be asked
pipe = al.Pipeline(al.Arrays(np.zeros((360, 12, 16, 3), "uint8")), batch_size=2, engine="tensorflow")
dataset = pipe.to_tf(service={servers.address!r})
iterator = iter(dataset.prefetch(2))
print("begins", len([next(iterator) for _ in range(5)]), flush=True)
while not pathlib.Path({str(gone)!r}).exists():
    time.sleep(0.01)
def rest():
    for _ in dataset:
        pass
threading.Thread(target=rest, daemon=True).start()
{last}
"""
    process = started("begins", code)
    for server in (servers.dispatcher, *servers.workers):
        server.kill()
        server.wait()
    gone.touch()
    assert process.wait(30) == (3 if "Exit" in last else 0)


def test_what_is_lost_late_or_twice_comes_once_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augline.feed.graph.delivery._PATIENCE", 0.2)
    jobs: list[Sequence[int]] = []
    ended = threading.Event()

    def ask(numbers: Sequence[int]) -> Iterator[tuple[int, str]]:
        jobs.append(numbers)
        if len(jobs) == 1:
            for number in reversed(numbers[:9]):
                yield from [(number, f"{number}")] * (1 + (number == 5))
            for number in numbers[9:150]:
                if number not in (40, 41, 60):
                    yield number, f"{number}"
            raise tf.errors.UnavailableError(None, None, "gone")
        if len(jobs) == 2:
            ended.wait(0.6)  # late itself
        yield from ((number, f"{number}") for number in numbers)

    counts = Counts()
    assert list(elements(Delivery(ask, 0, 200, counts), 200)) == [f"{number}" for number in range(200)]
    report = counts.report()
    assert report.delivered == 200
    assert report.interruptions == 1
    assert report.unused >= 1
    assert {40, 41} <= {number for numbers in jobs[1:] for number in numbers} <= {*range(40, 200)}


def test_what_a_worker_cannot_read_is_said() -> None:
    def ask(numbers: Sequence[int]) -> Iterator[tuple[int, str]]:
        yield 0, "0"
        raise tf.errors.InvalidArgumentError(None, None, "a.webp: a file must be a JPEG")

    with pytest.raises(tf.errors.InvalidArgumentError, match=r"a\.webp"):
        list(elements(Delivery(ask, 0, 3, Counts()), 3))

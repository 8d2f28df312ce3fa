"""`augline serve`: the servers of a tf.data service."""

from __future__ import annotations

import os
import signal
import socket
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from augline.cli.report import console
from augline.errors import ArgumentError

DISPATCHER_PORT = 5050
_HEARTBEAT = 2000  # milliseconds

serve = typer.Typer(no_args_is_help=True, help="Run a tf.data service, for pipe.to_tf(service='grpc://host:port').")


@serve.command()
def dispatcher(
    port: Annotated[int, typer.Option(min=0, max=65535, help="To listen on; 0 takes a free one.")] = DISPATCHER_PORT,
    work_dir: Annotated[
        Path | None,
        typer.Option(help="Keeps a journal there, so that a restart goes on where it stood. On a disk that stays."),
    ] = None,
) -> None:
    """Run the dispatcher, which knows workers and jobs; there is one.

    [bold]augline serve dispatcher[/]                               on port 5050

    [bold]augline serve dispatcher --work-dir /var/lib/augline[/]   survives a restart
    """
    service = _service()
    folder = None if work_dir is None else str(work_dir.resolve())
    if work_dir is not None:
        work_dir.mkdir(parents=True, exist_ok=True)
    config = service.DispatcherConfig(port=port, work_dir=folder, fault_tolerant_mode=folder is not None)
    server = _started(lambda: service.DispatchServer(config), f"dispatcher --port {port}")
    kept = "A restart forgets all jobs; --work-dir keeps them." if folder is None else f"Its journal is in {folder}."
    _until_stopped(f"Dispatcher listens at {server.target}. {kept}", "Dispatcher")


@serve.command()
def worker(
    dispatcher: Annotated[str, typer.Option(help="host:port of the dispatcher.")] = f"localhost:{DISPATCHER_PORT}",
    port: Annotated[int, typer.Option(min=0, max=65535, help="To listen on; 0 takes a free one.")] = 0,
    address: Annotated[
        str | None,
        typer.Option(
            help="host:port at which training reaches this worker; by default this machine's name, or localhost if the "
            "dispatcher is there."
        ),
    ] = None,
) -> None:
    """Run a worker, which makes batches; as many as you like. It reads the images itself: paths must lead there too.

    [bold]augline serve worker --dispatcher data-0:5050[/]
    """
    place = dispatcher.removeprefix("grpc://")
    host, _, number = place.rpartition(":")
    if not host or not number.isdecimal():
        raise ArgumentError(
            f"augline serve worker: --dispatcher must be host:port. Received {dispatcher!r}. "
            f"Write --dispatcher localhost:{DISPATCHER_PORT}."
        )
    service = _service()
    own = "localhost" if host in ("localhost", "127.0.0.1", "[::1]") else socket.gethostname()
    config = service.WorkerConfig(
        dispatcher_address=place, worker_address=address or f"{own}:%port%", port=port, heartbeat_interval_ms=_HEARTBEAT
    )
    console().print(f"Looking for the dispatcher at {place}.", markup=False, soft_wrap=True)
    kept = _started(lambda: service.WorkerServer(config), f"worker --port {port}")
    _until_stopped(f"Worker makes batches for {place}.", "Worker")
    del kept


def _service() -> Any:
    """TensorFlow's servers; they leave the accelerator to training, and say only what is wrong."""
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import tensorflow as tf
    except ImportError as error:
        raise ArgumentError(
            'augline serve: it needs TensorFlow. Received none. Run pip install "augline[tensorflow]".'
        ) from error
    return tf.data.experimental.service


def _started(start: Any, command: str) -> Any:
    """A server; one that cannot listen is refused in a line."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until it runs, TensorFlow does not listen
    try:
        return start()
    except Exception as error:  # TensorFlow has no one class for it
        raise ArgumentError(
            f"augline serve {command}: the server must be able to start. Received {error}. Choose another port, and "
            "see whether the address is right."
        ) from error


def _until_stopped(message: str, name: str) -> None:
    """Waits for Ctrl-C, or for SIGTERM, as containers get it."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    console().print(f"{message} Ctrl-C stops it.", markup=False, soft_wrap=True)
    while not stop.wait(1):
        pass
    console().print(f"{name} stops.")

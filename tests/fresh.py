"""Scripts in processes of their own, forked from one that has TensorFlow and Keras loaded: each is seconds shorter."""

from __future__ import annotations

import contextlib
import faulthandler
import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import augline

QUIET = {"TF_CPP_MIN_LOG_LEVEL": "1", "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "tensorflow"}
LIMIT = 300
"""Seconds after which a script is ended; shortly before, it writes where its threads stand, and ends itself."""
_ONE_AT_A_TIME = threading.Lock()


class Process:
    """What `subprocess.Popen([python, script, *arguments])` gives, its output in files and its group its own.

    TensorFlow is loaded, and has started nothing. `script` is a file or code. Leaving `with` kills it.
    """

    def __init__(self, script: Path | str, *arguments: object, cwd: Path | None = None, **environment: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        out, errors, code = (Path(self._folder.name) / name for name in ("out", "errors", "script.py"))
        if isinstance(script, str):
            code.write_text(script)
            script = code
        self.args, self.returncode, self._files = [str(script), *map(str, arguments)], None, (out, errors)
        asked = {"argv": self.args, "cwd": str(cwd or Path.cwd()), "env": environment, "files": [str(out), str(errors)]}
        for path in self._files:
            path.touch()
        self.pid = int(_answer(asked))

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.wait()
        self._folder.cleanup()

    @property
    def stdout(self) -> str:
        return self._files[0].read_text()

    @property
    def stderr(self) -> str:
        return self._files[1].read_text()

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = json.loads(_answer({"ended": self.pid}))
        return self.returncode

    def wait(self, timeout: float = LIMIT) -> int:
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(self.args, timeout, self.stdout, self.stderr)
            time.sleep(0.005)
        return code

    def says(self, text: str) -> Process:
        """Itself, once the text stands in its output."""
        while text not in self.stdout:
            if self.poll() is not None:
                raise AssertionError(f"{self.args} ended without saying {text!r}: {self.stderr[-3000:]}")
            time.sleep(0.005)
        return self

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(script: Path | str, *arguments: object, **settings: Any) -> subprocess.CompletedProcess:
    """What `subprocess.run([python, script, *arguments])` gives; see `Process`."""
    with Process(script, *arguments, **settings) as process:
        return subprocess.CompletedProcess(process.args, process.wait(), process.stdout, process.stderr)


def _answer(asked: Mapping[str, Any]) -> str:
    with _ONE_AT_A_TIME:
        server = _server()
        server.stdin.write(json.dumps(asked) + "\n")
        server.stdin.flush()
        return server.stdout.readline()


@functools.cache
def _server() -> Any:
    """It ends with its standard input, which is when the tests do."""
    environment = os.environ | QUIET | {"PYTHONPATH": str(Path(augline.__file__).parents[1])}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    return subprocess.Popen([sys.executable, __file__], env=environment, **pipes)


def _serve() -> Mapping[str, Any] | None:
    """Forks for each script, and says how one ended; None in the server at the end, in a child what was asked of it."""
    for line in iter(sys.stdin.readline, ""):
        asked = json.loads(line)
        if "ended" in asked:
            pid, status = os.waitpid(asked["ended"], os.WNOHANG)
            answer = json.dumps(os.waitstatus_to_exitcode(status) if pid else None)
        elif child := os.fork():
            answer = str(child)
        else:
            return asked
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()
    return None


def _become(argv: list[str], cwd: str, env: dict[str, str], files: list[str]) -> None:
    """Makes this process what Python would have begun the script with."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, name in enumerate([os.devnull, *files]):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
    os.chdir(cwd)
    os.environ.update(env)
    sys.argv[:], sys.path[0] = argv, str(Path(argv[0]).parent)
    faulthandler.enable()  # a crash shows where
    faulthandler.dump_traceback_later(LIMIT - 20, exit=True)
    signal.alarm(LIMIT)


if __name__ == "__main__":
    import runpy

    with contextlib.suppress(ImportError):  # where they are not installed, scripts begin with Python alone
        import tensorflow  # noqa: F401

        import keras  # noqa: F401
        from calm import calm

        calm()

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever interrupts the tests has their scripts ended one by one
    if wanted := _serve():
        _become(**wanted)
        runpy.run_path(sys.argv[0], run_name="__main__")

"""Scripts in processes of their own, forked from one that has TensorFlow and Keras loaded: each is seconds shorter."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import augline

QUIET = {"TF_CPP_MIN_LOG_LEVEL": "1", "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "tensorflow"}
LIMIT = 300
"""Seconds after which a script is ended."""


def run(script: Path, *arguments: object, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess:
    """What `subprocess.run([python, script, *arguments])` gives. TensorFlow is loaded, and has started nothing."""
    with tempfile.TemporaryDirectory() as folder:
        out, errors = (Path(folder) / name for name in ("out", "errors"))
        argv = [str(script), *map(str, arguments)]
        asked = {"argv": argv, "cwd": str(cwd or Path.cwd()), "env": environment, "files": [str(out), str(errors)]}
        server = _server()
        server.stdin.write(json.dumps(asked) + "\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        return subprocess.CompletedProcess(argv, code, out.read_text(), errors.read_text())


@functools.cache
def _server() -> Any:
    """It ends with its standard input, which is when the tests do."""
    environment = os.environ | QUIET | {"PYTHONPATH": str(Path(augline.__file__).parents[1])}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    return subprocess.Popen([sys.executable, __file__], env=environment, **pipes)


def _serve() -> Mapping[str, Any] | None:
    """Forks for each line; None in the server once they end, and in each child what was asked of it."""
    for line in iter(sys.stdin.readline, ""):
        child = os.fork()
        if child == 0:
            return json.loads(line)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()
    return None


def _become(argv: list[str], cwd: str, env: dict[str, str], files: list[str]) -> None:
    """Makes this process what Python would have begun the script with."""
    for number, name in enumerate([os.devnull, *files]):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT), number)
    os.chdir(cwd)
    os.environ.update(env)
    sys.argv[:], sys.path[0] = argv, str(Path(argv[0]).parent)
    signal.alarm(LIMIT)


if __name__ == "__main__":
    import runpy

    with contextlib.suppress(ImportError):  # where they are not installed, scripts begin with Python alone
        import tensorflow  # noqa: F401

        import keras  # noqa: F401

    if wanted := _serve():
        _become(**wanted)
        runpy.run_path(sys.argv[0], run_name="__main__")

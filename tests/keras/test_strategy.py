"""`model.fit`, `evaluate` and `predict` on one device and under MirroredStrategy, in a process with two devices."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_one_and_two_devices() -> None:
    script = Path(__file__).with_name("under_strategy.py")
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore"}
    helpers = {"PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, **quiet, **helpers},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-4000:]


def test_importing_and_iterating_needs_no_framework() -> None:
    code = (
        "import sys, time; start = time.process_time(); from augline.keras import ImageDataGenerator as G; "
        "took = time.process_time() - start; import numpy as np; "
        "next(G(rotation_range=9).flow(np.zeros((4, 8, 8, 3)))); "
        "assert not {'tensorflow', 'keras', 'scipy', 'pandas'} & {*sys.modules}; assert took < 2, took"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

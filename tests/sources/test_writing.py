"""What is written is whole, or what was there stays."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import numpy as np
import pytest

import augline as al
from augline.sources import remote


@pytest.fixture
def pipe() -> al.Pipeline:
    return al.Pipeline(al.Arrays(np.zeros((2, 8, 9, 3), "uint8")), [al.RandomFlip()])


def test_a_full_disk_leaves_what_was_there(pipe, tmp_path: Path, monkeypatch) -> None:
    class Full(io.FileIO):
        def write(self, data: bytes) -> None:
            super().write(data[:3])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(remote, "open", Full, raising=False)
    for name, write in (("a.yaml", pipe.to_yaml), ("a.png", pipe.preview)):
        path = tmp_path / name
        path.write_text("before")
        with pytest.raises(OSError, match="No space left") as caught:
            write(path)
        assert caught.value.filename == str(path)
        assert path.read_text() == "before"
    assert sorted(found.name for found in tmp_path.iterdir()) == ["a.png", "a.yaml"]


def test_links_and_devices_stay_what_they_are(pipe, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "link.yaml").symlink_to(tmp_path / "there.yaml")
    text = pipe.to_yaml(tmp_path / "link.yaml")
    assert (tmp_path / "link.yaml").is_symlink()
    assert (tmp_path / "there.yaml").read_text() == text
    os.mkfifo(tmp_path / "pipe.yaml")
    reader = os.open(tmp_path / "pipe.yaml", os.O_RDONLY | os.O_NONBLOCK)
    pipe.to_yaml(tmp_path / "pipe.yaml")
    assert os.read(reader, 1 << 16) == text.encode()
    os.close(reader)

    def refuse(*paths: str) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    monkeypatch.setattr(os, "replace", refuse)  # as a file mounted into a container does
    pipe.view(seed=5).to_yaml(tmp_path / "there.yaml")
    assert "seed: 5" in (tmp_path / "there.yaml").read_text()
    assert not [*tmp_path.glob(".*")]

"""Who waits for a data set to be listed is told so."""

from __future__ import annotations

import threading

import pytest

from augline.errors import SourceError
from augline.sources import Folder, remote, waiting


def test_a_line_where_it_takes_long_and_none_elsewhere(write, tmp_path, monkeypatch, capsys) -> None:
    write("cats/a.png", "dogs/b.png")
    assert len(Folder(tmp_path)) == 2
    assert capsys.readouterr().err == ""
    entries, say, lists, said = remote.entries, waiting._say, threading.Event(), threading.Event()

    def listed(*args):
        lists.set()
        assert said.wait(9)
        return entries(*args)

    def told(*args):
        assert lists.wait(9)
        say(*args)
        said.set()

    monkeypatch.setattr(waiting, "_FIRST", 0.001)
    monkeypatch.setattr(waiting, "_say", told)
    monkeypatch.setattr(remote, "entries", listed)
    assert len(Folder(tmp_path)) == 2
    owner = f"augline: Folder({str(tmp_path)!r})"
    assert capsys.readouterr().err == f"{owner} still being read after 0 s\n{owner} ready after 0 s\n"
    lists.clear()
    said.clear()
    with pytest.raises(SourceError, match="class_names with 'horses'"):
        Folder(tmp_path, class_names=["horses"])
    assert capsys.readouterr().err == f"{owner} still being read after 0 s\n"
    assert "augline-waiting" not in {thread.name for thread in threading.enumerate()}


def test_nothing_is_said_where_nobody_reads(write, tmp_path, monkeypatch) -> None:
    write("cats/a.png")
    monkeypatch.setattr(waiting, "_FIRST", 0.0)
    monkeypatch.setattr("sys.stderr", None)
    assert len(Folder(tmp_path)) == 1

"""The corpus: every script in scripts/ becomes what stands beside it, and the second time nothing happens."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

pytest.importorskip("libcst")

from augline.migrate import migrate

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.py"))
LEVELS = (1, 2)


def outcome(text, level):
    """The script with its notes behind it."""
    migration = migrate(text, level)
    return migration, "".join([migration.after, *(f"#! {note}\n" for note in migration.notes)])


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_it_becomes_what_stands_beside_it(script, level):
    _, shown = outcome(script.read_text(encoding="utf-8"), level)
    golden = script.with_suffix(f".level{level}.expected")
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(shown, encoding="utf-8")
    assert shown == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_second_time_nothing_happens(script, level):
    migration, _ = outcome(script.read_text(encoding="utf-8"), level)
    ast.parse(migration.after)
    assert migrate(migration.after, level).after == migration.after


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_level_2_after_level_1_is_level_2(script):
    text = script.read_text(encoding="utf-8")
    direct, staged = migrate(text, 2).after, migrate(migrate(text, 1).after, 2).after
    assert code(direct) == code(staged)


def code(text):
    """What does not depend on where an import came to stand."""
    return [line for line in text.splitlines() if "import" not in line and line.strip()]


@pytest.mark.parametrize("newline", ["\r\n", "\n"])
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_line_ends_are_kept(script, newline):
    text = script.read_text(encoding="utf-8")
    after = migrate(text.replace("\n", newline), 2).after
    assert after == migrate(text, 2).after.replace("\n", newline)


def test_every_comment_that_belongs_to_kept_code_stays():
    text = "model.fit_generator(gen, 10,  # ten\n    workers=4,  # gone\n    # above epochs\n    epochs=3)  # end\n"
    after = migrate(text, 2).after
    assert "# ten" in after
    assert "# above epochs" in after
    assert "# end" in after
    assert "workers" not in after

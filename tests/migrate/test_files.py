"""What happens to files: nothing without being asked, and never without a copy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("libcst")

from augline.cli import app
from augline.migrate import ScriptError
from augline.migrate.files import open_script

OLD = "from keras.preprocessing.image import ImageDataGenerator\nd = ImageDataGenerator(rotation_range=3)\n"
NEW = "from augline.keras import ImageDataGenerator\nd = ImageDataGenerator(rotation_range=3)\n"


def augline(*arguments):
    return CliRunner().invoke(app, ["migrate", *map(str, arguments)])


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(OLD)
    return path


def test_nothing_is_written_unasked(script):
    result = augline(script)
    assert result.exit_code == 0
    assert "-from keras.preprocessing.image import ImageDataGenerator" in result.output
    assert "+from augline.keras import ImageDataGenerator" in result.output
    assert "Nothing was written" in result.output
    assert [path.name for path in script.parent.iterdir()] == ["train.py"]
    assert script.read_text() == OLD


def test_writing_keeps_a_copy_and_never_another_copy_s_place(script):
    assert augline(script, "--write").exit_code == 0
    assert script.read_text() == NEW
    copy = script.with_name("train.py.bak")
    assert copy.read_text() == OLD
    script.write_text(OLD + "# more\n")
    augline(script, "--write")
    assert copy.read_text() == OLD
    assert script.with_name("train.py.bak.1").read_text() == OLD + "# more\n"


def test_the_second_time_there_is_nothing_to_do(script):
    augline(script, "--write")
    result = augline(script, "--write")
    assert result.exit_code == 0
    assert "nothing to change" in result.output
    assert not script.with_name("train.py.bak.1").exists()


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + OLD.encode(),
        b"# -*- coding: latin-1 -*-\r\n# caf\xe9\r\n" + OLD.replace("\n", "\r\n").encode(),
        OLD.rstrip("\n").encode(),
        ("# Grüße, 猫\n" + OLD).encode(),
    ],
    ids=["bom", "latin-1 and crlf", "no newline at the end", "utf-8"],
)
def test_bytes_that_need_not_change_do_not(script, data):
    script.write_bytes(data)
    open_script(script, 1).write()
    assert script.read_bytes() == data.replace(b"keras.preprocessing.image", b"augline.keras")


def test_a_script_that_does_not_parse_is_an_error_with_its_line(script):
    script.write_text("import os\nprint 'x'\n")
    result = augline(script, "--write")
    assert result.exit_code == 1
    assert "line 2" in result.output
    assert "Traceback" not in result.output
    assert script.read_text() == "import os\nprint 'x'\n"


@pytest.mark.parametrize(
    ("data", "text"), [(b"\xff\xfe\x00", "encoding"), (b"x = '\xe9'\n", "UTF-8"), (b"a\x00b", "Python 3")]
)
def test_what_is_no_text_is_an_error(script, data, text):
    script.write_bytes(data)
    with pytest.raises(ScriptError, match=text):
        open_script(script, 1)


def test_a_missing_script_is_an_error(tmp_path):
    result = augline(tmp_path / "none.py")
    assert result.exit_code == 1
    assert "there must be a script" in result.output


def test_verify_needs_data(script):
    assert augline(script, "--verify").exit_code == 2


def test_libcst_is_only_needed_here():
    code = "import sys, augline, augline.cli; assert 'libcst' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def notebook(*cells):
    kinds = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": cell} for cell in cells]
    return {"cells": [{"cell_type": "markdown", "source": ["# Cats\n"]}, *kinds], "nbformat": 4, "metadata": {}}


def test_a_notebook_is_one_script_over_its_cells(tmp_path):
    path = tmp_path / "train.ipynb"
    cells = (
        ["!pip install keras\n", "%matplotlib inline\n", "from keras.preprocessing.image import ImageDataGenerator"],
        ["%%bash\n", "ls"],
        "g = ImageDataGenerator(horizontal_flip=True).flow_from_directory('p')\n",
        ["model.fit(g)"],
    )
    path.write_text(json.dumps(notebook(*cells), indent=1))
    file = open_script(path, 2)
    copy = file.write()
    after = [cell["source"] for cell in json.loads(path.read_text())["cells"]]
    assert json.loads(copy.read_text()) == notebook(*cells)
    assert after[0] == ["# Cats\n"]
    assert "".join(after[1]) == "!pip install keras\n%matplotlib inline\nimport augline as al"
    assert after[2] == ["%%bash\n", "ls"]
    assert after[3].startswith("g = al.Pipeline(")
    assert after[4] == ["model.fit(g.to_tf(), shuffle=False)"]
    assert any("code cell 3" in note.text for note in file.migration.notes)
    assert not open_script(path, 2).migration.changed


MAGICS = [
    "%%time\ntrain = ImageDataGenerator(horizontal_flip=True).flow_from_directory('p')\n",
    "!pip install a \\\n    b\nfiles = !ls {folder}\n?train\nprint('%s'\n      % 3)\nif files.x:\n    %cd p\nfiles??",
    "from keras.preprocessing.image import ImageDataGenerator\ntest = ImageDataGenerator().flow_from_directory('q')",
    "%time model.fit(train)",
    "  model.predict(test)",
    "model.predict(used)\nused = ImageDataGenerator(rescale=3).flow_from_directory('r')\nmodel.fit(used)",
]


def test_a_notebook_keeps_what_is_for_ipython_and_what_that_uses(tmp_path):
    path = tmp_path / "train.ipynb"
    path.write_text(json.dumps(notebook(*MAGICS[2:3], *MAGICS[:2], *MAGICS[3:])))
    file = open_script(path, 2)
    after = ["".join(cell["source"]) for cell in json.loads(file.data)["cells"][1:]]
    assert "augline.keras" in after[0]
    assert "import augline as al" in after[0]
    assert after[1:5] == [*MAGICS[:2], *MAGICS[3:5]]
    assert "used = al.Pipeline(" in after[5]
    notes = [str(note) for note in file.migration.notes]
    assert any("line 2: (code cell 2)" in note and "on line 1 of code cell 4 is given train" in note for note in notes)
    assert any("(code cell 5) a cell that is no Python is left" in note for note in notes)


def test_a_notebook_that_is_no_json_is_an_error(tmp_path):
    (tmp_path / "x.ipynb").write_text("{")
    with pytest.raises(ScriptError, match="JSON"):
        open_script(Path(tmp_path / "x.ipynb"), 1)

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

import fresh

COOKBOOK = Path(__file__).parents[1] / "docs" / "cookbook"
PAGES = sorted(path.name for path in COOKBOOK.glob("[0-9]*.py"))


def measuring():
    spec = importlib.util.spec_from_file_location("cookbook_measure", COOKBOOK / "measure.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_issue_has_its_pages():
    assert {name[:2] for name in PAGES} == {f"{number:02}" for number in range(1, 14)}


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_a_page_runs_and_keeps_what_it_says(name, tmp_path):
    pytest.importorskip("tensorflow")
    pytest.importorskip("scipy")
    done = fresh.run(COOKBOOK / name, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for way in ("old", "new"):
        assert re.search(rf"^{way}: [\d,]+ images/s$", done.stdout, re.MULTILINE), done.stdout
    assert not [*tmp_path.iterdir()]


@pytest.mark.slow
@pytest.mark.parametrize("way", ["old", "new"])
def test_a_page_is_measured_on_photographs(way, tmp_path):
    pytest.importorskip("tensorflow")
    from PIL import Image

    Image.linear_gradient("L").convert("RGB").save(tmp_path / "photo.jpg")
    arguments = ("--measure", way, "--photos", tmp_path, "--images", 40, "--seconds", 0)
    done = fresh.run(COOKBOOK / "07_pil_generator.py", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r'\{"images/s": [\d.]+\}', done.stdout.splitlines()[-1])


def test_the_readme_has_the_table_that_was_measured():
    module = measuring()
    text = module.README.read_text(encoding="utf-8")
    measured = module.json.loads(module.MEASURED.read_text(encoding="utf-8")) if module.MEASURED.exists() else None
    assert text.split(module.BEGIN)[1].split(module.END)[0].strip() == module.table(measured)
    for name in PAGES:
        assert name in text


def test_each_page_states_what_was_measured():
    module = measuring()
    measured = module.json.loads(module.MEASURED.read_text(encoding="utf-8")) if module.MEASURED.exists() else None
    for page in module.pages():
        text, speed = page.read_text(encoding="utf-8"), measured and measured["images/s"].get(page.stem)
        assert module.stated(text, speed) == text, page.name
        once = module.stated(text, {"old": 100.0, "new": 1250.0})
        assert module.ast.get_docstring(module.ast.parse(once)).endswith(
            "\n\nMeasured: 100 images/s the old way, 1,250 the new way. README.md says on what."
        )
        assert module.stated(module.stated(once, {"old": 1.0, "new": 2.0}), speed) == text


def test_a_table_of_numbers():
    module = measuring()
    speeds = {page.stem: {"old": 100.0, "new": 1250.0} for page in module.pages()}
    around = {"cpu": "A CPU", "threads": 2, "python": "3.11", "images": 480, "rounds": 3, "versions": {"numpy": "2"}}
    table = module.table({"surroundings": around, "images/s": speeds})
    assert table.count("| 100 | 1,250 | 12.5 |") == len(PAGES)
    assert "Medians of 3 fresh processes each, 480 photographs" in table

"""The documentation says what the code does: its snippets run, and what is generated is up to date."""

from __future__ import annotations

import doctest
import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import augline
from augline.transforms import TRANSFORMS

DOCS = Path(__file__).parent.parent / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", sorted(path.name for path in DOCS.glob("*.md")))
def test_snippets_run(page: str) -> None:
    text = (DOCS / page).read_text()
    blocks = "\n".join(block for block in BLOCK.findall(text) if ">>>" in block)
    test = doctest.DocTestParser().get_doctest(blocks, {}, page, page, 0)
    assert bool(test.examples) == ("```python" in text)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    runner.run(test)
    assert runner.summarize(verbose=False).failed == 0


def test_generated_pages_are_up_to_date() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(augline.__file__).parent.parent)}
    command = [sys.executable, str(DOCS / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_transform_is_in_the_table() -> None:
    listed = re.findall(r"^\| \*\*`(\w+)`\*\*", (DOCS / "transforms.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(TRANSFORMS)


def test_links_lead_somewhere() -> None:
    for page in DOCS.glob("*.md"):
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
            path, _, anchor = target.partition("#")
            linked = (page.parent / path).resolve() if path else page
            assert linked.exists(), (page.name, target)
            if anchor:
                heads = re.findall(r"^#+ (.+)$", linked.read_text(), re.MULTILINE)
                assert anchor in {re.sub(r"[^\w\- ]", "", head).lower().replace(" ", "-") for head in heads}, target


def test_the_list_of_keras_layers_is_that_of_the_installed_keras() -> None:
    layers = pytest.importorskip("keras").layers
    sys.path.insert(0, str(DOCS))
    try:
        listed = importlib.import_module("generate").KERAS_LAYERS
    finally:
        sys.path.remove(str(DOCS))
    layer_classes = {name for name, cls in vars(layers).items() if inspect.isclass(cls)}
    assert listed == layer_classes & {*TRANSFORMS}

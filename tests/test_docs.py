"""The documentation says what the code does: its snippets run, and what is generated is up to date."""

from __future__ import annotations

import doctest
import importlib
import inspect
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

import augline
from augline.cli.serve import DISPATCHER_PORT, serve
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


def served(page: str, heading: str) -> list[Any]:
    """The YAML documents below a heading."""
    found = re.search(rf"^## {heading}\n.*?^```\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    assert found
    return list(yaml.safe_load_all(found[1]))


def refused(command: str | list[str]) -> str:
    """What is wrong with a call of `augline serve`, which is parsed but not run; a shell's variables count as words."""
    words = shlex.split(command) if isinstance(command, str) else command
    words = shlex.split(words[2]) if words[:2] == ["sh", "-c"] else words
    assert words[:2] == ["augline", "serve"]
    group = typer.main.get_command(serve)
    try:
        group.commands[words[2]].make_context(words[2], words[3:])
    except Exception as error:  # noqa: BLE001 - typer brings its own click, which has no public name
        return str(error)
    return ""


def test_the_examples_of_a_service_are_yaml_that_the_command_line_takes() -> None:
    (compose,) = served("service.md", "Compose")
    servers = [service["command"] for service in compose["services"].values() if "command" in service]
    documents = served("service.md", "Kubernetes")
    containers = [
        container
        for document in documents
        if document["kind"] != "Service"
        for container in document["spec"]["template"]["spec"]["containers"]
    ]
    calls = [*servers, *(container["command"] for container in containers)]
    assert len(calls) == 4
    assert [refused(call) for call in calls] == [""] * 4
    assert refused("augline serve worker --despatcher a:1")
    used = {mount for service in compose["services"].values() for mount in service.get("volumes", ())}
    assert {mount.split(":")[0] for mount in used if mount[0] != "/"} == {*compose["volumes"]}
    for document in documents[1:]:
        spec = document["spec"]
        assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
    assert documents[0]["spec"]["selector"] == documents[1]["spec"]["selector"]["matchLabels"]
    assert documents[0]["spec"]["ports"] == [{"port": DISPATCHER_PORT}]
    for container, document in zip(containers, documents[1:], strict=True):
        spec = document["spec"]
        volumes = [*spec["template"]["spec"].get("volumes", ())]
        names = {volume["name"] for volume in volumes}
        names |= {claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", ())}
        assert {mount["name"] for mount in container["volumeMounts"]} == names


def test_the_commands_of_the_service_page_are_taken() -> None:
    calls = re.findall(r"^augline serve [^#\n]*", (DOCS / "service.md").read_text(), re.MULTILINE)
    assert len(calls) == 2
    assert [refused(call) for call in calls] == ["", ""]


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

"""The walls: who may import whom, how long files and functions get, and what a bare `import augline` brings along."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

import augline

ROOT = Path(augline.__file__).parent
FILES = sorted(path for path in ROOT.rglob("*.py"))

# A part imports only these, and whatever stands outside the parts and is listed in LEAVES.
MAY_IMPORT = {
    "plan": {"plan"},
    "transforms": {"transforms", "plan"},
    "engines": {"engines", "plan"},
    "sources": {"sources"},
    "decode": {"decode"},
}
LEAVES = {"arrays", "errors", "names", "philox", "quantiles", "random", "order"}
FRAMEWORKS = {"tensorflow", "keras", "jax", "torch"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> set[str]:
    """Every module named in an import statement, wherever it stands; those for type checkers only left out."""
    tree = ast.parse(path.read_text())
    hidden = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if node in hidden:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_imports_go_one_way(part: str) -> None:
    for path in (ROOT / part).rglob("*.py"):
        own = {module.split(".")[1] for module in imports(path) if module.startswith("augline.") and "." in module}
        assert own <= MAY_IMPORT[part] | LEAVES, f"{name_of(path)} imports {own - MAY_IMPORT[part] - LEAVES}"


def test_leaves_import_nothing_of_ours_but_leaves() -> None:
    for leaf in LEAVES:
        own = {module.split(".")[1] for module in imports(ROOT / f"{leaf}.py") if module.startswith("augline.")}
        assert own <= LEAVES, leaf


def test_frameworks_stay_at_the_edge() -> None:
    """TensorFlow and its like are known to feeds, array adapters, the demo, and what takes in other people's code;
    and to what reads files whose names have a scheme, for which `tf.io.gfile` is asked."""
    for path in FILES:
        found = {module.split(".")[0] for module in imports(path)} & FRAMEWORKS
        at_the_edge = name_of(path).startswith(
            ("feed/", "engines/arrays/", "keras/", "cli/", "convert/", "migrate/", "demo", "sources/remote.py")
        )
        assert not found or at_the_edge, f"{name_of(path)} imports {found}"


def test_only_the_opencv_engine_decoders_and_pictures_know_opencv() -> None:
    for path in FILES:
        if {module.split(".")[0] for module in imports(path)} & {"cv2", "simplejpeg"}:
            assert not name_of(path).startswith(("plan/", "transforms/", "sources/", "engines/portable/"))


def test_the_portable_program_computes_with_xp_alone() -> None:
    """NumPy serves the adapter at its end (`prepare`) and type hints; every computation goes through `xp`."""
    for path in [*(ROOT / "engines" / "portable").glob("*.py"), *(ROOT / "plan").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name not in ("prepare", "sample"):
                bodies = [inner for statement in node.body for inner in ast.walk(statement)]
                assert not any(isinstance(n, ast.Name) and n.id == "np" for n in bodies), f"{name_of(path)}:{node.name}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_and_functions_stay_short(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 400, "a file past 400 lines wants a better idea"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            lines = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert lines <= 40, f"{node.name} has {lines} lines"


def test_public_names_are_sorted_complete_and_documented() -> None:
    # as ruff sorts: names in capitals first
    assert augline.__all__ == sorted(augline.__all__, key=lambda name: (not name.isupper(), name))
    assert len({*augline.__all__}) == len(augline.__all__)
    modules = {name for name, value in vars(augline).items() if inspect.ismodule(value)}
    public = {name for name in vars(augline) if not name.startswith("_")} - modules
    assert public <= {*augline.__all__}
    for name in augline.__all__:
        value = getattr(augline, name)
        assert (inspect.getdoc(value) or "").strip(), name
        for member_name, member in vars(value).items() if inspect.isclass(value) else ():
            if not member_name.startswith("_") and callable(member) and inspect.isfunction(member):
                assert inspect.getdoc(getattr(value, member_name)), f"{name}.{member_name}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_module_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree)
    module = "augline." + ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{module}.{node.name}"


def test_all_lists_of_names_exist() -> None:
    for path in FILES:
        module = ".".join(("augline", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
        if "__all__" in path.read_text() and not module.startswith(("augline.keras", "augline.feed")):
            loaded = importlib.import_module(module)
            missing = [name for name in getattr(loaded, "__all__", ()) if not hasattr(loaded, name)]
            assert not missing, (module, missing)


HEAVY = {
    *FRAMEWORKS, "cv2", "simplejpeg", "PIL", "scipy", "pandas", "polars", "matplotlib", "typer", "rich", "narwhals",
    "cloudpickle", "libcst",
}  # fmt: skip


def test_a_bare_import_is_light() -> None:
    """What it loads, rather than how long that takes: a busy machine loads no more."""
    code = "import sys, augline; print(*sys.modules, sep='\\n')"
    environment = {**os.environ, "PYTHONPATH": str(ROOT.parent)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    loaded = [name.partition(".")[0] for name in done.stdout.splitlines()]
    assert HEAVY & {*loaded} == set()
    assert len(loaded) - loaded.count("augline") < 600  # half of it is NumPy and pydantic

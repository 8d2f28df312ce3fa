"""Three of the faults on every run; all of them by `python tests/mutations/run.py`."""

from __future__ import annotations

import pytest

from mutations.run import MUTATIONS, ROOT, Mutation, killed

QUICK = ("rotation turns clockwise", "minification swaps the axes", "boxes are off by half a pixel")


@pytest.mark.slow
@pytest.mark.parametrize("mutation", [m for m in MUTATIONS if m.name in QUICK], ids=lambda m: m.name)
def test_a_fault_turns_the_tests_red(mutation: Mutation) -> None:
    assert killed(mutation) is None


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_every_mutation_still_has_its_place(mutation: Mutation) -> None:
    text = (ROOT / "src" / "augline" / mutation.file).read_text()
    assert text.count(mutation.old) == 1
    assert mutation.new not in ("", mutation.old)

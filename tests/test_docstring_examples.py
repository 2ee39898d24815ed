"""Every example in a docstring gives what it says."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import soundtrack

ROOT = Path(soundtrack.__file__).parent


def runs_examples(path: Path) -> bool:
    """Whether a module has an example that is not left out as one that needs a file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return any(">>> " in line and "doctest: +SKIP" not in line for line in lines)


WITH_EXAMPLES = sorted(path for path in ROOT.rglob("*.py") if runs_examples(path))


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_examples_in_docstrings_give_what_they_say(path: Path) -> None:
    name = ".".join(("soundtrack", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0

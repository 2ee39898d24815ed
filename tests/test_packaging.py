"""The wheel carries everything that the tool needs, and nothing that it does not."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.slow


def build(kind: str, source: Path, target: Path) -> Path:
    """Build with the tools of this environment, fetching nothing."""
    code = f"import hatchling.build as b; print(b.build_{kind}({str(target)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=source, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr
    return target / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of the project as it is."""
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


def names(wheel: Path) -> set[str]:
    """Files of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_module_and_all_data_are_inside(wheel: Path) -> None:
    inside = names(wheel)
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "soundtrack").rglob("*.py")}
    assert modules <= inside
    assert "soundtrack/py.typed" in inside  # or type checkers pass over the annotations
    models = {f"soundtrack/_data/{p.relative_to(ROOT)}" for p in (ROOT / "models").rglob("*") if p.is_file()}
    assert models <= inside
    assert "soundtrack/_data/models/manifest.json" in inside
    for name in ("cue-sheet.schema.json", "examples/make_demo.py", "library_index/README.md"):
        assert f"soundtrack/_data/{name}" in inside
    assert any(name.endswith("licenses/LICENSE") for name in inside)


def test_nothing_else_is_inside(wheel: Path) -> None:
    assert {name.split("/")[0].split("-")[0] for name in names(wheel)} == {"soundtrack"}
    assert [name for name in names(wheel) if "__pycache__" in name or name.endswith((".pyc", ".mp4", ".flac"))] == []
    assert wheel.stat().st_size < 60_000_000


def test_the_command_and_the_licence_are_declared(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        about = {name.rsplit("/", 1)[-1]: archive.read(name).decode() for name in names(wheel) if "dist-info" in name}
    assert "soundtrack = soundtrack.__main__:main" in about["entry_points.txt"]
    assert "License-Expression: MIT" in about["METADATA"]


def test_an_installed_copy_finds_its_data_inside_the_package(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from soundtrack import resources as r\n"
        "print(r.models_dir(), r.example_index_dir(), sep='\\n')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    assert all(line.startswith(str(tmp_path / "soundtrack" / "_data")) for line in done.stdout.splitlines())


def test_the_source_archive_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    archive = build("sdist", ROOT, tmp_path)
    with tarfile.open(archive) as tar:
        inside = {name.split("/", 1)[1] for name in tar.getnames() if "/" in name}
        tar.extractall(tmp_path / "unpacked", filter="data")
    assert {"pyproject.toml", "README.md", "dev.py", "tests/conftest.py", "docs/decisions.md"} <= inside
    assert [name for name in inside if name.startswith((".git/", ".venv", "demo/"))] == []
    again = build("wheel", next((tmp_path / "unpacked").iterdir()), tmp_path)
    assert names(again) == names(wheel)

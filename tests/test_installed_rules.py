"""Rules of other packages about what counts as music: found where they are installed, never in the working folder."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path

import pytest

import fake_listener as fake
from soundtrack.cli.app import run_commands
from soundtrack.errors import DependencyError
from soundtrack.library.search.installed_rules import installed_rules
from soundtrack.library.search.library_view import open_library
from soundtrack.library.search.rules import RuleChange
from soundtrack.library.update.build import build_index
from soundtrack.library.update.maintenance import set_rules

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = (ROOT / "examples" / "rule" / "soundtrack_commercial.py").read_text(encoding="utf-8")
NAMES = ("free.mp3", "paid.mp3")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """An index of two tracks, one with a licence that forbids commercial use."""
    music = tmp_path / "music"
    music.mkdir()
    for seed, name in enumerate(NAMES):
        (music / name).write_text(f"song {seed} {1 + seed}")
    folder = tmp_path / "index"
    build_index([music], folder, model=fake.MODEL, make_listener=fake.make_listener, jobs=1)
    database = sqlite3.connect(folder / "library.sqlite3")
    database.execute(
        "UPDATE tracks SET licence = 'CC BY-NC 4.0'"
        " WHERE id = (SELECT track FROM locations WHERE CAST(path AS TEXT) LIKE '%free.mp3')"
    )
    assert database.total_changes == 1
    database.commit()
    database.close()
    return folder


def install(folder: Path, code: str, *, module: str = "soundtrack_commercial") -> None:
    """A distribution as pip leaves it."""
    info = folder / "soundtrack_commercial-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: soundtrack-commercial\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[soundtrack.rules]\ncommercial = {module}:commercial\n")
    (folder / f"{module}.py").write_text(code)
    sys.modules.pop(module, None)


def offered(index: Path) -> list[str]:
    """Names of the eligible files."""
    with open_library(index) as view:
        return sorted(track.path.name for track in view.tracks().values())


def test_the_example_excludes_by_licence_and_says_so(
    site: Path, index: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert offered(index) == ["free.mp3", "paid.mp3"]
    install(site, EXAMPLE)
    assert offered(index) == ["paid.mp3"]
    run_commands(["library", "list", "--left-out", "--json", "--index", str(index)])
    assert [track["left_out"] for track in json.loads(capfd.readouterr().out)] == ["rule commercial"]
    run_commands(["library", "rules", "--index", str(index)])
    shown = capfd.readouterr().out
    assert "rule commercial (soundtrack-commercial 1.0): tracks whose licence forbids commercial use" in shown
    assert "excluded: 1 rule commercial of 2 tracks" in shown


def test_an_included_name_overrules_an_installed_rule(site: Path, index: Path) -> None:
    install(site, EXAMPLE)
    set_rules(index, RuleChange(include=("free.mp3",)))
    assert offered(index) == ["free.mp3", "paid.mp3"]


@pytest.mark.parametrize(
    "code",
    ["raise ImportError('no')", "raise SystemExit(0)", "commercial = 5",
     EXAMPLE.replace('track.tags.get("licence"', "track.bad("),
     EXAMPLE.replace("return bool(", "return (")],
)  # fmt: skip
def test_a_failing_rule_is_named_with_its_package(site: Path, index: Path, code: str) -> None:
    install(site, code, module="soundtrack_commercial_bad")
    with pytest.raises(DependencyError, match="rule commercial of package soundtrack-commercial"):
        offered(index)


def test_no_rule_is_taken_from_the_working_folder(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = site.parent / "films"
    here.mkdir()
    install(here, "raise SystemExit(99)")
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    assert installed_rules() == ()

"""Export formats of other packages: found where they are installed, never in the working folder."""

import sys
from pathlib import Path

import pytest

from soundtrack import export
from soundtrack.cli.app import run_commands
from soundtrack.errors import DependencyError, ExitCode, OutputError, UsageError

ROOT = Path(__file__).resolve().parent.parent
SHEET = ROOT / "tests" / "golden" / "cue-sheet-2.json"
EXAMPLE = (ROOT / "examples" / "exporter" / "soundtrack_chapters.py").read_text(encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages; formats that a test adds are forgotten afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(export, "FORMATS", dict(export.FORMATS))
    monkeypatch.setattr("soundtrack.cli.film.cues.FORMATS", export.FORMATS)
    return folder


def install(folder: Path, code: str, *, module: str = "soundtrack_chapters") -> None:
    """A distribution as pip leaves it."""
    info = folder / "soundtrack_chapters-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: soundtrack-chapters\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[soundtrack.exporters]\nchapters = {module}:chapters\n")
    (folder / f"{module}.py").write_text(code)
    sys.modules.pop(module, None)


def test_the_example_exports_and_replaces_only_files_of_its_own(site: Path, tmp_path: Path) -> None:
    install(site, EXAMPLE)
    out = tmp_path / "music.chapters"
    assert run_commands(["cues", "export", str(SHEET), "-o", str(out)]) == ExitCode.OK
    lines = out.read_text().splitlines()
    assert lines[0] == "Music:" and lines[1].startswith("0:")
    assert run_commands(["cues", "export", str(SHEET), "-o", str(out), "--force"]) == ExitCode.OK
    out.write_text("a letter")
    with pytest.raises(OutputError):
        run_commands(["cues", "export", str(SHEET), "-o", str(out), "--force"])
    assert out.read_text() == "a letter"


def test_help_lists_the_formats_of_other_packages(site: Path, capfd: pytest.CaptureFixture[str]) -> None:
    install(site, EXAMPLE)
    run_commands(["help", "formats"])
    assert "chapters" in capfd.readouterr().out


@pytest.mark.parametrize(
    "code",
    [
        "raise ImportError('no')",
        "raise SystemExit(0)",
        "chapters = 5",
        EXAMPLE.replace("int(cue", "bad(cue"),
        EXAMPLE.replace("int(cue", "exit(cue"),
        EXAMPLE.replace('return "', 'return 5 or "'),
        EXAMPLE.replace('b"Music:', 'b"Songs:'),
    ],
)
def test_a_failing_exporter_is_named_with_its_package(site: Path, code: str, tmp_path: Path) -> None:
    install(site, code, module="soundtrack_chapters_bad")
    with pytest.raises(DependencyError, match="soundtrack-chapters"):
        run_commands(["cues", "export", str(SHEET), "--to", "chapters", "-o", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_no_exporter_is_taken_from_the_working_folder(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = site.parent / "films"
    here.mkdir()
    install(here, "raise SystemExit(99)")
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    with pytest.raises(UsageError, match="unknown format 'chapters'"):
        run_commands(["cues", "export", str(SHEET), "--to", "chapters"])

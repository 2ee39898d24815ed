"""``soundtrack cues``: exit code, stdout and stderr of each command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from made_up import sheet, small_library
from soundtrack.documents import cuesheet
from soundtrack.spotting.plan.spot import spot_cues


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as a shell would run it."""
    return subprocess.run(
        [sys.executable, "-m", "soundtrack", "cues", *arguments],
        input=stdin, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def text() -> str:
    return cuesheet.dumps(spot_cues(sheet([("Relaxation", 20.0), ("Tension", 25.5)]), small_library()))


@pytest.fixture
def path(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "film.cues.json"
    file.write_text(text, encoding="utf-8")
    return file


def test_show_prints_one_line_per_cue(path: Path, text: str) -> None:
    done = run("show", str(path))
    risk = "licence: 2 of 2 tracks state none in their files; a platform may claim the sound\n"
    assert (done.returncode, done.stderr) == (0, risk)
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["cue", "start", "end", "music", "from", "seams", "gain", "merit"]
    assert [line.split()[0] for line in lines[1:]] == [c.cue_id for c in cuesheet.loads(text).cues]


def test_show_why_names_terms_and_alternatives(text: str) -> None:
    done = run("show", "--why", "-", stdin=text)
    assert done.returncode == 0
    assert "arousal +" in done.stdout
    assert "  2. " in done.stdout
    assert "behind" in done.stdout


def test_show_json_is_the_sheet(text: str) -> None:
    done = run("show", "--json", "-", stdin=text)
    assert (done.returncode, done.stdout) == (0, text)


def test_check_says_nothing_on_stdout_when_all_is_well(path: Path) -> None:
    done = run("check", str(path))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.endswith("no faults\n")


def test_check_lists_every_fault(text: str) -> None:
    sound = cuesheet.loads(text)
    broken = replace(sound, cues=tuple(replace(c, sections=()) for c in sound.cues))
    done = run("check", "-", stdin=cuesheet.dumps(broken))
    assert done.returncode == 3
    assert len(done.stdout.splitlines()) == len(sound.cues)
    assert done.stderr.startswith("error: stdin: ")
    assert done.stderr.splitlines()[1].startswith("hint: ")


def test_a_misspelt_key_is_named(text: str) -> None:
    done = run("check", "-", stdin=text.replace('"gain_db"', '"gain_bd"', 1))
    assert done.returncode == 3
    assert done.stderr.startswith("error: stdin: cues[0].gain_bd: unknown, did you mean gain_db?\n")


def test_export_takes_the_format_from_the_file_name(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "film.csv"
    done = run("export", str(path), "-o", str(target))
    assert (done.returncode, done.stdout) == (0, "")
    assert target.read_bytes().startswith(b"cue,usage,start")
    again = run("export", str(path), "-o", str(target))
    assert again.returncode != 0
    assert run("export", str(path), "-o", str(target), "--force").returncode == 0
    assert run("export", str(path), "--to", "csv").stdout.splitlines()[0].startswith("cue,usage")


def test_export_refuses_what_cannot_be_rendered(text: str) -> None:
    data = json.loads(text)
    data["cues"][0]["span"]["end_s"] += 0.001
    done = run("export", "-", "--to", "edl", stdin=json.dumps(data))
    assert done.returncode == 3
    assert "add up to" in done.stderr


@pytest.mark.parametrize("arguments", [("export", "-"), ("export", "-", "--to", "mp3")])
def test_export_without_a_known_format_is_a_usage_error(text: str, arguments: tuple[str, ...]) -> None:
    done = run(*arguments, stdin=text)
    assert done.returncode == 2
    assert "csv" in done.stderr


def test_a_missing_file_is_named() -> None:
    done = run("show", "nowhere.json")
    assert done.returncode == 3
    assert done.stderr.startswith("error: nowhere.json: no such file\n")


def test_a_page_is_written_and_never_over_another_file(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    target = tmp_path / "film.html"
    done = run("show", str(path), "--html", str(target))
    assert (done.returncode, done.stdout) == (0, "")
    assert all("has no audio" in line for line in done.stderr.splitlines())  # this sheet's music is nowhere
    assert target.read_text(encoding="utf-8").startswith("<!DOCTYPE html>\n")
    assert run("show", str(path), "--html", str(target)).returncode == 9
    picture = tmp_path / "film.svg"
    done = run("show", str(path), "--html", str(target), "--plot", str(picture), "--force")
    assert done.returncode == 0
    assert picture.exists()


@pytest.mark.parametrize("size", [400, (32 << 20) + 1])
def test_a_film_in_the_place_of_its_sheet_is_told_how_to_get_one(tmp_path: Path, size: int) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"\0\0\0\x18ftypisom" + b"\xff" * 100)
    os.truncate(film, size)
    done = run("show", str(film))
    assert done.returncode == 3
    assert "`soundtrack score`" in done.stderr.splitlines()[1]

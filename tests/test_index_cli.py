"""``index``, ``library`` and ``search`` as a shell sees them, with a network that knows music from a line of text."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer

import fake_listener as fake
from soundtrack import pipeline
from soundtrack.cli.music import index, library, search
from soundtrack.cli.output import plain
from soundtrack.errors import ExitCode, SoundtrackError
from soundtrack.library.store.lock import write_lock
from soundtrack.pipeline.library import music as music_stage


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


Shell = Callable[..., Done]


@pytest.fixture
def soundtrack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Shell:
    """Run a command with the index of this test and the network that reads text."""
    for name in pipeline.__all__:  # what is imported later would keep the network that reads text
        getattr(pipeline, name)
    monkeypatch.setattr(music_stage, "current_model", lambda: fake.MODEL)
    monkeypatch.setattr(music_stage, "make_listener", fake.make_for_device)
    monkeypatch.setattr(music_stage, "music_channels", lambda *_: fake.CHANNELS)
    monkeypatch.setattr(music_stage, "music_projection", fake.Projection)
    monkeypatch.setenv("SOUNDTRACK_INDEX", str(tmp_path / "index"))
    app = typer.Typer()
    app.command("index")(index.index)
    app.command("search")(search.search)
    app.add_typer(library.app, name="library")

    def run(*args: str | Path) -> Done:
        capfd.readouterr()
        code = 0
        try:
            app([os.fspath(arg) for arg in args], standalone_mode=False)
        except SoundtrackError as error:
            code = error.exit_code
            report = f"error: {plain(error, limit=2000)}\nhint: {plain(error.hint)}\n"
            return Done(code, *_read(capfd, report))
        return Done(code, *_read(capfd, ""))

    return run


def _read(capfd: pytest.CaptureFixture[str], report: str) -> tuple[str, str]:
    """stdout and stderr, with what the boundary of the command line adds."""
    out, err = capfd.readouterr()
    return out, err + report


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for seed in range(6):
        (folder / f"{seed}.mp3").write_text(f"song {seed} {1 + seed % 3}")
    return folder


def test_index_tells_people_on_stderr_and_programs_on_stdout(tmp_path: Path, music: Path, soundtrack: Shell) -> None:
    done = soundtrack("index", music, "--jobs", "1")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "6 added; the index has 6 tracks, 12 segments\n"
    done = soundtrack("index", "--json", "-q")
    assert (done.returncode, done.stderr) == (0, "")
    summary = json.loads(done.stdout)
    assert (summary["unchanged"], summary["n_tracks"], summary["skipped"]) == (6, 6, [])


def test_one_copy_was_counted_as_1_copies(tmp_path: Path, soundtrack: Shell) -> None:
    (tmp_path / "a.mp3").write_text("song 1 1")
    (tmp_path / "b.mp3").write_text("song 1 1")
    done = soundtrack("index", tmp_path / "a.mp3", tmp_path / "b.mp3", "--jobs", "1")
    assert done.stderr == "1 added, 1 copy; the index has 1 track, 1 segment\n"


def test_a_file_as_the_index_was_said_to_exist(tmp_path: Path, music: Path, soundtrack: Shell) -> None:
    done = soundtrack("index", music, "--index", music / "0.mp3")
    assert done.returncode == ExitCode.OUTPUT
    assert "0.mp3: cannot write the index: not a folder" in done.stderr  # "File exists" before


def test_files_that_cannot_be_used_end_in_the_partial_code(tmp_path: Path, music: Path, soundtrack: Shell) -> None:
    (music / os.fsdecode(b"b\x1b[31mad\xff\n.mp3")).write_text("bad")
    (music / "empty.mp3").touch()
    done = soundtrack("index", music, "--json")
    assert done.returncode == ExitCode.PARTIAL
    assert [skip["reason"] for skip in json.loads(done.stdout)["skipped"]] == ["not_media", "empty"]
    lines = done.stderr.splitlines()
    assert lines[-2] == "error: 2 files failed: 1 empty, 1 not_media"
    assert lines[-1].startswith("hint: ")
    assert "\x1b" not in done.stderr
    assert "\\xff" in done.stderr
    assert "6 added" in done.stderr


def test_a_file_that_failed_once_and_is_unchanged_made_every_later_run_fail(music: Path, soundtrack: Shell) -> None:
    (music / "bad.mp3").write_text("bad")
    assert soundtrack("index", music).returncode == ExitCode.PARTIAL
    again = soundtrack("index")
    assert again.returncode == 0
    assert "skipped: 1 file that failed before, unchanged: 1 not_media" in again.stderr
    assert "bad.mp3" not in again.stderr and "bad.mp3" in soundtrack("index", "--verbose").stderr
    (music / "worse.mp3").write_text("bad")
    third = soundtrack("index")
    assert third.returncode == ExitCode.PARTIAL
    assert "worse.mp3" in third.stderr and "error: 1 file failed: 1 not_media" in third.stderr
    assert soundtrack("index", "--retry-failed").returncode == ExitCode.PARTIAL


def test_status_and_verify_look_and_change_nothing(tmp_path: Path, music: Path, soundtrack: Shell) -> None:
    soundtrack("index", music)
    before = {path.name: path.read_bytes() for path in (tmp_path / "index").iterdir()}
    done = soundtrack("index", "--status", "--json")
    status = json.loads(done.stdout)
    assert (status["tracks"], status["missing"], status["roots"]) == (6, 0, [str(music)])
    done = soundtrack("index", "--verify")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "faults: none")
    assert {path.name: path.read_bytes() for path in (tmp_path / "index").iterdir()} == before
    (tmp_path / "index" / "segments.faiss").write_bytes(b"not it")
    done = soundtrack("index", "--verify")
    assert done.returncode == ExitCode.LIBRARY
    assert "segments.faiss: damaged" in done.stdout
    assert soundtrack("index", "--verify", music).returncode == ExitCode.USAGE


def test_no_index_is_two_lines_and_the_library_code(tmp_path: Path, soundtrack: Shell) -> None:
    for command in (["library", "list"], ["search", "--mood", "calm"], ["index", "--status"]):
        done = soundtrack(*command)
        assert (done.returncode, done.stdout) == (ExitCode.LIBRARY, "")
        assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["error", "hint"]
    assert not (tmp_path / "index").exists()


def test_tracks_of_a_disk_that_came_back_were_forgotten_as_missing(
    tmp_path: Path, music: Path, soundtrack: Shell
) -> None:
    soundtrack("index", music)
    for name in ("0.mp3", "1.mp3"):
        (music / name).rename(tmp_path / name)
    soundtrack("index")
    (tmp_path / "0.mp3").rename(music / "0.mp3")
    listed = json.loads(soundtrack("library", "list", "--missing", "--json").stdout)
    assert [Path(track["path"]).name for track in listed] == ["1.mp3"]
    done = soundtrack("library", "forget", "--missing")
    assert done.stderr.splitlines()[0] == "1 track removed"
    assert done.stderr.splitlines()[1].startswith("1 track kept: the files are present again; run `soundtrack index")
    assert "5 unchanged; the index has 5 tracks" in soundtrack("index").stderr


def test_a_file_deleted_since_the_last_run_was_not_listed_as_missing(music: Path, soundtrack: Shell) -> None:
    soundtrack("index", music)
    (music / "3.mp3").unlink()
    (found,) = json.loads(soundtrack("library", "list", "--missing", "--json").stdout)
    assert Path(found["path"]).name == "3.mp3" and found["missing"]
    every = json.loads(soundtrack("library", "list", "--json").stdout)
    assert [Path(track["path"]).name for track in every if track["missing"]] == ["3.mp3"]
    (place,) = json.loads(soundtrack("library", "show", music / "3.mp3", "--json").stdout)["places"]
    assert place == f"{music / '3.mp3'} (missing)"
    stated = json.loads(soundtrack("index", "--status", "--json").stdout)
    assert (stated["tracks"], stated["present"], stated["missing"]) == (6, 5, 1)
    done = soundtrack("library", "forget", "--missing")
    assert done.stderr.splitlines()[0] == "0 tracks removed"
    assert done.stderr.splitlines()[1].startswith(
        "1 track kept: missing only since the last run; run `soundtrack index"
    )
    soundtrack("index")
    (music / "3.mp3").write_text("song 3 3")
    assert json.loads(soundtrack("index", "--status", "--json").stdout)["missing"] == 0


def test_a_busy_index_advised_an_option_that_most_commands_do_not_have(
    tmp_path: Path, music: Path, soundtrack: Shell
) -> None:
    soundtrack("index", music)
    with write_lock(tmp_path / "index"):
        done = soundtrack("library", "forget", "--missing")
    assert done.returncode == ExitCode.LIBRARY
    assert "hint: wait until it has finished; `soundtrack index` does so with --wait" in done.stderr


def test_a_playlist_that_cannot_be_read_was_named_twice_in_one_line(music: Path, soundtrack: Shell) -> None:
    (music / "a.xspf").write_text("<bad")
    (line,) = [line for line in soundtrack("index", music, "-v").stderr.splitlines() if line.startswith("note: ")]
    assert line.startswith(f"note: {music / 'a.xspf'}: unreadable playlist: not an xspf file")


def test_list_show_and_forget(tmp_path: Path, music: Path, soundtrack: Shell) -> None:
    soundtrack("index", music)
    listed = json.loads(soundtrack("library", "list", "--json").stdout)
    assert [Path(track["path"]).name for track in listed] == [f"{n}.mp3" for n in range(6)]
    table = soundtrack("library", "list").stdout.splitlines()
    assert table[0].split()[:3] == ["id", "mood", "length"]
    assert len(table) == 7
    by_path = soundtrack("library", "show", music / "2.mp3", "--json").stdout
    assert by_path == soundtrack("library", "show", listed[2]["track_id"][:8], "--json").stdout
    assert len(json.loads(by_path)["segments"]) == 3
    assert soundtrack("library", "show", "nothing").returncode == ExitCode.LIBRARY
    done = soundtrack("library", "forget", music / "2.mp3")
    assert (done.returncode, done.stderr) == (0, "1 track removed\n")
    (music / "0.mp3").unlink()
    soundtrack("index")
    assert soundtrack("library", "forget", "--missing").stderr == "1 track removed\n"
    assert len(json.loads(soundtrack("library", "list", "--json").stdout)) == 5
    assert soundtrack("library", "forget").returncode == ExitCode.USAGE


def test_search_by_mood_by_feeling_and_by_likeness(tmp_path: Path, music: Path, soundtrack: Shell) -> None:
    soundtrack("index", music)
    tense = json.loads(soundtrack("search", "--mood", "tense", "--json").stdout)
    assert len(tense) == 6
    assert [f["similarity"] for f in tense] == sorted((f["similarity"] for f in tense), reverse=True)
    near = json.loads(soundtrack("search", "--valence", "-1", "--arousal", "1", "-n", "2", "--json").stdout)
    assert len(near) == 2
    (tmp_path / "other.mp3").write_text("song 3 1")
    like = json.loads(soundtrack("search", "--like", tmp_path / "other.mp3", "--json").stdout)
    assert Path(like[0]["path"]).name != "3.mp3"  # the very same content is the question, not an answer
    (tmp_path / "new.mp3").write_text("song 70 1")
    assert len(soundtrack("search", "--like", tmp_path / "new.mp3", "-n", "3").stdout.splitlines()) == 4
    for text in ("bad 1", "crash"):  # neither takes the command down
        (tmp_path / "bad.mp3").write_text(text)
        done = soundtrack("search", "--like", tmp_path / "bad.mp3")
        assert (done.returncode, done.stdout) == (ExitCode.INPUT, "")
        assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["error", "hint"]
        assert "bad.mp3: " in done.stderr.splitlines()[0]
    assert soundtrack("search").returncode == ExitCode.USAGE
    assert soundtrack("search", "--mood", "purple").returncode == ExitCode.USAGE


def test_rules_are_shown_changed_and_refused(tmp_path: Path, music: Path, soundtrack: Shell) -> None:
    done = soundtrack("index", music, "--exclude", "0.*", "--exclude", "1.*", "--min-length", "15", "--jobs", "1")
    assert (done.returncode, done.stderr) == (0, "4 added, 2 excluded; the index has 4 tracks, 9 segments\n")
    listed = json.loads(soundtrack("library", "list", "--left-out", "--json").stdout)
    assert [(Path(track["path"]).name, track["left_out"]) for track in listed] == [("3.mp3", "too_short")]
    assert soundtrack("library", "list", "--left-out").stdout.splitlines()[1].split()[0] == "too_short"
    assert "left_out: too_short" in soundtrack("library", "show", music / "3.mp3").stdout
    done = soundtrack("library", "rules", "--drop", "1.*", "--max-length", "25", "--include", "5.*", "--allow-spoken")
    assert done.stdout.splitlines() == [
        *("exclude: 0.*", "include: 5.*", "at least: 15 s", "at most: 25 s", "spoken word: allowed"),
        "excluded: 2 too_long, 1 too_short of 4 tracks",
    ]
    facts = json.loads(soundtrack("library", "rules", "--clear", "--json").stdout)
    assert (facts["exclude"], facts["max_length_s"], facts["left_out"]) == ([], None, {})
    for wrong in (["--exclude", "#"], ["--min-length", "9", "--max-length", "8"], ["--drop", "x"]):
        assert soundtrack("library", "rules", *wrong).returncode == ExitCode.USAGE
    assert soundtrack("index", "--min-length", "inf").returncode == ExitCode.USAGE
    assert soundtrack("library", "rules", "--json").stdout == json.dumps(facts, indent=2, ensure_ascii=False) + "\n"


def test_vacuum_and_watch_do_not_mix_with_other_wishes(tmp_path: Path, music: Path, soundtrack: Shell) -> None:
    soundtrack("index", music)
    done = soundtrack("index", "--vacuum")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.endswith(" MB now\n")
    assert soundtrack("index", "--vacuum", "--verify").stdout.splitlines()[-1] == "faults: none"
    for mixed in (["--vacuum", music], ["--status", "--exclude", "x"], ["--vacuum", "--watch"], ["--watch", "--json"]):
        assert soundtrack("index", *mixed).returncode == ExitCode.USAGE


def test_an_index_goes_out_and_comes_in(tmp_path: Path, music: Path, soundtrack: Shell) -> None:
    soundtrack("index", music)
    done = soundtrack("library", "export", tmp_path / "a.zip")
    assert (done.returncode, done.stdout) == (0, "")
    assert "a.zip: 6 tracks" in done.stderr
    assert soundtrack("library", "export", tmp_path / "a.zip").returncode == ExitCode.OUTPUT
    assert soundtrack("library", "import", tmp_path / "a.zip").returncode == ExitCode.OUTPUT
    music.rename(tmp_path / "songs")
    other = ("--index", tmp_path / "other")
    done = soundtrack("library", "import", tmp_path / "a.zip", *other)
    assert "6 tracks from fake 1, 0 found on this machine" in done.stderr
    assert f"--map {music}=FOLDER" in done.stderr
    moved = f"{music}={tmp_path / 'songs'}"
    done = soundtrack("library", "import", tmp_path / "a.zip", *other, "--force", "--map", moved)
    assert "6 found on this machine" in done.stderr
    assert len(json.loads(soundtrack("library", "list", *other, "--json").stdout)) == 6
    assert soundtrack("library", "import", tmp_path / "a.zip", "--map", "x").returncode == ExitCode.USAGE
    assert soundtrack("library", "import", tmp_path / "none.zip", *other).returncode == ExitCode.INPUT


def test_midi_and_modules_were_passed_over_without_a_word(music: Path, soundtrack: Shell) -> None:
    names = ["a.mid", "b.MIDI", "c.kar", "d.mod", "e.sid", "clip.mp4", "f.mp3.part", ".icloud.mid", "cover.jpg"]
    for name in [*names, "list.m3u8", "notes.txt"]:
        (music / name).write_text("x")
    (music / "folder.mid").mkdir()
    done = soundtrack("index", music, "--jobs", "1")
    assert done.returncode == 0
    (line,) = [line for line in done.stderr.splitlines() if "passed over" in line]
    assert line == (
        "passed over: MIDI and scores (notes without sound): 3; chip and console music (not supported): 1; films (index"
        " their sound by naming the file itself): 1; tracker modules (not supported): 1; unfinished downloads: 1"
    )
    summary = json.loads(soundtrack("index", "--json", "-q").stdout)
    assert sum(summary["passed_over"].values()) == 7 and summary["skipped"] == []
    assert summary["passed_over"]["MIDI and scores (notes without sound)"] == 3


def test_a_folder_without_music_is_said_and_not_called_done(tmp_path: Path, music: Path, soundtrack: Shell) -> None:
    empty = tmp_path / "empty"
    (empty / "below").mkdir(parents=True)
    (empty / "cover.jpg").touch()
    done = soundtrack("index", empty)
    assert done.returncode == ExitCode.INPUT
    assert f"error: {empty}: no music found" in done.stderr
    assert "nothing to do" not in done.stderr
    done = soundtrack("index", empty, music)
    assert done.returncode == ExitCode.PARTIAL
    assert "6 added" in done.stderr
    assert f"error: {empty}: no music found" in done.stderr
    summary = json.loads(soundtrack("index", music, "--json").stdout)
    assert summary["without_music"] == []


def test_the_hint_of_a_missing_index_names_that_index(tmp_path: Path, soundtrack: Shell) -> None:
    elsewhere = tmp_path / "my index"
    for command in (["library", "list"], ["search", "--mood", "calm"], ["index", "--status"], ["index"]):
        done = soundtrack(*command, "--index", elsewhere)
        assert done.returncode == ExitCode.LIBRARY
        assert f"--index '{elsewhere}'" in done.stderr.splitlines()[-1], command


def test_status_counts_the_failures_that_index_counted(tmp_path: Path, music: Path, soundtrack: Shell) -> None:
    (music / "bad.mp3").write_text("bad")
    (music / "empty.mp3").touch()
    (music / "gone.mp3").symlink_to(tmp_path / "nowhere")
    os.mkfifo(music / "pipe.mp3")
    told = json.loads(soundtrack("index", music, "--json", "--jobs", "1").stdout)
    counted = dict.fromkeys(("empty", "missing", "not_media", "not_regular"), 1)
    assert sorted(s["reason"] for s in told["skipped"]) == sorted(counted)
    assert json.loads(soundtrack("index", "--status", "--json").stdout)["failures_by_reason"] == counted
    for name in ("empty.mp3", "gone.mp3", "pipe.mp3"):
        (music / name).unlink()
    soundtrack("index", "--exclude", "bad.mp3")
    assert json.loads(soundtrack("index", "--status", "--json").stdout)["failures_by_reason"] == {}
    (music / "0.mp3").write_text("")  # a track whose file was emptied: told, and its history stays
    soundtrack("index")
    status = json.loads(soundtrack("index", "--status", "--json").stdout)
    assert (status["failures_by_reason"], status["tracks"], status["missing"]) == ({"empty": 1}, 6, 1)


def test_watch_without_its_package_fails_before_anything_is_heard(
    tmp_path: Path, music: Path, soundtrack: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    done = soundtrack("index", music, "--watch")
    assert done.returncode == ExitCode.DEPENDENCY
    assert "soundtrack[watch]" in done.stderr
    assert not (tmp_path / "index").exists()

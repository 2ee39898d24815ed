"""The command line as a shell sees it: exit code, stdout, stderr, and what is left on the disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from media_made import Made
from soundtrack.cli.app import main, run_commands
from soundtrack.errors import ExitCode, InputError, UsageError

SOUNDTRACK = [sys.executable, "-m", "soundtrack"]


def soundtrack(*args: str | Path, stdin: bytes | None = None, **env: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*SOUNDTRACK, *map(str, args)],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        env={**os.environ, **env},
        check=False,
        timeout=240,
    )


def assert_refused(done: subprocess.CompletedProcess[bytes], code: ExitCode, *words: str) -> None:
    """Two lines on stderr that name the cause, nothing on stdout, the right code."""
    lines = done.stderr.decode().splitlines()
    assert done.returncode == code, done.stderr.decode()
    assert done.stdout == b""
    assert len(lines) == 2 and lines[0].startswith("error: ") and lines[1].startswith("hint: "), lines
    for word in words:
        assert word in lines[0]


def test_scoring_in_one_go_equals_the_three_filters_to_the_byte(made: Made, tmp_path: Path) -> None:
    whole, piped = tmp_path / "whole.mp4", tmp_path / "piped.mp4"
    done = soundtrack("score", made.film, "-o", whole, "--index", made.index, "-q")
    assert done.returncode == 0, done.stderr.decode()
    scenes = soundtrack("scenes", made.film)
    cues = soundtrack("spot", "-", "--index", made.index, stdin=scenes.stdout)
    assert cues.returncode == 0, cues.stderr.decode()
    kept = tmp_path / "piped.cues.json"
    rendered = soundtrack("render", made.film, "-", "-o", piped, "--cues", kept, stdin=cues.stdout)
    assert rendered.returncode == 0, rendered.stderr.decode()
    assert (tmp_path / "whole.cues.json").read_bytes() == kept.read_bytes()
    assert whole.read_bytes() == piped.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "piped.cues.json",
        "piped.mp4",
        "whole.cues.json",
        "whole.mp4",
    ]
    measured = json.loads(kept.read_bytes())["mix"]
    assert json.loads(cues.stdout)["mix"]["music_gain_db"] is None, "spot hears nothing, so it decides no gain"
    assert None not in (measured["music_gain_db"], measured["master_gain_db"], measured["limiter_dbtp"])
    again = tmp_path / "again.mp4"
    assert soundtrack("render", made.film, kept, "-o", again, "--cues", tmp_path / "again.json").returncode == 0
    assert again.read_bytes() == whole.read_bytes()
    assert (tmp_path / "again.json").read_bytes() == kept.read_bytes()


def test_a_dry_run_writes_the_cue_sheet_to_stdout_and_nothing_else(made: Made, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(made.film.read_bytes())
    done = soundtrack("score", film, "--index", made.index, "--dry-run")
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)["schema"] == "soundtrack.cuesheet/2"
    assert [p.name for p in tmp_path.iterdir()] == ["film.mp4"]


def test_a_missing_film_is_named(made: Made, tmp_path: Path) -> None:
    assert_refused(soundtrack("score", tmp_path / "no.mp4", "--index", made.index), ExitCode.INPUT, "no.mp4")


def test_a_text_file_is_no_film(made: Made, tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("not a film at all\n" * 40)
    assert_refused(soundtrack("scenes", text), ExitCode.INPUT, "notes.mp4")
    assert_refused(soundtrack("score", text, "--index", made.index), ExitCode.INPUT, "notes.mp4")


def test_without_an_index_nothing_is_decoded(made: Made, tmp_path: Path) -> None:
    done = soundtrack("score", made.film, "-o", tmp_path / "out.mp4", "--index", tmp_path / "nowhere")
    assert_refused(done, ExitCode.LIBRARY, "nowhere")
    assert b"soundtrack index" in done.stderr


def test_an_existing_target_stays_as_it_is(made: Made, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    out.write_bytes(b"precious")
    assert_refused(soundtrack("score", made.film, "-o", out, "--index", made.index), ExitCode.OUTPUT, "out.mp4")
    assert out.read_bytes() == b"precious"


def test_the_film_itself_is_never_the_target(made: Made, tmp_path: Path) -> None:
    film, link = tmp_path / "film.mp4", tmp_path / "link.mp4"
    film.write_bytes(made.film.read_bytes())
    os.link(film, link)
    for out in (film, link):
        done = soundtrack("score", film, "-o", out, "--index", made.index, "--force")
        assert_refused(done, ExitCode.USAGE, out.name)
    assert film.read_bytes() == made.film.read_bytes()


def test_a_folder_that_cannot_be_written_is_an_output_error(made: Made, tmp_path: Path) -> None:
    done = soundtrack("score", made.film, "-o", tmp_path / "missing" / "out.mp4", "--index", made.index)
    assert_refused(done, ExitCode.OUTPUT, "missing")


def test_a_damaged_cue_sheet_names_the_place(made: Made, tmp_path: Path) -> None:
    sheet = soundtrack("score", made.film, "--index", made.index, "--dry-run").stdout.decode()
    wrong = sheet.replace('"gain_db"', '"gain_bd"', 1)
    assert wrong != sheet
    done = soundtrack("render", made.film, "-", "-o", tmp_path / "out.mp4", stdin=wrong.encode())
    assert_refused(done, ExitCode.INPUT, "gain_bd", "gain_db")
    assert list(tmp_path.iterdir()) == []


def test_scenes_of_another_model_are_refused(made: Made) -> None:
    scenes = soundtrack("scenes", made.film).stdout.decode()
    data = json.loads(scenes)
    data["model"]["sha256"] = "0" * 64
    done = soundtrack("spot", "-", "--index", made.index, stdin=json.dumps(data).encode())
    assert_refused(done, ExitCode.LIBRARY, "weights")


@pytest.mark.parametrize("option", [["--target", "loud"], ["--mood", "0:00-0:02=funny-ish"], ["--lock", "x=y"]])
def test_options_that_make_no_sense_are_usage_errors(made: Made, tmp_path: Path, option: list[str]) -> None:
    done = soundtrack("score", made.film, "-o", tmp_path / "o.mp4", "--index", made.index, *option)
    assert_refused(done, ExitCode.USAGE)
    assert list(tmp_path.iterdir()) == []


def test_unknown_options_end_with_two() -> None:
    done = soundtrack("score", "--no-such-option")
    assert done.returncode == ExitCode.USAGE
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["-dash.mp4", "-qash.mp4", "--my-film.mkv"])
def test_a_film_whose_name_begins_with_a_dash_was_only_an_unknown_option(name: str) -> None:
    with pytest.raises(UsageError) as refused:
        run_commands(["score", name])
    assert refused.value.hint == f"use ./{name} for the file of this name"


@pytest.mark.parametrize(
    "command", [["score", "My", "Holiday.mp4", "-o", "out.mp4"], ["index", "My", "Holiday.mp4", "--index", "index"]]
)
def test_a_name_with_a_space_without_quotes_was_two_files_that_do_not_exist(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    film = tmp_path / "My Holiday.mp4"
    film.write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["soundtrack", *command])
    with pytest.raises(SystemExit):
        main()
    assert "hint: put the name in quotes: 'My Holiday.mp4' [E" in capfd.readouterr().err
    film.unlink()
    with pytest.raises(SystemExit):
        main()
    assert "quotes" not in capfd.readouterr().err


def test_a_misspelt_option_beside_a_file_is_no_file() -> None:
    with pytest.raises(UsageError) as refused:
        run_commands(["score", "film.mp4", "--targt", "-16.5"])
    assert "--target" in refused.value.hint


@pytest.mark.parametrize("command", ["score {}", "scenes {}", "excerpt {} --seconds 5", "index {} --index {folder}"])
def test_an_address_was_said_to_be_no_such_file(tmp_path: Path, command: str) -> None:
    address = "https://example.org/films/night.mp4"
    words = [word.format(address, folder=tmp_path) for word in command.split()]
    with pytest.raises(InputError, match=r"^https://example\.org/films/night\.mp4: an address, not a file$") as refused:
        run_commands(words)
    assert "download" in refused.value.hint


def test_without_any_ffmpeg_the_message_says_what_to_install(made: Made, tmp_path: Path) -> None:
    done = soundtrack(
        "score", made.film, "-o", tmp_path / "o.mp4", "--index", made.index, SOUNDTRACK_FFMPEG="/nonexistent"
    )
    assert_refused(done, ExitCode.DEPENDENCY, "ffmpeg")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after_s", [0.8, 2.0, 3.5])
@pytest.mark.slow
def test_interrupted_at_any_stage_nothing_is_left(
    made: Made, tmp_path: Path, stop: signal.Signals, after_s: float
) -> None:
    out = tmp_path / "out.mp4"
    process = subprocess.Popen(
        [*SOUNDTRACK, "score", made.film, "-o", out, "--index", made.index],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    time.sleep(after_s)
    process.send_signal(stop)
    _, stderr = process.communicate(timeout=60)
    if process.returncode == 0:
        pytest.skip("it was faster than the signal")
    # Struck while a C extension runs Python of its own, the interpreter ends by the signal: 130 to a shell as well.
    wanted = {ExitCode.INTERRUPTED, -signal.SIGINT} if stop is signal.SIGINT else {128 + signal.SIGTERM}
    assert process.returncode in wanted
    assert b"Traceback" not in stderr
    assert list(tmp_path.iterdir()) == []
    assert soundtrack("library", "list", "--index", made.index).returncode == 0


def test_help_is_quick_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['soundtrack', '--help']\n"
        "from soundtrack.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "names = {'torch', 'librosa', 'faiss', 'av', 'cv2', 'scipy', 'scenedetect', 'decord', 'numba'}\n"
        "heavy = names & set(sys.modules)\n"
        "sys.stderr.write(','.join(sorted(heavy)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    assert done.stderr == b""
    assert b"score" in done.stdout


def test_a_closed_stdout_is_no_crash(made: Made) -> None:
    done = subprocess.run(
        f"{sys.executable} -m soundtrack scenes {made.film} -q | head -c 10",
        shell=True,
        capture_output=True,
        check=False,
    )
    assert b"Traceback" not in done.stderr and b"error" not in done.stderr
    assert len(done.stdout) == 10


def test_a_swapped_cue_is_rendered_with_the_runner_up(made: Made, tmp_path: Path) -> None:
    sheet = soundtrack("score", made.film, "--index", made.index, "--dry-run").stdout
    other = json.loads(sheet)["alternatives"][0]
    swap = f"{other['cue_id']}={other['rank']}"
    plain, swapped = tmp_path / "plain.mp4", tmp_path / "swapped.mp4"
    assert soundtrack("render", made.film, "-", "-o", plain, stdin=sheet).returncode == 0
    done = soundtrack("render", made.film, "-", "-o", swapped, "--swap", swap, "--index", made.index, stdin=sheet)
    assert done.returncode == 0, done.stderr.decode()
    assert plain.read_bytes() != swapped.read_bytes()
    gone = soundtrack(
        "render", made.film, "-", "-o", tmp_path / "o.mp4", "--swap", "9m99=2", "--index", made.index, stdin=sheet
    )
    assert_refused(gone, ExitCode.USAGE, "9m99")


def test_the_ledger_is_written_only_when_earlier_films_matter(made: Made, tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out.mp4"
    score = ("score", made.film, "-o", out, "--index", made.index, "--force", "-q")
    assert soundtrack(*score, XDG_DATA_HOME=str(data)).returncode == 0

    def sheet() -> dict[str, object]:
        read: dict[str, object] = json.loads((tmp_path / "out.cues.json").read_text())
        return {name: value for name, value in read.items() if name != "conditions"}  # which hold the option itself

    plain = sheet()
    assert not data.exists()
    for _ in range(2):
        assert soundtrack(*score, "--avoid-recent", "2", XDG_DATA_HOME=str(data)).returncode == 0
        assert sheet() == plain  # a film does not count against itself
    ledger = data / "soundtrack" / "ledger.jsonl"
    entry = json.loads(ledger.read_text())
    assert entry["tracks"] == sorted({cue["track_id"] for cue in plain["cues"]})  # type: ignore[attr-defined]
    ledger.write_text("no ledger")
    done = soundtrack(
        "score",
        made.film,
        "-o",
        tmp_path / "o.mp4",
        "--index",
        made.index,
        "--avoid-recent",
        "1",
        XDG_DATA_HOME=str(data),
    )
    assert_refused(done, ExitCode.INPUT, "ledger.jsonl", "line 1")
    assert not (tmp_path / "o.mp4").exists()


def test_a_finished_film_was_called_an_error_where_the_ledger_could_not_be_written(made: Made, tmp_path: Path) -> None:
    out, data = tmp_path / "out.mp4", tmp_path / "data"
    data.mkdir()
    (data / "soundtrack").symlink_to(tmp_path / "none" / "there")  # no folder can be made there
    command = ("score", made.film, "-o", out, "--index", made.index, "--avoid-recent", "1")
    done = soundtrack(*command, XDG_DATA_HOME=str(data))
    assert done.returncode == 0, done.stderr.decode()
    assert b"warning: this film is not remembered for --avoid-recent" in done.stderr
    assert str(out).encode() in done.stdout and out.is_file()


def test_a_dry_run_tells_what_could_not_be_done(made: Made) -> None:
    done = soundtrack("score", made.film, "--index", made.index, "--dry-run", "--hit", "0:00", "--silence", "0:00-0:02")
    assert done.returncode == 0, done.stderr.decode()
    warnings = json.loads(done.stdout)["warnings"]
    assert any("no music at hit point 0:00.0" in line for line in warnings)
    assert [line for line in done.stderr.decode().splitlines() if line] == [f"warning: {line}" for line in warnings]
    late = soundtrack("score", made.film, "--index", made.index, "--dry-run", "--hit", "9:59")
    assert_refused(late, ExitCode.USAGE, "9:59")


def test_the_reason_was_cut_off_behind_a_path_of_2400_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "/".join(["d" * 240] * 10) + "/nothing.mp4"
    monkeypatch.setattr(sys, "argv", ["soundtrack", "scenes", name])
    with pytest.raises(SystemExit, match="3"):
        main()
    first, hint = capfd.readouterr().err.splitlines()
    assert first.endswith("nothing.mp4: no such file") and "…" in first and len(first) <= 2_010
    assert hint.startswith("hint: ")

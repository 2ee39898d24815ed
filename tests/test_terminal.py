"""What a person and a shell script get to see: words in two lines, tables that fit, paths to go on with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from rich.cells import cell_len

from media_made import Made
from soundtrack import pipeline
from soundtrack.cli import output
from soundtrack.cli.app import run_commands
from soundtrack.cli.music.library import table
from soundtrack.errors import ExitCode, NothingFitsError, UsageError
from soundtrack.pipeline.film.analyse import Watcher
from soundtrack.spotting.plan.spot import spot_cues
from test_cli import assert_refused, soundtrack


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (
            ["score", "f.mp4", "--device", "gpu"],
            "invalid value for '--device': 'gpu' is not one of",
            "soundtrack score --help",
        ),
        (["score", "f.mp4", "--max-cues", "0"], "invalid value for '--max-cues': must be at least 1", "score --help"),
        (["score", "f.mp4", "--seed", "x"], "invalid value for '--seed': not an integer", "score --help"),
        (["score", "f.mp4", "--explore", "2"], "invalid value for '--explore': must be at most 1", "score --help"),
        (["score", "f.mp4", "--explore", "x"], "invalid value for '--explore': not a number", "score --help"),
        (["score", "f.mp4", "--explore", "30%"], "'--explore': not a number", "use 0.3 for 30%; `soundtrack"),
        (["score", "f.mp4", "--music-level", "3 dB"], "'--music-level': not a number", "use 3, without the unit; `"),
        (["score", "f", "--seconds-per-image", "4.5s"], "not a number", "use 4.5, without the unit; `soundtrack"),
        (["score", "f.mp4", "--stretch", "0.5"], "--stretch 0.5: invalid tempo change", "e.g. 0.5%"),
        (["score", "f.mp4", "--stretch", "30"], "--stretch 30: invalid tempo change", "between 0 and 10%, e.g. 2%"),
        (["index", "f", "--pace", "0.25"], "--pace 0.25: invalid share", "e.g. --pace 25%"),
        (["score", "f.mp4", "--target", "16"], "--target 16: invalid loudness", "between -40 and -5, e.g. -16"),
        (["score", "f.mp4", "--mood", "tense"], "--mood 'tense' has no time span", "or --like for the whole film"),
        (["score", "f.mp4", "g.mp4"], "unexpected argument: g.mp4", "use --batch LIST for several films"),
        (["verify", "f.mp4", "g.mp4", "h.mp4"], "unexpected argument: h.mp4", "verify --help"),
        (["score", "f.mp4", "--max-cue", "2"], "unknown option --max-cue", "did you mean --max-cues"),
        (["cues", "export", "c.json", "--format", "otio"], "unknown option --format", "did you mean --to? `"),
        (["cues", "export", "c.json", "--forc"], "unknown option --forc", "did you mean --force? `"),
        (["render", "f.mp4", "c.json", "--form", "1:00"], "unknown option --form", "did you mean --from? `"),
        (["scroe", "f.mp4"], "no such command 'scroe'", "did you mean score"),
        (["library", "lst"], "no such command 'lst'", "did you mean list"),
        (["render"], "missing argument 'VIDEO'", "soundtrack render --help"),
    ],
)
def test_a_wrong_word_gets_the_two_lines_that_everything_gets(words: list[str], said: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        run_commands(words)
    assert said in str(caught.value)
    assert hint in caught.value.hint


@pytest.mark.parametrize("wrong", ["--format", "--for", "--formats", "--fps", "--from", "--source", "--score"])
def test_an_option_that_does_not_exist_never_gets_the_advice_to_overwrite(wrong: str) -> None:
    for words in (["cues", "export", "c.json"], ["spot", "s.json"], ["library", "map"]):
        with pytest.raises(UsageError) as caught:
            run_commands([*words, wrong, "otio"])
        assert "--force" not in caught.value.hint


def test_a_wrong_word_ends_with_the_code_of_usage() -> None:
    assert_refused(soundtrack("score", "f.mp4", "--device", "gpu"), ExitCode.USAGE, "--device")
    assert soundtrack("library").returncode == ExitCode.USAGE


def test_ideographs_and_accents_do_not_shift_the_columns_of_a_table() -> None:
    rows = [
        ["id", "title", "path"],
        ["1", "静かな夜", "/m/a.mp3"],
        ["2", "Cafe\u0301", "/m/b.mp3"],
        ["3", "plain", "/m/c.mp3"],
    ]
    lines = table(rows).splitlines()
    assert len({cell_len(line[: line.index("/m/")]) for line in lines[1:]}) == 1


def test_a_table_fits_the_terminal_and_keeps_the_names_of_files() -> None:
    rows = [["id", "title", "path"], ["1", "A Very Long Title " * 4, "/a/rather/deep/folder/of/music/with/song.mp3"]]
    lines = table(rows, columns=60).splitlines()
    assert all(cell_len(line) <= 60 for line in lines)
    assert lines[1].endswith("song.mp3") and "…" in lines[1]
    assert table(rows, columns=300) == table(rows)


def test_how_a_request_was_understood_is_no_warning(capsys: pytest.CaptureFixture[str]) -> None:
    asked, missing = "'hopeful, no drums' understood as: hopeful; no drums", "a.mp3: no such file"
    output.say_warnings([asked, missing], of="film.mp4")
    output.say_warnings([asked, missing], quiet=True)
    assert capsys.readouterr().err == f"note: film.mp4: {asked}\nwarning: film.mp4: {missing}\n"


def test_a_long_run_without_a_terminal_says_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "PLAIN_EVERY_S", 0.0)
    with output.progress() as tell:
        tell("listen: a.mp3", 1, 8)
    assert capsys.readouterr().err == "listen: a.mp3: 1 of 8\n"
    with output.progress(quiet=True) as tell:
        tell("listen: a.mp3", 1, 8)
    monkeypatch.setattr(output, "PLAIN_EVERY_S", 30.0)
    with output.progress() as tell:
        tell("listen: b.mp3", 2, 8)
    assert capsys.readouterr().err == ""


def test_a_shell_script_gets_the_path_of_the_scored_film(made: Made, tmp_path: Path) -> None:
    """``out=$(soundtrack score f.mp4)`` was empty."""
    scored = tmp_path / os.fsdecode(b"sc\xff\xf6red.mp4")
    done = soundtrack("score", made.film, "-o", scored, "--index", made.index)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == os.fsencode(scored) + b"\n"
    assert b"1 cue from 1 track" in done.stderr or b"cues from" in done.stderr
    again = soundtrack("render", made.film, scored.with_suffix(".cues.json"), "-o", tmp_path / "b.mp4", "-q")
    assert again.stdout == os.fsencode(tmp_path / "b.mp4") + b"\n"


def test_a_dry_run_finds_a_typo_before_the_film_is_watched(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    def watched(*_: object, **__: object) -> None:
        raise AssertionError("the film was watched")

    monkeypatch.setattr(Watcher, "analyse", watched)
    for wrong in ("0:00-0:03=hapy", "9:00-9:30=sad"):
        with pytest.raises(UsageError):
            run_commands(["score", str(made.film), "--dry-run", "--mood", wrong, "--index", str(made.index)])


def test_a_film_with_its_own_music_ends_with_nothing_fits(
    made: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from dataclasses import replace

    def full_of_music(scenes, *rest, **more):  # type: ignore[no-untyped-def]
        scenes = replace(scenes, scenes=tuple(replace(s, music_share=1.0) for s in scenes.scenes))
        return spot_cues(scenes, *rest, **more)

    monkeypatch.setattr("soundtrack.spotting.plan.spot.spot_cues", full_of_music)
    with pytest.raises(NothingFitsError, match="nothing to score"):
        pipeline.score_video(made.film, out=tmp_path / "o.mp4", index=made.index)
    assert list(tmp_path.iterdir()) == []

"""Many films in one run: one that fails stops no other, and a second run goes on where the first one ended."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from made_up import sheet, small_library
from media_made import Made, make_film
from soundtrack.cli.app import run_commands
from soundtrack.errors import (
    DependencyError,
    ExitCode,
    InputError,
    NothingFitsError,
    OutputError,
    PartialError,
    Reason,
    UsageError,
)
from soundtrack.pipeline import batch
from soundtrack.pipeline.batch import BatchOrder, FilmState, KeptScorer, score_batch
from soundtrack.pipeline.film.analyse import fingerprint
from soundtrack.pipeline.ground.film_list import films_of
from soundtrack.pipeline.sheets.sheet_files import write_cues
from soundtrack.pipeline.sheets.targets import cues_path
from soundtrack.pipeline.sheets.wishes import Wishes
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import Conditions

OTHER_RUN = "seen by another run"


class FakeScorer:
    """Scores by the film's name, quicker than a network."""

    conditions = Conditions()
    opened = 0

    def __init__(self, **_: object) -> None:
        type(self).opened += 1

    def scenes(self, info: Any, **_: object) -> str:
        if info.path.stem.startswith("unseen"):
            raise InputError(f"{info.path}: no picture", hint="use another film", reason=Reason.CORRUPT)
        return info.path.name

    def score(self, info: Any, *, out: Path, scenes: str, **_: object) -> Any:
        assert scenes == info.path.name
        name = info.path.stem
        if name.startswith(OTHER_RUN):
            out.write_bytes(b"theirs")
            if name.endswith("done"):
                cues_path(out).write_text("{}")
            raise OutputError(f"{out}: already exists", hint="add --force to replace it")
        if name.startswith("nothing"):
            raise NothingFitsError("no music may be used", hint="allow more")
        if name.startswith("bug"):
            raise ZeroDivisionError("made for the test")
        if name.startswith("broken"):
            raise DependencyError("no ffmpeg", hint="install it")
        if name.startswith("stop"):
            raise KeyboardInterrupt
        out.write_bytes(b"film")
        cues_path(out).write_text("{}")
        return SimpleNamespace(warnings=("odd",) if name.startswith("odd") else ())


def fake_probe(path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"{path}: no such file", hint="check the name", reason=Reason.MISSING)
    return SimpleNamespace(path=path)


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("slow"):
        return
    FakeScorer.opened = 0
    monkeypatch.setattr(batch, "Scorer", FakeScorer)
    monkeypatch.setattr("soundtrack.media.reading.probe.probe", fake_probe)
    monkeypatch.setattr("soundtrack.media.writing.formats.default_suffix", lambda info: info.path.suffix.lower())


def films(folder: Path, *names: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(name.encode())
    return [folder / name for name in names]


def states(outcomes: Any) -> list[str]:
    return [film.state.value for film in outcomes.films]


def test_one_failure_stops_no_other_and_each_is_told(tmp_path: Path) -> None:
    named = [*films(tmp_path, "a.mp4", "nothing.mp4", "bug.mkv", "odd.mp4"), tmp_path / "gone.mp4"]
    told: list[tuple[str, int, int]] = []
    report = score_batch(named, BatchOrder(), progress=lambda *step: told.append(step))
    assert [film.film for film in report.films] == [str(path) for path in named]
    assert states(report) == ["scored", "failed", "failed", "scored", "failed"]
    assert [film.exit_code for film in report.films] == [0, ExitCode.NOTHING_FITS, ExitCode.BUG, 0, ExitCode.INPUT]
    assert "ZeroDivisionError" in report.films[2].message and "gone.mp4" in report.films[4].message
    assert report.films[3].warnings == ("odd",)
    assert told == [("scoring", n, 5) for n in range(6)]
    assert FakeScorer.opened == 1
    assert json.loads(json.dumps(report.as_dict()))["failed"] == 3


@pytest.mark.parametrize("cores", [1, 2])
def test_the_next_film_is_watched_while_one_is_rendered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    steps: list[str] = []
    watched = threading.Event()

    class Slow(FakeScorer):
        def scenes(self, info: Any, **words: object) -> str:
            steps.append(f"watch {info.path.stem}")
            if info.path.stem == "b":
                watched.set()
            return super().scenes(info, **words)

        def score(self, info: Any, **words: Any) -> Any:
            if cores > 1 and info.path.stem == "a":
                assert watched.wait(30)  # it comes while this film is rendered
            steps.append(f"render {info.path.stem}")
            return super().score(info, **words)

    monkeypatch.setattr(batch, "Scorer", Slow)
    monkeypatch.setattr(batch, "n_cores", lambda: cores)
    report = score_batch(films(tmp_path, "a.mp4", "b.mp4", "unseen.mp4", "c.mp4"), BatchOrder())
    assert states(report) == ["scored", "scored", "failed", "scored"]
    assert [step for step in steps if step.startswith("render")] == ["render a", "render b", "render c"]
    if cores == 1:
        assert steps == ["watch a", "render a", "watch b", "render b", "watch unseen", "watch c", "render c"]


@pytest.mark.parametrize("taken", ["film.scored.mp4", "film.scored.cues.json"])
def test_hints_for_a_film_of_a_batch_named_options_of_one_film_and_not_the_folder(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: str
) -> None:
    monkeypatch.undo()
    film = tmp_path / "film.mp4"
    shutil.copy(made.film, film)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / taken).write_text("of another program")
    (outcome,) = score_batch([film], BatchOrder(index=made.index, folder=tmp_path / "out", device="cpu")).films
    assert outcome.state is FilmState.FAILED and taken in outcome.message
    assert outcome.hint == "use another folder with -o DIR; --force only replaces a file of the same kind"


def test_a_second_run_does_only_what_is_missing(tmp_path: Path) -> None:
    named = films(tmp_path, "a.mp4", "b.mp4", "stop.mp4", "c.mp4")
    with pytest.raises(KeyboardInterrupt):
        score_batch(named, BatchOrder())
    named.remove(tmp_path / "stop.mp4")
    (tmp_path / "a.scored.mp4").write_bytes(b"precious")
    assert states(score_batch(named, BatchOrder())) == ["finished", "finished", "scored"]
    assert (tmp_path / "a.scored.mp4").read_bytes() == b"precious"
    assert states(score_batch(named, BatchOrder(force=True))) == ["scored"] * 3
    cues_path(tmp_path / "b.scored.mp4").unlink()
    assert states(score_batch(named, BatchOrder())) == ["finished", "scored", "finished"]


def test_a_film_that_another_run_finished_meanwhile_was_called_a_failure(tmp_path: Path) -> None:
    named = films(tmp_path, f"{OTHER_RUN}, done.mp4", f"{OTHER_RUN}, half.mp4", "c.mp4")
    assert states(score_batch(named, BatchOrder())) == ["finished", "failed", "scored"]
    assert (tmp_path / f"{OTHER_RUN}, done.scored.mp4").read_bytes() == b"theirs"


def test_what_no_film_could_do_without_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(DependencyError, match="no ffmpeg"):
        score_batch(films(tmp_path, "broken.mp4", "a.mp4"), BatchOrder())
    assert not (tmp_path / "a.scored.mp4").exists()


def test_a_folder_for_the_results(tmp_path: Path) -> None:
    named = [*films(tmp_path / "in", "a.mp4"), *films(tmp_path / "more", "a.mp4")]
    out = tmp_path / "out"
    with pytest.raises(UsageError, match="would both be written"):
        score_batch(named, BatchOrder(folder=out))
    with pytest.raises(OutputError, match="does not exist"):
        score_batch(named[:1], BatchOrder(folder=out / "deeper"))
    assert not out.exists()
    score_batch(named[:1], BatchOrder(folder=out))
    assert sorted(path.name for path in out.iterdir()) == ["a.scored.cues.json", "a.scored.mp4"]
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["a.mp4"]


def test_clip_mov_beside_clip_mp4_was_refused(tmp_path: Path) -> None:
    """Both become `clip.scored.cues.json`, also where the other one comes into a watched folder."""
    named = films(tmp_path, "clip.mov", "clip.mp4", "watched.mp4", "watched.mov")
    report = score_batch(named[:3], BatchOrder(), among=named)
    assert states(report) == ["scored"] * 3 and states(score_batch(named[1::-1], BatchOrder())) == ["finished"] * 2
    outputs = [Path(str(film.output)).name for film in report.films]
    assert outputs == ["clip.mov.scored.mov", "clip.mp4.scored.mp4", "watched.mp4.scored.mp4"]


@pytest.mark.parametrize("how", ["by name", "by hard link"])
def test_a_film_of_the_list_is_never_the_result_of_another(tmp_path: Path, how: str) -> None:
    film, scored = films(tmp_path, "a.mp4", "a.scored.mp4")
    if how == "by hard link":
        os.link(scored, tmp_path / "b.mp4")
        scored = tmp_path / "b.mp4"
    with pytest.raises(UsageError, match="is a film of the list"):
        score_batch([film, scored], BatchOrder(force=True))
    assert scored.read_bytes() == b"a.scored.mp4"


def test_a_list_names_films_from_where_it_lies(tmp_path: Path) -> None:
    odd = os.fsdecode(b"caf\xe9.mp4")
    listing = tmp_path / "films.txt"
    listing.write_bytes(
        b"\xef\xbb\xbf# tonight\r\n a b.mp4 \r\n\r\nsub/c.mkv\n/elsewhere/d.mov\na b.mp4\ncaf\xe9.mp4\n"
    )
    names = ["a b.mp4", "sub/c.mkv", "/elsewhere/d.mov", odd]
    assert films_of(listing) == tuple(tmp_path / name for name in names)


def test_a_folder_gives_its_films_without_those_that_were_scored(tmp_path: Path) -> None:
    films(tmp_path, "b.MKV", "a.mp4", "a.scored.mp4", "a.scored.cues.json", ".hidden.mp4", "notes.txt")
    (tmp_path / "folder.mp4").mkdir()
    assert [path.name for path in films_of(tmp_path)] == ["a.mp4", "b.MKV"]


@pytest.mark.parametrize("content", [None, b"", b"# nothing\n\n", b"a\0b.mp4\n"])
def test_a_list_without_films_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "list").write_bytes(content)
    with pytest.raises(InputError, match="list"):
        films_of(tmp_path / "list")
    assert batch.FilmState.FAILED in FilmState


def run(*args: str | Path) -> subprocess.CompletedProcess[bytes]:
    words = [sys.executable, "-m", "soundtrack", *map(str, args)]
    return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=240)


@pytest.mark.slow
def test_a_batch_on_the_command_line(made: Made, tmp_path: Path) -> None:
    for name in ("a", "b"):
        make_film(tmp_path / f"{name}.mp4")
    (tmp_path / "films.txt").write_text("a.mp4\nb.mp4\nno.mp4\n")
    words = ("score", "--batch", tmp_path / "films.txt", "--index", made.index, "--json")
    words += ("--report", tmp_path / "night.html")
    first, second = run(*words), run(*words)
    assert first.returncode == second.returncode == ExitCode.PARTIAL
    assert [film["state"] for film in json.loads(first.stdout)["films"]] == ["scored", "scored", "failed"]
    assert [film["state"] for film in json.loads(second.stdout)["films"]] == ["finished", "finished", "failed"]
    assert "no.mp4" in (tmp_path / "night.html").read_text()
    assert b"failed: " in first.stderr and b"no.mp4" in first.stderr
    error = json.loads(first.stderr.splitlines()[-1])["error"]
    assert error["exit_code"] == ExitCode.PARTIAL and "run the same command again" in error["hint"]
    for name in ("a", "b"):
        alone = tmp_path / "alone" / f"{name}.scored.mp4"
        alone.parent.mkdir(exist_ok=True)
        assert run("score", tmp_path / f"{name}.mp4", "-o", alone, "--index", made.index, "--no-cache").returncode == 0
        for path in (alone, cues_path(alone)):
            assert path.read_bytes() == (tmp_path / path.name).read_bytes()


def test_a_quiet_batch_names_the_film_that_failed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """With -q, 'fix the errors above' followed nothing, and a quiet --watch never named the film."""
    films(tmp_path / "films", "a.mp4", "unseen.mp4")
    with pytest.raises(PartialError, match="1 of 2 films failed"):
        run_commands(["score", "--batch", str(tmp_path / "films"), "-o", str(tmp_path / "out"), "-q"])
    failed = tmp_path / "films" / "unseen.mp4"
    assert capfd.readouterr().err == f"failed: {failed}: no picture; use another film\n"


def test_a_batch_whose_report_found_a_full_disk_said_nothing_of_its_films(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    films(tmp_path / "films", "a.mp4", "unseen.mp4")
    report, out = tmp_path / "night.html", tmp_path / "out"

    def full(*_: object, **__: object) -> None:
        raise OutputError(f"{report}: the disk is full", hint="free some disk space")

    monkeypatch.setattr("soundtrack.files.safe_write.write_text", full)
    with pytest.raises(OutputError, match="the disk is full"):
        run_commands(["score", "--batch", str(tmp_path / "films"), "-o", str(out), "--report", str(report)])
    said = capfd.readouterr()
    assert said.out == f"{out / 'a.scored.mp4'}\n"
    assert "unseen.mp4: no picture" in said.err and "1 scored, 0 already finished, 1 failed" in said.err


def test_a_name_with_a_line_break_was_two_lines_on_stdout(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    films(tmp_path / "films", "a\nb.mp4")
    assert run_commands(["score", "--batch", str(tmp_path / "films"), "-o", str(tmp_path / "out"), "-q"]) == 0
    assert capfd.readouterr().out == f"{tmp_path}/out/a\N{REPLACEMENT CHARACTER}b.scored.mp4\n"


@pytest.mark.parametrize(
    "words",
    [
        ["score"],
        ["score", "a.mp4", "--batch", "."],
        ["score", "--batch", ".", "--dry-run"],
        ["score", "a.mp4", "--cluster", "tcp://127.0.0.1:9"],
        ["score", "a.mp4", "--report", "night.html"],
        ["score", "--batch", "tests", "--report", "night.pdf"],
        ["score", "--batch", ".", "--watch", "."],
        ["score", "--watch", ".", "--cluster", "tcp://127.0.0.1:9"],
        ["score", "a.mp4", "--watch", "."],
        ["score", "--batch", ".", "--moves"],
        ["score", __file__, "--seconds-per-image", "3"],
    ],
)
def test_words_that_make_no_sense_together_are_usage_errors(words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == ExitCode.USAGE
    assert done.stdout == b"" and b"hint: " in done.stderr


def test_a_kept_scorer_is_opened_again_when_the_library_or_a_named_file_changes(tmp_path: Path) -> None:
    """Else every film of a watched folder would open library and networks, or a new index would not be seen."""
    index, theme = tmp_path / "index", tmp_path / "theme.mp3"
    index.mkdir()
    theme.write_bytes(b"music")
    order, kept = BatchOrder(index=index, wishes=Wishes(theme=str(theme))), KeptScorer()

    def opened(**changes: Any) -> int:
        score_batch(films(tmp_path / "films", "a.mp4"), replace(order, **{"force": True, **changes}), kept=kept)
        return FakeScorer.opened

    assert [opened(), opened(), opened(force=False)] == [1, 1, 1]
    (index / "library.sqlite3").write_bytes(b"grown")
    assert [opened(), opened()] == [2, 2]
    (index / "library.sqlite3-wal").touch()  # as the reading of it leaves it
    assert opened() == 2
    (index / "library.sqlite3-wal").write_bytes(b"grown")
    assert [opened(), opened()] == [3, 3]
    theme.write_bytes(b"other music")
    assert [opened(), opened()] == [4, 4]
    assert opened(wishes=Wishes()) == 5


def test_a_report_that_cannot_be_written_was_said_of_another_option(tmp_path: Path) -> None:
    from soundtrack.cli.film.score_many import _report_writer
    from soundtrack.files.kinds import NIGHTS

    with pytest.raises(OutputError, match=r"night\.html: is a folder") as caught:
        (tmp_path / "night.html").mkdir()
        _report_writer(tmp_path / "night.html", NIGHTS["html"], inputs=[], order=BatchOrder())
    assert "--report" in caught.value.hint


def test_a_second_run_with_other_options_did_not_say_that_films_were_finished_without_them(tmp_path: Path) -> None:
    named = films(tmp_path, "a.mp4", "b.mp4", "c.mp4")
    cues = spot_cues(sheet([("Relaxation", 60.0), ("Tension", 60.0)]), small_library())
    states = {
        "a": Conditions(licences=("own",)),
        "b": Conditions(only=("Jazz",)),
        "c": None,
    }  # of the last it is not known
    for name, state in states.items():
        out = tmp_path / f"{name}.scored.mp4"
        out.write_bytes(b"film")
        write_cues(replace(cues, conditions=state), cues_path(out))

    class Asking(FakeScorer):
        conditions = Conditions(licences=("own",))

    scorers = KeptScorer()
    scorers.scorer = lambda _: Asking()  # type: ignore[method-assign, assignment, return-value]
    report = score_batch(named, BatchOrder(), kept=scorers)
    assert [film.state for film in report.films] == [FilmState.FINISHED] * 3
    said = "finished by an earlier run without --license own; add --force to score it again"
    assert [film.warnings for film in report.films] == [(), (said,), ()]


def test_a_film_that_was_replaced_after_it_was_scored_counted_as_finished_without_a_word(tmp_path: Path) -> None:
    """The folder held the former film with its music, with exit code 0; a film that was only touched is the same."""
    named = films(tmp_path, "old.mp4", "new.mp4", "touched.mp4", "former.mp4")
    cues = spot_cues(sheet([("Relaxation", 60.0)]), small_library())
    for path in named:
        out = path.with_name(f"{path.stem}.scored.mp4")
        out.write_bytes(b"film")
        write_cues(replace(cues, film=replace(cues.film, fingerprint=fingerprint(path))), cues_path(out))
        os.utime(out, (1e9, 1e9))
    named[1].write_bytes(b"a longer cut")
    (tmp_path / "later").write_bytes(b"an earlier export, moved here now")
    os.utime(tmp_path / "later", (5e8, 5e8))
    (tmp_path / "later").replace(named[3])
    report = score_batch(named, BatchOrder())
    assert [film.state for film in report.films] == [FilmState.FINISHED] * 4
    said = "replaced or changed since it was scored; add --force to score it again"
    assert [film.warnings for film in report.films] == [(), (said,), (), (said,)]

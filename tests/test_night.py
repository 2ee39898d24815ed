"""The report of a batch says which films failed, where there is silence, and where the music is second best."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from made_up import sheet, small_library
from soundtrack.documents import cuesheet
from soundtrack.errors import ExitCode
from soundtrack.export.page.night import FilmNight, night_json, night_page
from soundtrack.files.kinds import NIGHTS, PAGE
from soundtrack.pipeline.batch import BatchReport, FilmOutcome, FilmState
from soundtrack.pipeline.night import night_of
from soundtrack.pipeline.sheets.targets import cues_path
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import CueSheet, Silence, Span


@pytest.fixture(scope="module")
def plain() -> CueSheet:
    """A sheet whose every choice is the best."""
    made = spot_cues(sheet([("Sad", 20.0), ("Excited", 20.0)]), small_library())
    cues = tuple(
        replace(
            cue, merit=9.0, facts=None if cue.facts is None else replace(cue.facts, valence_apart=0, arousal_apart=0)
        )
        for cue in made.cues
    )
    return replace(made, cues=cues, silences=(), warnings=())


def outcome(
    folder: Path, name: str, sheet: CueSheet | str | None, *, state: FilmState = FilmState.SCORED
) -> FilmOutcome:
    out = folder / f"{name}.scored.mp4"
    if sheet is not None:
        cues_path(out).write_text(sheet if isinstance(sheet, str) else cuesheet.dumps(sheet), encoding="utf-8")
    return FilmOutcome(f"{name}.mp4", state, str(out))


def test_silence_and_second_best_are_told_with_their_reasons(tmp_path: Path, plain: CueSheet) -> None:
    cue = plain.cues[0]
    (other, *_) = [other for other in plain.alternatives if other.cue_id == cue.cue_id]
    names = {track.track_id: track.title or Path(track.path).name for track in plain.tracks}
    passed_over = replace(
        plain, alternatives=tuple(replace(a, merit=9.5) if a == other else a for a in plain.alternatives)
    )
    assert cue.facts is not None
    far = replace(plain, cues=(replace(cue, facts=replace(cue.facts, arousal_apart=-0.6)), *plain.cues[1:]))
    quiet = (Silence(Span(0.0, 1.5), "short"), Silence(Span(10.0, 18.0), "speech throughout"))
    report = BatchReport(
        (
            outcome(tmp_path, "fine", plain),
            outcome(tmp_path, "passed", passed_over),
            outcome(tmp_path, "far", far),
            outcome(tmp_path, "quiet", replace(plain, silences=quiet)),
        )
    )
    fine, passed, away, silent = night_of(report)
    assert (fine.silences, fine.second_best, fine.n_cues) == ((), (), len(plain.cues))
    (doubt,) = passed.second_best
    assert doubt.cue_id == cue.cue_id and "higher merit" in doubt.reason and names[other.track_id] in doubt.reason
    (doubt,) = away.second_best
    assert doubt.reason == "far from the picture: arousal -0.60"
    assert [silence.reason for silence in silent.silences] == ["speech throughout"]
    told = json.loads(night_json([fine, passed, away, silent]))
    assert (told["scored"], told["with_silence"], told["with_second_best"]) == (4, 1, 2)
    page = night_page([fine, passed, away, silent])
    assert "speech throughout" in page and "arousal -0.60" in page
    assert page.index("quiet.mp4") < page.index("fine.mp4"), "what needs a look comes first"


def test_locked_cues_are_not_second_best(tmp_path: Path, plain: CueSheet) -> None:
    locked = replace(
        plain,
        cues=tuple(replace(cue, locked=True) for cue in plain.cues),
        alternatives=tuple(replace(a, merit=9.5) for a in plain.alternatives),
    )
    (film,) = night_of(BatchReport((outcome(tmp_path, "a", locked),)))
    assert film.second_best == ()


def test_failures_come_first_and_texts_are_escaped(tmp_path: Path, plain: CueSheet) -> None:
    bad = FilmOutcome("<b>.mp4", FilmState.FAILED, None, "<i>torn</i>", "copy it again", ExitCode.INPUT)
    lost = outcome(tmp_path, "lost", None, state=FilmState.FINISHED)
    torn = outcome(tmp_path, "torn", "{", state=FilmState.FINISHED)
    films = night_of(BatchReport((outcome(tmp_path, "fine", plain), bad, lost, torn)))
    page = night_page(films)
    assert page.index("&lt;b&gt;.mp4") < page.index("fine.mp4")
    assert "<i>" not in page and "copy it again" in page
    assert all("not reported" in film.warnings[0] for film in films[2:])
    assert json.loads(night_json(films))["films"][1]["exit_code"] == ExitCode.INPUT


def test_a_report_is_known_by_its_content(tmp_path: Path) -> None:
    for suffix, text in (("html", night_page([])), ("json", night_json([]))):
        path = tmp_path / "night"
        path.write_text(text, encoding="utf-8")
        assert NIGHTS[suffix].is_one(path)
        assert not PAGE.is_one(path)
        assert sum(kind.is_one(path) for kind in NIGHTS.values()) == 1


def test_a_film_with_a_warning_is_not_among_those_with_nothing_to_report() -> None:
    """'No close match in this library' stood in a table headed 'Nothing to report'."""
    best = FilmNight("far.mp4", "scored", "far.scored.mp4", duration_s=9.0, n_cues=1, warnings=("no close match",))
    page = night_page([best, FilmNight("fine.mp4", "scored", "fine.scored.mp4", duration_s=9.0, n_cues=1)])
    assert page.index("far.mp4") < page.index("Nothing to report") < page.index("fine.mp4")


def test_a_film_whose_request_was_understood_has_nothing_to_report() -> None:
    note = "'hopeful, no drums' understood as: hopeful; no drums"
    scored = FilmNight("fine.mp4", "scored", "fine.scored.mp4", duration_s=9.0, n_cues=1, warnings=(note,))
    page = night_page([scored])
    assert page.index("Nothing to report") < page.index("fine.mp4") and "understood as" not in page
    both = night_page([replace(scored, warnings=(note, "no close match"))])
    assert "Nothing to report" not in both and "no close match" in both and "understood as" not in both

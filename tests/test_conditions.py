"""The conditions of a plan are in its cue sheet, and every way back into planning keeps them."""

from __future__ import annotations

import shutil
from dataclasses import fields, replace
from pathlib import Path

import pytest

pytest.importorskip("starlette")

from media_made import Made, ffmpeg
from review_made import lay_out, open_page, planned
from soundtrack import pipeline
from soundtrack.cli.app import run_commands
from soundtrack.cli.choices import say_dropped
from soundtrack.documents import cuesheet, scenesheet
from soundtrack.documents.edits import LockCues, apply
from soundtrack.errors import DependencyError, InputError
from soundtrack.naming.norms import use_words
from soundtrack.pipeline.conform import conform
from soundtrack.pipeline.ducked_vocals import _free, _held, lowers_vocals, under_speech
from soundtrack.pipeline.library.music import open_library
from soundtrack.pipeline.library.permitted import Permit
from soundtrack.pipeline.sheets.conditions import (
    as_in,
    condition_options,
    conditions_of,
    permitted,
    settings_again,
    use_lexicon_of,
    wishes_again,
)
from soundtrack.pipeline.sheets.keeping import keep_locked
from soundtrack.pipeline.sheets.sheet_files import read_cues
from soundtrack.pipeline.sheets.wishes import Wishes
from soundtrack.progress import no_progress
from soundtrack.queries.query import WordWish
from soundtrack.review.leaning import leaned
from soundtrack.review.session import Session, Step, first_step
from soundtrack.review.steps import planned_again
from soundtrack.review.view import UNKNOWN_CONDITIONS, state_of
from soundtrack.review.wished import asked_again, with_mood
from soundtrack.settings import SpottingSettings
from soundtrack.spotting.merit.constraints import MoodWish
from soundtrack.spotting.merit.moods import mood
from soundtrack.types import Conditions, CueSheet, DuckedVocals, GainPoint, Span, VocalStem

ELSEWHERE = {"locks", "silences", "keep", "narration", "keep_voices", "duck_vocals"}
"""Wishes that a sheet holds as cues, silences, a narration, and the files of vocals."""
ASKED = Wishes(
    moods=(MoodWish(Span(1.0, 3.0), mood("tense"), "tense"),),
    words=(WordWish("no drums"), WordWish("hopeful, no drums", Span(4.0, 6.0))),
    avoid=("Jazz",),
    only=("Ambient", "calm"),
    hits=(2.5,),
    avoid_recent=3,
    max_cues=4,
    one_track=True,
    explore=0.25,
    no_explicit=True,
    permit=Permit(frozenset({"own", "cc0"}), frozenset({"de", "none"})),
    subtitles=False,
    faces=False,
    face_weight=0.5,
    allow_spoken=True,
    theme="Main Theme",
)
SETTINGS = SpottingSettings(density="sparse", allow_vocals=True, over_music=True, stretch=0.03, loop=True, seed=7)


@pytest.fixture(scope="module")
def sheet(made: Made) -> CueSheet:
    """Planned without conditions."""
    return planned(made)


@pytest.fixture(scope="module")
def other(made: Made, sheet: CueSheet) -> str:
    """File name of the track that a plan without conditions does not play."""
    played = {Path(track.path).name for track in sheet.tracks if track.track_id == sheet.cues[0].track_id}
    return next(path.name for path in sorted(made.music.iterdir()) if path.name not in played)


def names(sheet: CueSheet) -> set[str]:
    """File names of the tracks that the cues play."""
    played = {cue.track_id for cue in sheet.cues}
    return {Path(track.path).name for track in sheet.tracks if track.track_id in played}


def held(sheet: CueSheet, wishes: Wishes, settings: SpottingSettings = SETTINGS) -> CueSheet:
    """The sheet with conditions, written and read."""
    changed = replace(sheet, conditions=conditions_of(wishes, settings, {}), seed=settings.seed)
    return cuesheet.loads(cuesheet.dumps(changed))


def test_every_option_that_selects_music_comes_back_from_the_sheet(sheet: CueSheet) -> None:
    again = wishes_again(held(sheet, ASKED))
    for name in (f.name for f in fields(Wishes) if f.name not in ELSEWHERE | {"track"}):
        assert getattr(ASKED, name) != getattr(Wishes(), name), f"{name}: asked for nothing"
        assert getattr(again, name) == getattr(ASKED, name), name
    assert wishes_again(held(sheet, Wishes(track=Path("/a/song.mp3")))).track == Path("/a/song.mp3")
    settings = settings_again(held(sheet, ASKED), SpottingSettings())
    for name in ("density", "allow_vocals", "over_music", "stretch", "loop", "seed"):
        assert getattr(settings, name) == getattr(SETTINGS, name), name
    assert wishes_again(replace(sheet, conditions=None)) == Wishes()


def test_conditions_are_shown_as_the_options_that_were_typed(sheet: CueSheet) -> None:
    conditions = held(sheet, ASKED).conditions
    assert conditions is not None
    shown = condition_options(conditions)
    for option in ("--license cc0,own", "--language de,none", "--only Ambient", "--no-explicit", "--stretch 3%"):
        assert option in shown
    for option in ("--mood 0:01.0-0:03.0=tense", "--like 'no drums'", "--no-faces", "--face-weight 0.5"):
        assert option in shown
    assert "--hit 0:02.5" in shown and "--max-cues 4" in shown
    assert condition_options(Conditions()) == []


def test_a_playlist_is_found_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("quiet.m3u").write_text("a.mp3\n")
    wishes = Wishes(only=("quiet.m3u", "Jazz"), words=(WordWish("quiet.m3u"), WordWish("calm " * 90)))
    found = conditions_of(wishes, SpottingSettings(), {})
    assert found.only == (str(tmp_path / "quiet.m3u"), "Jazz")
    assert [m.text for m in found.moods] == [str(tmp_path / "quiet.m3u"), "calm " * 90]


def test_the_word_list_of_a_sheet_counts_again_or_is_missed(sheet: CueSheet, tmp_path: Path) -> None:
    words = tmp_path / "own.csv"
    words.write_text("word,valence,arousal\nfernweh,0.5,-0.2\nheimweh,-0.5,-0.2\n")
    use_words({"fernweh": (0.5, -0.2)}, words)
    try:
        kept = held(sheet, Wishes())
        assert kept.conditions is not None and kept.conditions.lexicon == str(words)
        use_words({})
        use_lexicon_of(kept)
        again = conditions_of(Wishes(), SpottingSettings(), {})
        assert again.lexicon == str(words)
        words.unlink()
        with pytest.raises(InputError, match=r"own\.csv"):
            use_lexicon_of(kept)
    finally:
        use_words({})


def test_an_unknown_density_in_a_sheet_is_named(sheet: CueSheet) -> None:
    bad = replace(sheet, conditions=Conditions(density="lots"))
    assert any(
        line.startswith("conditions.density: must be one of sparse, normal, full") for line in cuesheet.faults(bad)
    )


def test_the_page_says_that_an_old_sheet_does_not_state_its_options(
    made: Made, tmp_path: Path, sheet: CueSheet
) -> None:
    old = lay_out(tmp_path, made, replace(sheet, conditions=None))
    assert UNKNOWN_CONDITIONS in str(state_of(Session(old), key="")["warnings"])
    new = tmp_path / "new"
    new.mkdir()
    said = str(state_of(Session(lay_out(new, made, held(sheet, ASKED))), key="")["warnings"])
    assert "--license cc0,own" in said and UNKNOWN_CONDITIONS not in said


def test_moods_of_a_sheet_are_on_the_page_and_can_be_cleared(sheet: CueSheet) -> None:
    scene = sheet.scenes[0]
    tense = MoodWish(scene.span, mood("tense"), "tense")
    step = first_step(held(sheet, replace(ASKED, moods=(*ASKED.moods, tense))))
    assert [(m.span, m.text) for m in step.moods] == [(scene.span, "tense")]
    assert step.hits == ASKED.hits and step.vocals
    texts = [m.text for m in asked_again(step)]
    assert sorted(texts) == sorted(["tense", "no drums", "hopeful, no drums", "tense"])
    cleared = with_mood(step, scene.index, "")
    assert sorted(m.text for m in asked_again(cleared)) == sorted(["tense", "no drums", "hopeful, no drums"])


def test_more_like_this_never_takes_a_track_that_was_excluded(made: Made, sheet: CueSheet, other: str) -> None:
    with open_library(made.index) as library:
        assert len(permitted(sheet, library)) == 2
        assert len(permitted(held(sheet, Wishes(avoid=(other,))), library)) == 1
        assert permitted(held(sheet, Wishes(permit=Permit(frozenset({"cc0"})))), library) == frozenset()
    cue = sheet.cues[0].cue_id
    assert leaned(Step(sheet), cue, is_wanted=False, index=made.index).sheet.cues[0].track_id != sheet.cues[0].track_id
    with pytest.raises(Exception, match="no other track"):
        leaned(Step(held(sheet, Wishes(avoid=(other,)))), cue, is_wanted=False, index=made.index)


def test_keeping_cues_of_a_sheet_names_the_options_that_are_not_taken_over(
    sheet: CueSheet, capsys: pytest.CaptureFixture[str]
) -> None:
    locked = apply(held(sheet, ASKED), LockCues((sheet.cues[0].cue_id,)))
    wishes = Wishes(keep=keep_locked(locked, name="old.json"), no_explicit=True)
    say_dropped(wishes, SpottingSettings(), quiet=False)
    said = capsys.readouterr().err
    assert "old.json was made with" in said and "--license cc0,own" in said and "--no-explicit" not in said
    say_dropped(replace(ASKED, keep=keep_locked(locked)), SETTINGS, quiet=False)
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_plan_again_took_music_that_only_had_excluded(made: Made, sheet: CueSheet, other: str, tmp_path: Path) -> None:
    assert names(sheet) != {other}
    wishes = Wishes(only=(other,))
    first = pipeline.plan_video(made.film, index=made.index, device="cpu", wishes=wishes)
    assert names(first) == {other}
    again = planned_again(made.film, first_step(first), index=made.index, progress=no_progress)
    assert names(again.sheet) == {other}
    assert again.sheet == first, "the same conditions give the same plan"
    page = open_page(lay_out(tmp_path, made, first), made)
    assert f"--only {other}" in str(page.state["warnings"])


@pytest.mark.slow
def test_conform_planned_music_that_only_had_excluded(made: Made, sheet: CueSheet, other: str, tmp_path: Path) -> None:
    old, new = tmp_path / "film.mp4", tmp_path / "new.mp4"
    shutil.copy(made.film, old)
    tail = "smptebars=size=320x180:rate=24:duration=9"
    joined = "[0:v]fps=24,format=yuv420p[a];[1:v]format=yuv420p[b];[a][b]concat=n=2:v=1[v]"
    ffmpeg("-i", old, "-f", "lavfi", "-i", tail, "-filter_complex", joined, "-map", "[v]", "-c:v", "libx264", new)
    wishes = Wishes(only=(other,), hits=(4.0,), moods=(MoodWish(Span(1.0, 5.0), mood("calm"), "calm"),))
    first = pipeline.plan_video(old, index=made.index, device="cpu", wishes=wishes)
    found = conform(first, new, old=old, every=True, index=made.index, device="cpu").sheet
    assert names(found) == {other}
    assert found.conditions is not None and first.conditions is not None
    assert found.conditions.only == (other,)
    assert found.conditions.hits_s == pytest.approx((4.0,), abs=0.05)
    assert found.conditions.moods == (), "the mood is under the kept cue"


def test_vocals_that_were_lowered_are_lowered_again_or_the_plan_is_refused(
    made: Made, sheet: CueSheet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(**_: object) -> None:
        raise DependencyError("no separator of voices and music is installed", hint="install one")

    monkeypatch.setattr("soundtrack.review.steps.find_separator", missing)
    for ducked in (
        replace(sheet, conditions=Conditions(duck_vocals=True)),
        replace(sheet, conditions=None, vocals=DuckedVocals((), ())),
    ):
        assert lowers_vocals(ducked)
        with pytest.raises(DependencyError, match="no separator"):
            planned_again(made.film, Step(ducked), index=made.index, progress=no_progress)
    assert not lowers_vocals(sheet)


def test_files_of_vocals_are_used_again_where_they_hold_enough_and_never_replaced(
    sheet: CueSheet, tmp_path: Path
) -> None:
    name = sheet.cues[0].track_id
    path = tmp_path / "film.vocals-12345678.flac"
    path.write_bytes(b"")
    down = (GainPoint(1.0, 0.0), GainPoint(1.5, -18.0), GainPoint(4.0, -18.0), GainPoint(4.5, 0.0))
    former = replace(sheet, vocals=DuckedVocals((VocalStem(name, str(path)),), down))
    whole = under_speech(former)[name]
    assert set(_held(former, {name: whole})) == {name}
    assert _held(former, {name: [*whole, Span(0.0, 1000.0)]}) == {}
    assert _held(former, {"another": whole}) == {}
    assert _free(path) == tmp_path / "film.vocals-12345678-2.flac"
    _free(path).write_bytes(b"")
    assert _free(path) == tmp_path / "film.vocals-12345678-3.flac"
    path.unlink()
    assert _held(former, {name: whole}) == {} and _free(path) == path


def test_a_sheet_of_spot_stated_the_defaults_of_scenes_whatever_the_film_was_watched_with(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenes, cues, kept = (tmp_path / name for name in ("scenes.json", "cues.json", "kept.json"))
    common = ["--index", str(made.index), "-q"]
    for given, expected in (
        (["--no-subtitles", "--no-faces"], (False, False, 0.0)),
        (["--face-weight", "0.5"], (True, True, 0.5)),
    ):
        assert run_commands(["scenes", str(made.film), "-o", str(scenes), "-q", "--force", *given]) == 0
        assert run_commands(["spot", str(scenes), "-o", str(cues), "--force", *common]) == 0
        stated = read_cues(cues).conditions
        assert stated is not None
        assert (stated.subtitles, stated.faces, stated.face_weight) == expected
        assert run_commands(["cues", "lock", str(cues), "--all", "-q"]) == 0
        capsys.readouterr()
        words = ["spot", str(scenes), "--keep", str(cues), "-o", str(kept), "--force", "--index", str(made.index)]
        assert run_commands(words) == 0
        assert "this plan is made without" not in capsys.readouterr().err, "it is made from the same scenes"
        assert run_commands(["cues", "unlock", str(cues), "--all", "-q"]) == 0


def test_scene_sheets_of_before_state_no_options_and_leave_those_of_the_plan(made: Made) -> None:
    scenes = pipeline.analyse_video(made.film, device="cpu")
    assert as_in(replace(scenes, watched=None), Wishes(subtitles=False)) == Wishes(subtitles=False)
    text = scenesheet.dumps(replace(scenes, watched=None)).replace(',\n  "watched": null', "")
    assert "watched" not in text
    assert scenesheet.loads(text).watched is None

"""Cues that stay: the locked cues of an earlier sheet are in the next one as they were, to the sample."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from made_up import library, sheet, small_library, track
from media_made import Made
from soundtrack import pipeline
from soundtrack.cli.app import run_commands
from soundtrack.documents import cuesheet, scenesheet
from soundtrack.documents.edits import LockCues, SetCue, apply
from soundtrack.errors import InputError, OutputError, UsageError
from soundtrack.mix.bed import Music
from soundtrack.mix.plan import plan_mix
from soundtrack.pipeline.film.analyse import Watcher
from soundtrack.pipeline.sheets.keeping import keep_locked, kept_cues
from soundtrack.settings import MIX_RATE_HZ, SpottingSettings
from soundtrack.spotting.merit.constraints import Constraints, Lock, MoodWish
from soundtrack.spotting.merit.moods import mood
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import Cue, CueSheet, FloatArray, SceneSheet, Span

FILMS = [
    [("Sad", 30.0), ("Tension", 26.0), ("Relaxation", 34.0), ("Sad", 21.0)],
    [("Excited", 17.3), ("Fear", 44.1), ("Neutral", 15.0)],
    [("Relaxation", 75.0), ("Excited", 12.0), ("Tension", 190.0)],
]
LIBRARY = small_library()


def locked_cues(of: CueSheet) -> list[Cue]:
    return [cue for cue in of.cues if cue.locked]


@settings(max_examples=10, deadline=None)
@given(
    scenes=st.sampled_from(FILMS),
    seed=st.integers(0, 30),
    explore=st.sampled_from([0.0, 0.6]),
    stretch=st.sampled_from([0.0, 0.1]),
    data=st.data(),
)
def test_locked_cues_come_back_field_by_field_and_sample_by_sample(
    scenes: list[tuple[str, float]], seed: int, explore: float, stretch: float, data: st.DataObject
) -> None:
    film = sheet(scenes)
    before = spot_cues(film, LIBRARY, settings=SpottingSettings(stretch=stretch))
    chosen = data.draw(st.sets(st.sampled_from([c.cue_id for c in before.cues]), min_size=1))
    for cue_id in sorted(chosen):
        before = apply(before, SetCue(cue_id, gain_db=data.draw(st.floats(-12, 6))))
    before = apply(before, LockCues(tuple(sorted(chosen))))
    kept = kept_cues(keep_locked(before), film, former={})
    wishes = Constraints(kept=kept, explore=explore, avoid=frozenset({LIBRARY.track_ids[seed % 12]}))
    after = spot_cues(film, LIBRARY, settings=SpottingSettings(seed=seed), constraints=wishes)
    assert list(cuesheet.faults(after)) == []
    assert locked_cues(after) == locked_cues(before)
    planned = {cue.cue_id: cue for cue in plan_mix(after).cues}
    alone = plan_mix(replace(before, cues=tuple(locked_cues(before)))).cues
    assert [planned[cue.cue_id] for cue in alone] == list(alone)
    names = [cue.cue_id for cue in after.cues]
    assert len(set(names)) == len(names)
    for one, other in itertools.pairwise(after.cues):
        assert other.span.start_s >= one.span.end_s - max(one.fade_out_s, other.fade_in_s) - 1e-6


def fake_audio(path: Path, *, start: int, stop: int, **_: object) -> Iterator[FloatArray]:
    """Noise that depends on the file and the place in it alone."""
    at = np.arange(start, stop, dtype=np.int64)
    mono = ((at * 7919 + sum(str(path).encode()) * 104_729) % 65_521 / 65_521 - 0.5).astype(np.float32)
    yield np.stack([mono, -mono])


def test_the_sound_under_a_kept_cue_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soundtrack.mix.bed.iter_stereo_apart", fake_audio)
    film = sheet(FILMS[0])
    before = apply(spot_cues(film, LIBRARY), LockCues(("1m02",)))
    kept = kept_cues(keep_locked(before), film, former={})
    others = frozenset(cue.track_id for cue in before.cues if not cue.locked)
    after = spot_cues(film, LIBRARY, constraints=Constraints(kept=kept, avoid=others))
    assert {c.track_id for c in after.cues if not c.locked}.isdisjoint(others)
    (cue,) = kept
    following = min(c.span.start_s for s in (before, after) for c in s.cues if c.span.start_s > cue.span.start_s)
    leaving = max(c.span.end_s for s in (before, after) for c in s.cues if c.span.start_s < cue.span.start_s)
    low, high = (round(t * MIX_RATE_HZ) for t in (max(leaving, cue.span.start_s), min(following, cue.span.end_s)))
    assert high - low > 20 * MIX_RATE_HZ
    paths = {track_id: Path(track_id) for track_id in LIBRARY.track_ids}
    heard = []
    for of in (before, after):
        with Music(plan_mix(of), track_paths=paths) as music:
            blocks = [music.block(at, min(at + MIX_RATE_HZ, high)) for at in range(0, high, MIX_RATE_HZ)]
        heard.append(np.concatenate([block.sounding for block in blocks], axis=1)[:, low:])
    assert np.abs(heard[0]).max() > 0.01
    np.testing.assert_array_equal(heard[0], heard[1])


def test_music_beside_a_kept_cue_does_not_crossfade_into_it() -> None:
    """A new cue that started on the kept cue's last sample gave it another fade."""
    film = sheet(FILMS[0])
    first = spot_cues(film, LIBRARY).cues[0]
    ends_on_a_cut = replace(first, span=Span(0.0, 30.0), fade_out_s=0.0, locked=True)
    length = Span(0.0, 30.0).duration_s
    at = first.sections[0].track.start_s
    ends_on_a_cut = replace(ends_on_a_cut, sections=(replace(first.sections[0], track=Span(at, at + length)),))
    after = spot_cues(film, LIBRARY, constraints=Constraints(kept=(ends_on_a_cut,)))
    assert list(cuesheet.faults(after)) == []
    assert after.cues[1].span.start_s == pytest.approx(30.01)
    planned = plan_mix(after).cues[0]
    assert (planned.film_end, planned.fade_out) == (30 * MIX_RATE_HZ, 0)


def test_the_plan_knows_what_kept_cues_play() -> None:
    made = library([track("sad one", ["Sad"] * 12), track("sad two", ["Sad"] * 12, bpm=85)])
    film = sheet([("Sad", 40.0), ("Sad", 40.0)])
    free = spot_cues(film, made, constraints=Constraints(silences=(Span(0.0, 40.0),)))
    best = free.cues[0].track_id
    start = made.tracks()[best].segments[0].span.start_s
    kept = replace(free.cues[0], span=Span(0.0, 40.0), scenes=(0,), fade_out_s=1.0, locked=True)
    kept = replace(kept, sections=(replace(kept.sections[0], track=Span(start, start + 40.0)),))
    after = spot_cues(film, made, constraints=Constraints(kept=(kept,)))
    assert [cue.track_id == best for cue in after.cues] == [True, False]
    alone = spot_cues(film, made, constraints=Constraints(kept=(kept,), one_track=True))
    assert {cue.track_id for cue in alone.cues} == {best}
    assert len(spot_cues(film, made, constraints=Constraints(kept=(kept,), max_cues=1)).cues) == 1
    barred = spot_cues(film, made, constraints=Constraints(kept=(kept,), avoid=frozenset({best})))
    assert barred.cues[0].track_id == best
    assert best not in {cue.track_id for cue in barred.cues[1:]}
    assert any("despite --avoid" in line for line in barred.warnings)
    for made_sheet in (after, barred):
        for cue in made_sheet.cues[1:]:
            assert cue.merit == pytest.approx(sum(term.value for term in cue.why), abs=1e-3)


@pytest.fixture(scope="module")
def before() -> CueSheet:
    """A sheet whose second cue, from 0:30 to 0:51, is locked."""
    return apply(spot_cues(sheet(FILMS[0]), LIBRARY), LockCues(("1m02",)))


def test_demands_that_contradict_a_kept_cue_are_refused(before: CueSheet) -> None:
    film = sheet(FILMS[0])
    (kept,) = locked_cues(before)
    other = next(t for t in LIBRARY.track_ids if t != kept.track_id)
    tense = mood("tense")
    base = Constraints(kept=(kept,))
    wrong = {
        "1m02 is kept from 0:30.0 to 0:51.0, where --silence 0:40.0-0:45.0 requests silence": replace(
            base, silences=(Span(40.0, 45.0),)
        ),
        "where --lock 0:40.0 requests another track": replace(base, locks=(Lock(40.0, other),)),
        "where --mood 0:32.0-0:50.0 requests a mood": replace(base, moods=(MoodWish(Span(32.0, 50.0), tense),)),
        "2 locked tracks and kept cues exceed --max-cues 1": replace(base, locks=(Lock(5.0, other),), max_cues=1),
        "one-track conflicts with": replace(base, locks=(Lock(5.0, other),), one_track=True),
        "is not eligible": Constraints(kept=(replace(kept, track_id="f" * 64),)),
    }
    for message, constraints in wrong.items():
        with pytest.raises(UsageError, match=message) as error:
            spot_cues(film, LIBRARY, constraints=constraints)
        assert error.value.hint


def test_demands_that_a_kept_cue_meets_already_are_no_contradiction(before: CueSheet) -> None:
    film = sheet(FILMS[0])
    (kept,) = locked_cues(before)
    same = Constraints(kept=(kept,), locks=(Lock(40.0, kept.track_id),), silences=(Span(60.0, 80.0),))
    after = spot_cues(film, LIBRARY, constraints=same)
    assert kept in after.cues
    half = Constraints(kept=(kept,), moods=(MoodWish(Span(10.0, 50.0), mood("tense")),), hits=(40.0,))
    warned = spot_cues(film, LIBRARY, constraints=half)
    assert any("cue 1m02 is kept; --mood 0:10.0-0:50.0 applies to the rest" in line for line in warned.warnings)
    assert any("cue 1m02 is kept at hit point 0:40.0" in line for line in warned.warnings)


def test_a_sheet_of_another_film_or_without_locks_is_refused(before: CueSheet) -> None:
    film = sheet(FILMS[0])
    keep = keep_locked(before, name="old.json")
    with pytest.raises(InputError, match=r"old\.json: belongs to another film: film\.mp4 \(1:51\.0\), not film\.mp4"):
        kept_cues(keep, sheet(FILMS[1]), former={})
    edited = replace(film, film=replace(film.film, fingerprint="sha256:" + "b" * 64))
    with pytest.raises(InputError, match="with different content"):
        kept_cues(keep, edited, former={})
    with pytest.raises(UsageError, match=r"old\.json: --keep requires at least one locked cue") as error:
        keep_locked(replace(before, cues=tuple(replace(c, locked=False) for c in before.cues)), name="old.json")
    assert error.value.hint == "lock a cue first: `soundtrack cues lock old.json 1m01`"


def test_scenes_that_have_moved_are_named_anew_and_tracks_by_their_present_ids(before: CueSheet) -> None:
    film = sheet([("Sad", 15.0), ("Sad", 15.0), *FILMS[0][1:]])
    (kept,) = kept_cues(keep_locked(before), film, former={before.cues[1].track_id: "e" * 64})
    assert kept.track_id == "e" * 64
    assert kept.scenes == (2,)
    assert replace(kept, track_id=before.cues[1].track_id, scenes=(1,)) == before.cues[1]


# --- commands ----


@pytest.fixture
def at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, before: CueSheet) -> Path:
    """A folder with scenes.json and cues.json, and a library behind the commands."""
    monkeypatch.setattr("soundtrack.pipeline.given.open_library", lambda _, **_options: LIBRARY)
    (tmp_path / "scenes.json").write_text(scenesheet.dumps(sheet(FILMS[0])), encoding="utf-8")
    (tmp_path / "cues.json").write_text(cuesheet.dumps(before), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_spot_keeps_the_locked_cues_of_a_sheet(at_home: Path, before: CueSheet) -> None:
    named = next(t.title for t in before.tracks if t.track_id == before.cues[0].track_id)
    words = ["spot", "scenes.json", "--keep", "cues.json", "--avoid", str(named), "-o", "new.json", "-q"]
    assert run_commands(words) == 0
    after = cuesheet.loads((at_home / "new.json").read_text(encoding="utf-8"))
    assert locked_cues(after) == locked_cues(before)
    assert after.cues[0].track_id != before.cues[0].track_id
    with pytest.raises(UsageError, match="SCENES and --keep cannot both"):
        run_commands(["spot", "--keep", "-"])
    with pytest.raises(UsageError, match=r"cues\.json"):
        run_commands(["spot", "scenes.json", "--keep", "cues.json", "-o", "cues.json", "--force"])


def test_force_lost_cues_that_were_locked_by_hand_without_a_word(
    at_home: Path, before: CueSheet, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`score` says 'add --force', and with it the sheet of an hour on the review page was a new plan."""

    def watched(*_: object, **__: object) -> SceneSheet:
        raise AssertionError("the film was watched")

    held = (at_home / "cues.json").read_text(encoding="utf-8")
    words = ["spot", "scenes.json", "-o", "cues.json", "--force", "-q"]
    with pytest.raises(OutputError, match="a new plan would lose its locked cue") as error:
        run_commands(words)
    assert "cues unlock cues.json --all" in error.value.hint
    monkeypatch.setattr(Watcher, "analyse", watched)
    with pytest.raises(OutputError, match="a new plan would lose"):
        pipeline.score_video(made.film, out=at_home / "f.mp4", cues=at_home / "cues.json", index=made.index, force=True)
    assert (at_home / "cues.json").read_text(encoding="utf-8") == held
    named = next(t.title for t in before.tracks if t.track_id == before.cues[0].track_id)
    with pytest.raises(OutputError, match="a new plan would lose its locked cue"):
        run_commands([*words, "--lock", f"0:05={named}"])  # another lock does not speak for those
    assert run_commands(["cues", "unlock", "cues.json", "--all", "-q"]) == 0
    assert run_commands(words) == 0
    named = next(t.title for t in before.tracks if t.track_id == before.cues[0].track_id)
    again = [*words, "--lock", f"0:05={named}"]
    assert run_commands(again) == run_commands(again) == 0  # the same command as often as wanted


def test_a_batch_keeps_nothing(at_home: Path) -> None:
    (at_home / "list.txt").write_text("a.mp4\n", encoding="utf-8")
    with pytest.raises(UsageError, match="--batch cannot be used with") as error:
        run_commands(["score", "--batch", "list.txt", "--keep", "cues.json"])
    assert "--keep" in str(error.value)


def test_a_sheet_of_another_film_is_refused_before_the_film_is_watched(
    made: Made, monkeypatch: pytest.MonkeyPatch, before: CueSheet
) -> None:
    def watched(*_: object, **__: object) -> SceneSheet:
        raise AssertionError("the film was watched")

    monkeypatch.setattr(Watcher, "analyse", watched)
    with pytest.raises(InputError, match="belongs to another film"):
        pipeline.plan_video(made.film, index=made.index, wishes=pipeline.Wishes(keep=keep_locked(before)))

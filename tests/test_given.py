"""Music that a person names as a file: one song for a film without an index, and one theme for a series."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from made_up import MODEL, library, sheet, small_library, track
from media_made import Made, make_track
from soundtrack import api, pipeline
from soundtrack.errors import InputError, LibraryError, UsageError
from soundtrack.library.heard import Heard, Warned
from soundtrack.pipeline import batch, given
from soundtrack.pipeline.given import GivenMusic, music_for, settings_for
from soundtrack.pipeline.scorer import spot_with
from soundtrack.pipeline.sheets.wishes import LockWish, Wishes
from soundtrack.settings import MixSettings, SpottingSettings
from soundtrack.spotting.merit.constraints import Constraints, Lock
from soundtrack.spotting.plan.spot import NO_CLOSE_MATCH, spot_cues
from soundtrack.types import Span

FILM = sheet([("Tension", 40.0), ("Excited", 50.0), ("Sad", 40.0), ("Fear", 30.0)])


def heard(moods: tuple[str, ...] = ("Relaxation",) * 20, *warnings: Warned) -> tuple[str, Heard]:
    """A quiet piece, as analysed from a file."""
    own = library([track("given", moods, artist="me")], seed=9)
    one = own.all_tracks[0]
    parts = {name: getattr(one, name) for name in ("tags", "audio", "loudness", "analysis", "emotion", "segments")}
    made = Heard(
        **parts, bars=own.bars(one.track_id), vectors=own.embeddings, vector=own.embeddings[0], warnings=warnings
    )
    return one.track_id, made


def test_one_song_fills_the_film_whatever_the_picture_is_like() -> None:
    track_id, made = heard()
    song = GivenMusic(track_id, Path("song.mp3"), made, model=MODEL)
    wishes = Wishes(track=Path("song.mp3"))
    settings = settings_for(wishes, SpottingSettings())
    tracks = list(song.tracks().values())
    cues = spot_cues(FILM, song, settings=settings, constraints=wishes.constraints(tracks)).cues
    assert [cue.track_id for cue in cues] == [track_id]
    assert cues[0].span.start_s < 2.0 and cues[0].span.end_s > 158.0
    assert cues[0].fade_out_s == 0.0  # the song's own ending ends the film


def test_silences_that_are_asked_for_stay_without_the_song() -> None:
    track_id, made = heard()
    song = GivenMusic(track_id, Path("song.mp3"), made, model=MODEL)
    wishes = Wishes(track=Path("song.mp3"), silences=(Span(60.0, 80.0),))
    constraints = wishes.constraints(list(song.tracks().values()))
    cues = spot_cues(FILM, song, settings=settings_for(wishes, SpottingSettings()), constraints=constraints).cues
    assert len(cues) == 2
    assert all(cue.span.end_s <= 60.0 or cue.span.start_s >= 80.0 for cue in cues)


def test_sparse_music_is_still_sparse_with_one_song() -> None:
    sparse = SpottingSettings(density="sparse")
    assert settings_for(Wishes(track=Path("song.mp3")), sparse) is sparse
    assert settings_for(Wishes(), SpottingSettings()) == SpottingSettings()


def test_one_song_is_not_called_the_best_match_of_a_library() -> None:
    """`--track song.mp3 --density sparse` warned of no close match in a library that was never opened."""
    track_id, made = heard()
    song = GivenMusic(track_id, Path("song.mp3"), made, model=MODEL)
    short = sheet([("Fear", 6.0)], speech=[0.9])
    sparse = SpottingSettings(density="sparse")
    cues = spot_with(
        short, song, settings=sparse, mix=MixSettings(), wishes=Wishes(track=Path("song.mp3")), narrated=None
    )
    assert len(cues.cues) == 1 and NO_CLOSE_MATCH not in cues.warnings
    tracks = list(song.tracks().values())
    assert NO_CLOSE_MATCH in spot_cues(short, song, settings=sparse, constraints=Wishes().constraints(tracks)).warnings


@pytest.mark.parametrize(
    "others", [{"only": ("Jazz",)}, {"avoid": ("Jazz",)}, {"theme": "a"}, {"locks": (LockWish(1.0, "a"),)}]
)
def test_one_song_and_a_choice_among_others_contradict_each_other(others: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="--track cannot be used with --"):
        Wishes(track=Path("song.mp3"), **others)  # type: ignore[arg-type]


def test_a_song_beside_the_library_is_one_track_more() -> None:
    track_id, made = heard()
    rest = small_library()
    both = GivenMusic(track_id, Path("theme.mp3"), made, model=MODEL, beside=rest)
    assert both.track_ids == (*rest.track_ids, track_id)
    ids, places = both.rows
    assert len(ids) == len(places) == len(both.embeddings)
    assert np.array_equal(both.embeddings[: len(rest.embeddings)], rest.embeddings)
    assert both.bars(track_id) is made.bars
    assert len(both.bars(rest.track_ids[0]).features)
    assert both.fingerprint != GivenMusic(track_id, Path("theme.mp3"), made, model=MODEL).fingerprint


def test_a_theme_opens_and_closes_the_film_and_leaves_the_rest_to_the_plan() -> None:
    track_id, made = heard()
    both = GivenMusic(track_id, Path("theme.mp3"), made, model=MODEL, beside=small_library())
    wishes = Wishes(theme=track_id)
    constraints = wishes.constraints(list(both.tracks().values()))
    plain = [cue.track_id for cue in spot_cues(FILM, both).cues]
    cues = spot_cues(FILM, both, constraints=constraints).cues
    names = [cue.track_id for cue in cues]
    assert track_id not in plain  # a calm piece, which such a film would never get
    assert names[0] == names[-1] == track_id
    assert {*names} != {track_id}


def test_a_theme_enters_after_the_talk_that_opens_the_film() -> None:
    film = sheet([("Neutral", 40.0), ("Excited", 40.0), ("Sad", 40.0), ("Neutral", 40.0)], speech=[1.0, 0.0, 0.0, 0.9])
    tracks = small_library()
    theme = tracks.track_ids[0]
    cues = spot_cues(film, tracks, constraints=Constraints(theme=theme)).cues
    opening = next(cue for cue in cues if cue.track_id == theme)
    assert 1 in opening.scenes


def test_a_theme_that_is_locked_elsewhere_is_not_repeated_by_force() -> None:
    tracks = small_library()
    theme = tracks.track_ids[0]
    constraints = Constraints(theme=theme, locks=(Lock(60.0, theme),), max_cues=1)
    cues = spot_cues(FILM, tracks, constraints=constraints).cues
    assert [cue.track_id for cue in cues] == [theme]


def test_a_theme_by_a_name_that_the_library_does_not_know_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown track 'nobody knows this'"):
        Wishes(theme="nobody knows this").constraints(list(small_library().tracks().values()))


def test_a_silent_song_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    song = make_track(tmp_path / "song.flac", tempo_bpm=120, notes_hz=[220.0], seconds=2.0)
    monkeypatch.setattr(given, "read_music", lambda *_: heard(("Sad",), Warned.SILENT)[1])
    with pytest.raises(InputError, match=r"song\.flac: no audible music"):
        music_for(Wishes(track=song), None)


def test_paths_are_absolute_for_workers_in_other_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "theme.mp3").touch()
    assert Wishes(track=Path("song.mp3")).absolute().track == tmp_path / "song.mp3"
    assert Wishes(theme="theme.mp3").absolute().theme == str(tmp_path / "theme.mp3")
    assert Wishes(theme="Main Title").absolute().theme == "Main Title"


def test_a_batch_on_a_cluster_with_one_song_needs_no_index_either(tmp_path: Path) -> None:
    assert batch._library_state(tmp_path / "nowhere") == (0, 0)


@pytest.mark.slow
def test_a_film_is_scored_with_a_given_song_where_there_is_no_index(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = tmp_path / "nowhere"
    monkeypatch.setenv("SOUNDTRACK_INDEX", str(nowhere))
    song = make_track(tmp_path / "song.flac", tempo_bpm=120, notes_hz=[220.0, 277.18, 329.63, 440.0])
    scored = api.score(made.film, out=tmp_path / "out.mp4", wishes=Wishes(track=song), device="cpu")
    assert scored.film.is_file() and not nowhere.exists()
    assert [t.path for t in scored.sheet.tracks] == [str(song)]
    again = pipeline.render_video(made.film, scored.sheet, out=tmp_path / "again.mp4")
    assert again.sheet.cues == scored.sheet.cues
    with pytest.raises(UsageError, match="input"):
        api.score(made.film, out=tmp_path / "b.mp4", cues=song, wishes=Wishes(track=song), force=True, device="cpu")


def test_an_index_without_tracks_was_said_to_have_all_0_of_them_excluded(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    (tmp_path / "music").mkdir()
    api.index([tmp_path / "music"], index=folder)
    with pytest.raises(LibraryError, match="the index is empty") as error:
        music_for(Wishes(), folder)
    assert error.value.hint.startswith("run `soundtrack index PATH...")
    with pytest.raises(LibraryError, match="the index is empty"):
        music_for(Wishes(theme="a song"), folder)

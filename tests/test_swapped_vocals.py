"""Music that is chosen after the plan has its vocals lowered like the music that it replaces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from films import make_job
from soundtrack.checkpoints import spleeter_weights
from soundtrack.mix.ducking import duck_vocals
from soundtrack.pipeline.ducked_vocals import swapped_vocals
from soundtrack.pipeline.ground import separators
from soundtrack.pipeline.sheets.sheet_tracks import with_files_beside
from soundtrack.progress import no_progress
from soundtrack.settings import MixSettings
from soundtrack.types import Conditions, CueSheet, DuckedVocals, VocalStem
from test_ducked_vocals import LENGTH_S, SPOKEN, sounds
from test_voices import EXAMPLE, install

__all__ = ["sounds"]


@pytest.fixture
def former(sounds: Path, tmp_path: Path) -> CueSheet:
    """A sheet whose one cue had its vocals lowered."""
    sheet = make_job(sounds / "film.mov", [sounds / "song.wav"]).sheet
    (tmp_path / "old.flac").write_bytes(b"old")
    ducking = duck_vocals([SPOKEN], duration_s=LENGTH_S, settings=MixSettings())
    stem = VocalStem(sheet.cues[0].track_id, str(tmp_path / "old.flac"))
    return replace(sheet, speech=(SPOKEN,), vocals=DuckedVocals((stem,), ducking))


def swapped(former: CueSheet, song: Path) -> CueSheet:
    """The same sheet with another song in the cue."""
    (track,), (cue,) = former.tracks, former.cues
    track = replace(track, track_id="5bfa38fd" * 4, path=str(song), title="other song")
    return replace(former, tracks=(track,), cues=(replace(cue, track_id=track.track_id),))


def test_the_music_of_a_swap_sang_under_speech(site: Path, sounds: Path, former: CueSheet, tmp_path: Path) -> None:
    install(site, EXAMPLE.read_text())
    sheet = swapped(former, sounds / "song.wav")
    with swapped_vocals(sheet, former, beside=tmp_path / "new.cues.json", index=None, progress=no_progress) as lowered:
        assert lowered.vocals is not None
        (stem,) = lowered.vocals.stems
        assert stem.track_id == sheet.cues[0].track_id
    assert Path(stem.path) == tmp_path / "new.vocals-5bfa38fd.flac"
    assert Path(stem.path).stat().st_size > 1000
    assert (tmp_path / "old.flac").read_bytes() == b"old"
    with swapped_vocals(former, former, beside=None, index=None, progress=no_progress) as same:
        assert same is former


def test_vocals_that_moved_with_their_sheet_were_missing(former: CueSheet, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    moved = (tmp_path / "old.flac").rename(tmp_path / "new" / "old.flac")
    found = with_files_beside(former, [tmp_path / "film.mov", tmp_path / "new" / "film.cues.json"])
    assert found.vocals is not None and [stem.path for stem in found.vocals.stems] == [str(moved)]


def test_files_of_a_swap_are_gone_where_nothing_names_them(
    site: Path, sounds: Path, former: CueSheet, tmp_path: Path
) -> None:
    install(site, EXAMPLE.read_text())
    sheet, before = swapped(former, sounds / "song.wav"), sorted(tmp_path.iterdir())
    with swapped_vocals(sheet, former, beside=None, index=None, progress=no_progress) as lowered:
        assert lowered.vocals is not None
        (stem,) = lowered.vocals.stems
        assert Path(stem.path).is_file()
    assert not Path(stem.path).exists()
    with (
        pytest.raises(ZeroDivisionError),
        swapped_vocals(sheet, former, beside=tmp_path / "new.json", index=None, progress=no_progress),
    ):
        raise ZeroDivisionError
    assert sorted(tmp_path.iterdir()) == before


def test_without_a_separator_the_swap_says_that_vocals_stay(
    sounds: Path, former: CueSheet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(separators, "entry_points", lambda _group: iter(()))
    monkeypatch.setattr(separators, "find_spec", lambda _name: None)
    monkeypatch.setattr(spleeter_weights, "PACKAGE", "no-such-package")
    sheet = swapped(former, sounds / "song.wav")
    with swapped_vocals(sheet, former, beside=None, index=None, progress=no_progress) as kept:
        assert "vocals of other song are not lowered" in kept.warnings[-1]
    plain = replace(former, vocals=None, conditions=Conditions())
    with swapped_vocals(sheet, plain, beside=None, index=None, progress=no_progress) as same:
        assert same is sheet

"""Playlists as ``--only`` and ``--avoid``: entries become tracks, what is missing is counted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from made_up import library, sheet, track
from soundtrack.errors import InputError, UsageError
from soundtrack.pipeline import Wishes
from soundtrack.spotting.merit.listed import find_listed
from soundtrack.spotting.plan.spot import spot_cues
from soundtrack.types import Track


def lying_in(folder: Path) -> list[Track]:
    """Three tracks of one folder."""
    folder.mkdir(exist_ok=True)
    made = [track(name, ["Sad"] * 6) for name in ("one", "two", "three")]
    return [replace(t, path=folder / f"{t.tags.title}.mp3") for t in made]


def test_a_playlist_names_tracks_and_says_what_is_missing(tmp_path: Path) -> None:
    made = lying_in(tmp_path / "music")
    (tmp_path / "calm.m3u").write_text("music/one.mp3\nmusic/gone.mp3\n./music/../music/three.mp3\n")
    found = find_listed([str(tmp_path / "calm.m3u")], tracks=made)
    assert found.ids == {made[0].track_id, made[2].track_id}
    assert found.notes == ("calm.m3u: 2 of its 3 files are in the library",)
    both = find_listed([str(tmp_path / "calm.m3u"), "two"], tracks=made)
    assert both.ids == {t.track_id for t in made}


def test_links_are_followed_where_the_plain_path_is_unknown(tmp_path: Path) -> None:
    made = lying_in(tmp_path / "music")
    (tmp_path / "linked").symlink_to(tmp_path / "music")
    (tmp_path / "calm.m3u8").write_text("linked/two.mp3\n")
    found = find_listed([str(tmp_path / "calm.m3u8")], tracks=made)
    assert found.ids == {made[1].track_id}
    assert found.notes == ()


def test_a_copy_was_an_unknown_track_by_its_name_its_folder_and_its_playlist(tmp_path: Path) -> None:
    one, *others = lying_in(tmp_path / "music")
    made = [replace(one, copies=(tmp_path / "wedding" / "dance.mp3",)), *others]
    (tmp_path / "party.m3u").write_text("wedding/dance.mp3\n")
    for name in ("dance.mp3", "Dance", "wedding", str(tmp_path / "wedding"), str(tmp_path / "party.m3u")):
        assert find_listed([name], tracks=made).ids == {one.track_id}
    assert find_listed(["music"], tracks=made).ids == {t.track_id for t in made}


def test_a_playlist_of_other_music_is_an_error(tmp_path: Path) -> None:
    made = lying_in(tmp_path / "music")
    (tmp_path / "other.pls").write_text("[playlist]\nFile1=elsewhere.mp3\nFile2=http://radio.example/\n")
    (tmp_path / "empty.m3u").write_text("#EXTM3U\n")
    with pytest.raises(UsageError, match="its only file is not in") as caught:
        find_listed([str(tmp_path / "other.pls")], tracks=made)
    assert "soundtrack index" in caught.value.hint
    with pytest.raises(UsageError, match="playlist is empty"):
        find_listed([str(tmp_path / "empty.m3u")], tracks=made)
    with pytest.raises(InputError, match="no such file"):
        find_listed([str(tmp_path / "missing.m3u")], tracks=made)


def test_the_plan_obeys_and_the_sheet_tells(tmp_path: Path) -> None:
    made = lying_in(tmp_path / "music")
    (tmp_path / "calm.m3u").write_text("music/two.mp3\nmusic/gone.mp3\n")
    name = str(tmp_path / "calm.m3u")
    only, avoid = (Wishes(**{key: (name,)}).constraints(made) for key in ("only", "avoid"))
    film = sheet([("Sad", 40.0)])
    used = spot_cues(film, library(made), constraints=only)
    assert {cue.track_id for cue in used.cues} == {made[1].track_id}
    assert "calm.m3u: 1 of its 2 files are in the library" in used.warnings
    assert made[1].track_id not in {cue.track_id for cue in spot_cues(film, library(made), constraints=avoid).cues}


def test_a_misspelled_artist_was_an_unknown_track_without_a_suggestion(tmp_path: Path) -> None:
    made = [replace(t, tags=replace(t.tags, artist="Clara Berg", genre="Ambient")) for t in lying_in(tmp_path)]
    for typed, meant in (("Clara Burg", "Clara Berg"), ("ambiet", "Ambient")):
        with pytest.raises(UsageError, match=f"unknown name '{typed}': no track, artist, album, genre") as caught:
            find_listed([typed], tracks=made)
        assert caught.value.hint == f"did you mean {meant!r}?"

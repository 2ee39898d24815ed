"""Names as people write them: several in one tag, accents composed or not, in tags, files, playlists and rules."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

import fake_listener as fake
from made_up import track as made_track
from odd_files import ffmpeg
from soundtrack.cli.app import run_commands
from soundtrack.errors import InputError, Reason, UsageError
from soundtrack.library.search.query import find_track
from soundtrack.library.search.rules import NameRules, Rules
from soundtrack.library.store.store import open_store
from soundtrack.library.tags import read_header
from soundtrack.library.update.build import build_index
from soundtrack.naming.names import as_on_disk, composed, folded, names_in
from soundtrack.naming.playlists import read_playlist
from soundtrack.naming.track_names import find_one_track, find_tracks
from soundtrack.pipeline.ground.film_list import films_of
from soundtrack.spotting.merit.listed import find_listed
from soundtrack.types import Tags, Track

CAFE, CAFE_APART = "Café", "Cafe\u0301"
HANGUL, HANGUL_APART = "한글", unicodedata.normalize("NFD", "한글")
FORMS = [(CAFE, CAFE_APART), (CAFE_APART, CAFE), (HANGUL, HANGUL_APART), (HANGUL_APART, HANGUL)]


def with_tags(name: str = "a.flac", folder: str = "/music", **tags: str) -> Track:
    from dataclasses import replace

    return replace(made_track("a", ["Sad"]), path=Path(folder) / name, tags=Tags(**tags))


def flac_with(path: Path, *comments: str) -> None:
    """A FLAC whose comments hold several values of one name."""
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", "-bitexact", "-map_metadata", "-1", path)
    data = path.read_bytes()
    said = [comment.encode() for comment in comments]
    body = b"\0\0\0\0" + len(said).to_bytes(4, "little") + b"".join(len(s).to_bytes(4, "little") + s for s in said)
    at, out, is_last = 4, data[:4], False
    while not is_last:
        kind, size = data[at], int.from_bytes(data[at + 1 : at + 4], "big")
        is_last = bool(kind & 0x80)
        if kind & 0x7F == 4:
            out += bytes([kind]) + len(body).to_bytes(3, "big") + body
        else:
            out += data[at : at + 4 + size]
        at += 4 + size
    path.write_bytes(out + data[at:])


def test_every_artist_genre_and_the_album_artist_of_a_file_are_known(tmp_path: Path) -> None:
    flac_with(tmp_path / "a.flac", "ARTIST=Anna", "ARTIST=Berta", "GENRE=Ambient", "GENRE=Jazz", "ALBUMARTIST=Gruppe")
    tags = read_header(tmp_path / "a.flac").tags
    assert (tags.artist, tags.genre, tags.album_artist) == ("Anna; Berta", "Ambient; Jazz", "Gruppe")


def test_no_tag_grows_without_end(tmp_path: Path) -> None:
    flac_with(tmp_path / "a.flac", *(f"ARTIST={n} {'x' * 400}" for n in range(200)))
    assert len(read_header(tmp_path / "a.flac").tags.artist or "") <= 500


@pytest.mark.parametrize("name", ["Anna", "berta", "BERTA", "Jazz", "ambient", "Gruppe", "Anna; Berta", "Album"])
def test_any_of_several_names_in_a_tag_can_be_wished_for(name: str) -> None:
    wanted = with_tags(artist="Anna; Berta", genre="Ambient; Jazz", album_artist="Gruppe", album="Album")
    other = with_tags("b.flac", artist="Carla", genre="Folk")
    assert find_tracks(name, tracks=[wanted, other]) == [wanted]
    assert find_listed([name], tracks=[wanted, other]).ids == {wanted.track_id}


@pytest.mark.parametrize(
    ("tag", "names"),
    [
        ("Anna; Berta", {"anna", "berta"}),
        ("Anna;Berta", {"anna", "berta"}),
        ("Anna / Berta", {"anna", "berta"}),
        ("Anna/Berta", {"anna", "berta"}),
        ("Anna feat. Berta", {"anna", "berta"}),
        ("Anna ft. Berta", {"anna", "berta"}),
        ("Anna Featuring Berta", {"anna", "berta"}),
        ("AC/DC", set()),
        ("Anna & Berta", set()),
        ("Feather", set()),
        ("Daft Punk", set()),
    ],
)
def test_the_ways_in_which_taggers_write_several_names(tag: str, names: set[str]) -> None:
    assert set(names_in(tag)) == {folded(tag)} | names


@pytest.mark.parametrize(("typed", "there"), FORMS)
def test_accents_in_either_form_name_the_same_track(typed: str, there: str) -> None:
    for track in (
        with_tags(f"{there}.mp3"),
        with_tags(folder=f"/music/{there}"),
        with_tags(title=there),
        with_tags(artist=f"Anna; {there}"),
        with_tags(album=there),
        with_tags(album_artist=there),
        with_tags(genre=there),
    ):
        assert find_tracks(typed, tracks=[track]) == [track]
    track = with_tags(f"{there}.mp3")
    assert find_tracks(f"/music/{typed}.mp3", tracks=[track]) == [track]
    assert find_one_track(f"music/{typed}.mp3", tracks=[track]) is track
    assert find_listed([typed], tracks=[], playlists={Path(f"/m/{there}.m3u"): ["x"]}).ids == {"x"}


@pytest.mark.parametrize(("typed", "there"), FORMS)
def test_a_playlist_names_files_in_the_other_form(tmp_path: Path, typed: str, there: str) -> None:
    music = tmp_path / there / f"{there}.mp3"
    music.parent.mkdir()
    music.touch()
    mixed = tmp_path / there / f"{typed} {there}.mp3"
    mixed.touch()
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(f"{typed}/{typed}.mp3\n{typed}/{there} {typed}.mp3\n{typed}/none.mp3\n", encoding="utf-8")
    assert read_playlist(playlist)[:2] == [music, mixed]
    track = with_tags(f"{there}.mp3", folder=str(music.parent))
    found = find_listed([str(playlist)], tracks=[track])
    assert found.ids == {track.track_id}


@pytest.mark.parametrize(("typed", "there"), FORMS)
def test_a_rule_and_a_path_on_the_command_line_are_found_in_the_other_form(
    tmp_path: Path, typed: str, there: str
) -> None:
    music = tmp_path / there
    music.mkdir()
    (music / f"{there}.mp3").write_text("song 1 1")
    assert NameRules(Rules(exclude=(f"{typed}.mp3",)), [music]).leaves_out(f"{music}/{there}.mp3")
    (music / ".soundtrackignore").write_text(f"{typed}.*\n", encoding="utf-8")
    assert NameRules(Rules(), [music]).leaves_out(f"{music}/{there}.mp3")
    (music / ".soundtrackignore").unlink()
    assert as_on_disk(tmp_path / typed) == music
    found = as_on_disk(tmp_path / typed)
    build_index([found], tmp_path / "index", model=fake.MODEL, make_listener=fake.make_listener, jobs=1)
    with open_store(tmp_path / "index") as store:
        assert list(store.locations()) == [music / f"{there}.mp3"]  # the bytes of the name stay
        assert find_track(store, str(tmp_path / typed / f"{typed}.mp3"))


@pytest.mark.parametrize(("typed", "there"), FORMS)
def test_films_of_a_list_and_paths_of_every_command_are_found_in_the_other_form(
    tmp_path: Path, typed: str, there: str
) -> None:
    films = tmp_path / there
    films.mkdir()
    (films / f"{there}.mp4").write_bytes(b"no film")
    (films / f"{there}.txt").write_text(f"{typed}.mp4\n", encoding="utf-8")
    assert films_of(films / f"{there}.txt") == (films / f"{there}.mp4",)
    for words in (
        ["verify", f"{typed}.mp4", f"{typed}.mp4"],
        ["scenes", f"{typed}.mp4"],
        ["cues", "check", f"{typed}.txt"],
    ):
        names = [word if word.isascii() else str(tmp_path / typed / word) for word in words]
        with pytest.raises(InputError) as refused:
            run_commands(names)
        assert refused.value.reason is not Reason.MISSING, words


def test_a_name_that_is_not_there_stays_as_it_was_typed(tmp_path: Path) -> None:
    assert as_on_disk(tmp_path / CAFE_APART / "x.mp3") == tmp_path / CAFE_APART / "x.mp3"
    (tmp_path / CAFE).touch()
    (tmp_path / CAFE_APART).touch()
    assert as_on_disk(tmp_path / CAFE_APART) == tmp_path / CAFE_APART  # both are there: the one that was named
    with pytest.raises(UsageError, match="unknown track"):
        find_tracks(CAFE, tracks=[with_tags(title="Cafe")])


def test_a_song_beside_the_library_is_said_to_need_an_index(tmp_path: Path) -> None:
    (tmp_path / "song.mp3").touch()
    with pytest.raises(UsageError) as refused:
        find_tracks(str(tmp_path / "song.mp3"), tracks=[with_tags(title="Another")])
    assert "soundtrack index" in (refused.value.hint or "")
    with pytest.raises(UsageError) as refused:
        find_tracks(str(tmp_path / "gone.mp3"), tracks=[with_tags(title="Another")])
    assert "library list" in (refused.value.hint or "")
    with pytest.raises(UsageError, match="unknown track"):
        find_tracks("a" * 300, tracks=[with_tags(title="Another")])


def test_names_that_are_no_text_are_compared_as_well() -> None:
    assert composed("\udcff" + CAFE_APART) == "\udcff" + CAFE


def test_index_of_a_folder_typed_in_the_other_form(tmp_path: Path) -> None:
    (tmp_path / CAFE_APART).mkdir()
    command = [sys.executable, "-m", "soundtrack", "index", tmp_path / CAFE, "--index", tmp_path / "i"]
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=120)
    assert "no such file or folder" not in done.stderr


def test_commands_that_are_loaded_again_and_again_stay_as_they_are() -> None:
    from soundtrack.cli.app import LateCommand
    from soundtrack.cli.film.cues import app

    before = [info.callback for info in app.registered_commands]
    for _ in range(2):
        LateCommand("cues").load()
    assert [info.callback for info in app.registered_commands] == before

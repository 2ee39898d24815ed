"""Playlists of four kinds: what they name, from where, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soundtrack.errors import InputError, Reason
from soundtrack.naming.playlists import MOST_BYTES, is_playlist, read_playlist

XSPF = '<?xml version="1.0" encoding="UTF-8"?>\n<playlist version="1" xmlns="http://xspf.org/ns/0/">{}</playlist>\n'


def written(folder: Path, name: str, content: str | bytes) -> Path:
    """A playlist in a folder."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def tracks(*locations: str) -> str:
    """An xspf of some locations."""
    inside = "".join(f"<track><location>{where}</location></track>" for where in locations)
    return XSPF.format(
        f"<title>mine</title><location>file:///lists/mine.xspf</location><trackList>{inside}</trackList>"
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.m3u", "#EXTM3U\n#EXTINF:123,Ann - One\none.mp3\n\n../up/two.ogg\n/abs/three.flac\n"),
        ("a.m3u8", "\ufeffone.mp3\r\n../up/two.ogg\r\n/abs/three.flac"),
        ("a.M3U", "one.mp3\r../up/two.ogg\r/abs/three.flac\r"),
        ("a.pls", "[playlist]\nFile2=../up/two.ogg\nTitle1=One\nFile1=one.mp3\nfile10=/abs/three.flac\nVersion=2\n"),
        ("a.xspf", tracks("one.mp3", "../up/two.ogg", "file:///abs/three.flac")),
    ],
)
def test_names_count_from_the_playlist_and_keep_their_order(tmp_path: Path, name: str, content: str) -> None:
    found = read_playlist(written(tmp_path, name, content))
    assert found == [tmp_path / "one.mp3", tmp_path.parent / "up/two.ogg", Path("/abs/three.flac")]


def test_addresses_and_repeats_are_left_out(tmp_path: Path) -> None:
    lines = "http://radio.example/live\nhttps://radio.example/a.mp3\none.mp3\nrtsp://x/y\n./one.mp3\n"
    assert read_playlist(written(tmp_path, "a.m3u", lines)) == [tmp_path / "one.mp3"]
    of_each = tracks("http://radio.example/live", "one.mp3").replace("</track><track>", "")
    assert read_playlist(written(tmp_path, "a.xspf", of_each)) == [tmp_path / "one.mp3"]


@pytest.mark.parametrize("line", ["100%25 calm.mp3", "sub\\song.mp3", "caf\xe9.mp3", "file:///{folder}/a%20b.mp3"])
def test_of_the_ways_to_read_a_name_the_one_with_a_file_counts(tmp_path: Path, line: str) -> None:
    meant = {"1": "100% calm.mp3", "s": "sub/song.mp3", "c": "café.mp3", "f": "a b.mp3"}[line[0]]
    (tmp_path / meant).parent.mkdir(exist_ok=True)
    (tmp_path / meant).touch()
    text = line.replace("/{folder}", str(tmp_path))
    assert read_playlist(written(tmp_path, "a.m3u", text.encode("latin-1"))) == [tmp_path / meant]


def test_names_that_are_no_utf_8_are_found(tmp_path: Path) -> None:
    name = b"caf\xe9.mp3"
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).touch()
    (found,) = read_playlist(written(tmp_path, "a.m3u", name + b"\n"))
    assert os.fsencode(found.name) == name


def test_percent_signs_mean_what_they_say_where_a_file_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "a%20b.mp3").touch()
    assert read_playlist(written(tmp_path, "a.m3u", "a%20b.mp3")) == [tmp_path / "a%20b.mp3"]
    assert read_playlist(written(tmp_path, "a.xspf", tracks("c%20d.mp3"))) == [tmp_path / "c d.mp3"]


def test_a_playlist_of_utf_16_is_read(tmp_path: Path) -> None:
    assert read_playlist(written(tmp_path, "a.m3u8", "one.mp3\r\nzwölf.mp3".encode("utf-16"))) == [
        tmp_path / "one.mp3",
        tmp_path / "zwölf.mp3",
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xspf", "no xml at all"),
        ("a.xspf", "<playlist><trackList>"),
        ("a.xspf", "<html/>"),
        ("a.xspf", '<!DOCTYPE playlist [<!ENTITY a "x"><!ENTITY b "&a;&a;">]>' + tracks("&b;").split("\n", 1)[1]),
        ("a.xspf", '<!DOCTYPE playlist SYSTEM "file:///etc/passwd"><playlist/>'),
        ("a.xspf", '<?xml version="1.0" encoding="klingon"?><playlist/>'),
        ("a.pls", "File1=one.mp3\n"),
    ],
)
def test_what_is_no_playlist_of_its_kind_is_refused(tmp_path: Path, name: str, content: str) -> None:
    with pytest.raises(InputError) as caught:
        read_playlist(written(tmp_path, name, content))
    assert caught.value.reason is Reason.BAD_FORMAT
    assert name in str(caught.value)


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "folder.m3u").mkdir()
    os.mkfifo(tmp_path / "pipe.m3u")
    large = tmp_path / "large.m3u"
    with large.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    reasons = []
    for name in ("none.m3u", "folder.m3u", "pipe.m3u", "large.m3u"):
        with pytest.raises(InputError) as caught:
            read_playlist(tmp_path / name)
        reasons.append(caught.value.reason)
    assert reasons == [Reason.MISSING, Reason.NOT_REGULAR, Reason.NOT_REGULAR, Reason.TOO_LARGE]


def test_other_endings_are_our_own_mistake(tmp_path: Path) -> None:
    assert not is_playlist(tmp_path / "m3u")
    with pytest.raises(ValueError, match="playlist"):
        read_playlist(tmp_path / "song.mp3")


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=300), kind=st.sampled_from(["m3u", "m3u8", "pls", "xspf"]), tagged=st.booleans())
def test_any_bytes_give_paths_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, kind: str, tagged: bool
) -> None:
    head = {"pls": b"[playlist]\nFile1=", "xspf": b"<playlist><track><location>"}.get(kind, b"#EXTM3U\n")
    path = written(tmp_path_factory.getbasetemp(), f"any.{kind}", head + data if tagged else data)
    try:
        found = read_playlist(path)
    except InputError as error:
        assert error.reason is Reason.BAD_FORMAT
        return
    assert all(file.is_absolute() and ".." not in file.parts for file in found)

"""Photos in place of a film: which are read and how, the film that is made of them, and music for pictures."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import made_up
from films import write_track
from soundtrack.errors import InputError
from soundtrack.media.locate import ffmpeg_path, newer_ffmpeg
from soundtrack.media.reading.photo import HEIF_FFMPEG, read_head, read_photo
from soundtrack.media.reading.probe import probe
from soundtrack.media.writing.photo_film import write_photo_film
from soundtrack.pipeline.film.album import is_album, read_album
from soundtrack.pipeline.film.photo_beats import TimedPhotos, on_beats
from soundtrack.types import ByteArray, Cue, CueSheet, MixNotes, Section, Span

ROOT = Path(__file__).resolve().parent.parent
RED, BLUE, GREEN = (250, 10, 10), (10, 10, 250), (10, 200, 10)

_HEIC = """
AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAchtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAADRpbG9j
AAAAAERAAAIAAQAAAAAB7AABAAAAAAAAAEMAAgAAAAACLwABAAAAAAAAAFYAAAA4aWluZgAAAAAAAgAAABVpbmZlAgAAAAABAABodmMxAAAA
ABVpbmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAABB2lwcnAAAADmaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNg
AAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZE
AcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AA
AAACAAAAEHBpeGkAAAAAAwgICAAAAAlpcm90AwAAABlpcG1hAAAAAAAAAAEAAQaBAgMFhIYAAAAaaXJlZgAAAAAAAAAOY2RzYwACAAEAAQAA
AKFtZGF0AAAAPygBr1jm9Oq//+c7v/8qPSH2JRfX/+Kr1X9RO0/8YSVJLUGhOEOoU1kV9AH/X9IQtIF+6STPHCOH8N3q7MGiFAAAAAZFeGlm
AABNTQAqAAAACAACARIAAwAAAAEABgAAh2kABAAAAAEAAAAmAAAAAAABkAMAAgAAABQAAAA4AAAAADIwMjA6MDE6MDIgMDM6MDQ6MDUA
"""
"""A photo of 64 x 48 pixels, red on the left and blue on the right, turned by 90 degrees; taken 2020-01-02 03:04:05."""


def photo(path: Path, *, left: tuple[int, int, int] = RED, right: tuple[int, int, int] = RED, taken: str = "") -> Path:
    """A small picture of two colours; one that is turned is marked by ``-turned`` in its name."""
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:, :32], pixels[:, 32:] = left, right
    exif = Image.Exif()
    if taken:
        exif.get_ifd(0x8769)[36_867] = taken
    if "-turned" in path.name:
        exif[0x0112] = 6
    options = {"quality": 95} if path.suffix == ".jpg" else {}
    Image.fromarray(pixels).save(path, exif=exif, **options)
    return path


def soundtrack(*args: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    command = [sys.executable, "-m", "soundtrack", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=280, check=False)


def test_photos_come_by_time_taken_and_then_by_name(tmp_path: Path) -> None:
    photo(tmp_path / "b10.jpg")
    photo(tmp_path / "b9.png")
    photo(tmp_path / "z.jpg", taken="2019:05:01 10:00:00")
    photo(tmp_path / "a.webp", taken="2021:05:01 10:00:00")
    photo(tmp_path / "nonsense.jpg", taken="0000:00:00 00:00:00")
    (tmp_path / ".hidden").write_text("x")
    assert [p.path.name for p in read_album(tmp_path).photos] == [
        "z.jpg",
        "a.webp",
        "b9.png",
        "b10.jpg",
        "nonsense.jpg",
    ]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_photo_of_a_phone_held_upright_is_upright(tmp_path: Path, suffix: str) -> None:
    path = photo(tmp_path / f"a-turned{suffix}", left=RED, right=BLUE)
    head = read_head(path)
    assert (head.width_px, head.height_px) == (48, 64)
    framed = read_photo(path, sides_px=(16,), frame_px=(96, 64)).framed
    assert framed is not None
    assert framed[8, 48, 0] > 130 > framed[8, 48, 2]
    assert framed[56, 48, 2] > 130 > framed[56, 48, 0]
    assert framed[32, 4].tolist() == [0, 0, 0]


def test_a_heic_photo_is_read_where_ffmpeg_can(tmp_path: Path) -> None:
    path = tmp_path / "a.heic"
    path.write_bytes(base64.b64decode(_HEIC))
    assert read_head(path).taken == "2020:01:02 03:04:05"
    if newer_ffmpeg(HEIF_FFMPEG) is None:
        with pytest.raises(InputError, match="HEIC photos need ffmpeg"):
            read_photo(path, sides_px=(16,))
        return
    (square,) = read_photo(path, sides_px=(16,)).squares
    assert square[2, 8, 0] > 130 > square[2, 8, 2]
    assert square[13, 8, 2] > 130 > square[13, 8, 0]


def test_a_photo_of_16_bits_of_grey_is_not_white(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), 32_768, np.uint16)).save(tmp_path / "grey.png")
    (square,) = read_photo(tmp_path / "grey.png", sides_px=(4,)).squares
    assert abs(int(square.mean()) - 127) <= 1


def test_a_photo_of_20000_pixels_is_read_as_jpeg_and_refused_as_png(tmp_path: Path) -> None:
    Image.new("L", (20_000, 5_000), 200).save(tmp_path / "wide.jpg", quality=30)
    assert read_photo(tmp_path / "wide.jpg", sides_px=(16,)).squares[0].mean() > 190
    Image.new("1", (20_000, 20_000)).save(tmp_path / "huge.png")
    with pytest.raises(InputError, match="20000 x 20000 pixels"):
        read_head(tmp_path / "huge.png")


def test_a_photo_with_broken_exif_is_shown_as_it_is(tmp_path: Path) -> None:
    path = photo(tmp_path / "a-turned.jpg", taken="2020:01:02 03:04:05")
    whole = path.read_bytes()
    broken = whole.replace(b"MM\0*\0\0\0\x08", b"MM\0*\xff\xff\xff\xff").replace(
        b"II*\0\x08\0\0\0", b"II*\0\xff\xff\xff\xff"
    )
    assert broken != whole
    path.write_bytes(broken)
    assert read_head(path).taken == ""
    assert read_photo(path, sides_px=(16,)).squares[0].shape == (16, 16, 3)


def test_what_is_no_photo_in_a_folder_is_skipped_by_name(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "junk.jpg").write_bytes(b"\xff\xd8\xffjunk")
    (tmp_path / "empty.png").touch()
    (tmp_path / "sub").mkdir()
    album = read_album(tmp_path)
    assert [p.path.name for p in album.photos] == ["a.jpg"]
    said = "\n".join(album.warnings)
    assert all(
        name in said for name in ("notes.txt: not a photo", "junk.jpg: damaged", "empty.png: the file is", "sub:")
    )


@pytest.mark.parametrize("names", [[], ["notes.txt"]])
def test_a_folder_without_photos_says_so_in_two_lines(tmp_path: Path, names: list[str]) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in names:
        (folder / name).write_text("x")
    done = soundtrack("score", "photos", "-o", "film.mp4", cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 2
    assert ("its only file is no photo" if names else "the folder is empty") in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["photos"]


def test_photos_as_webm_or_for_a_moment_are_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    photo(tmp_path / "photos" / "a.jpg")
    webm = soundtrack("score", "photos", "-o", "film.webm", cwd=tmp_path)
    assert (webm.returncode, "cannot be written as .webm" in webm.stderr) == (9, True)
    short = soundtrack("score", "photos", "-o", "film.mp4", "--seconds-per-image", "0.1", cwd=tmp_path)
    assert (short.returncode, "invalid time for each photo, 0.1 s" in short.stderr) == (2, True)
    own = soundtrack("score", "photos", "-o", "photos/a.jpg", cwd=tmp_path)
    assert own.returncode == 9


def _plain(colour: tuple[int, int, int]) -> ByteArray:
    return np.broadcast_to(np.array(colour, np.uint8), (48, 64, 3)).copy()


@pytest.mark.parametrize("moves", [False, True])
def test_a_film_of_photos_changes_to_the_frame_with_a_dissolve(tmp_path: Path, moves: bool) -> None:
    film = tmp_path / "film.mp4"
    photos = [_plain(RED), _plain(BLUE), _plain(GREEN)]
    write_photo_film(photos, film, size_px=(64, 48), frames_of=(20, 20, 20), moves=moves)
    info = probe(film)
    assert (info.width_px, info.height_px, info.fps, info.main_audio) == (64, 48, 25, None)
    command = [str(ffmpeg_path()), "-v", "error", "-i", str(film), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    frames = np.frombuffer(raw, np.uint8).reshape(-1, 48, 64, 3)[:, 24, 32].astype(int)
    assert len(frames) == 60
    for at, colour in ((0, RED), (10, RED), (30, BLUE), (50, GREEN), (59, GREEN)):
        assert np.abs(frames[at] - colour).max() < 20
    assert np.abs((frames[19] + frames[20]) / 2 - (np.array(RED) + BLUE) / 2).max() < 25
    reds = frames[14:26, 0]
    assert np.all(np.diff(reds) <= 3)


def test_photos_of_unequal_length_change_where_they_should(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    write_photo_film([_plain(RED), _plain(BLUE), _plain(GREEN)], film, size_px=(64, 48), frames_of=(30, 12, 18))
    command = [str(ffmpeg_path()), "-v", "error", "-i", str(film), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    frames = np.frombuffer(raw, np.uint8).reshape(-1, 48, 64, 3)[:, 24, 32].astype(int)
    assert len(frames) == 60
    for at, colour in ((26, RED), (33, BLUE), (38, BLUE), (45, GREEN), (59, GREEN)):
        assert np.abs(frames[at] - colour).max() < 20
    assert np.abs((frames[29] + frames[30]) / 2 - (np.array(RED) + BLUE) / 2).max() < 30


def _timed(spans: list[tuple[float, float, float]], *, n: int, seconds: float = 4.0, known: bool = True) -> TimedPhotos:
    """Photos under cues (start, end, start in the track) of a track with a beat every 0.7 s and a bar every 2.8 s."""
    film = made_up.sheet([("Sad", n * seconds / 2), ("Excited", n * seconds / 2)])
    beats = tuple(0.7 * i for i in range(200))
    song = made_up.track("song", ["Sad"])
    song = replace(song, analysis=replace(song.analysis, beats_s=beats, downbeats_s=beats[::4]))
    cues = tuple(
        Cue(f"1m{i:02}", Span(start, end), song.track_id, (Section(Span(at, at + end - start)),), 0.0, 0.0, 0.0, (0,))
        for i, (start, end, at) in enumerate(spans, 1)
    )
    sheet = CueSheet(film.film, film.model, "lib", 0, MixNotes(-14.0, -1.0, True, 12.0, 1.0), film.scenes, (), cues)
    return on_beats(sheet, {song.track_id: song} if known else {}, n_photos=n, seconds_per_image=seconds)


def test_photos_change_on_a_start_of_music_a_bar_or_a_beat_and_the_film_stays_as_long() -> None:
    timed = _timed([(0.0, 17.2, 0.0), (19.7, 40.0, 0.0)], n=10)
    changes = [round(sum(timed.frames[:i]) / 25, 2) for i in range(1, 10)]
    assert sum(timed.frames) == 1000
    # a beat at 4.2 (no bar near), a bar at 8.4, a beat at 11.9; the ends of the cues at 17.2 (no: 1.2 s away), 19.7
    assert changes[:5] == [4.2, 8.4, 11.88, 16.08, 19.68]  # to the frame
    for i, (change_s, due_s) in enumerate(zip(changes, range(4, 40, 4), strict=True)):
        assert abs(change_s - due_s) <= 0.5, i
    assert timed.sheet.scenes[0].span.end_s == timed.sheet.scenes[1].span.start_s == 19.68
    assert timed.sheet.scenes[1].span.end_s == 40.0


def test_short_photos_and_unknown_music_move_little_or_not() -> None:
    assert _timed([(0.0, 40.0, 0.0)], n=10, known=False).n_moved == 0
    short = _timed([(0.0, 10.0, 0.3)], n=10, seconds=1.0)
    changes = np.cumsum(short.frames) / 25
    assert np.abs(changes - np.arange(1, 11)).max() <= 0.26 and min(short.frames) >= 12
    assert _timed([(0.0, 4.0, 0.0)], n=1).frames == (100,)


def test_a_folder_and_a_photo_are_albums_and_a_film_is_none(tmp_path: Path) -> None:
    write_photo_film([_plain(RED)], tmp_path / "film.mp4", size_px=(64, 48), frames_of=(12,))
    assert is_album(tmp_path)
    assert is_album(photo(tmp_path / "a.jpg"))
    assert not is_album(tmp_path / "film.mp4")


@pytest.mark.slow
def test_photos_become_a_film_with_music_and_each_is_a_shot(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for i, colour in enumerate((RED, BLUE, GREEN)):
        photo(folder / f"{i}.jpg", left=colour, right=BLUE)
    (folder / "notes.txt").write_text("x")
    (folder / "torn.jpg").write_bytes((folder / "0.jpg").read_bytes()[:700])
    write_track(tmp_path / "song.wav", seconds=20)
    args = ("score", "photos", "-o", "film.mp4", "--seconds-per-image", "3", "--track", "song.wav", "--json")
    done = soundtrack(*args, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["warnings"]) >= 2
    info = probe(tmp_path / "film.mp4")
    assert info.main_audio is not None
    assert info.duration_s == pytest.approx(9.0, abs=0.05)
    sheet = json.loads((tmp_path / "film.cues.json").read_text())
    assert (sheet["film"]["name"], sheet["film"]["duration_s"]) == ("photos.mp4", 9.0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["film.cues.json", "film.mp4", "photos", "song.wav"]


@pytest.mark.slow
def test_scenes_of_photos_and_music_for_a_picture(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg", left=BLUE)
    photo(tmp_path / "b.jpg", left=GREEN)
    read = soundtrack("scenes", ".", cwd=tmp_path)
    assert read.returncode == 0, read.stderr
    sheet = json.loads(read.stdout)
    assert [shot["span"]["start_s"] for shot in sheet["shots"]] == [0.0, 4.0]
    one = soundtrack("scenes", "a.jpg", cwd=tmp_path)
    assert len(json.loads(one.stdout)["shots"]) == 1
    index = ("--index", ROOT / "library_index")
    found = soundtrack("search", "--picture", "a.jpg", "b.jpg", "missing.jpg", "--json", *index, cwd=tmp_path)
    assert found.returncode == 10, found.stderr
    assert "missing.jpg: no such file" in found.stderr
    *answer, missing = json.loads(found.stdout)
    assert missing["picture"] == "missing.jpg" and missing["exit_code"] == 3
    assert [one["picture"] for one in answer] == ["a.jpg", "b.jpg"]
    assert all(
        len(one["tracks"]) == 1 and {"valence", "arousal", "similarity"} <= one["tracks"][0].keys() for one in answer
    )

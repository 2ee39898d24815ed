"""A small copy of a film for a browser: which films need one, its clock, and sound beside its picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from soundtrack.media.reading.probe import probe
from soundtrack.media.writing.previews import COPY_HEIGHT_PX, some_browser_shows, write_small_copy
from soundtrack.review.opening import Shown, shown_film
from sync_films import H264, PCM, run
from sync_meter import measure, picture, sound

PRORES = ("-c:v", "prores_ks", "-profile:v", "0")
FILMS = {
    "prores.mov": (*PRORES, *PCM),
    "late.mkv": (*PRORES, *PCM, "-output_ts_offset", "5"),
    "camera.mts": (*H264, "-c:a", "ac3", "-f", "mpegts"),
    "old.avi": ("-c:v", "mpeg4", "-c:a", "libmp3lame"),
}


def made(path: Path, *options: str) -> Path:
    run("-f", "lavfi", "-i", picture(3), "-f", "lavfi", "-i", sound(3), *options, path)
    return path


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SOUNDTRACK_CACHE", "0")
    return tmp_path / "cache/soundtrack/copies"


def test_a_copy_is_made_once_for_a_film_as_it_is(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOUNDTRACK_CACHE", "1")
    film = made(tmp_path / "a.mov", *FILMS["prores.mov"])
    said: list[str] = []

    def copy() -> Path:
        with shown_film(probe(film), progress=lambda *_: said.append("made")) as shown:
            return shown.path

    first = copy()
    assert first.parent == own_cache
    n = len(said)
    assert copy() == first
    assert len(said) == n > 0
    made(film, *FILMS["prores.mov"], "-t", "2")
    other = copy()
    assert other != first
    assert probe(other).duration_s < 2.5
    monkeypatch.setattr("soundtrack.review.opening.COPIES_BYTES", other.stat().st_size)
    film.rename(tmp_path / "b.mov")
    film = tmp_path / "b.mov"
    last = copy()
    assert list(own_cache.iterdir()) == [last]


@pytest.mark.parametrize("name", FILMS)
def test_a_film_that_no_browser_shows_was_a_black_page(name: str, tmp_path: Path) -> None:
    info = probe(made(tmp_path / name, *FILMS[name]))
    assert not some_browser_shows(info)
    told: list[tuple[int, int]] = []
    with shown_film(info, progress=lambda _stage, done, total: told.append((done, total))) as shown:
        copy = probe(shown.path)
        assert shown.start_s == 0.0
        assert some_browser_shows(copy)
        assert copy.duration_s == pytest.approx(info.duration_s, abs=0.1)
        seen = measure(shown.path)
        assert seen.flashes_s[0] == pytest.approx(measure(info.path).flashes_s[0] - info.start_s, abs=0.03)
        assert len(seen.flashes_s) >= 4
        assert all(abs(late) < 25 for _, late in seen.late_ms())
    assert not shown.path.exists()
    assert told and all(0 <= done <= total for done, total in told)


def test_a_film_that_browsers_show_is_shown_itself_unless_a_copy_is_wanted(tmp_path: Path) -> None:
    large = "scale=1600:1200"
    info = probe(made(tmp_path / "film.mp4", "-vf", large, *H264, "-c:a", "aac"))
    with shown_film(info) as shown:
        assert shown == Shown.itself(info)
    with shown_film(info, small=True) as shown:
        assert probe(shown.path).height_px == COPY_HEIGHT_PX
    silent = probe(made(tmp_path / "silent.mov", "-map", "0:v", *PRORES))
    with shown_film(silent, small=False) as shown:
        assert shown.path == silent.path
    write_small_copy(silent, tmp_path / "copy.mp4")
    assert probe(tmp_path / "copy.mp4").audio_streams == ()

"""The best stretch of a piece of music, and loops: where they are, how long, and what is heard at their ends."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from made_up import bars_of, track
from media_made import ffmpeg, make_track
from soundtrack.cli.app import run_commands
from soundtrack.errors import InputError, NothingFitsError, OutputError, Reason, UsageError
from soundtrack.media.reading.audio import read_audio
from soundtrack.pipeline.excerpt import make_excerpt
from soundtrack.spotting.fit.excerpt import RING_S, best_excerpt, best_loop
from soundtrack.types import BarTable, Ending

SONG = track("song", ["Excited"] * 12)  # two minutes, bars of two seconds
BARS = bars_of(SONG)
EVEN = np.zeros(len(BARS.features), np.float32)


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bars of two seconds for 40 seconds."""
    path = tmp_path_factory.mktemp("song") / "song.flac"
    return make_track(path, tempo_bpm=120, notes_hz=[220.0, 277.18, 329.63, 440.0], seconds=40.0)


@pytest.mark.parametrize("wanted_s", [6.0, 15.0, 30.0, 59.5])
def test_a_stretch_is_as_long_as_asked_for_and_begins_and_ends_on_bars(wanted_s: float) -> None:
    found = best_excerpt(BARS, SONG.analysis, EVEN, wanted_s=wanted_s)
    assert found is not None
    lines = BARS.bar_starts_s.tolist()
    assert found.span.start_s in lines and found.bars_end_s in lines
    if found.ends_with_track:
        assert wanted_s - 2.0 < found.span.duration_s <= wanted_s
    else:
        assert found.span.duration_s == pytest.approx(wanted_s)
        assert RING_S <= found.span.end_s - found.bars_end_s <= 2.0 + RING_S


def test_the_loud_part_is_taken_and_begins_where_it_begins() -> None:
    analysis = replace(SONG.analysis, ending=Ending.CUT, sections_s=(0.0, 40.0, 72.0))
    levels = EVEN.copy()
    levels[:20] = -15.0
    levels[36:] = -9.0
    found = best_excerpt(BARS, analysis, levels, wanted_s=30.0)
    assert found is not None and found.span.start_s == 40.0


def test_no_stretch_lies_in_a_fade_or_over_a_hole() -> None:
    analysis = replace(SONG.analysis, ending=Ending.FADE, sections_s=(0.0,))
    levels = EVEN.copy()
    levels[10:12] = -60.0
    found = best_excerpt(BARS, analysis, levels, wanted_s=40.0)
    assert found is not None and found.span.start_s >= 24.0
    assert found.span.end_s <= analysis.music_end_s - 10.0


def test_a_loop_is_whole_bars_whose_end_goes_on_into_its_beginning() -> None:
    found = best_loop(BARS, SONG.analysis, EVEN, wanted_s=15.0)
    assert found is not None
    assert found.n_bars == 8  # every eighth bar sounds alike
    assert found.span.duration_s == pytest.approx(16.0)
    assert found.loop_quality is not None and found.loop_quality > 0.95


def test_music_without_anything_alike_has_no_loop() -> None:
    rng = np.random.default_rng(1)
    other = BarTable(BARS.bar_starts_s, rng.standard_normal((len(EVEN), 40)).astype(np.float32))
    assert best_loop(other, SONG.analysis, EVEN, wanted_s=15.0) is None


def test_a_song_shorter_than_the_stretch_is_refused(song: Path) -> None:
    assert best_excerpt(BARS, SONG.analysis, EVEN, wanted_s=200.0) is None
    with pytest.raises(NothingFitsError, match=r"song\.flac: only \d+\.\d s of music"):
        make_excerpt(song, seconds=100.0)


def test_the_written_stretch_is_the_song_from_there_to_the_sample_and_fades(song: Path, tmp_path: Path) -> None:
    out = tmp_path / "part.wav"
    made = make_excerpt(song, seconds=12.0, out=out)
    cut = read_audio(out, sample_rate_hz=48_000, channels=2)
    whole = read_audio(song, sample_rate_hz=48_000, channels=2)
    first = round(made.excerpt.span.start_s * 48_000)
    until = round((made.excerpt.bars_end_s - made.excerpt.span.start_s) * 48_000)
    assert cut.shape[1] == round(made.excerpt.span.duration_s * 48_000)
    np.testing.assert_allclose(cut[:, 480 : until - 1], whole[:, first + 480 : first + until - 1], atol=1e-4)
    if not made.excerpt.ends_with_track:
        assert float(np.abs(cut[:, -48:]).max()) < 0.01


def test_a_loop_played_twice_has_no_click_where_it_begins_again(song: Path, tmp_path: Path) -> None:
    out = tmp_path / "loop.wav"
    made = make_excerpt(song, seconds=8.0, loop=True, out=out)
    assert made.excerpt.loop_quality is not None and made.excerpt.loop_quality > 0.8
    loop = read_audio(out, sample_rate_hz=48_000, channels=2)
    twice = np.concatenate([loop, loop], axis=1)
    steps = np.abs(np.diff(twice[0]))
    at = loop.shape[1]
    usual = float(np.percentile(steps[: at - 4_800], 99.9))
    assert float(steps[at - 3 : at + 3].max()) <= usual
    whole = read_audio(song, sample_rate_hz=48_000, channels=2)
    first = round(made.excerpt.span.start_s * 48_000)
    np.testing.assert_allclose(loop[:, 4_800:-4_800], whole[:, first + 4_800 : first + at - 4_800], atol=1e-4)


@pytest.mark.parametrize("name", ["a.flac", "a.mp3"])
def test_other_kinds_of_file_are_written_and_known_again(song: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    made = make_excerpt(song, seconds=5.0, out=out)
    before = out.read_bytes()
    with pytest.raises(OutputError, match="exists"):
        make_excerpt(song, seconds=5.0, out=out)
    assert make_excerpt(song, seconds=5.0, out=out, force=True).excerpt == made.excerpt
    assert out.read_bytes() == before


@pytest.mark.parametrize("name", ["own.wav", "own.flac", "own.mp3"])
def test_other_music_of_the_user_was_replaced_by_an_excerpt_with_force(song: Path, tmp_path: Path, name: str) -> None:
    own = tmp_path / name
    ffmpeg("-i", song, "-t", "1", own)
    before = own.read_bytes()
    with pytest.raises(OutputError, match="is not an excerpt by soundtrack"):
        make_excerpt(song, seconds=5.0, out=own, force=True)
    assert own.read_bytes() == before


def test_the_song_itself_and_files_of_other_kinds_are_never_replaced(song: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is the input itself"):
        make_excerpt(song, seconds=5.0, out=song, force=True)
    letter = tmp_path / "letter.wav"
    letter.write_text("dear", encoding="utf-8")
    with pytest.raises(OutputError):
        make_excerpt(song, seconds=5.0, out=letter, force=True)
    assert letter.read_text(encoding="utf-8") == "dear"
    with pytest.raises(UsageError, match=r"part\.doc: unknown kind of sound file"):
        make_excerpt(song, seconds=5.0, out=tmp_path / "part.doc")
    with pytest.raises(UsageError, match="--seconds must be from 1 to 300"):
        make_excerpt(song, seconds=0.2)


def test_a_text_file_and_a_missing_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "song.mp3").write_text("no music", encoding="utf-8")
    for name in ("song.mp3", "missing.mp3"):
        with pytest.raises(InputError, match=name):
            make_excerpt(tmp_path / name, seconds=5.0)


def test_an_excerpt_was_made_of_a_copy_protected_file(song: Path, tmp_path: Path) -> None:
    path = tmp_path / "song.m4p"
    ffmpeg("-i", song, "-c:a", "aac", "-f", "ipod", path)
    raw = path.read_bytes()
    place = raw.index(b"mp4a", raw.index(b"stsd"))
    path.write_bytes(raw[:place] + b"drms" + raw[place + 4 :])
    with pytest.raises(InputError, match="copy-protected") as refused:
        make_excerpt(path, seconds=8, out=tmp_path / "part.wav")
    assert (refused.value.reason, refused.value.hint) == (Reason.ENCRYPTED, "use a copy without protection")
    assert not (tmp_path / "part.wav").exists()


def test_silence_has_a_stretch_and_is_no_crash(tmp_path: Path) -> None:
    quiet = tmp_path / "quiet.wav"
    ffmpeg("-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo", "-t", "9", quiet)
    try:
        assert make_excerpt(quiet, seconds=4.0).excerpt.span.duration_s <= 4.0
    except NothingFitsError as error:
        assert "quiet.wav" in str(error)


def test_the_command_prints_the_place_as_a_line_or_as_json(song: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_commands(["excerpt", str(song), "--seconds", "8"]) == 0
    assert capfd.readouterr().out.startswith(f"{song}: 0:")
    assert run_commands(["excerpt", str(song), "-s", "8", "--loop", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["path"] is None and found["loop_quality"] > 0.6
    assert found["duration_s"] == pytest.approx(8.0, abs=1.3)

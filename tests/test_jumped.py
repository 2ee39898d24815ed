"""A stretch of a track read by a jump: the samples that decoding from the start gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from soundtrack.errors import InputError
from soundtrack.media.process import file_arg, run_ffmpeg
from soundtrack.media.reading import jumped
from soundtrack.media.reading.audio import read_audio
from soundtrack.media.reading.jumped import iter_jumped, read_jumped

RATE = 48_000
KINDS = {
    "a.wav": [],
    "a.flac": ["-ar", "48000"],
    "cbr.mp3": ["-c:a", "libmp3lame", "-b:a", "128k"],
    "vbr.mp3": ["-c:a", "libmp3lame", "-q:a", "4"],
    "a.opus": ["-c:a", "libopus", "-ar", "48000"],
    "mono.ogg": ["-c:a", "libvorbis", "-ac", "1", "-ar", "22050"],
    "a.ogg": ["-c:a", "libvorbis"],
}


def make(path: Path, *options: str) -> Path:
    """Twelve seconds of tones that change, with noise: windows of every length, and silence nowhere."""
    left = "0.3*sin(880*t*(1+mod(floor(t*3),5)))+0.1*(random(0)-0.5)"
    right = "0.2*sin(500*t)+0.3*gt(mod(t,0.4),0.38)*(random(1)-0.5)"
    source = ["-f", "lavfi", "-i", f"aevalsrc='{left}|{right}':s=44100:d=12"]
    run_ffmpeg([*source, *options, "-y", file_arg(path)], task="making a test file")
    return path


@pytest.mark.parametrize("name", KINDS)
def test_a_jump_gives_the_samples_of_the_whole(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name, *KINDS[name])
    whole = read_audio(path, sample_rate_hz=RATE, channels=2)
    n = whole.shape[1]
    for start in (0, 1000, 3 * RATE + 7, 7 * RATE + 1, n - RATE):
        found = read_jumped(path, sample_rate_hz=RATE, start=start, stop=start + 2 * RATE)
        assert found is not None
        wanted = whole[:, start : start + 2 * RATE]
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_aac_comes_at_its_place_and_ends_with_its_track(tmp_path: Path) -> None:
    """Its decoder puts random noise where the encoder left noise out, so that no two runs are the same."""
    path = make(tmp_path / "a.m4a", "-c:a", "aac")
    whole = read_audio(path, sample_rate_hz=RATE, channels=2)
    for start in (5 * RATE + 3, whole.shape[1] - RATE):
        found = read_jumped(path, sample_rate_hz=RATE, start=start, stop=start + 2 * RATE)
        assert found is not None
        n = found.shape[1]
        wanted = whole[:, start : start + n]
        assert abs(n - min(2 * RATE, whole.shape[1] - start)) <= 1024
        assert np.sqrt(np.mean((found - wanted) ** 2)) < 0.1 * np.sqrt(np.mean(wanted**2))


def test_blocks_follow_each_other_to_the_end_of_the_track(tmp_path: Path) -> None:
    path = make(tmp_path / "a.ogg", "-c:a", "libvorbis")
    whole = read_audio(path, sample_rate_hz=RATE, channels=2)
    blocks = list(iter_jumped(path, sample_rate_hz=RATE, start=RATE, stop=20 * RATE, block=4 * RATE))
    assert [block.shape[1] for block in blocks[:-1]] == [4 * RATE] * (len(blocks) - 1)
    np.testing.assert_allclose(np.concatenate(blocks, axis=1), whole[:, RATE:], atol=1e-6)


def test_where_time_stamps_do_not_count_samples_the_track_is_decoded_from_its_start(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mka", "-c:a", "flac")
    assert read_jumped(path, sample_rate_hz=RATE, start=RATE, stop=2 * RATE) is None
    whole = read_audio(path, sample_rate_hz=RATE, channels=2)
    blocks = list(iter_jumped(path, sample_rate_hz=RATE, start=RATE, stop=9 * RATE, block=4 * RATE))
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), whole[:, RATE : 9 * RATE])


def test_a_track_of_a_known_kind_is_not_decoded_from_its_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path / "a.ogg", "-c:a", "libvorbis")
    monkeypatch.setattr(jumped, "iter_audio", lambda *_, **__: pytest.fail("decoded from the start"))
    blocks = list(iter_jumped(path, sample_rate_hz=RATE, start=8 * RATE, stop=10 * RATE, block=RATE))
    assert [block.shape for block in blocks] == [(2, RATE)] * 2


def test_what_is_no_sound_says_why(tmp_path: Path) -> None:
    path = tmp_path / "a.ogg"
    path.write_bytes(b"OggS but nothing else")
    with pytest.raises(InputError, match=r"a\.ogg"):
        list(iter_jumped(path, sample_rate_hz=RATE, start=0, stop=RATE, block=RATE))

"""Films in 5.1: the mix is 5.1 as well, music lies in front left and right, and all else is as it was."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from films import RATE, Job, ebur128, ffmpeg, make_job, write_track
from soundtrack.media.checking.verify import compare_streams
from soundtrack.media.reading.audio import read_audio
from soundtrack.media.reading.probe import probe
from soundtrack.media.writing.formats import Fate
from soundtrack.mix.balance import BalanceMeter, loudness_lufs
from soundtrack.mix.render import render_film
from soundtrack.mix.report import RenderReport
from soundtrack.types import Section, Span

SECONDS = 4.0


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each channel says something else, in plain samples."""
    folder = tmp_path_factory.mktemp("surround")
    t = np.arange(round(SECONDS * RATE)) / RATE
    tones = [0.05 * np.sin(2 * np.pi * f * t) * (1 + 0.3 * np.sin(2 * np.pi * 0.7 * t)) for f in (300, 410, 520, 60)]
    tones += [0.03 * np.sin(2 * np.pi * f * t) for f in (710, 830)]
    wavfile.write(folder / "six.wav", RATE, np.stack(tones, axis=1).astype(np.float32))
    picture = ["-f", "lavfi", "-i", f"testsrc2=size=96x54:rate=25:duration={SECONDS}"]
    coding = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "flac"]
    ffmpeg(*picture, "-i", folder / "six.wav", *coding, "-metadata:s:a:0", "language=eng", folder / "film.mkv")
    assert probe(folder / "film.mkv").audio_streams[0].channels == 6
    return folder / "film.mkv"


@pytest.fixture(scope="module")
def job(film: Path) -> Job:
    """Music under the first half only."""
    made = make_job(film, [write_track(film.parent / "t.wav", seconds=8.0)], fades_s=(0.05, 0.2))
    cue = replace(made.sheet.cues[0], span=Span(0.0, 2.0), sections=(Section(Span(1.0, 3.0)),))
    return replace(made, sheet=replace(made.sheet, cues=(cue,)))


def render(job: Job, out: Path, **options: object) -> RenderReport:
    return render_film(probe(job.film), job.sheet, out, track_paths=job.track_paths, **options)  # type: ignore[arg-type] # options are the function's


def layout_of(path: Path) -> str:
    """What ffmpeg calls the channels of the first sound."""
    said = ffmpeg("-i", path, "-map", "0:a:0", "-t", "0.1", "-f", "null", "-")
    found = re.search(r"Audio: [^\n]*?, \d+ Hz, ([^,\n]+)", said)
    assert found is not None
    return found[1]


def test_the_channels_that_get_no_music_are_the_original_times_one_gain(film: Path, job: Job, tmp_path: Path) -> None:
    out = tmp_path / "out.mkv"
    report = render(job, out)
    assert [s.channels for s in probe(out).audio_streams] == [6]
    assert layout_of(out).startswith("5.1")
    assert report.streams.fates[1].fate is Fate.MIXED
    before = read_audio(film, sample_rate_hz=RATE, channels=6)
    after = read_audio(out, sample_rate_hz=RATE, channels=6)
    gain = 10 ** (report.levels.master_gain_db / 20)
    apart = np.abs(after - gain * before)
    rounding = 3 / 32768
    assert apart[2:].max() < rounding, "centre, LFE and surrounds"
    assert apart[:2, round(2.01 * RATE) :].max() < rounding, "front left and right where no music is"
    assert apart[:2, round(0.5 * RATE) : round(1.5 * RATE)].max() > 0.01, "front left and right under music"
    assert compare_streams(film, out).is_same


@pytest.mark.parametrize(
    "suffix", [".mp4", *(pytest.param(s, marks=pytest.mark.slow) for s in (".mov", ".webm", ".ts"))]
)
def test_every_container_gets_its_5_1(film: Path, job: Job, tmp_path: Path, suffix: str) -> None:
    if suffix == ".webm":
        made = tmp_path / "film.webm"
        ffmpeg("-i", film, "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", 8, "-c:a", "libopus",
               "-mapping_family", 1, "-ac", 6, made)  # fmt: skip
        job = replace(job, film=made)
    out = tmp_path / f"out{suffix}"
    report = render(job, out)
    assert layout_of(out).startswith("5.1")
    assert [s.channels for s in probe(out).audio_streams] == [6]
    measured = ebur128(out)
    assert abs(measured.integrated_lufs - job.sheet.mix.target_lufs) < 0.5
    assert abs(measured.integrated_lufs - report.integrated_lufs) < 0.3
    assert measured.true_peak_dbtp <= -0.9


def test_sides_are_surrounds_whatever_the_film_calls_them(job: Job, tmp_path: Path) -> None:
    side = tmp_path / "side.mkv"
    ffmpeg("-i", job.film, "-c:v", "copy", "-c:a", "ac3", "-b:a", "640k", side)
    assert layout_of(side) == "5.1(side)"
    report = render(replace(job, film=side), tmp_path / "out.mkv")
    before = read_audio(side, sample_rate_hz=RATE, channels=6, clock_start_s=probe(side).start_s)[4:]
    after = read_audio(tmp_path / "out.mkv", sample_rate_hz=RATE, channels=6)[4:]
    n = min(before.shape[1], after.shape[1])
    gain = 10 ** (report.levels.master_gain_db / 20)
    assert np.abs(after[:, :n] - gain * before[:, :n]).max() < 3 / 32768


def test_a_stereo_mix_keeps_the_original_beside_it(film: Path, job: Job, tmp_path: Path) -> None:
    report = render(job, tmp_path / "out.mkv", layout="stereo")
    assert [s.channels for s in probe(tmp_path / "out.mkv").audio_streams] == [2, 6]
    assert report.streams.fates[1].fate is Fate.COPIED
    assert compare_streams(film, tmp_path / "out.mkv").is_same


def test_music_and_original_of_a_5_1_mix_lie_beside_it_if_asked(job: Job, tmp_path: Path) -> None:
    render(job, tmp_path / "out.mkv", music_track=True, stems=tmp_path / "stems")
    assert [s.channels for s in probe(tmp_path / "out.mkv").audio_streams] == [6, 6, 2]
    music = read_audio(tmp_path / "stems" / "out.MX.flac", sample_rate_hz=RATE, channels=2)
    original = read_audio(tmp_path / "stems" / "out.DX.flac", sample_rate_hz=RATE, channels=6)
    mix = read_audio(tmp_path / "out.mkv", sample_rate_hz=RATE, channels=6)
    added = original.copy()
    added[:2] += music
    assert np.abs(mix - added).max() < 3 / 32768


def test_stereo_becomes_5_1_only_when_asked(job: Job, tmp_path: Path) -> None:
    stereo = tmp_path / "stereo.mkv"
    ffmpeg("-i", job.film, "-c:v", "copy", "-c:a", "flac", "-ac", 2, stereo)
    made = replace(job, film=stereo)
    render(made, tmp_path / "two.mkv")
    render(made, tmp_path / "six.mkv", layout="5.1")
    assert [s.channels for s in probe(tmp_path / "two.mkv").audio_streams] == [2]
    assert [s.channels for s in probe(tmp_path / "six.mkv").audio_streams] == [6]
    assert not read_audio(tmp_path / "six.mkv", sample_rate_hz=RATE, channels=6)[2:].round(3).any()


def test_loudness_of_5_1_is_that_of_the_standard(film: Path) -> None:
    sound = read_audio(film, sample_rate_hz=RATE, channels=6)
    nothing = np.zeros((2, sound.shape[1]), np.float32)
    meter = BalanceMeter(channels=6)
    meter.push(sound, music=nothing, reference=nothing)
    assert abs(loudness_lufs(meter.result().original) - ebur128(film).integrated_lufs) < 0.15
